//! The guide as XMLTV (<https://wiki.xmltv.org>, `xmltv.dtd`), made in small pieces.
//!
//! XMLTV counts whole seconds. The guide shows what is on air at each of them: a programme starts
//! at the first whole second at which it is on. So programmes meet exactly, none is empty, what is
//! on for less than a second may not be listed, and guide and stream agree at every whole second.

mod description;

use crate::limits;
use crate::model::ChannelNumber;
use crate::schedule::{Lineup, Schedule};
use bytes::Bytes;
use jiff::Timestamp;
use quick_xml::escape::escape;
use std::fmt::Write;
use std::sync::Arc;

/// How far the guide reaches back and ahead.
const BACK_S: i64 = 3_600;
const AHEAD_S: i64 = 36 * 3_600;

/// Signs that stand for one which has to be escaped: `&quot;`.
const ESCAPED: usize = 6;

/// Room that one element needs at most: two titles and a summary, or a name and its number three
/// times; the genres, a rating, the address of a picture; each sign escaped, and the tags.
const ELEMENT_BYTES: usize = ESCAPED
    * (3 * limits::TEXT_BYTES + (limits::GUIDE_GENRES + 1) * limits::GUIDE_WORD_BYTES + ROOT_BYTES)
    + 2_048;

/// Longest address of the box that is told: a host name has at most 255 bytes.
const ROOT_BYTES: usize = 320;

const _: () = assert!(2 * ELEMENT_BYTES <= limits::GUIDE_PIECE_BYTES);

/// The id of a channel in guide and playlist. It depends on the number alone, so that it stays when
/// the channel is renamed, and has a dot behind the number, so that no id is another's beginning.
#[must_use]
pub fn channel_id(number: ChannelNumber) -> String {
    format!("{number}.exstreamtv")
}

/// The guide as it is at `now_ms`, in pieces of at most `limits::GUIDE_PIECE_BYTES`, made one by
/// one as they are asked for. It has what is on from an hour ago until 36 hours ahead, and at most
/// `limits::GUIDE_PROGRAMMES` of each channel, what is on now among them. Pictures are at `web`, the
/// address under which the reader reaches the box (`http://10.0.0.1:8411`); one that is too long to
/// be one is left out.
pub fn guide(
    lineup: Arc<Lineup>,
    now_ms: i64,
    web: &str,
) -> impl Iterator<Item = Bytes> + Send + 'static + use<> {
    let web = if web.len() <= ROOT_BYTES { web } else { "" };
    Guide {
        lineup,
        now_s: now_ms.div_euclid(1_000),
        web: web.to_owned(),
        next: Element::Head,
    }
}

struct Guide {
    lineup: Arc<Lineup>,
    now_s: i64,
    web: String,
    next: Element,
}

/// What is written next.
#[derive(Clone, Copy)]
enum Element {
    Head,
    Channel(usize),
    /// The programme that is on at `at_s`, of the channel at an index, after `shown` others.
    Programme {
        index: usize,
        at_s: i64,
        shown: usize,
    },
    /// The channel's first programme.
    Programmes(usize),
    End,
    Nothing,
}

impl Iterator for Guide {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = String::new();
        while !matches!(self.next, Element::Nothing)
            && piece.len() + ELEMENT_BYTES <= limits::GUIDE_PIECE_BYTES
        {
            self.next = self.write(self.next, &mut piece);
        }
        (!piece.is_empty()).then(|| Bytes::from(piece))
    }
}

impl Guide {
    /// Writes one element and tells which one is next.
    fn write(&self, element: Element, out: &mut String) -> Element {
        match element {
            Element::Head => {
                out.push_str(concat!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
                    "<!DOCTYPE tv SYSTEM \"xmltv.dtd\">\n",
                    "<tv generator-info-name=\"EXStreamTV\">\n"
                ));
                Element::Channel(0)
            }
            Element::Channel(index) => match self.lineup.schedules().get(index) {
                Some(schedule) => {
                    write_channel(schedule, out);
                    Element::Channel(index + 1)
                }
                None => Element::Programmes(0),
            },
            Element::Programmes(index) => match self.lineup.schedules().get(index) {
                Some(schedule) => Element::Programme {
                    index,
                    at_s: beginning_s(schedule, self.now_s),
                    shown: 0,
                },
                None => Element::End,
            },
            Element::Programme { index, at_s, shown } => self
                .write_programme(index, at_s, out)
                .filter(|stop_s| *stop_s < self.now_s.saturating_add(AHEAD_S))
                .filter(|_| shown + 1 < limits::GUIDE_PROGRAMMES)
                .map_or(Element::Programmes(index + 1), |stop_s| {
                    Element::Programme {
                        index,
                        at_s: stop_s,
                        shown: shown + 1,
                    }
                }),
            Element::End => {
                out.push_str("</tv>\n");
                Element::Nothing
            }
            Element::Nothing => Element::Nothing,
        }
    }

    /// Writes what is on at a second; gives when it stops.
    fn write_programme(&self, index: usize, at_s: i64, out: &mut String) -> Option<i64> {
        let schedule = self.lineup.schedules().get(index)?;
        let airing = schedule.on_air(at_s.checked_mul(1_000)?)?;
        let (start_s, stop_s) = (ceil_s(airing.start_ms), ceil_s(airing.end_ms));
        let (start, stop) = (stamp(start_s)?, stamp(stop_s)?);
        let id = channel_id(schedule.channel().number);
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<programme start=\"{start}\" stop=\"{stop}\" channel=\"{id}\">"
        );
        let item = self.lineup.item(&airing);
        description::write(item, schedule, &airing, &self.web, out);
        out.push_str("</programme>\n");
        Some(stop_s)
    }
}

