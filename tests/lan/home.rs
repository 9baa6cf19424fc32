//! The box at home: the real program on a host of a LAN, at the ports that everybody knows.

use super::demo::{Demo, program};
use super::network::{BOX, Lan};
use super::text;
use std::ffi::OsStr;
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
    _state: TempDir,
}

impl Home {
    /// The demo, with four channels, 1984 and 1984.1 among them. Called on the client.
    pub(crate) fn demo(lan: &Lan) -> Self {
        let state = tempfile::tempdir().unwrap();
        let demo = Self::start(lan, "demo", state.path(), &[]);
        Self {
            demo,
            _state: state,
        }
    }

    /// The same channels in a box that has so many tuners. Called on the client.
    pub(crate) fn with_tuners(lan: &Lan, tuners: usize) -> Self {
        let state = tempfile::tempdir().unwrap();
        Self::start(lan, "demo", state.path(), &[]).stop();
        let config = state.path().join("box.toml");
        std::fs::write(&config, format!("tuners = {tuners}\n")).unwrap();
        let demo = Self::start(lan, "serve", state.path(), &["--config", text(&config)]);
        Self {
            demo,
            _state: state,
        }
    }

    fn start(lan: &Lan, verb: &str, state: &Path, more: &[&str]) -> Demo {
        let mut command: Command = lan
            .box_host
            .command(program().get_program().to_str().unwrap());
        command.arg(verb).args(DOORS);
        command
            .args([OsStr::new("--state"), state.as_os_str()])
            .args(more);
        Demo::reached_at(&BOX.to_string(), command)
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
