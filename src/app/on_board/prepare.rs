//! `board prepare`: makes the machine's configuration of what the owner wrote on the card. It runs
//! as root, once at each start, before the network and before the box, and asks nobody.
//!
//! Everything follows from the card alone: what is not wished any more is taken away. Whatever fails
//! is a notice on the box's page, and the rest goes on; only where the box could not be configured
//! at all does the command fail.

use super::{reset, version};
use crate::app::board;
use crate::config::Config;
use crate::config::card_text::{CardText, FILE, PlexServer, Wifi};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::Secret;
use crate::store::Store;
use crate::system::disk::{Disk, Owner, read_bounded};
use crate::system::host::{NAME, host_name};
use crate::system::pairing::{self, Pairing};
use crate::system::wifi;
use clap::Args;
use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where drives are mounted, a folder each.
const DRIVES: &str = "/media";

/// What is there once a time server has been heard.
const TIME_MARKER: &str = "/run/systemd/timesync/synchronized";

/// Where the time zones are, for programs other than the box.
const ZONES: &str = "/usr/share/zoneinfo";

/// Keys for SSH on the card; editors of Windows add the ending.
const SSH_KEYS: [&str; 2] = ["authorized_keys", "authorized_keys.txt"];

#[derive(Debug, Args)]
pub(in crate::app) struct Prepare {
    /// The card's folder with exstreamtv.txt
    #[arg(long, value_name = "DIR")]
    boot: PathBuf,
    /// State folder of the box; what is made there belongs to the folder's owner
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Folder of the machine's configuration
    #[arg(long, value_name = "DIR")]
    etc: PathBuf,
    /// Folder for what is made anew at each start
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
}

/// Prepares the machine.
///
/// # Errors
/// The box's configuration cannot be written.
pub(super) fn run(places: &Prepare) -> Result<()> {
    crate::app::log_to_stderr("info");
    let work = Work {
        disk: Disk::new(),
        places: places.absolute()?,
        notices: Vec::new(),
    };
    work.run()
}

impl Prepare {
    fn absolute(&self) -> Result<Self> {
        let absolute = |path: &Path| {
            std::path::absolute(path)
                .map_err(|error| Error::io("find", path.display().to_string(), &error))
        };
        Ok(Self {
            boot: absolute(&self.boot)?,
            state: absolute(&self.state)?,
            etc: absolute(&self.etc)?,
            run: absolute(&self.run)?,
        })
    }
}

/// What has to be done, and what there is to tell.
struct Work {
    disk: Disk,
    places: Prepare,
    notices: Vec<String>,
}

impl Work {
    fn run(mut self) -> Result<()> {
        let (boot, state) = (self.places.boot.clone(), self.places.state.clone());
        let text = self.read_text(&boot.join(FILE));
        let made = self.disk.folder(&state, 0o700);
        self.note(made);
        let owner = self.note(Owner::of(&state));
        let reset = self.reset(&text);
        if self.note(reset) == Some(true) {
            log::info!("the box is as new: everything that it kept was removed");
        }
        let running = (env!("CARGO_PKG_VERSION"), i64::from(Store::SCHEMA));
        let kept = version::run_once(&self.disk, &state, running);
        if let Some(told) = self.note(kept).flatten() {
            self.tell(told);
        }
        let mut card = CardText::parse(&text);
        for notice in std::mem::take(&mut card.notices) {
            self.tell(notice);
        }
        let paired = self.pair(card.pairing_code.as_ref());
        self.note(paired);
        if let Some(owner) = owner {
            let given = self.disk.give(&state, owner);
            self.note(given);
        }
        let machine = [
            self.wifi(card.wifi.as_ref()),
            self.host(card.name.as_deref()),
            self.zone(card.timezone.as_deref()),
        ];
        for done in machine {
            self.note(done);
        }
        let admitted = self.ssh();
        self.note(admitted);
        let linked = self.plex(card.plex.as_ref(), owner);
        let plex = self.note(linked).flatten();
        let config = self.config(&card, plex);
        self.finish(&config)
    }

