//! Containers taken apart: bytes in, [`Sample`]s out, without I/O, clock or log.
//!
//! A demuxer is pulled. When it needs bytes it names a [`Span`] of the file, and the caller pushes
//! just those; it keeps small windows of the container's tables, never a whole index, so a
//! four-hour film costs what a clip costs.
//!
//! The life of a demuxer: [`Demuxer::pull`] until [`Pull::Ready`], look at [`Demuxer::movie`],
//! [`Demuxer::start`] with the chosen tracks and a time, then pull samples until [`Pull::End`].
//! It can be started again at any time, at any other place. What is known of a file by then can be
//! kept as an [`Outline`], from which another one goes on without reading the header again.
//!
//! What is made while it is read has no length, and can be had only once, in order. For it there is
//! [`Demuxer::live`].

mod commentary;
mod guess;
mod held;
pub mod matroska;
pub mod mp4;
pub mod ts;

pub use guess::likely_index;

use crate::error::{Error, Result};
use crate::media::{Container, Sample, Track, TrackId};
use bytes::Bytes;
use std::sync::Arc;

pub(crate) use held::HeldSound;

/// Bytes of the file that a demuxer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From where, in bytes from the start of the file; always inside the file.
    pub offset: u64,
    /// How many: at least 1, at most `limits::SAMPLE_BYTES`. Never past the end of the file.
    pub len: usize,
}

/// What a pull gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pull {
    /// Bytes are needed. Answer with [`Demuxer::push`]; pulling again without it asks again.
    Need(Span),
    /// The header has been read: `movie()` is there and `start()` may be called. Given again by
    /// every pull until it is.
    Ready,
    /// The next sample of the started tracks: in the order of `dts_90k` over both for MP4 and, as
    /// far as it can be kept, for MPEG-TS; in file order for Matroska.
    Sample(Sample),
    /// No sample is left. Given again by every further pull.
    End,
}

/// What a file's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movie {
    /// Its format.
    pub container: Container,
    /// From the first video frame shown to the end of the last one; 0 where it is unknown.
    pub duration_90k: i64,
    /// Its tracks, in the order of the file; at least one of them is video that can be carried.
    pub tracks: Vec<MovieTrack>,
}

/// A track with what its decoder has to be told first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovieTrack {
    /// The facts.
    pub track: Track,
    /// `avcC`, `hvcC`, `AudioSpecificConfig` or MPEG-2 sequence header; empty where the samples
    /// say it all.
    pub config: Bytes,
}

/// One open file being taken apart.
#[derive(Debug)]
pub enum Demuxer {
    /// An ISO base media file.
    Mp4(Box<mp4::Mp4>),
    /// A Matroska file.
    Matroska(Box<matroska::Matroska>),
    /// An MPEG transport stream.
    Ts(Box<ts::Ts>),
}

/// What is known of a file. It is small, whatever the length of the film, and cheap to clone.
#[derive(Debug, Clone)]
pub struct Outline(Known);

#[derive(Debug, Clone)]
enum Known {
    Mp4(Arc<mp4::Outline>),
    Matroska(Arc<LaidOut<matroska::Layout>>),
    Ts(Arc<LaidOut<ts::Layout>>),
}

/// What is known of a file of which all that will ever be is learnt when it is opened.
#[derive(Debug)]
struct LaidOut<L> {
    file_bytes: u64,
    open: Arc<(L, Movie)>,
}

impl<L> LaidOut<L> {
    /// Bytes that it holds, where `laid` tells those that its layout holds.
    fn held_bytes(&self, laid: impl FnOnce(&L) -> usize) -> usize {
        let (layout, movie) = &*self.open;
        size_of::<Self>() + laid(layout) + held_bytes(movie)
    }
}

