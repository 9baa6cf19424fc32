//! How long a viewer waits in the middle of a film of 4 GB: for the first byte, the box beside
//! ffmpeg, and for the first picture that ffmpeg decodes of the box's stream; and what of the film
//! is read for nothing. `scripts/bench` runs it; methods and figures are in `docs/benchmarks.md`.

mod house;

use house::Outcome;
use house::film::{Film, Picture, film};
use house::home::{Home, Library};
use house::peer::{copying, first_output};
use house::process::megabytes;
use house::report::{Report, quantile};
use house::source::Source;
use house::viewer::{Viewer, first_byte};
use serde_json::json;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

const CHANNELS: u32 = 34;

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

/// The films: one of 4 GB, and one of a sort whose index lies elsewhere.
fn films() -> Outcome<[Film; 2]> {
    Ok([
        film(Picture::Loud, 66, "mp4")?,
        film(Picture::Loud, 20, "mkv")?,
    ])
}

fn start(source: &Source, film: &Film) -> Outcome<Home> {
    Home::start(&Library {
        part: film.part(format!("{}?title={{}}", source.url(film)))?,
        titles: 1,
        offsets: (0..CHANNELS).map(|at| offset(film, at)).collect(),
    })
}

/// Where in the film a channel is, in seconds: somewhere in its middle half.
fn offset(film: &Film, channel: u32) -> u32 {
    let quarter = film.minutes * 15;
    quarter + quarter * 2 * channel / CHANNELS
}

/// Closes a stream and waits until the box has noticed.
fn leave(home: &Home, socket: TcpStream) -> Outcome<()> {
    drop(socket);
    house::home::until(Duration::from_secs(5), || Ok(home.busy_tuners()? == 0))
}

fn first_bytes(report: &mut Report) -> Outcome<()> {
    let mut source = Source::start()?;
    for film in films()? {
        for latency_ms in LATENCIES_MS {
            source.latency(0)?;
            let home = start(&source, &film)?;
            source.latency(latency_ms)?;
            let (mut cold, mut warm, mut shared, mut theirs) =
                (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for channel in 0..CHANNELS {
                let number = channel + 1;
                let (waited, socket) = first_byte(&home.stream, number)?;
                cold.push(waited);
                leave(&home, socket)?;
                let (waited, socket) = first_byte(&home.stream, number)?;
                warm.push(waited);
                let (waited, second) = first_byte(&home.stream, number)?;
                shared.push(waited);
                drop(second);
                leave(&home, socket)?;
                if channel % 2 == 0 {
                    let mut peer = copying(&source.url(&film), offset(&film, channel), &[]);
                    theirs.push(first_output(&mut peer)?);
                }
            }
            let name = format!("{}, {latency_ms} ms", film.name);
            let mut quantiles = Vec::new();
            for (what, figures) in [
                ("cold", &mut cold),
                ("again", &mut warm),
                ("second viewer", &mut shared),
                ("ffmpeg", &mut theirs),
            ] {
                let (p50, p95) = (quantile(figures, 50), quantile(figures, 95));
                report.say(format_args!(
                    "{name}, {what}: p50 {p50:.2}, p95 {p95:.2} ms"
                ))?;
                report.keep(format!("{name}, {what}"), json!(figures));
                quantiles.push((what, p95));
            }
            let limit_ms = BYTE_LIMIT_MS + 2.0 * f64::from(latency_ms);
            for (what, p95) in quantiles.into_iter().take(3) {
                let what = format!("first byte p95, {name}, {what}");
                report.limit(&what, p95, limit_ms, "ms")?;
            }
        }
    }
    Ok(())
}

/// What is read and not sent: by a viewer who stays, and by one who leaves at once.
fn wasted_bytes(report: &mut Report) -> Outcome<()> {
    let mut source = Source::start()?;
    for film in films()? {
        let home = start(&source, &film)?;
        let (mut most, mut requests) = (0, 0);
        for channel in [3, 17] {
            let before = source.given()?;
            let viewer = Viewer::tune(&home.stream, channel)?;
            // The first seconds go as fast as they can: who has got what is told when they are over.
            std::thread::sleep(Duration::from_secs(2));
            for _ in 0..40 {
                std::thread::sleep(Duration::from_millis(200));
                let sent = viewer.coded_bytes();
                let read = source.given()?.bytes - before.bytes;
                most = most.max(read.saturating_sub(sent));
            }
            requests = requests.max(source.given()?.requests - before.requests);
            drop(viewer);
            house::home::until(Duration::from_secs(5), || Ok(home.busy_tuners()? == 0))?;
        }
        report.keep(format!("{}, requests of one tune", film.name), requests);
        report.say(format_args!("{}: {requests} requests", film.name))?;
        let what = format!("read beyond what is sent, {}", film.name);
        report.limit(&what, megabytes(most), 1.0, "MB")?;
        let mut zaps = Vec::new();
        for channel in 1..=10 {
            let before = source.given()?;
            let (_, socket) = first_byte(&home.stream, channel)?;
            leave(&home, socket)?;
            std::thread::sleep(Duration::from_millis(100));
            zaps.push(megabytes(source.given()?.bytes - before.bytes));
        }
        let (p50, p95) = (quantile(&mut zaps, 50), quantile(&mut zaps, 95));
        report.say(format_args!(
            "{}: who leaves at once costs p50 {p50:.2}, p95 {p95:.2} MB",
            film.name
        ))?;
        report.keep(format!("{}, who leaves at once, MB", film.name), zaps);
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
