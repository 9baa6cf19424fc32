//! How an item is to be played: what a server is asked before it gives a part, and what its
//! transcoder is asked for.

use super::row::Row;
use super::wire::Query;
use crate::media::{AudioCodec, VideoCodec};
use serde_json::Value;

/// From here on a code is a refusal.
const REFUSALS: u32 = 2_000;

/// What the box can take apart, whether or not it can send it on: a first track of DTS must not make
/// the server convert a file whose second track is AC-3.
const DIRECT: &str = "add-direct-play-profile(type=videoProfile&container=mkv,mp4,mov,mpegts\
     &videoCodec=h264,hevc,mpeg2video\
     &audioCodec=aac,ac3,eac3,mp3,mp2,dca,truehd,flac,opus,vorbis,pcm\
     &subtitleCodec=srt,ass,pgs,vobsub,dvb_subtitle,mov_text,eia_608)\
     +add-settings(DirectPlayStreamSelection=true)";

/// One playback of one version of an item. Each attempt wants a session of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Play {
    /// The item.
    pub rating_key: String,
    /// Which of its versions, counted from 0 as they are listed.
    pub media_index: u32,
    /// Which of the version's parts, counted from 0.
    pub part_index: u32,
    /// A new [`new_id`](super::new_id), the same in all requests of this playback.
    pub session: String,
    /// The track to be heard, by its id; `None` for the server's choice.
    pub audio_stream: Option<u64>,
}

/// What a server is to decide.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Whether it gives the part as it is.
    Direct(Play),
    /// Whether it converts it so.
    Transcode(Transcode),
}

/// What the transcoder is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcode {
    /// Of what.
    pub play: Play,
    /// From where on.
    pub offset_s: f64,
    /// The form of what comes.
    pub container: Wrap,
    /// Pictures.
    pub video: Pictures,
    /// What the pictures may be; what is there already is kept where `video` lets it. H.264 first,
    /// since not every server makes anything else.
    pub video_codecs: Vec<VideoCodec>,
    /// What the sound may be, the best first.
    pub audio_codecs: Vec<AudioCodec>,
    /// Bounds.
    pub bounds: Bounds,
}

/// The form in which a conversion comes: one progressive body, without length or ranges, or segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrap {
    /// Matroska without cues, of unknown size. Proven on servers of version 1.43.
    #[default]
    Matroska,
    /// MPEG transport stream.
    MpegTs,
    /// MPEG transport stream in segments, which a playlist leads to (HTTP Live Streaming). Only of
    /// H.264, and given by every server.
    Hls,
}

/// Whether pictures may be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pictures {
    /// They are copied where they are of one of the codecs: light on the server.
    #[default]
    Copy,
    /// They are made anew.
    Convert,
}

/// Bounds of a conversion; `None` for what the source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Of the pictures.
    pub video_kbps: Option<u32>,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Bits of a sample of the pictures: 8 for what every television shows.
    pub bit_depth: Option<u8>,
    /// Channels of the sound.
    pub channels: Option<u8>,
}

/// What a server has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Below 2000 it can be played, one way or the other.
    pub code: u32,
    /// Its words.
    pub text: String,
    /// What becomes of the part.
    pub part: Option<PartDecision>,
    /// Its words on the pictures (`copy`, `transcode`), where given.
    pub video: Option<String>,
    /// Its words on the sound.
    pub audio: Option<String>,
}

/// What becomes of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartDecision {
    /// It is given as it is.
    DirectPlay,
    /// It is converted, some or all of it.
    Transcode,
    /// Neither.
    Refused,
}

impl Wrap {
    /// Of the address that is asked.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Matroska => "mkv",
            Self::MpegTs => "ts",
            Self::Hls => "m3u8",
        }
    }

    /// Whether the item's own times are asked for. Copied pictures begin at a key frame before the
    /// offset, and only their own times say where. Those of a transport stream are moved by its
    /// muxer.
    pub(crate) fn keeps_times(self) -> bool {
        match self {
            Self::Matroska => true,
            Self::MpegTs | Self::Hls => false,
        }
    }

    fn protocol(self) -> &'static str {
        match self {
            Self::Matroska | Self::MpegTs => "http",
            Self::Hls => "hls",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Matroska => "matroska",
            Self::MpegTs | Self::Hls => "mpegts",
        }
    }
}

