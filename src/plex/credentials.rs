//! What the box needs to come back to its servers: `plex.json` in the state folder, readable by its
//! owner only.

use super::account::token;
use super::row::Row;
use super::{Ownership, Secret, new_id};
use crate::error::{Error, Result};
use crate::limits;
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

const NAME: &str = "plex.json";

/// Written beside it, and then put in its place.
const NEW_NAME: &str = "plex.json.new";

/// For its owner only.
const MODE: u32 = 0o600;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Made once, and kept whatever else is forgotten.
    pub client_id: String,
    /// The token of the account, once it is linked.
    pub account: Option<Secret>,
    /// The servers.
    pub servers: Vec<KnownServer>,
}

/// A server that the box uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownServer {
    /// Its machine identifier.
    pub machine: String,
    /// What its owner calls it.
    pub name: String,
    /// Whose it is; one that the owner has named counts as theirs.
    pub ownership: Ownership,
    /// The token for this server.
    pub token: Secret,
    /// The address that the owner has named; `None` for one that plex.tv lists.
    pub url: Option<String>,
    /// Where it was found the last time.
    pub last_good: Option<String>,
}

impl Credentials {
    /// Those in the state folder; new ones, with an identifier of their own, where there are none.
    /// A file that others can read is made the owner's. It reads and writes a disk.
    ///
    /// # Errors
    /// Where the file cannot be read or understood. It is left as it is.
    pub fn load(state: &Path) -> Result<Self> {
        let path = state.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let new = Self {
                    client_id: new_id()?,
                    account: None,
                    servers: Vec::new(),
                };
                new.save(state)?;
                return Ok(new);
            }
            Err(error) => return Err(Error::io("read", shown(&path), &error)),
        };
        protect(&file, &path).map_err(|error| Error::io("protect", shown(&path), &error))?;
        let most = limits::PLEX_CREDENTIALS_BYTES;
        let mut text = Vec::new();
        let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        file.take(bound)
            .read_to_end(&mut text)
            .map_err(|error| Error::io("read", shown(&path), &error))?;
        let broken = |why: &str| {
            let hint = "put it right, or take it away and link the box again";
            Error::invalid(shown(&path), format!("{why}; {hint}"))
        };
        if text.len() > most {
            return Err(broken("it is too large"));
        }
        let value: Value = serde_json::from_slice(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            broken(&format!("it is broken in line {line}, column {column}"))
        })?;
        Self::read(&value).map_err(broken)
    }

    /// Keeps them: the file is there as it was, or as it is to be, whenever the power goes. It
    /// writes to a disk.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn save(&self, state: &Path) -> Result<()> {
        let (path, new) = (state.join(NAME), state.join(NEW_NAME));
        let write = || -> std::io::Result<()> {
            // One that was left behind may have been made by anybody.
            match fs::remove_file(&new) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let options = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(MODE)
                .clone();
            let mut file = options.open(&new)?;
            serde_json::to_writer_pretty(&mut file, &self.value())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(state)?.sync_all()
        };
        write().map_err(|error| Error::io("write", shown(&path), &error))
    }

    /// The server that was named or found with this identifier.
    #[must_use]
    pub fn server(&self, machine: &str) -> Option<&KnownServer> {
        self.servers.iter().find(|one| one.machine == machine)
    }

    /// Adds a server, or changes the one of the same identifier; where it was found and the address
    /// that its owner has named stay, unless there are new ones. There are at most
    /// `limits::PLEX_SERVERS`: one more is not kept.
    pub fn keep(&mut self, server: KnownServer) {
        let count = self.servers.len();
        let mut known = self.servers.iter_mut();
        match known.find(|one| one.machine == server.machine) {
            Some(known) => {
                let url = server.url.or_else(|| known.url.take());
                let last_good = server.last_good.or_else(|| known.last_good.take());
                *known = KnownServer {
                    url,
                    last_good,
                    ..server
                };
            }
            None if count < limits::PLEX_SERVERS => self.servers.push(server),
            None => log::warn!("{} is one server too many for this box", server.name),
        }
    }

    /// Has the servers of an account be those that it lists now, and forgets those of an account
    /// before. What the owner has named stays.
    pub fn list(&mut self, listed: impl Iterator<Item = KnownServer>) {
        let listed: Vec<_> = listed.collect();
        let is_listed = |one: &KnownServer| listed.iter().any(|new| new.machine == one.machine);
        self.servers
            .retain(|one| one.url.is_some() || is_listed(one));
        for server in listed {
            self.keep(server);
        }
    }

    /// Strict, unlike what servers say: what is left out here would be lost when it is kept again.
    fn read(value: &Value) -> std::result::Result<Self, &'static str> {
        let row = Row::of(value).ok_or("it is no object")?;
        let client_id = row.key("client_id").ok_or("it has no client_id")?;
        let account = match value.get("account") {
            None | Some(Value::Null) => None,
            Some(_) => Some(token(row, "account").ok_or("its account is no token")?),
        };
        let listed = match value.get("servers") {
            None => &[],
            Some(Value::Array(listed)) if listed.len() <= limits::PLEX_SERVERS => listed.as_slice(),
            Some(_) => return Err("its servers are no list"),
        };
        let servers: Option<Vec<_>> = listed.iter().map(KnownServer::read).collect();
        Ok(Self {
            client_id,
            account,
            servers: servers.ok_or("one of its servers lacks its machine or its token")?,
        })
    }

    fn value(&self) -> Value {
        let servers: Vec<_> = self.servers.iter().map(KnownServer::value).collect();
        json!({
            "client_id": self.client_id,
            "account": self.account.as_ref().map(Secret::reveal),
            "servers": servers,
        })
    }
}

