//! Broken bytes give errors, not panics.

use crate::clip::Clip;
use bytes::Bytes;
use exstreamtv::codec::nal::{LengthSize, length_prefixed};
use exstreamtv::codec::{aac, ac3, h264, hevc, mpeg_audio, mpeg2};

/// Every parser on the same bytes. What they answer does not matter here.
fn parse_all(data: &[u8]) {
    let record = Bytes::copy_from_slice(data);
    let _ = h264::AvcConfig::parse(&record);
    let _ = hevc::HvcConfig::parse(&record);
    let _ = h264::Sps::parse(data);
    let _ = hevc::Sps::parse(data);
    for size in [LengthSize::One, LengthSize::Two, LengthSize::Four] {
        let _ = length_prefixed(data, size).count();
        let _ = h264::is_random_access(data, size);
        let _ = hevc::is_random_access(data, size);
    }
    let _ = h264::is_recovery_point_sei(data);
    let _ = mpeg2::SequenceHeader::parse(data);
    let _ = mpeg2::is_random_access(data);
    let _ = aac::AudioSpecificConfig::parse(data);
    let _ = ac3::samples_in(data);
    let _ = mpeg_audio::frames(data).count();
}

/// A small generator with a seed (xorshift), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

fn torment(data: &[u8], dice: &mut Dice) {
    let data = &data[..data.len().min(700)];
    for end in 0..=data.len() {
        parse_all(&data[..end]);
    }
    for _ in 0..2_000 {
        let mut broken = data.to_vec();
        for _ in 0..=dice.below(8) {
            let at = dice.below(broken.len());
            broken[at] ^= 1 << dice.below(8);
        }
        parse_all(&broken);
    }
}

#[test]
fn broken_bytes_are_refused_without_panic() {
    let mut dice = Dice(0x5EED_C0DE);
    let x264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -bf 2 -x264-params nal-hrd=vbr:vbv-maxrate=800:vbv-bufsize=800:cqm=jvt";
    let clip = Clip::video("mp4", "426x238", "25", 4, x264);
    let record = clip.mp4_box(b"avcC");
    torment(&record, &mut dice);
    torment(&h264::AvcConfig::parse(&record).unwrap().sps[0], &mut dice);
    torment(&clip.packets()[0].data, &mut dice);

    let x265 =
        "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=error:bframes=3";
    let clip = Clip::video("mp4", "426x238", "25", 4, x265);
    let record = clip.mp4_box(b"hvcC");
    torment(&hevc::HvcConfig::parse(&record).unwrap().sps[0], &mut dice);
    torment(&record, &mut dice);

    let clip = Clip::video("mp4", "352x288", "25", 4, "-c:v mpeg2video");
    torment(&clip.packets()[0].data, &mut dice);
    let clip = Clip::sound("eac3", 48_000, "stereo", "-c:a eac3 -b:a 32k");
    torment(&clip.bytes, &mut dice);
    let clip = Clip::sound("ac3", 48_000, "stereo", "-c:a ac3 -b:a 32k");
    torment(&clip.bytes, &mut dice);
    let clip = Clip::sound("mp2", 48_000, "stereo", "-c:a mp2 -b:a 32k");
    torment(&clip.bytes, &mut dice);
    torment(&[0x11, 0x90, 0x56, 0xE5, 0x00], &mut dice);
}
