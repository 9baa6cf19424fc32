//! Rows become items. All that an item cannot do without is its key, its title and being a video.

use super::{Episode, Item, Kind, Media, Part, Stream, StreamKind};
use crate::limits;
use crate::media::language;
use crate::plex::row::Row;

/// A server's own conversion of a version (`proxyType`).
const OPTIMIZED: u64 = 42;

impl Kind {
    fn of(row: Row<'_>) -> Self {
        let kind = row.line("type").unwrap_or_default();
        let subtype = row.line("subtype").unwrap_or_default();
        match (kind.as_str(), subtype.as_str()) {
            ("movie", "clip") | ("clip" | "trailer", _) => Self::Clip,
            ("movie", _) => Self::Movie,
            ("show", _) => Self::Show,
            ("season", _) => Self::Season,
            ("episode", _) => Self::Episode,
            ("collection", _) => Self::Collection,
            _ => Self::Other,
        }
    }
}

impl Item {
    /// # Errors
    /// What it lacks.
    pub(in crate::plex) fn read(row: Row<'_>) -> Result<Self, &'static str> {
        let rating_key = row.key("ratingKey").ok_or("has no key")?;
        let title = row.line("title").ok_or("has no title")?;
        let kind = Kind::of(row);
        if kind == Kind::Other {
            return Err("is no video");
        }
        let guids = row.rows("Guid", limits::PLEX_TAGS);
        let versions = row.rows("Media", limits::PLEX_VERSIONS);
        Ok(Self {
            rating_key,
            guid: row.name("guid"),
            guids: guids.filter_map(|guid| guid.name("id")).collect(),
            kind,
            section: row.key("librarySectionID"),
            title,
            title_sort: row.line("titleSort"),
            year: row.number("year").filter(|year| *year > 0),
            episode: (kind == Kind::Episode).then(|| Episode::read(row)),
            summary: row.words("summary", limits::PLEX_SUMMARY_BYTES),
            content_rating: row.line("contentRating"),
            studio: row.line("studio"),
            genres: row.tags("Genre", "tag"),
            collections: row.tags("Collection", "tag"),
            rating: row.decimal("rating"),
            audience_rating: row.decimal("audienceRating"),
            originally_available: row.line("originallyAvailableAt"),
            added_at_s: row.number("addedAt"),
            updated_at_s: row.number("updatedAt"),
            thumb: path(row, "thumb"),
            art: path(row, "art"),
            duration_ms: length(row),
            children: row.number("childCount"),
            versions: versions.map(Media::read).collect(),
        })
    }
}

impl Episode {
    fn read(row: Row<'_>) -> Self {
        Self {
            show: row.line("grandparentTitle"),
            show_key: row.key("grandparentRatingKey"),
            show_guid: row.name("grandparentGuid"),
            season_key: row.key("parentRatingKey"),
            season: row.number("parentIndex"),
            number: row.number("index"),
            show_thumb: path(row, "grandparentThumb"),
            show_art: path(row, "grandparentArt"),
        }
    }
}

impl Media {
    fn read(row: Row<'_>) -> Self {
        let parts = row.rows("Part", limits::PLEX_VERSIONS);
        Self {
            id: row.number("id"),
            container: row.line("container"),
            video_codec: row.line("videoCodec"),
            video_profile: row.line("videoProfile"),
            width: row.number("width"),
            height: row.number("height"),
            frame_rate: row.line("videoFrameRate"),
            audio_codec: row.line("audioCodec"),
            audio_profile: row.line("audioProfile"),
            audio_channels: row.number("audioChannels"),
            bitrate_kbps: row.number("bitrate"),
            duration_ms: length(row),
            optimized: row.number("proxyType") == Some(OPTIMIZED),
            parts: parts.filter_map(Part::read).collect(),
        }
    }
}

impl Part {
    /// Nothing where it has no key that leads to its own server.
    fn read(row: Row<'_>) -> Option<Self> {
        let streams = row.rows("Stream", limits::PLEX_STREAMS);
        Some(Self {
            id: row.number("id"),
            key: path(row, "key")?,
            size_bytes: row.number("size"),
            duration_ms: length(row),
            container: row.line("container"),
            file: row.name("file"),
            accessible: row.flag("accessible"),
            exists: row.flag("exists"),
            streams: streams.map(Stream::read).collect(),
        })
    }
}

impl Stream {
    fn read(row: Row<'_>) -> Self {
        let flag = |name| row.flag(name).unwrap_or(false);
        let codes = ["languageCode", "languageTag", "language"];
        let languages = codes.into_iter().filter_map(|name| row.line(name));
        Self {
            id: row.number("id"),
            index: row.number("index"),
            codec: row.line("codec"),
            profile: row.line("profile"),
            default: flag("default"),
            selected: flag("selected"),
            forced: flag("forced"),
            bitrate_kbps: row.number("bitrate"),
            language: languages.filter_map(|text| language::code(&text)).next(),
            title: row.line("title"),
            header_stripped: is_stripped(row),
            kind: StreamKind::read(row),
        }
    }
}

impl StreamKind {
    fn read(row: Row<'_>) -> Self {
        match row.number("streamType") {
            Some(1) => Self::Video {
                width: row.number("width"),
                height: row.number("height"),
                frame_rate: row.decimal("frameRate"),
                bit_depth: row.number("bitDepth"),
                level: row.number("level"),
                ref_frames: row.number("refFrames"),
                interlaced: row
                    .line("scanType")
                    .is_some_and(|scan| scan == "interlaced"),
                dolby_vision: row.number("DOVIProfile"),
                transfer: row.line("colorTrc"),
            },
            Some(2) => Self::Audio {
                channels: row.number("channels"),
                layout: row.line("audioChannelLayout"),
                sampling_rate: row.number("samplingRate"),
            },
            Some(3) => Self::Subtitle {
                key: path(row, "key"),
            },
            _ => Self::Other,
        }
    }
}

/// A flag in some answers, the name of the algorithm in others.
fn is_stripped(row: Row<'_>) -> bool {
    let name = "headerCompression";
    row.flag(name).unwrap_or_else(|| row.line(name).is_some())
}

/// A duration; one that is not known is told as 0 by some agents.
fn length(row: Row<'_>) -> Option<u64> {
    row.number("duration").filter(|length_ms| *length_ms > 0)
}

/// A path on the server that answers. What leads to another host is none.
fn path(row: Row<'_>, name: &str) -> Option<String> {
    row.name(name).filter(|path| is_own_path(path))
}

/// Whether a path leads to the server it came from, and can be sent.
pub(in crate::plex) fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|one| one.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
