//! The real processes: the updater, and the box in front of it.

use crate::card::Desk;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn exstreamtv() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exstreamtv"));
    command.stdin(Stdio::null()).env("RUST_LOG", "error");
    command
}

/// An updater that runs until the test ends.
pub(crate) struct Updater {
    pub(crate) child: Child,
    pub(crate) socket: PathBuf,
}

impl Updater {
    /// Starts one in this slot. Where it would restart the machine it makes the file `restarted`.
    pub(crate) fn start(desk: &Desk, slot: &str) -> Self {
        let socket = desk.at("updater.sock");
        let restart = desk.at("restart");
        let marker = desk.at("restarted");
        let script = format!("#!/bin/sh\n: >'{}'\n", marker.display());
        if !restart.exists() {
            std::fs::write(&restart, script).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&restart, mode).unwrap();
        }
        let _ = std::fs::remove_file(&socket);
        let mut command = exstreamtv();
        command.args(["board", "updater", "--slot", slot]);
        for (option, name) in [
            ("--disk", "card"),
            ("--socket", "updater.sock"),
            ("--keys", "keys"),
            ("--state", "memory"),
            ("--restart-command", "restart"),
        ] {
            command.arg(option).arg(desk.at(name));
        }
        let child = command.spawn().unwrap();
        let updater = Self { child, socket };
        until("the updater does not listen", || {
            UnixStream::connect(&updater.socket).ok()
        });
        updater
    }

    /// Begins to ask.
    pub(crate) fn begin(&self, line: &str) -> UnixStream {
        let mut socket = UnixStream::connect(&self.socket).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(line.as_bytes()).unwrap();
        socket.write_all(b"\n").unwrap();
        socket
    }

    /// Asks, and gives all lines of the answer.
    pub(crate) fn ask(&self, line: &str) -> Vec<Value> {
        lines(self.begin(line))
    }

    pub(crate) fn status(&self) -> Value {
        self.ask("{\"ask\":\"status\"}").remove(0)
    }

    /// Has a bundle written, and gives the last line of the answer.
    pub(crate) fn install(&self, bundle: &[u8], told: Option<usize>) -> Value {
        let line = match told {
            Some(bytes) => format!("{{\"ask\":\"install\",\"bytes\":{bytes}}}"),
            None => "{\"ask\":\"install\"}".to_owned(),
        };
        let mut socket = self.begin(&line);
        // Where it is refused in the middle nobody takes the rest.
        let _ = socket.write_all(bundle);
        let _ = socket.shutdown(std::net::Shutdown::Write);
        lines(socket).pop().unwrap()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Updater {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn lines(socket: UnixStream) -> Vec<Value> {
    let lines = BufReader::new(socket).lines();
    lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect()
}

/// The box.
pub(crate) struct Served {
    child: Child,
    pub(crate) web: String,
}

impl Served {
    /// Starts a box on `state`, which asks this updater.
    pub(crate) fn start(state: &Path, updater: Option<&Path>) -> Self {
        std::fs::create_dir_all(state).unwrap();
        let config = state.join("config.toml");
        let asks = updater.map(|path| format!("updater = '{}'\n", path.display()));
        std::fs::write(&config, asks.unwrap_or_default()).unwrap();
        let mut command = exstreamtv();
        command
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .arg("--state")
            .arg(state);
        command.args(["--web", "127.0.0.1:0", "--stream", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let places: Value = serde_json::from_str(&line).unwrap();
        let web = places["web"].as_str().unwrap().to_owned();
        Self { child, web }
    }

    /// Sends a request and gives the answer's status and body.
    pub(crate) fn say(&self, head: &str, body: &[u8]) -> (u16, String) {
        let mut socket = TcpStream::connect(&self.web).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
            .write_all(format!("{head}\r\nHost: {}\r\n\r\n", self.web).as_bytes())
            .unwrap();
        let _ = socket.write_all(body);
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    pub(crate) fn get(&self, target: &str) -> String {
        self.say(&format!("GET {target} HTTP/1.1"), b"").1
    }

    pub(crate) fn update(&self) -> Value {
        serde_json::from_str(&self.get("/api/update")).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
