//! The guide as a client reads it: XMLTV, and which of the demo's clips a programme is.

use super::clip;
use super::demo::Demo;
use super::support::{demo_folder, files};
use std::path::PathBuf;

/// A programme of the guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programme {
    pub(crate) start_ms: i64,
    pub(crate) stop_ms: i64,
    pub(crate) title: String,
    pub(crate) subtitle: Option<String>,
}

impl Programme {
    pub(crate) fn is_on(&self, at_ms: i64) -> bool {
        (self.start_ms..self.stop_ms).contains(&at_ms)
    }

    /// The clip that has these titles: `Title (1984).mkv`, or `Show - S01E01 - Title.mkv`.
    pub(crate) fn clip(&self) -> PathBuf {
        let clips = files(&demo_folder());
        let is_it = |path: &PathBuf| {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            match &self.subtitle {
                Some(subtitle) => {
                    stem.starts_with(&format!("{} - ", self.title))
                        && stem.ends_with(&format!(" - {subtitle}"))
                }
                None => stem.starts_with(&format!("{} (", self.title)),
            }
        };
        let found: Vec<PathBuf> = clips.into_iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "{self:?} is {found:?}");
        found.into_iter().next().unwrap()
    }
}

/// A channel's programmes, in the order of the guide.
pub(crate) fn programmes(demo: &Demo, number: &str) -> Vec<Programme> {
    let guide = demo.text("/iptv/xmltv.xml");
    let channel = format!("channel=\"{}\"", channel_id(&guide, number));
    guide
        .split("<programme ")
        .skip(1)
        .filter(|element| element.lines().next().unwrap().contains(&channel))
        .map(|element| Programme {
            start_ms: instant_ms(attribute(element, "start")),
            stop_ms: instant_ms(attribute(element, "stop")),
            title: content(element, "title").expect("a programme has a title"),
            subtitle: content(element, "sub-title"),
        })
        .collect()
}

/// Holds that a stream shows the first of these programmes (or the second, for whoever tuned at the
/// end of the first) from some picture on, and then all that follow, without one picture missing.
/// Gives how many programmes were seen.
pub(crate) fn assert_shown(programmes: &[Programme], stream: &[u8]) -> usize {
    let seen = clip::prints(stream);
    let mut programmes = programmes.iter();
    let mut expected = Vec::new();
    let mut shown = 0;
    while expected.len() < seen.len() {
        let programme = programmes.next().expect("the guide goes on");
        let pictures = clip::pictures(&programme.clip());
        let from = match shown {
            0 => pictures.iter().position(|one| one.print == seen[0]),
            _ => Some(0),
        };
        if let Some(from) = from {
            expected.extend(pictures.into_iter().skip(from).map(|one| one.print));
            shown += 1;
        }
    }
    let wrong = seen.iter().zip(&expected).position(|(a, b)| a != b);
    assert_eq!(wrong, None, "a picture is not what the guide says");
    shown
}

/// The id of the channel that shows this number.
fn channel_id<'a>(guide: &'a str, number: &str) -> &'a str {
    let name = format!("<display-name>{number}</display-name>");
    let mut channels = guide.split("<channel ").skip(1);
    let channel = channels.find(|element| element.contains(&name));
    attribute(channel.expect("the guide has the channel"), "id")
}

fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    let (_, rest) = element.split_once(&format!("{name}=\"")).unwrap();
    rest.split('"').next().unwrap()
}

fn content(element: &str, name: &str) -> Option<String> {
    let (_, rest) = element.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(quick_xml::escape::unescape(text).unwrap().into_owned())
}

/// An instant as XMLTV writes it.
fn instant_ms(text: &str) -> i64 {
    let time = jiff::fmt::strtime::parse("%Y%m%d%H%M%S %z", text).unwrap();
    time.to_timestamp().unwrap().as_millisecond()
}
