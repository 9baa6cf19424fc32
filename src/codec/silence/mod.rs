//! Frames of digital silence, made from nothing, for the holes between items.
//!
//! Each is the shortest thing that its standard calls a frame and that decodes to zeros: no
//! spectrum is coded at all. Which forms exist is what `schedule::fit` counts on.

mod aac;
mod dolby;
mod mpeg;

use crate::error::{Error, Result};
use crate::media::{AudioCodec, AudioProfile};
use bytes::Bytes;

/// One frame of digital silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The frame, in the form of `media::Sample::data`: AAC without ADTS.
    pub frame: Bytes,
    /// PCM samples per channel that it lasts.
    pub samples: u32,
}

impl Silence {
    /// Silence in the form that a channel's audio has: AAC with 1 to 6 or 8 channels at any rate
    /// that ADTS can name, AC-3 and E-AC-3 with 1 to 6 channels at 48 kHz, layers II and III with
    /// 1 or 2 channels at any rate of MPEG-1 and MPEG-2.
    ///
    /// # Errors
    /// `Unsupported` where the codec has no such sample rate or layout.
    pub fn of(profile: &AudioProfile) -> Result<Self> {
        let AudioProfile {
            codec,
            sample_rate,
            channels,
        } = *profile;
        let frame = match codec {
            AudioCodec::Aac => aac::frame(sample_rate, channels),
            AudioCodec::Ac3 => dolby::ac3_frame(sample_rate, channels),
            AudioCodec::Eac3 => dolby::eac3_frame(sample_rate, channels),
            AudioCodec::Mp2 | AudioCodec::Mp3 => mpeg::frame(codec, sample_rate, channels),
        };
        let (frame, samples) = frame.ok_or_else(|| {
            Error::unsupported(
                "silence",
                format!("{codec:?} has no form of {channels} channels at {sample_rate} Hz"),
            )
        })?;
        Ok(Self {
            frame: Bytes::from(frame),
            samples,
        })
    }
}
