//! Opening a file: its framing, its program, the first pictures and frames of each stream, where
//! recordings were joined, and where it ends.

use super::clock::Anchor;
use super::last::LastPicture;
use super::layout::{Layout, Piece, Place};
use super::packet::{Framing, Packet, Packets};
use super::probe::Probe;
use super::program::{Patience, Programs};
use super::survey::Survey;
use super::window::{Halt, Step, Window, widen};
use crate::demux::RECOGNISE_BYTES;
use crate::error::{Error, Result};
use crate::limits;

/// Bytes in which the PMTs of programs that come first are waited for.
const TABLES_BYTES: u64 = 2 << 20;
/// Bytes behind the first picture in which the first frames of other streams are looked for.
const OTHERS_BYTES: u64 = 2 << 20;

/// Reads a file's beginning and its end.
#[derive(Debug)]
pub(super) struct Opening {
    stage: Stage,
    framing: Framing,
    programs: Programs,
    probes: Vec<Probe>,
    /// As far as it is known.
    layout: Layout,
}

#[derive(Debug)]
enum Stage {
    Framing,
    Tables(Packets),
    First(Packets),
    Joins(Survey),
    Last(LastPicture),
}

impl Opening {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Framing,
            framing: Framing {
                first: 0,
                stride: 0,
            },
            programs: Programs::default(),
            probes: Vec::new(),
            layout: Layout::default(),
        }
    }

    /// Reads on, until all is known.
    pub(super) fn read(&mut self, window: &mut Window) -> Step<Layout> {
        loop {
            self.stage = match &mut self.stage {
                Stage::Framing => {
                    self.framing = framing(window)?;
                    Stage::Tables(self.packets(window))
                }
                Stage::Tables(packets) => {
                    read_tables(packets, window, &mut self.programs)?;
                    self.probes = probes(&self.programs)?;
                    Stage::First(self.packets(window))
                }
                Stage::First(packets) => {
                    read_first(packets, window, &mut self.programs, &mut self.probes)?;
                    self.layout = self.layout(window).map_err(Halt::Fail)?;
                    if window.is_live() {
                        return Ok(std::mem::take(&mut self.layout));
                    }
                    Stage::Joins(Survey::new(&self.layout, window.file_bytes()))
                }
                Stage::Joins(survey) => {
                    let (frame_90k, reorder) = rhythm(&self.probes);
                    let pieces = survey.find(window, &self.layout, i64::from(frame_90k))?;
                    self.layout.pieces = pieces;
                    let file_bytes = window.file_bytes();
                    Stage::Last(LastPicture::new(
                        &self.layout,
                        file_bytes,
                        reorder,
                        frame_90k,
                    ))
                }
                Stage::Last(last) => {
                    let shown_90k = last.find(window, &self.layout)?.max(0);
                    let (frame_90k, _) = rhythm(&self.probes);
                    self.layout.duration_90k = shown_90k.saturating_add(i64::from(frame_90k));
                    return Ok(std::mem::take(&mut self.layout));
                }
            };
        }
    }

    /// All packets of the file, or those at the beginning of a stream, which are kept meanwhile.
    fn packets(&self, window: &Window) -> Packets {
        let begin = widen(self.framing.first);
        let end = if window.is_live() {
            widen(limits::LIVE_HEAD_BYTES)
        } else {
            u64::MAX
        };
        let end = window.file_bytes().min(end);
        Packets::new(begin, end, self.framing.stride)
    }

    /// What was found, but for the duration.
    fn layout(&self, window: &Window) -> Result<Layout> {
        let found = self.probes.iter().find_map(|probe| {
            let (place, origin_90k) = probe.first()?;
            Some((probe.pid(), place, origin_90k))
        });
        let (video, place, origin_90k) = found.ok_or_else(|| no_pictures(&self.probes))?;
        // Time 0 is when the first picture is shown.
        let first = Place {
            at: place.at,
            anchor: Anchor {
                raw: place.anchor.raw,
                at_90k: place.anchor.at_90k.saturating_sub(origin_90k),
            },
        };
        let begin = widen(self.framing.first).min(window.file_bytes());
        Ok(Layout {
            stride: self.framing.stride,
            begin,
            programs: self.programs.clone(),
            streams: self.probes.iter().map(Probe::stream).collect(),
            video,
            first,
            pieces: vec![Piece {
                from: begin,
                anchor: first.anchor,
            }],
            duration_90k: 0,
        })
    }
}

