//! How the slots stand, as the updater tells it, and what else may be asked of it: to keep the
//! running slot, and to start the machine again.
//!
//! One connection to its socket for each question, one line of JSON; it answers in lines of which
//! the last one counts. What it does is its own matter; nothing of it is kept here.

use crate::error::{Error, Result};
use crate::limits;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How the slots stand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Standing {
    /// The slot that runs.
    pub running: String,
    /// The version in it.
    pub version: Option<String>,
    /// The slot that is tried first at the next boot.
    pub order: Option<String>,
    /// The slot that has not proved itself yet.
    pub trial: Option<String>,
    /// Boots that each slot still has.
    #[serde(default)]
    pub left: BTreeMap<String, u32>,
    /// Boots of this card, ever.
    pub boots: u64,
    /// The version in each slot; `None` where nothing that could run is.
    #[serde(default)]
    pub slots: BTreeMap<String, Option<String>>,
    /// What became of the last update.
    pub last: Option<Last>,
}

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Last {
    /// Its version.
    pub version: Option<String>,
    /// `kept`, `failed`, `refused` or `left`.
    pub outcome: String,
    /// Why, in a sentence.
    pub why: Option<String>,
}

impl Standing {
    /// The slot that could run instead of the one that does: it holds a version, and either has
    /// boots left or is what an update that is on trial has left behind.
    #[must_use]
    pub fn way_back(&self) -> Option<&str> {
        let on_trial = self.trial.as_ref() == Some(&self.running);
        let mut others = self.slots.iter().filter_map(|(slot, version)| {
            let other = version.is_some() && *slot != self.running;
            other.then_some(slot.as_str())
        });
        others.find(|slot| on_trial || self.left.get(*slot).is_some_and(|left| *left > 0))
    }
}

/// The way to the updater.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updater {
    socket: PathBuf,
}

impl Updater {
    /// The updater behind this socket, there or not.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        let socket = socket.to_owned();
        Self { socket }
    }

    /// Asks how the slots stand.
    ///
    /// # Errors
    /// It is not there, does not answer in time, or not in words that are understood.
    pub async fn standing(&self) -> Result<Standing> {
        let told = self.ask("status").await?;
        serde_json::from_value(told).map_err(|error| self.odd(error.to_string()))
    }

    /// Has it keep the slot that runs; which one that is.
    ///
    /// # Errors
    /// As for [`Self::standing`], and where it refuses.
    pub async fn keep(&self) -> Result<String> {
        let told = self.ask("keep").await?;
        let slot = told.get("kept").and_then(Value::as_str);
        slot.map(str::to_owned)
            .ok_or_else(|| self.odd(told.to_string()))
    }

    /// Has it start the machine again.
    ///
    /// # Errors
    /// As for [`Self::standing`], and where it refuses.
    pub async fn restart(&self) -> Result<()> {
        let told = self.ask("restart").await?;
        match told.get("restarting").and_then(Value::as_bool) {
            Some(true) => Ok(()),
            _ => Err(self.odd(told.to_string())),
        }
    }

    async fn ask(&self, what: &str) -> Result<Value> {
        let limit = Duration::from_millis(limits::STANDING_ANSWER_MS);
        let answered = timeout(limit, self.last_line(what)).await;
        let line = answered
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| Error::io("ask", self.name(), &error))?;
        let told: Value =
            serde_json::from_slice(&line).map_err(|error| self.odd(error.to_string()))?;
        for refusal in ["refused", "failed", "error"] {
            if let Some(why) = told.get(refusal).and_then(Value::as_str) {
                return Err(Error::invalid(self.name(), why.to_owned()));
            }
        }
        Ok(told)
    }

    /// The last line of the answer to one question.
    async fn last_line(&self, what: &str) -> io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        stream
            .write_all(format!("{{\"ask\":\"{what}\"}}\n").as_bytes())
            .await?;
        let mut reader = BufReader::new(stream);
        let mut last = Vec::new();
        loop {
            let mut line = Vec::new();
            let most = limits::UPDATER_LINE_BYTES as u64;
            let mut bounded = (&mut reader).take(most);
            match bounded.read_until(b'\n', &mut line).await? {
                0 => return Ok(last),
                _ if line.ends_with(b"\n") => last = line,
                len if len < limits::UPDATER_LINE_BYTES => last = line,
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    fn odd(&self, why: String) -> Error {
        Error::invalid(self.name(), format!("its answer is not understood: {why}"))
    }

    fn name(&self) -> String {
        format!("the updater at {}", self.socket.display())
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing, Updater};
    use crate::limits;
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    /// An updater that says this to one question.
    fn saying(answer: Vec<u8>) -> (TempDir, Updater) {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("updater.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let _ = client.read(&mut [0; 64]).await.unwrap();
            let _ = client.write_all(&answer).await;
        });
        let updater = Updater::at(&socket);
        (place, updater)
    }

    fn standing(trial: &str, left_b: u32, version_b: &str) -> Standing {
        let told = format!(
            r#"{{"running":"a","version":"0.1.0","order":"a","trial":{trial},
                "left":{{"a":3,"b":{left_b}}},"boots":12,"slots":{{"a":"0.1.0","b":{version_b}}},
                "installing":null,"last":null}}"#
        );
        serde_json::from_str(&told).unwrap()
    }

    #[test]
    fn there_is_a_way_back_only_to_a_slot_that_could_run() {
        for (trial, left_b, version_b, back) in [
            ("null", 3, "\"0.2.0\"", Some("b")),
            ("null", 0, "\"0.2.0\"", None),
            ("\"a\"", 0, "\"0.2.0\"", Some("b")),
            ("\"b\"", 0, "\"0.2.0\"", None),
            ("\"a\"", 3, "null", None),
        ] {
            let standing = standing(trial, left_b, version_b);
            assert_eq!(standing.way_back(), back, "{trial} {left_b} {version_b}");
        }
    }

    #[tokio::test]
    async fn the_last_line_counts() {
        let lines = b"{\"written\":1,\"of\":2}\n{\"kept\":\"b\"}\n".to_vec();
        let (_place, updater) = saying(lines);
        assert_eq!(updater.keep().await.unwrap(), "b");
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_its_words() {
        let (_place, updater) = saying(b"{\"refused\":\"No slot runs.\"}\n".to_vec());
        let words = updater.keep().await.unwrap_err().to_string();
        assert!(words.ends_with(": No slot runs."), "{words}");
    }

    #[tokio::test]
    async fn silence_and_endless_lines_are_no_answer() {
        for answer in [Vec::new(), vec![b'x'; limits::UPDATER_LINE_BYTES * 2]] {
            let (_place, updater) = saying(answer);
            assert!(updater.standing().await.is_err());
        }
    }

    #[tokio::test]
    async fn where_no_updater_is_that_is_said() {
        let words = Updater::at("/nowhere/updater.sock".as_ref())
            .restart()
            .await
            .unwrap_err()
            .to_string();
        assert!(words.contains("/nowhere/updater.sock"), "{words}");
    }
}
