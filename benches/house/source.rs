//! The source: the tests' stand-in for a server, as a process of its own, so that what it takes is
//! counted for nobody. It is this program, started again.

use super::{Outcome, film};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

#[path = "../../tests/support/source.rs"]
#[allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "it stops at the first thing that is not as it should be"
)]
pub(crate) mod server;

/// The argument with which this program is the source.
const ARGUMENT: &str = "--be-the-source";

/// A source that runs.
pub(crate) struct Source {
    child: Child,
    say: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
    root: String,
}

/// What a source has given.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// What was asked for, in order.
    pub(crate) ranges: Vec<String>,
    pub(crate) bytes: u64,
}

/// Is the source, if the command line says so, for as long as somebody asks.
pub(crate) fn is_asked_for() -> Outcome<bool> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(ARGUMENT) {
        return Ok(false);
    }
    let folder = arguments.next().ok_or("no folder")?;
    let server = server::SourceServer::start(Path::new(&folder));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "root": server.url("") }))?;
    for line in std::io::stdin().lines() {
        let line = line?;
        if let Some(ms) = line.strip_prefix("latency ") {
            server.latency(Duration::from_millis(ms.parse()?));
        }
        let counts = server.counts();
        let asked = server.asked();
        let ranges: Vec<&str> = asked.iter().map(|asked| asked.range.as_str()).collect();
        let given = json!({ "ranges": ranges, "bytes": counts.body_bytes });
        if line == "forget" {
            server.reset_counts();
        }
        writeln!(out, "{given}")?;
    }
    Ok(true)
}

impl Source {
    /// Serves the films.
    pub(crate) fn start() -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .arg(film::folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let say = child.stdin.take().ok_or("no input")?;
        let mut told = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let line = told.next().ok_or("the source did not start")??;
        let line: Value = serde_json::from_str(&line)?;
        let root = line.get("root").and_then(Value::as_str).ok_or("no root")?;
        let root = root.to_owned();
        Ok(Self {
            child,
            say,
            told,
            root,
        })
    }

    /// Where a film is.
    pub(crate) fn url(&self, film: &film::Film) -> String {
        format!("{}{}", self.root, film.name)
    }

    /// Has each answer wait for so long.
    pub(crate) fn latency(&mut self, ms: u32) -> Outcome<()> {
        self.ask(&format!("latency {ms}")).map(drop)
    }

    /// What it has given since it began or was told to forget it.
    pub(crate) fn given(&mut self) -> Outcome<Given> {
        self.ask("given")
    }

    /// Counts anew.
    pub(crate) fn forget(&mut self) -> Outcome<()> {
        self.ask("forget").map(drop)
    }

    fn ask(&mut self, line: &str) -> Outcome<Given> {
        writeln!(self.say, "{line}")?;
        let answer = self.told.next().ok_or("the source is gone")??;
        let answer: Value = serde_json::from_str(&answer)?;
        let ranges = answer.get("ranges").and_then(Value::as_array);
        let ranges = ranges.ok_or("no ranges")?.iter().filter_map(Value::as_str);
        let bytes = answer.get("bytes").and_then(Value::as_u64);
        Ok(Given {
            ranges: ranges.map(str::to_owned).collect(),
            bytes: bytes.ok_or("no bytes")?,
        })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
