//! Channels of clips of some kind, made by ffmpeg.

use crate::support::{EPOCH_MS, item, lineup, number, pictures_of, scheduled_pictures, watch};
use crate::ts_judge;
use exstreamtv::media::{AudioCodec, VideoCodec};
use exstreamtv::model::MediaItem;
use std::path::Path;
use std::process::Command;

/// A clip: its file's name, its size, its length in seconds, and how it is put together.
pub(crate) type Form = (&'static str, &'static str, &'static str, &'static str);

/// Makes clips of some forms, all coded in one way.
pub(crate) fn made(folder: &Path, forms: &[Form], coded: &str) -> Vec<MediaItem> {
    let mut items = Vec::new();
    for (at, (name, size, seconds, how)) in forms.iter().enumerate() {
        let path = folder.join(name);
        let picture = format!("testsrc2=s={size}:r=25");
        let done = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", &picture])
            .args(["-f", "lavfi", "-i", "sine=f=440:r=48000:b=4"])
            .args(["-t", seconds, "-pix_fmt", "yuv420p"])
            .args(coded.split_whitespace())
            .args(how.split_whitespace())
            .arg(&path)
            .status();
        let done = done.expect("ffmpeg is needed: scripts/test installs it");
        assert!(done.success());
        items.push(item(at as i64 + 1, &path));
    }
    items
}

/// Watches a channel of such clips for a while, and gives its stream: it has that profile, every
/// picture is shown, and two judges find nothing.
pub(crate) fn carried(items: Vec<MediaItem>, wanted: (VideoCodec, AudioCodec, u32)) -> Vec<u8> {
    let lineup = lineup(items);
    let schedule = lineup.schedule(number()).unwrap();
    let profile = schedule.profile();
    let audio = profile.audio;
    assert_eq!((profile.video, audio.codec, audio.sample_rate), wanted);
    assert_eq!(schedule.left_out(), []);
    let stream = watch(&lineup, EPOCH_MS, 40);
    ts_judge::judge(&stream).assert_clean();
    assert_eq!(ts_judge::second_opinion(&stream), Vec::<String>::new());
    let expected = scheduled_pictures(&lineup, EPOCH_MS, EPOCH_MS + 50_000);
    let seen = pictures_of(&stream);
    assert!(seen.len() > 40 * 25);
    let pairs = seen.iter().zip(&expected);
    let differs = pairs.clone().position(|(seen, expected)| seen != expected);
    assert_eq!(differs, None);
    stream
}
