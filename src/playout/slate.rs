//! The picture that fills a hole: one tiny file per video codec, part of the program, played as an
//! item that repeats. Its sound is the channel's own silence.

use super::feed::Feed;
use crate::error::Result;
use crate::media::{Profile, VideoCodec};

/// How long one lap of the slate lasts: 24 frames at 24 fps.
pub(super) const LAP_90K: i64 = 90_000;

/// Opens the slate of a profile.
pub(super) async fn open(profile: &Profile) -> Result<Feed> {
    let bytes: &'static [u8] = match profile.video {
        VideoCodec::H264 => include_bytes!("../../assets/slate/h264.mp4"),
        VideoCodec::Hevc => include_bytes!("../../assets/slate/hevc.mp4"),
        VideoCodec::Mpeg2 => include_bytes!("../../assets/slate/mpeg2.mp4"),
    };
    Feed::embedded(bytes, profile).await
}
