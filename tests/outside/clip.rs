//! The pictures of a file with their times, as ffmpeg decodes them.

use super::support::keep;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// A decoded picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    /// When it is shown, from the beginning of the file.
    pub(crate) at_ms: f64,
    /// Its fingerprint.
    pub(crate) print: String,
}

/// All pictures of a file, in the order shown. Each file is decoded once.
pub(crate) fn pictures(path: &Path) -> Vec<Picture> {
    static DECODED: Mutex<BTreeMap<PathBuf, Vec<Picture>>> = Mutex::new(BTreeMap::new());
    if let Some(known) = DECODED.lock().unwrap().get(path) {
        return known.clone();
    }
    let decoded = decode(path, &[]);
    let mut all = DECODED.lock().unwrap();
    all.entry(path.to_owned()).or_insert(decoded).clone()
}

/// Its key frames.
pub(crate) fn key_frames(path: &Path) -> Vec<Picture> {
    decode(path, &["-skip_frame", "nokey"])
}

/// Fingerprints of a stream's pictures. It broke off in the middle of one, so the last ones are not
/// looked at.
pub(crate) fn prints(stream: &[u8]) -> Vec<String> {
    let mut seen = decode(keep(stream).path(), &[]);
    seen.truncate(seen.len().saturating_sub(4));
    seen.into_iter().map(|picture| picture.print).collect()
}

fn decode(path: &Path, options: &[&str]) -> Vec<Picture> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(options)
        .arg("-i")
        .arg(path)
        .args(["-map", "0:v:0", "-fps_mode", "passthrough"])
        .args(["-autoscale", "0", "-pix_fmt", "yuv420p"])
        .args(["-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg is needed: scripts/test installs it");
    let text = String::from_utf8(out.stdout).unwrap();
    let base = text.lines().find_map(|line| line.strip_prefix("#tb 0: "));
    let base_ms = base.map_or(0.0, |base| {
        let (number, by) = base.split_once('/').unwrap();
        1000.0 * number.parse::<f64>().unwrap() / by.parse::<f64>().unwrap()
    });
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    frames
        .map(|line| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            Picture {
                at_ms: fields[2].parse::<f64>().unwrap() * base_ms,
                print: fields[5].to_owned(),
            }
        })
        .collect()
}
