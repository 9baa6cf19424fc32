//! Many viewers: what the box takes beside one ffmpeg per channel, with long films beside short
//! clips, with many viewers of a channel, and with viewers who stop reading. `scripts/bench` runs
//! it; methods and figures are in `docs/benchmarks.md`.

mod house;

use house::Outcome;
use house::film::{Film, Picture, film};
use house::home::{Home, LARGE, Library, until};
use house::peer::Peers;
use house::process::{self, Memory, megabytes};
use house::report::{Report, median};
use house::source::Source;
use house::viewer::{Viewer, tune};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CHANNELS: u32 = 34;

/// Until the first seconds, which go as fast as they can, are over for everybody.
const BURST: Duration = Duration::from_secs(15);

/// How long is measured then.
const WINDOW: Duration = Duration::from_secs(30);

/// Turns of the box and its peer.
const TURNS: usize = 2;

const MIB: u64 = 1 << 20;

/// What 8 Mb/s are at least, as a stream, in bits per second.
const RATE: f64 = 8e6;

fn main() -> Outcome<()> {
    house::run(&[
        ("peers", beside_peers),
        ("length", long_beside_short),
        ("viewers", more_viewers),
        ("stalled", stalled_viewers),
    ])
}

/// What was measured of processes in a window.
#[derive(Debug, Clone, Copy)]
struct Measured {
    memory: Memory,
    /// Of one core, in percent.
    cpu_percent: f64,
}

impl Measured {
    fn json(self) -> Value {
        json!({
            "pss_mb": megabytes(self.memory.proportional),
            "rss_mb": megabytes(self.memory.resident),
            "anonymous_mb": megabytes(self.memory.anonymous),
            "cpu_percent_of_a_core": self.cpu_percent,
        })
    }

    fn words(self) -> String {
        format!(
            "PSS {:.1} MB, RSS {:.1} MB, CPU {:.2} % of a core",
            megabytes(self.memory.proportional),
            megabytes(self.memory.resident),
            self.cpu_percent
        )
    }
}

/// Watches processes for a while: their CPU, and the most memory that they have.
fn measure(window: Duration, processes: &[u32]) -> Outcome<Measured> {
    let (begun, before) = (Instant::now(), process::cpu(processes)?);
    let mut most = Memory::default();
    while begun.elapsed() < window {
        std::thread::sleep((window / 10).min(window.saturating_sub(begun.elapsed())));
        let now = process::memory(processes)?;
        if now.proportional > most.proportional {
            most = now;
        }
    }
    let cpu = process::cpu(processes)?.saturating_sub(before);
    Ok(Measured {
        memory: most,
        cpu_percent: cpu.as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0,
    })
}

/// Spreads channels over the middle of a film, far enough from its end.
fn offsets(film: &Film, channels: u32) -> Vec<u32> {
    let seconds = film.minutes * 60;
    (0..channels)
        .map(|at| seconds / 10 + seconds * 7 / 10 * at / channels)
        .collect()
}

fn library(source: &Source, film: &Film, titles: u32, channels: u32) -> Outcome<Library> {
    Ok(Library {
        part: film.part(format!("{}?title={{}}", source.url(film)))?,
        titles,
        offsets: offsets(film, channels),
    })
}

/// Viewers, as many as asked for, one after the other on all channels.
fn watch(home: &Home, channels: u32, viewers: u32) -> Outcome<Vec<Viewer>> {
    (0..viewers)
        .map(|at| Viewer::tune(&home.stream, at % channels + 1))
        .collect()
}

/// What viewers got in a window.
struct Got {
    /// The slowest one's bits per second.
    least_rate: f64,
    /// Of all together, in bits per second.
    rate: f64,
    longest_pause_ms: f64,
}

/// Measures a box and its viewers.
fn measure_watched(home: &Home, window: Duration, viewers: &[Viewer]) -> Outcome<(Measured, Got)> {
    let before: Vec<u64> = viewers.iter().map(Viewer::bytes).collect();
    viewers.iter().for_each(Viewer::forget_pauses);
    let begun = Instant::now();
    let measured = measure(window, &[home.process()])?;
    let seconds = begun.elapsed().as_secs_f64();
    if viewers.iter().any(Viewer::has_ended) {
        return Err("a stream has ended".into());
    }
    let rates = viewers
        .iter()
        .zip(before)
        .map(|(viewer, before)| (viewer.bytes() - before) as f64 * 8.0 / seconds);
    let rates: Vec<f64> = rates.collect();
    let longest = viewers.iter().map(Viewer::longest_pause_ms).max();
    let got = Got {
        least_rate: rates.iter().copied().fold(f64::INFINITY, f64::min),
        rate: rates.iter().sum(),
        longest_pause_ms: longest.unwrap_or(0) as f64,
    };
    Ok((measured, got))
}

