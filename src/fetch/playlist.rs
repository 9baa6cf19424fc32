//! Playlists of HTTP Live Streaming (RFC 8216), as far as they tell what comes after what: the
//! variant of a master playlist (§4.3.4) and the segments of a media playlist (§4.3.2). What would
//! have to be decrypted, or put together of parts of files, is refused; tags that are not known are
//! passed over, as §6.3.1 asks for.

use crate::error::{Error, Result};
use crate::limits;
use std::time::Duration;

/// What a playlist leads to. Addresses are as they stand there, most often relative to its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Playlist {
    /// To the playlist of the first of its variants, at this address.
    Master(String),
    /// To segments.
    Media(Segments),
}

/// The segments of a media playlist that were not taken yet, first to last. They stay in the text,
/// of at most `limits::PLAYLIST_BYTES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    text: String,
    /// Where in it the next line begins.
    at: usize,
    /// The number of the next segment.
    number: u64,
    target: Duration,
    is_whole: bool,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its media sequence number.
    pub number: u64,
    /// Its address.
    pub uri: String,
    /// How long it is said to last.
    pub lasts: Duration,
}

impl Playlist {
    /// Takes a playlist apart.
    ///
    /// # Errors
    /// `Invalid`: it is no playlist, or leads nowhere. `Unsupported`: its segments are encrypted or
    /// parts of files. `OverLimit`: it, an address in it or the number of its segments is too long.
    pub fn read(text: Vec<u8>) -> Result<Self> {
        within("bytes of a playlist", text.len(), limits::PLAYLIST_BYTES)?;
        let text = String::from_utf8(text).map_err(|_| invalid("it is no text"))?;
        let first = text.lines().next().unwrap_or_default();
        if first.trim_start_matches('\u{feff}').trim_end() != "#EXTM3U" {
            return Err(invalid("it does not begin as one"));
        }
        let mut variants = false;
        let mut segments = Segments {
            text: String::new(),
            at: 0,
            number: 0,
            target: Duration::ZERO,
            is_whole: false,
        };
        let mut count = 0_usize;
        for line in text.lines().skip(1).map(str::trim) {
            if let Some((name, value)) = tag(line) {
                variants |= name == "#EXT-X-STREAM-INF";
                segments.tell(name, value)?;
            } else if is_address(line) {
                within(
                    "bytes of an address",
                    line.len(),
                    limits::PLAYLIST_URI_BYTES,
                )?;
                if variants {
                    return Ok(Self::Master(line.to_owned()));
                }
                count += 1;
                within("segments of a playlist", count, limits::PLAYLIST_SEGMENTS)?;
            }
        }
        if variants || (count == 0 && segments.target.is_zero()) {
            return Err(invalid("it leads nowhere"));
        }
        let last = u64::try_from(count).ok();
        if last.is_none_or(|count| segments.number.checked_add(count).is_none()) {
            return Err(invalid("its segments have no numbers"));
        }
        // Not before the first line: what stands before it is no address.
        segments.at = first.len();
        segments.text = text;
        Ok(Self::Media(segments))
    }
}

