//! What the owner writes on the card: `exstreamtv.txt`, a line for each wish, `key = value`.
//!
//! It is written by people who have Notepad and no taste for syntax, so nothing in it keeps the box
//! from starting, unlike the strict configuration of a host. What cannot be understood costs its
//! line and makes a notice: the line's number and what would be right. A notice never repeats what
//! was written, because a password may stand anywhere.

mod country;
mod key;
mod text;
mod value;

use crate::limits;
use crate::model::Secret;
use key::Key;
use std::collections::BTreeMap;
use text::{Text, entry};

/// The file's name on the card.
pub const FILE: &str = "exstreamtv.txt";

/// What the owner wishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardText {
    /// What clients call the box.
    pub name: Option<String>,
    /// The wireless network to join.
    pub wifi: Option<Wifi>,
    /// The Plex server to link the box to.
    pub plex: Option<PlexServer>,
    /// The time zone, as its database spells it.
    pub timezone: Option<String>,
    /// The language to be heard, as [`crate::media::language::code`] gives it.
    pub language: Option<String>,
    /// What an update has to know.
    pub pairing_code: Option<Secret>,
    /// Whether everything is to be forgotten.
    pub reset: Reset,
    /// Channels that can be watched at once.
    pub tuners: Option<usize>,
    /// What could not be understood, in sentences for the owner, at most `limits::SENTENCES` and one.
    pub notices: Vec<String>,
}

/// A wireless network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wifi {
    /// Its name, 1 to 32 bytes.
    pub name: String,
    /// Its password, 8 to 63 bytes, or 64 hexadecimal digits that are its key; `None` for a network
    /// that is open.
    pub password: Option<Secret>,
    /// Whose rules the radio follows, as two capital letters (ISO 3166-1).
    pub country: Option<String>,
}

/// A Plex server that is named directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlexServer {
    /// Its address, with scheme and port.
    pub url: String,
    /// Its token.
    pub token: Secret,
}

/// Whether everything that the box keeps is to be forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// It is not asked for.
    #[default]
    Never,
    /// It is asked for.
    Wanted,
    /// It was asked for once, and the box has written down that it heard.
    Done,
}

impl CardText {
    /// Understands the file as far as it can be.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut reading = Reading::default();
        if bytes.len() > limits::CARD_TEXT_BYTES {
            let most = limits::CARD_TEXT_BYTES >> 10;
            let words =
                format!("it is larger than {most} KiB, so nothing was heard: begin it anew.");
            reading.tell(0, &words);
            return reading.finish();
        }
        let text = Text::decode(bytes);
        for (number, line) in (1..).zip(text.lines()) {
            reading.hear(number, line);
        }
        reading.finish()
    }

    /// The same file, in which a factory reset that was asked for is done.
    #[must_use]
    pub fn with_reset_done(bytes: &[u8]) -> Vec<u8> {
        let text = Text::decode(bytes);
        let mut rewritten = String::new();
        for line in text.whole_lines() {
            let asks = entry(line).is_some_and(|(name, said)| {
                Key::named(name) == Some(Key::FactoryReset)
                    && value::reset(value::plain(said)) == Some(Reset::Wanted)
            });
            if asks {
                let end = line.trim_end_matches(['\r', '\n']).len();
                rewritten.push_str(Key::FactoryReset.name());
                rewritten.push_str(" = done");
                rewritten.push_str(line.get(end..).unwrap_or_default());
            } else {
                rewritten.push_str(line);
            }
        }
        text.encode(&rewritten)
    }
}

/// A file that is being read.
#[derive(Default)]
struct Reading<'a> {
    /// What was said of a key last, and in which line.
    said: BTreeMap<Key, (usize, &'a str)>,
    /// With their lines; 0 for the file as a whole.
    notices: Vec<(usize, String)>,
}

impl<'a> Reading<'a> {
    /// Takes one line in.
    fn hear(&mut self, number: usize, line: &'a str) {
        if line.trim().is_empty() || line.trim_start().starts_with(['#', ';']) {
            return;
        }
        let Some((name, said)) = entry(line) else {
            return self.tell(number, "it is no wish; one looks like name = Living room.");
        };
        let Some(key) = Key::named(name) else {
            return self.tell(number, &key::unknown(name));
        };
        let said = if key.is_free() {
            value::free(said)
        } else {
            value::plain(said)
        };
        if said.is_empty() {
            return;
        }
        if let Some((first, _)) = self.said.insert(key, (number, said)) {
            let name = key.name();
            self.tell(
                number,
                &format!("{name} stands in line {first} too; this one counts."),
            );
        }
    }

