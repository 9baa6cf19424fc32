//! Where to begin: the last picture that decoding can begin with and that is shown at or before a
//! time. There is no index, so times are looked up where they stand, in fewer and fewer bytes, and
//! from there the pictures are looked through, backwards in steps that grow.

use super::clock::{Anchor, Clock};
use super::layout::{Layout, Piece, Place};
use super::packet::Packets;
use super::pes;
use super::video::VideoLine;
use super::window::{Halt, Step, Window};
use crate::error::Error;
use crate::limits;
use crate::media::{Sync, VideoCodec};
use std::collections::VecDeque;

/// Bytes that are read where a time is looked up.
const LOOK_BYTES: usize = 32 << 10;
/// Bytes in which no time is looked up any more.
const NARROW_BYTES: u64 = 256 << 10;
/// Bytes that are looked through for pictures at first; twice as many each time.
const STEP_BYTES: u64 = 256 << 10;
/// Guesses by bit rate, before the middle is taken.
const GUESSES: u32 = 8;

/// The search for a place.
#[derive(Debug)]
pub(super) struct Search {
    video: u16,
    codec: VideoCodec,
    time_90k: i64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Begin,
    Times(Times),
    Pictures(Box<Pictures>),
    Done(Place),
}

/// Looking up times.
#[derive(Debug)]
struct Times {
    piece: Piece,
    /// A place that is not later than what is sought, and its decoding time.
    low: u64,
    low_anchor: Anchor,
    /// A place that is later.
    high: u64,
    high_90k: i64,
    tries: u32,
    packets: Packets,
    looked_from: u64,
}

/// Looking through pictures.
#[derive(Debug)]
struct Pictures {
    piece: Piece,
    from: u64,
    /// Pictures from here on were looked at before.
    until: u64,
    step: u64,
    anchor: Anchor,
    packets: Packets,
    clock: Clock,
    line: VideoLine,
    best: Option<Place>,
    is_past: bool,
}

impl Search {
    /// In the pictures of one stream.
    pub(super) fn new(video: u16, codec: VideoCodec, time_90k: i64) -> Self {
        Self {
            video,
            codec,
            time_90k,
            stage: Stage::Begin,
        }
    }

    /// Searches on.
    pub(super) fn find(&mut self, window: &mut Window, layout: &Layout) -> Step<Place> {
        loop {
            self.stage = match &mut self.stage {
                Stage::Begin if self.time_90k <= 0 => Stage::Done(layout.first),
                Stage::Begin => Stage::Times(Times::new(layout, self.time_90k, window)),
                Stage::Times(times) => {
                    times.look_up(window, layout, self.video, self.time_90k)?;
                    Stage::Pictures(Box::new(times.pictures(layout, self.codec, window)))
                }
                Stage::Pictures(pictures) => {
                    pictures.look_through(window, self.video, self.time_90k)?;
                    match pictures.best {
                        Some(place) => Stage::Done(place),
                        None if pictures.from > pictures.piece.from => {
                            pictures.step_back(layout, self.codec, window)?;
                            continue;
                        }
                        None => Stage::Done(beginning(&pictures.piece, layout)),
                    }
                }
                Stage::Done(place) => return Ok(*place),
            };
        }
    }
}

/// The first picture of a piece.
fn beginning(piece: &Piece, layout: &Layout) -> Place {
    if piece.from == layout.begin {
        return layout.first;
    }
    Place {
        at: piece.from,
        anchor: piece.anchor,
    }
}

impl Times {
    fn new(layout: &Layout, time_90k: i64, window: &Window) -> Self {
        let (piece, high) = layout.piece_of(time_90k, window.file_bytes());
        let next = layout.pieces.iter().find(|next| next.from >= high);
        let high_90k = next.map_or(layout.duration_90k, |next| next.anchor.at_90k);
        let low = beginning(&piece, layout);
        let mut times = Self {
            piece,
            low: low.at,
            low_anchor: low.anchor,
            high,
            high_90k,
            tries: 0,
            packets: Packets::new(0, 0, layout.stride),
            looked_from: 0,
        };
        times.aim(layout, time_90k);
        times
    }