fn said(measured: Measured, got: &Got) -> (String, Value) {
    let words = format!(
        "{}, {:.0} Mb/s, the slowest {:.2} Mb/s, longest pause {:.0} ms",
        measured.words(),
        got.rate / 1e6,
        got.least_rate / 1e6,
        got.longest_pause_ms
    );
    let mut figures = measured.json();
    if let Some(figures) = figures.as_object_mut() {
        figures.insert("rate_mbps".to_owned(), json!(got.rate / 1e6));
        figures.insert("least_rate_mbps".to_owned(), json!(got.least_rate / 1e6));
        figures.insert("longest_pause_ms".to_owned(), json!(got.longest_pause_ms));
        let per_gb = measured.cpu_percent / 100.0 / (got.rate / 8e9);
        figures.insert("cpu_seconds_per_gb".to_owned(), json!(per_gb));
    }
    (words, figures)
}

/// 34 channels at 8 Mb/s beside 34 processes, in turns; the box with nothing but the film, and with
/// a large catalog.
fn beside_peers(report: &mut Report) -> Outcome<()> {
    let film = film(Picture::Loud, 20, "mp4")?;
    let source = Source::start()?;
    let (mut ours, mut theirs, mut cpu_ratios) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 1..=TURNS {
        for titles in [1, LARGE] {
            let home = Home::start(&library(&source, &film, titles, CHANNELS)?)?;
            report.say(format_args!(
                "turn {turn}: the box, {titles} titles in its catalog"
            ))?;
            let idle = home.memory()?;
            let viewers = watch(&home, CHANNELS, CHANNELS)?;
            std::thread::sleep(BURST);
            let (measured, got) = measure_watched(&home, WINDOW, &viewers)?;
            let (words, mut figures) = said(measured, &got);
            report.say(words)?;
            if let Some(figures) = figures.as_object_mut() {
                figures.insert("idle_rss_mb".to_owned(), json!(megabytes(idle.resident)));
            }
            report.keep(format!("box, turn {turn}, {titles} titles"), figures);
            ours.push((titles, measured));
        }
        report.say(format_args!("turn {turn}: {CHANNELS} ffmpeg processes"))?;
        let mut peers = Peers::start(&source.url(&film), &offsets(&film, CHANNELS))?;
        std::thread::sleep(BURST);
        let measured = measure(WINDOW, &peers.processes())?;
        if peers.running() != offsets(&film, CHANNELS).len() {
            return Err("a peer has ended".into());
        }
        report.say(measured.words())?;
        report.keep(format!("ffmpeg, turn {turn}"), measured.json());
        theirs.push(measured);
        let before = ours.iter().rev().take(2);
        cpu_ratios.extend(before.map(|(_, our)| our.cpu_percent / measured.cpu_percent));
    }
    let of = |titles: u32, what: fn(Memory) -> u64| {
        let figures = ours.iter().filter(|(of, _)| *of == titles);
        median(
            &figures
                .map(|(_, our)| what(our.memory) as f64)
                .collect::<Vec<_>>(),
        )
    };
    let pss = |memory: Memory| memory.proportional;
    let mib = MIB as f64;
    let their_pss: Vec<f64> = theirs
        .iter()
        .map(|their| pss(their.memory) as f64)
        .collect();
    let share = of(1, pss) / median(&their_pss);
    report.limit("PSS of the engine beside ffmpeg", share, 0.1, "x")?;
    let share = of(LARGE, pss) / median(&their_pss);
    report.limit("PSS of the box beside ffmpeg", share, 0.1, "x")?;
    report.limit("PSS of the engine", of(1, pss) / 1e6, 70.0, "MB")?;
    let resident = of(LARGE, |memory| memory.resident) / mib;
    report.limit("resident, the whole catalog", resident, 96.0, "MiB")?;
    let cpu = median(&cpu_ratios);
    report.limit("CPU beside ffmpeg (aim 0.2)", cpu, 1.0 / 3.0, "x")
}

/// A film of two hours costs what a clip of two minutes costs.
fn long_beside_short(report: &mut Report) -> Outcome<()> {
    let source = Source::start()?;
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        for (minutes, figures) in [(2, &mut short), (120, &mut long)] {
            let film = film(Picture::Quiet, minutes, "mp4")?;
            let home = Home::start(&library(&source, &film, 1, CHANNELS)?)?;
            let _viewers = watch(&home, CHANNELS, CHANNELS)?;
            std::thread::sleep(Duration::from_secs(5));
            let measured = measure(Duration::from_secs(10), &[home.process()])?;
            report.say(format_args!("{minutes} minutes: {}", measured.words()))?;
            figures.push(megabytes(measured.memory.proportional));
        }
    }
    report.keep("2 minutes, PSS, MB", short.clone());
    report.keep("120 minutes, PSS, MB", long.clone());
    let more = median(&long) - median(&short);
    report.limit("34 long films beside short clips", more, 5.0, "MB more")
}

