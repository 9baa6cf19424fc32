//! Whether a running box does what it promises, seen from outside.
//!
//! It is a client of the doors and never of the insides: what a frame, a table or a document looks
//! like it knows by itself, so that it can only agree with the box about the standards. Each check
//! is a [`Finding`]: what was wanted, what was seen, and whether that is enough.

mod discovery;
mod door;
mod frame;
mod stream;
mod tune;

use serde::Serialize;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check, in a word or two.
    #[serde(rename = "check")]
    pub name: &'static str,
    /// What should be.
    pub wanted: String,
    /// What is.
    pub saw: String,
    /// Whether the one is the other.
    pub outcome: Outcome,
}

/// Whether a check holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It does.
    Holds,
    /// It does not.
    Fails,
}

/// A box, by the places where it can be reached.
#[derive(Debug, Clone)]
pub struct Target {
    /// Documents.
    pub web: SocketAddr,
    /// Streams.
    pub stream: SocketAddr,
    /// Documents at the port of hardware.
    pub device: Option<SocketAddr>,
    /// Where it is looked for over UDP and controlled over TCP.
    pub discovery: Option<SocketAddr>,
    /// The control socket.
    pub control: PathBuf,
    /// How long a channel is watched.
    pub tune: Duration,
}

impl Finding {
    /// What a check came to: what it saw, or why not.
    fn of(name: &'static str, wanted: impl Into<String>, seen: Result<String, String>) -> Self {
        let (saw, outcome) = match seen {
            Ok(saw) => (saw, Outcome::Holds),
            Err(saw) => (saw, Outcome::Fails),
        };
        Self {
            name,
            wanted: wanted.into(),
            saw,
            outcome,
        }
    }
}

impl fmt::Display for Finding {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name, wanted, saw, ..
        } = self;
        match self.outcome {
            Outcome::Holds => write!(f, "holds  {name}: {saw}"),
            Outcome::Fails => write!(f, "FAILS  {name}: {saw}; wanted: {wanted}"),
        }
    }
}

impl Target {
    /// Tries everything once: the doors, being found, a channel, the store.
    pub async fn look(&self) -> Vec<Finding> {
        let device = door::device(self.web).await;
        let id = device.as_ref().ok().cloned();
        let mut findings = vec![Finding::of(
            "web door",
            "a device that says who it is",
            device.map(|id| format!("device {id} at {}", self.web)),
        )];
        let others = [
            ("stream door", Some(self.stream)),
            ("device door", self.device),
        ];
        for (name, at) in others {
            if let Some(at) = at {
                findings.push(door::same_device(name, at, id.as_deref()).await);
            }
        }
        match self.discovery {
            Some(at) => {
                findings.push(discovery::found(at, id.as_deref()).await);
                findings.push(discovery::controlled(at).await);
            }
            None => findings.push(Finding::of(
                "discovery",
                "an answer where the box is announced",
                Ok("the box is not announced to anybody".to_owned()),
            )),
        }
        findings.push(tune::channel(self).await);
        findings.push(door::store(&self.control).await);
        findings
    }
}
