//! Where the tables of a file may lie that nobody has looked into, by what a library knows of it.
//!
//! A guess costs bytes where it is wrong, and saves an answer of a slow server where it is right.

use super::Span;
use crate::codec::aac;
use crate::limits;
use crate::media::{AudioCodec, Container, TICKS_PER_SECOND, Track, TrackKind};

/// What every index has beside its entries.
const HEADERS_BYTES: u64 = 32 << 10;
/// An entry of `stsz`, and one of `ctts`, which pictures have beside it.
const SIZE_BYTES: u64 = 4;
const COMPOSITION_BYTES: u64 = 8;
/// What the places of its chunks take a second, for one track: two entries of `stsc` and `co64`, and
/// four in files that change tracks often.
const CHUNKS_BYTES: u64 = 80;
/// A second of cues: one for a key frame each half second.
const CUES_BYTES: u64 = 40;
/// Pictures in a second where nothing says how many.
const USUAL_RATE: u64 = 30;

/// Spans of which one probably holds the tables that are needed to go anywhere in the file, and
/// which do not lie within the `limits::SOURCE_OPENING_BYTES` that are looked at first; each at most
/// `limits::SOURCE_INDEX_BYTES` long. None where there are no such tables.
#[must_use]
pub fn likely_index(
    container: Container,
    file_bytes: u64,
    duration_ms: u64,
    tracks: &[Track],
) -> Vec<Span> {
    let seconds = duration_ms / 1_000;
    let a_second: u64 = match container {
        Container::Mp4 => tracks.iter().map(mp4_bytes).sum(),
        Container::Matroska => CUES_BYTES,
        Container::MpegTs => return Vec::new(),
    };
    // A tenth more: what it lacks at its beginning costs all that was won.
    let bytes = seconds.saturating_mul(a_second) / 10 * 11 + HEADERS_BYTES;
    let most = u64::try_from(limits::SOURCE_INDEX_BYTES).unwrap_or(u64::MAX);
    let opening = u64::try_from(limits::SOURCE_OPENING_BYTES).unwrap_or(u64::MAX);
    let behind = file_bytes.saturating_sub(opening);
    let bytes = bytes.min(most).min(behind);
    let Some(len) = usize::try_from(bytes).ok().filter(|len| *len > 0) else {
        return Vec::new();
    };
    let at = |offset| Span { offset, len };
    let last = at(file_bytes.saturating_sub(bytes));
    match container {
        // Some have it in front.
        Container::Mp4 if bytes < behind => vec![at(opening), last],
        _ => vec![last],
    }
}

/// What a second of a track takes in an MP4's tables.
fn mp4_bytes(track: &Track) -> u64 {
    let samples = match &track.kind {
        TrackKind::Video(video) => {
            let ticks = u64::from(video.frame_duration_90k);
            let each_second = u64::try_from(TICKS_PER_SECOND).unwrap_or(0);
            let rate = each_second.checked_div(ticks).unwrap_or(USUAL_RATE);
            (rate + 1) * (SIZE_BYTES + COMPOSITION_BYTES)
        }
        TrackKind::Audio(audio) => {
            let frame = match audio.codec {
                AudioCodec::Aac => u64::from(aac::FRAME_SAMPLES),
                AudioCodec::Mp2 | AudioCodec::Mp3 => 1152,
                AudioCodec::Ac3 | AudioCodec::Eac3 => 1536,
            };
            (u64::from(audio.sample_rate) / frame + 1) * SIZE_BYTES
        }
        TrackKind::Other { .. } => return 0,
    };
    samples + CHUNKS_BYTES
}
