//! What a file's name says: title, year, season and episode, as Plex and Jellyfin tell people to
//! name them and as scene releases are named. Pure; never fails, since every file has some name.

use super::episode::{self, Marker, Season};
use crate::limits;
use crate::model::Episode;

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Title of the film, clip or episode; never empty.
    pub title: String,
    /// Year of release of the film or the show.
    pub year: Option<u16>,
    /// Set for an episode of a show.
    pub episode: Option<Episode>,
}

/// Words that say how something was encoded, wherever they stand after the title.
const STRONG: [&str; 37] = [
    "360p", "480p", "480i", "540p", "576p", "576i", "720p", "1080p", "1080i", "1440p", "2160p",
    "4320p", "4k", "8k", "uhd", "x264", "x265", "h264", "h265", "hevc", "xvid", "divx", "av1",
    "bluray", "blu-ray", "bdrip", "brrip", "dvdrip", "webrip", "web-dl", "webdl", "hdtv", "hdrip",
    "remux", "10bit", "8bit", "hdr10",
];

/// Words that say so only where dots separate them; elsewhere they may be part of a title.
const WEAK: [&str; 16] = [
    "web",
    "dvd",
    "hdr",
    "dv",
    "dts",
    "aac",
    "ac3",
    "eac3",
    "proper",
    "repack",
    "internal",
    "unrated",
    "extended",
    "multi",
    "dubbed",
    "remastered",
];

/// Names that say nothing; the folder's counts instead.
const NAMELESS: [&str; 6] = ["movie", "film", "video", "feature", "main", "title"];

/// Years that are believed without parentheses around them. "Blade Runner 2049" is a title.
const BARE_YEARS: std::ops::RangeInclusive<u16> = 1900..=2035;

/// Reads the name of the file at `relative`, a path with `/` below the library's root folder,
/// which is called `root`.
#[must_use]
pub fn parse(root: &str, relative: &str) -> Name {
    let (folders, file) = relative.rsplit_once('/').unwrap_or(("", relative));
    let folders: Vec<&str> = folders.split('/').filter(|name| !name.is_empty()).collect();
    let stem = Text::clean(stem(file));
    let mut name = as_episode(root, &folders, &stem).unwrap_or_else(|| as_film(&folders, &stem));
    if name.title.is_empty() {
        file.clone_into(&mut name.title);
    }
    fit(&mut name.title);
    if let Some(episode) = &mut name.episode {
        fit(&mut episode.show);
    }
    name
}

/// A name without tags, its words separated by single spaces.
#[derive(Debug)]
struct Text {
    text: String,
    style: Style,
}

/// How the words of a name were separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// By spaces: written by a person.
    Spaced,
    /// By dots or underscores: the scene's way.
    Dotted,
}

impl Text {
    fn clean(name: &str) -> Self {
        let name = without_tags(name);
        let name = name.trim();
        let dotted = !name.contains(char::is_whitespace) && name.contains(['.', '_']);
        let (text, style) = if dotted {
            (undotted(name), Style::Dotted)
        } else {
            (name.to_owned(), Style::Spaced)
        };
        let words: Vec<&str> = text
            .split(|char: char| char.is_whitespace() || char.is_control())
            .filter(|word| !word.is_empty())
            .collect();
        Self {
            text: words.join(" "),
            style,
        }
    }

    /// The title with what follows it cut off, and the year.
    fn title(&self) -> (String, Option<u16>) {
        if let Some((before, year, after)) = parenthesised_year(&self.text) {
            let title = if before.is_empty() { after } else { before };
            return (trim(title).to_owned(), Some(year));
        }
        let words: Vec<&str> = self.text.split(' ').collect();
        let is_end = |word: &&str| is_any(word, &STRONG);
        let end = words.iter().skip(1).position(is_end).map(|at| at + 1);
        let coded = words.get(..end.unwrap_or(words.len())).unwrap_or(&words);
        // With spaces, a year counts only as the last word before the encoding's.
        let mut years = coded.iter().enumerate().skip(1).filter_map(|(at, word)| {
            let year = bare_year(word)?;
            let counts = match self.style {
                Style::Dotted => true,
                Style::Spaced => end == Some(at + 1),
            };
            counts.then_some((at, year))
        });
        if let Some((at, year)) = years.next_back() {
            let title = coded.get(..at).unwrap_or_default().join(" ");
            return (trim(&title).to_owned(), Some(year));
        }
        (self.without_encoding(coded), None)
    }

    /// The words up to the first one that speaks of the encoding.
    fn without_encoding(&self, words: &[&str]) -> String {
        let weak = |word: &&str| self.style == Style::Dotted && is_any(word, &WEAK);
        let end = words.iter().skip(1).position(weak).map(|at| at + 1);
        let words = words.get(..end.unwrap_or(words.len())).unwrap_or(words);
        trim(&words.join(" ")).to_owned()
    }
}

fn as_film(folders: &[&str], stem: &Text) -> Name {
    let (mut title, mut year) = stem.title();
    if year.is_none()
        && let Some((folder_title, folder_year)) = film_folder(folders)
    {
        let plain = letters(&title);
        let named_so = plain.starts_with(&letters(&folder_title));
        if named_so || NAMELESS.contains(&plain.as_str()) {
            (title, year) = (folder_title, Some(folder_year));
        }
    }
    Name {
        title,
        year,
        episode: None,
    }
}

