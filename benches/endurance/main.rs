//! Thirty-four channels in real time over a source that stalls, resets and answers nonsense: no
//! stream may end, fall silent, leave the schedule or grow. `scripts/bench endurance MINUTES`.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the judge is a test's, and stops at what is not as it should be"
)]

mod clip;
#[path = "../house/mod.rs"]
mod house;
#[path = "../../tests/ts_judge/mod.rs"]
mod ts_judge;
mod viewer;

use clip::Clips;
use exstreamtv::model::{ChannelNumber, MediaItemId, NewChannel, Order};
use exstreamtv::store::{Scan, Store};
use house::home::Home;
use house::process::megabytes;
use house::report::{Report, quantile};
use house::source::server::{Answer, SourceServer};
use house::{Outcome, process};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use viewer::{Channel, Seen};

const CHANNELS: u32 = 34;
const MINUTES: u64 = 40;
/// No silence on a socket may last longer.
const SILENCE_MS: f64 = 500.0;
/// Nothing may be shown further off its schedule.
const OFF_MS: f64 = 100.0;
/// What the box may grow by in an hour.
const GROWTH_MB: f64 = 1.0;
/// Before the first fault.
const BEFORE: Duration = seconds(60);
/// How long after a fault has ended something may be on that is not the programme: the wait for
/// the next try, the lead, and the distance of key frames.
const RECOVERY_S: f64 = 20.0;

