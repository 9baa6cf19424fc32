//! What the host says: where the box listens, where it keeps its state, what it is called.
//!
//! One strict TOML file. A key that is not known is refused with its line, never ignored: a typing
//! error that is silently a default has kept televisions dark for hours. What concerns the owner's
//! libraries and channels is not here but in the store.

pub mod card_text;

use crate::error::{Error, Result};
use crate::limits;
use crate::media::language;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The port of everything but the streams.
pub const WEB_PORT: u16 = 8411;

/// The port of the streams, the same on every HDHomeRun.
pub const STREAM_PORT: u16 = 5004;

/// The port at which an HDHomeRun is looked for and controlled.
pub const DISCOVERY_PORT: u16 = 65_001;

/// Largest configuration file that is read.
const FILE_BYTES: u64 = 64 << 10;

/// Longest name, in bytes. Clients show it in one line.
const NAME_BYTES: usize = 64;

/// Longest host name (RFC 1035), and how many may be named.
const HOST_NAME_BYTES: usize = 253;
const HOST_NAMES: usize = 16;

/// The host's wishes; [`Config::default`] where it has none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The state folder, absolute; `None` for the usual one of the user that runs the box.
    #[serde(deserialize_with = "absolute")]
    pub state: Option<PathBuf>,
    /// Where everything but the streams listens.
    pub web: SocketAddr,
    /// Where the streams listen.
    pub stream: SocketAddr,
    /// Where the device's documents are to be had besides, for clients that ask at port 80 without
    /// being told so; `None` for nowhere.
    pub device: Option<SocketAddr>,
    /// Where clients that look for an HDHomeRun find the box, over UDP and TCP; `None` for its usual
    /// port, if the documents are to be had from other machines.
    pub discovery: Option<SocketAddr>,
    /// Whether the box lets itself be found at all.
    pub announce: bool,
    /// Names, and addresses of whatever stands in front of it, under which the box is reached besides
    /// its own.
    #[serde(deserialize_with = "names")]
    pub names: Vec<String>,
    /// The control socket, absolute; `None` for `control.sock` in the state folder.
    #[serde(deserialize_with = "absolute")]
    pub control: Option<PathBuf>,
    /// How many channels may be watched at once; `None` for as many as the board usually has.
    #[serde(deserialize_with = "tuners")]
    pub tuners: Option<usize>,
    /// Memory of the machine that the box may reckon with, in MB of 1024 kB; `None` for what the
    /// kernel tells.
    #[serde(deserialize_with = "memory_mb")]
    pub memory_mb: Option<u32>,
    /// What the network carries, in million bits per second; `None` for what the kernel tells.
    #[serde(deserialize_with = "link_mbps")]
    pub link_mbps: Option<u32>,
    /// A file, absolute, that is there once the machine has been told the date; `None` where its
    /// clock can be believed.
    #[serde(deserialize_with = "absolute")]
    pub time_marker: Option<PathBuf>,
    /// The socket, absolute, of the updater that looks after the slots of a board; `None` where there
    /// is none.
    #[serde(deserialize_with = "absolute")]
    pub updater: Option<PathBuf>,
    /// Where the box links itself to an account of Plex, for those who try that without one; `None`
    /// for plex.tv.
    pub plex_tv: Option<String>,
    /// A Plex server that the box links itself to, once: its address, and the file, absolute, with its
    /// token.
    pub plex_url: Option<String>,
    /// See `plex_url`.
    #[serde(deserialize_with = "absolute")]
    pub plex_token_file: Option<PathBuf>,
    /// Whether the embedded clips are on air as long as the owner has no library.
    pub demo: bool,
    /// Whether what the owner has goes on air by itself: the sections of the Plex servers that are
    /// theirs become libraries, and each library has channels made of it, once.
    pub unattended: bool,
    /// A folder, absolute, whose folders become libraries by themselves when there is video in them:
    /// where the system mounts drives.
    #[serde(deserialize_with = "absolute")]
    pub drives: Option<PathBuf>,
    /// A file, absolute, with sentences for the owner, one a line, that the page shows.
    #[serde(deserialize_with = "absolute")]
    pub notices: Option<PathBuf>,
    /// What clients call the device.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// The language in which sound is preferred, as [`language::code`] gives it.
    #[serde(deserialize_with = "language_code")]
    pub language: String,
}