impl Segments {
    /// What a tag says of all of them.
    fn tell(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "#EXT-X-TARGETDURATION" => self.target = seconds(value).ok_or_else(no_number)?,
            "#EXT-X-MEDIA-SEQUENCE" => self.number = value.parse().map_err(|_| no_number())?,
            "#EXT-X-ENDLIST" => self.is_whole = true,
            "#EXT-X-KEY" if !value.starts_with("METHOD=NONE") => {
                return Err(Error::unsupported("the playlist", "it is encrypted"));
            }
            "#EXT-X-MAP" | "#EXT-X-BYTERANGE" => {
                let why = "its segments are parts of files";
                return Err(Error::unsupported("the playlist", why));
            }
            "#EXTINF" => {
                lasting(value).ok_or_else(no_number)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// How long a segment lasts at most.
    #[must_use]
    pub fn target(&self) -> Duration {
        self.target
    }

    /// Whether there will never be more.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Passes those before a number.
    pub fn pass(&mut self, number: u64) {
        while self.number < number && self.next().is_some() {}
    }

    /// Passes what lies before the time at which an item of this length is to begin, where they are
    /// those of all of it and not those from there on.
    pub fn begin_at(&mut self, begins: Duration, whole: Duration) {
        let all = self.clone().map(|segment| segment.lasts);
        let lasts = all.fold(Duration::ZERO, Duration::saturating_add);
        let is_rest = lasts.abs_diff(whole.saturating_sub(begins)) <= lasts.abs_diff(whole);
        if is_rest || !self.is_whole {
            return;
        }
        let mut ends = Duration::ZERO;
        loop {
            let (at, number) = (self.at, self.number);
            let lasts = self.next().map(|segment| segment.lasts);
            ends = ends.saturating_add(lasts.unwrap_or(Duration::MAX));
            if ends > begins {
                (self.at, self.number) = (at, number);
                return;
            }
        }
    }

    /// Whether none is left.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        !rest.lines().map(str::trim).any(is_address)
    }
}

impl Iterator for Segments {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let mut lasts = Duration::ZERO;
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let line = rest.split_inclusive('\n').next()?;
            self.at = self.at.saturating_add(line.len());
            let line = line.trim();
            if let Some(("#EXTINF", value)) = tag(line) {
                lasts = lasting(value).unwrap_or_default();
            } else if is_address(line) {
                let number = self.number;
                self.number = number.saturating_add(1);
                let uri = line.to_owned();
                return Some(Segment { number, uri, lasts });
            }
        }
    }
}

/// A tag's name with what it says; comments are none.
fn tag(line: &str) -> Option<(&str, &str)> {
    line.starts_with("#EXT")
        .then(|| line.split_once(':').unwrap_or((line, "")))
}

