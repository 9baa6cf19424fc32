//! The box at home: the real program on a host of a LAN, at the ports that everybody knows.

use super::demo::{Demo, program};
use super::network::{BOX, CLIENT, Host, Lan};
use super::text;
use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Where documents, streams, and documents at the port of devices are: everywhere, in both families.
const DOORS: [&str; 6] = [
    "--web",
    "[::]:8411",
    "--stream",
    "[::]:5004",
    "--device",
    "[::]:80",
];

/// A box that is on air. Who asks it does so from another host of the LAN.
pub(crate) struct Home {
    demo: Demo,
    #[allow(dead_code, reason = "it goes when the box does")]
    state: TempDir,
}

impl Home {
    /// The demo, with four channels, 1984 and 1984.1 among them. Called on the client.
    pub(crate) fn demo(lan: &Lan) -> Self {
        let state = tempfile::tempdir().unwrap();
        let demo = Self::start(&lan.box_host, "demo", state.path(), &[]);
        Self { demo, state }
    }

    /// Two boxes that were made of copies of one card, the second one on the client. Called there.
    pub(crate) fn twins(lan: &Lan) -> (Self, Self) {
        let (state, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Self::start(&lan.box_host, "demo", state.path(), &[]).stop();
        let card = Path::new("exstreamtv.db");
        std::fs::copy(state.path().join(card), copy.path().join(card)).unwrap();
        let on = |host: &Host, at: Ipv4Addr, state: TempDir| {
            let command = Self::command(host, "serve", state.path(), &[]);
            let demo = Demo::reached_at(&at.to_string(), command);
            Self { demo, state }
        };
        let first = on(&lan.box_host, BOX, state);
        (first, on(&lan.client, CLIENT, copy))
    }

    /// The same channels in a box that has so many tuners. Called on the client.
    pub(crate) fn with_tuners(lan: &Lan, tuners: usize) -> Self {
        let state = tempfile::tempdir().unwrap();
        Self::start(&lan.box_host, "demo", state.path(), &[]).stop();
        let config = state.path().join("box.toml");
        std::fs::write(&config, format!("tuners = {tuners}\n")).unwrap();
        let demo = Self::start(
            &lan.box_host,
            "serve",
            state.path(),
            &["--config", text(&config)],
        );
        Self { demo, state }
    }

    /// The demo, with the door for streams at another port. Called on the client.
    pub(crate) fn streaming_at(lan: &Lan, port: u16) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut command = lan
            .box_host
            .command(program().get_program().to_str().unwrap());
        command.args(["demo", "--web", "[::]:8411"]);
        command.args(["--stream", &format!("[::]:{port}")]);
        command.args([OsStr::new("--state"), state.path().as_os_str()]);
        let demo = Demo::reached_at(&BOX.to_string(), command);
        Self { demo, state }
    }

    fn start(host: &Host, verb: &str, state: &Path, more: &[&str]) -> Demo {
        Demo::reached_at(&BOX.to_string(), Self::command(host, verb, state, more))
    }

    fn command(host: &Host, verb: &str, state: &Path, more: &[&str]) -> Command {
        let mut command = host.command(program().get_program().to_str().unwrap());
        command.arg(verb).args(DOORS);
        command.args([OsStr::new("--state"), state.as_os_str()]);
        command.args(more);
        command
    }

    /// Its id, as it tells: eight digits.
    pub(crate) fn id(&self) -> String {
        self.demo.json("/discover.json")["DeviceID"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The same as a number.
    pub(crate) fn id_number(&self) -> u32 {
        u32::from_str_radix(&self.id(), 16).unwrap()
    }

    /// Ends it as a service manager does; it has to end in order.
    pub(crate) fn stop(self) {
        self.demo.stop();
    }
}

impl Deref for Home {
    type Target = Demo;

    fn deref(&self) -> &Demo {
        &self.demo
    }
}
