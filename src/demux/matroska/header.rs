//! What stands around the Clusters (RFC 9559 §5.1): read once, before the first sample.
//!
//! The walk: EBML head, Segment, its elements up to the first Cluster, what the SeekHead knows
//! further on, and where it knows nothing the file's last block; then the Cues, and the first
//! frames, which say where time begins. Attachments, Chapters and Tags are stepped over.

use super::cluster::{Block, Found, Walk};
use super::cue::Cues;
use super::ebml::{self, Children, Element, Halt, Step, widen};
use super::entry::Entry;
use super::first::FirstFrames;
use super::id;
use super::stream::{Listed, Stream};
use super::time::{FrameDuration, Timeline};
use super::window::Window;
use crate::demux::{Movie, MovieTrack};
use crate::error::Error;
use crate::limits;
use crate::media::{Container, TrackId};

/// Longest EBML head, SeekHead or Info.
const TABLE_BYTES: usize = 64 << 10;

/// Longest `TrackEntry`: a codec description and some words. A longer one is not listed.
const ENTRY_BYTES: usize = 2 * limits::CODEC_CONFIG_BYTES;

/// Elements that may stand before the Segment.
const BEFORE_SEGMENT: usize = 16;

/// Where the reading stands.
#[derive(Debug)]
enum Phase {
    /// At the EBML head.
    Head,
    /// Looking for the Segment at this offset.
    Segment { at: u64, passed: usize },
    /// At an element of the Segment, on the way to the first Cluster.
    Children { at: u64 },
    /// At an element that the SeekHead told of.
    Told { at: u64, id: u32 },
    /// In Tracks.
    Tracks {
        at: u64,
        end: u64,
        then: Option<u64>,
    },
    /// At the end of the file.
    Tail,
    /// In the Cues.
    Cues { at: u64, end: u64 },
    /// Among the last blocks, for the end of the video.
    Last { walk: Walk, until: u64 },
    /// Among the first blocks.
    First(FirstFrames),
    /// All is read.
    Done,
}

/// Positions that the SeekHead tells, each until it has been used.
#[derive(Debug, Default)]
struct Told {
    seek_head: Option<u64>,
    info: Option<u64>,
    tracks: Option<u64>,
    cues: Option<u64>,
}

/// What the header says.
#[derive(Debug)]
pub(super) struct Header {
    phase: Phase,
    told: Told,
    segment_body: u64,
    /// Where the Segment ends.
    pub(super) segment_end: u64,
    /// Where the first Cluster begins.
    pub(super) first_cluster: u64,
    /// The tracks, in the order of the file.
    pub(super) tracks: Vec<Listed>,
    /// The place among them of the video that time and Cues are told by.
    pub(super) video: usize,
    pub(super) cues: Cues,
    pub(super) timeline: Timeline,
    cues_seen: Option<(u64, u64)>,
    duration_ticks: Option<f64>,
    end_ns: Option<i64>,
    tail_seen: bool,
}

