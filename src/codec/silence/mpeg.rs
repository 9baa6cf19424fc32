//! A header and zeros: in layer II no bits are allocated to any subband (ISO/IEC 11172-3
//! §2.4.1.6), in layer III the side information says that there is no main data (§2.4.1.7).

use crate::codec::mpeg_audio::FrameHeader;
use crate::media::AudioCodec;

/// A silent frame with its length in samples; `None` where the standards have no such form.
pub(super) fn frame(codec: AudioCodec, sample_rate: u32, channels: u8) -> Option<(Vec<u8>, u32)> {
    let (mpeg1, rate_index) = match sample_rate {
        44_100 => (true, 0),
        48_000 => (true, 1),
        32_000 => (true, 2),
        22_050 => (false, 0),
        24_000 => (false, 1),
        16_000 => (false, 2),
        _ => return None,
    };
    // 64 kb/s: the lowest rate that layer II allows with one channel and with two.
    let (layer, bitrate_index) = match (codec, mpeg1) {
        (AudioCodec::Mp2, true) => (2, 4),
        (AudioCodec::Mp3, true) => (1, 5),
        (AudioCodec::Mp2, false) => (2, 8),
        (AudioCodec::Mp3, false) => (1, 8),
        _ => return None,
    };
    let mode = match channels {
        1 => 3,
        2 => 0,
        _ => return None,
    };
    let version = if mpeg1 { 3 } else { 2 };
    let head = [
        0xFF,
        0xE0 | (version << 3) | (layer << 1) | 1,
        (bitrate_index << 4) | (rate_index << 2),
        mode << 6,
    ];
    let header = FrameHeader::parse(&head).ok()?;
    let mut frame = head.to_vec();
    frame.resize(header.bytes, 0);
    Some((frame, header.samples))
}
