//! The peer: ffmpeg, one process per channel, as others do it.

use super::Outcome;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Processes that end with this.
pub(crate) struct Peers(Vec<Child>);

impl Peers {
    /// One for each offset, in seconds: copies the film in real time, to nowhere.
    pub(crate) fn start(url: &str, offsets: &[u32]) -> Outcome<Self> {
        let mut peers = Self(Vec::new());
        for offset in offsets {
            let mut command = copying(url, *offset, &["-re"]);
            peers.0.push(command.stdout(Stdio::null()).spawn()?);
        }
        Ok(peers)
    }

    pub(crate) fn processes(&self) -> Vec<u32> {
        self.0.iter().map(Child::id).collect()
    }

    /// How many still run.
    pub(crate) fn running(&mut self) -> usize {
        let runs = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        self.0
            .iter_mut()
            .filter_map(|child| runs(child).then_some(()))
            .count()
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Copies a film from an offset in seconds to a pipe.
pub(crate) fn copying(url: &str, offset: u32, how: &[&str]) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]).args(how);
    command.args(["-ss", &offset.to_string(), "-i", url]);
    command.args(["-map", "0", "-c", "copy", "-f", "mpegts", "pipe:1"]);
    command.stderr(Stdio::null());
    command
}

/// Milliseconds from starting a program to its first output.
pub(crate) fn first_output(command: &mut Command) -> Outcome<f64> {
    let begun = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut first = [0; 188];
    let mut out = child.stdout.take().ok_or("no output")?;
    let read = out.read_exact(&mut first);
    let waited_ms = begun.elapsed().as_secs_f64() * 1000.0;
    child.kill()?;
    child.wait()?;
    read?;
    Ok(waited_ms)
}
