//! Any segments and samples, good and broken, for the remuxer of each profile: whatever it is
//! pushed, what it gives is a stream that keeps its promises.
#![no_main]

#[path = "stream.rs"]
mod stream;

use bytes::Bytes;
use exstreamtv::codec::aac::AudioSpecificConfig;
use exstreamtv::limits;
use exstreamtv::media::{
    AudioCodec, AudioProfile, Profile, Sample, Sync, TICKS_PER_SECOND, TrackId, VideoCodec,
};
use exstreamtv::remux::{
    Chunk, Counters, Pictures, Remuxer, Segment, Service, Shift, Sound, bridge,
};
use libfuzzer_sys::fuzz_target;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use stream::{Chain, Stream};

const VIDEO: TrackId = TrackId(1);
const AUDIO: TrackId = TrackId(2);
/// Media time of one run: what is made of a gap is made of packets.
const LONGEST_90K: i64 = 120 * TICKS_PER_SECOND;
/// What may be held when all that is ready was taken: the limit, a picture above it, sound that
/// waits, and a chunk that is being filled.
const HELD_BYTES: usize = 2 * limits::REMUX_HELD_BYTES + 4 * limits::REMUX_HELD_SOUND_BYTES;

/// Largest sample of sound: more than is carried.
const SOUND_BYTES: usize = 3 * limits::SOUND_SAMPLE_BYTES;

/// Counts what is allocated.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The fuzz data, eaten from its front; zeros when it is over.
struct Food<'a>(&'a [u8]);

impl Food<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// A step in time: mostly some pictures, now and then seconds, to either side.
    fn step_90k(&mut self) -> i64 {
        let ticks = i64::from(self.word().cast_signed());
        match self.byte() % 8 {
            0 => ticks * 30,
            1 => ticks,
            _ => ticks.rem_euclid(7_200),
        }
    }
}

/// The profiles of which there is silence.
fn profile(choice: u8) -> Profile {
    let video = [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Mpeg2];
    let audio = [
        (AudioCodec::Aac, 48_000, 2),
        (AudioCodec::Aac, 44_100, 6),
        (AudioCodec::Ac3, 48_000, 2),
        (AudioCodec::Eac3, 48_000, 2),
        (AudioCodec::Mp2, 48_000, 2),
        (AudioCodec::Mp3, 44_100, 2),
        (AudioCodec::Mp3, 22_050, 1),
    ];
    let choice = usize::from(choice);
    let (codec, sample_rate, channels) = audio[choice / 3 % audio.len()];
    Profile {
        video: video[choice % 3],
        audio: AudioProfile {
            codec,
            sample_rate,
            channels,
        },
    }
}

/// The pictures' configuration: parameter sets of a few bytes.
fn pictures(codec: VideoCodec) -> Pictures {
    let config: &'static [u8] = match codec {
        VideoCodec::H264 => &[
            1, 0x64, 0, 0x28, 0xFF, 0xE1, 0, 2, 0x67, 0x64, 1, 0, 2, 0x68, 0xEE,
        ],
        VideoCodec::Hevc => &[
            1, 1, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 93, 0xF0, 0, 0xFC, 0xFD, 0xF8, 0xF8, 0, 0, 0x0F,
            1, 0xA1, 0, 1, 0, 3, 0x42, 1, 1,
        ],
        VideoCodec::Mpeg2 => &[0, 0, 1, 0xB3],
    };
    Pictures::new(codec, &Bytes::from_static(config)).expect("a good configuration")
}

fn sound(profile: &AudioProfile) -> Sound {
    match profile.codec {
        AudioCodec::Aac => {
            let config = AudioSpecificConfig::low_complexity(profile.sample_rate, profile.channels);
            Sound::Aac(config.expect("a layout that has silence"))
        }
        AudioCodec::Ac3 | AudioCodec::Eac3 => Sound::Ac3,
        AudioCodec::Mp2 | AudioCodec::Mp3 => Sound::Mpeg,
    }
}

