//! Which season and episode a name speaks of: `S01E02`, `1x02`, `Season 1/02 - Title`. Pure.

/// Words for a season in the languages that people name folders in; always followed by a number.
const SEASON_WORDS: [&str; 13] = [
    "season",
    "series",
    "staffel",
    "saison",
    "temporada",
    "stagione",
    "seizoen",
    "säsong",
    "sæson",
    "sesong",
    "sezon",
    "kausi",
    "évad",
];

/// Where in a text an episode is named. `start` and `end` are byte offsets around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) season: u16,
    /// The first one, where several are named.
    pub(super) number: u16,
}

/// A folder that holds one season.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Season {
    pub(super) number: u16,
    /// What stands before it in the folder's name: the show's, or nothing.
    pub(super) show: String,
}

/// The first full marker of a text.
pub(super) fn marker(text: &str) -> Option<Marker> {
    starts(text).find_map(|start| {
        let rest = Rest::at(text, start)?;
        let (season, number, rest) = s_e(rest).or_else(|| x(rest)).or_else(|| words(rest))?;
        Some(Marker {
            start,
            end: further(rest).at,
            season,
            number,
        })
    })
}

/// A marker that names only the episode, as files in a season's folder do: `E02`, `Ep 2`,
/// `Episode 2`, or a number in front.
pub(super) fn marker_in_season(text: &str, season: u16) -> Option<Marker> {
    let named = starts(text).find_map(|start| {
        let rest = Rest::at(text, start)?;
        let after = ["episode", "ep", "e"]
            .iter()
            .find_map(|word| rest.word(word))?;
        Some((start, after.skip(" .#").number(3)?))
    });
    let leading = || {
        let (number, rest) = Rest::at(text, 0)?.number(3)?;
        let apart = rest.text.is_empty() || rest.text.starts_with([' ', '.', '-']);
        apart.then_some((0, (number, rest)))
    };
    let (start, (number, rest)) = named.or_else(leading)?;
    Some(Marker {
        start,
        end: further(rest).at,
        season,
        number,
    })
}

/// Reads `Season 01`, `S01`, `Specials`, `Show - Season 1` or `Show S01 1080p`.
pub(super) fn season(folder: &str) -> Option<Season> {
    let lower = folder.to_lowercase();
    if lower == "specials" {
        return Some(Season {
            number: 0,
            show: String::new(),
        });
    }
    let words: Vec<&str> = lower.split_whitespace().collect();
    let (at, number) = words.iter().enumerate().find_map(|(at, word)| {
        let short = word.strip_prefix('s').and_then(digits);
        let long = || {
            let next = words.get(at + 1).copied().and_then(digits);
            // "World Series 2004" is no season of "World".
            let named = SEASON_WORDS.contains(word) && (*word != "series" || at == 0);
            next.filter(|_| named)
        };
        Some((at, short.or_else(long)?))
    })?;
    let before: Vec<&str> = folder.split_whitespace().take(at).collect();
    Some(Season {
        number,
        show: before.join(" "),
    })
}

/// `S01E02`, `s1 e2`, `S01.E02`.
fn s_e(rest: Rest<'_>) -> Option<(u16, u16, Rest<'_>)> {
    let (season, rest) = rest.word("s")?.number(4)?;
    let rest = rest.skip(" .-");
    let (number, rest) = rest.word("ep").or_else(|| rest.word("e"))?.number(4)?;
    Some((season, number, rest))
}

/// `1x02`; not `1920x1080`.
fn x(rest: Rest<'_>) -> Option<(u16, u16, Rest<'_>)> {
    let (season, rest) = rest.number(2)?;
    let rest = rest.word("x")?;
    let (number, after) = rest.number(3)?;
    let two_digits = after.at - rest.at >= 2;
    let apart = !after.text.starts_with(char::is_alphanumeric) || after.word("x").is_some();
    (two_digits && apart).then_some((season, number, after))
}

/// `Season 1 Episode 2`.
fn words(rest: Rest<'_>) -> Option<(u16, u16, Rest<'_>)> {
    let (season, rest) = rest.word("season")?.skip(" ").number(4)?;
    let rest = rest.skip(" ,-").word("episode")?;
    let (number, rest) = rest.skip(" ").number(4)?;
    Some((season, number, rest))
}

/// Steps over further episodes of the same file: `E03`, `-E03`, `-03`, `x03`.
fn further(mut rest: Rest<'_>) -> Rest<'_> {
    loop {
        let apart = rest.skip(" -&+");
        let dashed = || rest.word("-").filter(|next| !next.text.starts_with(' '));
        let next = apart.word("e").or_else(|| rest.word("x")).or_else(dashed);
        let after = next.and_then(|next| next.number(3)).map(|(_, after)| after);
        match after.filter(|after| !after.text.starts_with(char::is_alphabetic) || has_e(*after)) {
            Some(after) => rest = after,
            None => return rest,
        }
    }
}

fn has_e(rest: Rest<'_>) -> bool {
    rest.word("e").and_then(|next| next.number(3)).is_some()
}

/// Where a word begins.
fn starts(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut inside = false;
    text.char_indices().filter_map(move |(at, char)| {
        let begins = !inside && char.is_alphanumeric();
        inside = char.is_alphanumeric();
        begins.then_some(at)
    })
}

fn digits(word: &str) -> Option<u16> {
    let plain = (1..=4).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| word.parse().ok()).flatten()
}

/// What is left of a text, and where it begins.
#[derive(Debug, Clone, Copy)]
struct Rest<'a> {
    at: usize,
    text: &'a str,
}

impl<'a> Rest<'a> {
    fn at(text: &'a str, at: usize) -> Option<Self> {
        Some(Self {
            at,
            text: text.get(at..)?,
        })
    }

    fn after(self, len: usize) -> Option<Self> {
        Some(Self {
            at: self.at + len,
            text: self.text.get(len..)?,
        })
    }

    /// Past this word, in whatever case.
    fn word(self, word: &str) -> Option<Self> {
        let head = self.text.get(..word.len())?;
        head.eq_ignore_ascii_case(word)
            .then(|| self.after(word.len()))
            .flatten()
    }

    /// Past any of these characters.
    fn skip(self, any: &str) -> Self {
        let text = self.text.trim_start_matches(|char| any.contains(char));
        Self {
            at: self.at + (self.text.len() - text.len()),
            text,
        }
    }

    /// Past a number of at most so many digits, not followed by another digit.
    fn number(self, longest: usize) -> Option<(u16, Self)> {
        let len = self.text.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=longest).contains(&len) {
            return None;
        }
        let number = self.text.get(..len)?.parse().ok()?;
        Some((number, self.after(len)?))
    }
}