    /// Resets the state folder where that is asked for. The card is usually mounted so that it cannot be
    /// written to; for this moment it can.
    fn reset(&self, text: &[u8]) -> Result<bool> {
        let (boot, state) = (&self.places.boot, &self.places.state);
        let file = boot.join(FILE);
        let run_once = || reset::run_once(&self.disk, (&file, text), state);
        match run_once() {
            Err(Error::Io {
                kind: ErrorKind::ReadOnlyFilesystem,
                ..
            }) => {
                remount(boot, "remount,rw")?;
                let done = run_once();
                if let Err(error) = remount(boot, "remount,ro") {
                    log::warn!("the card stays open to be written to: {error}");
                }
                done
            }
            other => other,
        }
    }

    /// The card's text; none where it has none.
    fn read_text(&mut self, file: &Path) -> Vec<u8> {
        match read_bounded(file, limits::CARD_TEXT_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                self.tell(format!("{FILE} cannot be read from the card: {error}."));
                Vec::new()
            }
        }
    }

    fn tell(&mut self, notice: String) {
        log::warn!("{notice}");
        // One a line.
        self.notices.push(notice.replace(['\n', '\r'], " "));
    }

    /// What was done; what failed is told.
    fn note<T>(&mut self, done: Result<T>) -> Option<T> {
        done.map_err(|error| {
            self.tell(format!("The box could not be prepared as wished: {error}."))
        })
        .ok()
    }

    /// Keeps the key of the pairing code. One that is the same keeps its salt.
    fn pair(&self, code: Option<&Secret>) -> Result<()> {
        let file = self.places.state.join(pairing::FILE);
        let Some(code) = code else {
            return self.disk.remove(&file).map(drop);
        };
        // One that cannot be read is made anew.
        let kept = Pairing::read(&file).ok().flatten();
        if kept.is_some_and(|kept| kept.is_of(code.reveal())) {
            return Ok(());
        }
        Pairing::fresh(code.reveal())?.write(&file)
    }

    fn wifi(&self, wifi: Option<&Wifi>) -> Result<()> {
        let file = self.places.etc.join(wifi::FILE);
        let Some(wifi) = wifi else {
            return self.disk.remove(&file).map(drop);
        };
        if let Some(folder) = file.parent() {
            self.disk.folder(folder, 0o755)?;
        }
        let password = wifi.password.as_ref().map(Secret::reveal);
        let text = wifi::configuration(&wifi.name, password, wifi.country.as_deref());
        let kept = (0o600, None);
        self.disk.replace(&file, text.as_bytes(), kept).map(drop)
    }

    fn host(&self, name: Option<&str>) -> Result<()> {
        let name = format!("{}\n", name.map_or_else(|| NAME.to_owned(), host_name));
        let file = self.places.etc.join("hostname");
        self.disk
            .replace(&file, name.as_bytes(), (0o644, None))
            .map(drop)
    }

    fn zone(&self, zone: Option<&str>) -> Result<()> {
        let zone = zone.unwrap_or("Etc/UTC");
        let etc = &self.places.etc;
        self.disk
            .link(&etc.join("localtime"), &Path::new(ZONES).join(zone))?;
        let text = format!("{zone}\n");
        self.disk
            .replace(&etc.join("timezone"), text.as_bytes(), (0o644, None))
            .map(drop)
    }

    /// Lets in over SSH whoever's key lies on the card, and nobody where none does.
    fn ssh(&mut self) -> Result<()> {
        let folder = self.places.run.join("ssh");
        let found = SSH_KEYS.into_iter().find_map(|name| {
            let file = self.places.boot.join(name);
            let bytes = read_bounded(&file, limits::SSH_KEYS_BYTES).ok()?;
            Some((name, bytes))
        });
        let Some((name, bytes)) = found else {
            return self.disk.remove_folder(&folder);
        };
        let keys = ssh_keys(&bytes);
        if keys.is_empty() || bytes.len() > limits::SSH_KEYS_BYTES {
            self.tell(format!(
                "{name} on the card holds no key, so nobody is let in over SSH: a key is one long \
                 line that begins like ssh-ed25519."
            ));
            return self.disk.remove_folder(&folder);
        }
        self.disk.folder(&folder, 0o700)?;
        let kept = (0o600, None);
        let file = folder.join("authorized_keys");
        self.disk.replace(&file, keys.as_bytes(), kept)?;
        self.disk
            .replace(&folder.join("wanted"), b"", kept)
            .map(drop)
    }

    /// Hands the token of a Plex server to the box: the server's address, and the token's file.
    fn plex(
        &self,
        plex: Option<&PlexServer>,
        owner: Option<Owner>,
    ) -> Result<Option<(String, PathBuf)>> {
        let file = self.places.run.join("plex-token");
        let Some(plex) = plex else {
            self.disk.remove(&file)?;
            return Ok(None);
        };
        self.disk.folder(&self.places.run, 0o755)?;
        let token = plex.token.reveal().as_bytes();
        self.disk.replace(&file, token, (0o600, owner))?;
        Ok(Some((plex.url.clone(), file)))
    }

    /// The box's configuration.
    fn config(&mut self, card: &CardText, plex: Option<(String, PathBuf)>) -> Config {
        let usual = Config::default();
        let (plex_url, plex_token_file) = plex.unzip();
        let run = &self.places.run;
        let mut config = Config {
            state: Some(self.places.state.clone()),
            device: Some(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 80)),
            time_marker: Some(TIME_MARKER.into()),
            name: card.name.clone().unwrap_or(usual.name),
            language: card.language.clone().unwrap_or(usual.language),
            tuners: card.tuners,
            plex_url,
            plex_token_file,
            demo: true,
            unattended: true,
            drives: Some(DRIVES.into()),
            notices: Some(run.join("notices")),
            updater: Some(run.join("updater.sock")),
            ..Config::default()
        };
        if let Err(error) = board::budget(&config) {
            config.tuners = None;
            self.tell(format!(
                "{FILE}: tuners is more than the box can carry: {error}."
            ));
        }
        config
    }

    /// Writes what the box reads when it starts.
    fn finish(mut self, config: &Config) -> Result<()> {
        let run = self.places.run.clone();
        self.disk.folder(&run, 0o755)?;
        let open = (0o644, None);
        let mut text = self.notices.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        let told = self
            .disk
            .replace(&run.join("notices"), text.as_bytes(), open);
        self.note(told);
        let text = config.to_text()?;
        self.disk
            .replace(&run.join("config.toml"), text.as_bytes(), open)
            .map(drop)
    }
}