impl Decision {
    pub(super) fn play(&self) -> &Play {
        match self {
            Self::Direct(play) => play,
            Self::Transcode(transcode) => &transcode.play,
        }
    }

    pub(super) fn query(&self, query: Query) -> Query {
        match self {
            Self::Direct(play) => play
                .query(query, "http")
                .add("directPlay", 1)
                .add("directStream", 1)
                .add("directStreamAudio", 1)
                .add("X-Plex-Client-Profile-Extra", DIRECT),
            Self::Transcode(transcode) => transcode.query(query),
        }
    }
}

impl Play {
    /// What is said of every playback.
    fn query(&self, query: Query, protocol: &str) -> Query {
        query
            .add("path", format!("/library/metadata/{}", self.rating_key))
            .add("mediaIndex", self.media_index)
            .add("partIndex", self.part_index)
            .add("protocol", protocol)
            .add("hasMDE", 1)
            .add("location", "lan")
            .add("mediaBufferSize", 20_971)
            .maybe("audioStreamID", self.audio_stream)
            .add("subtitleStreamID", 0)
            .add("session", &self.session)
            .add("X-Plex-Session-Identifier", &self.session)
            .add("X-Plex-Client-Profile-Name", "Generic")
    }
}

impl Transcode {
    /// The same for the decision and for the start: a server compares them.
    pub(super) fn query(&self, query: Query) -> Query {
        let offset_s = if self.offset_s.is_finite() {
            self.offset_s.max(0.0)
        } else {
            0.0
        };
        let copy = match self.video {
            Pictures::Copy => 1,
            Pictures::Convert => 0,
        };
        let resolution = self.bounds.resolution;
        self.play
            .query(query, self.container.protocol())
            .add("offset", offset_s)
            .add("directPlay", 0)
            .add("directStream", copy)
            .add("directStreamAudio", 1)
            .add("fastSeek", 1)
            .add("copyts", u8::from(self.container.keeps_times()))
            .add("subtitles", "none")
            .add("audioBoost", 100)
            .add("autoAdjustQuality", 0)
            .maybe("maxVideoBitrate", self.bounds.video_kbps)
            .maybe(
                "videoResolution",
                resolution.map(|(width, height)| format!("{width}x{height}")),
            )
            .add("X-Plex-Client-Profile-Extra", self.profile())
    }

    /// What may come, in the grammar of client profiles.
    fn profile(&self) -> String {
        let video = names(&self.video_codecs, video_name);
        let audio = names(&self.audio_codecs, audio_name);
        let (protocol, container) = (self.container.protocol(), self.container.name());
        let mut profile = format!(
            "add-transcode-target(type=videoProfile&context=streaming&protocol={protocol}\
             &container={container}&videoCodec={video}&audioCodec={audio}&subtitleCodec=&replace=true)"
        );
        if let Some(bits) = self.bounds.bit_depth {
            profile.push_str(&upper_bound("videoCodec", "*", "video.bitDepth", bits));
        }
        for codec in &self.audio_codecs {
            if let Some(channels) = self.bounds.channels {
                let codec = audio_name(*codec);
                profile.push_str(&upper_bound(
                    "videoAudioCodec",
                    codec,
                    "audio.channels",
                    channels,
                ));
            }
        }
        profile
    }
}

fn upper_bound(scope: &str, codec: &str, name: &str, most: u8) -> String {
    format!(
        "+add-limitation(scope={scope}&scopeName={codec}&type=upperBound&name={name}&value={most})"
    )
}

fn names<C: Copy>(codecs: &[C], name: fn(C) -> &'static str) -> String {
    codecs
        .iter()
        .copied()
        .map(name)
        .collect::<Vec<_>>()
        .join(",")
}

fn video_name(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::H264 => "h264",
        VideoCodec::Hevc => "hevc",
        VideoCodec::Mpeg2 => "mpeg2video",
    }
}

fn audio_name(codec: AudioCodec) -> &'static str {
    match codec {
        AudioCodec::Aac => "aac",
        AudioCodec::Ac3 => "ac3",
        AudioCodec::Eac3 => "eac3",
        AudioCodec::Mp2 => "mp2",
        AudioCodec::Mp3 => "mp3",
    }
}

