//! The MP4 demuxer against ffmpeg's files and ffprobe's view of them, and against damage.

#![cfg(test)]

#[path = "demux_mp4/boxes.rs"]
mod boxes;
#[path = "demux_mp4/clip.rs"]
mod clip;
#[path = "demux_mp4/drive.rs"]
mod drive;
#[path = "demux_mp4/hand_made.rs"]
mod hand_made;
#[path = "demux_mp4/hostile.rs"]
mod hostile;
#[path = "demux_mp4/seek.rs"]
mod seek;

use clip::{Folder, Packet, packets};
use drive::Drive;
use exstreamtv::media::{
    AudioCodec, AudioTrack, Medium, Role, Sample, Sync, TrackId, TrackKind, VideoCodec, VideoTrack,
};
use std::path::Path;

const H264: &str = "-c:v libx264 -preset ultrafast -g 25 -bf 0 -threads 1";
const H264_B: &str = "-c:v libx264 -preset medium -g 25 -bf 3 -threads 1";
const HEVC: &str = "-c:v libx265 -preset ultrafast -x265-params \
     log-level=error:keyint=25:min-keyint=25:bframes=3:pools=1 -tag:v hvc1";
const MPEG2: &str = "-c:v mpeg2video -g 12 -bf 2 -b:v 400k";

/// 0 of the item on ffprobe's line.
fn zero_fine(packets: &[Packet]) -> i64 {
    let shown = packets
        .iter()
        .filter(|packet| packet.stream == 0 && !packet.discard);
    shown.map(Packet::pts_fine).min().unwrap()
}

fn assert_near(time_90k: i64, fine: i64, what: &Packet) {
    let off = time_90k * 100 - fine;
    assert!(off.abs() <= 200, "{time_90k} is off by {off}/100: {what:?}");
}

/// A sample is the packet: bytes, times, key.
fn assert_is(sample: &Sample, packet: &Packet, zero: i64, file: &[u8]) {
    assert_eq!(sample.data.len(), packet.bytes, "{packet:?}");
    let there = &file[packet.position..packet.position + packet.bytes];
    assert!(sample.data == there, "other bytes: {packet:?}");
    assert_eq!(sample.sync == Sync::RandomAccess, packet.key, "{packet:?}");
    assert_near(sample.pts_90k, packet.pts_fine() - zero, packet);
    assert_near(sample.dts_90k, packet.dts_fine() - zero, packet);
    // Of the last frame of sound ffprobe tells what the decoder leaves of it.
    if packet.stream == 0 {
        let end = packet.end_fine() - packet.pts_fine();
        assert_near(i64::from(sample.duration_90k), end, packet);
    }
}

/// Played from its start, a file gives ffprobe's packets, in the order of decoding.
fn assert_plays_as_probed(path: &Path) -> Drive {
    let file = std::fs::read(path).unwrap();
    let packets = packets(path);
    let zero = zero_fine(&packets);
    let mut drive = Drive::open(file.clone()).unwrap();
    let samples = drive.play(0);
    assert_in_order(&samples);
    let (video, audio) = drive.chosen();
    for (stream, track) in [(0, Some(video)), (1, audio)] {
        let of_track = samples.iter().filter(|sample| Some(sample.track) == track);
        let of_track: Vec<&Sample> = of_track.collect();
        // What is heard before the first picture is left out.
        let wanted =
            |packet: &&Packet| packet.stream == stream && (stream == 0 || packet.end_fine() > zero);
        let of_stream: Vec<&Packet> = packets.iter().filter(wanted).collect();
        assert_eq!(
            of_track.len(),
            of_stream.len(),
            "stream {stream} of {path:?}"
        );
        for (sample, packet) in of_track.into_iter().zip(of_stream) {
            assert_is(sample, packet, zero, &file);
        }
    }
    let shown = packets
        .iter()
        .filter(|packet| packet.stream == 0 && !packet.discard);
    let end = shown.map(Packet::end_fine).max().unwrap() - zero;
    let duration = drive.movie().duration_90k;
    assert!(
        (duration * 100 - end).abs() <= 200,
        "{duration} for {end}/100"
    );
    drive
}

