//! Tiny clips made by ffmpeg, and what ffprobe says about them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder that goes away with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Encodes a test picture of `seconds` at `rate` with a tone; `codecs` are ffmpeg's options.
    pub(crate) fn encode(&self, name: &str, rate: &str, seconds: u32, codecs: &str) -> PathBuf {
        let out = self.path(name);
        let input = format!(
            "-f lavfi -i testsrc2=size=160x120:rate={rate}:duration={seconds} \
             -f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds}"
        );
        ffmpeg(&format!("{input} {codecs}"), &out);
        out
    }

    /// Copies the streams into another file; `options` are ffmpeg's.
    pub(crate) fn copy(&self, from: &Path, name: &str, options: &str) -> PathBuf {
        let out = self.path(name);
        ffmpeg(
            &format!("-i {} -map 0 -c copy {options}", from.display()),
            &out,
        );
        out
    }

    /// Copies the streams through a pipe, as a live recorder would.
    pub(crate) fn pipe(&self, from: &Path, name: &str, options: &str) -> PathBuf {
        let out = self.path(name);
        let file = std::fs::File::create(&out).unwrap();
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(from)
            .args("-map 0 -c copy -f matroska".split_whitespace())
            .args(options.split_whitespace())
            .arg("pipe:1")
            .stdin(Stdio::null())
            .stdout(file)
            .status()
            .unwrap();
        assert!(status.success(), "ffmpeg: {name}");
        out
    }
}

pub(crate) fn ffmpeg(options: &str, out: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-y", "-v", "error"])
        .args(options.split_whitespace())
        .arg(out)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg {options}: {words}");
}

/// A packet as ffprobe sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Packet {
    pub(crate) stream: usize,
    pub(crate) pts_ms: f64,
    pub(crate) dts_ms: Option<f64>,
    pub(crate) duration_ms: f64,
    pub(crate) bytes: usize,
    pub(crate) at: u64,
    pub(crate) key: bool,
}

impl Packet {
    pub(crate) fn end_ms(&self) -> f64 {
        self.pts_ms + self.duration_ms
    }
}

/// The packets of a file, in the order of the file.
pub(crate) fn packets(path: &Path) -> Vec<Packet> {
    let output = Command::new("ffprobe")
        .args("-v error -of compact=p=0 -show_entries".split_whitespace())
        .arg("packet=stream_index,pts_time,dts_time,duration_time,size,pos,flags")
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut packets: Vec<_> = text.lines().filter_map(packet).collect();
    // A parser holds some of them back.
    packets.sort_by_key(|packet| packet.at);
    packets
}

fn packet(line: &str) -> Option<Packet> {
    let field = |name: &str| {
        line.split('|')
            .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    let ms = |name| Some(field(name)?.parse::<f64>().ok()? * 1000.0);
    Some(Packet {
        stream: field("stream_index")?.parse().ok()?,
        pts_ms: ms("pts_time")?,
        dts_ms: ms("dts_time"),
        duration_ms: ms("duration_time").unwrap_or(0.0),
        bytes: field("size")?.parse().ok()?,
        at: field("pos").and_then(|at| at.parse().ok()).unwrap_or(0),
        key: field("flags")?.starts_with('K'),
    })
}
