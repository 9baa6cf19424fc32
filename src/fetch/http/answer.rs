//! What a server's answer to a range request means (RFC 9110 §14 and §15), judged by its head.

use super::super::ENDLESS;
use crate::error::Failure;
use hyper::StatusCode;
use hyper::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION,
};
use std::borrow::Cow;

/// Bytes `[from, to)` of a file; `to` is `None` where all the rest is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: u64,
    pub(super) to: Option<u64>,
}

impl Range {
    /// The value of the header `Range`.
    pub(super) fn header(self) -> String {
        match self.to {
            Some(to) => format!("bytes={}-{}", self.from, to.saturating_sub(1)),
            None => format!("bytes={}-", self.from),
        }
    }
}

/// What the server does with a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It sends bytes of the file from where they were asked for.
    Given(Given),
    /// It sends us elsewhere.
    Elsewhere(String),
    /// It does not give them.
    Refused(Failure, Cow<'static, str>),
}

/// Bytes that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given {
    /// Where they end.
    pub(super) to: u64,
    /// Length of the whole file.
    pub(super) total: u64,
    /// Whether the server gives parts of a file.
    pub(super) parts: Parts,
}

/// Whether a server gives parts of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// From anywhere to anywhere.
    Any,
    /// Only the whole file, from its beginning.
    Whole,
}

/// Judges an answer to a request for `range` of a file that is known to have `known` bytes, or for
/// all of a stream, where there is no range.
pub(super) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    range: Option<Range>,
    known: Option<u64>,
) -> Verdict {
    let refused = |failure, why: &'static str| Verdict::Refused(failure, why.into());
    let given = match (status.as_u16(), range) {
        (200, None) => Ok(STREAM),
        (200, Some(range)) => whole(headers, range),
        (206, Some(range)) => partial(headers, range),
        _ => return refusal(status, headers, known),
    };
    let media = text(headers, &CONTENT_TYPE).unwrap_or_default();
    if media.starts_with("text/html") || media.starts_with("application/xhtml") {
        // A proxy or a login stands in between: no file of this server is to be had.
        return refused(Failure::Connection, "the server sends a web page instead");
    }
    if text(headers, &CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return refused(Failure::Item, "the server sends it compressed");
    }
    match given {
        Ok(given) if known.is_some_and(|known| known != given.total) => {
            refused(Failure::Item, REPLACED)
        }
        Ok(given) => Verdict::Given(given),
        Err(why) => refused(Failure::Item, why),
    }
}

/// What a status says that gives nothing.
fn refusal(status: StatusCode, headers: &HeaderMap, known: Option<u64>) -> Verdict {
    let (failure, why) = match status.as_u16() {
        301 | 302 | 303 | 307 | 308 => {
            if let Some(location) = text(headers, &LOCATION) {
                return Verdict::Elsewhere(location.to_owned());
            }
            (Failure::Item, "it redirects to nowhere".into())
        }
        // The one is about who asks, the other about what is asked for.
        401 => (Failure::Auth, not_let(status)),
        403 => (Failure::Item, not_let(status)),
        404 | 410 => (
            Failure::Item,
            format!("it is no longer there ({status})").into(),
        ),
        416 if known.is_none() => (Failure::Item, "it is empty".into()),
        416 => (Failure::Item, REPLACED.into()),
        429 | 500..=599 => (
            Failure::Connection,
            format!("the server is in trouble ({status})").into(),
        ),
        _ => (Failure::Item, format!("the server answers {status}").into()),
    };
    Verdict::Refused(failure, why)
}

fn not_let(status: StatusCode) -> Cow<'static, str> {
    format!("the server does not let us read it ({status})").into()
}

const REPLACED: &str = "it has been replaced since it was opened";

/// All of a stream, of which nobody knows how long it will be.
const STREAM: Given = Given {
    to: ENDLESS,
    total: ENDLESS,
    parts: Parts::Whole,
};

/// The whole file, whatever was asked for.
fn whole(headers: &HeaderMap, range: Range) -> Result<Given, &'static str> {
    if range.from > 0 {
        return Err("its server cannot give a part of a file");
    }
    let total = text(headers, &CONTENT_LENGTH).and_then(number);
    let total = total.ok_or("its server does not say how long it is")?;
    Ok(Given {
        to: total,
        total,
        parts: Parts::Whole,
    })
}

/// The part that was asked for, or as much of its beginning as the server likes to give at once.
fn partial(headers: &HeaderMap, range: Range) -> Result<Given, &'static str> {
    let wrong = "its server gives another part of it than was asked for";
    let told = text(headers, &CONTENT_RANGE).ok_or(wrong)?;
    let (from, last, total) = content_range(told).ok_or(wrong)?;
    let to = last.checked_add(1).ok_or(wrong)?;
    let end = range.to.map_or(total, |asked| asked.min(total));
    if from != range.from || to > end || to <= from {
        return Err(wrong);
    }
    let length = text(headers, &CONTENT_LENGTH);
    if length.is_some_and(|length| number(length) != to.checked_sub(from)) {
        return Err(wrong);
    }
    Ok(Given {
        to,
        total,
        parts: Parts::Any,
    })
}

