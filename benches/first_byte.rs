//! How long a viewer waits in the middle of a film of 4 GB: for the first byte, the box beside
//! ffmpeg, and for the first picture that ffmpeg decodes of the box's stream; and what of the film
//! is read for nothing. `scripts/bench` runs it; methods and figures are in `docs/benchmarks.md`.

mod house;

use house::Outcome;
use house::film::{Film, Picture, film};
use house::home::{Home, Library, until};
use house::peer::{copying, first_output};
use house::process::megabytes;
use house::report::{Report, quantile};
use house::source::Source;
use house::viewer::{Viewer, first_byte};
use serde_json::json;
use std::process::Command;
use std::time::Duration;

/// Channels at as many places of the film.
const CHANNELS: u32 = 20;

/// What p95 of the first byte has to stay under, beside two round trips to the source.
const BYTE_LIMIT_MS: f64 = 25.0;

/// What the median of the first picture has to stay under, with ffmpeg's own options.
const PICTURE_LIMIT_MS: f64 = 500.0;

/// And with those of Jellyfin, which begins to send on what it gets.
const JELLYFIN_LIMIT_MS: f64 = 300.0;

/// Latencies of the source.
const LATENCIES_MS: [u32; 2] = [0, 40];

fn main() -> Outcome<()> {
    house::run(&[
        ("first_byte", first_bytes),
        ("waste", wasted_bytes),
        ("first_picture", first_pictures),
    ])
}

/// The films: one of 4 GB, and two of sorts whose index lies elsewhere.
fn films() -> Outcome<[Film; 3]> {
    Ok([
        film(Picture::Loud, 66, "mp4")?,
        film(Picture::Loud, 20, "front.mp4")?,
        film(Picture::Loud, 20, "mkv")?,
    ])
}

fn start(source: &Source, film: &Film) -> Outcome<Home> {
    Home::start(&Library {
        part: film.part(format!("{}?title={{}}", source.url(film)))?,
        titles: CHANNELS,
        parts: CHANNELS,
        offsets: (0..2 * CHANNELS).map(|at| offset(film, at)).collect(),
    })
}

/// Where in the film a channel is, in seconds: somewhere in its middle half. The second half of the
/// channels shows what the first one does, each title half of that earlier or later.
fn offset(film: &Film, channel: u32) -> u32 {
    let quarter = film.minutes * 15;
    let place = (channel + channel / CHANNELS * CHANNELS / 2) % CHANNELS;
    quarter + quarter * 2 * place / CHANNELS
}

/// Waits until the box has noticed that nobody watches.
fn free(home: &Home) -> Outcome<()> {
    until(Duration::from_secs(5), || Ok(home.busy_tuners()? == 0))
}

fn first_bytes(report: &mut Report) -> Outcome<()> {
    let mut source = Source::start()?;
    for film in films()? {
        for latency_ms in LATENCIES_MS {
            first_bytes_of(report, &mut source, &film, latency_ms)?;
        }
    }
    Ok(())
}

fn first_bytes_of(
    report: &mut Report,
    source: &mut Source,
    film: &Film,
    latency_ms: u32,
) -> Outcome<()> {
    let home = start(source, film)?;
    source.latency(latency_ms)?;
    let (mut cold, mut again, mut elsewhere) = (vec![], vec![], vec![]);
    let (mut second, mut theirs) = (vec![], vec![]);
    for channel in 1..=CHANNELS {
        let (waited, socket) = first_byte(&home.stream, channel)?;
        if channel == 1 {
            // The box has never spoken to this server.
            let name = format!("{}, {latency_ms} ms, the first of all", film.name);
            report.say(format_args!("{name}: {waited:.2} ms"))?;
            report.keep(name, waited);
        } else {
            cold.push(waited);
        }
        drop(socket);
        free(&home)?;
        let (waited, socket) = first_byte(&home.stream, channel)?;
        again.push(waited);
        let (waited, other) = first_byte(&home.stream, channel)?;
        second.push(waited);
        drop((socket, other));
        free(&home)?;
        let (waited, socket) = first_byte(&home.stream, channel + CHANNELS)?;
        elsewhere.push(waited);
        drop(socket);
        free(&home)?;
        if channel % 2 == 0 {
            let mut peer = copying(&source.url(film), offset(film, channel), &[]);
            theirs.push(first_output(&mut peer)?);
        }
    }
    for (who, mut figures) in [
        ("cold", cold),
        ("again", again),
        ("elsewhere", elsewhere),
        ("a second viewer", second),
        ("ffmpeg", theirs),
    ] {
        let name = format!("{}, {latency_ms} ms, {who}", film.name);
        let (p50, p95) = (quantile(&mut figures, 50), quantile(&mut figures, 95));
        report.say(format_args!("{name}: p50 {p50:.2}, p95 {p95:.2} ms"))?;
        report.keep(name.clone(), figures);
        if who != "ffmpeg" {
            let limit_ms = BYTE_LIMIT_MS + 2.0 * f64::from(latency_ms);
            report.limit(&format!("p95 of {name}"), p95, limit_ms, "ms")?;
        }
    }
    source.latency(0)
}