/// What happens to the source: its name, what it does, how long, and when the next one follows.
type Fault = (&'static str, fn(&SourceServer), u64, u64);

const FAULTS: [Fault; 10] = [
    ("stopped for 1 s", |it| it.pause(seconds(1)), 1, 30),
    ("stopped for 3 s", |it| it.pause(seconds(3)), 3, 40),
    ("reset", |it| it.reset(), 0, 30),
    ("stopped for 10 s", |it| it.pause(seconds(10)), 10, 60),
    ("404 for 10 s", |it| fail(it, Answer::Status(404)), 10, 60),
    ("500 for 10 s", |it| fail(it, Answer::Status(500)), 10, 60),
    (
        "garbage for 10 s",
        |it| fail(it, Answer::Raw(vec![0x47; 5000])),
        10,
        60,
    ),
    ("web pages for 10 s", |it| fail(it, Answer::Page), 10, 60),
    ("gone for 10 s", SourceServer::refuse, 10, 60),
    ("stopped for 60 s", |it| it.pause(seconds(60)), 60, 120),
];

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fail(source: &SourceServer, answer: Answer) {
    source.answer(answer);
    source.reset();
}

fn main() -> Outcome<()> {
    let minutes = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let minutes = minutes.unwrap_or(MINUTES);
    let mut report = Report::begin("endurance")?;
    endure(&mut report, minutes)?;
    if report.end()? {
        Ok(())
    } else {
        Err("not all limits are met".into())
    }
}

fn endure(report: &mut Report, minutes: u64) -> Outcome<()> {
    report.say("making what is missing of the clips")?;
    std::fs::create_dir_all(clip::folder())?;
    let source = SourceServer::start(&clip::folder());
    let clips = Arc::new(Clips::make(|name| source.url(name))?);
    let state = tempfile::tempdir()?;
    let channels = tokio::runtime::Builder::new_current_thread()
        .build()?
        .block_on(fill(state.path(), &clips))?;
    let home = Home::on(state)?;
    report.say(format_args!("{CHANNELS} channels, {minutes} minutes"))?;
    let begun = Instant::now();
    let end = begun + Duration::from_secs(minutes * 60);
    let viewers: Vec<_> = channels
        .into_iter()
        .map(|channel| {
            let (stream, clips) = (home.stream.clone(), Arc::clone(&clips));
            std::thread::spawn(move || viewer::watch(&stream, &channel, &clips, end))
        })
        .collect();
    let (faults, memory) = disturb(report, &home, &source, (begun, end))?;
    let mut seen = Vec::new();
    for viewer in viewers {
        let mut one = viewer.join().map_err(|_| "a viewer has fallen")?;
        one.finish();
        seen.push(one);
    }
    tell(report, &seen, &faults)?;
    let lap_ms: i64 = clips.clips.iter().map(|clip| clip.duration_ms).sum();
    grown(report, &memory, lap_ms as f64 / 1000.0)
}

/// Puts the clips and the channels into a state folder. All channels show all clips, each in an
/// order of its own, and have begun at the same time: where one lap ends and the next begins, all
/// of them go over in the same moment.
async fn fill(state: &Path, clips: &Clips) -> Outcome<Vec<Channel>> {
    let store = Store::open(state).await?;
    // A folder that is not there changes nothing when the box looks through it.
    let library = store.add_folder("Clips", "/media/nowhere/Clips").await?;
    let upserts = clips.clips.iter().map(|clip| clip.item.clone()).collect();
    let scan = Scan {
        upserts,
        ..Scan::default()
    };
    store.apply_scan(library.id, scan).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let epoch_ms = i64::try_from(now.as_millis())? - 650_000;
    let count = clips.clips.len();
    let channels: Vec<Channel> = (1..=CHANNELS)
        .map(|number| {
            let turn = number as usize;
            // 5, 7 and 11 have no divisor in common with 12.
            let stride = [1, 5, 7, 11][turn % 4];
            let order = (0..count).map(|at| (turn + at * stride) % count).collect();
            Channel {
                number,
                epoch_ms,
                order,
            }
        })
        .collect();
    let new = channels.iter().map(|channel| NewChannel {
        number: ChannelNumber {
            major: channel.number,
            minor: None,
        },
        name: format!("Channel {}", channel.number),
        epoch_ms,
        order: Order::Listed,
        items: channel
            .order
            .iter()
            .map(|clip| MediaItemId(*clip as i64 + 1))
            .collect(),
    });
    store.add_channels(new.collect()).await?;
    store.close().await;
    Ok(channels)
}

/// A fault that has happened: its name, when it began and when it ended, in seconds.
type Happened = (&'static str, f64, f64);

/// What the box held at some second, in bytes.
type Held = (f64, u64);

/// Has things happen to the source until the end, and looks at the box's memory meanwhile.
fn disturb(
    report: &Report,
    home: &Home,
    source: &SourceServer,
    (begun, end): (Instant, Instant),
) -> Outcome<(Vec<Happened>, Vec<Held>)> {
    let (mut faults, mut memory) = (Vec::new(), Vec::new());
    let mut wait = |until: Instant| -> Outcome<()> {
        while Instant::now() < until.min(end) {
            let left = until.min(end).saturating_duration_since(Instant::now());
            std::thread::sleep(left.min(seconds(5)));
            let held = process::memory(&[home.process()])?;
            memory.push((begun.elapsed().as_secs_f64(), held.anonymous));
        }
        Ok(())
    };
    wait(begun + BEFORE)?;
    for (name, happens, lasts_s, next_s) in FAULTS.into_iter().cycle() {
        // The last one is to be over, and recovered from, before the end.
        if Instant::now() + seconds(lasts_s + 45) > end {
            break;
        }
        let (at, at_s) = (Instant::now(), begun.elapsed().as_secs_f64());
        report.say(name)?;
        happens(source);
        wait(at + seconds(lasts_s))?;
        source.answer(Answer::Whole);
        source.admit();
        faults.push((name, at_s, begun.elapsed().as_secs_f64()));
        wait(at + seconds(lasts_s + next_s))?;
    }
    wait(end)?;
    Ok((faults, memory))
}

/// Says what the viewers have seen.
fn tell(report: &mut Report, seen: &[Seen], faults: &[Happened]) -> Outcome<()> {
    for problem in seen.iter().flat_map(|one| {
        let told = one.problems.iter().take(5);
        told.map(|problem| format!("channel {}: {problem}", one.channel))
    }) {
        report.say(problem)?;
    }
    let problems: usize = seen.iter().map(|one| one.problems.len()).sum();
    let bytes: u64 = seen.iter().map(|one| one.bytes).sum();
    let pictures: usize = seen.iter().map(|one| one.pictures).sum();
    let slate_s: f64 = seen
        .iter()
        .flat_map(|one| &one.slates)
        .map(|(from, to)| to - from)
        .sum();
    report.say(format_args!(
        "{:.0} MB, {pictures} pictures of clips, {:.1} s of slate per channel",
        megabytes(bytes),
        slate_s / seen.len() as f64
    ))?;
    for (name, from_s, to_s) in faults {
        // What is made at some time is shown the lead later; streams begin at 10 s.
        let around = |(from, to): &&(f64, f64)| {
            *to > from_s + 10.0 && *from < to_s + 10.0 + 5.5 + RECOVERY_S
        };
        let slates: Vec<_> = seen
            .iter()
            .flat_map(|one| one.slates.iter().filter(around))
            .collect();
        let back_s = slates
            .iter()
            .map(|(_, to)| to - 15.5 - to_s)
            .fold(0.0, f64::max);
        let longest_s = slates
            .iter()
            .map(|(from, to)| to - from)
            .fold(0.0, f64::max);
        report.say(format_args!(
            "at {from_s:.0} s {name}: {} slates, the longest {longest_s:.1} s, the last over \
             {back_s:.1} s after it ended",
            slates.len()
        ))?;
        report.keep(
            format!("at {from_s:.0} s"),
            json!([name, slates.len(), longest_s, back_s]),
        );
        report.limit("programme again after", back_s, RECOVERY_S, "s")?;
    }
    let silence = seen
        .iter()
        .flat_map(|one| one.silences.iter().map(move |it| (one.channel, *it)));
    let mut silences: Vec<_> = silence.collect();
    silences.sort_by(|one, other| other.1.0.total_cmp(&one.1.0));
    for (channel, (ms, at_s)) in silences.iter().take(5) {
        report.say(format_args!(
            "channel {channel} was silent for {ms:.0} ms at {at_s:.0} s"
        ))?;
    }
    let longest_ms = silences.first().map_or(0.0, |one| one.1.0);
    let mut off: Vec<f64> = seen
        .iter()
        .flat_map(|one| &one.late_ms)
        .map(|ms| ms.abs())
        .collect();
    let most_off_ms = off.iter().copied().fold(0.0, f64::max);
    let usual = quantile(&mut off, 50);
    report.say(format_args!(
        "off the schedule: p50 {usual:.1} ms, p99.9 {:.1} ms",
        {
            let last = off.len().saturating_sub(1);
            off.get(last - last / 1000).copied().unwrap_or(f64::NAN)
        }
    ))?;
    report.keep("pictures", pictures);
    report.limit("problems", problems as f64, 0.0, "")?;
    let discontinuities: usize = seen.iter().map(|one| one.discontinuities).sum();
    report.limit("discontinuities", discontinuities as f64, 0.0, "")?;
    let moved = seen.iter().map(|one| one.offs_ms.1 - one.offs_ms.0);
    report.limit(
        "most moved in a stream",
        moved.fold(0.0, f64::max),
        OFF_MS,
        "ms",
    )?;
    report.limit("longest silence", longest_ms, SILENCE_MS, "ms")?;
    report.limit("most off the schedule", most_off_ms, OFF_MS, "ms")
}

/// Says what the box has grown by since every fault has happened once: until then it takes what it
/// will need again. What it holds goes up and down with what is on, so that whole laps are
/// compared: the least that was held in the first one and in the last one.
fn grown(report: &mut Report, memory: &[Held], lap_s: f64) -> Outcome<()> {
    let end_s = memory.last().map_or(0.0, |(at_s, _)| *at_s);
    let round_s: u64 = FAULTS
        .iter()
        .map(|(_, _, lasts_s, next_s)| lasts_s + next_s)
        .sum();
    let begin_s = ((BEFORE + seconds(round_s)).as_secs_f64()).min(end_s / 2.0);
    let lap_s = lap_s.min((end_s - begin_s) / 2.0);
    let lap = |from_s: f64| {
        let within = memory
            .iter()
            .filter(|(at_s, _)| (from_s..=from_s + lap_s).contains(at_s));
        let held: Vec<f64> = within.map(|(_, held)| megabytes(*held)).collect();
        let least = held.iter().copied().fold(f64::INFINITY, f64::min);
        (least, held.iter().sum::<f64>() / held.len() as f64)
    };
    let (early, late) = (lap(begin_s), lap(end_s - lap_s));
    let most = memory
        .iter()
        .map(|(_, held)| megabytes(*held))
        .fold(0.0, f64::max);
    report.say(format_args!(
        "memory in the lap of {lap_s:.0} s after {begin_s:.0} s and in the last: at least {:.2} and {:.2} MB, on \
         average {:.2} and {:.2} MB; {most:.2} MB at most",
        early.0, late.0, early.1, late.1
    ))?;
    report.keep("memory", json!(memory));
    let hours = (end_s - lap_s - begin_s) / 3600.0;
    report.limit(
        "growth in an hour",
        (late.0 - early.0) / hours,
        GROWTH_MB,
        "MB",
    )
}
