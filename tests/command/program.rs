//! The real program: started, asked, ended.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const ANY_PORT: [&str; 4] = ["--web", "127.0.0.1:0", "--stream", "127.0.0.1:0"];

pub(crate) fn exstreamtv() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exstreamtv"));
    command.stdin(Stdio::null()).env_remove("RUST_LOG");
    command
}

/// Runs a command that ends by itself.
pub(crate) fn run(arguments: &[&str]) -> Output {
    ended(exstreamtv().args(arguments))
}

/// Waits for the end of a command; one that goes on is killed.
pub(crate) fn ended(command: &mut Command) -> Output {
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let begun = Instant::now();
    // What these commands say fits into a pipe, so that they end without being read.
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("{command:?} does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

pub(crate) fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A box that runs until the test ends.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) listening: Value,
}

impl Running {
    /// Starts a box and waits for the line that says where it is.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (line_tx, line_rx) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let _ = line_tx.send(line);
        });
        let Ok(line) = line_rx.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("the box does not say where it is");
        };
        let listening = serde_json::from_str(&line).unwrap_or_else(|_| panic!("'{line}'"));
        Self { child, listening }
    }

    pub(crate) fn serve(state: &Path) -> Self {
        Self::start(
            exstreamtv()
                .arg("serve")
                .arg("--state")
                .arg(state)
                .args(ANY_PORT),
        )
    }

    pub(crate) fn at(&self, door: &str) -> &str {
        self.listening[door].as_str().unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &id]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for the end, and says how long it took.
    pub(crate) fn end(&mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, asked.elapsed());
            }
            assert!(asked.elapsed() < PATIENCE, "the box does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as a service manager does, and holds what every end has to keep.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let (status, took) = self.end();
        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a GET and leaves the answer to the caller.
pub(crate) fn ask(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    stream
}

/// The body of a document.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut answer = String::new();
    ask(address, path).read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    body.to_owned()
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: '{text}'"))
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with some of the demo's clips.
pub(crate) fn videos(names: &[&str]) -> TempDir {
    let folder = folder();
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    for name in names {
        let from = assets.join(name);
        std::fs::copy(&from, folder.path().join(from.file_name().unwrap())).unwrap();
    }
    folder
}

/// Runs a command against a box; it has to succeed.
pub(crate) fn tell(state: &Path, command: &[&str]) -> String {
    let arguments = [command, &["--state", text(state)]].concat();
    let output = run(&arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        words(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}
