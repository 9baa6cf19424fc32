//! What the benchmarks share: films, a source over HTTP, the real program with a library of them,
//! viewers, its peer, and the figures of `/proc`.

#![allow(dead_code, reason = "each benchmark uses the part that it needs")]

pub(crate) mod film;
pub(crate) mod home;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod report;
pub(crate) mod source;
pub(crate) mod viewer;

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A part of a benchmark, which can be run by itself.
pub(crate) type Case = fn(&mut report::Report) -> Outcome<()>;

/// Runs a benchmark: its cases, or only those that the command line names.
pub(crate) fn run(cases: &[(&str, Case)]) -> Outcome<()> {
    if source::is_asked_for()? {
        return Ok(());
    }
    // Cargo adds `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let asked: Vec<&String> = asked.iter().filter(|a| !a.starts_with("--")).collect();
    if let Some(unknown) = asked
        .iter()
        .find(|asked| !cases.iter().any(|(name, _)| name == *asked))
    {
        let names: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
        return Err(format!("{unknown} is none of the cases {}", names.join(", ")).into());
    }
    let mut met = true;
    for (name, case) in cases {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            let mut report = report::Report::begin(name)?;
            case(&mut report)?;
            met &= report.end()?;
        }
    }
    if met {
        Ok(())
    } else {
        Err("not all limits are met".into())
    }
}