fn is_address(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

/// What `EXTINF` says: a duration, then a title.
fn lasting(value: &str) -> Option<Duration> {
    seconds(value.split(',').next().unwrap_or_default())
}

/// At most a day.
fn seconds(value: &str) -> Option<Duration> {
    let seconds: f64 = value.trim().parse().ok()?;
    let day = 86_400.0;
    (0.0..=day)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

fn within(what: &'static str, got: usize, limit: usize) -> Result<()> {
    if got <= limit {
        return Ok(());
    }
    Err(Error::OverLimit {
        what,
        got: super::as_u64(got),
        limit: super::as_u64(limit),
    })
}

fn no_number() -> Error {
    invalid("a number in it is none")
}

fn invalid(why: &'static str) -> Error {
    Error::invalid("the playlist", why)
}

#[cfg(test)]
mod tests {
    use super::{Playlist, Segment, Segments};
    use crate::error::Error;
    use crate::limits;
    use std::time::Duration;

    fn media(text: &str) -> Segments {
        match Playlist::read(text.into()).unwrap() {
            Playlist::Media(segments) => segments,
            Playlist::Master(uri) => panic!("{uri}"),
        }
    }

    fn refused(text: &[u8]) -> Error {
        Playlist::read(text.to_vec()).unwrap_err()
    }

    #[test]
    fn a_master_playlist_leads_to_its_first_variant() {
        let text = "#EXTM3U\n#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=4000000\n\
                    session/a/base/index.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\nother.m3u8\n";
        let found = Playlist::read(text.into()).unwrap();
        assert_eq!(
            found,
            Playlist::Master("session/a/base/index.m3u8".to_owned())
        );
    }

    #[test]
    fn segments_come_in_order_with_their_numbers() {
        let mut segments = media(
            "\u{feff}#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-TARGETDURATION:4\r\n\
             #EXT-X-MEDIA-SEQUENCE:7\r\n# a comment\r\n#EXTINF:4.000,\r\n00007.ts\r\n\r\n\
             #EXT-X-DISCONTINUITY\r\n#EXTINF:0.25,a title\r\n00008.ts\r\n00009.ts",
        );
        assert_eq!(
            (segments.target(), segments.is_whole()),
            (Duration::from_secs(4), false)
        );
        let segment = |number, uri: &str, lasts_ms| Segment {
            number,
            uri: uri.to_owned(),
            lasts: Duration::from_millis(lasts_ms),
        };
        let all: Vec<_> = segments.clone().collect();
        assert_eq!(
            all,
            [
                segment(7, "00007.ts", 4_000),
                segment(8, "00008.ts", 250),
                segment(9, "00009.ts", 0)
            ]
        );
        segments.pass(9);
        assert!(!segments.is_done());
        assert_eq!(segments.next(), Some(segment(9, "00009.ts", 0)));
        assert!(segments.is_done() && segments.next().is_none());
    }

    #[test]
    fn those_before_the_beginning_are_passed_where_all_are_listed() {
        let listed = |end: &str| {
            let lines = (0..30).map(|at| format!("#EXTINF:4,\n{at}.ts\n"));
            let text = format!(
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n{}{end}",
                lines.collect::<String>()
            );
            media(&text)
        };
        let first = |end, begins_ms, whole_s| {
            let mut segments = listed(end);
            let (begins, whole) = (
                Duration::from_millis(begins_ms),
                Duration::from_secs(whole_s),
            );
            segments.begin_at(begins, whole);
            segments.next().map(|segment| segment.number)
        };
        let end = "#EXT-X-ENDLIST\n";
        assert_eq!(first(end, 0, 120), Some(0));
        assert_eq!(first(end, 59_999, 120), Some(14));
        assert_eq!(first(end, 60_000, 121), Some(15));
        // They are those from there on, or more are to come.
        assert_eq!(first(end, 60_000, 181), Some(0));
        assert_eq!(first("", 60_000, 120), Some(0));
        // Nothing is there.
        assert_eq!(first(end, 500_000, 120), None);
    }

    #[test]
    fn one_without_segments_has_none_yet() {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";
        assert!(media(text).is_done() && !media(text).is_whole());
        assert!(media(&format!("{text}#EXT-X-ENDLIST\n")).is_whole());
    }

    #[test]
    fn what_is_no_playlist_is_refused() {
        for text in [
            "",
            "\n#EXTM3U\na.ts",
            "<html>",
            "#EXTM3U",
            "#EXTM3U8\na.ts",
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:soon\na.ts",
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-1\na.ts",
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\na.ts",
            "#EXTM3U\n#EXTINF:NaN,\na.ts",
            "#EXTM3U\n#EXTINF:-4,\na.ts",
            "#EXTM3U\n#EXTINF:1e300,\na.ts",
        ] {
            let error = refused(text.as_bytes());
            assert!(matches!(error, Error::Invalid { .. }), "{text}: {error:?}");
        }
        assert!(matches!(refused(b"#EXTM3U\n\xff\n"), Error::Invalid { .. }));
    }

    #[test]
    fn what_cannot_be_read_as_a_stream_is_refused() {
        for tag in [
            "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"",
            "#EXT-X-MAP:URI=\"init.mp4\"",
            "#EXT-X-BYTERANGE:100@0",
        ] {
            let error = refused(format!("#EXTM3U\n{tag}\na.ts\n").as_bytes());
            assert!(matches!(error, Error::Unsupported { .. }), "{tag}");
        }
        let open = media("#EXTM3U\n#EXT-X-KEY:METHOD=NONE\na.ts\n");
        assert_eq!(open.count(), 1);
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let long = "x".repeat(limits::PLAYLIST_URI_BYTES);
        let playlist = |line: &str| format!("#EXTM3U\n{line}\n");
        assert_eq!(media(&playlist(&long)).count(), 1);
        let many = "a\n".repeat(limits::PLAYLIST_SEGMENTS);
        assert_eq!(media(&playlist(&many)).count(), limits::PLAYLIST_SEGMENTS);
        let bytes = "#\n".repeat(limits::PLAYLIST_BYTES / 2);
        for line in [format!("{long}x"), format!("{many}a"), bytes] {
            let error = refused(playlist(&line).as_bytes());
            assert!(matches!(error, Error::OverLimit { .. }), "{error:?}");
        }
    }
}
