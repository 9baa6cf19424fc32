//! `codec` held against ffmpeg and ffprobe: what ffmpeg encodes, both have to describe alike;
//! what `codec` makes, ffmpeg has to decode.

#[cfg(test)]
#[path = "codec/clip.rs"]
mod clip;
#[cfg(test)]
#[path = "codec/crafted.rs"]
mod crafted;
#[cfg(test)]
#[path = "codec/hostile.rs"]
mod hostile;
#[cfg(test)]
#[path = "codec/silence.rs"]
mod silence;
#[cfg(test)]
#[path = "codec/sound.rs"]
mod sound;
#[cfg(test)]
#[path = "codec/video.rs"]
mod video;
