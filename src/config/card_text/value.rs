//! Values: what stands behind a key, and what it means. `None` is what cannot be meant.

use super::Reset;
use crate::clock;
use crate::limits;
use crate::media::language as languages;
use crate::model::Secret;
use std::net::Ipv6Addr;

/// Quotation marks as editors and telephones make them: each opening one with its closing ones.
const QUOTES: [(char, &[char]); 4] = [
    ('"', &['"']),
    ('\'', &['\'']),
    ('\u{201c}', &['\u{201d}', '\u{201c}']),
    ('\u{201e}', &['\u{201c}', '\u{201d}']),
];

/// Where a Plex server listens.
const PLEX_PORT: u16 = 32_400;

/// The rest of a line, whatever stands in it, without quotation marks around it.
pub(super) fn free(said: &str) -> &str {
    let said = said.trim();
    quoted(said).unwrap_or(said)
}

/// The same without a comment behind it.
pub(super) fn plain(said: &str) -> &str {
    let said = said.trim();
    if let Some(inner) = quoted(said) {
        return inner.trim();
    }
    let mut comment = said.match_indices('#').filter(|(at, _)| {
        let before = said.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with(char::is_whitespace)
    });
    let end = comment.next().map_or(said.len(), |(at, _)| at);
    said.get(..end).unwrap_or_default().trim_end()
}

/// What stands between quotation marks behind which there is nothing, or a comment.
fn quoted(said: &str) -> Option<&str> {
    let first = said.chars().next()?;
    let (_, closing) = QUOTES.iter().find(|(open, _)| *open == first)?;
    let inner = said.get(first.len_utf8()..)?;
    let mut ends = inner.match_indices(|one| closing.contains(&one));
    let (end, _) = ends.find(|(at, mark)| {
        let behind = inner.get(at + mark.len()..).unwrap_or_default();
        let rest = behind.trim_start();
        rest.is_empty() || (rest.len() < behind.len() && rest.starts_with('#'))
    })?;
    inner.get(..end)
}

pub(super) fn name(said: &str) -> Option<String> {
    let said = said.trim();
    let fits = !said.is_empty() && said.len() <= crate::config::NAME_BYTES && is_typed(said);
    fits.then(|| said.to_owned())
}

pub(super) fn wifi_name(said: &str) -> Option<String> {
    let fits = (1..=32).contains(&said.len()) && is_typed(said);
    fits.then(|| said.to_owned())
}

pub(super) fn wifi_password(said: &str) -> Option<Secret> {
    let is_key = said.len() == 64 && said.bytes().all(|byte| byte.is_ascii_hexdigit());
    let fits = is_key || ((8..=63).contains(&said.len()) && is_typed(said));
    fits.then(|| Secret::exactly(said))
}

pub(super) fn pairing_code(said: &str) -> Option<Secret> {
    let fits = limits::PAIRING_CODE.contains(&said.chars().count()) && is_typed(said);
    fits.then(|| Secret::exactly(said))
}

pub(super) fn plex_token(said: &str) -> Option<Secret> {
    let said = said.trim();
    let fits = (1..=limits::PLEX_TOKEN_BYTES).contains(&said.len())
        && said.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Secret::new(said))
}

/// The address of a server, of which a browser's whole line may have been copied.
pub(super) fn plex_url(said: &str) -> Option<String> {
    let lower = said.to_ascii_lowercase();
    let (scheme, rest) = match lower.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
        Some(_) => return None,
        None => ("http", lower.as_str()),
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.rsplit_once(':') {
        _ if authority.parse::<Ipv6Addr>().is_ok() => (format!("[{authority}]"), PLEX_PORT),
        Some((host, port)) if !authority.ends_with(']') => {
            let port = port.parse().ok().filter(|port| *port > 0)?;
            (host.to_owned(), port)
        }
        _ => (authority.to_owned(), PLEX_PORT),
    };
    // That page shows what all servers have; it is none itself.
    let is_page = host == "plex.tv" || host.ends_with(".plex.tv");
    (is_host(&host) && !is_page).then(|| format!("{scheme}://{host}:{port}"))
}

fn is_host(host: &str) -> bool {
    let inside = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = inside {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=crate::config::HOST_NAME_BYTES).contains(&host.len()) && host.bytes().all(letter)
}

pub(super) fn timezone(said: &str) -> Option<String> {
    clock::zone_name(&said.replace(' ', "_"))
}

pub(super) fn language(said: &str) -> Option<String> {
    languages::code(&said.to_ascii_lowercase())
}

pub(super) fn tuners(said: &str) -> Option<usize> {
    let count = said.parse().ok();
    count.filter(|count| (1..=limits::CHANNELS).contains(count))
}

pub(super) fn reset(said: &str) -> Option<Reset> {
    match said.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "on" | "1" | "ja" | "oui" => Some(Reset::Wanted),
        "no" | "n" | "false" | "off" | "0" | "nein" | "non" => Some(Reset::Never),
        "done" => Some(Reset::Done),
        _ => None,
    }
}

/// Whether all of it can be typed.
fn is_typed(said: &str) -> bool {
    !said.chars().any(char::is_control)
}