/// A picture, framed well most of the time.
fn picture(food: &mut Food<'_>, codec: VideoCodec) -> Vec<u8> {
    let kind = food.byte();
    let length = usize::from(food.word() % 3_000) * if kind & 0x70 == 0x70 { 60 } else { 1 };
    if kind & 0x0F == 0x0F {
        return food.bytes(usize::from(kind));
    }
    let body = vec![kind | 0x80; length];
    if codec == VideoCodec::Mpeg2 {
        return [&[0, 0, 1, 0], body.as_slice()].concat();
    }
    let unit = [&[food.byte(), 1][..], &body].concat();
    let length = u32::try_from(unit.len()).expect("a short unit");
    [&length.to_be_bytes(), unit.as_slice()].concat()
}

/// A frame of sound that the codec's own header, if it has one, agrees with most of the time.
fn frame(food: &mut Food<'_>, codec: AudioCodec) -> Vec<u8> {
    let kind = food.byte();
    if kind & 0x0F == 0x0F {
        return food.bytes(usize::from(kind));
    }
    let (head, length): (&[u8], usize) = match codec {
        AudioCodec::Aac => (&[], usize::from(kind) + 1),
        // 48 kHz: 640 and 32 kb/s; six blocks in 2048 and 64 words; 64 kb/s of layer II; 32 kb/s of
        // layer III.
        AudioCodec::Ac3 if kind & 0x40 != 0 => (&[0x0B, 0x77, 0, 0, 0x24, 0x40], 2560),
        AudioCodec::Ac3 => (&[0x0B, 0x77, 0, 0, 0x00, 0x40], 128),
        AudioCodec::Eac3 if kind & 0x40 != 0 => (&[0x0B, 0x77, 7, 0xFF, 0x34, 0x80], 4096),
        AudioCodec::Eac3 => (&[0x0B, 0x77, 0, 0x3F, 0x34, 0x80], 128),
        AudioCodec::Mp2 => (&[0xFF, 0xFD, 0x44, 0x00], 192),
        AudioCodec::Mp3 => (&[0xFF, 0xFB, 0x10, 0x00], 104),
    };
    let mut frame = head.to_vec();
    frame.resize(length, 0xA5);
    // Some containers put many frames into a sample.
    let many = if kind & 0x30 == 0x30 {
        usize::from(food.byte())
    } else {
        0
    };
    let many = many.min(SOUND_BYTES / frame.len());
    if head.is_empty() {
        frame
    } else {
        frame.repeat(many.max(1))
    }
}

/// What the frames of a profile's audio consist of.
fn chain(profile: &AudioProfile) -> Chain {
    Chain {
        sample_rate: i64::from(profile.sample_rate),
        grain: match profile.codec {
            AudioCodec::Aac => 1024,
            AudioCodec::Ac3 | AudioCodec::Eac3 => 256,
            AudioCodec::Mp2 | AudioCodec::Mp3 => 576,
        },
        adts: profile.codec == AudioCodec::Aac,
    }
}

/// One run: a remuxer, and a viewer who now and then loses his place.
struct Run {
    profile: Profile,
    remuxer: Remuxer,
    stream: Stream,
    /// Where the current segment's instant 0 lies, and where the tracks have come to after it.
    zero_90k: i64,
    pictures_90k: i64,
    sounds_90k: i64,
    /// Where the remuxer's counters stand, and the viewer's.
    made: Counters,
    sent: Counters,
    shift: Shift,
    skips: bool,
    allocated: usize,
}

impl Run {
    fn new(choice: u8) -> Option<Self> {
        let allocated = ALLOCATED.load(Ordering::Relaxed);
        let profile = profile(choice);
        let service = Service {
            name: "Fuzz".to_owned(),
            language: "und".to_owned(),
        };
        Some(Self {
            profile,
            remuxer: Remuxer::new(&profile, &service).ok()?,
            stream: Stream::new(chain(&profile.audio)),
            zero_90k: 900_000,
            pictures_90k: 0,
            sounds_90k: 0,
            made: Counters::default(),
            sent: Counters::default(),
            shift: Shift::default(),
            skips: false,
            allocated,
        })
    }