impl Decided {
    /// Whether the part can be read under this session.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.code < REFUSALS && self.part == Some(PartDecision::DirectPlay)
    }

    /// Whether a conversion can be started under this session.
    #[must_use]
    pub fn is_transcode(&self) -> bool {
        self.code < REFUSALS && self.part != Some(PartDecision::DirectPlay)
    }

    /// What an answer says; nothing where it says nothing.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let row = Row::of(value)?.row("MediaContainer")?;
        let part = selected(row.rows("Metadata", 1).next(), "Media");
        let part = selected(part, "Part");
        let streams = |kind: u8| {
            let streams = part?.rows("Stream", crate::limits::PLEX_STREAMS);
            let mut of_kind = streams.filter(|row| row.number("streamType") == Some(kind));
            of_kind.find_map(|row| row.line("decision"))
        };
        let codes = ["general", "directPlay", "transcode", "mde"];
        let (name, code) = codes.into_iter().find_map(|name| {
            let code = row.number(&format!("{name}DecisionCode"))?;
            Some((name, code))
        })?;
        let said = part.and_then(|row| row.line("decision"));
        let part = match said.as_deref() {
            Some("directplay") => Some(PartDecision::DirectPlay),
            Some("transcode" | "copy") => Some(PartDecision::Transcode),
            Some(_) => Some(PartDecision::Refused),
            None => None,
        };
        Some(Self {
            code,
            text: row.line(&format!("{name}DecisionText")).unwrap_or_default(),
            part,
            video: streams(1),
            audio: streams(2),
        })
    }
}

/// The one of a list that is selected, or the first.
fn selected<'a>(row: Option<Row<'a>>, name: &str) -> Option<Row<'a>> {
    let mut all = row?.rows(name, crate::limits::PLEX_VERSIONS);
    let first = all.next()?;
    let is_selected = |row: &Row<'_>| row.flag("selected") == Some(true);
    if is_selected(&first) {
        return Some(first);
    }
    all.find(is_selected).or(Some(first))
}

#[cfg(test)]
mod tests {
    use super::{
        AudioCodec, Bounds, Decided, Decision, PartDecision, Pictures, Play, Query, Transcode,
        VideoCodec, Wrap,
    };
    use serde_json::json;

    fn play() -> Play {
        Play {
            rating_key: "28550".to_owned(),
            media_index: 1,
            part_index: 0,
            session: "s-1".to_owned(),
            audio_stream: None,
        }
    }

    fn transcode() -> Transcode {
        Transcode {
            play: play(),
            offset_s: 754.5,
            container: Wrap::default(),
            video: Pictures::Copy,
            video_codecs: vec![VideoCodec::H264],
            audio_codecs: vec![AudioCodec::Ac3, AudioCodec::Aac],
            bounds: Bounds::default(),
        }
    }

    fn query(decision: &Decision) -> String {
        decision.query(Query::default()).after("/x")
    }

    /// One value of a query, not escaped any more.
    fn value(query: &str, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(&format!("http://x{query}")).unwrap();
        let pair = url.query_pairs().find(|(key, _)| key == name)?;
        Some(pair.1.into_owned())
    }

    #[test]
    fn a_direct_play_names_what_can_be_taken_apart() {
        let query = query(&Decision::Direct(play()));
        let said = |name| value(&query, name).unwrap();
        assert_eq!(said("path"), "/library/metadata/28550");
        assert_eq!(
            (said("mediaIndex"), said("hasMDE")),
            ("1".into(), "1".into())
        );
        assert_eq!(
            (said("directPlay"), said("location")),
            ("1".into(), "lan".into())
        );
        assert_eq!(
            (said("session"), said("X-Plex-Session-Identifier")),
            ("s-1".into(), "s-1".into())
        );
        let extra = said("X-Plex-Client-Profile-Extra");
        assert!(
            extra.contains("dca,truehd") && extra.contains(")+add-settings("),
            "{extra}"
        );
        assert!(!extra.contains(' '), "{extra}");
        assert!(query.contains("%2Badd-settings"), "a bare plus is a space");
        assert_eq!(value(&query, "audioStreamID"), None, "0 is not unset");
    }

