//! Two minutes of television in real time: a channel of the demo, watched over the loopback by the
//! players that people have, across seams between containers, sizes and frame rates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test says what failed by failing"
)]

mod support;
mod ts_judge;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use ts_judge::Arrival;

const SECONDS: u64 = 120;

/// A demo that is running, with everything it printed first.
struct Demo {
    child: Child,
    stream: String,
}

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_exstreamtv"))
            .args(["demo", "--web", "127.0.0.1:0", "--stream", "127.0.0.1:0"])
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let stream = said["stream"].as_str().unwrap().to_owned();
        let demo = Self { child, stream };
        let begun = Instant::now();
        while !demo.answers() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the demo has no channels"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        demo
    }

    fn answers(&self) -> bool {
        let mut socket = TcpStream::connect(&self.stream).unwrap();
        socket
            .write_all(b"HEAD /auto/v1984 HTTP/1.1\r\nHost: box\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.contains(" 200 ")
    }

    fn url(&self) -> String {
        format!("http://{}/auto/v1984", self.stream)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A player of its own in the machine, told to watch for two minutes.
fn player(name: &str, arguments: &[&str]) -> Child {
    // VLC will not run as root.
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    let mut command = if root && name == "cvlc" {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", name]);
        command
    } else {
        Command::new(name)
    };
    command
        .args(arguments)
        .env("HOME", std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|_| panic!("{name} is needed: scripts/test installs it"))
}

/// Everything a child says until it ends, both outputs together.
fn words(child: Child) -> String {
    let out = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// The number after a label in VLC's statistics.
fn statistic(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().rev().find(|line| line.contains(label))?;
    line.rsplit(':')
        .next()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// Receives the stream with the time at which each piece came.
fn receive(url: &str) -> (Vec<u8>, Vec<Arrival>) {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .write_all(format!("GET /{path} HTTP/1.1\r\nHost: box\r\n\r\n").as_bytes())
        .unwrap();
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    let begun = Instant::now();
    let (mut stream, mut arrivals) = (Vec::new(), Vec::new());
    let mut piece = vec![0; 64 << 10];
    while begun.elapsed() < Duration::from_secs(SECONDS) {
        let length = reader.read(&mut piece).unwrap();
        assert!(length > 0, "the stream ended");
        stream.extend_from_slice(&piece[..length]);
        arrivals.push(Arrival {
            end: stream.len(),
            at_ms: begun.elapsed().as_secs_f64() * 1000.0,
        });
    }
    (stream, arrivals)
}

#[test]
fn players_watch_two_minutes_without_a_fault() {
    let demo = Demo::start();
    let url = demo.url();
    let seconds = SECONDS.to_string();
    let begun = Instant::now();
    let ffmpeg = player(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-i",
            &url,
            "-t",
            &seconds,
            "-fps_mode",
            "passthrough",
            "-f",
            "null",
            "-",
        ],
    );
    let mpv = player(
        "mpv",
        &[
            "--no-config",
            "--vo=null",
            "--ao=null",
            "--msg-level=all=warn",
            "--term-status-msg=frame ${estimated-frame-number} of ${time-pos}\n",
            &format!("--length={seconds}"),
            &url,
        ],
    );
    let mut vlc = player(
        "cvlc",
        &[
            "--no-xlib",
            "-I",
            "rc",
            "--rc-fake-tty",
            "--vout=dummy",
            "--aout=dummy",
            &url,
        ],
    );
    let (stream, arrivals) = receive(&url);

    let verdict = ts_judge::judge_live(ts_judge::whole_packets(&stream), &arrivals);
    verdict.assert_clean();
    println!("{verdict}");
    assert_eq!(
        ts_judge::second_opinion(ts_judge::whole_packets(&stream)),
        Vec::<String>::new(),
        "the second opinion"
    );

    let mut commands = vlc.stdin.take().unwrap();
    commands.write_all(b"stats\nshutdown\n").unwrap();
    let vlc = words(vlc);
    let shown = statistic(&vlc, "frames displayed").expect("VLC tells");
    let lost = statistic(&vlc, "frames lost").expect("VLC tells");
    println!("VLC: {shown} pictures shown, {lost} lost");
    assert!(shown > SECONDS * 22, "VLC showed {shown} pictures:\n{vlc}");
    assert!(lost <= shown / 100, "VLC lost {lost} of {shown} pictures");

    let said = words(ffmpeg);
    println!(
        "ffmpeg was done after {:.1} s: {said}",
        begun.elapsed().as_secs_f64()
    );
    let real = |line: &&str| !line.is_empty() && !line.contains("non monotonically");
    assert_eq!(said.lines().find(real), None, "ffmpeg complains");

    let mpv = words(mpv);
    let last = mpv
        .lines()
        .rev()
        .find(|line| line.starts_with("frame "))
        .expect("mpv tells");
    let frames: u64 = last.split_whitespace().nth(1).unwrap().parse().unwrap();
    println!("mpv: {last}");
    assert!(
        frames > SECONDS * 22,
        "mpv showed {frames} pictures:\n{mpv}"
    );
    assert!(
        Path::new("assets/demo").exists(),
        "run from the project's folder"
    );
}
