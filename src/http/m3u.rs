//! The lineup as playlists: one for IPTV players, one as HDHomeRun devices give it.
//!
//! M3U has no escaping. Some readers take the name after the first comma of a line, some after the
//! last, and all end an attribute at the next quote, so these signs never get into a line.

use super::xmltv::channel_id;
use crate::schedule::Lineup;
use std::fmt::Write;

/// The heading under which players list the channels.
const GROUP: &str = "EXStreamTV";

/// `/iptv/channels.m3u`: every channel with the id it has in the guide. `base` is where this box is
/// reached, without a slash at its end: `http://192.168.1.5:8411`.
#[must_use]
pub fn channels(lineup: &Lineup, base: &str) -> String {
    let mut text =
        format!("#EXTM3U url-tvg=\"{base}/iptv/xmltv.xml\" x-tvg-url=\"{base}/iptv/xmltv.xml\"\n");
    for schedule in lineup.schedules() {
        let number = schedule.channel().number;
        let id = channel_id(number);
        let name = plain(&schedule.channel().name);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "#EXTINF:-1 tvg-id=\"{id}\" tvg-chno=\"{number}\" channel-id=\"{number}\" \
             channel-number=\"{number}\" tvg-name=\"{name}\" group-title=\"{GROUP}\",{name}\n\
             {base}/iptv/channel/{number}.ts"
        );
    }
    text
}

/// `/lineup.m3u`, as HDHomeRun devices give it. `stream_base` is where streams are,
/// `http://192.168.1.5:5004`.
#[must_use]
pub fn lineup(lineup: &Lineup, stream_base: &str) -> String {
    let mut text = "#EXTM3U\n".to_owned();
    for schedule in lineup.schedules() {
        let number = schedule.channel().number;
        let name = plain(&schedule.channel().name);
        let _ = writeln!(
            text,
            "#EXTINF:-1 channel-id=\"{number}\" channel-number=\"{number}\" \
             tvg-name=\"{name}\",{number} {name}\n\
             {stream_base}/auto/v{number}"
        );
    }
    text
}

/// A name without what would end an attribute, a name or a line.
fn plain(name: &str) -> String {
    let marks = name.chars().filter_map(|mark| match mark {
        '"' => Some('\''),
        ',' => None,
        mark if mark.is_control() || matches!(mark, '\u{2028}' | '\u{2029}') => Some(' '),
        mark => Some(mark),
    });
    let marks: String = marks.collect();
    marks.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn names_cannot_break_a_line() {
        assert_eq!(
            plain("The \"Good\", Bad\r\n& Ugly"),
            "The 'Good' Bad & Ugly"
        );
        assert_eq!(plain("10,000 BC"), "10000 BC");
        assert_eq!(plain("\u{2028}Été\u{85}\t1\u{0}"), "Été 1");
    }
}
