//! Starts in the middle.

use super::clip::{Folder, Packet, packets};
use super::drive::Drive;
use super::{H264_B, HEVC, MPEG2, assert_in_order, assert_is, zero_fine};
use exstreamtv::media::Sync;
use std::path::Path;

/// Every start lands on ffprobe's last key frame at or before the time, with the sound of that
/// instant, and gives the rest of the file but for leading pictures.
fn assert_starts_land(path: &Path, step: usize) {
    let file = std::fs::read(path).unwrap();
    let packets = packets(path);
    let zero = zero_fine(&packets);
    let mut drive = Drive::open(file.clone()).unwrap();
    let (video, audio) = drive.chosen();
    let end = drive.movie().duration_90k + 180_000;
    for time_90k in (-9_000..end).step_by(step) {
        let pictures: Vec<&Packet> = packets.iter().filter(|packet| packet.stream == 0).collect();
        let in_time =
            |packet: &&Packet| packet.key && packet.pts_fine() - zero <= time_90k * 100 + 99;
        let wanted = pictures.iter().rposition(in_time).unwrap_or(0);
        let first = pictures[wanted];
        let next_key = pictures[wanted + 1..].iter().position(|packet| packet.key);
        let next_key = next_key.map_or(pictures.len(), |n| wanted + 1 + n);
        let leading = |packet: &&Packet| packet.pts < first.pts;
        let leading = pictures[wanted..next_key]
            .iter()
            .filter(|packet| leading(packet))
            .count();

        let samples = drive.play(time_90k);
        assert_in_order(&samples);
        let shown: Vec<_> = samples
            .iter()
            .filter(|sample| sample.track == video)
            .collect();
        assert_is(shown[0], first, zero, &file);
        assert_eq!(shown[0].sync, Sync::RandomAccess);
        assert_eq!(
            shown.len(),
            pictures.len() - wanted - leading,
            "from {time_90k}"
        );
        let heard = samples
            .iter()
            .find(|sample| Some(sample.track) == audio)
            .unwrap();
        let instant = shown[0].pts_90k.max(0);
        assert!(
            heard.pts_90k <= instant,
            "{} after {instant}",
            heard.pts_90k
        );
        assert!(heard.pts_90k + i64::from(heard.duration_90k) > instant);
    }
}

#[test]
fn a_start_lands_on_the_last_key_frame_shown_in_time() {
    let folder = Folder::new();
    for (name, coding) in [
        ("a.mp4", format!("{H264_B} -g 10 -c:a aac -ac 2")),
        (
            "b.mp4",
            format!("{H264_B} -g 10 -c:a aac -ac 2 -movflags +negative_cts_offsets"),
        ),
        ("c.mp4", format!("{MPEG2} -c:a mp2 -ac 2")),
        (
            "d.mp4",
            format!("{H264_B} -x264-params open-gop=1 -c:a aac"),
        ),
        ("e.mp4", format!("{HEVC} -c:a ac3")),
    ] {
        assert_starts_land(&folder.clip(name, 5, "25", &coding), 7_919);
    }
}

#[test]
fn a_start_in_fragments_lands_as_well() {
    let folder = Folder::new();
    for (name, flags) in [
        ("a.mp4", "frag_keyframe+empty_moov"),
        ("b.mp4", "frag_keyframe"),
        ("c.mp4", "dash+global_sidx+frag_keyframe+empty_moov"),
        ("d.mp4", "dash+frag_keyframe+empty_moov+skip_trailer"),
        ("e.mp4", "frag_keyframe+empty_moov+separate_moof"),
    ] {
        let coding = format!("{H264_B} -g 10 -c:a aac -ac 2 -movflags {flags}");
        assert_starts_land(&folder.clip(name, 5, "25", &coding), 13_577);
    }
}

#[test]
fn a_start_in_the_middle_reads_little() {
    let folder = Folder::new();
    for (name, flags) in [
        ("front.mp4", "+faststart"),
        ("back.mp4", "+negative_cts_offsets"),
        ("mfra.mp4", "frag_keyframe+empty_moov"),
        ("sidx.mp4", "dash+global_sidx+frag_keyframe+empty_moov"),
    ] {
        let coding = format!("{H264_B} -b:v 800k -c:a aac -ac 2 -movflags {flags}");
        let path = folder.clip(name, 60, "25", &coding);
        let file = std::fs::read(&path).unwrap();
        let mut drive = Drive::open(file.clone()).unwrap();
        drive.start(45 * 90_000);
        let first = drive.pull().unwrap();
        assert!(matches!(first, exstreamtv::demux::Pull::Sample(_)));
        let share = drive.bytes * 100 / file.len();
        assert!(
            drive.bytes < 600_000 && drive.needs < 40,
            "{name}: {share} %, {}",
            drive.needs
        );
    }
}

/// Pictures and sound lie side by side, and so they are read: each byte once, in large pieces.
#[test]
fn playing_reads_each_byte_once_in_large_pieces() {
    let folder = Folder::new();
    let coding = format!("{H264_B} -qp 8 -c:a aac -ac 2 -movflags +faststart");
    let path = folder.clip("a.mp4", 30, "25", &coding);
    let file = std::fs::read(&path).unwrap();
    let mut drive = Drive::open(file.clone()).unwrap();
    let samples = drive.play(0);
    let media: usize = samples.iter().map(|sample| sample.data.len()).sum();
    assert!(media > 2_000_000, "{media}");
    assert!(
        drive.bytes < file.len() * 102 / 100,
        "{} of {}",
        drive.bytes,
        file.len()
    );
    assert!(drive.needs < 60, "{}", drive.needs);
}