impl Outline {
    /// Bytes that it holds, those that its clones share included.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match &self.0 {
            Known::Mp4(outline) => outline.held_bytes(),
            Known::Matroska(outline) => outline.held_bytes(matroska::Layout::held_bytes),
            Known::Ts(outline) => outline.held_bytes(ts::Layout::held_bytes),
        }
    }

    /// How much of the file's tables has been read: of two outlines of one file, the one that is
    /// worth more has more.
    #[must_use]
    pub fn reach(&self) -> u64 {
        match &self.0 {
            Known::Mp4(outline) => outline.reach(),
            Known::Matroska(_) | Known::Ts(_) => 0,
        }
    }
}

/// Bytes that a movie holds.
fn held_bytes(movie: &Movie) -> usize {
    let track = |listed: &MovieTrack| {
        let texts =
            listed.track.title.as_ref().map_or(0, String::len) + listed.track.language.len();
        size_of::<MovieTrack>() + listed.config.len() + texts
    };
    size_of::<Movie>() + movie.tracks.iter().map(track).sum::<usize>()
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To be listed in a library, with the exact end of its pictures.
    Listing,
    /// To go on air, soon: what takes further reads and only a listing needs is left out.
    Air,
    /// To go on air while it is made: there is neither a way back nor an end to look at.
    Live,
}

/// Bytes at the start of a file that [`recognise`] wants to see; fewer where the file is shorter.
pub const RECOGNISE_BYTES: usize = 4096;

/// Tells the format from the first bytes of a file, never from its name.
///
/// # Errors
/// `Unsupported` names the format where it is known (AVI, Ogg, a disc's image, ...) with what to do
/// about it, and says that it is not one where it is not.
pub fn recognise(head: &[u8]) -> Result<Container> {
    if matroska::recognise(head) {
        return Ok(Container::Matroska);
    }
    if mp4::recognise(head) {
        return Ok(Container::Mp4);
    }
    if ts::recognise(head) {
        return Ok(Container::MpegTs);
    }
    Err(Error::unsupported("this file", name_of(head)))
}

/// What a file of another kind begins with: at which byte, which bytes, and what to do about it.
const OTHERS: [(usize, &[u8], &str); 27] = [
    (8, b"AVI ", "AVI files need converting first"),
    (8, b"WAVE", "it is sound without pictures"),
    (8, b"CDXA", "Video CD files need converting first"),
    (
        0,
        &[0, 0, 1, 0xBA],
        "MPEG program streams (VOB, MPG) need converting first",
    ),
    (0, &[0, 0, 1, 0xB3], RAW),
    (0, &[0, 0, 0, 1, 0x67], RAW),
    (0, &[0, 0, 0, 1, 0x09], RAW),
    (0, &[0, 0, 0, 1, 0x40, 0x01], RAW),
    (
        0,
        &[0x30, 0x26, 0xB2, 0x75],
        "Windows Media files need converting first",
    ),
    (0, b"FLV", "Flash video files need converting first"),
    (0, b"OggS", "Ogg files need converting first"),
    (0, b".RMF", "RealMedia files need converting first"),
    (
        0,
        &[0x06, 0x0E, 0x2B, 0x34],
        "MXF files need converting first",
    ),
    (0, b"DVDVIDEO", DISC_INDEX),
    (0, b"HDMV", DISC_INDEX),
    (0, b"MPLS", DISC_INDEX),
    (0, b"#EXTM3U", PLAYLIST),
    (0, b"[playlist]", PLAYLIST),
    (0, b"<?xml", TEXT),
    (0, b"<!DOCTYPE", TEXT),
    (0, b"ID3", "it is sound without pictures"),
    (0, b"fLaC", "it is sound without pictures"),
    (0, b"PK\x03\x04", ARCHIVE),
    (0, b"Rar!", ARCHIVE),
    (0, b"TiVo", "TiVo recordings need converting first"),
    (
        0,
        &[0xB7, 0xD8, 0x00, 0x20, 0x37, 0x49, 0xDA, 0x11],
        "recordings of Windows need converting first",
    ),
    // The sectors of a CD as they are.
    (
        0,
        &[0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0],
        DISC_IMAGE,
    ),
];