/// What is read and not sent: by a viewer who stays, and by one who leaves at once.
fn wasted_bytes(report: &mut Report) -> Outcome<()> {
    let mut source = Source::start()?;
    for film in films()? {
        let home = start(&source, &film)?;
        let named = |what: &str| format!("{what}, {}", film.name);
        let mut most = 0;
        for channel in [3, 17] {
            source.forget()?;
            let viewer = Viewer::tune(&home.stream, channel)?;
            // The first seconds go as fast as they can: who has what is told when they are over.
            std::thread::sleep(Duration::from_secs(2));
            for _ in 0..25 {
                std::thread::sleep(Duration::from_millis(200));
                let sent = viewer.coded_bytes();
                most = most.max(source.given()?.bytes.saturating_sub(sent));
            }
            let ranges = source.given()?.ranges;
            let requests = ranges.len();
            report.say(named(&format!("{requests} requests for one viewer")))?;
            report.keep(named("requests for one viewer"), ranges);
            drop(viewer);
            free(&home)?;
        }
        let what = named("read beyond what is sent");
        report.limit(&what, megabytes(most), 1.0, "MB")?;
        let mut zaps = Vec::new();
        for channel in 1..=10 {
            source.forget()?;
            let (_, socket) = first_byte(&home.stream, channel)?;
            drop(socket);
            free(&home)?;
            std::thread::sleep(Duration::from_millis(100));
            zaps.push(megabytes(source.given()?.bytes));
        }
        let (p50, p95) = (quantile(&mut zaps, 50), quantile(&mut zaps, 95));
        let what = named("who leaves at once has read");
        report.say(format_args!("{what}: p50 {p50:.2}, p95 {p95:.2} MB"))?;
        report.keep(what, zaps);
    }
    Ok(())
}

/// From starting ffmpeg to its first decoded picture, and to the first packet that it sends on with
/// Jellyfin's arguments.
fn first_pictures(report: &mut Report) -> Outcome<()> {
    let source = Source::start()?;
    for film in films()? {
        let home = start(&source, &film)?;
        let (mut pictures, mut copies) = (Vec::new(), Vec::new());
        for channel in 1..=12 {
            let url = home.url(channel);
            let mut command = Command::new("ffmpeg");
            command.args(["-v", "error", "-nostdin", "-i", &url]);
            command.args("-map 0:v -frames:v 1 -f rawvideo pipe:1".split(' '));
            pictures.push(first_output(&mut command)?);
            let mut command = Command::new("ffmpeg");
            command.args("-v error -nostdin -analyzeduration 3000000 -probesize 1G".split(' '));
            command.args(["-fflags", "+igndts+genpts", "-i", &url]);
            command.args("-map 0 -c copy -f mpegts pipe:1".split(' '));
            copies.push(first_output(&mut command)?);
        }
        for (what, figures, limit_ms) in [
            ("first picture, ffmpeg", &mut pictures, PICTURE_LIMIT_MS),
            (
                "first packet sent on, Jellyfin",
                &mut copies,
                JELLYFIN_LIMIT_MS,
            ),
        ] {
            let (p50, p95) = (quantile(figures, 50), quantile(figures, 95));
            let name = format!("{what}, {}", film.name);
            report.say(format_args!("{name}: p50 {p50:.0}, p95 {p95:.0} ms"))?;
            report.keep(format!("{name}, all"), json!(figures));
            report.limit(&format!("{name}, p50"), p50, limit_ms, "ms")?;
        }
    }
    Ok(())
}
