//! Clips made by ffmpeg, and what ffprobe says about them.

use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A tiny file that goes away with this value.
pub(crate) struct Clip {
    _folder: tempfile::TempDir,
    path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// A coded sample as ffprobe finds it in the file.
pub(crate) struct Packet {
    pub(crate) data: Vec<u8>,
    pub(crate) key: bool,
    pub(crate) position: u64,
}

/// Runs a tool of ffmpeg with `input` on its standard input; what it says, and its errors.
pub(crate) fn run(tool: &str, arguments: &[&str], input: &[u8]) -> (Vec<u8>, String) {
    let mut child = Command::new(tool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|why| panic!("these tests need {tool} (apt install ffmpeg): {why}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{tool} {arguments:?}: {errors}");
    (output.stdout, errors)
}

impl Clip {
    /// Encodes with ffmpeg arguments, parted by spaces, into a file with this extension.
    pub(crate) fn make(extension: &str, arguments: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("clip.{extension}"));
        let mut all = vec!["-v", "error", "-nostdin", "-y"];
        all.extend(arguments.split_whitespace());
        all.push(path.to_str().unwrap());
        run("ffmpeg", &all, &[]);
        Self {
            bytes: std::fs::read(&path).unwrap(),
            _folder: folder,
            path,
        }
    }

    /// A moving picture of this size and rate, `frames` long, encoded by `encoder` arguments.
    pub(crate) fn video(
        extension: &str,
        size: &str,
        rate: &str,
        frames: u32,
        encoder: &str,
    ) -> Self {
        Self::make(
            extension,
            &format!(
                "-f lavfi -i testsrc2=size={size}:rate={rate} -frames:v {frames} -threads 1 {encoder}"
            ),
        )
    }

    /// Half a second of a tone in every channel of this layout.
    pub(crate) fn sound(extension: &str, rate: u32, layout: &str, encoder: &str) -> Self {
        Self::make(
            extension,
            &format!(
                "-f lavfi -i sine=frequency=440:sample_rate={rate}:duration=0.5 \
                 -af aformat=channel_layouts={layout} {encoder}"
            ),
        )
    }

    /// What ffprobe says with these arguments, as JSON.
    pub(crate) fn probe(&self, arguments: &str) -> Value {
        let mut all = vec!["-v", "error", "-of", "json"];
        all.extend(arguments.split_whitespace());
        all.push(self.path.to_str().unwrap());
        serde_json::from_slice(&run("ffprobe", &all, &[]).0).unwrap()
    }

    /// The first stream's facts.
    pub(crate) fn stream(&self) -> Value {
        self.probe("-show_streams -show_data")["streams"][0].clone()
    }

    /// The samples of the first stream, in the order of the file.
    pub(crate) fn packets(&self) -> Vec<Packet> {
        let all = self.probe("-show_packets -select_streams 0");
        let all = all["packets"].as_array().unwrap();
        assert!(!all.is_empty());
        all.iter()
            .map(|packet| {
                let position = number(&packet["pos"]);
                let from = usize::try_from(position).unwrap();
                let size = usize::try_from(number(&packet["size"])).unwrap();
                Packet {
                    data: self.bytes[from..from + size].to_vec(),
                    key: packet["flags"].as_str().unwrap().starts_with('K'),
                    position,
                }
            })
            .collect()
    }

    /// The body of the first MP4 box of this type, found by its name alone.
    pub(crate) fn mp4_box(&self, name: &[u8; 4]) -> bytes::Bytes {
        let at = self.bytes.windows(4).position(|four| four == name).unwrap();
        let size = u32::from_be_bytes(self.bytes[at - 4..at].try_into().unwrap());
        let end = at - 4 + usize::try_from(size).unwrap();
        bytes::Bytes::copy_from_slice(&self.bytes[at + 4..end])
    }

    /// The bytes that the decoder is told first, from ffprobe's dump.
    pub(crate) fn extradata(&self) -> Vec<u8> {
        let stream = self.stream();
        let mut bytes = Vec::new();
        for line in stream["extradata"].as_str().unwrap().trim().lines() {
            let (_, dump) = line.split_once(": ").unwrap();
            let hex: String = dump.chars().take(39).filter(|c| *c != ' ').collect();
            for pair in hex.as_bytes().chunks(2) {
                let pair = std::str::from_utf8(pair).unwrap();
                bytes.push(u8::from_str_radix(pair, 16).unwrap());
            }
        }
        bytes
    }
}

/// A number, which ffprobe writes as such or as text.
pub(crate) fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .or_else(|| value.as_str()?.parse().ok())
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// 90 kHz ticks of one frame at a rate that is written as a fraction.
pub(crate) fn ticks_per_frame(rate: &Value) -> u32 {
    let (frames, seconds) = rate.as_str().unwrap().split_once('/').unwrap();
    let frames: f64 = frames.parse().unwrap();
    let seconds: f64 = seconds.parse().unwrap();
    format!("{:.0}", (90_000.0 * seconds / frames + 1e-6).round())
        .parse()
        .unwrap()
}
