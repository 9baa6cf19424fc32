//! Whether an item fits a channel's profile, and with which tracks. The one place that decides:
//! the schedule asks before air, the playout asks on air.

use crate::media::{
    AudioCodec, AudioProfile, AudioTrack, Profile, Role, Track, TrackId, VideoCodec,
};

/// How an item goes on air under a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// Its own video and its own audio, as they are.
    Direct {
        /// The video track.
        video: TrackId,
        /// The audio track.
        audio: TrackId,
    },
    /// Its own video with silence: no audio track of it can be carried under this profile.
    Silent {
        /// The video track.
        video: TrackId,
        /// Why, in words for the owner.
        why: String,
    },
    /// Not at all.
    Not {
        /// Why, in words for the owner.
        why: String,
    },
}

/// Decides how `tracks` go on air under `profile`. Among audio tracks that can be carried, one in
/// the preferred language comes first, then the one marked as default, then the first; a
/// commentary is never chosen.
#[must_use]
pub fn fit(tracks: &[Track], profile: &Profile, language: &str) -> Fit {
    let Some(video) = tracks
        .iter()
        .filter(|track| {
            track
                .video()
                .is_some_and(|video| video.codec == profile.video)
        })
        .max_by_key(|track| track.default)
    else {
        let why = match tracks.iter().find_map(Track::video) {
            Some(other) => format!(
                "its video is {}, this channel carries {}",
                name(other.codec),
                name(profile.video)
            ),
            None => "it has no video that can be carried".to_owned(),
        };
        return Fit::Not { why };
    };
    if let Some(why) = video
        .video()
        .and_then(|video| unfit_picture(profile.video, video))
    {
        return Fit::Not { why };
    }
    let audio = heard(tracks)
        .filter(|(_, audio)| profile.audio.carries(audio))
        .max_by_key(|(at, _)| rank(tracks, *at, language));
    match audio.and_then(|(at, _)| tracks.get(at)) {
        Some(audio) => Fit::Direct {
            video: video.id,
            audio: audio.id,
        },
        None => Fit::Silent {
            video: video.id,
            why: silent_because(tracks, &profile.audio),
        },
    }
}

/// Chooses a channel's profile: for video and then for audio, what can be carried for most of the
/// time. `items` gives each item's tracks and duration.
#[must_use]
pub fn choose_profile<'a>(items: impl Iterator<Item = (&'a [Track], u64)> + Clone) -> Profile {
    let mut profile = Profile::default();
    let video = most(items.clone().flat_map(|(tracks, duration_ms)| {
        let codec = tracks
            .iter()
            .find_map(Track::video)
            .map(|video| video.codec);
        codec.map(|codec| (codec, duration_ms))
    }));
    if let Some(video) = video {
        profile.video = video;
    }
    let audio = most(items.flat_map(|(tracks, duration_ms)| {
        let same_video = tracks.iter().any(|track| {
            track
                .video()
                .is_some_and(|video| video.codec == profile.video)
        });
        let mut kinds: Vec<AudioProfile> = Vec::new();
        if same_video {
            for (_, audio) in heard(tracks) {
                let kind = profile_of(audio);
                if !kinds.iter().any(|known| known.carries(audio)) {
                    kinds.push(kind);
                }
            }
        }
        kinds.into_iter().map(move |kind| (kind, duration_ms))
    }));
    if let Some(audio) = audio {
        profile.audio = audio;
    }
    profile
}

/// The audio profile under which this track goes on air. Where channels may change, silence is
/// stereo.
fn profile_of(audio: &AudioTrack) -> AudioProfile {
    let channels = if audio.codec == AudioCodec::Aac {
        audio.channels
    } else {
        2
    };
    AudioProfile {
        codec: audio.codec,
        sample_rate: audio.sample_rate,
        channels,
    }
}

/// Why pictures of the right codec still cannot go to a television's decoder.
fn unfit_picture(codec: VideoCodec, video: &crate::media::VideoTrack) -> Option<String> {
    let deepest = if codec == VideoCodec::Hevc { 10 } else { 8 };
    if !video.chroma_420 {
        Some("its colours are not 4:2:0, which televisions cannot decode".to_owned())
    } else if video.bit_depth > deepest {
        Some(format!(
            "{} with {} bits cannot be decoded by televisions",
            name(codec),
            video.bit_depth
        ))
    } else {
        None
    }
}

/// The audio tracks that may be chosen, with their places.
fn heard(tracks: &[Track]) -> impl Iterator<Item = (usize, &AudioTrack)> + Clone {
    tracks.iter().enumerate().filter_map(|(at, track)| {
        let audio = track.audio()?;
        (track.role == Role::Main && silence_exists(audio)).then_some((at, audio))
    })
}

/// Whether the box can make silence of this form, which every stream needs at its seams.
fn silence_exists(audio: &AudioTrack) -> bool {
    match audio.codec {
        AudioCodec::Aac => (1..=6).contains(&audio.channels) || audio.channels == 8,
        AudioCodec::Ac3 | AudioCodec::Eac3 => audio.sample_rate == 48_000,
        AudioCodec::Mp2 | AudioCodec::Mp3 => true,
    }
}

/// Higher is better; later tracks lose ties.
fn rank(tracks: &[Track], at: usize, language: &str) -> (bool, bool, std::cmp::Reverse<usize>) {
    let track = tracks.get(at);
    (
        track.is_some_and(|track| track.language == language),
        track.is_some_and(|track| track.default),
        std::cmp::Reverse(at),
    )
}

/// The key with the largest sum; on a tie the one met first.
fn most<K: Copy + PartialEq>(votes: impl Iterator<Item = (K, u64)>) -> Option<K> {
    let mut sums: Vec<(K, u64)> = Vec::new();
    for (key, weight) in votes {
        match sums.iter_mut().find(|(known, _)| *known == key) {
            Some((_, sum)) => *sum = sum.saturating_add(weight),
            None => sums.push((key, weight)),
        }
    }
    let best = sums.iter().map(|(_, sum)| *sum).max()?;
    sums.iter()
        .find(|(_, sum)| *sum == best)
        .map(|(key, _)| *key)
}

fn silent_because(tracks: &[Track], wanted: &AudioProfile) -> String {
    let have: Vec<String> = tracks
        .iter()
        .filter_map(|track| match &track.kind {
            crate::media::TrackKind::Audio(audio) => Some(words(&profile_of(audio))),
            _ => None,
        })
        .collect();
    if have.is_empty() {
        format!(
            "it has no sound that can be carried; silence in {} is sent",
            words(wanted)
        )
    } else {
        format!(
            "its sound is {}, this channel carries {}",
            have.join(" and "),
            words(wanted)
        )
    }
}

fn words(audio: &AudioProfile) -> String {
    let codec = match audio.codec {
        AudioCodec::Aac => format!("AAC with {} channels", audio.channels),
        AudioCodec::Ac3 => "AC-3".to_owned(),
        AudioCodec::Eac3 => "E-AC-3".to_owned(),
        AudioCodec::Mp2 => "MPEG layer II".to_owned(),
        AudioCodec::Mp3 => "MP3".to_owned(),
    };
    format!("{codec} at {} Hz", audio.sample_rate)
}

/// The name of a video codec for people.
fn name(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::H264 => "H.264",
        VideoCodec::Hevc => "HEVC",
        VideoCodec::Mpeg2 => "MPEG-2",
    }
}