impl KnownServer {
    fn read(value: &Value) -> Option<Self> {
        let row = Row::of(value)?;
        Some(Self {
            machine: row.key("machine")?,
            name: row.line("name").unwrap_or_else(|| "Plex".to_owned()),
            ownership: match value.get("shared") {
                Some(Value::Bool(true)) => Ownership::Shared,
                _ => Ownership::Owned,
            },
            token: token(row, "token")?,
            url: row.name("url"),
            last_good: row.name("last_good"),
        })
    }

    fn value(&self) -> Value {
        json!({
            "machine": self.machine,
            "name": self.name,
            "shared": self.ownership == Ownership::Shared,
            "token": self.token.reveal(),
            "url": self.url,
            "last_good": self.last_good,
        })
    }
}

/// Takes the file from everybody but its owner.
fn protect(file: &File, path: &Path) -> std::io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    if permissions.mode() & 0o777 == MODE {
        return Ok(());
    }
    log::warn!(
        "{} could be read by others; it is the owner's again",
        path.display()
    );
    permissions.set_mode(MODE);
    file.set_permissions(permissions)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::{Credentials, KnownServer, MODE, NAME, NEW_NAME, Ownership, Secret};
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    fn mode(state: &Path) -> u32 {
        let file = state.join(NAME).metadata().unwrap();
        file.permissions().mode() & 0o777
    }

    fn linked(state: &Path) -> Credentials {
        let mut credentials = Credentials::load(state).unwrap();
        credentials.account = Some(Secret::new("sesame"));
        credentials.keep(KnownServer {
            machine: "0a1b".to_owned(),
            name: "Attic".to_owned(),
            ownership: Ownership::Shared,
            token: Secret::new("open"),
            url: None,
            last_good: Some("https://192-168-1-5.aa.plex.direct:32400".to_owned()),
        });
        credentials.save(state).unwrap();
        credentials
    }

    #[test]
    fn credentials_come_back_as_they_were_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = Credentials::load(folder.path()).unwrap();
        let kept = linked(folder.path());
        assert_eq!(
            first.client_id, kept.client_id,
            "a new identifier orphans the token"
        );
        assert_eq!(Credentials::load(folder.path()).unwrap(), kept);
        assert_eq!(mode(folder.path()), MODE);
        assert!(!folder.path().join(NEW_NAME).exists());
        let again = KnownServer {
            name: "Cellar".to_owned(),
            ..kept.servers[0].clone()
        };
        let mut kept = kept;
        kept.keep(again);
        assert_eq!(
            (
                kept.servers.len(),
                kept.server("0a1b").unwrap().name.as_str()
            ),
            (1, "Cellar")
        );
    }

    #[test]
    fn a_file_that_others_could_read_is_the_owner_s_again() {
        let folder = tempfile::tempdir().unwrap();
        let kept = linked(folder.path());
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(folder.path().join(NAME), open).unwrap();
        assert_eq!(Credentials::load(folder.path()).unwrap(), kept);
        assert_eq!(mode(folder.path()), MODE);
    }

    #[test]
    fn what_was_left_behind_by_a_power_cut_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NEW_NAME), "{\"client").unwrap();
        let kept = linked(folder.path());
        assert_eq!(Credentials::load(folder.path()).unwrap(), kept);
    }

    #[test]
    fn a_broken_file_is_told_without_its_secrets_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        for text in [
            "",
            "sesame",
            "{\"account\": \"sesame\"}",
            "{\"client_id\": \"a\", \"account\": [\"sesame\"]}",
            "{\"client_id\": \"a\", \"servers\": {\"token\": \"sesame\"}}",
            "{\"client_id\": \"a\", \"servers\": [{\"token\": \"sesame\"}]}",
        ] {
            fs::write(&path, text).unwrap();
            let words = Credentials::load(folder.path()).unwrap_err().to_string();
            assert!(
                words.contains("plex.json") && words.contains("link"),
                "{words}"
            );
            assert!(!words.contains("sesame"), "{words}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_file_that_is_a_folder_or_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), " ".repeat(300_000)).unwrap();
        assert!(Credentials::load(folder.path()).is_err());
        fs::remove_file(folder.path().join(NAME)).unwrap();
        fs::create_dir(folder.path().join(NAME)).unwrap();
        assert!(Credentials::load(folder.path()).is_err());
    }
}