/// Whether a folder is that of one film: it carries the film's year.
pub(super) fn is_film_folder(folder: &str) -> bool {
    film_folder(&[folder]).is_some()
}

/// Title and year of the innermost folder, if it is one film's.
fn film_folder(folders: &[&str]) -> Option<(String, u16)> {
    let (title, year) = Text::clean(folders.last()?).title();
    Some((title, year?)).filter(|(title, _)| !title.is_empty())
}

fn as_episode(root: &str, folders: &[&str], stem: &Text) -> Option<Name> {
    let inner = folders.last().map(|folder| Text::clean(folder));
    let season = inner
        .as_ref()
        .and_then(|inner| episode::season(&inner.text));
    let marker = episode::marker(&stem.text).or_else(|| {
        let season = season.as_ref()?;
        episode::marker_in_season(&stem.text, season.number)
    })?;
    let (show, year) = show(root, folders, stem, &marker, season.as_ref())?;
    let after = stem.text.get(marker.end..).unwrap_or_default();
    Some(Name {
        title: episode_title(after, stem.style)
            .unwrap_or_else(|| format!("Episode {}", marker.number)),
        year,
        episode: Some(Episode {
            show,
            season: marker.season,
            number: marker.number,
        }),
    })
}

/// The show's title and year: in a season's folder that folder and the one above know best,
/// elsewhere the file itself.
fn show(
    root: &str,
    folders: &[&str],
    stem: &Text,
    marker: &Marker,
    season: Option<&Season>,
) -> Option<(String, Option<u16>)> {
    let before = Text {
        text: stem.text.get(..marker.start)?.trim_end().to_owned(),
        style: stem.style,
    };
    let folder = |up: usize| {
        let name = folders.len().checked_sub(up).and_then(|at| folders.get(at));
        name.map(|name| Text::clean(name))
    };
    let candidates = match season {
        Some(season) => {
            let of_season = Text {
                text: season.show.clone(),
                style: folder(1).map_or(Style::Spaced, |inner| inner.style),
            };
            [Some(of_season), folder(2), Some(before)]
        }
        None => [Some(before), folder(1), None],
    };
    candidates
        .into_iter()
        .flatten()
        .chain([Text::clean(root)])
        .map(|text| text.title())
        .find(|(title, _)| !title.is_empty())
}

/// What follows the marker, if it is a title.
fn episode_title(after: &str, style: Style) -> Option<String> {
    let words: Vec<&str> = trim(after).split(' ').collect();
    let coded =
        |word: &&str| is_any(word, &STRONG) || (style == Style::Dotted && is_any(word, &WEAK));
    let end = words.iter().position(coded).unwrap_or(words.len());
    let title = words.get(..end).unwrap_or_default().join(" ");
    Some(trim(&title).to_owned()).filter(|title| !title.is_empty())
}

/// Takes `{...}` and `[...]` away; a year in brackets stays, in parentheses.
fn without_tags(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(open) = rest.find(['[', '{']) {
        let (before, tag) = rest.split_at(open);
        let Some(close) = tag.find([']', '}']) else {
            break;
        };
        kept.push_str(before);
        let inside = tag.get(1..close).unwrap_or_default();
        if let Some(year) = bare_year(inside) {
            kept.push_str(&format!("({year})"));
        } else {
            kept.push(' ');
        }
        rest = tag.get(close + 1..).unwrap_or_default();
    }
    kept.push_str(rest);
    kept
}

/// Dots and underscores as spaces, but `S.H.I.E.L.D` in one piece.
fn undotted(name: &str) -> String {
    let words: Vec<&str> = name.split(['.', '_']).collect();
    let letter = |word: &&str| {
        let mut chars = word.chars();
        chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
    };
    let mut text = String::with_capacity(name.len());
    let mut rest = words.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let run = rest.iter().take_while(|word| letter(word)).count();
        let (acronym, after) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        if run >= 3 {
            text.push_str(&acronym.join("."));
            rest = after;
        } else {
            text.push_str(first);
            rest = others;
        }
        text.push(' ');
    }
    text
}

/// The first `(1999)`, with what stands before and after it.
fn parenthesised_year(text: &str) -> Option<(&str, u16, &str)> {
    text.match_indices('(').find_map(|(open, _)| {
        let inside = text.get(open + 1..)?;
        let (digits, after) = inside.split_once(')')?;
        let year = four_digits(digits).filter(|year| (1870..=2099).contains(year))?;
        Some((text.get(..open)?, year, after))
    })
}

fn bare_year(word: &str) -> Option<u16> {
    four_digits(word.trim_matches(['(', ')', ','])).filter(|year| BARE_YEARS.contains(year))
}

fn four_digits(text: &str) -> Option<u16> {
    let plain = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Whether a word, or what stands before its hyphen (`x264-GROUP`), is one of these.
fn is_any(word: &str, words: &[&str]) -> bool {
    let word = word.trim_matches(['(', ')', ',']).to_lowercase();
    let before = word.split('-').next().unwrap_or(&word);
    words.contains(&word.as_str()) || words.contains(&before)
}

fn stem(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}

/// Letters and digits in lower case, for comparing.
fn letters(text: &str) -> String {
    let kept = text.chars().filter(|char| char.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '-', '_', '.', ',', ':', '–', '—'])
}

/// Cuts a text to `limits::TEXT_BYTES`.
fn fit(text: &mut String) {
    text.truncate(text.floor_char_boundary(limits::TEXT_BYTES));
}

#[cfg(test)]
mod tests;
