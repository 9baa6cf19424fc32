//! Samples of the chosen tracks, from a place on.

use super::clock::Clock;
use super::interleave::Interleave;
use super::layout::{Layout, Place};
use super::listing::{Kind, Listing, SoundCoding};
use super::packet::Packets;
use super::place::Search;
use super::program::Programs;
use super::sound::{Frame, SoundLine};
use super::video::{Picture, VideoLine};
use super::window::{Halt, Step, Window};
use crate::demux::held::{HeldSound, is_heard_after};
use crate::error::Error;
use crate::limits;
use crate::media::{AudioTrack, Sample, Sync, TrackId, VideoCodec};
use std::collections::VecDeque;

/// Bytes before the first picture in which the sound that is heard with it may begin.
const SOUND_BYTES: u64 = 128 << 10;

/// Where playing stands.
#[derive(Debug)]
enum Stage {
    /// Looking for the place.
    Searching,
    /// Before the picture to begin with.
    Waiting(Place),
    Playing,
    /// Nothing more comes from the file.
    Ended,
}

/// Which pictures may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    All,
    /// Those that are not shown before this time: others refer to pictures that are not there.
    From(i64),
    /// One that decoding can begin with: some were lost.
    RandomAccess,
}

/// The video that is played.
#[derive(Debug)]
struct Video {
    track: TrackId,
    codec: VideoCodec,
    frame_90k: u32,
    /// Its PID, while the program has it.
    pid: Option<u16>,
    line: VideoLine,
    last_dts_90k: i64,
}

/// The sound that is played.
#[derive(Debug)]
struct Sound {
    track: TrackId,
    coding: SoundCoding,
    facts: AudioTrack,
    language: Option<String>,
    pid: Option<u16>,
    line: SoundLine,
    last_dts_90k: i64,
}

/// Playing from a time on.
#[derive(Debug)]
pub(super) struct Play {
    search: Search,
    stage: Stage,
    packets: Packets,
    programs: Programs,
    clock: Clock,
    video: Video,
    sound: Option<Sound>,
    follow: Follow,
    /// Sound that ends at or before this time is not heard with the first picture.
    heard_from_90k: i64,
    pictures: VecDeque<Picture>,
    frames: VecDeque<Frame>,
    /// Sound that is waiting for the first picture.
    held: HeldSound,
    ready: Interleave,
}

impl Play {
    /// Of these tracks from `time_90k` on; `None` where they are not there or cannot be carried.
    pub(super) fn new(
        layout: &Layout,
        video: TrackId,
        audio: Option<TrackId>,
        time_90k: i64,
    ) -> Option<Self> {
        let video = Video::new(layout, video)?;
        let sound = match audio {
            Some(audio) => Some(Sound::new(layout, audio)?),
            None => None,
        };
        let pid = video.pid.unwrap_or(layout.video);
        Some(Self {
            search: Search::new(pid, video.codec, time_90k),
            stage: Stage::Searching,
            packets: Packets::new(0, 0, layout.stride),
            programs: layout.programs.clone(),
            clock: Clock::new(layout.first.anchor, video.frame_90k),
            ready: Interleave::new(sound.is_some()),
            video,
            sound,
            follow: Follow::All,
            heard_from_90k: i64::MIN,
            pictures: VecDeque::new(),
            frames: VecDeque::new(),
            held: HeldSound::default(),
        })
    }

    /// The next sample; `None` when there is none.
    pub(super) fn next(&mut self, window: &mut Window, layout: &Layout) -> Step<Option<Sample>> {
        loop {
            if let Some(sample) = self.ready.pop() {
                return Ok(Some(sample));
            }
            match self.stage {
                Stage::Searching => self.settle(window, layout)?,
                Stage::Waiting(_) | Stage::Playing => self.step(window, layout)?,
                Stage::Ended => return Ok(None),
            }
        }
    }