fn framing(window: &mut Window) -> Step<Framing> {
    let len = usize::try_from(window.file_bytes()).unwrap_or(usize::MAX);
    let len = len.min(RECOGNISE_BYTES);
    window.hold(0, len, limits::SOURCE_OPENING_BYTES)?;
    let head = window.held(0).get(..len).unwrap_or_default();
    let why = "no packets stand in a row at its beginning";
    Framing::find(head).ok_or_else(|| Halt::Fail(Error::malformed("MPEG-TS", 0, why)))
}

/// Reads until it is known what is played.
fn read_tables(packets: &mut Packets, window: &mut Window, programs: &mut Programs) -> Step<()> {
    while programs.streams().is_none() && packets.at() < limits::SEARCH_BYTES {
        let Some(packet) = packets.next(window)? else {
            break;
        };
        programs.push(&packet);
        if packets.at() > TABLES_BYTES {
            programs.choose(Patience::Over);
        }
    }
    programs.choose(Patience::Over);
    Ok(())
}

fn probes(programs: &Programs) -> Step<Vec<Probe>> {
    let streams = programs.streams();
    let streams =
        streams.ok_or_else(|| Halt::Fail(Error::unsupported("this file", programs.why_none())))?;
    Ok(streams.iter().cloned().map(Probe::new).collect())
}

/// Reads until each stream has shown what it is, or long enough.
fn read_first(
    packets: &mut Packets,
    window: &mut Window,
    programs: &mut Programs,
    probes: &mut [Probe],
) -> Step<()> {
    let mut until = probes.iter().find_map(first_at);
    loop {
        let limit = until.map_or(limits::SEARCH_BYTES, |at| at.saturating_add(OTHERS_BYTES));
        if packets.at() >= limit || probes.iter().all(Probe::is_known) {
            return Ok(());
        }
        let Some(packet) = packets.next(window)? else {
            probes.iter_mut().for_each(Probe::finish);
            return Ok(());
        };
        programs.push(&packet);
        look(&packet, probes);
        until = until.or_else(|| probes.iter().find_map(first_at));
    }
}

/// Where the first picture begins, if it was found.
fn first_at(probe: &Probe) -> Option<u64> {
    Some(probe.first()?.0.at)
}

/// Gives a packet to the stream that it belongs to.
fn look(packet: &Packet<'_>, probes: &mut [Probe]) {
    let clock = probes.iter().find_map(|one| one.clock().cloned());
    let probe = probes.iter_mut().find(|one| one.pid() == packet.pid);
    if let (Some(probe), Some(mut clock)) = (probe, clock) {
        probe.push(packet, &mut clock);
    }
}

/// How long the frames of the video last that is played, 0 where that is unknown, and how deeply
/// they are reordered.
fn rhythm(probes: &[Probe]) -> (u32, u8) {
    probes.iter().find_map(Probe::rhythm).unwrap_or((0, 0))
}

/// Why there is nothing to begin with.
fn no_pictures(probes: &[Probe]) -> Error {
    if probes.iter().any(Probe::is_scrambled_video) {
        return Error::unsupported("this file", "its pictures are scrambled");
    }
    let refused = probes.iter().find_map(Probe::refused_video);
    let none = "no picture was found that decoding can begin with";
    refused.unwrap_or_else(|| Error::unsupported("this file", none))
}