impl Default for Config {
    fn default() -> Self {
        // Of both families: a door at [::] takes IPv4 too.
        let everywhere = |port| SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
        Self {
            state: None,
            web: everywhere(WEB_PORT),
            stream: everywhere(STREAM_PORT),
            device: None,
            discovery: None,
            announce: true,
            names: Vec::new(),
            control: None,
            tuners: None,
            memory_mb: None,
            link_mbps: None,
            time_marker: None,
            updater: None,
            plex_tv: None,
            plex_url: None,
            plex_token_file: None,
            demo: false,
            unattended: false,
            drives: None,
            notices: None,
            name: "EXStreamTV".to_owned(),
            language: "eng".to_owned(),
        }
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// Where it cannot be read, and where [`Config::parse`] refuses it.
    pub fn read(file: &Path) -> Result<Self> {
        let name = file.display().to_string();
        let mut text = String::new();
        let bounded = File::open(file).map(|file| file.take(FILE_BYTES + 1));
        let read = bounded.and_then(|mut bounded| bounded.read_to_string(&mut text));
        read.map_err(|error| Error::io("read", name.clone(), &error))?;
        if text.len() as u64 > FILE_BYTES {
            let why = format!("a configuration has at most {FILE_BYTES} bytes");
            return Err(Error::invalid(name, why));
        }
        Self::parse(&name, &text)
    }

    /// Understands a configuration; `file` is only for the words of a refusal.
    ///
    /// # Errors
    /// Names the file, the line and the key of the first thing that cannot be, and what would do.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| refusal(file, text, &error))
    }

    /// The file that says all this.
    ///
    /// # Errors
    /// A path is not UTF-8.
    pub fn to_text(&self) -> Result<String> {
        let failed = |error: toml::ser::Error| Error::invalid("configuration", error.to_string());
        toml::to_string(self).map_err(failed)
    }
}

/// Says what is wrong where, and what would do.
fn refusal(file: &str, text: &str, error: &toml::de::Error) -> Error {
    let why = error.message().trim().replace('\n', ", ");
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return Error::invalid(file.to_owned(), why);
    };
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    let key = line.split('=').next().unwrap_or_default().trim();
    match would_do(key) {
        Some(hint) => Error::invalid(
            format!("{file}, line {number}, {key}"),
            format!("{why}; {hint} would do"),
        ),
        None => Error::invalid(format!("{file}, line {number}"), why),
    }
}

/// What may be written for a key.
fn would_do(key: &str) -> Option<&'static str> {
    Some(match key {
        "state" => "an absolute path, like \"/var/lib/exstreamtv\"",
        "web" => "an address with a port, like \"0.0.0.0:8411\" or \"[::]:8411\"",
        "stream" => "an address with a port, like \"0.0.0.0:5004\" or \"[::]:5004\"",
        "device" => "an address with a port, like \"0.0.0.0:80\" or \"[::]:80\"",
        "discovery" => "an address with a port, like \"0.0.0.0:65001\"",
        "announce" => "true or false",
        "names" => "a list of names, like [\"tv.example.org\"]",
        "control" => "an absolute path, like \"/run/exstreamtv/control.sock\"",
        "tuners" => "a number from 1 to 480",
        "memory_mb" => "the megabytes of memory, like 1024",
        "link_mbps" => "megabits per second, like 1000",
        "time_marker" => "an absolute path, like \"/run/systemd/timesync/synchronized\"",
        "plex_url" => "an address, like \"http://192.168.1.5:32400\"",
        "plex_token_file" => "an absolute path, like \"/run/exstreamtv/plex-token\"",
        "demo" | "unattended" => "true or false",
        "drives" => "an absolute path, like \"/media\"",
        "notices" => "an absolute path, like \"/run/exstreamtv/notices\"",
        "updater" => "an absolute path, like \"/run/exstreamtv/updater.sock\"",
        "name" => "a short line of text, like \"Living room\"",
        "language" => "a code of ISO 639, like \"eng\" or \"de\"",
        _ => return None,
    })
}