impl Header {
    /// Nothing read yet.
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Head,
            told: Told::default(),
            segment_body: 0,
            segment_end: 0,
            first_cluster: 0,
            tracks: Vec::new(),
            video: 0,
            cues: Cues::default(),
            timeline: Timeline {
                scale_ns: 1_000_000,
                origin_ns: 0,
            },
            cues_seen: None,
            duration_ticks: None,
            end_ns: None,
            tail_seen: false,
        }
    }

    /// Reads on until all is read.
    pub(super) fn read(&mut self, window: &mut Window) -> Step<Movie> {
        loop {
            match self.phase {
                Phase::Head => self.read_head(window)?,
                Phase::Segment { at, passed } => self.read_segment(window, at, passed)?,
                Phase::Children { at } => self.read_child(window, at)?,
                Phase::Told { at, id } => self.read_told(window, at, id)?,
                Phase::Tracks { at, end, then } => self.read_track(window, at, end, then)?,
                Phase::Tail => self.read_tail(window)?,
                Phase::Cues { at, end } => self.read_cue(window, at, end)?,
                Phase::Last { .. } => self.read_last(window)?,
                Phase::First(_) => self.read_first(window)?,
                Phase::Done => return Ok(self.movie()),
            }
        }
    }

    /// The EBML head (RFC 8794 §11.2) says that it is Matroska, and in a version that is known.
    fn read_head(&mut self, window: &mut Window) -> Step<()> {
        const WHAT: &str = "EBML head";
        let within = |halt: Halt| halt.within(WHAT);
        let file_bytes = window.file_bytes();
        let element = window.head(0, file_bytes).map_err(within)?;
        if element.id != id::EBML {
            return Err(Halt::Broken(0, "it is no EBML document").within(WHAT));
        }
        let body = window.body(&element, TABLE_BYTES).map_err(within)?;
        check_head(&body, element.body).map_err(within)?;
        self.phase = Phase::Segment {
            at: element.end().unwrap_or(element.body),
            passed: 0,
        };
        Ok(())
    }

    fn read_segment(&mut self, window: &mut Window, at: u64, passed: usize) -> Step<()> {
        const WHAT: &str = "Segment";
        window.forget_before(at);
        let file_bytes = window.file_bytes();
        let element = window
            .head(at, file_bytes)
            .map_err(|halt| halt.within(WHAT))?;
        if element.id == id::SEGMENT {
            self.segment_body = element.body;
            self.segment_end = element.end().unwrap_or(file_bytes).min(file_bytes);
            self.phase = Phase::Children { at: element.body };
            return Ok(());
        }
        let end = element.end().filter(|_| passed < BEFORE_SEGMENT);
        let Some(at) = end else {
            return Err(Halt::Broken(at, "there is none behind the EBML head").within(WHAT));
        };
        self.phase = Phase::Segment {
            at,
            passed: passed + 1,
        };
        Ok(())
    }

    /// An element before the first Cluster.
    fn read_child(&mut self, window: &mut Window, at: u64) -> Step<()> {
        const WHAT: &str = "Segment";
        window.forget_before(at);
        if at >= self.segment_end {
            return Err(Halt::Broken(at, "there is no Cluster in it").within(WHAT));
        }
        let element = window
            .head(at, self.segment_end)
            .map_err(|halt| halt.within(WHAT))?;
        if element.id == id::CLUSTER {
            self.first_cluster = at;
            return self.plan();
        }
        let Some(end) = element.end() else {
            let why = "an element's size is unknown where it must be told";
            return Err(Halt::Broken(at, why).within(WHAT));
        };
        if element.id == id::TRACKS && self.tracks.is_empty() {
            self.phase = Phase::Tracks {
                at: element.body,
                end,
                then: Some(end),
            };
            return Ok(());
        }
        self.read_table(window, &element)?;
        self.phase = Phase::Children { at: end };
        Ok(())
    }

    /// An element that the SeekHead told of; where it is not there, the SeekHead was wrong, which
    /// harms nothing by itself.
    fn read_told(&mut self, window: &mut Window, at: u64, wanted: u32) -> Step<()> {
        window.forget_before(at);
        let file_bytes = window.file_bytes();
        let element = match window.head(at, file_bytes) {
            Ok(element) if element.id == wanted => element,
            Ok(_) | Err(Halt::Broken(..) | Halt::Ended(_)) => return self.plan(),
            Err(halt) => return Err(halt),
        };
        if wanted == id::TRACKS {
            self.phase = Phase::Tracks {
                at: element.body,
                end: element.end().unwrap_or(element.body),
                then: None,
            };
            return Ok(());
        }
        self.read_table(window, &element)?;
        self.plan()
    }

    /// SeekHead, Info or the place of the Cues; everything else is passed over.
    fn read_table(&mut self, window: &mut Window, table: &Element) -> Step<()> {
        match table.id {
            id::SEEK_HEAD => {
                let within = |halt: Halt| halt.within("Segment/SeekHead");
                let body = window.body(table, TABLE_BYTES).map_err(within)?;
                self.take_seek_head(&body, table.body).map_err(within)?;
            }
            id::INFO => {
                let within = |halt: Halt| halt.within("Segment/Info");
                let body = window.body(table, TABLE_BYTES).map_err(within)?;
                self.take_info(&body, table.body).map_err(within)?;
            }
            id::CUES => {
                let end = table.end().unwrap_or(table.body);
                self.cues_seen = Some((table.body, end));
            }
            _ => {}
        }
        Ok(())
    }

    fn take_seek_head(&mut self, body: &[u8], at: u64) -> Step<()> {
        for seek in Children::new(body, at) {
            let seek = seek?;
            let (mut target, mut position) = (0, None);
            for child in seek.children().take_while(|_| seek.id == id::SEEK) {
                let child = child?;
                match child.id {
                    id::SEEK_ID => target = child.uint()?,
                    id::SEEK_POSITION => position = Some(child.uint()?),
                    _ => {}
                }
            }
            let position = position.and_then(|position| self.segment_body.checked_add(position));
            let told = match u32::try_from(target) {
                Ok(id::SEEK_HEAD) => &mut self.told.seek_head,
                Ok(id::INFO) => &mut self.told.info,
                Ok(id::TRACKS) => &mut self.told.tracks,
                Ok(id::CUES) => &mut self.told.cues,
                _ => continue,
            };
            *told = told.or(position);
        }
        Ok(())
    }

    fn take_info(&mut self, body: &[u8], at: u64) -> Step<()> {
        self.told.info = None;
        for child in Children::new(body, at) {
            let child = child?;
            match child.id {
                id::TIMESTAMP_SCALE => {
                    self.timeline.scale_ns = child.uint()?;
                    if self.timeline.scale_ns == 0 {
                        return Err(Halt::Broken(child.at, "TimestampScale is 0"));
                    }
                }
                id::DURATION => {
                    self.duration_ticks = Some(child.float()?).filter(|ticks| *ticks > 0.0);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_track(
        &mut self,
        window: &mut Window,
        at: u64,
        end: u64,
        then: Option<u64>,
    ) -> Step<()> {
        let within = |halt: Halt| halt.within("Segment/Tracks/TrackEntry");
        window.forget_before(at);
        if at >= end || self.tracks.len() >= limits::TRACKS {
            return match then {
                Some(at) => {
                    self.phase = Phase::Children { at };
                    Ok(())
                }
                None => self.plan(),
            };
        }
        let element = window.head(at, end).map_err(within)?;
        let next = element.end().filter(|next| *next <= end);
        let Some(next) = next else {
            return Err(within(Halt::Broken(
                at,
                "an element runs past the end of its parent",
            )));
        };
        let size = element.size.unwrap_or(u64::MAX);
        if element.id == id::TRACK_ENTRY && size <= widen(ENTRY_BYTES) {
            let body = window.body(&element, ENTRY_BYTES).map_err(within)?;
            let entry = Entry::parse(&body, element.body).map_err(within)?;
            let known = self
                .tracks
                .iter()
                .any(|track| track.number() == entry.number);
            if !known {
                self.tracks.push(Listed::new(&entry));
            }
        }
        self.phase = Phase::Tracks {
            at: next,
            end,
            then,
        };
        Ok(())
    }

    /// What to read next, once the first Cluster has been found.
    fn plan(&mut self) -> Step<()> {
        if let Some(at) = self.told.seek_head.take() {
            self.phase = Phase::Told {
                at,
                id: id::SEEK_HEAD,
            };
            return Ok(());
        }
        let told_tracks = self.told.tracks.take();
        if self.tracks.is_empty() {
            let Some(at) = told_tracks else {
                let why = "there is no Tracks element before the first Cluster";
                return Err(Halt::Broken(self.first_cluster, why).within("Segment/Tracks"));
            };
            self.phase = Phase::Told { at, id: id::TRACKS };
            return Ok(());
        }
        if let Some(at) = self.told.info.take() {
            self.phase = Phase::Told { at, id: id::INFO };
            return Ok(());
        }
        self.video = self.choose_video()?;
        self.plan_cues();
        Ok(())
    }

    fn plan_cues(&mut self) {
        let told_cues = self.told.cues.take();
        if let (None, Some(at)) = (self.cues_seen, told_cues) {
            self.phase = Phase::Told { at, id: id::CUES };
        } else if !self.tail_seen && (self.cues_seen.is_none() || self.duration_ticks.is_none()) {
            self.phase = Phase::Tail;
        } else if let Some((at, end)) = self.cues_seen {
            let number = self.tracks.get(self.video).map_or(0, Listed::number);
            self.cues = Cues::new(number, self.segment_body);
            self.phase = Phase::Cues { at, end };
        } else {
            self.phase = self.first_frames();
        }
    }

    /// The video that time is told by: the first that can be carried and may be used.
    fn choose_video(&self) -> Step<usize> {
        let usable = |track: &Listed| track.is_video() && !track.disabled;
        let chosen = self.tracks.iter().position(usable);
        let chosen = chosen.or_else(|| self.tracks.iter().position(Listed::is_video));
        chosen.ok_or_else(|| {
            Halt::Fail(Error::unsupported(
                "this file",
                format!(
                    "it has no video that can be carried{}",
                    self.refused_video()
                ),
            ))
        })
    }

    /// Why its first video is not carried, to be added to a sentence.
    fn refused_video(&self) -> String {
        let refused = self.tracks.iter().find_map(Listed::refused_video);
        refused.map_or_else(String::new, |(codec, why)| format!(" ({codec}: {why})"))
    }

    /// Looks for what no SeekHead told: Cues behind the Clusters, and the last Cluster.
    fn read_tail(&mut self, window: &mut Window) -> Step<()> {
        let block = widen(limits::BLOCK_BYTES);
        let from = self
            .segment_end
            .saturating_sub(block)
            .max(self.first_cluster);
        let len = usize::try_from(self.segment_end - from).unwrap_or(usize::MAX);
        window.forget_before(from);
        let tail = match window.take(from, len) {
            Ok(tail) => tail,
            Err(Halt::Ended(_)) => bytes::Bytes::new(),
            Err(halt) => return Err(halt),
        };
        self.tail_seen = true;
        if self.cues_seen.is_none() {
            self.cues_seen = cues_in(&tail, from);
        }
        let last = tail
            .windows(4)
            .rposition(|four| four == id::CLUSTER.to_be_bytes());
        match last {
            Some(last) if self.duration_ticks.is_none() => {
                self.phase = Phase::Last {
                    walk: Walk::new(from.saturating_add(widen(last)), self.segment_end),
                    until: self.segment_end,
                };
            }
            _ => self.plan_cues(),
        }
        Ok(())
    }

    /// Reads the Cues as far as they can be read; what is damaged in them costs only speed.
    fn read_cue(&mut self, window: &mut Window, at: u64, end: u64) -> Step<()> {
        let next = if at < end.min(window.file_bytes()) {
            match self.cues.read_one(window, at, end) {
                Ok(next) => Some(next),
                Err(Halt::Need(span)) => return Err(Halt::Need(span)),
                Err(_) => None,
            }
        } else {
            None
        };
        if let Some(at) = next {
            self.phase = Phase::Cues { at, end };
            return Ok(());
        }
        self.cues.finish();
        let unknown = self.duration_ticks.is_none() && self.end_ns.is_none();
        self.phase = match self.cues.last().filter(|_| unknown) {
            Some(cue) => Phase::Last {
                walk: Walk::new(cue.cluster, self.segment_end),
                until: cue.cluster.saturating_add(limits::SEARCH_BYTES),
            },
            None => self.first_frames(),
        };
        Ok(())
    }

    /// Finds the end of the last picture.
    fn read_last(&mut self, window: &mut Window) -> Step<()> {
        let (Phase::Last { walk, until }, Some(video)) =
            (&mut self.phase, self.tracks.get(self.video))
        else {
            return Ok(());
        };
        while walk.at() < *until {
            match walk.next(window) {
                Ok(Found::Block(block)) if video.number() == block.track => {
                    let frame_ns = video.frame().map_or(0, FrameDuration::rounded_ns);
                    let end_ns = self.timeline.ns(block.ticks).saturating_add(frame_ns);
                    self.end_ns = Some(self.end_ns.map_or(end_ns, |last| last.max(end_ns)));
                }
                Ok(Found::Block(_) | Found::Gap) => {}
                Err(Halt::Need(span)) => return Err(Halt::Need(span)),
                Ok(Found::End) | Err(_) => break,
            }
        }
        if self.cues_seen.is_some() && self.cues.last().is_none() {
            self.plan_cues();
        } else {
            self.phase = self.first_frames();
        }
        Ok(())
    }

    fn first_frames(&self) -> Phase {
        Phase::First(FirstFrames::new(self.first_cluster, self.segment_end))
    }

    fn read_first(&mut self, window: &mut Window) -> Step<()> {
        let Phase::First(first) = &mut self.phase else {
            return Ok(());
        };
        let origin_ns = first.read(window, &mut self.tracks, self.video, &self.timeline)?;
        let Some(origin_ns) = origin_ns else {
            let why = "no frame of its video was found";
            return Err(Halt::Broken(self.first_cluster, why).within("Segment/Cluster"));
        };
        self.timeline.origin_ns = origin_ns;
        self.phase = Phase::Done;
        Ok(())
    }

    /// What reading a track's blocks takes, where it can be carried.
    pub(super) fn stream(&self, track: TrackId) -> Option<&Stream> {
        let listed = self.tracks.iter().find(|listed| listed.number() == track.0);
        listed.and_then(|listed| listed.stream.as_ref())
    }

    fn movie(&self) -> Movie {
        Movie {
            container: Container::Matroska,
            duration_90k: self.duration_90k(),
            tracks: self
                .tracks
                .iter()
                .map(|track| MovieTrack::clone(&track.movie))
                .collect(),
        }
    }

    /// From the first frame to the end; 0 where the file does not say.
    fn duration_90k(&self) -> i64 {
        if let Some(end_ns) = self.end_ns {
            return self.timeline.media_90k(end_ns).max(0);
        }
        let total_ns = self
            .duration_ticks
            .map_or(0, |ticks| self.timeline.float_ns(ticks));
        // Where the first frame is later than the whole, the writer did not count what is before
        // it (parts of a split film).
        let counted_from = Timeline {
            origin_ns: Some(self.timeline.origin_ns)
                .filter(|origin_ns| *origin_ns < total_ns)
                .unwrap_or(0),
            ..self.timeline
        };
        counted_from.media_90k(total_ns).max(0)
    }
}

/// Times of blocks.
impl Header {
    /// When a block is shown or heard, not shifted.
    pub(super) fn block_ns(&self, block: &Block, stream: &Stream) -> i64 {
        self.timeline
            .ns(block.ticks)
            .saturating_sub(stream.delay_ns)
    }

    /// When a picture is shown.
    pub(super) fn block_90k(&self, block: &Block, stream: &Stream) -> i64 {
        self.timeline
            .frame_90k(self.block_ns(block, stream), stream.frame)
    }

    /// When a picture is shown that a Cue tells of.
    pub(super) fn shown_90k(&self, ticks: u64, stream: &Stream) -> i64 {
        let ns = self.timeline.ns(i64::try_from(ticks).unwrap_or(i64::MAX));
        self.timeline
            .frame_90k(ns.saturating_sub(stream.delay_ns), stream.frame)
    }

    /// The time that a Cluster is counted from.
    pub(super) fn cluster_90k(&self, ticks: u64) -> i64 {
        let ns = self.timeline.ns(i64::try_from(ticks).unwrap_or(i64::MAX));
        self.timeline.media_90k(ns)
    }

    /// How long a picture is shown, where a block holds `count` of them: as the block says, unless
    /// that is only the rounded duration of a frame.
    pub(super) fn picture_90k(&self, block: &Block, stream: &Stream, count: usize) -> u32 {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let usual = stream.frame.map(FrameDuration::rounded_90k);
        let stored = block
            .duration_ticks
            .map(|ticks| self.timeline.length_90k(ticks) / count);
        let rounding = self.timeline.rounding_90k();
        match (usual, stored) {
            (Some(usual), Some(stored)) if usual.abs_diff(stored) <= rounding => usual,
            (_, Some(stored)) => stored,
            (usual, None) => usual.unwrap_or(0),
        }
    }

    /// How long an audio frame is heard, in nanoseconds: as it says itself, else as usual.
    pub(super) fn audio_ns(&self, stream: &Stream, frame: &[u8]) -> u64 {
        match stream.audio_ns(frame) {
            0 => {
                let usual = stream.frame.map_or(0, FrameDuration::rounded_ns);
                u64::try_from(usual).unwrap_or(0)
            }
            own => own,
        }
    }
}

/// Checks the body of the EBML head: what kind of document this is, and for which readers.
fn check_head(body: &[u8], at: u64) -> Step<()> {
    let mut doc_type = None;
    let highest = |child: &ebml::Child<'_>, most: u64, why: &'static str| {
        if child.uint()? > most {
            return Err(Halt::Fail(Error::unsupported("this Matroska file", why)));
        }
        Ok(())
    };
    for child in Children::new(body, at) {
        let child = child?;
        match child.id {
            id::EBML_READ_VERSION => highest(&child, 1, "its EBML version is not known")?,
            id::EBML_MAX_ID_LENGTH => highest(&child, 4, "its element IDs are too long")?,
            id::EBML_MAX_SIZE_LENGTH => highest(&child, 8, "its element sizes are too long")?,
            id::DOC_TYPE_READ_VERSION => highest(&child, 4, "it is of a later version")?,
            id::DOC_TYPE => doc_type = Some(child.text()),
            _ => {}
        }
    }
    match doc_type.as_deref() {
        Some("matroska" | "webm") => Ok(()),
        Some(other) => Err(Halt::Fail(Error::unsupported(
            "this file",
            format!("it is an EBML document of the type {other:?}, not Matroska"),
        ))),
        None => Err(Halt::Broken(
            at,
            "it does not say what kind of document this is",
        )),
    }
}

/// Cues in the last bytes of a Segment, which stand at `at`: an element of that name behind which
/// other elements follow up to the very end. Where their body begins and ends.
fn cues_in(tail: &[u8], at: u64) -> Option<(u64, u64)> {
    let pattern = id::CUES.to_be_bytes();
    let mut places = (0..tail.len()).filter(|place| {
        tail.get(*place..)
            .is_some_and(|rest| rest.starts_with(&pattern))
    });
    places.find_map(|place| {
        let mut rest = tail.get(place..)?;
        let mut rest_at = at.saturating_add(widen(place));
        let cues = ebml::head(rest, rest_at).ok()?;
        for _ in 0..limits::NESTING {
            if rest.is_empty() {
                return Some((cues.body, cues.end()?));
            }
            let element = ebml::head(rest, rest_at).ok()?;
            let len = usize::try_from(element.end()?.checked_sub(rest_at)?).ok()?;
            rest = rest.get(len..)?;
            rest_at = element.end()?;
        }
        None
    })
}
