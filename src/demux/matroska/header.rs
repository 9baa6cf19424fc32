//! What stands around the Clusters (RFC 9559 §5.1): read once, before the first sample.
//!
//! The walk: EBML head, Segment, its elements up to the first Cluster, its first frames, which say
//! where time begins, what the SeekHead knows further on, and where it knows nothing the file's last
//! bytes; then the Cues and the last picture. Attachments, Chapters and Tags are stepped over.

use super::cluster;
use super::cue::Cues;
use super::ebml::{Element, Halt, Step, widen};
use super::entry::Entry;
use super::first::FirstFrames;
use super::id;
use super::last::LastPicture;
use super::layout::Layout;
use super::stream::Listed;
use super::table::{self, Told};
use super::window::Window;
use crate::demux::Purpose;
use crate::limits;

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
    /// Looking for the last picture.
    Last(LastPicture),
    /// Among the first blocks.
    First(FirstFrames),
    /// All is read.
    Done,
}

/// The reading of the header.
#[derive(Debug)]
pub(super) struct Header {
    phase: Phase,
    told: Told,
    chain: Chain,
    /// Where the body of the Cues begins and ends.
    cues_seen: Option<(u64, u64)>,
    tail: Look,
    first_frames: Look,
    purpose: Purpose,
    /// What has been read.
    layout: Layout,
}

/// Whether a SeekHead has been followed to a second one. It is done once, so that there is no
/// circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chain {
    Unfollowed,
    Followed,
}

/// Whether a part of the file has been looked at: its end, its first frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Unseen,
    Seen,
}