fn write_channel(schedule: &Schedule, out: &mut String) {
    let channel = schedule.channel();
    let (number, name) = (channel.number, clean(&channel.name));
    let _ = writeln!(out, "<channel id=\"{}\">", channel_id(number));
    if name.is_empty() {
        text_element("display-name", &number.to_string(), out);
    } else {
        // Plex compares with any of the three.
        text_element("display-name", &format!("{number} {name}"), out);
        text_element("display-name", &number.to_string(), out);
        text_element("display-name", &name, out);
    }
    out.push_str("</channel>\n");
}

/// An element with this text, on a line of its own.
pub(super) fn text_element(name: &str, text: &str, out: &mut String) {
    let _ = writeln!(out, "<{name}>{}</{name}>", escape(text));
}

/// A text in one line, not longer than other texts may be, without the characters that XML 1.0
/// §2.2 forbids.
pub(super) fn clean(text: &str) -> String {
    let marks = text
        .chars()
        .take(limits::TEXT_BYTES)
        .map(|mark| match mark {
            mark if mark.is_control() || matches!(mark, '\u{fffe}' | '\u{ffff}') => ' ',
            mark => mark,
        });
    let marks: String = marks.collect();
    let mut line = marks.split_whitespace().collect::<Vec<_>>().join(" ");
    while line.len() > limits::TEXT_BYTES {
        line.pop();
    }
    line
}

/// Where a channel's programmes begin: an hour back, or less where so many are so short that they
/// would leave no room for what is on now.
fn beginning_s(schedule: &Schedule, now_s: i64) -> i64 {
    let reaches_now = |back_s: i64| {
        let mut at_s = now_s.saturating_sub(back_s);
        for _ in 0..limits::GUIDE_PROGRAMMES / 4 {
            let airing = at_s.checked_mul(1_000).and_then(|at| schedule.on_air(at));
            match airing.map(|airing| ceil_s(airing.end_ms)) {
                Some(stop_s) if stop_s <= now_s => at_s = stop_s,
                _ => return true,
            }
        }
        false
    };
    let back_s = [BACK_S, BACK_S / 12]
        .into_iter()
        .find(|back| reaches_now(*back));
    now_s.saturating_sub(back_s.unwrap_or(0))
}

/// The first whole second at or after an instant.
fn ceil_s(ms: i64) -> i64 {
    ms.div_euclid(1_000) + i64::from(ms.rem_euclid(1_000) > 0)
}

/// A second as XMLTV writes it; `None` outside the years 0 to 9999.
fn stamp(second: i64) -> Option<String> {
    let time = Timestamp::from_second(second).ok()?;
    let text = time.strftime("%Y%m%d%H%M%S +0000").to_string();
    // A year before 0 has a sign.
    (!text.starts_with('-')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{ceil_s, clean, stamp};

    #[test]
    fn stamps_are_in_utc_and_have_four_digits_for_the_year() {
        assert_eq!(stamp(0).as_deref(), Some("19700101000000 +0000"));
        assert_eq!(stamp(951_782_400).as_deref(), Some("20000229000000 +0000"));
        assert_eq!(stamp(-62_167_219_201), None);
        assert_eq!(stamp(i64::MAX), None);
    }

    #[test]
    fn a_programme_starts_at_the_first_whole_second_it_is_on() {
        assert_eq!((ceil_s(0), ceil_s(1), ceil_s(1000)), (0, 1, 1));
        assert_eq!((ceil_s(-1), ceil_s(-1000), ceil_s(-1001)), (0, -1, -1));
    }

    #[test]
    fn what_xml_forbids_is_dropped() {
        assert_eq!(clean("a\u{0}b\r\nc\u{ffff}\u{1b}d  e"), "a b c d e");
        assert_eq!(clean(&"é".repeat(400)).len(), 512);
    }
}