    fn tell(&mut self, number: usize, what: &str) {
        self.notices.push((number, what.to_owned()));
    }

    /// What was said of a key, as `read` understands it; otherwise a notice says what would do.
    fn take<T>(&mut self, key: Key, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let (number, said) = self.said.remove(&key)?;
        let understood = read(said);
        if understood.is_none() {
            let would_do = key.would_do();
            self.tell(number, &format!("{} is {would_do}.", key.name()));
        }
        understood
    }

    fn finish(mut self) -> CardText {
        let card = CardText {
            name: self.take(Key::Name, value::name),
            wifi: self.wifi(),
            plex: self.plex(),
            timezone: self.take(Key::Timezone, value::timezone),
            language: self.take(Key::Language, value::language),
            pairing_code: self.take(Key::PairingCode, value::pairing_code),
            reset: self
                .take(Key::FactoryReset, value::reset)
                .unwrap_or_default(),
            tuners: self.take(Key::Tuners, value::tuners),
            notices: Vec::new(),
        };
        CardText {
            notices: self.told(),
            ..card
        }
    }

    /// The notices in the order of their lines, as many as anybody reads.
    fn told(mut self) -> Vec<String> {
        self.notices.sort_by_key(|(number, _)| *number);
        let more = self.notices.len().saturating_sub(limits::SENTENCES);
        let first = self.notices.into_iter().take(limits::SENTENCES);
        let sentence = |(number, what): (usize, String)| match number {
            0 => format!("{FILE}: {what}"),
            _ => format!("{FILE}, line {number}: {what}"),
        };
        let mut told: Vec<_> = first.map(sentence).collect();
        if more > 0 {
            told.push(format!("{FILE}: and {more} more like these."));
        }
        told
    }

    fn wifi(&mut self) -> Option<Wifi> {
        let line = |key| self.said.get(&key).map(|(number, _)| *number);
        let (named, locked) = (line(Key::WifiName), line(Key::WifiPassword));
        let name = self.take(Key::WifiName, value::wifi_name);
        let password = self.take(Key::WifiPassword, value::wifi_password);
        let country = self.take(Key::WifiCountry, country::code);
        let Some(name) = name else {
            if let (Some(number), None) = (locked, named) {
                self.tell(number, "a password needs wifi_name, the network's name.");
            }
            return None;
        };
        let number = named.unwrap_or_default();
        match (&password, locked) {
            (Some(_), _) => {}
            // Its network is not open, so there is no use in trying.
            (None, Some(_)) => return None,
            (None, None) => self.tell(
                number,
                "there is no wifi_password, so the network is taken to be open to everybody.",
            ),
        }
        if country.is_none() {
            self.tell(
                number,
                "there is no wifi_country, so the radio keeps to what is allowed everywhere, which \
                 may leave out networks at 5 GHz; wifi_country = DE would say Germany.",
            );
        }
        Some(Wifi {
            name,
            password,
            country,
        })
    }

    fn plex(&mut self) -> Option<PlexServer> {
        let line = |key| self.said.get(&key).map(|(number, _)| *number);
        let (addressed, known) = (line(Key::PlexAddress), line(Key::PlexToken));
        let url = self.take(Key::PlexAddress, value::plex_url);
        let token = self.take(Key::PlexToken, value::plex_token);
        match (url, token) {
            (Some(url), Some(token)) => Some(PlexServer { url, token }),
            (Some(_), None) if known.is_none() => {
                self.tell(
                    addressed.unwrap_or_default(),
                    "plex_address needs plex_token, the server's token. It is simpler without both: \
                     open the box's page and type the code that it shows at plex.tv/link.",
                );
                None
            }
            (None, Some(_)) if addressed.is_none() => {
                self.tell(
                    known.unwrap_or_default(),
                    "plex_token needs plex_address, the server's address.",
                );
                None
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
