//! The last picture of a file: where its video ends. Looks through the end of the file, and through
//! more of it where that holds too few pictures.

use super::layout::Layout;
use super::packet::Packets;
use super::pes;
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
    shown_90k: Option<i64>,
}

impl LastPicture {
    /// In a file of this length whose pictures are reordered by so many.
    pub(super) fn new(layout: &Layout, file_bytes: u64, reorder: u8) -> Self {
        let mut search = Self {
            packets: Packets::new(0, 0, layout.stride),
            file_bytes,
            attempt: 0,
            pictures: 0,
            enough: ENOUGH.min(usize::from(reorder) + 2),
            shown_90k: None,
        };
        search.begin(layout);
        search
    }

    fn begin(&mut self, layout: &Layout) {
        let tail_bytes = TAIL_BYTES.get(self.attempt).copied().unwrap_or(u64::MAX);
        let from = self.file_bytes.saturating_sub(tail_bytes).max(layout.begin);
        self.packets = Packets::new(from, self.file_bytes, layout.stride);
        self.pictures = 0;
    }

    /// When the last picture is shown; 0 where there is none.
    pub(super) fn find(&mut self, window: &mut Window, layout: &Layout) -> Step<i64> {
        loop {
            while let Some(packet) = self.packets.next(window)? {
                if packet.pid != layout.video || !packet.begins || packet.scrambled {
                    continue;
                }
                if let Some(stamp) = pes::stamp(packet.payload) {
                    let (piece, _) = layout.piece_at(packet.at, self.file_bytes);
                    let shown_90k = piece.anchor.later_90k(stamp.pts);
                    self.shown_90k = self.shown_90k.max(Some(shown_90k));
                    self.pictures += 1;
                }
            }
            self.attempt += 1;
            if self.pictures >= self.enough || self.attempt >= TAIL_BYTES.len() {
                return Ok(self.shown_90k.unwrap_or(0));
            }
            self.begin(layout);
        }
    }
}
