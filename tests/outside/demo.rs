//! A demo that runs: started as a newcomer starts it, asked over its doors, looked at in `/proc`,
//! and ended as a service manager ends it.

use super::activity::{activity, field, settled_activity};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// How long anything may take on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program under test.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_exstreamtv"))
}

/// A running box. It is killed when the test ends without [`Demo::stop`].
pub(crate) struct Demo {
    child: Child,
    /// Where it is asked: `address:port` of everything but the streams, and of these.
    web: String,
    stream: String,
    /// What it says on standard error.
    said: NamedTempFile,
}

/// What a process holds in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident pages, shared ones included.
    pub(crate) resident_kib: u64,
    /// The same, where a shared page counts by the part that is this process's.
    pub(crate) proportional_kib: u64,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kib: u64| kib as f64 / 1024.0;
        write!(
            f,
            "{:.1} MiB resident (Pss {:.1} MiB)",
            mib(self.resident_kib),
            mib(self.proportional_kib)
        )
    }
}

impl Demo {
    /// `exstreamtv demo` with these arguments, on any ports, when it has channels.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::run(program(), arguments)
    }

    /// The same by another command, such as one that takes rights away first.
    pub(crate) fn run(mut command: Command, arguments: &[&str]) -> Self {
        command
            .args(["demo", "--web", "127.0.0.1:0", "--stream", "127.0.0.1:0"])
            .args(arguments);
        let (mut demo, listening) = Self::launch(command);
        let door = |name: &str| listening[name].as_str().unwrap().to_owned();
        (demo.web, demo.stream) = (door("web"), door("stream"));
        demo.until_on_air();
        demo
    }

    /// A box that was told where to listen, and is reached there at `host`, when it has channels.
    #[allow(dead_code, reason = "for a box on another host")]
    pub(crate) fn reached_at(host: &str, command: Command) -> Self {
        let (mut demo, listening) = Self::launch(command);
        let door = |name: &str| {
            let door = listening[name].as_str().unwrap();
            format!("{host}:{}", door.rsplit_once(':').unwrap().1)
        };
        (demo.web, demo.stream) = (door("web"), door("stream"));
        demo.until_on_air();
        demo
    }

    /// Starts it and waits until it says where it listens.
    fn launch(mut command: Command) -> (Self, Value) {
        let said = NamedTempFile::new().unwrap();
        let mut child = command
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(said.reopen().unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let demo = Self {
            child,
            web: String::new(),
            stream: String::new(),
            said,
        };
        let listening = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("'{line}' instead of where it listens"));
        (demo, listening)
    }

    /// Waits for the channels, which come together, after the doors are open.
    fn until_on_air(&self) {
        let begun = Instant::now();
        while self.json("/api/channels").as_array().unwrap().is_empty() {
            assert!(begun.elapsed() < PATIENCE, "the demo has no channels");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `address:port` of everything but the streams.
    pub(crate) fn web(&self) -> &str {
        &self.web
    }

    /// `address:port` of the streams.
    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// A document of the web door.
    pub(crate) fn text(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(self.web()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        body.to_owned()
    }

    /// A document of the web door that is JSON.
    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path)).unwrap()
    }

    /// What `/api/channels` says about a channel.
    pub(crate) fn channel(&self, number: &str) -> Value {
        let channels = self.json("/api/channels");
        let mut channels = channels.as_array().unwrap().iter();
        let found = channels.find(|channel| channel["number"] == number);
        found.expect("there is such a channel").clone()
    }

    /// How many tuners are in use, as `status.json` tells.
    pub(crate) fn busy_tuners(&self) -> usize {
        let status = self.json("/status.json");
        let tuners = status.as_array().unwrap().iter();
        tuners
            .filter(|tuner| tuner.get("VctNumber").is_some())
            .count()
    }

    /// Waits until every tuner is free, and says how long it took.
    pub(crate) fn until_free(&self) -> Duration {
        let begun = Instant::now();
        loop {
            let busy = self.busy_tuners();
            let took = begun.elapsed();
            if busy == 0 {
                return took;
            }
            assert!(took < PATIENCE, "{busy} tuners are never free again");
        }
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory {
            resident_kib: self.kib("status", "VmRSS:"),
            proportional_kib: self.kib("smaps_rollup", "Pss:"),
        }
    }

    /// The most that was ever resident.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.kib("status", "VmHWM:")
    }

    /// The most memory that it ever had resident beside what it maps of its own program, whose size
    /// in a test says nothing of the one that ships.
    pub(crate) fn peak_without_code_kib(&self) -> u64 {
        self.peak_kib() - self.kib("status", "RssFile:")
    }

    /// File descriptors that are open.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(self.own("fd")).unwrap().count()
    }

    /// As `activity::activity`.
    pub(crate) fn activity(&self, thread: &str) -> (u64, u64) {
        activity(self.child.id(), thread)
    }

    /// As `activity::settled_activity`.
    pub(crate) fn settled_activity(&self, thread: &str) -> (u64, u64) {
        settled_activity(self.child.id(), thread)
    }

    /// A count of what its threads wait for the processor.
    pub(crate) fn queue(&self) -> Queue {
        Queue::of(self.own("task"))
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has said on standard error so far.
    pub(crate) fn words(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.said.path()).unwrap()).into_owned()
    }

    /// Ends it with SIGTERM. It has to end in order, and never to have panicked.
    pub(crate) fn stop(mut self) {
        assert!(self.is_alive(), "it ended by itself");
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(sent.unwrap().success());
        let asked = Instant::now();
        while self.is_alive() {
            assert!(asked.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        assert!(!self.words().contains("panicked"), "{}", self.words());
    }

    fn own(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.child.id())
    }

    fn kib(&self, file: &str, name: &str) -> u64 {
        field(&std::fs::read_to_string(self.own(file)).unwrap(), name)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("the box said:\n{}", self.words());
        }
    }
}

/// Time for which the threads of a box, and the one that asks, could have run but others had the
/// processor: what a machine that is busy with other things adds to every pause.
pub(crate) struct Queue {
    tasks: String,
    before: BTreeMap<OsString, u64>,
}

impl Queue {
    fn of(tasks: String) -> Self {
        let before = BTreeMap::new();
        let mut queue = Self { tasks, before };
        queue.since();
        queue
    }

    /// How long it was in all since the last call.
    pub(crate) fn since(&mut self) -> Duration {
        // The second number of `schedstat` is time spent waiting on a run queue, in nanoseconds.
        // A thread that has ended in between has no file any more.
        let waited = |path: &Path| {
            let told = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
            told.split(' ')
                .nth(1)
                .and_then(|number| number.parse().ok())
        };
        let tasks = std::fs::read_dir(&self.tasks).into_iter().flatten();
        let tasks = tasks.map(|task| task.unwrap().path());
        let own = std::fs::canonicalize("/proc/thread-self").unwrap();
        let now: BTreeMap<OsString, u64> = tasks
            .chain([own])
            .filter_map(|task| Some((task.file_name()?.to_owned(), waited(&task)?)))
            .collect();
        let since = |(task, waited): (&OsString, &u64)| {
            waited.saturating_sub(self.before.get(task).copied().unwrap_or(0))
        };
        let all = now.iter().map(since).sum();
        self.before = now;
        Duration::from_nanos(all)
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_millis() as i64
}

/// Sleeps until an instant of the wall clock.
pub(crate) fn sleep_until_ms(at_ms: i64) {
    let wait_ms = u64::try_from(at_ms - now_ms()).unwrap_or(0);
    std::thread::sleep(Duration::from_millis(wait_ms));
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
