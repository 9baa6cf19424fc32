//! The real program on a state folder that was made for it.

use super::Outcome;
use super::process::{self, Memory};
use exstreamtv::model::{ChannelNumber, Episode, MediaItemId, NewChannel, NewItem, Order, Part};
use exstreamtv::store::{Scan, Store};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The box as it is built with the benchmark.
const OURS: &str = env!("CARGO_BIN_EXE_exstreamtv");

/// Tuners of a box: as many as viewers come at once.
const TUNERS: usize = 128;

/// Titles of the library that the original's reliability report is about.
pub(crate) const LARGE: u32 = 28_949;

/// A library that is one film under many titles, and channels that show them in turn.
pub(crate) struct Library {
    /// The film's facts; `{}` in its path becomes the title's number.
    pub(crate) part: Part,
    /// How many titles there are.
    pub(crate) titles: u32,
    /// Into how many parts channels share them evenly, in turns: who has the same part shows the
    /// same titles.
    pub(crate) parts: u32,
    /// For each channel, from number 1, how many seconds of the film are over already.
    pub(crate) offsets: Vec<u32>,
}

/// A box that runs.
pub(crate) struct Home {
    child: Child,
    pub(crate) stream: String,
    web: String,
    _state: tempfile::TempDir,
}

impl Library {
    fn item(&self, at: u32) -> NewItem {
        let (show, season, number) = (at / 200, at / 20 % 10 + 1, at % 20 + 1);
        let mut part = self.part.clone();
        part.path = part.path.replace("{}", &at.to_string());
        NewItem {
            rating_key: None,
            about: None,
            title: format!("The Title of Episode {number}"),
            year: Some(2005),
            episode: Some(Episode {
                show: format!("A Show With Some Name {show}"),
                season: u16::try_from(season).unwrap_or(0),
                number: u16::try_from(number).unwrap_or(0),
            }),
            part,
        }
    }

    fn channel(&self, at: u32, offset: u32, now_ms: i64) -> NewChannel {
        let own = (0..self.titles).filter(|title| title % self.parts == at % self.parts);
        NewChannel {
            number: ChannelNumber {
                major: at + 1,
                minor: None,
            },
            name: format!("Channel {at}"),
            epoch_ms: now_ms - i64::from(offset) * 1000,
            order: Order::Shuffled { seed: at.into() },
            items: own.map(|title| MediaItemId(i64::from(title) + 1)).collect(),
        }
    }

    /// Puts the library into a state folder, as of now.
    async fn store(&self, state: &Path) -> Outcome<()> {
        let store = Store::open(state).await?;
        // A folder that is not there changes nothing when the box looks through it.
        let library = store.add_folder("Shows", "/media/nowhere/Shows").await?;
        let scan = Scan {
            upserts: (0..self.titles).map(|at| self.item(at)).collect(),
            ..Scan::default()
        };
        store.apply_scan(library.id, scan).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let now_ms = i64::try_from(now.as_millis())?;
        let offsets = (0..).zip(&self.offsets);
        let channels = offsets.map(|(at, offset)| self.channel(at, *offset, now_ms));
        store.add_channels(channels.collect()).await?;
        store.close().await;
        Ok(())
    }
}

impl Home {
    /// Starts a box with a library; returns when it can be tuned.
    pub(crate) fn start(library: &Library) -> Outcome<Self> {
        Self::of(OURS.as_ref(), library)
    }

    /// The same with another build of the box.
    pub(crate) fn of(program: &Path, library: &Library) -> Outcome<Self> {
        let state = tempfile::tempdir()?;
        tokio::runtime::Builder::new_current_thread()
            .build()?
            .block_on(library.store(state.path()))?;
        Self::run(program, state)
    }

    /// Starts a box on a state folder.
    pub(crate) fn on(state: tempfile::TempDir) -> Outcome<Self> {
        Self::run(OURS.as_ref(), state)
    }

    fn run(program: &Path, state: tempfile::TempDir) -> Outcome<Self> {
        let config = state.path().join("box.toml");
        std::fs::write(&config, format!("tuners = {TUNERS}\n"))?;
        let mut child = Command::new(program)
            .args(["serve", "--web", "127.0.0.1:0", "--stream", "127.0.0.1:0"])
            .arg("--config")
            .arg(&config)
            .arg("--state")
            .arg(state.path())
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)?;
        let address = |door| said.get(door).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            child,
            stream: address("stream").ok_or("no address")?,
            web: address("web").ok_or("no address")?,
            _state: state,
        })
    }

    pub(crate) fn memory(&self) -> Outcome<Memory> {
        process::memory(&[self.child.id()])
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// How many tuners have a viewer, as the box says.
    pub(crate) fn busy_tuners(&self) -> Outcome<usize> {
        let tuners: Vec<Value> = serde_json::from_str(&self.document("/status.json")?)?;
        Ok(tuners
            .iter()
            .filter(|tuner| tuner.get("TargetIP").is_some())
            .count())
    }

    /// A document of the door that is not the streams'.
    pub(crate) fn document(&self, path: &str) -> Outcome<String> {
        let mut socket = TcpStream::connect(&self.web)?;
        write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("no body")?;
        Ok(body.to_owned())
    }

    /// The address of a channel's stream.
    pub(crate) fn url(&self, channel: u32) -> String {
        format!("http://{}/auto/v{channel}", self.stream)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until this is so.
pub(crate) fn until(patience: Duration, mut so: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
    let begun = Instant::now();
    while !so()? {
        if begun.elapsed() > patience {
            return Err("it takes too long".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