fn assert_in_order(samples: &[Sample]) {
    let mut last_of = std::collections::BTreeMap::<TrackId, i64>::new();
    let mut last = i64::MIN;
    for sample in samples {
        assert!(sample.dts_90k >= last, "{} after {last}", sample.dts_90k);
        assert!(
            sample.pts_90k >= sample.dts_90k,
            "{} {}",
            sample.pts_90k,
            sample.dts_90k
        );
        last = sample.dts_90k;
        if let Some(before) = last_of.insert(sample.track, last) {
            assert!(last > before, "{last} after {before} in one track");
        }
    }
}

fn video(drive: &Drive) -> VideoTrack {
    let (video, _) = drive.chosen();
    let track = drive
        .movie()
        .tracks
        .iter()
        .find(|track| track.track.id == video);
    track.unwrap().track.video().unwrap().clone()
}

fn audio(drive: &Drive) -> AudioTrack {
    let (_, audio) = drive.chosen();
    let track = drive
        .movie()
        .tracks
        .iter()
        .find(|track| Some(track.track.id) == audio);
    track.unwrap().track.audio().unwrap().clone()
}

#[test]
fn h264_and_aac_are_read_with_and_without_reordering() {
    let folder = Folder::new();
    for (name, coding) in [
        ("plain.mp4", format!("{H264} -c:a aac -ac 2")),
        ("reordered.mp4", format!("{H264_B} -c:a aac -ac 2")),
        (
            "front.mp4",
            format!("{H264_B} -c:a aac -ac 2 -movflags +faststart"),
        ),
        ("plain.mov", format!("{H264} -c:a aac -ac 2")),
        ("reordered.mov", format!("{H264_B} -c:a aac -ac 2")),
        (
            "no_edits.mp4",
            format!("{H264_B} -c:a aac -ac 2 -use_editlist 0"),
        ),
        (
            "negative.mp4",
            format!("{H264_B} -c:a aac -ac 2 -movflags +negative_cts_offsets"),
        ),
    ] {
        let path = folder.clip(name, 3, "25", &coding);
        let drive = assert_plays_as_probed(&path);
        let facts = video(&drive);
        assert_eq!(
            (facts.codec, facts.width, facts.height),
            (VideoCodec::H264, 160, 120)
        );
        assert_eq!((facts.bit_depth, facts.frame_duration_90k), (8, 3600));
        let sound = audio(&drive);
        assert_eq!(
            (sound.codec, sound.sample_rate, sound.channels),
            (AudioCodec::Aac, 48_000, 2)
        );
        assert!(
            drive
                .movie()
                .tracks
                .iter()
                .all(|track| !track.config.is_empty())
        );
    }
}

#[test]
fn hevc_and_mpeg2_are_read_with_dolby_and_mpeg_sound() {
    let folder = Folder::new();
    for (name, coding, pictures, sound, channels) in [
        (
            "a.mp4",
            format!("{HEVC} -c:a ac3 -ac 6"),
            VideoCodec::Hevc,
            AudioCodec::Ac3,
            6,
        ),
        (
            "b.mp4",
            format!("{HEVC} -c:a eac3 -ac 2"),
            VideoCodec::Hevc,
            AudioCodec::Eac3,
            2,
        ),
        (
            "c.mp4",
            format!("{MPEG2} -c:a mp2 -ac 2"),
            VideoCodec::Mpeg2,
            AudioCodec::Mp2,
            2,
        ),
        (
            "d.mp4",
            format!("{MPEG2} -c:a libmp3lame -ac 1"),
            VideoCodec::Mpeg2,
            AudioCodec::Mp3,
            1,
        ),
        (
            "e.mov",
            format!("{MPEG2} -c:a ac3 -ac 2"),
            VideoCodec::Mpeg2,
            AudioCodec::Ac3,
            2,
        ),
        (
            "f.mov",
            format!("{H264} -c:a libmp3lame -ac 2"),
            VideoCodec::H264,
            AudioCodec::Mp3,
            2,
        ),
        (
            "g.mov",
            format!("{HEVC} -c:a eac3 -ac 6"),
            VideoCodec::Hevc,
            AudioCodec::Eac3,
            6,
        ),
    ] {
        let path = folder.clip(name, 2, "25", &coding);
        let drive = assert_plays_as_probed(&path);
        let facts = video(&drive);
        assert_eq!(
            (facts.codec, facts.width, facts.height),
            (pictures, 160, 120),
            "{name}"
        );
        assert!(facts.chroma_420);
        let facts = audio(&drive);
        assert_eq!((facts.codec, facts.channels), (sound, channels), "{name}");
        assert_eq!(facts.sample_rate, 48_000);
    }
}

