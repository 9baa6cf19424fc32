//! Streams that are made while they are read: had once, in order, and cut off anywhere.

use super::clip::{self, Folder};
use super::drive::Drive;
use super::{H264, chosen, in_order, play};
use exstreamtv::demux::Pull;
use exstreamtv::limits;
use exstreamtv::media::Sample;

fn pictures_and_sound(drive: &mut Drive) -> (Vec<Sample>, Vec<Sample>) {
    let (video, audio) = chosen(drive);
    let (samples, error) = drive.play(video, audio, i64::MAX);
    assert_eq!(error, None);
    in_order(&samples);
    samples.into_iter().partition(|one| one.track == video)
}

#[test]
fn what_breaks_off_gives_all_that_came_before() {
    let folder = Folder::new();
    for sound in ["aac", "ac3"] {
        let codecs = format!("-s 64x48 {H264} -c:a {sound}");
        let path = folder.encode("live.ts", "25", 2, &codecs);
        let whole = std::fs::read(&path).unwrap();
        let (pictures, frames) = play(&path);
        let mut most = 0;
        for len in (0..=whole.len()).step_by(379) {
            let Ok(mut drive) = Drive::live(whole[..len].to_vec()) else {
                continue;
            };
            if drive.pull() != Ok(Pull::Ready) {
                continue;
            }
            let (seen, heard) = pictures_and_sound(&mut drive);
            // Where no next one begins, the last one may not be whole.
            let seen = &seen[..seen.len().saturating_sub(1)];
            assert!(pictures.starts_with(seen), "cut at {len}");
            assert!(frames.starts_with(&heard), "cut at {len}");
            most = most.max(seen.len());
        }
        assert!(most + 3 >= pictures.len());
    }
}

#[test]
fn the_time_at_which_it_begins_is_told_as_the_stream_has_it() {
    let folder = Folder::new();
    let film = folder.encode("film.mkv", "25", 3, &format!("{H264} -c:a ac3"));
    for (offset_s, name) in [(0.0, "a"), (12.0, "b"), (5_754.32, "c")] {
        let options = format!("-output_ts_offset {offset_s}");
        let path = folder.copy(&film, &format!("{name}.ts"), &options);
        let mut drive = Drive::live(std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(drive.demuxer.origin_90k(), None);
        drive.movie().unwrap();
        let told_90k = drive.demuxer.origin_90k().unwrap();
        let packets = clip::packets(&path);
        let first = packets
            .iter()
            .find(|packet| packet.stream == 0 && packet.key);
        assert_eq!(told_90k, super::ticks(first.unwrap().pts_ms));
        let (seen, _) = pictures_and_sound(&mut drive);
        assert_eq!(seen[0].pts_90k, 0);
    }
}

/// Whatever it comes in.
#[test]
fn what_comes_once_is_started_once_and_leaves_no_outline() {
    let folder = Folder::new();
    for name in ["film.ts", "film.mkv"] {
        let path = folder.encode(name, "25", 1, &format!("{H264} -c:a aac"));
        let mut drive = Drive::live(std::fs::read(path).unwrap()).unwrap();
        let (video, audio) = chosen(&mut drive);
        drive.demuxer.start(video, audio, 0).unwrap();
        assert!(matches!(drive.pull(), Ok(Pull::Sample(_))), "{name}");
        let again = drive.demuxer.start(video, audio, 0).unwrap_err();
        let words = again.to_string();
        assert!(words.contains("cannot be started again"), "{words}");
        assert!(matches!(drive.pull(), Ok(Pull::Sample(_))), "{name}");
        assert!(drive.demuxer.outline().is_none(), "{name}");
    }
}

/// What a server sends in between, as when its converter fails, costs no more than itself.
#[test]
fn behind_garbage_it_goes_on() {
    let folder = Folder::new();
    let path = folder.encode("film.ts", "25", 6, &format!("{H264} -c:a ac3"));
    let whole = std::fs::read(&path).unwrap();
    let (pictures, frames) = play(&path);
    let middle = whole.len() / 2 / 188 * 188;
    for garbage in [
        vec![0; 100_000],
        b"<html>no</html>".repeat(999),
        vec![0x47; 3_000],
    ] {
        let stream = [&whole[..middle], &garbage, &whole[middle..]].concat();
        let (seen, heard) = pictures_and_sound(&mut Drive::live(stream).unwrap());
        let known = |one: &Sample, all: &[Sample]| all.iter().any(|known| known.data == one.data);
        assert!(seen.iter().all(|one| known(one, &pictures)));
        // Up to the next key frame, and one frame of sound.
        assert!(seen.len() + 26 >= pictures.len(), "{}", seen.len());
        assert!(heard.len() + 2 >= frames.len(), "{}", heard.len());
        assert_eq!(seen.last(), pictures.last());
    }
}

/// A stream of something else is not read for ever in search of packets or pictures.
#[test]
fn little_is_held_before_it_is_ready_or_refused() {
    let folder = Folder::new();
    let path = folder.encode("film.ts", "25", 2, &format!("{H264} -c:a ac3"));
    let whole = std::fs::read(&path).unwrap();
    let head = &whole[..188 * 30];
    for after in [vec![0; 20 << 20], vec![0x47; 20 << 20]] {
        let mut drive = Drive::live([head, &after].concat()).unwrap();
        let _ = drive.movie();
        let read = drive.bytes_read;
        assert!(read <= limits::LIVE_HEAD_BYTES + (64 << 10), "{read}");
    }
}
