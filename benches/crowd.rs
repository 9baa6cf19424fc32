//! Many viewers: what the box takes beside one ffmpeg per channel, with long films beside short
//! clips, with many viewers of a channel, and with viewers who stop reading. `scripts/bench` runs
//! it; methods and figures are in `docs/benchmarks.md`.

mod house;

use house::Outcome;
use house::film::{Film, Picture, film};
use house::home::{Home, LARGE, Library, until};
use house::peer::Peers;
use house::process::{self, Memory, Sockets, megabytes};
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

/// Where there is no peer to be fair to, less will do.
const SHORT_BURST: Duration = Duration::from_secs(8);
const SHORT_WINDOW: Duration = Duration::from_secs(12);

const MIB: f64 = 1_048_576.0;

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
        parts: titles.min(channels),
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
    /// How many of them were led over a jump in time since they came.
    led_on: usize,
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
        led_on: viewers.iter().filter(|viewer| viewer.jumps() > 0).count(),
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
    add(&mut figures, "rate_mbps", got.rate / 1e6);
    add(&mut figures, "least_rate_mbps", got.least_rate / 1e6);
    add(&mut figures, "longest_pause_ms", got.longest_pause_ms);
    add(&mut figures, "led_on", got.led_on as f64);
    let per_gb = measured.cpu_percent / 100.0 / (got.rate / 8e9);
    add(&mut figures, "cpu_seconds_per_gb", per_gb);
    (words, figures)
}

fn add(figures: &mut Value, name: &str, figure: f64) {
    if let Some(figures) = figures.as_object_mut() {
        figures.insert(name.to_owned(), json!(figure));
    }
}

/// 34 channels at 8 Mb/s beside 34 processes, in turns: first the box with nothing but the film,
/// then with a large catalog.
fn beside_peers(report: &mut Report) -> Outcome<()> {
    let film = film(Picture::Loud, 20, "mp4")?;
    let source = Source::start()?;
    let mut shares = Vec::new();
    for (what, titles) in [("the engine", 1), ("the box", LARGE)] {
        let home = Home::start(&library(&source, &film, titles, CHANNELS)?)?;
        let idle = home.memory()?;
        let viewers = watch(&home, CHANNELS, CHANNELS)?;
        std::thread::sleep(BURST);
        let (our, got) = measure_watched(&home, WINDOW, &viewers)?;
        drop((viewers, home));
        let (words, mut figures) = said(our, &got);
        report.say(format_args!("{what}, {titles} titles: {words}"))?;
        add(&mut figures, "idle_rss_mb", megabytes(idle.resident));
        report.keep(what, figures);
        let offsets = offsets(&film, CHANNELS);
        let mut peers = Peers::start(&source.url(&film), &offsets)?;
        std::thread::sleep(BURST);
        let their = measure(WINDOW, &peers.processes())?;
        if peers.running() != offsets.len() {
            return Err("a peer has ended".into());
        }
        report.say(format_args!("{CHANNELS} ffmpeg: {}", their.words()))?;
        report.keep(format!("ffmpeg beside {what}"), their.json());
        let share = our.memory.proportional as f64 / their.memory.proportional as f64;
        report.limit(&format!("PSS of {what} beside ffmpeg"), share, 0.1, "x")?;
        if titles == LARGE {
            let resident = our.memory.resident as f64 / MIB;
            report.limit("resident, the whole box", resident, 96.0, "MiB")?;
        } else {
            let pss = megabytes(our.memory.proportional);
            report.limit("PSS of the engine", pss, 70.0, "MB")?;
        }
        shares.push(our.cpu_percent / their.cpu_percent);
    }
    report.keep("CPU beside ffmpeg, each", shares.clone());
    let share = median(&shares);
    report.limit("CPU beside ffmpeg (aim 0.2)", share, 1.0 / 3.0, "x")
}

/// A film of two hours costs what a clip of two minutes costs.
fn long_beside_short(report: &mut Report) -> Outcome<()> {
    let source = Source::start()?;
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        for (minutes, figures) in [(2, &mut short), (120, &mut long)] {
            let film = film(Picture::Quiet, minutes, "mp4")?;
            let home = Home::start(&library(&source, &film, 1, CHANNELS)?)?;
            let _viewers = watch(&home, CHANNELS, CHANNELS)?;
            std::thread::sleep(Duration::from_secs(4));
            let measured = measure(Duration::from_secs(5), &[home.process()])?;
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
        std::thread::sleep(SHORT_BURST);
        let (measured, got) = measure_watched(&home, SHORT_WINDOW, &viewers)?;
        let sockets = process::sockets()? - before;
        let (words, mut figures) = said(measured, &got);
        let name = format!("{channels} channels, {count} viewers");
        let kernel = megabytes(sockets.bytes);
        report.say(format_args!("{name}: {words}, kernel {kernel:.1} MB"))?;
        add(&mut figures, "socket_mb", kernel);
        report.keep(name.clone(), figures);
        hold_viewers(report, &name, &got)?;
    }
    Ok(())
}