fn absolute<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(from)?;
    if path.is_absolute() {
        Ok(Some(path))
    } else {
        Err(D::Error::custom("the path is not absolute"))
    }
}

fn names<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    // No host has a low line in its name, but containers do.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let odd = |name: &&String| {
        name.is_empty() || name.len() > HOST_NAME_BYTES || !name.bytes().all(plain)
    };
    match names.iter().find(odd) {
        Some(odd) => Err(D::Error::custom(format!("{odd:?} is no host name"))),
        None if names.len() > HOST_NAMES => Err(D::Error::custom("there are too many names")),
        None => Ok(names),
    }
}

fn tuners<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<usize>, D::Error> {
    let most = u32::try_from(limits::CHANNELS).unwrap_or(u32::MAX);
    let count = number(from, 1..=most)?;
    Ok(usize::try_from(count).ok())
}

fn memory_mb<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<u32>, D::Error> {
    number(from, 1..=1 << 30).map(Some)
}

fn link_mbps<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<u32>, D::Error> {
    number(from, 1..=1_000_000).map(Some)
}

fn number<'de, D: Deserializer<'de>>(
    from: D,
    range: RangeInclusive<u32>,
) -> std::result::Result<u32, D::Error> {
    let number = i64::deserialize(from)?;
    let number_in_range = u32::try_from(number).ok().filter(|one| range.contains(one));
    number_in_range.ok_or_else(|| D::Error::custom(format!("{number} is out of range")))
}

fn name<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<String, D::Error> {
    let name = String::deserialize(from)?;
    if name.trim().is_empty() {
        Err(D::Error::custom("the name is empty"))
    } else if name.len() > NAME_BYTES || name.chars().any(char::is_control) {
        Err(D::Error::custom("the name is too long for one line"))
    } else {
        Ok(name)
    }
}

