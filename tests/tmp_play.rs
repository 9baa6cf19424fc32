use bytes::Bytes;
use exstreamtv::demux::{Demuxer, Pull};
use exstreamtv::media::Container;
#[test]
fn play() {
    for (p, c) in [
        ("/tmp/review1/film/m8.mp4", Container::Mp4),
        ("/tmp/review1/film/m8.mkv", Container::Matroska),
        ("/tmp/review1/film/film.mp4", Container::Mp4),
    ] {
        let file = Bytes::from(std::fs::read(p).unwrap());
        let mut d = Demuxer::new(c, file.len() as u64);
        let (mut n, mut b, mut s, mut small) = (0, 0, 0, 0);
        let mut started = false;
        loop {
            match d.pull().unwrap() {
                Pull::Need(x) => {
                    if n < 30 && p.contains("mkv") {
                        println!("{x:?}");
                    }
                    if n > 100000 {
                        panic!()
                    }
                    n += 1;
                    b += x.len;
                    if x.len < 16384 {
                        small += 1;
                    }
                    let o = x.offset as usize;
                    d.push(x.offset, file.slice(o..o + x.len)).unwrap();
                }
                Pull::Ready => {
                    assert!(!started);
                    started = true;
                    let ids: Vec<_> = d
                        .movie()
                        .unwrap()
                        .tracks
                        .iter()
                        .map(|t| t.track.id)
                        .collect();
                    d.start(ids[0], Some(ids[1]), 0).unwrap();
                    println!("open {n} {b}");
                    n = 0;
                    b = 0;
                }
                Pull::Sample(_) => s += 1,
                Pull::End => break,
            }
        }
        println!(
            "{p}: {s} samples, {n} needs ({small} small), {b} bytes of {}",
            file.len()
        );
    }
}
