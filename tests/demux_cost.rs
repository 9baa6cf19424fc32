//! What joining a two-hour film costs: requests, bytes, time and memory.

#[path = "support/film.rs"]
mod film;

use bytes::Bytes;
use exstreamtv::demux::{Demuxer, Pull, RECOGNISE_BYTES, recognise};
use exstreamtv::media::{Sample, TrackId};
use film::Minute;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Names the film to the process of its own in which its memory is measured.
const FILM: &str = "DEMUX_COST_FILM";

const MIDDLE_90K: i64 = 3_600 * 90_000 + 12_345;

/// Demuxers that are held at once, so that what one of them holds stands out.
const HELD: usize = 40;

/// Samples that each of them has given: more than fill every window.
const SAMPLES: usize = 400;

/// A demuxer with its film, read as a file on a disk is: every answer is a copy of its own.
struct Reading {
    demuxer: Demuxer,
    file: File,
    requests: usize,
    bytes: usize,
    video: TrackId,
}

impl Reading {
    fn new(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        let bytes = file.metadata().unwrap().len();
        let mut head = [0; RECOGNISE_BYTES];
        file.read_exact_at(&mut head, 0).unwrap();
        Self {
            demuxer: Demuxer::new(recognise(&head).unwrap(), bytes),
            file,
            requests: 0,
            bytes: 0,
            video: TrackId(0),
        }
    }

    fn pull(&mut self) -> Pull {
        loop {
            let span = match self.demuxer.pull().unwrap() {
                Pull::Need(span) => span,
                other => return other,
            };
            let mut answer = vec![0; span.len];
            self.file.read_exact_at(&mut answer, span.offset).unwrap();
            self.requests += 1;
            self.bytes += span.len;
            self.demuxer.push(span.offset, Bytes::from(answer)).unwrap();
        }
    }

    fn open(&mut self) {
        assert_eq!(self.pull(), Pull::Ready);
    }

    fn start(&mut self, time_90k: i64) {
        let tracks = || self.demuxer.movie().unwrap().tracks.iter();
        let video = tracks().find(|track| track.track.video().is_some());
        let audio = tracks().find(|track| track.track.audio().is_some());
        let id = |track: &exstreamtv::demux::MovieTrack| track.track.id;
        let (video, audio) = (video.map(id).unwrap(), audio.map(id));
        self.video = video;
        self.demuxer.start(video, audio, time_90k).unwrap();
    }

    fn sample(&mut self) -> Sample {
        match self.pull() {
            Pull::Sample(sample) => sample,
            other => panic!("{other:?}"),
        }
    }

    fn first_picture(&mut self) -> Sample {
        loop {
            let sample = self.sample();
            if sample.track == self.video {
                return sample;
            }
        }
    }
}

/// What one joining took.
#[derive(Debug, Clone, Copy)]
struct Cost {
    ready: Duration,
    ready_requests: usize,
    picture: Duration,
    requests: usize,
    bytes: usize,
}

fn join(path: &Path) -> (Cost, Reading) {
    let begun = Instant::now();
    let mut reading = Reading::new(path);
    reading.open();
    let ready = begun.elapsed();
    let ready_requests = reading.requests;
    reading.start(MIDDLE_90K);
    let first = reading.first_picture();
    let cost = Cost {
        ready,
        ready_requests,
        picture: begun.elapsed(),
        requests: reading.requests,
        bytes: reading.bytes,
    };
    let early_90k = MIDDLE_90K - first.pts_90k;
    assert!((0..=10 * 90_000).contains(&early_90k), "{early_90k}");
    (cost, reading)
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() * 1024
}

/// What one demuxer holds that stands in the middle of a film.
fn measure_held_bytes(path: &Path) -> usize {
    let mut all = Vec::with_capacity(HELD + 1);
    let mut before = 0;
    for _ in 0..=HELD {
        let (_, mut reading) = join(path);
        for _ in 0..SAMPLES {
            reading.sample();
        }
        // The first one leaves behind what the allocator keeps for the others.
        if all.is_empty() {
            before = resident_bytes();
        }
        all.push(reading);
    }
    resident_bytes().saturating_sub(before) / HELD
}

fn held_bytes(path: &Path) -> usize {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "joining_a_two_hour_film_is_cheap", "--nocapture"])
        .env(FILM, path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let held = said.lines().find_map(|line| line.strip_prefix("held "));
    held.unwrap_or_else(|| panic!("{said}")).parse().unwrap()
}

/// Two hours, with sound between all pictures, so that every table is as long as it gets; each with
/// the requests that joining it may take.
fn films(folder: &Path) -> [(PathBuf, usize); 6] {
    let minute = Minute::new(folder, "64x36", "-crf 50 -b:a 24k");
    let film = |name, how, requests| (minute.film(120, name, how), requests);
    let fragments = "-movflags frag_keyframe+empty_moov";
    [
        film("front.mp4", "-movflags +faststart", 45),
        film("behind.mp4", "", 45),
        film("fragments.mp4", fragments, 25),
        film("film.mkv", "", 10),
        film("no_cues.mkv", "-live 1", 25),
        film("film.ts", "", 45),
    ]
}

#[test]
fn joining_a_two_hour_film_is_cheap() {
    if let Some(path) = std::env::var_os(FILM) {
        println!("\nheld {}", measure_held_bytes(Path::new(&path)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (path, most_requests) in films(folder.path()) {
        let size = path.metadata().unwrap().len() / 1000;
        println!("{}, {size} kB:", path.file_name().unwrap().display());
        let (cost, _) = join(&path);
        println!(
            "  ready after {:?}, {} requests; first picture after {:?}, {} requests, {} kB",
            cost.ready,
            cost.ready_requests,
            cost.picture,
            cost.requests,
            cost.bytes / 1000
        );
        let held = held_bytes(&path);
        println!("  {} kB held", held / 1024);
        assert!(cost.requests <= most_requests, "{cost:?}");
        assert!(held < 300_000, "{held} bytes held");
    }
}