    /// Finds the place and goes there.
    fn settle(&mut self, window: &mut Window, layout: &Layout) -> Step<()> {
        let place = self.search.find(window, layout)?;
        let (piece, _) = layout.piece_at(place.at, window.file_bytes());
        let from = place.at.saturating_sub(SOUND_BYTES).max(piece.from);
        self.packets = Packets::new(from, window.file_bytes(), layout.stride);
        self.clock = Clock::new(place.anchor, self.video.frame_90k);
        self.stage = Stage::Waiting(place);
        Ok(())
    }

    /// One packet further.
    fn step(&mut self, window: &mut Window, layout: &Layout) -> Step<()> {
        let Some(packet) = self.packets.next(window)? else {
            self.end();
            return Ok(());
        };
        if self.programs.push(&packet) {
            self.follow_program();
        }
        if self.video.pid == Some(packet.pid) {
            if let Stage::Waiting(place) = self.stage
                && packet.at == place.at
            {
                self.clock.set(place.anchor);
            } else if let Some(piece) = layout.piece_from(packet.at) {
                self.clock.join(piece.anchor);
            }
            self.video
                .line
                .push(&packet, &mut self.clock, &mut self.pictures);
            self.take_pictures();
        } else if let Some(sound) = &mut self.sound
            && sound.pid == Some(packet.pid)
        {
            sound.line.push(&packet, &mut self.clock, &mut self.frames);
            self.take_frames();
        }
        self.check_patience()
    }

    /// Gives what is left.
    fn end(&mut self) {
        self.video.line.finish(&mut self.pictures);
        self.take_pictures();
        if let Some(sound) = &mut self.sound {
            sound.line.finish(&mut self.frames);
        }
        self.take_frames();
        self.ready.end();
        self.stage = Stage::Ended;
    }

    /// The program has other streams now, as behind a join.
    fn follow_program(&mut self) {
        let Some(streams) = self.programs.streams() else {
            return;
        };
        self.video.follow(streams);
        if let Some(sound) = &mut self.sound {
            sound.follow(streams);
        }
    }

    /// A film without random access points is not read to its end in search of one.
    fn check_patience(&self) -> Step<()> {
        let Stage::Waiting(place) = self.stage else {
            return Ok(());
        };
        let at = self.packets.at();
        if at.saturating_sub(place.at) <= limits::KEY_FRAME_SEARCH_BYTES {
            return Ok(());
        }
        let why = "no picture was found that decoding can begin with";
        Err(Halt::Fail(Error::malformed("MPEG-TS", at, why)))
    }

    fn take_pictures(&mut self) {
        while let Some(picture) = self.pictures.pop_front() {
            if let Stage::Waiting(place) = self.stage {
                if picture.at < place.at || picture.sync == Sync::Dependent {
                    continue;
                }
                self.begin(&picture);
            }
            self.take_picture(picture);
        }
    }

    /// Begins with this picture.
    fn begin(&mut self, picture: &Picture) {
        let shown_90k = picture.times.pts_90k;
        self.stage = Stage::Playing;
        self.follow = Follow::From(shown_90k);
        self.heard_from_90k = shown_90k;
        for sample in self.held.heard_after(shown_90k) {
            self.give_sound(sample);
        }
    }

    fn take_picture(&mut self, picture: Picture) {
        let shown_90k = picture.times.pts_90k;
        let begins = picture.sync == Sync::RandomAccess;
        if picture.after_loss && self.follow != Follow::From(shown_90k) {
            self.follow = Follow::RandomAccess;
        }
        self.follow = match self.follow {
            Follow::RandomAccess if begins => Follow::From(shown_90k),
            Follow::RandomAccess => return,
            // Its own leading pictures refer to those that were given.
            Follow::From(from_90k) if begins && shown_90k > from_90k => Follow::All,
            Follow::From(from_90k) if shown_90k < from_90k => return,
            follow => follow,
        };
        let times = picture.times;
        let dts_90k = times.dts_90k.max(self.video.last_dts_90k.saturating_add(1));
        self.video.last_dts_90k = dts_90k;
        self.ready.push_picture(Sample {
            track: self.video.track,
            dts_90k,
            pts_90k: times.pts_90k.max(dts_90k),
            duration_90k: picture.duration_90k,
            sync: picture.sync,
            data: picture.data,
        });
    }