#[test]
fn frame_rates_of_film_and_television_do_not_drift() {
    let folder = Folder::new();
    for (rate, frame) in [
        ("24000/1001", 3754),
        ("25", 3600),
        ("30000/1001", 3003),
        ("50", 1800),
    ] {
        let name = format!("{}.mp4", rate.replace('/', "_"));
        let coding = format!("{H264_B} -c:a aac -ar 44100");
        let path = folder.clip(&name, 8, rate, &coding);
        let drive = assert_plays_as_probed(&path);
        assert_eq!(video(&drive).frame_duration_90k, frame, "{rate}");
    }
}

#[test]
fn fragmented_files_play_like_flat_ones() {
    let folder = Folder::new();
    for (name, flags) in [
        ("a.mp4", "frag_keyframe+empty_moov"),
        ("b.mp4", "frag_keyframe+empty_moov+default_base_moof"),
        ("c.mp4", "frag_keyframe"),
        ("d.mp4", "dash+frag_keyframe+empty_moov"),
        ("e.mp4", "dash+global_sidx+frag_keyframe+empty_moov"),
        ("f.mp4", "frag_keyframe+empty_moov+separate_moof"),
        ("g.mp4", "frag_every_frame+empty_moov+skip_trailer"),
        ("h.mov", "frag_keyframe+empty_moov+delay_moov"),
        (
            "i.mp4",
            "frag_keyframe+separate_moof+omit_tfhd_offset+empty_moov",
        ),
    ] {
        let coding = format!("{H264_B} -c:a aac -ac 2 -movflags {flags}");
        let path = folder.clip(name, 5, "25", &coding);
        let drive = assert_plays_as_probed(&path);
        assert_eq!(video(&drive).frame_duration_90k, 3600, "{name}");
    }
}

/// Here ffprobe shows the pictures two frames late against the sound: it moves composition times
/// where it has to move decoding times.
#[test]
fn negative_offsets_in_fragments_keep_sound_and_pictures_together() {
    let folder = Folder::new();
    let coding = format!("{H264_B} -c:a aac -ac 2 -movflags cmaf+frag_keyframe");
    let path = folder.clip("a.mp4", 5, "25", &coding);
    let mut drive = Drive::open(std::fs::read(&path).unwrap()).unwrap();
    let samples = drive.play(0);
    assert_in_order(&samples);
    let (video, audio) = drive.chosen();
    let packets = packets(&path);
    for (stream, track) in [(0, Some(video)), (1, audio)] {
        let of_track = samples.iter().filter(|sample| Some(sample.track) == track);
        let of_stream: Vec<_> = packets
            .iter()
            .filter(|packet| packet.stream == stream)
            .collect();
        assert_eq!(of_track.clone().count(), of_stream.len());
        let zero = of_stream[0].pts_fine();
        for (sample, packet) in of_track.zip(of_stream) {
            assert_near(sample.pts_90k, packet.pts_fine() - zero, packet);
        }
    }
}

#[test]
fn delays_by_edit_list_are_kept() {
    let folder = Folder::new();
    let source = folder.clip("source.mp4", 3, "25", &format!("{H264_B} -c:a aac -ac 2"));
    let source = source.display();
    for (name, offset_of) in [("late_video.mp4", 0), ("late_audio.mp4", 1)] {
        let offset = |n| if n == offset_of { "-itsoffset 0.7" } else { "" };
        let args = format!(
            "{} -i {source} {} -i {source} -map 0:v -map 1:a -c copy",
            offset(0),
            offset(1)
        );
        assert_plays_as_probed(&folder.make(name, &args));
    }
}