fn language_code<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<String, D::Error> {
    let text = String::deserialize(from)?;
    language::code(&text)
        .ok_or_else(|| D::Error::custom(format!("'{text}' is no code of a language")))
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn refused(text: &str) -> String {
        Config::parse("box.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Config::parse("box.toml", "").unwrap(), Config::default());
        assert_eq!(Config::default().web.to_string(), "[::]:8411");
        assert_eq!(Config::default().stream.to_string(), "[::]:5004");
    }

    #[test]
    fn every_key_is_heard() {
        let config = Config::parse(
            "box.toml",
            "state = '/srv/tv'\nweb = '[::]:80'\nstream = '127.0.0.1:0'\n\
             control = '/run/tv.sock'\ntuners = 3\nname = 'Küche'\nlanguage = 'ger'\n\
             memory_mb = 900\nlink_mbps = 100\ntime_marker = '/run/told'\n\
             device = '0.0.0.0:80'\nnames = ['tv.example.org', '192.0.2.7']\n\
             demo = true\nunattended = true\ndrives = '/media'\nnotices = '/run/notices'\nupdater = '/run/up'\n\
             plex_url = 'http://a:1'\nplex_token_file = '/run/token'\n",
        )
        .unwrap();
        assert_eq!(
            Config::parse("a", &config.to_text().unwrap()).unwrap(),
            config
        );
        assert!(config.demo && config.unattended);
        assert_eq!(config.drives.unwrap().to_str(), Some("/media"));
        assert_eq!(config.notices.unwrap().to_str(), Some("/run/notices"));
        assert_eq!(config.updater.unwrap().to_str(), Some("/run/up"));
        assert_eq!(config.plex_url.as_deref(), Some("http://a:1"));
        assert_eq!(config.plex_token_file.unwrap().to_str(), Some("/run/token"));
        assert_eq!(config.state.unwrap().to_str(), Some("/srv/tv"));
        assert_eq!(config.web.to_string(), "[::]:80");
        assert_eq!(config.stream.to_string(), "127.0.0.1:0");
        assert_eq!(config.control.unwrap().to_str(), Some("/run/tv.sock"));
        assert_eq!(config.tuners, Some(3));
        assert_eq!((config.memory_mb, config.link_mbps), (Some(900), Some(100)));
        assert_eq!(config.time_marker.unwrap().to_str(), Some("/run/told"));
        assert_eq!(config.device, Some("0.0.0.0:80".parse().unwrap()));
        assert_eq!(config.names, ["tv.example.org", "192.0.2.7"]);
        assert_eq!(config.name, "Küche");
        assert_eq!(config.language, "deu");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_known_ones() {
        let words = refused("name = 'a'\n\nwebb = '0.0.0.0:1'\n");
        assert!(words.starts_with("box.toml, line 3: "), "{words}");
        assert!(words.contains("`webb`"), "{words}");
        assert!(words.contains("`web`"), "{words}");
    }

    #[test]
    fn an_unknown_table_is_refused() {
        let words = refused("# the box\n[server]\nport = 8411\n");
        assert!(words.starts_with("box.toml, line 2: "), "{words}");
    }

    #[test]
    fn a_wrong_value_is_refused_with_what_would_do() {
        for (text, start, hint) in [
            ("web = '0.0.0.0'", "box.toml, line 1, web: ", "0.0.0.0:8411"),
            ("\nstream = 5004", "box.toml, line 2, stream: ", "[::]:5004"),
            ("device = 80", "box.toml, line 1, device: ", "[::]:80"),
            ("names = 'a'", "box.toml, line 1, names: ", "a list"),
            ("names = ['a b']", "box.toml, line 1, names: ", "a list"),
            ("names = ['[::1]']", "box.toml, line 1, names: ", "a list"),
            ("tuners = 0", "box.toml, line 1, tuners: ", "1 to 480"),
            ("tuners = 481", "box.toml, line 1, tuners: ", "1 to 480"),
            ("tuners = -1", "box.toml, line 1, tuners: ", "1 to 480"),
            ("tuners = 'many'", "box.toml, line 1, tuners: ", "1 to 480"),
            ("memory_mb = 0", "box.toml, line 1, memory_mb: ", "1024"),
            ("link_mbps = -1", "box.toml, line 1, link_mbps: ", "1000"),
            (
                "time_marker = 'x'",
                "box.toml, line 1, time_marker: ",
                "absolute",
            ),
            ("updater = 'x'", "box.toml, line 1, updater: ", "absolute"),
            ("name = ' '", "box.toml, line 1, name: ", "short line"),
            ("name = \"a\\nb\"", "box.toml, line 1, name: ", "short line"),
            ("language = 'xx'", "box.toml, line 1, language: ", "eng"),
            (
                "language = 'english'",
                "box.toml, line 1, language: ",
                "eng",
            ),
            ("state = 'here'", "box.toml, line 1, state: ", "absolute"),
            ("control = ''", "box.toml, line 1, control: ", "absolute"),
        ] {
            let words = refused(text);
            assert!(words.starts_with(start), "{words}");
            assert!(words.contains(hint), "{words}");
        }
    }

    #[test]
    fn broken_toml_and_double_keys_are_refused_with_their_line() {
        for text in ["name = 'a'\nweb = \n", "tuners = 3\ntuners = 4\n"] {
            let words = refused(text);
            assert!(words.starts_with("box.toml, line 2"), "{words}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let words = Config::read("/nowhere/box.toml".as_ref())
            .unwrap_err()
            .to_string();
        assert!(words.contains("/nowhere/box.toml"), "{words}");
    }
}