/// What sockets and the box hold at one time.
struct Held {
    sockets: Sockets,
    pss: u64,
}

impl Held {
    fn now(home: &Home) -> Outcome<Self> {
        Ok(Self {
            sockets: process::sockets()?,
            pss: home.memory()?.proportional,
        })
    }

    fn words(&self, before: &Self) -> String {
        let kernel = megabytes((self.sockets - before.sockets).bytes);
        format!("kernel {kernel:.1} MB, PSS {:.1} MB", megabytes(self.pss))
    }

    fn json(&self, before: &Self) -> Value {
        json!({
            "socket_mb": megabytes((self.sockets - before.sockets).bytes),
            "orphans": self.sockets.orphans,
            "pss_mb": megabytes(self.pss),
        })
    }
}

/// 100 viewers of 34 channels, of whom 50 stop reading; and those 50 once more.
fn stalled_viewers(report: &mut Report) -> Outcome<()> {
    let film = film(Picture::Loud, 20, "mp4")?;
    let source = Source::start()?;
    let home = Home::start(&library(&source, &film, 1, CHANNELS)?)?;
    let empty = Held::now(&home)?;
    let viewers = watch(&home, CHANNELS, 50)?;
    std::thread::sleep(SHORT_BURST);
    report.say(format_args!("50 read: {}", Held::now(&home)?.words(&empty)))?;
    let mut most = Vec::new();
    for wave in 1..=2 {
        let named = |what: &str| format!("wave {wave}, {what}");
        let stalled: Outcome<Vec<_>> = (0..50)
            .map(|at| tune(&home.stream, at % CHANNELS + 1))
            .collect();
        let (stalled, begun) = (stalled?, Instant::now());
        let (measured, got) = measure_watched(&home, SHORT_WINDOW, &viewers)?;
        let during = Held::now(&home)?;
        let (words, figures) = said(measured, &got);
        report.say(named(&format!("50 of 100 viewers stalled: {words}")))?;
        report.keep(named("the others"), figures);
        let kernel = megabytes((during.sockets - empty.sockets).bytes);
        report.limit(&named("socket memory"), kernel, 60.0, "MB")?;
        hold_viewers(report, &named("50 stalled"), &got)?;
        // They are gone when no more tuners are busy than there are others.
        until(Duration::from_secs(60), || {
            Ok(home.busy_tuners()? == viewers.len())
        })?;
        let stayed = begun.elapsed().as_secs_f64();
        report.limit(&named("let go after"), stayed, 32.0, "s")?;
        std::thread::sleep(Duration::from_secs(2));
        let after = Held::now(&home)?;
        drop(stalled);
        std::thread::sleep(Duration::from_secs(1));
        for (when, held) in [
            ("while they are stalled", &during),
            ("when they have been let go", &after),
            ("when they have closed too", &Held::now(&home)?),
        ] {
            report.say(named(&format!("{when}: {}", held.words(&empty))))?;
            report.keep(named(when), held.json(&empty));
        }
        most.push(megabytes(measured.memory.proportional));
    }
    // What they leave the allocator may keep, but it must serve the next ones.
    let more = most.last().unwrap_or(&0.0) - most.first().unwrap_or(&0.0);
    report.limit("memory for 50 more", more, 8.0, "MB")
}

/// Holds that nobody waited for long, and that everybody got the whole stream.
fn hold_viewers(report: &mut Report, who: &str, got: &Got) -> Outcome<()> {
    let what = format!("longest pause, {who}");
    report.limit(&what, got.longest_pause_ms, 500.0, "ms")?;
    let lack = (1.0 - got.least_rate / RATE) * 100.0;
    report.limit(&format!("lack of 8 Mb/s, {who}"), lack.max(0.0), 0.0, "%")?;
    let led_on = got.led_on as f64;
    report.limit(&format!("led over a jump, {who}"), led_on, 0.0, "viewers")
}
