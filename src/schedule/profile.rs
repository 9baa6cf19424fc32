//! What a channel's stream is made of, chosen from what the channel shows.

use super::fit::{carried_pictures, profile_of, sounds};
use crate::media::{AudioCodec, AudioProfile, Profile, Track, VideoCodec};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

const VIDEO_CODECS: [VideoCodec; 3] = [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Mpeg2];

/// Chooses a channel's profile: for video and then for audio, what can be carried for most of the
/// time. `items` gives each item's tracks and duration. Sound in another language counts half
/// where the item has some in the preferred one. On a tie the form wins that more clients play, so
/// the order of `items` does not matter; without items it is the default profile.
#[must_use]
pub fn choose_profile<'a>(
    items: impl Iterator<Item = (&'a [Track], u64)> + Clone,
    language: &str,
) -> Profile {
    let usual = Profile::default();
    let video = most(
        items.clone().flat_map(|(tracks, duration_ms)| {
            VIDEO_CODECS
                .into_iter()
                .filter(move |codec| shows(tracks, *codec))
                .map(move |codec| (codec, duration_ms))
        }),
        |codec| VIDEO_CODECS.iter().position(|known| known == codec),
    )
    .unwrap_or(usual.video);
    let audio = most(
        items
            .filter(|(tracks, _)| shows(tracks, video))
            .flat_map(|(tracks, duration_ms)| audio_votes(tracks, duration_ms, language)),
        |audio| (*audio != usual.audio, audio_order(audio)),
    )
    .unwrap_or(usual.audio);
    Profile { video, audio }
}

/// Whether an item has pictures in this codec that can go on air.
fn shows(tracks: &[Track], codec: VideoCodec) -> bool {
    carried_pictures(tracks, codec).next().is_some()
}

/// Each audio profile under which an item is heard, once, with its weight: the item's duration,
/// twice where nothing better could be heard.
fn audio_votes<'a>(
    tracks: &'a [Track],
    duration_ms: u64,
    language: &'a str,
) -> impl Iterator<Item = (AudioProfile, u64)> + 'a {
    let preferred = move |at: usize| {
        tracks
            .get(at)
            .is_some_and(|track| track.language == language)
    };
    let has_preferred = sounds(tracks).any(|(at, _)| preferred(at));
    sounds(tracks).filter_map(move |(at, sound)| {
        let kind = profile_of(sound);
        let mut alike = sounds(tracks).filter(move |(_, other)| kind.carries(other));
        let first = alike.clone().next().is_some_and(|(other, _)| other == at);
        let best = !has_preferred || alike.any(|(other, _)| preferred(other));
        first.then(|| (kind, duration_ms.saturating_mul(if best { 2 } else { 1 })))
    })
}

/// The order in which audio profiles win ties: the smaller is played by more clients.
fn audio_order(audio: &AudioProfile) -> (u8, bool, Reverse<u32>, u8) {
    let codec = match audio.codec {
        AudioCodec::Aac => 0,
        AudioCodec::Ac3 => 1,
        AudioCodec::Eac3 => 2,
        AudioCodec::Mp2 => 3,
        AudioCodec::Mp3 => 4,
    };
    (
        codec,
        audio.sample_rate != 48_000,
        Reverse(audio.sample_rate),
        audio.channels,
    )
}

/// The key with the largest sum; on a tie the one that comes first by `order`.
fn most<K: Copy + Eq + Hash, O: Ord>(
    votes: impl Iterator<Item = (K, u64)>,
    order: impl Fn(&K) -> O,
) -> Option<K> {
    let mut sums: HashMap<K, u64> = HashMap::new();
    for (key, weight) in votes {
        let sum = sums.entry(key).or_default();
        *sum = sum.saturating_add(weight);
    }
    sums.into_iter()
        .max_by_key(|(key, sum)| (*sum, Reverse(order(key))))
        .map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{aac, ac3, h264, hevc, with};
    use super::choose_profile;
    use crate::media::{AudioCodec, Profile, Track, TrackKind, VideoCodec};

    fn choose(items: &[(Vec<Track>, u64)]) -> Profile {
        let items = items
            .iter()
            .map(|(tracks, duration_ms)| (tracks.as_slice(), *duration_ms));
        choose_profile(items, "eng")
    }

    #[test]
    fn most_of_the_time_decides_not_most_of_the_items() {
        let film = (vec![hevc(1), ac3(2, "eng")], 7_200_000);
        let clip = (vec![h264(1), aac(2, "eng")], 60_000);
        let profile = choose(&[clip.clone(), clip.clone(), film, clip]);
        assert_eq!(profile.video, VideoCodec::Hevc);
        assert_eq!(profile.audio.codec, AudioCodec::Ac3);
    }

    #[test]
    fn sound_of_items_with_other_video_does_not_count() {
        let profile = choose(&[
            (vec![h264(1), aac(2, "eng")], 1_000),
            (vec![hevc(1), ac3(2, "eng")], 900),
            (
                vec![h264(1), with(aac(2, "eng"), |audio| audio.channels = 6)],
                500,
            ),
            (vec![hevc(1), ac3(2, "eng")], 500),
        ]);
        assert_eq!(profile.video, VideoCodec::H264);
        assert_eq!(
            (profile.audio.codec, profile.audio.channels),
            (AudioCodec::Aac, 2)
        );
    }

    #[test]
    fn preferred_language_decides_between_tracks_that_all_items_have() {
        let both = vec![
            h264(1),
            ac3(2, "jpn"),
            with(aac(3, "eng"), |a| a.channels = 6),
        ];
        let profile = choose(&[(both.clone(), 1_000), (both, 1_000)]);
        assert_eq!(
            (profile.audio.codec, profile.audio.channels),
            (AudioCodec::Aac, 6)
        );
    }

    #[test]
    fn pictures_that_nobody_can_decode_have_no_vote() {
        let mut deep = h264(1);
        if let TrackKind::Video(video) = &mut deep.kind {
            video.bit_depth = 10;
        }
        let profile = choose(&[
            (vec![deep, aac(2, "eng")], 9_000),
            (vec![hevc(1), aac(2, "eng")], 1_000),
        ]);
        assert_eq!(profile.video, VideoCodec::Hevc);
    }

    #[test]
    fn ties_do_not_depend_on_the_order_of_items() {
        let one = (vec![hevc(1), ac3(2, "eng")], 1_000);
        let other = (vec![h264(1), aac(2, "eng")], 1_000);
        assert_eq!(choose(&[one.clone(), other.clone()]), Profile::default());
        assert_eq!(choose(&[other, one]), Profile::default());
        assert_eq!(choose(&[]), Profile::default());
    }
}