    /// Goes on with another segment: where the one before has come to, or anywhere.
    fn begin(&mut self, food: &mut Food<'_>) {
        let kind = food.byte();
        let shown_90k = self.remuxer.shown_until_90k().unwrap_or(self.zero_90k);
        let jump_90k = if kind & 3 == 0 { food.step_90k() } else { 0 };
        self.zero_90k = shown_90k.saturating_add(jump_90k).min(LONGEST_90K);
        let length_90k = i64::from(food.word()) * 90;
        let audio = (kind & 0x0C != 0).then(|| (AUDIO, sound(&self.profile.audio)));
        (self.pictures_90k, self.sounds_90k) = (0, 0);
        self.remuxer.begin(Segment {
            zero_90k: self.zero_90k,
            end_90k: self.zero_90k.saturating_add(length_90k).min(LONGEST_90K),
            video: VIDEO,
            pictures: pictures(self.profile.video),
            audio,
        });
    }

    /// Pushes a sample of either track, or of one that nobody knows.
    fn push(&mut self, food: &mut Food<'_>) {
        let kind = food.byte();
        let step_90k = food.step_90k();
        let sync = if kind & 0x1C == 0 {
            Sync::RandomAccess
        } else {
            Sync::Dependent
        };
        let (track, at_90k, data) = match kind % 4 {
            0 | 1 => {
                self.pictures_90k = self.pictures_90k.saturating_add(step_90k);
                (VIDEO, self.pictures_90k, picture(food, self.profile.video))
            }
            2 => {
                // Usually one frame after the other, as encoders make them.
                let step_90k = if kind & 0x40 == 0 { 1_920 } else { step_90k };
                self.sounds_90k = self.sounds_90k.saturating_add(step_90k);
                (
                    AUDIO,
                    self.sounds_90k,
                    frame(food, self.profile.audio.codec),
                )
            }
            _ => (TrackId(u64::from(kind)), step_90k, vec![kind]),
        };
        let reordered_90k = if track == VIDEO {
            i64::from(food.byte()) * 100
        } else {
            0
        };
        // What is broken is refused, and goes without saying.
        let _ = self.remuxer.push(Sample {
            track,
            dts_90k: at_90k,
            pts_90k: at_90k.saturating_add(reordered_90k),
            duration_90k: u32::from(food.byte()) * 36,
            sync,
            data: Bytes::from(data),
        });
    }

    /// Ends the segment somewhere else than it was said to.
    fn end(&mut self, food: &mut Food<'_>) {
        let shown_90k = self.remuxer.shown_until_90k().unwrap_or(self.zero_90k);
        self.remuxer
            .end_at(shown_90k.saturating_add(food.step_90k()));
    }

    /// Packets for a viewer whose stream has nothing to send.
    fn keep_alive(&mut self) {
        let begun = self.remuxer.has_begun();
        let chunk = self.remuxer.keep_alive();
        assert_eq!(chunk.is_some(), begun);
        if let Some(chunk) = chunk {
            self.send(&chunk);
        }
    }

    /// Takes what is ready and looks at it.
    fn pull(&mut self) {
        while let Some(chunk) = self.remuxer.pull() {
            self.send(&chunk);
        }
        let held = ALLOCATED
            .load(Ordering::Relaxed)
            .saturating_sub(self.allocated);
        assert!(held <= HELD_BYTES, "{held} bytes are held");
    }

    /// The viewer gets a chunk, or skips it up to the next random access point.
    fn send(&mut self, chunk: &Chunk) {
        assert!(chunk.before == self.made, "the counters go on");
        self.made = chunk.after;
        if self.skips && !chunk.random_access {
            return;
        }
        if self.skips {
            self.skips = false;
            self.shift = chunk.before.shift_to(self.sent);
            self.stream.take_bridge(&bridge(self.sent, chunk));
        }
        self.stream.take(chunk, &self.shift.renumber(&chunk.bytes));
        self.sent = chunk.after.shifted(self.shift);
    }
}

fuzz_target!(|data: &[u8]| {
    let mut food = Food(data);
    let Some(mut run) = Run::new(food.byte()) else {
        return;
    };
    run.begin(&mut food);
    while !food.0.is_empty() {
        match food.byte() {
            0..=7 => run.begin(&mut food),
            8 | 9 => run.end(&mut food),
            10 | 11 => run.keep_alive(),
            // Only one who has got something can lose his place.
            12 => run.skips = run.sent != Counters::default(),
            _ => run.push(&mut food),
        }
        run.pull();
    }
});
