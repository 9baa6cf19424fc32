//! Opening a file: its framing, its program, the first pictures and frames of each stream, and
//! where it ends.

use super::clock::{Anchor, Clock};
use super::last::LastPicture;
use super::layout::{Layout, Piece, Place, Stream};
use super::listing::{Kind, Listing, SoundCoding};
use super::packet::{Framing, Packet, Packets};
use super::picture::{self, Description};
use super::program::{Patience, Programs};
use super::rate::Rate;
use super::sound::{FrameHeader, SoundLine};
use super::video::VideoLine;
use super::window::{Halt, Step, Window, widen};
use crate::demux::{MovieTrack, RECOGNISE_BYTES};
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{Sync, Track, TrackId, TrackKind, VideoCodec, VideoTrack};
use bytes::Bytes;
use std::collections::VecDeque;

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
}

#[derive(Debug)]
enum Stage {
    Framing,
    Tables(Packets),
    First(Packets),
    Last(Box<(LastPicture, Layout)>),
}

/// A stream being looked at.
#[derive(Debug)]
struct Probe {
    listing: Listing,
    look: Look,
}

#[derive(Debug)]
enum Look {
    Video(Box<VideoProbe>),
    Audio(Box<SoundProbe>),
    Other,
}

#[derive(Debug)]
struct VideoProbe {
    codec: VideoCodec,
    line: VideoLine,
    clock: Clock,
    first: Option<(Place, i64, Description)>,
    rate: Rate,
    refused: Option<Error>,
}