const RAW: &str = "it is video without a container; put it into a Matroska or MP4 file first";
const DISC_INDEX: &str = "it is the index of a disc; the pictures are in the files beside it";
const PLAYLIST: &str = "it is a playlist; add the folder that its files are in";
const TEXT: &str = "it is a text, such as the answer of a web server, and no video";
/// What is said of the image of a disc.
const DISC_IMAGE: &str = "it is the image of a disc; copy the files out of it first";
const ARCHIVE: &str = "it is an archive; unpack it first";

/// Words for a head that is none of those that can be played.
fn name_of(head: &[u8]) -> &'static str {
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    if head.is_empty() {
        return "it is empty";
    }
    if head.iter().all(|byte| *byte == 0) {
        return "it holds zeros only; it may not have been copied to the end";
    }
    let known = OTHERS.iter().find(|(offset, magic, _)| at(*offset, magic));
    known.map_or(
        "it is no MP4, MOV, Matroska or MPEG-TS file, whatever its name says",
        |(_, _, words)| words,
    )
}

/// Where in a file it shows that it is the image of a disc, which begins with nothing.
pub const DISC_MARK: Span = Span {
    offset: 32_769,
    len: 5,
};

/// Says why a file cannot be played that [`recognise`] refused, if these bytes, which stand at
/// [`DISC_MARK`], are those of a disc (ISO 9660 §8.1.2, ECMA-167 part 2 §9.1.2).
///
/// # Errors
/// `Unsupported`: it is the image of a disc.
pub fn refuse_disc(mark: &[u8]) -> Result<()> {
    if [b"CD001", b"BEA01", b"NSR02", b"NSR03"]
        .iter()
        .any(|known| known == &mark)
    {
        return Err(Error::unsupported("this file", DISC_IMAGE));
    }
    Ok(())
}

impl Demuxer {
    /// Takes apart a file of `file_bytes` bytes, and finds out all that its header can tell.
    #[must_use]
    pub fn new(container: Container, file_bytes: u64) -> Self {
        Self::with_purpose(container, file_bytes, Purpose::Listing)
    }

    /// Takes apart a file of `file_bytes` bytes, to show it now.
    #[must_use]
    pub fn for_air(container: Container, file_bytes: u64) -> Self {
        Self::with_purpose(container, file_bytes, Purpose::Air)
    }

    fn with_purpose(container: Container, file_bytes: u64, purpose: Purpose) -> Self {
        match container {
            Container::Mp4 => Self::Mp4(Box::new(mp4::Mp4::new(file_bytes))),
            Container::Matroska => {
                let matroska = matroska::Matroska::new(file_bytes, purpose);
                Self::Matroska(Box::new(matroska))
            }
            Container::MpegTs => Self::Ts(Box::new(ts::Ts::new(file_bytes))),
        }
    }

    /// Takes apart a stream that is made while it is read, without an end that is known. It asks for
    /// nothing but the next bytes, each of them once, until fewer come than it asked for; it needs
    /// neither an index nor a duration. MP4 cannot be read so, and its first pull says that.
    #[must_use]
    pub fn live(container: Container) -> Self {
        match container {
            Container::Mp4 => Self::Mp4(Box::new(mp4::Mp4::live())),
            Container::Matroska => Self::Matroska(Box::new(matroska::Matroska::live())),
            Container::MpegTs => Self::Ts(Box::new(ts::Ts::live())),
        }
    }

    /// Takes apart a file of which as much is known as when the outline was taken of it, to show it
    /// now. It is ready at once.
    #[must_use]
    pub fn resume(outline: &Outline) -> Self {
        match &outline.0 {
            Known::Mp4(outline) => Self::Mp4(Box::new(mp4::Mp4::resume(outline))),
            Known::Matroska(outline) => {
                Self::Matroska(Box::new(matroska::Matroska::resume(outline)))
            }
            Known::Ts(outline) => Self::Ts(Box::new(ts::Ts::resume(outline))),
        }
    }

    /// What is known of the file, from the first [`Pull::Ready`] on. Later it may be more.
    #[must_use]
    pub fn outline(&self) -> Option<Outline> {
        let known = match self {
            Self::Mp4(mp4) => Known::Mp4(Arc::new(mp4.outline()?)),
            Self::Matroska(matroska) => Known::Matroska(Arc::new(matroska.outline()?)),
            Self::Ts(ts) => Known::Ts(Arc::new(ts.outline()?)),
        };
        Some(Outline(known))
    }