/// Has the system mount a folder anew, with these options and otherwise as before.
fn remount(folder: &Path, options: &str) -> Result<()> {
    let failed = |error| Error::io("mount", folder.display().to_string(), &error);
    let mut mount = Command::new("mount");
    let ended = mount.args(["-o", options]).arg(folder).status();
    let ended = ended.map_err(failed)?;
    if ended.success() {
        return Ok(());
    }
    let why = format!("mount -o {options} ended with {ended}");
    Err(Error::invalid(folder.display().to_string(), why))
}

/// The lines that are keys, as they may come from any editor.
fn ssh_keys(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let kinds = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"];
    let is_key = |line: &&str| {
        let mut words = line.split_whitespace();
        !line.starts_with('#') && words.any(|word| kinds.iter().any(|kind| word.starts_with(kind)))
    };
    let keys = lines.filter(is_key);
    keys.fold(String::new(), |text, key| text + key + "\n")
}

#[cfg(test)]
mod tests {
    use super::ssh_keys;

    #[test]
    fn keys_are_taken_out_of_what_an_editor_made_of_them() {
        let text = "\u{feff}# mine\r\nssh-ed25519 AAAA me@home\r\n\r\nhello\r\n\
                    no-pty ssh-rsa BBBB x\r\n";
        assert_eq!(
            ssh_keys(text.as_bytes()),
            "ssh-ed25519 AAAA me@home\nno-pty ssh-rsa BBBB x\n"
        );
        assert_eq!(ssh_keys(b"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"), "");
    }
}