impl Header {
    /// Nothing read yet.
    pub(super) fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            phase: Phase::Head,
            told: Told::default(),
            chain: Chain::Unfollowed,
            cues_seen: None,
            tail: Look::Unseen,
            first_frames: Look::Unseen,
            layout: Layout::default(),
        }
    }

    /// Reads on until all is read.
    pub(super) fn read(&mut self, window: &mut Window) -> Step<Layout> {
        loop {
            match self.phase {
                Phase::Head => self.read_head(window)?,
                Phase::Segment { at, passed } => self.read_segment(window, at, passed)?,
                Phase::Children { at } => self.read_child(window, at)?,
                Phase::Told { at, id } => self.read_told(window, at, id)?,
                Phase::Tracks { at, end, then } => self.read_track(window, at, end, then)?,
                Phase::Tail => self.read_tail(window)?,
                Phase::Cues { at, end } => self.read_cue(window, at, end)?,
                Phase::Last(_) => self.read_last(window)?,
                Phase::First(_) => self.read_first(window)?,
                Phase::Done => return Ok(std::mem::take(&mut self.layout)),
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
        table::check_head(&body, element.body).map_err(within)?;
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
            self.layout.segment_body = element.body;
            self.layout.segment_end = element.end().unwrap_or(file_bytes).min(file_bytes);
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
        if at >= self.layout.segment_end {
            return Err(Halt::Broken(at, "there is no Cluster in it").within(WHAT));
        }
        let element = window
            .head(at, self.layout.segment_end)
            .map_err(|halt| halt.within(WHAT))?;
        if element.id == id::CLUSTER {
            self.layout.first_cluster = at;
            if self.purpose == Purpose::Live {
                // What is told of further on cannot be looked up.
                self.told = Told::default();
                window.keep_from(at);
            }
            return self.plan();
        }
        let Some(end) = element.end() else {
            let why = "an element's size is unknown where it must be told";
            return Err(Halt::Broken(at, why).within(WHAT));
        };
        if element.id == id::TRACKS && self.layout.tracks.is_empty() {
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
                let base = self.layout.segment_body;
                table::seek_head(&body, table.body, base, &mut self.told).map_err(within)?;
            }
            id::INFO => {
                let within = |halt: Halt| halt.within("Segment/Info");
                let body = window.body(table, TABLE_BYTES).map_err(within)?;
                table::info(&body, table.body, &mut self.layout).map_err(within)?;
                self.told.info = None;
            }
            id::CUES => {
                let end = table.end().unwrap_or(table.body);
                self.cues_seen = Some((table.body, end));
            }
            _ => {}
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
        if at >= end || self.layout.tracks.len() >= limits::TRACKS {
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
                .layout
                .tracks
                .iter()
                .any(|track| track.number() == entry.number);
            if !known {
                self.layout.tracks.push(Listed::new(&entry));
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
        let second = self.told.seek_head.take();
        if let (Some(at), Chain::Unfollowed) = (second, self.chain) {
            self.chain = Chain::Followed;
            self.phase = Phase::Told {
                at,
                id: id::SEEK_HEAD,
            };
            return Ok(());
        }
        let told_tracks = self.told.tracks.take();
        if self.layout.tracks.is_empty() {
            let Some(at) = told_tracks else {
                let why = "there is no Tracks element before the first Cluster";
                return Err(Halt::Broken(self.layout.first_cluster, why).within("Segment/Tracks"));
            };
            self.phase = Phase::Told { at, id: id::TRACKS };
            return Ok(());
        }
        if let Some(at) = self.told.info.take() {
            self.phase = Phase::Told { at, id: id::INFO };
            return Ok(());
        }
        if self.first_frames == Look::Unseen {
            self.layout.video = self.layout.choose_video()?;
            self.phase = self.first_frames();
        } else {
            self.plan_cues();
        }
        Ok(())
    }

    fn plan_cues(&mut self) {
        if self.purpose == Purpose::Live {
            self.phase = Phase::Done;
            return;
        }
        let told_cues = self.told.cues.take();
        if let (None, Some(at)) = (self.cues_seen, told_cues) {
            self.phase = Phase::Told { at, id: id::CUES };
        } else if self.cues_seen.is_none() && self.tail == Look::Unseen {
            self.phase = Phase::Tail;
        } else if let Some((at, end)) = self.cues_seen {
            let number = self
                .layout
                .tracks
                .get(self.layout.video)
                .map_or(0, Listed::number);
            self.layout.cues = Cues::new(number, self.layout.segment_body);
            self.phase = Phase::Cues { at, end };
        } else {
            self.phase = Phase::Done;
        }
    }

    /// Looks for what no SeekHead told: Cues behind the Clusters, and the last Cluster.
    fn read_tail(&mut self, window: &mut Window) -> Step<()> {
        let block = widen(limits::BLOCK_BYTES);
        let from = self
            .layout
            .segment_end
            .saturating_sub(block)
            .max(self.layout.first_cluster);
        let len = usize::try_from(self.layout.segment_end - from).unwrap_or(usize::MAX);
        window.forget_before(from);
        let tail = match window.take(from, len) {
            Ok(tail) => tail,
            Err(Halt::Ended(_)) => bytes::Bytes::new(),
            Err(halt) => return Err(halt),
        };
        self.tail = Look::Seen;
        if self.cues_seen.is_none() {
            self.cues_seen = table::cues_in(&tail, from);
        }
        let mut places = tail.windows(4).enumerate().rev();
        let cluster = places.find_map(|(place, four)| {
            let at = from.saturating_add(widen(place));
            let is_cluster =
                four == id::CLUSTER.to_be_bytes() && cluster::timestamp_of(window, at).is_ok();
            is_cluster.then_some(at)
        });
        let lists = self.purpose == Purpose::Listing;
        match cluster.filter(|_| lists && self.cues_seen.is_none()) {
            Some(cluster) => {
                self.phase = Phase::Last(LastPicture::among_blocks(cluster, &self.layout));
            }
            None => self.plan_cues(),
        }
        Ok(())
    }

    /// Reads the Cues as far as they can be read; what is damaged in them costs only speed.
    fn read_cue(&mut self, window: &mut Window, at: u64, end: u64) -> Step<()> {
        let next = if at < end.min(window.file_bytes()) {
            match self.layout.cues.read_one(window, at, end) {
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
        self.layout.cues.finish();
        self.phase = match self.layout.cues.last() {
            Some(_) if self.purpose == Purpose::Air => Phase::Done,
            Some(cue) => Phase::Last(LastPicture::behind_key_frame(cue.cluster)),
            None => {
                self.cues_seen = None;
                self.plan_cues();
                return Ok(());
            }
        };
        Ok(())
    }

    fn read_last(&mut self, window: &mut Window) -> Step<()> {
        let Phase::Last(last) = &mut self.phase else {
            return Ok(());
        };
        self.layout.last = last.find(window, &self.layout)?;
        self.phase = Phase::Done;
        Ok(())
    }

    fn first_frames(&self) -> Phase {
        let first = self.layout.first_cluster;
        let most = match self.purpose {
            Purpose::Live => first.saturating_add(widen(limits::LIVE_HEAD_BYTES)),
            Purpose::Listing | Purpose::Air => u64::MAX,
        };
        Phase::First(FirstFrames::new(first, self.layout.segment_end.min(most)))
    }

    fn read_first(&mut self, window: &mut Window) -> Step<()> {
        let Phase::First(first) = &mut self.phase else {
            return Ok(());
        };
        let origin_ns = first.read(
            window,
            &mut self.layout.tracks,
            self.layout.video,
            &self.layout.timeline,
        )?;
        let Some(origin_ns) = origin_ns else {
            let why = "no frame of its video was found";
            return Err(Halt::Broken(self.layout.first_cluster, why).within("Segment/Cluster"));
        };
        self.layout.timeline.origin_ns = origin_ns;
        self.first_frames = Look::Seen;
        self.plan()
    }
}
