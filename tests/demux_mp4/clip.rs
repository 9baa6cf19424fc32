//! Clips made by ffmpeg, and what ffprobe says about them.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that goes away with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Runs ffmpeg with these arguments and gives the file that it wrote.
    pub(crate) fn make(&self, name: &str, args: &str) -> PathBuf {
        let path = self.0.path().join(name);
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y"])
            .args(args.split_whitespace().map(|arg| arg.replace('~', " ")))
            .arg(&path)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args}: {words}");
        path
    }

    /// Moving pictures and a tone, coded and written as told.
    pub(crate) fn clip(&self, name: &str, seconds: u32, rate: &str, coding: &str) -> PathBuf {
        let args = format!(
            "-f lavfi -i testsrc2=size=160x120:rate={rate}:duration={seconds} \
             -f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds} {coding}"
        );
        self.make(name, &args)
    }
}

/// A packet as ffprobe sees it, in units of its stream's time base.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) stream: usize,
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) duration: i64,
    pub(crate) bytes: usize,
    pub(crate) position: usize,
    pub(crate) key: bool,
    /// Decoded, but not shown.
    pub(crate) discard: bool,
    per_second: i64,
}

impl Packet {
    /// A time in 90 kHz, times 100 so that nothing is lost that matters.
    fn fine(&self, ticks: i64) -> i64 {
        ticks * 9_000_000 / self.per_second
    }

    pub(crate) fn pts_fine(&self) -> i64 {
        self.fine(self.pts)
    }

    pub(crate) fn dts_fine(&self) -> i64 {
        self.fine(self.dts)
    }

    pub(crate) fn end_fine(&self) -> i64 {
        self.fine(self.pts + self.duration)
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        value => value
            .as_i64()
            .unwrap_or_else(|| panic!("no number: {value}")),
    }
}

/// All packets of a file, in the order in which they lie.
pub(crate) fn packets(path: &Path) -> Vec<Packet> {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_packets",
            "-show_streams",
            "-of",
            "json",
        ])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let per_second: Vec<i64> = json["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stream| {
            let base = stream["time_base"].as_str().unwrap();
            base.strip_prefix("1/").unwrap().parse().unwrap()
        })
        .collect();
    let packet = |packet: &Value| {
        let stream = usize::try_from(number(&packet["stream_index"])).unwrap();
        let flags = packet["flags"].as_str().unwrap();
        Packet {
            stream,
            pts: number(&packet["pts"]),
            dts: number(&packet["dts"]),
            duration: packet.get("duration").map_or(0, number),
            bytes: usize::try_from(number(&packet["size"])).unwrap(),
            position: usize::try_from(number(&packet["pos"])).unwrap(),
            key: flags.contains('K'),
            discard: flags.contains('D'),
            per_second: per_second[stream],
        }
    };
    json["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(packet)
        .collect()
}
