//! The library of the original's reliability report in the real program: how long its documents
//! take, and how much memory it holds while nobody watches.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first thing that is not as claimed, and prints what it measured"
)]

use exstreamtv::media::{
    AudioCodec, AudioTrack, Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack,
};
use exstreamtv::model::{ChannelNumber, Episode, MediaItemId, NewChannel, NewItem, Order, Part};
use exstreamtv::store::{Scan, Store};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ITEMS: i64 = 28_949;
const CHANNELS: u32 = 34;

/// What the box may hold, in bytes.
const LIMIT_BYTES: u64 = 60 << 20;

fn track(id: u64, kind: TrackKind) -> Track {
    Track {
        id: TrackId(id),
        kind,
        language: "eng".to_owned(),
        title: None,
        role: Role::Main,
        default: true,
    }
}

/// An episode of one of 145 shows; every seventh cannot be played.
fn episode(id: i64) -> NewItem {
    let (show, season, number) = (id / 200, id / 20 % 10 + 1, id % 20 + 1);
    let video = VideoTrack {
        codec: VideoCodec::H264,
        width: 704,
        height: 480,
        frame_duration_90k: 3754,
        bit_depth: 8,
        chroma_420: true,
    };
    let audio = AudioTrack {
        codec: AudioCodec::Ac3,
        sample_rate: 48_000,
        channels: 6,
    };
    let problem = (id % 7 == 0).then(|| "its last part is missing".to_owned());
    NewItem {
        rating_key: None,
        about: None,
        title: format!("The Title of Episode {number}"),
        year: Some(2005),
        episode: Some(Episode {
            show: format!("A Show With Some Name {show}"),
            season: season as u16,
            number: number as u16,
        }),
        part: Part {
            path: format!(
                "/media/usb/Shows/A Show With Some Name {show} (2005)/Season {season:02}/\
                 A Show With Some Name {show} - S{season:02}E{number:02} - The Title.mkv"
            ),
            size_bytes: 1 << 30,
            changed_ms: 1_700_000_000_000,
            container: Some(Container::Matroska),
            duration_ms: Some(2_520_000),
            tracks: vec![
                track(1, TrackKind::Video(video)),
                track(2, TrackKind::Audio(audio)),
            ]
            .into(),
            problem,
        },
    }
}

/// Channels with their share of the library, and three that show all of it.
fn channel(at: u32) -> NewChannel {
    let of_channel = |id: &i64| at % 10 == 4 || id % 30 == i64::from(at % 30);
    NewChannel {
        number: ChannelNumber {
            major: at + 1,
            minor: None,
        },
        name: format!("Channel {at}"),
        epoch_ms: 1_700_000_000_000,
        order: Order::Shuffled { seed: at.into() },
        items: (1..=ITEMS).filter(of_channel).map(MediaItemId).collect(),
    }
}

async fn fill(state: &Path) {
    let store = Store::open(state).await.unwrap();
    let library = store.add_folder("Shows", "/media/usb/Shows").await.unwrap();
    let upserts = (1..=ITEMS).map(episode).collect();
    let scan = Scan {
        upserts,
        ..Scan::default()
    };
    store.apply_scan(library.id, scan).await.unwrap();
    store
        .add_channels((0..CHANNELS).map(channel).collect())
        .await
        .unwrap();
    store.close().await;
}

struct Running {
    child: Child,
    web: String,
}

impl Running {
    fn start(state: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_exstreamtv"))
            .args([
                "serve",
                "--web",
                "127.0.0.1:0",
                "--stream",
                "127.0.0.1:0",
                "--state",
            ])
            .arg(state)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let web = said["web"].as_str().unwrap().to_owned();
        Self { child, web }
    }

    /// How many bytes a document has, and how long it takes.
    fn get(&self, path: &str) -> (usize, Duration) {
        let begun = Instant::now();
        let mut socket = TcpStream::connect(&self.web).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{path}");
        (answer.len(), begun.elapsed())
    }

    fn resident_bytes(&self, which: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(which));
        let kib = line.unwrap().split_whitespace().next().unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_box_with_28949_items_on_34_channels_answers_at_once_and_stays_small() {
    let state = tempfile::tempdir().unwrap();
    fill(state.path()).await;
    let begun = Instant::now();
    let running = Running::start(state.path());
    println!("doors open and channels there after {:?}", begun.elapsed());
    println!(
        "resident after the start: {} kB",
        running.resident_bytes("VmRSS:") >> 10
    );
    for path in [
        "/",
        "/lineup.json",
        "/iptv/channels.m3u",
        "/api/health",
        "/api/health/channels",
        "/api/channels",
        "/api/libraries",
        "/api/media?limit=500&offset=20000",
        "/api/media?search=episode%2019",
        "/api/media?search=no%20such%20title",
        "/iptv/xmltv.xml",
    ] {
        let mut times: Vec<_> = (0..5).map(|_| running.get(path)).collect();
        times.sort_by_key(|(_, took)| *took);
        let ((bytes, median), worst) = (times[2], times[4].1);
        println!("{path}: {bytes} bytes in {median:?}, at worst {worst:?}");
    }
    let resident = running.resident_bytes("VmRSS:");
    println!(
        "resident: {} kB, at most {} kB",
        resident >> 10,
        running.resident_bytes("VmHWM:") >> 10
    );
    assert!(resident < LIMIT_BYTES, "{resident}");
}
