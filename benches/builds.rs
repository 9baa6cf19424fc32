//! The box as it was built in several ways, in turns: what the C library's allocator, another one or
//! another way to optimise costs in memory and time. `scripts/bench builds NAME=PROGRAM...` runs it;
//! methods and figures are in `docs/benchmarks.md`.

mod house;

use house::Outcome;
use house::film::{Film, Picture, film};
use house::home::{Home, LARGE, Library, until};
use house::process::{self, megabytes};
use house::report::{Report, median};
use house::source::{self, Source};
use house::viewer::{Viewer, first_byte};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const CHANNELS: u32 = 34;

/// Turns of all builds.
const TURNS: usize = 3;

/// Until the first seconds, which go as fast as they can, are over for everybody.
const BURST: Duration = Duration::from_secs(8);

/// How long is measured then.
const WINDOW: Duration = Duration::from_secs(12);

/// How long a box is left alone before it is asked what it keeps.
const REST: Duration = Duration::from_secs(10);

/// Guides that are asked for in a row.
const GUIDES: u32 = 5;

/// One way in which the box was built.
struct Build {
    name: String,
    program: PathBuf,
    /// What was measured in each turn.
    figures: BTreeMap<&'static str, Vec<f64>>,
}

fn main() -> Outcome<()> {
    if source::is_asked_for()? {
        return Ok(());
    }
    let mut builds = Vec::new();
    for argument in std::env::args().skip(1) {
        if let Some((name, program)) = argument.split_once('=') {
            builds.push(Build {
                name: name.to_owned(),
                program: program.into(),
                figures: BTreeMap::new(),
            });
        }
    }
    if builds.is_empty() {
        return Err("scripts/bench builds NAME=PROGRAM... compares them".into());
    }
    let mut report = Report::begin("builds")?;
    let film = film(Picture::Loud, 20, "mp4")?;
    let source = Source::start()?;
    for turn in 1..=TURNS {
        for build in &mut builds {
            build.measure(&source, &film)?;
            report.say(format_args!("turn {turn} of {TURNS}: {}", build.name))?;
        }
    }
    for build in &builds {
        let medians = build.figures.iter().map(|(what, all)| (what, median(all)));
        let told: Vec<String> = medians
            .map(|(what, figure)| format!("{what} {figure:.2}"))
            .collect();
        report.say(format_args!("{}: {}", build.name, told.join(", ")))?;
        report.keep(build.name.as_str(), json!(build.figures));
    }
    report.end()?;
    Ok(())
}

impl Build {
    fn note(&mut self, what: &'static str, figure: f64) {
        self.figures.entry(what).or_default().push(figure);
    }

    /// One box from its start to its rest.
    fn measure(&mut self, source: &Source, film: &Film) -> Outcome<()> {
        let seconds = film.minutes * 60;
        let library = Library {
            part: film.part(format!("{}?title={{}}", source.url(film)))?,
            titles: LARGE,
            parts: CHANNELS,
            offsets: (0..CHANNELS)
                .map(|at| seconds / 10 + seconds * 7 / 10 * at / CHANNELS)
                .collect(),
        };
        let home = Home::of(&self.program, &library)?;
        self.note("idle, MB", held(&home)?);

        let mut waits_ms = Vec::new();
        for channel in 1..=CHANNELS {
            waits_ms.push(first_byte(&home.stream, channel)?.0);
        }
        self.note("first byte, ms", median(&waits_ms));

        let viewers = (1..=CHANNELS).map(|channel| Viewer::tune(&home.stream, channel));
        let viewers = viewers.collect::<Outcome<Vec<_>>>()?;
        std::thread::sleep(BURST);
        let (begun, before) = (Instant::now(), process::cpu(&[home.process()])?);
        std::thread::sleep(WINDOW);
        let cpu = process::cpu(&[home.process()])?.saturating_sub(before);
        let share = cpu.as_secs_f64() / begun.elapsed().as_secs_f64();
        self.note("34 channels, CPU %", share * 100.0);
        self.note("34 channels, MB", held(&home)?);

        let before = process::cpu(&[home.process()])?;
        for _ in 0..GUIDES {
            home.document("/iptv/xmltv.xml")?;
        }
        let cpu = process::cpu(&[home.process()])?.saturating_sub(before);
        self.note(
            "guide, CPU ms",
            cpu.as_secs_f64() * 1000.0 / f64::from(GUIDES),
        );
        if viewers.iter().any(Viewer::has_ended) {
            return Err("a stream has ended".into());
        }

        drop(viewers);
        until(Duration::from_secs(30), || Ok(home.busy_tuners()? == 0))?;
        std::thread::sleep(REST);
        self.note("left, MB", held(&home)?);
        Ok(())
    }
}

/// What a box has in memory, in MB.
fn held(home: &Home) -> Outcome<f64> {
    Ok(megabytes(home.memory()?.resident))
}