/// One viewer, 34 and 100, of one channel and of 34.
fn more_viewers(report: &mut Report) -> Outcome<()> {
    let film = film(Picture::Loud, 20, "mp4")?;
    let source = Source::start()?;
    for (channels, count) in [(1, 1), (1, 34), (1, 100), (34, 34), (34, 100)] {
        let home = Home::start(&library(&source, &film, 1, channels)?)?;
        let before = process::sockets()?;
        let viewers = watch(&home, channels, count)?;
        std::thread::sleep(BURST);
        let (measured, got) = measure_watched(&home, WINDOW / 2, &viewers)?;
        let sockets = process::sockets()? - before;
        let (words, mut figures) = said(measured, &got);
        let name = format!("{channels} channels, {count} viewers");
        let kernel = megabytes(sockets.bytes);
        report.say(format_args!("{name}: {words}, kernel {kernel:.1} MB"))?;
        if let Some(figures) = figures.as_object_mut() {
            figures.insert("socket_mb".to_owned(), json!(kernel));
        }
        report.keep(name.clone(), figures);
        let what = format!("longest pause, {name}");
        report.limit(&what, got.longest_pause_ms, 500.0, "ms")?;
        let lacks = 1.0 - got.least_rate / RATE;
        report.limit(&format!("lacks of 8 Mb/s, {name}"), lacks, 0.0, "x")?;
    }
    Ok(())
}

/// 100 viewers of 34 channels, every second of whom stops reading.
fn stalled_viewers(report: &mut Report) -> Outcome<()> {
    let film = film(Picture::Loud, 20, "mp4")?;
    let source = Source::start()?;
    for channels in [CHANNELS, 1] {
        let home = Home::start(&library(&source, &film, 1, channels)?)?;
        let empty = process::sockets()?;
        let viewers = watch(&home, channels, 50)?;
        std::thread::sleep(BURST);
        let (alone, calm) = (home.memory()?, process::sockets()?);
        let stalled: Outcome<Vec<_>> = (0..50)
            .map(|at| tune(&home.stream, at % channels + 1))
            .collect();
        let (stalled, begun) = (stalled?, Instant::now());
        let (measured, got) = measure_watched(&home, Duration::from_secs(20), &viewers)?;
        let full = process::sockets()?;
        let (words, mut figures) = said(measured, &got);
        report.say(format_args!(
            "{channels} channels, 50 and 50 viewers: {words}"
        ))?;
        let taken = full - empty;
        let name = format!("socket memory, {channels} channels");
        report.limit(&name, megabytes(taken.bytes), 60.0, "MB")?;
        report.limit(
            "longest pause of the others",
            got.longest_pause_ms,
            500.0,
            "ms",
        )?;
        report.limit("lacks of 8 Mb/s", 1.0 - got.least_rate / RATE, 0.0, "x")?;
        // They have been let go when as many tuners are busy as there are others.
        let patience = Duration::from_secs(60);
        until(patience, || Ok(home.busy_tuners()? == viewers.len()))?;
        let stayed = begun.elapsed().as_secs_f64();
        report.limit("stalled viewers are let go after", stayed, 32.0, "s")?;
        std::thread::sleep(Duration::from_secs(2));
        let (gone, after) = (home.memory()?, process::sockets()?);
        drop(stalled);
        std::thread::sleep(Duration::from_secs(1));
        let closed = process::sockets()?;
        report.say(format_args!(
            "kernel {:.1} MB with the 50 who read, {:.1} MB with all, {:.1} MB ({} orphans) once \
             the stalled are let go, {:.1} MB when they have closed too; PSS {:.1}, {:.1}, {:.1} MB",
            megabytes((calm - empty).bytes),
            megabytes(taken.bytes),
            megabytes((after - empty).bytes),
            after.orphans,
            megabytes((closed - empty).bytes),
            megabytes(alone.proportional),
            megabytes(measured.memory.proportional),
            megabytes(gone.proportional),
        ))?;
        if let Some(figures) = figures.as_object_mut() {
            for (name, sockets) in [("calm", calm), ("full", full), ("let_go", after)] {
                let mb = megabytes((sockets - empty).bytes);
                figures.insert(format!("socket_mb_{name}"), json!(mb));
            }
            figures.insert("let_go_after_s".to_owned(), json!(stayed));
        }
        report.keep(format!("{channels} channels"), figures);
        let kept = gone.proportional.saturating_sub(alone.proportional);
        report.limit("memory that they leave", megabytes(kept), 8.0, "MB")?;
    }
    Ok(())
}