#[derive(Debug)]
struct SoundProbe {
    line: SoundLine,
    heard: Option<FrameHeader>,
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
                    let layout = self.layout(window).map_err(Halt::Fail)?;
                    let reorder = self.probes.iter().find_map(Probe::reorder).unwrap_or(0);
                    let last = LastPicture::new(&layout, window.file_bytes(), reorder);
                    Stage::Last(Box::new((last, layout)))
                }
                Stage::Last(both) => {
                    let (last, layout) = both.as_mut();
                    let shown_90k = last.find(window, layout)?;
                    let frame_90k = self.probes.iter().find_map(Probe::frame_90k);
                    layout.duration_90k = shown_90k.max(0).saturating_add(frame_90k.unwrap_or(0));
                    let spent = std::mem::replace(&mut self.stage, Stage::Framing);
                    let Stage::Last(both) = spent else { continue };
                    return Ok(both.1);
                }
            };
        }
    }

    /// All packets of the file.
    fn packets(&self, window: &Window) -> Packets {
        let begin = widen(self.framing.first);
        Packets::new(begin, window.file_bytes(), self.framing.stride)
    }

    /// What was found, but for the duration.
    fn layout(&self, window: &Window) -> Result<Layout> {
        let found = self.probes.iter().find_map(|probe| {
            let (place, origin_90k, _) = probe.video()?.first.as_ref()?;
            Some((probe.listing.pid, *place, *origin_90k))
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
    window.hold(0, len, limits::BLOCK_BYTES)?;
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
    let mut until = probes.iter().find_map(Probe::first_at);
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
        until = until.or_else(|| probes.iter().find_map(Probe::first_at));
    }
}

fn look(packet: &Packet<'_>, probes: &mut [Probe]) {
    let Some(at) = probes.iter().position(|one| one.listing.pid == packet.pid) else {
        return;
    };
    let clock = probes
        .iter()
        .find_map(|one| Some(one.video()?.clock.clone()));
    let Some(probe) = probes.get_mut(at) else {
        return;
    };
    match &mut probe.look {
        Look::Video(video) => video.push(packet),
        Look::Audio(sound) if sound.heard.is_none() => {
            let mut frames = VecDeque::new();
            if let Some(mut clock) = clock {
                sound.line.push(packet, &mut clock, &mut frames);
            }
            sound.heard = frames.pop_front().map(|frame| frame.header);
        }
        Look::Audio(_) | Look::Other => {}
    }
}

/// Why there is nothing to begin with.
fn no_pictures(probes: &[Probe]) -> Error {
    let videos = || probes.iter().filter_map(Probe::video);
    if videos().any(|video| video.line.scrambled > 0) {
        return Error::unsupported("this file", "its pictures are scrambled");
    }
    let refused = videos().find_map(|video| video.refused.clone());
    let none = "no picture was found that decoding can begin with";
    refused.unwrap_or_else(|| Error::unsupported("this file", none))
}

impl Probe {
    fn new(listing: Listing) -> Self {
        let look = match listing.kind {
            Kind::Video(codec) => Look::Video(Box::new(VideoProbe::new(codec))),
            Kind::Audio(coding) => Look::Audio(Box::new(SoundProbe {
                line: SoundLine::new(coding),
                heard: None,
            })),
            Kind::Other(..) => Look::Other,
        };
        Self { listing, look }
    }

    fn video(&self) -> Option<&VideoProbe> {
        match &self.look {
            Look::Video(video) => Some(video),
            Look::Audio(_) | Look::Other => None,
        }
    }

    fn first_at(&self) -> Option<u64> {
        let (place, ..) = self.video()?.first.as_ref()?;
        Some(place.at)
    }

    fn reorder(&self) -> Option<u8> {
        let (.., description) = self.video()?.first.as_ref()?;
        Some(description.reorder)
    }

    /// How long its frames last, where it is video that was found.
    fn frame_90k(&self) -> Option<i64> {
        let video = self.video()?;
        let (.., description) = video.first.as_ref()?;
        Some(i64::from(
            video.rate.settle(description.track.frame_duration_90k),
        ))
    }

    fn is_known(&self) -> bool {
        match &self.look {
            Look::Video(video) => video.first.is_some() && video.rate.is_enough(),
            Look::Audio(sound) => sound.heard.is_some(),
            Look::Other => true,
        }
    }

    fn finish(&mut self) {
        match &mut self.look {
            Look::Video(video) => video.finish(),
            Look::Audio(sound) if sound.heard.is_none() => {
                let mut frames = VecDeque::new();
                sound.line.finish(&mut frames);
                sound.heard = frames.pop_front().map(|frame| frame.header);
            }
            Look::Audio(_) | Look::Other => {}
        }
    }

    /// What it is to the rest of the box.
    fn stream(&self) -> Stream {
        let (kind, config) = match &self.look {
            Look::Video(video) => video.kind(),
            Look::Audio(sound) => sound.kind(),
            Look::Other => (self.other(), Bytes::new()),
        };
        let track = Track {
            id: TrackId(u64::from(self.listing.pid)),
            kind,
            language: self
                .listing
                .language
                .clone()
                .unwrap_or_else(|| "und".into()),
            title: None,
            role: self.listing.role,
            default: false,
        };
        Stream {
            listing: self.listing.clone(),
            movie: MovieTrack { track, config },
        }
    }

    fn other(&self) -> TrackKind {
        match self.listing.kind {
            Kind::Other(codec, why) => other(codec, why),
            Kind::Video(_) | Kind::Audio(_) => other("data", "neither video nor audio"),
        }
    }
}

fn other(codec: &str, why: &str) -> TrackKind {
    TrackKind::Other {
        codec: codec.to_owned(),
        why: why.to_owned(),
    }
}

impl VideoProbe {
    fn new(codec: VideoCodec) -> Self {
        Self {
            codec,
            line: VideoLine::new(codec, 0),
            clock: Clock::new(Anchor { raw: 0, at_90k: 0 }, 0),
            first: None,
            rate: Rate::default(),
            refused: None,
        }
    }

    fn push(&mut self, packet: &Packet<'_>) {
        let mut pictures = VecDeque::new();
        self.line.push(packet, &mut self.clock, &mut pictures);
        self.see(pictures);
    }

    fn finish(&mut self) {
        let mut pictures = VecDeque::new();
        self.line.finish(&mut pictures);
        self.see(pictures);
    }

    fn see(&mut self, pictures: VecDeque<super::video::Picture>) {
        for picture in pictures {
            if self.first.is_none() && picture.sync == Sync::RandomAccess {
                match picture::describe(self.codec, &picture.data) {
                    Ok(description) => {
                        let anchor = Anchor {
                            raw: picture.times.raw,
                            at_90k: picture.times.dts_90k,
                        };
                        let place = Place {
                            at: picture.at,
                            anchor,
                        };
                        self.first = Some((place, picture.times.pts_90k, description));
                    }
                    Err(error) => self.refused = Some(error),
                }
            }
            if self.first.is_some() {
                self.rate.note(picture.times.pts_90k);
            }
        }
    }

    fn kind(&self) -> (TrackKind, Bytes) {
        let Some((.., description)) = &self.first else {
            let why = "video: no picture of it was found at the beginning";
            return (other("video", why), Bytes::new());
        };
        let track = VideoTrack {
            frame_duration_90k: self.rate.settle(description.track.frame_duration_90k),
            ..description.track.clone()
        };
        (TrackKind::Video(track), description.config.clone())
    }
}

impl SoundProbe {
    fn kind(&self) -> (TrackKind, Bytes) {
        let Some(header) = &self.heard else {
            let codec = match self.line.coding() {
                SoundCoding::Adts => "aac",
                SoundCoding::Dolby => "ac3",
                SoundCoding::Mpeg => "mpeg",
            };
            let why = match &self.line.refused {
                _ if self.line.scrambled > 0 => "audio: it is scrambled".to_owned(),
                Some(Error::Unsupported { why, .. }) => format!("audio: {why}"),
                _ => "audio: nothing of it was found at the beginning".to_owned(),
            };
            return (other(codec, &why), Bytes::new());
        };
        let config = header.aac.map(|aac| Bytes::copy_from_slice(&aac.record()));
        (
            TrackKind::Audio(header.track.clone()),
            config.unwrap_or_default(),
        )
    }
}
