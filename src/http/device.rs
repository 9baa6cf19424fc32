//! The documents of an HDHomeRun: who it is, which channels it has, what its tuners do.
//!
//! Names, order and types of the fields are those of current hardware; flags that are false are
//! left out, as there.

use super::House;
use super::address::Roots;
use super::answer::{Answer, Kind};
use super::head::Head;
use super::m3u;
use crate::media::{AudioCodec, VideoCodec};
use crate::model::{FIRMWARE, FIRMWARE_VERSION, MODEL};
use crate::schedule::{Lineup, Schedule};
use crate::tuner::Viewer;
use crate::tuner::dial::{self, Station};
use quick_xml::escape::escape;
use serde::Serialize;
use std::fmt::Write;

/// Lines of pictures from which television is called high definition.
const HD_LINES: u32 = 720;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Discover<'a> {
    friendly_name: &'a str,
    model_number: &'a str,
    firmware_name: &'a str,
    firmware_version: &'a str,
    #[serde(rename = "DeviceID")]
    device_id: String,
    device_auth: &'a str,
    #[serde(rename = "BaseURL")]
    base_url: &'a str,
    #[serde(rename = "LineupURL")]
    lineup_url: String,
    /// A number: as text it once became 49 tuners.
    tuner_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    guide_number: String,
    guide_name: &'a str,
    #[serde(flatten)]
    tuning: Option<Tuning>,
    video_codec: &'a str,
    audio_codec: &'a str,
    #[serde(rename = "HD", skip_serializing_if = "Option::is_none")]
    hd: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<u8>,
    #[serde(rename = "URL")]
    url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tuning {
    modulation: &'static str,
    /// In Hz.
    frequency: u32,
    program_number: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tuner {
    resource: String,
    #[serde(flatten)]
    busy: Option<Busy>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Busy {
    vct_number: String,
    vct_name: String,
    /// In Hz; not there for a channel that has gone from the lineup while it is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency: Option<u32>,
    signal_strength_percent: u8,
    signal_quality_percent: u8,
    symbol_quality_percent: u8,
    #[serde(rename = "TargetIP")]
    target_ip: String,
    /// Bits per second, on average since the tune.
    network_rate: u64,
}

/// `/discover.json`
pub(super) fn discover(house: &House, roots: &Roots) -> Answer {
    Answer::json(&Discover {
        friendly_name: &house.device.friendly_name,
        model_number: MODEL,
        firmware_name: FIRMWARE,
        firmware_version: FIRMWARE_VERSION,
        device_id: house.device.id.to_string(),
        device_auth: &house.device.auth,
        base_url: &roots.web,
        lineup_url: format!("{}/lineup.json", roots.web),
        tuner_count: house.tuners.count(),
    })
    .shared()
}

/// `/lineup.json`
pub(super) fn lineup_json(head: &Head, lineup: &Lineup, roots: &Roots) -> Answer {
    Answer::json(&lines(head, lineup, roots)).shared()
}

/// `/lineup.xml`
pub(super) fn lineup_xml(head: &Head, lineup: &Lineup, roots: &Roots) -> Answer {
    let mut xml =
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<Lineup>\n".to_owned();
    for line in lines(head, lineup, roots) {
        // Writing to a string cannot fail.
        let _ = writeln!(xml, "{}", line.program());
    }
    xml.push_str("</Lineup>\n");
    Answer::new(200, Kind::Xml, xml).shared()
}

/// `/lineup.m3u`
pub(super) fn lineup_m3u(lineup: &Lineup, roots: &Roots) -> Answer {
    Answer::new(200, Kind::Text, m3u::lineup(lineup, &roots.stream)).shared()
}

/// `/lineup_status.json`: a scan here is over before it can be asked about.
pub(super) fn lineup_status() -> Answer {
    let idle = r#"{"ScanInProgress":0,"ScanPossible":1,"Source":"Antenna","SourceList":["Antenna","Cable"]}"#;
    Answer::new(200, Kind::Json, idle).shared()
}

/// `/lineup.post`: scans find the lineup as it is. Favourites are kept by the clients.
pub(super) fn lineup_post(head: &Head) -> Answer {
    let scan = head.argument("scan");
    if matches!(scan, Some("start" | "abort")) || head.argument("favorite").is_some() {
        Answer::done()
    } else {
        Answer::words(400, "Say scan=start, scan=abort or favorite=.")
    }
}

/// `/status.json`
pub(super) fn status(house: &House, now_ms: i64) -> Answer {
    let tuners: Vec<Tuner> = house
        .tuners
        .status()
        .into_iter()
        .map(|tuner| Tuner {
            resource: format!("tuner{}", tuner.index),
            busy: tuner
                .viewer
                .map(|viewer| busy(viewer, &house.lineup(), now_ms)),
        })
        .collect();
    Answer::json(&tuners).shared()
}

/// What a tuner does that somebody watches on.
fn busy(viewer: Viewer, lineup: &Lineup, now_ms: i64) -> Busy {
    Busy {
        vct_number: viewer.channel.to_string(),
        frequency: dial::station_of(lineup, viewer.channel).map(|station| station.hertz),
        signal_strength_percent: 100,
        signal_quality_percent: 100,
        symbol_quality_percent: 100,
        target_ip: viewer.peer.ip().to_string(),
        network_rate: viewer.bits_per_second_until(now_ms),
        vct_name: viewer.channel_name,
    }
}

/// The channels that a request asks for, in order, with what it asks for.
fn lines<'a>(head: &Head, lineup: &'a Lineup, roots: &Roots) -> Vec<Line<'a>> {
    let show = head.argument("show").unwrap_or("all");
    if show == "demo" {
        return Vec::new();
    }
    let is_found = show == "found";
    let is_tuned = head.argument("tuning").is_some();
    let schedules = lineup.schedules().iter().enumerate();
    schedules
        .map(|(index, schedule)| {
            let line = Line::new(schedule, roots);
            Line {
                enabled: is_found.then_some(1),
                tuning: is_tuned.then(|| Tuning::to(dial::station(index))),
                ..line
            }
        })
        .collect()
}

