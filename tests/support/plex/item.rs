//! What a library holds: titles, their media, their parts, the streams in them.

use super::node::Value;
use std::path::PathBuf;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Film,
    Show,
    Season,
    Episode,
    Track,
    Clip,
    Photo,
    Collection,
}

impl Kind {
    /// The number that `type=` has.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Film => 1,
            Self::Show => 2,
            Self::Season => 3,
            Self::Episode => 4,
            Self::Track => 10,
            Self::Clip => 12,
            Self::Photo => 13,
            Self::Collection => 18,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Film => "movie",
            Self::Show => "show",
            Self::Season => "season",
            Self::Episode => "episode",
            Self::Track => "track",
            Self::Clip => "clip",
            Self::Photo => "photo",
            Self::Collection => "collection",
        }
    }

    /// The element that it is in XML.
    pub(crate) fn element(self) -> &'static str {
        match self {
            Self::Film | Self::Episode | Self::Clip => "Video",
            Self::Show | Self::Season | Self::Collection => "Directory",
            Self::Track => "Track",
            Self::Photo => "Photo",
        }
    }
}

/// Attributes that this model has no name for.
pub(crate) type More = Vec<(&'static str, Value)>;

/// One title, or one of those that stand above titles.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) rating_key: u64,
    pub(crate) kind: Kind,
    pub(crate) guid: String,
    /// Its names elsewhere: `imdb://`, `tmdb://`, `tvdb://`.
    pub(crate) guids: Vec<String>,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) studio: Option<String>,
    pub(crate) content_rating: Option<String>,
    pub(crate) rating: Option<f64>,
    pub(crate) year: Option<u32>,
    pub(crate) originally_available_at: Option<String>,
    pub(crate) added_at: i64,
    pub(crate) updated_at: Option<i64>,
    pub(crate) duration_ms: Option<u64>,
    /// Number of the episode or season.
    pub(crate) index: Option<u32>,
    /// Where an episode or a season belongs.
    pub(crate) lineage: Option<Lineage>,
    /// Episodes below.
    pub(crate) leaf_count: u64,
    /// Seasons below.
    pub(crate) child_count: u64,
    pub(crate) genres: Vec<String>,
    pub(crate) directors: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) media: Vec<Media>,
    pub(crate) chapters: Vec<Chapter>,
    pub(crate) markers: Vec<Marker>,
    pub(crate) more: More,
}

/// What stands above an episode or a season.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    /// The season; `None` for a season itself.
    pub(crate) season: Option<Above>,
    pub(crate) show: Above,
}

#[derive(Debug, Clone)]
pub(crate) struct Above {
    pub(crate) rating_key: u64,
    pub(crate) guid: String,
    pub(crate) title: String,
    pub(crate) index: u32,
}

/// One version of a title.
#[derive(Debug, Clone, Default)]
pub(crate) struct Media {
    pub(crate) id: u64,
    pub(crate) container: Option<String>,
    pub(crate) video_codec: Option<String>,
    pub(crate) audio_codec: Option<String>,
    pub(crate) audio_channels: Option<u32>,
    pub(crate) video_profile: Option<String>,
    pub(crate) audio_profile: Option<String>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) bitrate_kbps: Option<u64>,
    pub(crate) frame_rate: Option<String>,
    pub(crate) duration_ms: Option<u64>,
    /// Whether an mp4 has its tables in front.
    pub(crate) fast_start: Option<bool>,
    pub(crate) parts: Vec<Part>,
    pub(crate) more: More,
}

/// One file of a version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    pub(crate) id: u64,
    /// Changes when the file does.
    pub(crate) change_stamp: i64,
    pub(crate) extension: String,
    /// The path on the server, as shown.
    pub(crate) file: String,
    /// The file behind it; without one the part is listed but gone.
    pub(crate) behind: Option<PathBuf>,
    pub(crate) size_bytes: u64,
    pub(crate) container: Option<String>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) streams: Vec<Stream>,
}

impl Part {
    /// The path under which it is read.
    pub(crate) fn key(&self) -> String {
        let Self {
            id, change_stamp, ..
        } = self;
        format!("/library/parts/{id}/{change_stamp}/file.{}", self.extension)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Video,
    Audio,
    Subtitle,
}

/// One elementary stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) id: u64,
    pub(crate) kind: StreamKind,
    pub(crate) codec: String,
    /// Number in the container; a subtitle beside the file has none.
    pub(crate) index: Option<u32>,
    pub(crate) language_code: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) is_default: bool,
    pub(crate) is_selected: bool,
    pub(crate) more: More,
}

#[derive(Debug, Clone)]
pub(crate) struct Chapter {
    pub(crate) title: String,
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
}

/// A span that is known to be something: `intro`, `credits`, `commercial`.
#[derive(Debug, Clone)]
pub(crate) struct Marker {
    pub(crate) kind: &'static str,
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
}

impl Item {
    /// A row with a name and nothing else.
    pub(crate) fn bare(rating_key: u64, kind: Kind, title: &str) -> Self {
        Self {
            rating_key,
            kind,
            guid: guid(kind, rating_key),
            guids: Vec::new(),
            title: title.to_owned(),
            summary: String::new(),
            studio: None,
            content_rating: None,
            rating: None,
            year: None,
            originally_available_at: None,
            added_at: 1_600_000_000,
            updated_at: Some(1_600_000_000),
            duration_ms: None,
            index: None,
            lineage: None,
            leaf_count: 0,
            child_count: 0,
            genres: Vec::new(),
            directors: Vec::new(),
            roles: Vec::new(),
            media: Vec::new(),
            chapters: Vec::new(),
            markers: Vec::new(),
            more: More::new(),
        }
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.media.iter().flat_map(|media| &media.parts)
    }

    pub(crate) fn parts_mut(&mut self) -> impl Iterator<Item = &mut Part> {
        self.media.iter_mut().flat_map(|media| &mut media.parts)
    }

    /// The key of what stands directly above.
    pub(crate) fn parent(&self) -> Option<u64> {
        let lineage = self.lineage.as_ref()?;
        let above = lineage.season.as_ref().unwrap_or(&lineage.show);
        Some(above.rating_key)
    }

    /// As what stands above others.
    pub(crate) fn above(&self) -> Above {
        Above {
            rating_key: self.rating_key,
            guid: self.guid.clone(),
            title: self.title.clone(),
            index: self.index.unwrap_or(0),
        }
    }
}

/// The name that Plex's own agents would give: the same for the same number.
pub(crate) fn guid(kind: Kind, seed: u64) -> String {
    let high = mixed(seed ^ (kind.number() << 56));
    let low = mixed(high) >> 32;
    format!("plex://{}/{high:016x}{low:08x}", kind.name())
}

/// A number that looks like chance and is always the same (splitmix64).
pub(crate) fn mixed(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
