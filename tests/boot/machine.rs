//! A board in QEMU, as `scripts/qemu` starts one: its power, its serial console and its doors.

use super::card::{CODE, Card, root};
use super::lan::Cable;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a boot may take here, where every instruction is another machine's.
const BOOT: Duration = Duration::from_secs(300);

/// How often a door is asked that may not be open yet.
const PAUSE: Duration = Duration::from_millis(250);

/// A board with its power on. It ends with the test.
pub(crate) struct Machine {
    qemu: Child,
    began: Instant,
    web: String,
    stream: String,
    /// The port of SSH, and a key that may be let in there.
    ssh: (u16, PathBuf),
    serial: Arc<Mutex<String>>,
}

/// Ports of loopback that nobody has at this moment.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

impl Machine {
    /// Turns the power on, in QEMU's own board.
    pub(crate) fn start(card: &Card) -> Self {
        Self::start_in("virt", card)
    }

    /// The same with the card in another board that `scripts/qemu` knows.
    pub(crate) fn start_in(board: &str, card: &Card) -> Self {
        Self::start_with(&["--board", board], card, &[])
    }

    /// The same in QEMU's own board, with each write to the card kept in a log.
    pub(crate) fn start_logged(card: &Card, log: &Path) -> Self {
        Self::start_with(&["--log", log.to_str().unwrap()], card, &[])
    }

    /// The same in QEMU's own board, with one more network, of which we are the other machine.
    pub(crate) fn start_on(cable: &Cable, card: &Card) -> Self {
        Self::start_with(&[], card, &cable.options())
    }

    fn start_with(options: &[&str], card: &Card, of_qemu: &[String]) -> Self {
        let [web, stream, device, discovery, ssh] = free_ports();
        let mut qemu = Command::new(root().join("scripts/qemu"))
            .args(options)
            .args(["--ssh", &ssh.to_string(), "--disk"])
            .arg(card.disk())
            .args(["--web", &web.to_string(), "--stream", &stream.to_string()])
            .args(["--device", &device.to_string()])
            .args(["--discovery", &discovery.to_string(), "--"])
            .args(of_qemu)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let serial = Arc::new(Mutex::new(String::new()));
        let console = BufReader::new(qemu.stdout.take().unwrap());
        let kept = Arc::clone(&serial);
        std::thread::spawn(move || {
            for line in console.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                kept.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Self {
            qemu,
            began: Instant::now(),
            web: format!("127.0.0.1:{web}"),
            stream: format!("127.0.0.1:{stream}"),
            ssh: (ssh, card.key()),
            serial,
        }
    }

    pub(crate) fn stream(&self) -> &str {
        &self.stream
    }

    /// Pulls the plug.
    pub(crate) fn cut(mut self) {
        self.qemu.kill().unwrap();
        self.qemu.wait().unwrap();
    }

    /// A document of the box; `None` where its door is not open.
    fn ask(&self, path: &str) -> Option<Value> {
        let mut socket = TcpStream::connect(&self.web).ok()?;
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .ok()?;
        write!(socket, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.contains(" 200 ")
            .then(|| serde_json::from_str(body).unwrap())
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        self.ask(path)
            .unwrap_or_else(|| panic!("{path}\n{}", self.said()))
    }

    /// Waits until it has channels, and tells how long that took from power-on.
    pub(crate) fn until_tunable(&self) -> Duration {
        self.until(BOOT, "/lineup.json", |lineup| {
            lineup.as_array().is_some_and(|lines| !lines.is_empty())
        });
        self.began.elapsed()
    }

    /// Waits until the updater tells this.
    pub(crate) fn until_update(&self, holds: impl Fn(&Value) -> bool) -> Value {
        self.until(BOOT, "/api/update", holds)
    }

    /// The same, within a time of its own.
    pub(crate) fn until_within(&self, time: Duration, holds: impl Fn(&Value) -> bool) -> Value {
        self.until(time, "/api/update", holds)
    }

    fn until(&self, time: Duration, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        let mut last = None;
        while began.elapsed() < time {
            if let Some(told) = self.ask(path) {
                if holds(&told) {
                    return told;
                }
                last = Some(told);
            }
            std::thread::sleep(PAUSE);
        }
        panic!("{path} says {last:?} after {time:?}\n{}", self.said());
    }

    /// What a shell on the box says to some lines, and whether it ended well.
    pub(crate) fn shell(&self, lines: &str) -> (bool, String) {
        let (port, key) = &self.ssh;
        let done = Command::new("ssh")
            .args(["-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"])
            .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"])
            .args(["-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=20"])
            .args(["-F", "/dev/null", "-p", &port.to_string(), "-i"])
            .arg(key)
            .args(["root@127.0.0.1", lines])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [done.stdout, done.stderr].concat();
        (
            done.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    /// Updates it as its owner would, and waits until the new version is kept.
    pub(crate) fn ota(&self, bundle: &Path) -> Result<String, String> {
        let done = self.sending(bundle).output().unwrap();
        let told = format!(
            "{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        if done.status.success() {
            Ok(told)
        } else {
            Err(told)
        }
    }

    /// The same, for somebody who does not wait.
    pub(crate) fn ota_in_background(&self, bundle: &Path) -> Sending {
        let mut sending = self.sending(bundle);
        sending.stdout(Stdio::null()).stderr(Stdio::null());
        Sending(sending.spawn().unwrap())
    }

    fn sending(&self, bundle: &Path) -> Command {
        let code = bundle.parent().unwrap().join("code");
        std::fs::write(&code, CODE).unwrap();
        let mut command = Command::new(root().join("scripts/ota"));
        command
            .arg(&self.web)
            .arg(bundle)
            .arg("--code-file")
            .arg(code);
        command.stdin(Stdio::null());
        command
    }

    /// The end of what stands on its serial console.
    fn said(&self) -> String {
        let said = self.serial.lock().unwrap();
        let lines: Vec<_> = said.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// An update on its way, which ends with the test.
pub(crate) struct Sending(Child);

impl Drop for Sending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
