//! `codec` held against ffmpeg and ffprobe: what ffmpeg encodes, both have to describe alike;
//! what `codec` makes, ffmpeg has to decode.

#[path = "codec/clip.rs"]
mod clip;
#[path = "codec/hostile.rs"]
mod hostile;
#[path = "codec/silence.rs"]
mod silence;
#[path = "codec/sound.rs"]
mod sound;
#[path = "codec/video.rs"]
mod video;