/// `bytes 0-99/1000` (RFC 9110 §14.4): first, last, total.
fn content_range(value: &str) -> Option<(u64, u64, u64)> {
    let (unit, rest) = value.trim().split_once(' ')?;
    let (span, total) = rest.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    unit.eq_ignore_ascii_case("bytes")
        .then_some((number(first)?, number(last)?, number(total)?))
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::{Given, Parts, Range, Verdict, judge};
    use crate::error::Failure;
    use hyper::header::{HeaderMap, HeaderName, HeaderValue};

    const PART: Range = Range {
        from: 100,
        to: Some(200),
    };
    const START: Range = Range {
        from: 0,
        to: Some(200),
    };

    fn verdict(status: u16, lines: &str, range: Range, known: Option<u64>) -> Verdict {
        let mut headers = HeaderMap::new();
        for line in lines.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        judge(status.try_into().unwrap(), &headers, Some(range), known)
    }

    fn given(to: u64, total: u64, parts: Parts) -> Verdict {
        Verdict::Given(Given { to, total, parts })
    }

    #[test]
    fn the_part_that_was_asked_for_is_taken() {
        let told = "content-range: bytes 100-199/1000\ncontent-length: 100";
        assert_eq!(
            verdict(206, told, PART, Some(1000)),
            given(200, 1000, Parts::Any)
        );
        let less = "content-range: bytes 100-198/1000";
        assert_eq!(verdict(206, less, PART, None), given(199, 1000, Parts::Any));
        let short = "content-range: Bytes 100-149/150\ncontent-type: video/mp4";
        assert_eq!(verdict(206, short, PART, None), given(150, 150, Parts::Any));
        let rest = Range { from: 5, to: None };
        let told = "content-range: bytes 5-9/10";
        assert_eq!(verdict(206, told, rest, None), given(10, 10, Parts::Any));
        assert_eq!(rest.header(), "bytes=5-");
        assert_eq!(PART.header(), "bytes=100-199");
    }

    #[test]
    fn any_other_part_is_refused() {
        for told in [
            "content-length: 100",
            "content-range: bytes 0-99/1000",
            "content-range: bytes 100-200/1000",
            "content-range: bytes 100-199/*",
            "content-range: bytes */1000",
            "content-range: bytes 199-100/1000",
            "content-range: bytes +100-199/1000",
            "content-range: lines 100-199/1000",
            "content-range: bytes 100-18446744073709551615/18446744073709551615",
            "content-range: bytes 100-99999999999999999999/1000",
            "content-range: bytes 100-199/1000\ncontent-length: 99",
            "content-range: bytes 100-199/1000\ncontent-encoding: gzip",
        ] {
            let verdict = verdict(206, told, PART, None);
            assert!(
                matches!(verdict, Verdict::Refused(Failure::Item, _)),
                "{told}: {verdict:?}"
            );
        }
        let page = "content-range: bytes 100-199/1000\ncontent-type: text/html; charset=utf-8";
        let verdict = verdict(206, page, PART, None);
        assert!(matches!(verdict, Verdict::Refused(Failure::Connection, _)));
    }

    #[test]
    fn the_whole_file_serves_only_a_reader_at_its_beginning() {
        let told = "content-length: 1000";
        assert_eq!(
            verdict(200, told, START, None),
            given(1000, 1000, Parts::Whole)
        );
        assert_eq!(
            verdict(200, told, PART, None),
            Verdict::Refused(
                Failure::Item,
                "its server cannot give a part of a file".into()
            )
        );
        assert_eq!(
            verdict(200, "x: y", START, None),
            Verdict::Refused(
                Failure::Item,
                "its server does not say how long it is".into()
            )
        );
    }

    #[test]
    fn a_file_of_another_length_was_replaced() {
        let told = "content-range: bytes 100-199/1001";
        for verdict in [
            verdict(206, told, PART, Some(1000)),
            verdict(416, "content-range: bytes */50", PART, Some(1000)),
            verdict(200, "content-length: 999", START, Some(1000)),
        ] {
            let Verdict::Refused(Failure::Item, why) = verdict else {
                panic!("{verdict:?}");
            };
            assert_eq!(why, "it has been replaced since it was opened");
        }
    }

    #[test]
    fn a_refusal_says_whom_it_concerns() {
        for (status, failure) in [
            (401, Failure::Auth),
            (403, Failure::Item),
            (404, Failure::Item),
            (410, Failure::Item),
            (416, Failure::Item),
            (418, Failure::Item),
            (204, Failure::Item),
            (302, Failure::Item),
            (429, Failure::Connection),
            (500, Failure::Connection),
            (503, Failure::Connection),
        ] {
            let Verdict::Refused(told, _) = verdict(status, "", START, None) else {
                panic!("{status} is taken");
            };
            assert_eq!(told, failure, "{status}");
        }
        assert_eq!(
            verdict(307, "location: /there", START, None),
            Verdict::Elsewhere("/there".to_owned())
        );
    }
}