    /// Chooses where to look next.
    fn aim(&mut self, layout: &Layout, time_90k: i64) {
        let span = self.high.saturating_sub(self.low);
        let guess = if self.tries < GUESSES {
            let part = i128::from(time_90k.saturating_sub(self.low_anchor.at_90k));
            let whole = i128::from(self.high_90k.saturating_sub(self.low_anchor.at_90k)).max(1);
            let bytes = i128::from(span) * part.clamp(0, whole) / whole;
            u64::try_from(bytes).unwrap_or(0)
        } else {
            span / 2
        };
        // A little early, so that the picture is between.
        let early = guess.saturating_sub(NARROW_BYTES / 2);
        self.looked_from = self.low + early.clamp(span / 16, span / 16 * 15);
        self.tries += 1;
        self.packets =
            Packets::new(self.looked_from, self.high, layout.stride).reaching(LOOK_BYTES);
    }

    /// Looks up times until few bytes are left.
    fn look_up(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        video: u16,
        time_90k: i64,
    ) -> Step<()> {
        while self.high.saturating_sub(self.low) > NARROW_BYTES {
            let found = loop {
                let Some(packet) = self.packets.next(window)? else {
                    break None;
                };
                if packet.pid == video
                    && packet.begins
                    && !packet.scrambled
                    && let Some(stamp) = pes::stamp(packet.payload)
                {
                    break Some((packet.at, stamp.dts));
                }
                if packet.at.saturating_sub(self.looked_from) > limits::SEARCH_BYTES {
                    break None;
                }
            };
            match found {
                Some((at, raw)) => {
                    let dts_90k = self.piece.anchor.later_90k(raw);
                    if dts_90k <= time_90k {
                        self.low = at;
                        self.low_anchor = Anchor {
                            raw,
                            at_90k: dts_90k,
                        };
                    } else {
                        self.high = self.looked_from;
                        self.high_90k = dts_90k;
                    }
                }
                None => self.high = self.looked_from,
            }
            self.aim(layout, time_90k);
        }
        Ok(())
    }

    /// Goes on with the pictures around the place that was found.
    fn pictures(&self, layout: &Layout, codec: VideoCodec, window: &Window) -> Pictures {
        let from = self.low.saturating_sub(STEP_BYTES).max(self.piece.from);
        Pictures {
            piece: self.piece,
            from,
            until: u64::MAX,
            step: STEP_BYTES,
            anchor: self.low_anchor,
            packets: Packets::new(from, window.file_bytes(), layout.stride),
            clock: Clock::new(self.low_anchor, 0),
            line: VideoLine::new(codec, 0),
            best: None,
            is_past: false,
        }
    }
}

impl Pictures {
    /// Looks at the pictures from `from` on, up to those that are too late or were looked at.
    fn look_through(&mut self, window: &mut Window, video: u16, time_90k: i64) -> Step<()> {
        let mut pictures = VecDeque::new();
        while !self.is_past {
            match self.packets.next(window)? {
                Some(packet) if packet.pid == video => {
                    self.line.push(&packet, &mut self.clock, &mut pictures);
                }
                Some(_) => {}
                None => {
                    self.line.finish(&mut pictures);
                    self.is_past = true;
                }
            }
            for picture in pictures.drain(..) {
                if picture.at >= self.until || picture.times.dts_90k > time_90k {
                    self.is_past = true;
                } else if picture.sync == Sync::RandomAccess && picture.times.pts_90k <= time_90k {
                    self.best = Some(Place {
                        at: picture.at,
                        anchor: Anchor {
                            raw: picture.times.raw,
                            at_90k: picture.times.dts_90k,
                        },
                    });
                }
            }
        }
        Ok(())
    }

    /// Goes back, twice as far as before.
    fn step_back(&mut self, layout: &Layout, codec: VideoCodec, window: &Window) -> Step<()> {
        if self.step > limits::KEY_FRAME_SEARCH_BYTES {
            let why = "no picture was found that decoding can begin with";
            return Err(Halt::Fail(Error::malformed("MPEG-TS", self.from, why)));
        }
        self.step *= 2;
        self.until = self.from;
        self.from = self.from.saturating_sub(self.step).max(self.piece.from);
        self.packets = Packets::new(self.from, window.file_bytes(), layout.stride);
        self.clock = Clock::new(self.anchor, 0);
        self.line = VideoLine::new(codec, 0);
        self.is_past = false;
        Ok(())
    }
}
