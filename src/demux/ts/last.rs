//! The last picture of a file: where its video ends. Looks through the end of the file, and through
//! more of it where that holds too few pictures.

use super::clock::{Anchor, Clock};
use super::layout::Layout;
use super::packet::Packets;
use super::pes::{self, Stamp};
use super::window::{Step, Window};

/// Bytes at the end of the file that are looked through.
const TAIL_BYTES: [u64; 3] = [256 << 10, 1 << 20, 4 << 20];
/// Pictures that are enough however many may be reordered: coders use few of what they may.
const ENOUGH: usize = 6;

/// The search for it.
#[derive(Debug)]
pub(super) struct LastPicture {
    packets: Packets,
    file_bytes: u64,
    attempt: usize,
    pictures: usize,
    enough: usize,
    frame_90k: u32,
    /// From the first time that was seen on.
    clock: Option<Clock>,
    shown_90k: Option<i64>,
}

impl LastPicture {
    /// In a file of this length whose pictures are reordered by so many.
    pub(super) fn new(layout: &Layout, file_bytes: u64, reorder: u8, frame_90k: u32) -> Self {
        let mut search = Self {
            packets: Packets::new(0, 0, layout.stride),
            file_bytes,
            attempt: 0,
            pictures: 0,
            enough: ENOUGH.min(usize::from(reorder) + 2),
            frame_90k,
            clock: None,
            shown_90k: None,
        };
        search.begin(layout);
        search
    }

    fn begin(&mut self, layout: &Layout) {
        let tail_bytes = TAIL_BYTES.get(self.attempt).copied().unwrap_or(u64::MAX);
        let from = self.file_bytes.saturating_sub(tail_bytes);
        self.packets = Packets::new(from.max(layout.begin), self.file_bytes, layout.stride);
        self.pictures = 0;
        self.clock = None;
        self.shown_90k = None;
    }

    /// When the last picture is shown; 0 where there is none.
    pub(super) fn find(&mut self, window: &mut Window, layout: &Layout) -> Step<i64> {
        loop {
            while let Some(packet) = self.packets.next(window)? {
                if packet.pid == layout.video
                    && packet.begins
                    && !packet.scrambled
                    && let Some(stamp) = pes::stamp(packet.payload)
                {
                    self.note(packet.at, stamp, layout);
                }
            }
            self.attempt += 1;
            if self.pictures >= self.enough || self.attempt >= TAIL_BYTES.len() {
                return Ok(self.shown_90k.unwrap_or(0));
            }
            self.begin(layout);
        }
    }

    fn note(&mut self, at: u64, stamp: Stamp, layout: &Layout) {
        let frame_90k = self.frame_90k;
        let clock = self.clock.get_or_insert_with(|| {
            let (piece, _) = layout.piece_at(at, self.file_bytes);
            let anchor = Anchor {
                raw: stamp.dts,
                at_90k: piece.anchor.later_90k(stamp.dts),
            };
            Clock::new(anchor, frame_90k)
        });
        if let Some(piece) = layout.piece_from(at) {
            clock.join(piece.anchor);
        }
        let times = clock.picture(stamp);
        self.shown_90k = self.shown_90k.max(Some(times.pts_90k));
        self.pictures += 1;
    }
}
