//! What a clip holds, as ffprobe reads it: every picture and every frame of sound, with times
//! counted from the first picture that is shown. Where an edit list begins in the middle of a
//! group of pictures, the first ones cannot be decoded without what it hides: there the clip
//! begins at the next key picture.

use super::stream::{picture_print, sound_print};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A coded picture, in the order of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) pts_90k: i64,
    /// Until when it is shown.
    pub(crate) end_90k: i64,
    pub(crate) print: u64,
}

/// A frame of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) pts_90k: i64,
    pub(crate) print: u64,
}

/// A clip's pictures, and its sound where it is AAC.
#[derive(Debug)]
pub(crate) struct Truth {
    /// When all pictures of the file are shown, in the order in which they are: those of a broken
    /// end and hidden ones, too.
    pub(crate) shown_90k: Vec<i64>,
    pub(crate) pictures: Vec<Picture>,
    pub(crate) frames: Vec<Frame>,
    /// When the first picture that can be decoded is shown.
    pub(crate) begins_90k: i64,
    /// Where the file breaks off, if it does: so many pictures and frames come before the first
    /// sample that is not there. What comes behind may be shown or not.
    pub(crate) breaks_off: Option<(usize, usize)>,
}

/// A packet of a file, with its times in ticks of 90 kHz as the file counts them.
#[derive(Clone)]
struct Packet {
    pts_90k: i64,
    dts_90k: i64,
    duration_90k: i64,
    /// Decoding can begin here.
    key: bool,
    /// An edit list hides it.
    hidden: bool,
    /// Where it ends in the file, if it lies in one piece.
    end: usize,
    data: Vec<u8>,
}

impl Truth {
    /// What a whole file holds.
    pub(crate) fn of(path: &Path) -> Self {
        let said = ffprobe(path);
        Self::made_of(&said, |_| true)
    }

    /// What a file holds that breaks off. The first sample that is missing is meant in the order of
    /// decoding: in an MP4 fragment the pictures lie before all of its sound, so that they may be
    /// there and it is not.
    pub(crate) fn of_cut_off(path: &Path) -> Self {
        let said = ffprobe(path);
        let file_bytes = usize::try_from(std::fs::metadata(path).unwrap().len()).unwrap();
        let is_whole = |packet: &Packet| packet.end < file_bytes;
        let (video, sound) = (packets(&said, "h264"), packets(&said, "aac"));
        let until_90k = match video.iter().chain(&sound).find(|packet| !is_whole(packet)) {
            None => i64::MAX,
            Some(broken) => {
                let heard = sound.iter().filter(|packet| is_whole(packet));
                let ends = heard.map(|packet| packet.dts_90k + packet.duration_90k);
                ends.max().unwrap_or(i64::MAX).min(broken.dts_90k)
            }
        };
        let before = |packets: &[Packet]| {
            let missing = packets
                .iter()
                .position(|packet| packet.dts_90k >= until_90k);
            missing.unwrap_or(packets.len())
        };
        Self {
            breaks_off: Some((before(&video), before(&sound))),
            ..Self::made_of(&said, is_whole)
        }
    }

    fn made_of(said: &Value, is_whole: impl Fn(&Packet) -> bool) -> Self {
        let (mut video, mut sound) = (packets(said, "h264"), packets(said, "aac"));
        let shown = video.iter().filter(|packet| !packet.hidden);
        let zero_90k = shown.map(|packet| packet.pts_90k).min().unwrap();
        let mut shown_90k: Vec<i64> = video.iter().map(|one| one.pts_90k - zero_90k).collect();
        shown_90k.sort();
        let can_begin = |packet: &Packet| packet.key && !packet.hidden;
        video.drain(..video.iter().position(can_begin).unwrap());
        let begins_90k = video[0].pts_90k;
        video.retain(|packet| is_whole(packet) && packet.pts_90k >= begins_90k);
        sound.retain(|packet| {
            is_whole(packet) && packet.pts_90k + 2 * packet.duration_90k > begins_90k
        });
        let pictures = video.iter().map(|packet| Picture {
            pts_90k: packet.pts_90k - zero_90k,
            end_90k: packet.pts_90k + packet.duration_90k - zero_90k,
            print: picture_print(length_prefixed(&packet.data)),
        });
        let frames = sound.iter().map(|packet| Frame {
            pts_90k: packet.pts_90k - zero_90k,
            print: sound_print(&packet.data),
        });
        Self {
            shown_90k,
            pictures: pictures.collect(),
            frames: frames.collect(),
            begins_90k: begins_90k - zero_90k,
            breaks_off: None,
        }
    }
}

fn ffprobe(path: &Path) -> Value {
    let out = Command::new("ffprobe")
        .args(["-v", "quiet", "-of", "json"])
        .args(["-show_streams", "-show_packets", "-show_data"])
        .arg(path)
        .output()
        .expect("ffprobe is needed: scripts/test installs it");
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The packets of the stream of a codec.
fn packets(said: &Value, codec: &str) -> Vec<Packet> {
    let streams = said["streams"].as_array().unwrap();
    let Some(stream) = streams.iter().find(|stream| stream["codec_name"] == codec) else {
        return Vec::new();
    };
    let base = stream["time_base"].as_str().unwrap();
    let per_second: i64 = base.strip_prefix("1/").unwrap().parse().unwrap();
    let own = said["packets"].as_array().unwrap().iter();
    let own = own.filter(|packet| packet["stream_index"] == stream["index"]);
    let packet = |packet: &Value| {
        let ticks = |key: &str| packet.get(key).and_then(Value::as_i64);
        let rescaled = |ticks: i64| (ticks * 180_000 + per_second).div_euclid(2 * per_second);
        let pts_90k = rescaled(ticks("pts").expect("a time"));
        let flags = packet["flags"].as_str().unwrap();
        let number = |key: &str| packet[key].as_str().map_or(0, |text| text.parse().unwrap());
        Packet {
            pts_90k,
            dts_90k: ticks("dts").map_or(pts_90k, rescaled),
            duration_90k: rescaled(ticks("duration").unwrap_or(0)),
            key: flags.contains('K'),
            hidden: flags.contains('D'),
            end: number("pos") + number("size"),
            data: dump(packet["data"].as_str().unwrap_or_default()),
        }
    };
    own.map(packet).collect()
}

/// The bytes of ffprobe's hexadecimal dump.
fn dump(text: &str) -> Vec<u8> {
    let lines = text.lines().filter_map(|line| line.get(10..50));
    let digits: Vec<u8> = lines
        .flat_map(str::bytes)
        .filter(u8::is_ascii_hexdigit)
        .collect();
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs
        .map(|[high, low]| digit(*high) << 4 | digit(*low))
        .collect()
}

/// The NAL units of a sample whose units carry their lengths in four bytes.
fn length_prefixed(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
        let (unit, rest) = rest.split_at_checked(length)?;
        data = rest;
        Some(unit)
    })
}