impl Tuning {
    /// There is no antenna; it is where the tuners find the channel.
    fn to(station: Station) -> Self {
        Self {
            modulation: "8vsb",
            frequency: station.hertz,
            program_number: station.program,
        }
    }
}

impl<'a> Line<'a> {
    fn new(schedule: &'a Schedule, roots: &Roots) -> Self {
        let channel = schedule.channel();
        let profile = schedule.profile();
        Self {
            guide_number: channel.number.to_string(),
            guide_name: &channel.name,
            tuning: None,
            video_codec: match profile.video {
                VideoCodec::H264 => "H264",
                VideoCodec::Hevc => "HEVC",
                VideoCodec::Mpeg2 => "MPEG2",
            },
            audio_codec: match profile.audio.codec {
                AudioCodec::Aac => "AAC",
                AudioCodec::Ac3 => "AC3",
                AudioCodec::Eac3 => "EAC3",
                AudioCodec::Mp2 | AudioCodec::Mp3 => "MPEG",
            },
            hd: (schedule.picture_lines() >= HD_LINES).then_some(1),
            enabled: None,
            url: format!("{}/auto/v{}", roots.stream, channel.number),
        }
    }

    /// The same in XML.
    fn program(&self) -> String {
        let flag = |flag: Option<u8>| flag.map(|flag| flag.to_string());
        let tuning = self.tuning.as_ref();
        let children = [
            ("GuideNumber", Some(self.guide_number.clone())),
            ("GuideName", Some(escape(self.guide_name).into_owned())),
            ("Modulation", tuning.map(|to| to.modulation.to_owned())),
            ("Frequency", tuning.map(|to| to.frequency.to_string())),
            (
                "ProgramNumber",
                tuning.map(|to| to.program_number.to_string()),
            ),
            ("VideoCodec", Some(self.video_codec.to_owned())),
            ("AudioCodec", Some(self.audio_codec.to_owned())),
            ("HD", flag(self.hd)),
            ("Enabled", flag(self.enabled)),
            ("URL", Some(escape(self.url.as_str()).into_owned())),
        ];
        let children: String = children
            .into_iter()
            .filter_map(|(name, text)| Some(format!("<{name}>{}</{name}>", text?)))
            .collect();
        format!("<Program>{children}</Program>")
    }
}
