//! Bytes of coded media: NAL units, parameter sets, ADTS, AC-3, MPEG audio and video headers,
//! silence. Pure functions over slices, on whatever thread calls them.
//!
//! Refuses to do: I/O, containers, decoding of pictures or sound. Everything here expects hostile
//! bytes: errors, never panics, and no allocation that a length field asks for.

pub mod aac;
pub mod ac3;
mod bits;
pub mod h264;
pub mod hevc;
pub mod mpeg2;
pub mod mpeg_audio;
pub mod nal;
pub mod silence;

use crate::error::{Error, Result};

/// Shortest frame that a time base is taken for: 1/300 s. What claims less gives the clock of its
/// encoder, not the duration of its frames.
const SHORTEST_FRAME_90K: u64 = 300;

/// Duration of a frame that lasts `units` of `1/per_second` s, rounded; 0 where that is no
/// plausible duration of a frame.
fn frame_duration_90k(units: u64, per_second: u64) -> u32 {
    units
        .checked_mul(90_000)
        .and_then(|ticks| ticks.checked_add(per_second / 2))
        .and_then(|ticks| ticks.checked_div(per_second))
        .filter(|ticks| *ticks >= SHORTEST_FRAME_90K)
        .and_then(|ticks| u32::try_from(ticks).ok())
        .unwrap_or(0)
}

/// Splits `data` into frames that say their length in their header. An error is the last item.
fn frames<'a, H>(
    what: &'static str,
    data: &'a [u8],
    parse: fn(&[u8]) -> Result<H>,
    bytes: fn(&H) -> usize,
) -> impl Iterator<Item = Result<(H, &'a [u8])>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let here = std::mem::take(&mut rest);
        if here.is_empty() {
            return None;
        }
        Some(parse(here).and_then(|header| {
            let (frame, behind) = here.split_at_checked(bytes(&header)).ok_or_else(|| {
                let offset = u64::try_from(data.len() - here.len()).unwrap_or(u64::MAX);
                Error::malformed(what, offset, "it is longer than the sample")
            })?;
            rest = behind;
            Ok((header, frame))
        }))
    })
}