    fn take_frames(&mut self) {
        while let Some(frame) = self.frames.pop_front() {
            let Some(sound) = self.sound.as_ref().filter(|sound| sound.is_told(&frame)) else {
                continue;
            };
            let sample = Sample {
                track: sound.track,
                dts_90k: frame.pts_90k,
                pts_90k: frame.pts_90k,
                duration_90k: frame.duration_90k,
                sync: Sync::RandomAccess,
                data: frame.data,
            };
            match self.stage {
                Stage::Searching | Stage::Waiting(_) => self.held.hold(sample),
                Stage::Playing | Stage::Ended => self.give_sound(sample),
            }
        }
    }

    /// Gives a frame, unless it was heard before the first picture. Its time rises.
    fn give_sound(&mut self, sample: Sample) {
        let Some(sound) = &mut self.sound else {
            return;
        };
        if !is_heard_after(&sample, self.heard_from_90k) {
            return;
        }
        let time_90k = sample.pts_90k.max(sound.last_dts_90k.saturating_add(1));
        sound.last_dts_90k = time_90k;
        self.ready.push_sound(Sample {
            dts_90k: time_90k,
            pts_90k: time_90k,
            ..sample
        });
    }
}

impl Video {
    fn new(layout: &Layout, track: TrackId) -> Option<Self> {
        let stream = layout.stream(track)?;
        let facts = stream.movie.track.video()?;
        Some(Self {
            track,
            codec: facts.codec,
            frame_90k: facts.frame_duration_90k,
            pid: Some(stream.listing.pid),
            line: VideoLine::new(facts.codec, facts.frame_duration_90k),
            last_dts_90k: i64::MIN,
        })
    }

    fn follow(&mut self, streams: &[Listing]) {
        let kind = Kind::Video(self.codec);
        let pid = followed(streams, self.pid, &kind, None);
        if pid != self.pid {
            self.pid = pid;
            self.line = VideoLine::new(self.codec, self.frame_90k);
            self.line.lose();
        }
    }
}

impl Sound {
    fn new(layout: &Layout, track: TrackId) -> Option<Self> {
        let stream = layout.stream(track)?;
        let facts = stream.movie.track.audio()?.clone();
        let Kind::Audio(coding) = stream.listing.kind else {
            return None;
        };
        Some(Self {
            track,
            coding,
            facts,
            language: stream.listing.language.clone(),
            pid: Some(stream.listing.pid),
            line: SoundLine::new(coding),
            last_dts_90k: i64::MIN,
        })
    }

    fn follow(&mut self, streams: &[Listing]) {
        let kind = Kind::Audio(self.coding);
        let pid = followed(streams, self.pid, &kind, self.language.as_deref());
        if pid != self.pid {
            self.pid = pid;
            self.line = SoundLine::new(self.coding);
        }
    }

    /// Whether a frame is what the track was said to be. Channels may change where frames say how
    /// many they have.
    fn is_told(&self, frame: &Frame) -> bool {
        let found = &frame.header.track;
        let same_layout = frame.header.aac.is_none() || found.channels == self.facts.channels;
        found.codec == self.facts.codec
            && found.sample_rate == self.facts.sample_rate
            && same_layout
    }
}

/// The PID on which a stream goes on: the same, else that of the first stream of its kind, in its
/// language if there is one.
fn followed(
    streams: &[Listing],
    pid: Option<u16>,
    kind: &Kind,
    language: Option<&str>,
) -> Option<u16> {
    let alike = || streams.iter().filter(|stream| stream.kind == *kind);
    let same = alike().find(|stream| Some(stream.pid) == pid);
    let spoken = || alike().find(|stream| stream.language.as_deref() == language);
    let found = same.or_else(spoken).or_else(|| alike().next());
    found.map(|stream| stream.pid)
}
