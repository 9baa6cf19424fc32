//! A title of a server, with the files that hold it.
//!
//! Nothing of it can be relied on: each field is taken as what it looks like, or left out.

mod read;

pub(super) use read::is_own_path;

/// What something of a library is (`type` of its row, and its number in requests).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A film.
    Movie,
    /// A show.
    Show,
    /// A season of a show.
    Season,
    /// An episode of a show.
    Episode,
    /// A video that is neither: of a section of other videos, or an extra.
    Clip,
    /// A collection.
    Collection,
    /// Music, photos and what is not known.
    Other,
}

impl Kind {
    /// Whether a section of it holds videos.
    #[must_use]
    pub fn holds_videos(self) -> bool {
        matches!(self, Self::Movie | Self::Show | Self::Clip)
    }

    /// Its number in `type=`. Other videos are listed as films.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Movie | Self::Clip | Self::Other => 1,
            Self::Show => 2,
            Self::Season => 3,
            Self::Episode => 4,
            Self::Collection => 18,
        }
    }
}

/// A title: a film, an episode, a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its key on this server. Not for ever: see `guid`.
    pub rating_key: String,
    /// What it is anywhere (`plex://movie/5d77...`); some agents make up one per server.
    pub guid: Option<String>,
    /// What it is elsewhere (`imdb://tt0057071`).
    pub guids: Vec<String>,
    /// What it is.
    pub kind: Kind,
    /// The section that it is in. Only where it is asked for by key: rows of a list do not say.
    pub section: Option<String>,
    /// Title of the film or clip, or of the episode.
    pub title: String,
    /// Title to sort by, where it differs.
    pub title_sort: Option<String>,
    /// Year of release.
    pub year: Option<u16>,
    /// Set for an episode of a show.
    pub episode: Option<Episode>,
    /// What it is about.
    pub summary: Option<String>,
    /// `PG-13`, `nl/14`, ...
    pub content_rating: Option<String>,
    /// Who made it, or the station that showed it.
    pub studio: Option<String>,
    /// Genres.
    pub genres: Vec<String>,
    /// Collections that it is in.
    pub collections: Vec<String>,
    /// What critics think of it, of 10.
    pub rating: Option<f32>,
    /// What viewers think of it, of 10.
    pub audience_rating: Option<f32>,
    /// First shown (`1963-12-21`).
    pub originally_available: Option<String>,
    /// When it came into the library, epoch seconds.
    pub added_at_s: Option<i64>,
    /// When its row was last changed, epoch seconds.
    pub updated_at_s: Option<i64>,
    /// Path of its poster or still, on this server.
    pub thumb: Option<String>,
    /// Path of its background, on this server.
    pub art: Option<String>,
    /// How long it is.
    pub duration_ms: Option<u64>,
    /// How many items a collection or a show has.
    pub children: Option<u64>,
    /// What can be played; none for a show, a season or a collection.
    pub versions: Vec<Media>,
}

/// Where an episode belongs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Episode {
    /// The show's title.
    pub show: Option<String>,
    /// The show's key.
    pub show_key: Option<String>,
    /// The show's guid.
    pub show_guid: Option<String>,
    /// The season's key.
    pub season_key: Option<String>,
    /// Season number; 0 is for specials.
    pub season: Option<u16>,
    /// Number in the season.
    pub number: Option<u16>,
    /// Path of the show's poster.
    pub show_thumb: Option<String>,
    /// Path of the show's background.
    pub show_art: Option<String>,
}

/// One version of a title.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    /// Its id.
    pub id: Option<u64>,
    /// `mkv`, `mp4`, `mpegts`, `avi`, ...
    pub container: Option<String>,
    /// `h264`, `hevc`, `mpeg4`, `vc1`, ...
    pub video_codec: Option<String>,
    /// `high`, `main 10`, `advanced simple`, ...
    pub video_profile: Option<String>,
    /// In luma samples.
    pub width: Option<u32>,
    /// In luma samples.
    pub height: Option<u32>,
    /// `24p`, `PAL`, `NTSC`, `60p`, ...
    pub frame_rate: Option<String>,
    /// Of the first track: `ac3`, `aac`, `dca`, `dca-ma`, `truehd`, ...
    pub audio_codec: Option<String>,
    /// `lc`, `he-aac`, `ma`, ...
    pub audio_profile: Option<String>,
    /// Of the first track.
    pub audio_channels: Option<u8>,
    /// Of all of it.
    pub bitrate_kbps: Option<u32>,
    /// How long it is.
    pub duration_ms: Option<u64>,
    /// Made by the server from the original.
    pub optimized: bool,
    /// Its files, in order; none where it is not analysed, or broken.
    pub parts: Vec<Part>,
}

/// One file of a version.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its id.
    pub id: Option<u64>,
    /// Its path on the server, verbatim: `/library/parts/47070/1586877036/file.avi`.
    pub key: String,
    /// Its length.
    pub size_bytes: Option<u64>,
    /// How long it is.
    pub duration_ms: Option<u64>,
    /// Its container, where it differs or is not said above.
    pub container: Option<String>,
    /// Where it is on the server's disk.
    pub file: Option<String>,
    /// Whether the server can read it; only where it was asked to look.
    pub accessible: Option<bool>,
    /// Whether it is there; only where it was asked to look.
    pub exists: Option<bool>,
    /// Its streams; only where the item is asked for by key.
    pub streams: Vec<Stream>,
}

/// One elementary stream of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Its id, by which it is chosen in a [`Decision`](super::Decision).
    pub id: Option<u64>,
    /// Where it is in the container, from 0; `None` for a file beside it.
    pub index: Option<u32>,
    /// `h264`, `dca`, `srt`, ...
    pub codec: Option<String>,
    /// `high`, `ma`, `lc`, ...
    pub profile: Option<String>,
    /// The container marks it as the one to play.
    pub default: bool,
    /// It is what the owner has chosen, which says nothing about the box.
    pub selected: bool,
    /// Subtitles for what is foreign in a film.
    pub forced: bool,
    /// Of this stream.
    pub bitrate_kbps: Option<u32>,
    /// Its language, as [`language::code`](crate::media::language::code) gives it.
    pub language: Option<String>,
    /// The muxer's name for it.
    pub title: Option<String>,
    /// Matroska: frames whose first bytes are kept once in the header.
    pub header_stripped: bool,
    /// What it carries.
    pub kind: StreamKind,
}

/// What a [`Stream`] carries.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamKind {
    /// Pictures.
    Video {
        /// In luma samples.
        width: Option<u32>,
        /// In luma samples.
        height: Option<u32>,
        /// Pictures per second.
        frame_rate: Option<f32>,
        /// Of a sample.
        bit_depth: Option<u8>,
        /// As the codec writes it: H.264 41, HEVC 150.
        level: Option<u16>,
        /// Pictures that it refers to.
        ref_frames: Option<u8>,
        /// Lines of two instants in one picture.
        interlaced: bool,
        /// Dolby Vision's profile, where it is that.
        dolby_vision: Option<u8>,
        /// `smpte2084`, `bt709`, ...
        transfer: Option<String>,
    },
    /// Sound.
    Audio {
        /// How many.
        channels: Option<u8>,
        /// `5.1(side)`, ...
        layout: Option<String>,
        /// Samples a second.
        sampling_rate: Option<u32>,
    },
    /// Text or pictures of text.
    Subtitle {
        /// Its path on the server where it is a file of its own.
        key: Option<String>,
    },
    /// Anything else.
    Other,
}