    /// Where the tables lie, as offset and length, that are read piece by piece, once that is known:
    /// they may be worth reading at once. `None` where there are none, or few.
    #[must_use]
    pub fn index(&self) -> Option<(u64, u64)> {
        match self {
            Self::Mp4(mp4) => mp4.index(),
            Self::Matroska(_) | Self::Ts(_) => None,
        }
    }

    /// Has the next pulls go through all tables of these tracks, up to [`Pull::Ready`], so that any
    /// place in them is found soon from then on. Worth it where they are at hand.
    pub fn learn(&mut self, tracks: &[TrackId]) {
        match self {
            Self::Mp4(mp4) => mp4.learn(tracks),
            Self::Matroska(_) | Self::Ts(_) => {}
        }
    }

    /// What will be asked for, one after the other, on the way from a start to its first sample, as
    /// far as it can be told beforehand. It is a guess, and may lack some or name too much.
    #[must_use]
    pub fn foresee(&self) -> Vec<Span> {
        match self {
            Self::Mp4(mp4) => mp4.foresee(),
            Self::Matroska(_) | Self::Ts(_) => Vec::new(),
        }
    }

    /// The next sample, or what is needed to make it.
    ///
    /// # Errors
    /// The file breaks its format, or goes over a limit. What came before stays good; further
    /// pulls give the same error.
    pub fn pull(&mut self) -> Result<Pull> {
        match self {
            Self::Mp4(mp4) => mp4.pull(),
            Self::Matroska(matroska) => matroska.pull(),
            Self::Ts(ts) => ts.pull(),
        }
    }

    /// Answers a [`Pull::Need`]: exactly the bytes of its span. Fewer mean that the file ended
    /// early.
    ///
    /// # Errors
    /// As for `pull`.
    pub fn push(&mut self, offset: u64, bytes: Bytes) -> Result<()> {
        match self {
            Self::Mp4(mp4) => mp4.push(offset, bytes),
            Self::Matroska(matroska) => matroska.push(offset, bytes),
            Self::Ts(ts) => ts.push(offset, bytes),
        }
    }

    /// What the header says, from the first [`Pull::Ready`] on.
    #[must_use]
    pub fn movie(&self) -> Option<&Movie> {
        match self {
            Self::Mp4(mp4) => mp4.movie(),
            Self::Matroska(matroska) => matroska.movie(),
            Self::Ts(ts) => ts.movie(),
        }
    }

    /// When, by the container's own times, the instant is that is time 0 here: that at which the
    /// first picture is shown that decoding can begin with. Known from the first [`Pull::Ready`]
    /// on. MP4's own times begin there, so that it is 0 for them.
    #[must_use]
    pub fn origin_90k(&self) -> Option<i64> {
        match self {
            Self::Mp4(mp4) => mp4.movie().map(|_| 0),
            Self::Matroska(matroska) => matroska.origin_90k(),
            Self::Ts(ts) => ts.origin_90k(),
        }
    }

    /// Chooses tracks and a place. The first video sample is the last random access point shown at
    /// or before `time_90k` (the first one of the file, if there is none before); video samples
    /// shown before it are left out until the next random access point (leading pictures). Audio
    /// begins with the frame that is heard at the instant at which that first picture is shown.
    ///
    /// A live stream begins at the first random access point, whatever the time, and only once.
    ///
    /// # Errors
    /// The tracks are not in the movie, it has not been read yet, or it is live and was started.
    pub fn start(&mut self, video: TrackId, audio: Option<TrackId>, time_90k: i64) -> Result<()> {
        match self {
            Self::Mp4(mp4) => mp4.start(video, audio, time_90k),
            Self::Matroska(matroska) => matroska.start(video, audio, time_90k),
            Self::Ts(ts) => ts.start(video, audio, time_90k),
        }
    }
}
