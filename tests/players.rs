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
            .write_all(b"HEAD /auto/v1984 HTTP/1.1\r\nHost: localhost\r\n\r\n")
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
        .stderr(if name == "cvlc" {
            Stdio::null()
        } else {
            Stdio::piped()
        })
        .spawn()
        .unwrap_or_else(|_| panic!("{name} is needed: scripts/test installs it"))
}

/// Everything a child says until it ends, both outputs together.
fn words(child: Child) -> String {
    let out = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// What VLC counted; it ends after this.
fn vlc_statistics(mut vlc: Child) -> String {
    let mut commands = vlc.stdin.take().unwrap();
    commands.write_all(b"stats\n").unwrap();
    let mut told = String::new();
    for line in BufReader::new(vlc.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        told.push_str(&line);
        told.push('\n');
        if line.contains("end of statistical info") {
            break;
        }
    }
    commands.write_all(b"shutdown\n").unwrap();
    vlc.wait().unwrap();
    told
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
        .write_all(format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
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
    // No -t: ffmpeg drops pictures when it cuts a stream whose size changes. It is told to quit.
    let mut arguments = vec![
        "-v",
        "error",
        "-i",
        &url,
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
    ];
    arguments.extend([
        "-autoscale",
        "0",
        "-f",
        "framemd5",
        "-",
        "-map",
        "0:a",
        "-f",
        "null",
        "-",
    ]);
    let mut ffmpeg = player("ffmpeg", &arguments);
    let mut ffmpeg_keys = ffmpeg.stdin.take().unwrap();
    let mpv = player(
        "mpv",
        &[
            "--no-config",
            "--vo=null",
            "--ao=null",
            "--msg-level=all=warn,statusline=status",
            "--term-status-msg=frame ${estimated-frame-number} dropped ${frame-drop-count}",
            &format!("--length={seconds}"),
            &url,
        ],
    );
    let vlc = player(
        "cvlc",
        &[
            "--quiet",
            "--no-xlib",
            "-I",
            "rc",
            "--rc-fake-tty",
            "--vout=dummy",
            "--aout=dummy",
            &url,
        ],
    );
    // What they say is taken from them all along: a full pipe would stop them.
    let ffmpeg = std::thread::spawn(|| words(ffmpeg));
    let mpv = std::thread::spawn(|| words(mpv));
    let (stream, arrivals) = receive(&url);
    ffmpeg_keys.write_all(b"q").unwrap();

    let verdict = ts_judge::judge_live(ts_judge::whole_packets(&stream), &arrivals);
    verdict.assert_clean();
    println!("{verdict}");
    assert_eq!(
        ts_judge::second_opinion(ts_judge::whole_packets(&stream)),
        Vec::<String>::new(),
        "the second opinion"
    );

    let told = vlc_statistics(vlc);
    let of = |label| statistic(&told, label).unwrap_or_else(|| panic!("{label}?\n{told}"));
    let (shown, lost) = (of("frames displayed"), of("frames lost"));
    println!("VLC: {shown} pictures shown, {lost} lost");
    assert!(shown > SECONDS * 22, "{told}");
    assert!(lost <= shown / 33, "{told}");
    assert_eq!(
        (of("demux corrupted"), of("discontinuities")),
        (0, 0),
        "{told}"
    );
    assert_eq!(of("buffers lost"), 0, "{told}");

    let said = ffmpeg.join().unwrap();
    let took_s = begun.elapsed().as_secs_f64();
    let (frames, others): (Vec<_>, Vec<_>) = said
        .lines()
        .filter(|line| !line.starts_with('#'))
        .partition(|line| line.starts_with('0'));
    println!(
        "ffmpeg: {} pictures decoded, done after {took_s:.1} s",
        frames.len()
    );
    assert!(frames.len() > SECONDS as usize * 22);
    assert_eq!(others, Vec::<&str>::new(), "ffmpeg complains");

    let told = mpv.join().unwrap().replace('\r', "\n");
    let last = told
        .lines()
        .rev()
        .find_map(|line| line.split_once("frame "))
        .expect("mpv tells")
        .1;
    println!("mpv: {last} pictures");
    let (frames, dropped) = last.split_once(" dropped ").unwrap();
    assert!(frames.parse::<u64>().unwrap() > SECONDS * 22, "{told}");
    assert_eq!(dropped, "0", "{told}");
}
