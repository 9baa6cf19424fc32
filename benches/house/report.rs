//! What a case says, checks and leaves behind.

use super::Outcome;
use serde_json::{Map, Value, json};
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// One case's figures: printed as they come, kept as JSON below `target/bench`.
pub(crate) struct Report {
    name: String,
    begun: Instant,
    figures: Map<String, Value>,
    met: bool,
}

impl Report {
    pub(crate) fn begin(name: &str) -> Outcome<Self> {
        say(format_args!("== {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            begun: Instant::now(),
            figures: Map::new(),
            met: true,
        })
    }

    /// A line for whoever waits.
    pub(crate) fn say(&self, line: impl Display) -> Outcome<()> {
        say(format_args!(
            "   [{:3.0} s] {line}",
            self.begun.elapsed().as_secs_f64()
        ))
    }

    /// Keeps a raw figure.
    pub(crate) fn keep(&mut self, name: impl Into<String>, figure: impl Into<Value>) {
        self.figures.insert(name.into(), figure.into());
    }

    /// Says a figure and holds it against its limit.
    pub(crate) fn limit(&mut self, what: &str, figure: f64, most: f64, unit: &str) -> Outcome<()> {
        let met = figure <= most;
        let verdict = if met { "met" } else { "NOT MET" };
        self.say(format_args!(
            "{what}: {figure:.2} {unit}, limit {most} {unit}: {verdict}"
        ))?;
        let checked = json!({ "figure": figure, "limit": most, "unit": unit, "met": met });
        self.keep(what, checked);
        self.met &= met;
        Ok(())
    }

    /// Writes the figures down; whether all limits are met.
    pub(crate) fn end(mut self) -> Outcome<bool> {
        let took = self.begun.elapsed().as_secs();
        self.keep("seconds", took);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
        std::fs::create_dir_all(&folder)?;
        let text = serde_json::to_string_pretty(&self.figures)?;
        std::fs::write(folder.join(format!("{}.json", self.name)), text)?;
        Ok(self.met)
    }
}

fn say(line: impl Display) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// The figure below which this share of them lies, in percent; they get sorted.
pub(crate) fn quantile(figures: &mut [f64], percent: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    let last = figures.len().saturating_sub(1);
    figures
        .get((last * percent).div_ceil(100))
        .copied()
        .unwrap_or(f64::NAN)
}

/// The figure in the middle.
pub(crate) fn median(figures: &[f64]) -> f64 {
    quantile(&mut figures.to_vec(), 50)
}