    #[test]
    fn a_conversion_copies_pictures_and_makes_sound() {
        let query = query(&Decision::Transcode(transcode()));
        let said = |name| value(&query, name).unwrap();
        assert_eq!(
            (said("directPlay"), said("directStream")),
            ("0".into(), "1".into())
        );
        assert_eq!(
            (said("offset"), said("copyts")),
            ("754.5".into(), "1".into())
        );
        assert_eq!(
            said("X-Plex-Client-Profile-Extra"),
            "add-transcode-target(type=videoProfile&context=streaming&protocol=http\
             &container=matroska&videoCodec=h264&audioCodec=ac3,aac&subtitleCodec=&replace=true)"
        );
        assert_eq!(value(&query, "maxVideoBitrate"), None);
    }

    #[test]
    fn segments_are_another_protocol_of_the_same_container() {
        let mut transcode = transcode();
        transcode.container = Wrap::Hls;
        assert_eq!(transcode.container.extension(), "m3u8");
        let query = query(&Decision::Transcode(transcode));
        let said = |name| value(&query, name).unwrap();
        assert_eq!(
            (said("protocol"), said("copyts")),
            ("hls".into(), "0".into())
        );
        let extra = said("X-Plex-Client-Profile-Extra");
        assert!(extra.contains("&protocol=hls&container=mpegts&videoCodec=h264&"));
    }

    #[test]
    fn bounds_are_limitations() {
        let mut transcode = transcode();
        transcode.container = Wrap::MpegTs;
        transcode.video = Pictures::Convert;
        transcode.play.audio_stream = Some(77);
        transcode.offset_s = f64::NAN;
        transcode.bounds = Bounds {
            video_kbps: Some(8_000),
            resolution: Some((1_920, 1_080)),
            bit_depth: Some(8),
            channels: Some(2),
        };
        let query = query(&Decision::Transcode(transcode));
        let said = |name| value(&query, name).unwrap();
        assert_eq!(
            (said("directStream"), said("audioStreamID")),
            ("0".into(), "77".into())
        );
        assert_eq!(
            (said("videoResolution"), said("offset")),
            ("1920x1080".into(), "0".into())
        );
        let extra = said("X-Plex-Client-Profile-Extra");
        let statements: Vec<_> = extra.split('+').collect();
        assert_eq!(statements.len(), 4, "{extra}");
        assert!(statements[0].contains("container=mpegts&"));
        assert_eq!(
            statements[1..3],
            [
                "add-limitation(scope=videoCodec&scopeName=*&type=upperBound&name=video.bitDepth&value=8)",
                "add-limitation(scope=videoAudioCodec&scopeName=ac3&type=upperBound\
                 &name=audio.channels&value=2)",
            ]
        );
    }

    #[test]
    fn decisions_are_read_by_number_and_by_what_is_selected() {
        let decided = Decided::read(&json!({"MediaContainer": {
            "allowSync": "1", "generalDecisionCode": "1001",
            "generalDecisionText": "Direct play not available; Conversion OK.",
            "directPlayDecisionCode": 3000,
            "Metadata": [{"Media": [
                {"id": "1", "Part": [{"decision": "directplay"}]},
                {"id": "2", "selected": "1", "Part": [{"selected": true, "decision": "transcode",
                    "Stream": [{"streamType": "1", "decision": "copy"}, {"streamType": 2},
                               {"streamType": 2, "decision": "transcode"}]}]}
            ]}]
        }}))
        .unwrap();
        assert_eq!(
            (decided.code, decided.part),
            (1_001, Some(PartDecision::Transcode))
        );
        assert_eq!(
            (decided.video.as_deref(), decided.audio.as_deref()),
            (Some("copy"), Some("transcode"))
        );
        assert!(decided.is_transcode() && !decided.is_direct());
    }

    #[test]
    fn a_direct_play_and_a_refusal_are_told_apart() {
        let decided = |code: u32, part: &str| {
            let row = json!({"MediaContainer": {"generalDecisionCode": code,
                "Metadata": [{"Media": [{"Part": [{"decision": part}]}]}]}});
            Decided::read(&row).unwrap()
        };
        assert!(decided(1_000, "directplay").is_direct());
        assert!(!decided(2_000, "directplay").is_direct());
        let refused = decided(4_005, "none");
        assert!(!refused.is_transcode() && refused.part == Some(PartDecision::Refused));
        for value in [json!({}), json!({"MediaContainer": {}}), json!(7)] {
            assert_eq!(Decided::read(&value), None);
        }
    }
}
