//! Decoders at work on a stream: ffmpeg, mpv and GStreamer, the last one with a demultiplexer and
//! a clock of its own. What each returns is told picture by picture.

use super::channel::{Channel, Seen};
use super::check::{aired, slate_path, slate_places};
use super::clip;
use super::truth::Truth;
use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output};

/// The slate's pictures are 640 by 360.
const SLATE_BYTES: usize = 640 * 360 * 3 / 2;

/// A picture that has to come out of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expected {
    /// The airing that it belongs to.
    pub(crate) airing: usize,
    /// What ffmpeg makes of it when it decodes the clip alone.
    pub(crate) print: String,
    pub(crate) decoded: Decoded,
}

/// A picture as a decoder returned it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decoded {
    /// Since the first one.
    pub(crate) at_ms: f64,
    /// Bytes of its size with 4:2:0 chroma.
    pub(crate) bytes: usize,
}

/// The pictures of all airings that came whole, in the order shown.
pub(crate) fn expected(channel: &Channel, seen: &Seen) -> Vec<Expected> {
    let slates = pictures_of(&slate_path());
    let slate = Truth::of(&slate_path());
    let mut alone = HashMap::new();
    let first_90k = seen.received.pictures[0].pts_90k;
    let mut expected = Vec::new();
    for (airing, one) in aired(channel, seen).0.iter().enumerate() {
        let clip = &channel.clips[one.shown.clip];
        let prints = alone
            .entry(one.shown.clip)
            .or_insert_with(|| pictures_of(&clip.path));
        assert_eq!(prints.len(), one.truth.shown_90k.len(), "{}", clip.name);
        let (width, height) = clip::size(one.shown.clip);
        let [before, own, after] = one.parts();
        let mut shown: Vec<_> = own
            .iter()
            .zip(&one.truth.pictures)
            .map(|(picture, truth)| {
                let rank = one.truth.shown_90k.binary_search(&truth.pts_90k).unwrap();
                (
                    picture.pts_90k,
                    prints[rank].clone(),
                    width * height * 3 / 2,
                )
            })
            .collect();
        for filled in [before, after] {
            let places = slate_places(filled, &slate).expect("the slate");
            let prints = places.into_iter().map(|place| slates[place].clone());
            let filled = filled.iter().zip(prints);
            shown.extend(filled.map(|(picture, print)| (picture.pts_90k, print, SLATE_BYTES)));
        }
        shown.sort();
        expected.extend(shown.into_iter().map(|(pts_90k, print, bytes)| Expected {
            airing,
            print,
            decoded: Decoded {
                at_ms: (pts_90k - first_90k) as f64 / 90.0,
                bytes,
            },
        }));
    }
    expected
}

/// Fingerprints of a clip's pictures as ffmpeg decodes it alone, hidden ones included.
fn pictures_of(path: &Path) -> Vec<String> {
    let is_mp4 = path.extension().is_some_and(|name| name == "mp4");
    let whole: &[&str] = if is_mp4 {
        &["-ignore_editlist", "1"]
    } else {
        &[]
    };
    ffmpeg(path, whole)
}

/// Fingerprints of all pictures that ffmpeg decodes, in the order shown.
pub(crate) fn ffmpeg(path: &Path, before: &[&str]) -> Vec<String> {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "fatal", "-nostdin"])
        .args(before)
        .arg("-i")
        .arg(path);
    command.args([
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
        "-autoscale",
        "0",
    ]);
    command.args(["-pix_fmt", "yuv420p", "-f", "framemd5", "-"]);
    let told = told(&mut command);
    let lines = told.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit(',').next().unwrap().trim().to_owned())
        .collect()
}

/// How many frames of sound ffmpeg decodes.
pub(crate) fn ffmpeg_sound(path: &Path) -> usize {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-nostdin", "-xerror", "-i"])
        .arg(path);
    command.args(["-map", "0:a:0", "-f", "framemd5", "-"]);
    let told = told(&mut command);
    told.lines().filter(|line| !line.starts_with('#')).count()
}

/// The pictures that mpv's video output is given.
pub(crate) fn mpv(path: &Path) -> Vec<Decoded> {
    let mut command = Command::new("mpv");
    command.args(["--no-config", "--no-audio", "--vo=null", "--untimed"]);
    command
        .args(["--vf=lavfi=[showinfo]", "--msg-level=all=no,ffmpeg=v"])
        .arg(path);
    let told = told(&mut command);
    let lines = told.lines().filter(|line| line.contains(" pts_time:"));
    lines
        .map(|line| {
            let (width, height) = after(line, " s:").split_once('x').unwrap();
            let side = |text: &str| text.parse::<usize>().unwrap();
            Decoded {
                at_ms: after(line, " pts:").parse::<f64>().unwrap() / 1000.0,
                bytes: side(width) * side(height) * 3 / 2,
            }
        })
        .collect()
}

/// The pictures at the end of GStreamer's pipeline.
pub(crate) fn gstreamer(path: &Path) -> Vec<Decoded> {
    let mut command = Command::new("gst-launch-1.0");
    command
        .arg("-v")
        .arg("filesrc")
        .arg(format!("location={}", path.display()));
    let pipeline = "! tsdemux ! h264parse ! avdec_h264 ! fakesink silent=false sync=false";
    command.args(pipeline.split_whitespace());
    let told = told(&mut command);
    let lines = told
        .lines()
        .filter(|line| line.contains("last-message = chain"));
    let mut pictures: Vec<Decoded> = lines
        .map(|line| {
            let mut clock = after(line, ", pts: ").trim_end_matches(',').split(':');
            let mut next = || clock.next().unwrap().parse::<f64>().unwrap();
            Decoded {
                at_ms: (next() * 3600.0 + next() * 60.0 + next()) * 1000.0,
                bytes: after(line, "(fakesink0:sink) (").parse().unwrap(),
            }
        })
        .collect();
    // It counts from the stream's first clock.
    let first_ms = pictures.first().map_or(0.0, |picture| picture.at_ms);
    pictures
        .iter_mut()
        .for_each(|picture| picture.at_ms -= first_ms);
    pictures
}

/// The word that follows a label.
fn after<'a>(line: &'a str, label: &str) -> &'a str {
    let rest = line
        .split_once(label)
        .unwrap_or_else(|| panic!("{label} in {line}"))
        .1;
    rest.split_whitespace().next().unwrap()
}

/// What a program says until it ends well.
fn told(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|_| panic!("{command:?}: scripts/test installs what is needed"));
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {said}");
    String::from_utf8(stdout).unwrap()
}