#[test]
fn samples_before_an_edit_are_decoded_at_negative_times() {
    let folder = Folder::new();
    let source = folder.clip("source.mp4", 5, "25", &format!("{H264_B} -c:a aac -ac 2"));
    let args = format!("-ss 1.3 -i {} -c copy", source.display());
    let path = folder.make("cut.mp4", &args);
    let mut drive = Drive::open(std::fs::read(&path).unwrap()).unwrap();
    let packets = packets(&path);
    let zero = zero_fine(&packets);
    let samples = drive.play(0);
    assert_in_order(&samples);
    let (video, audio) = drive.chosen();
    let of = |track| {
        samples
            .iter()
            .filter(move |sample| Some(sample.track) == track)
    };
    let pictures: Vec<_> = of(Some(video)).collect();
    let probed: Vec<_> = packets.iter().filter(|packet| packet.stream == 0).collect();
    assert_eq!(pictures.len(), probed.len());
    assert!(pictures[0].pts_90k < 0 && pictures[0].sync == Sync::RandomAccess);
    assert!(pictures.iter().any(|sample| sample.pts_90k == 0));
    for (sample, packet) in pictures.iter().zip(probed) {
        assert_near(sample.pts_90k, packet.pts_fine() - zero, packet);
    }
    let heard = of(audio).next().unwrap();
    assert!(heard.pts_90k <= 0 && heard.pts_90k + i64::from(heard.duration_90k) > 0);
}

#[test]
fn tracks_are_listed_with_language_title_role_and_reason() {
    let folder = Folder::new();
    let args = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 \
         -f lavfi -i sine=sample_rate=48000:duration=1 \
         -map 0:v -map 1:a -map 1:a -map 1:a -c:v libx264 -preset ultrafast \
         -c:a:0 aac -ac:a:0 2 -c:a:1 ac3 -c:a:2 alac -metadata:s:a:0 language=fra \
         -metadata:s:a:1 language=eng -metadata:s:a:1 title=Director's~Commentary \
         -disposition:a:0 default -disposition:a:1 0 -disposition:a:2 0";
    for name in ["a.mp4", "a.mov"] {
        let path = folder.make(name, args);
        let drive = assert_plays_as_probed(&path);
        let tracks: Vec<_> = drive
            .movie()
            .tracks
            .iter()
            .map(|track| &track.track)
            .collect();
        assert_eq!(tracks.len(), 4);
        assert_eq!(
            (tracks[0].language.as_str(), tracks[0].title.as_deref()),
            ("und", None)
        );
        assert_eq!(
            (tracks[1].language.as_str(), tracks[1].role),
            ("fra", Role::Main)
        );
        assert!(tracks[1].default && !tracks[2].default);
        assert_eq!(
            (tracks[2].language.as_str(), tracks[2].role),
            ("eng", Role::Commentary)
        );
        assert_eq!(tracks[2].title.as_deref(), Some("Director's Commentary"));
        let TrackKind::Other { medium, codec, why } = &tracks[3].kind else {
            panic!("{:?}", tracks[3]);
        };
        assert_eq!(
            (*medium, codec.as_str(), why.as_str()),
            (Medium::Audio, "alac", "this codec cannot be carried")
        );
    }
}

#[test]
fn a_file_without_video_is_refused_in_words() {
    let folder = Folder::new();
    for (name, args) in [
        ("sound.m4a", "-f lavfi -i sine=duration=1 -c:a aac"),
        (
            "old.mp4",
            "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -c:v mpeg4",
        ),
    ] {
        let path = folder.make(name, args);
        let error = Drive::open(std::fs::read(&path).unwrap()).err().unwrap();
        let words = error.to_string();
        assert_eq!(
            words,
            "this file cannot be played: it has no video that can be carried"
        );
    }
}
