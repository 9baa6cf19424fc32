//! Streams that are made while they are read: had once, in order, and cut off anywhere.

use super::clip::{self, Folder};
use super::drive::Drive;
use super::material::Material;
use super::{H264_B, build, chosen, of, play};
use exstreamtv::demux::Pull;
use exstreamtv::limits;
use exstreamtv::media::TrackId;

#[test]
fn what_breaks_off_gives_all_that_came_before() {
    let folder = Folder::new();
    for sound in ["aac", "ac3 -b:a 64k"] {
        let codecs = format!("-c:v libx264 -preset ultrafast -qp 40 -g 12 -bf 2 -c:a {sound}");
        let film = folder.encode("whole.mkv", "25", 1, &codecs);
        let path = folder.pipe(&film, "live.mkv", "-live 1 -cluster_time_limit 200");
        let whole = std::fs::read(&path).unwrap();
        let all = play(&path);
        let mut lengths = Vec::new();
        for len in (0..=whole.len()).step_by(53) {
            let Ok(mut drive) = Drive::live(whole[..len].to_vec()) else {
                continue;
            };
            if drive.pull() != Ok(Pull::Ready) {
                continue;
            }
            let (video, audio) = chosen(&mut drive);
            let (samples, error) = drive.play(video, audio, 0);
            assert_eq!(error, None, "cut at {len}");
            assert!(all.starts_with(&samples), "cut at {len}");
            lengths.push(samples.len());
        }
        assert!(lengths.is_sorted(), "{lengths:?}");
        assert!(lengths.last().unwrap() + 2 >= all.len());
    }
}

#[test]
fn the_time_at_which_it_begins_is_told_as_the_stream_has_it() {
    let folder = Folder::new();
    let film = folder.encode("film.mkv", "24000/1001", 3, &format!("{H264_B} -c:a ac3"));
    for (offset_s, name) in [(0.0, "a"), (12.0, "b"), (5_754.321, "c")] {
        let options = format!("-live 1 -output_ts_offset {offset_s}");
        let path = folder.pipe(&film, &format!("{name}.mkv"), &options);
        let mut drive = Drive::live(std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(drive.demuxer.origin_90k(), None);
        drive.movie().unwrap();
        let told_ms = super::ms(drive.demuxer.origin_90k().unwrap());
        let packets = clip::packets(&path);
        let first = packets
            .iter()
            .find(|packet| packet.stream == 0 && packet.key);
        let first_ms = first.unwrap().pts_ms;
        assert!((told_ms - first_ms).abs() < 0.02, "{told_ms} {first_ms}");
        assert!((told_ms - offset_s * 1_000.0).abs() < 200.0, "{told_ms}");
        // What is given is counted from there, as from a file.
        let (video, audio) = chosen(&mut Drive::new(std::fs::read(&path).unwrap()).unwrap());
        let (samples, _) = drive.play(video, audio, 0);
        assert_eq!(of(&samples, video)[0].pts_90k, 0);
    }
}

/// A converter that was begun again sends another head in the middle.
#[test]
fn a_stream_that_begins_anew_ends_in_words() {
    let material = Material::new();
    let header = [build::info(), build::tracks(&[material.video()])].concat();
    let clusters = material.clusters(2);
    let open = |body: Vec<u8>| build::unsized_element(0x1853_8067, &body);
    let first = open([header.clone(), clusters[0].clone()].concat());
    let anew = [build::head(), open([header, clusters[1].clone()].concat())].concat();
    // The first Cluster of unknown size is ended by the head; so it is with one that says its size.
    let unsized_first = {
        let cluster = build::unsized_element(0x1F43_B675, &clusters[0][9..]);
        let header = [build::info(), build::tracks(&[material.video()])].concat();
        open([header, cluster].concat())
    };
    for first in [first, unsized_first] {
        let stream = [build::head(), first, anew.clone()].concat();
        let mut drive = Drive::live(stream).unwrap();
        drive.movie().unwrap();
        let (samples, error) = drive.play(TrackId(1), None, 0);
        material.assert_pictures(&samples, 0..5);
        let words = error.unwrap().to_string();
        assert!(words.contains("begins anew"), "{words}");
    }
}

/// There is no end of a file against which a length could be checked.
#[test]
fn a_length_that_cannot_be_costs_its_cluster_and_no_more() {
    let material = Material::new();
    let clusters = material.clusters(3);
    let huge = |id: u8| [vec![id, 0x01], vec![0x7F; 7]].concat();
    for broken in [
        huge(0xA3),
        huge(0xA0),
        huge(0xEC),
        huge(0xE7),
        vec![0xFF; 5_000],
    ] {
        let parts = [
            build::info(),
            build::tracks(&[material.video()]),
            clusters[0].clone(),
            build::unsized_element(0x1F43_B675, &[build::uint(0xE7, 200), broken].concat()),
            clusters[2].clone(),
        ];
        let stream = [
            build::head(),
            build::unsized_element(0x1853_8067, &parts.concat()),
        ];
        let samples = Drive::streamed(stream.concat(), TrackId(1), None);
        material.assert_pictures(&samples, (0..5).chain(10..15));
    }
}

/// Sound that comes late, or never, is not waited for longer than memory allows.
#[test]
fn little_is_held_before_it_is_ready() {
    let material = Material::new();
    let void = build::element(0xEC, &vec![0; 300_000]);
    let mut clusters = vec![build::cluster(0, &[material.picture(0, 0), void.clone()])];
    for n in 1..40_u64 {
        clusters.push(build::cluster(n * 200, std::slice::from_ref(&void)));
    }
    let sound = build::simple_block(2, 0, 0x80, &material.sound[0].data);
    clusters.push(build::cluster(8_000, &[sound]));
    let header = [
        build::info(),
        build::tracks(&[material.video(), material.audio(&[])]),
    ];
    let segment = [header.concat(), clusters.concat()].concat();
    let stream = [build::head(), build::unsized_element(0x1853_8067, &segment)].concat();
    let mut drive = Drive::live(stream).unwrap();
    let movie = drive.movie().unwrap();
    assert!(movie.tracks[1].track.audio().is_some());
    let read = drive.bytes_read;
    assert!(read <= limits::LIVE_HEAD_BYTES + (64 << 10), "{read}");
    let (samples, error) = drive.play(TrackId(1), Some(TrackId(2)), 0);
    assert_eq!((samples.len(), error), (2, None));
}

/// Then it begins later than its own time 0, and there is no way to look for a better place.
#[test]
fn the_first_key_frame_may_come_long_after_the_first_picture() {
    let material = Material::new();
    let void = build::element(0xEC, &vec![0; 300_000]);
    let early: Vec<_> = (1..5).map(|n| material.picture(n, 40)).collect();
    let mut clusters = vec![build::cluster(0, &early)];
    for n in 1..10_u64 {
        clusters.push(build::cluster(n * 200, std::slice::from_ref(&void)));
    }
    let late: Vec<_> = (5..10).map(|n| material.picture(n, 40)).collect();
    clusters.push(build::cluster(2_000, &late));
    let header = [build::info(), build::tracks(&[material.video()])].concat();
    let segment = [header, clusters.concat()].concat();
    let stream = [build::head(), build::unsized_element(0x1853_8067, &segment)].concat();
    let samples = Drive::streamed(stream, TrackId(1), None);
    let seen: Vec<_> = samples.iter().map(|sample| &sample.data).collect();
    let meant: Vec<_> = material.pictures[5..10]
        .iter()
        .map(|one| &one.data)
        .collect();
    assert_eq!(seen, meant);
}
