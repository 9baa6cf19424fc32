//! A video stream of the file: packets in, pictures with media times out. What is damaged is left
//! out, and the next picture says so.

use super::clock::{Clock, Times};
use super::packet::{Continuity, Follows, Packet};
use super::pes::PesReader;
use super::picture::{Coded, Pictures};
use super::unit::{Mark, Units};
use crate::media::{Sync, VideoCodec};
use bytes::Bytes;
use std::collections::VecDeque;

/// Stands in where the frame rate is unknown: 30 per second.
pub(super) const USUAL_FRAME_90K: u32 = 3000;

/// A whole picture.
#[derive(Debug)]
pub(super) struct Picture {
    /// The packet in which its PES packet begins.
    pub(super) at: u64,
    pub(super) times: Times,
    /// Whether the file says these times, and they are not only counted on from others.
    pub(super) is_told: bool,
    pub(super) duration_90k: u32,
    pub(super) sync: Sync,
    pub(super) data: Bytes,
    /// Something before it is missing.
    pub(super) after_loss: bool,
}

/// One video stream.
#[derive(Debug)]
pub(super) struct VideoLine {
    continuity: Continuity,
    pes: PesReader,
    units: Units,
    pictures: Pictures,
    times: MissingTimes,
    lost: bool,
    /// Scrambled packets that were met.
    pub(super) scrambled: usize,
}

impl VideoLine {
    /// A stream of this codec whose frames last `frame_90k`, or 0.
    pub(super) fn new(codec: VideoCodec, frame_90k: u32) -> Self {
        Self {
            continuity: Continuity::default(),
            pes: PesReader::default(),
            units: Units::new(codec),
            pictures: Pictures::new(codec),
            times: MissingTimes::new(frame_90k),
            lost: false,
            scrambled: 0,
        }
    }

    /// Takes a packet of this stream, and gives the pictures that are whole.
    pub(super) fn push(
        &mut self,
        packet: &Packet<'_>,
        clock: &mut Clock,
        out: &mut VecDeque<Picture>,
    ) {
        if packet.payload.is_empty() {
            return;
        }
        match self.continuity.judge(packet) {
            Follows::Again => return,
            // Where the sender says so, what came before is whole.
            Follows::Gap if packet.interrupts && packet.begins => {
                self.finish(out);
                self.lose();
            }
            Follows::Gap => self.lose(),
            Follows::Next => {}
        }
        if packet.scrambled {
            self.scrambled += 1;
            self.lose();
            return;
        }
        let Some(part) = self.pes.push(packet.begins, packet.payload) else {
            if self.pes.is_lost() {
                self.lose();
            }
            return;
        };
        let mark = part.begins.then(|| Mark {
            at: packet.at,
            times: part.stamp.map(|stamp| clock.picture(stamp)),
        });
        if !self.units.push(mark, part.payload) {
            self.lose();
        }
        while let Some(unit) = self.units.next() {
            for coded in self.pictures.push(&unit).into_iter().flatten() {
                out.extend(self.times.picture(coded, &mut self.lost));
            }
        }
    }

    /// Gives what is left at the end of the stream.
    pub(super) fn finish(&mut self, out: &mut VecDeque<Picture>) {
        let last = self.units.rest().map(|unit| self.pictures.push(&unit));
        let last = last.into_iter().flatten().flatten();
        for coded in last.chain(self.pictures.rest()) {
            out.extend(self.times.picture(coded, &mut self.lost));
        }
        self.units.clear();
    }

    /// Forgets what is in work: it is not whole.
    pub(super) fn lose(&mut self) {
        self.pes.lose();
        self.units.clear();
        self.pictures.clear();
        self.lost = true;
    }
}

/// Times of pictures that have none of their own, since they share a PES packet with others.
#[derive(Debug)]
struct MissingTimes {
    frame_90k: u32,
    last: Option<Times>,
    /// When the first picture of this MPEG-2 group is shown, and the highest number in it.
    group: Option<(i64, i64)>,
}

impl MissingTimes {
    fn new(frame_90k: u32) -> Self {
        Self {
            frame_90k,
            last: None,
            group: None,
        }
    }

    /// A picture with its times; `None` where nothing tells them yet.
    fn picture(&mut self, coded: Coded, lost: &mut bool) -> Option<Picture> {
        let usual_90k = if self.frame_90k == 0 {
            USUAL_FRAME_90K
        } else {
            self.frame_90k
        };
        let frame_90k = i64::from(usual_90k);
        let shown_90k = self.shown_90k(&coded, frame_90k);
        let next = self.last.map(|last| Times {
            raw: last.raw.saturating_add(frame_90k),
            dts_90k: last.dts_90k.saturating_add(frame_90k),
            pts_90k: shown_90k.unwrap_or(last.pts_90k.saturating_add(frame_90k)),
        });
        let times = coded.mark.times.or(next)?;
        self.last = Some(times);
        Some(Picture {
            at: coded.mark.at,
            times,
            is_told: coded.mark.times.is_some(),
            duration_90k: self.frame_90k.saturating_mul(coded.halves) / 2,
            sync: coded.sync,
            data: coded.data,
            after_loss: std::mem::take(lost),
        })
    }

    /// When an MPEG-2 picture is shown, by its number in its group.
    fn shown_90k(&mut self, coded: &Coded, frame_90k: i64) -> Option<i64> {
        let place = coded.place?;
        let told_90k = coded.mark.times.map(|times| times.pts_90k);
        let group_90k = match (told_90k, self.group) {
            (Some(told_90k), _) => told_90k.saturating_sub(place.number * frame_90k),
            (None, Some((group_90k, highest))) if place.begins_group => {
                group_90k.saturating_add((highest + 1) * frame_90k)
            }
            (None, group) => group?.0,
        };
        let before = self.group.filter(|_| !place.begins_group);
        let highest = before.map_or(place.number, |(_, highest)| highest.max(place.number));
        self.group = Some((group_90k, highest));
        Some(group_90k.saturating_add(place.number * frame_90k))
    }
}
