//! The streams of a program looked at: what their first pictures and frames say they are.

use super::clock::{Anchor, Clock};
use super::layout::{Place, Stream};
use super::listing::{Kind, Listing, SoundCoding};
use super::packet::Packet;
use super::picture::{self, Description};
use super::rate::Rate;
use super::sound::{FrameHeader, SoundLine};
use super::video::{Picture, VideoLine};
use crate::demux::MovieTrack;
use crate::error::Error;
use crate::media::{Medium, Sync, Track, TrackId, TrackKind, VideoCodec, VideoTrack};
use bytes::Bytes;
use std::collections::VecDeque;

/// A stream being looked at.
#[derive(Debug)]
pub(super) struct Probe {
    listing: Listing,
    look: Look,
}

#[derive(Debug)]
pub(super) enum Look {
    Video(Box<VideoProbe>),
    Audio(Box<SoundProbe>),
    Other,
}

#[derive(Debug)]
pub(super) struct VideoProbe {
    codec: VideoCodec,
    line: VideoLine,
    clock: Clock,
    first: Option<(Place, i64, Description)>,
    rate: Rate,
    refused: Option<Error>,
}

#[derive(Debug)]
pub(super) struct SoundProbe {
    line: SoundLine,
    heard: Option<FrameHeader>,
}

impl Probe {
    pub(super) fn new(listing: Listing) -> Self {
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

    pub(super) fn pid(&self) -> u16 {
        self.listing.pid
    }

    /// Takes a packet of this stream; `clock` is that of the pictures.
    pub(super) fn push(&mut self, packet: &Packet<'_>, clock: &mut Clock) {
        match &mut self.look {
            Look::Video(video) => video.push(packet),
            Look::Audio(sound) if sound.heard.is_none() => {
                let mut frames = VecDeque::new();
                sound.line.push(packet, clock, &mut frames);
                sound.heard = frames.pop_front().map(|frame| frame.header);
            }
            Look::Audio(_) | Look::Other => {}
        }
    }

    /// The clock of its pictures, where it is video.
    pub(super) fn clock(&self) -> Option<&Clock> {
        Some(&self.video()?.clock)
    }

    /// The first picture that decoding can begin with, and when it is shown.
    pub(super) fn first(&self) -> Option<(Place, i64)> {
        let (place, shown_90k, _) = self.video()?.first.as_ref()?;
        Some((*place, *shown_90k))
    }

    /// Whether it is video that nobody can read.
    pub(super) fn is_scrambled_video(&self) -> bool {
        self.video().is_some_and(|video| video.line.scrambled > 0)
    }

    /// Why its pictures are not carried, where some were found.
    pub(super) fn refused_video(&self) -> Option<Error> {
        self.video()?.refused.clone()
    }

    fn video(&self) -> Option<&VideoProbe> {
        match &self.look {
            Look::Video(video) => Some(video),
            Look::Audio(_) | Look::Other => None,
        }
    }

    /// How long its frames last and how deeply they are reordered, where it is video that was
    /// found.
    pub(super) fn rhythm(&self) -> Option<(u32, u8)> {
        let video = self.video()?;
        let (.., found) = video.first.as_ref()?;
        let frame_90k = video.rate.settle(found.track.frame_duration_90k);
        Some((frame_90k, found.reorder))
    }

    pub(super) fn is_known(&self) -> bool {
        match &self.look {
            Look::Video(video) => video.first.is_some() && video.rate.is_enough(),
            Look::Audio(sound) => sound.heard.is_some(),
            Look::Other => true,
        }
    }

    pub(super) fn finish(&mut self) {
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
    pub(super) fn stream(&self) -> Stream {
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
            Kind::Other(medium, codec, why) => other(medium, codec, why),
            Kind::Video(_) | Kind::Audio(_) => {
                other(Medium::Neither, "data", "neither video nor audio")
            }
        }
    }
}

fn other(medium: Medium, codec: &str, why: &str) -> TrackKind {
    TrackKind::Other {
        medium,
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

    fn see(&mut self, pictures: VecDeque<Picture>) {
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
                let told = picture.is_told.then_some(picture.times.pts_90k);
                self.rate.note(told);
            }
        }
    }

    fn kind(&self) -> (TrackKind, Bytes) {
        let Some((.., description)) = &self.first else {
            let why = "no picture of it was found at the beginning";
            return (other(Medium::Video, "video", why), Bytes::new());
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
                _ if self.line.scrambled > 0 => "it is scrambled",
                Some(Error::Unsupported { why, .. }) => why,
                _ => "nothing of it was found at the beginning",
            };
            return (other(Medium::Audio, codec, why), Bytes::new());
        };
        let config = header.aac.map(|aac| Bytes::copy_from_slice(&aac.record()));
        (
            TrackKind::Audio(header.track.clone()),
            config.unwrap_or_default(),
        )
    }
}
