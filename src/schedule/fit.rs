//! Whether an item fits a channel's profile, and with which tracks. The one place that decides:
//! the schedule asks before air, the playout asks on air.

use crate::media::{
    AudioCodec, AudioProfile, AudioTrack, Medium, Profile, Role, Track, TrackId, TrackKind,
    VideoCodec, VideoTrack,
};
use crate::model::MediaItem;
use std::cmp::Reverse;

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
    /// Converted by its server while it is shown.
    Convert {
        /// What becomes of its pictures.
        pictures: Pictures,
        /// Why it cannot go on air as it is, in words for the owner.
        why: String,
    },
    /// Not at all.
    Not {
        /// Why, in words for the owner.
        why: String,
    },
}

/// What a conversion does with pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pictures {
    /// They stay as they are: little work for the server.
    Kept,
    /// They are made anew.
    Made,
}

/// Decides how an item goes on air under `profile`, as far as its library knows it. What a server
/// has can be converted by it; what is a file cannot.
#[must_use]
pub fn fit_item(item: &MediaItem, profile: &Profile, language: &str) -> Fit {
    let tracks = &item.part.tracks;
    let plain = match item.part.container {
        Some(_) => fit(tracks, profile, language),
        None => Fit::Not {
            why: "files of its kind need converting first".to_owned(),
        },
    };
    let why = match &plain {
        Fit::Silent { why, .. } if tracks.iter().any(is_sound) => why,
        Fit::Not { why } => why,
        _ => return plain,
    };
    if item.rating_key.is_none() || !is_made_by_servers(&profile.audio) {
        return plain;
    }
    let keeps = carried_pictures(tracks, profile.video).next().is_some();
    let pictures = match (keeps, profile.video) {
        (true, _) => Pictures::Kept,
        // Not every server can make anything else.
        (false, VideoCodec::H264) => Pictures::Made,
        (false, _) => return plain,
    };
    Fit::Convert {
        pictures,
        why: why.clone(),
    }
}

/// Whether it is sound, carried or not.
fn is_sound(track: &Track) -> bool {
    match &track.kind {
        TrackKind::Audio(_) => true,
        TrackKind::Other { medium, .. } => *medium == Medium::Audio,
        TrackKind::Video(_) => false,
    }
}

/// Whether Plex servers can make sound of this form.
fn is_made_by_servers(audio: &AudioProfile) -> bool {
    audio.sample_rate == 48_000
        && matches!(
            audio.codec,
            AudioCodec::Aac | AudioCodec::Ac3 | AudioCodec::Mp3
        )
}

/// Decides how `tracks` go on air under `profile`. Among tracks that can be carried, one in the
/// preferred language comes first, then the one marked as default, then the first; a
/// commentary is never chosen.
#[must_use]
pub fn fit(tracks: &[Track], profile: &Profile, language: &str) -> Fit {
    let Some(video) = carried_pictures(tracks, profile.video)
        .max_by_key(|(at, _)| rank(tracks, *at, language))
        .and_then(|(at, _)| tracks.get(at))
    else {
        let why = not_because(tracks, profile.video);
        return Fit::Not { why };
    };
    let audio = sounds(tracks)
        .filter(|(_, sound)| profile.audio.carries(sound))
        .max_by_key(|(at, _)| rank(tracks, *at, language))
        .and_then(|(at, _)| tracks.get(at));
    match audio {
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

/// The video tracks, with their places.
pub(super) fn pictures(tracks: &[Track]) -> impl Iterator<Item = (usize, &VideoTrack)> + Clone {
    tracks
        .iter()
        .enumerate()
        .filter_map(|(at, track)| Some((at, track.video()?)))
}

/// Those of them that can go on air in this codec.
pub(super) fn carried_pictures(
    tracks: &[Track],
    codec: VideoCodec,
) -> impl Iterator<Item = (usize, &VideoTrack)> {
    pictures(tracks)
        .filter(move |(_, picture)| picture.codec == codec && unfit_picture(picture).is_none())
}

/// The audio tracks that may be chosen, with their places.
pub(super) fn sounds(tracks: &[Track]) -> impl Iterator<Item = (usize, &AudioTrack)> + Clone {
    tracks.iter().enumerate().filter_map(|(at, track)| {
        let audio = track.audio()?;
        (track.role == Role::Main && silence_exists(audio)).then_some((at, audio))
    })
}

/// The audio profile under which this track goes on air. Where channels may change, silence is
/// stereo.
pub(super) fn profile_of(audio: &AudioTrack) -> AudioProfile {
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

/// Why a picture of the right codec still cannot go to a television's decoder.
fn unfit_picture(video: &VideoTrack) -> Option<String> {
    let deepest = if video.codec == VideoCodec::Hevc {
        10
    } else {
        8
    };
    if !video.chroma_420 {
        Some("its colours are not 4:2:0, which televisions cannot decode".to_owned())
    } else if video.bit_depth > deepest {
        Some(format!(
            "{} with {} bits cannot be decoded by televisions",
            video.codec, video.bit_depth
        ))
    } else {
        None
    }
}

/// Whether the box can make silence of this form, which every stream needs at its seams.
fn silence_exists(audio: &AudioTrack) -> bool {
    match audio.codec {
        AudioCodec::Aac => (1..=6).contains(&audio.channels) || audio.channels == 8,
        AudioCodec::Ac3 | AudioCodec::Eac3 => audio.sample_rate == 48_000,
        AudioCodec::Mp2 | AudioCodec::Mp3 => true,
    }
}

/// Higher is better; of equals the earlier track.
fn rank(tracks: &[Track], at: usize, language: &str) -> (bool, bool, Reverse<usize>) {
    let track = tracks.get(at);
    (
        track.is_some_and(|track| track.language == language),
        track.is_some_and(|track| track.default),
        Reverse(at),
    )
}

fn not_because(tracks: &[Track], wanted: VideoCodec) -> String {
    let of_codec = pictures(tracks).find(|(_, picture)| picture.codec == wanted);
    if let Some(why) = of_codec.and_then(|(_, picture)| unfit_picture(picture)) {
        return why;
    }
    match pictures(tracks).next() {
        Some((_, other)) => format!(
            "its video is {}, this channel carries {}",
            other.codec, wanted
        ),
        None => "it has no video that can be carried".to_owned(),
    }
}

fn silent_because(tracks: &[Track], wanted: &AudioProfile) -> String {
    let mut have: Vec<String> = Vec::new();
    for (_, sound) in sounds(tracks) {
        let sound = profile_of(sound).to_string();
        if !have.contains(&sound) {
            have.push(sound);
        }
    }
    if have.is_empty() {
        format!(
            "it has no sound that can be carried; silence in {} is sent",
            wanted
        )
    } else {
        format!(
            "its sound is {}, this channel carries {}",
            have.join(" and "),
            wanted
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{aac, ac3, h264, hevc, other, with};
    use super::{Fit, Pictures, fit, fit_item};
    use crate::media::{
        AudioCodec, AudioProfile, Container, Medium, Profile, Role, Track, TrackId, TrackKind,
        VideoCodec,
    };
    use crate::model::{LibraryId, MediaItem, MediaItemId, Part};

    fn direct(video: u64, audio: u64) -> Fit {
        Fit::Direct {
            video: TrackId(video),
            audio: TrackId(audio),
        }
    }

    fn why(fit: Fit) -> String {
        match fit {
            Fit::Silent { why, .. } | Fit::Not { why } | Fit::Convert { why, .. } => why,
            Fit::Direct { .. } => panic!("it fits"),
        }
    }

    #[test]
    fn preferred_language_comes_before_the_default_track() {
        let mut german = aac(2, "deu");
        german.default = true;
        let tracks = [h264(1), german, aac(3, "eng")];
        let profile = Profile::default();
        assert_eq!(fit(&tracks, &profile, "eng"), direct(1, 3));
        assert_eq!(fit(&tracks, &profile, "deu"), direct(1, 2));
        assert_eq!(fit(&tracks, &profile, "jpn"), direct(1, 2));
    }

    #[test]
    fn of_equal_tracks_the_first_is_chosen() {
        let tracks = [h264(1), h264(2), aac(3, "und"), aac(4, "und")];
        assert_eq!(fit(&tracks, &Profile::default(), "eng"), direct(1, 3));
    }

    #[test]
    fn commentary_is_never_chosen() {
        let mut talk = aac(2, "eng");
        talk.role = Role::Commentary;
        talk.default = true;
        let profile = Profile::default();
        let tracks = [h264(1), talk.clone(), aac(3, "jpn")];
        assert_eq!(fit(&tracks, &profile, "eng"), direct(1, 3));
        assert!(matches!(
            fit(&[h264(1), talk], &profile, "eng"),
            Fit::Silent {
                video: TrackId(1),
                ..
            }
        ));
    }

    #[test]
    fn aac_keeps_its_channels_and_ac3_need_not() {
        let surround = with(aac(2, "eng"), |audio| audio.channels = 6);
        let tracks = [h264(1), surround];
        assert_eq!(
            why(fit(&tracks, &Profile::default(), "eng")),
            "its sound is AAC 5.1, this channel carries AAC stereo"
        );
        let carries_ac3 = Profile {
            audio: AudioProfile {
                codec: AudioCodec::Ac3,
                sample_rate: 48_000,
                channels: 2,
            },
            ..Profile::default()
        };
        let surround = with(ac3(2, "eng"), |audio| audio.channels = 6);
        assert_eq!(fit(&[h264(1), surround], &carries_ac3, "eng"), direct(1, 2));
    }

    #[test]
    fn a_picture_that_televisions_decode_is_found_behind_one_that_they_do_not() {
        let mut deep = h264(1);
        let TrackKind::Video(video) = &mut deep.kind else {
            panic!("not video")
        };
        video.bit_depth = 10;
        deep.default = true;
        let tracks = [deep.clone(), h264(2), aac(3, "eng")];
        assert_eq!(fit(&tracks, &Profile::default(), "eng"), direct(2, 3));
        assert_eq!(
            why(fit(&[deep], &Profile::default(), "eng")),
            "H.264 with 10 bits cannot be decoded by televisions"
        );
    }

    #[test]
    fn reasons_name_what_is_there_and_what_is_carried() {
        let profile = Profile::default();
        assert_eq!(
            why(fit(&[hevc(1), aac(2, "eng")], &profile, "eng")),
            "its video is HEVC, this channel carries H.264"
        );
        assert_eq!(
            why(fit(&[aac(2, "eng")], &profile, "eng")),
            "it has no video that can be carried"
        );
        assert_eq!(
            why(fit(&[h264(1)], &profile, "eng")),
            "it has no sound that can be carried; silence in AAC stereo is sent"
        );
    }

    #[test]
    fn ten_bit_hevc_is_carried() {
        let profile = Profile {
            video: VideoCodec::Hevc,
            ..Profile::default()
        };
        let mut deep = hevc(1);
        if let TrackKind::Video(video) = &mut deep.kind {
            video.bit_depth = 10;
        }
        let tracks: [Track; 2] = [deep, aac(2, "eng")];
        assert_eq!(fit(&tracks, &profile, "eng"), direct(1, 2));
    }

    /// An item that is a file, or one that a server has.
    fn item(place: Place, container: Option<Container>, tracks: Vec<Track>) -> MediaItem {
        MediaItem {
            id: MediaItemId(1),
            library: LibraryId(1),
            title: "Film".to_owned(),
            year: None,
            episode: None,
            about: None,
            rating_key: match place {
                Place::File => None,
                Place::Server => Some("7".to_owned()),
            },
            missing_ms: None,
            part: Part {
                path: "/m/film".to_owned(),
                size_bytes: 1,
                changed_ms: 0,
                container,
                duration_ms: Some(1_000),
                tracks: tracks.into(),
                problem: None,
            },
        }
    }

    #[derive(Clone, Copy)]
    enum Place {
        File,
        Server,
    }

    #[test]
    fn what_does_not_fit_is_converted_where_a_server_can() {
        let deep = |codec: fn(u64) -> Track| {
            let mut deep = codec(1);
            if let TrackKind::Video(video) = &mut deep.kind {
                video.bit_depth = 12;
            }
            deep
        };
        let (direct, silent, not) = ("direct", "silent", "not");
        let (kept, made) = ("kept", "made");
        let mkv = Some(Container::Matroska);
        let sound = |medium| other(2, medium);
        let hevc_profile = Profile {
            video: VideoCodec::Hevc,
            ..Profile::default()
        };
        let odd_rate = Profile {
            audio: AudioProfile {
                sample_rate: 44_100,
                ..Profile::default().audio
            },
            ..Profile::default()
        };
        let usual = Profile::default();
        // Its container and tracks, the profile, and what becomes of a file and on a server.
        let table = [
            (mkv, vec![h264(1), aac(2, "eng")], usual, direct, direct),
            (None, vec![h264(1), aac(2, "eng")], usual, not, kept),
            (mkv, vec![h264(1), ac3(2, "eng")], usual, silent, kept),
            (mkv, vec![hevc(1), aac(2, "eng")], usual, not, made),
            (mkv, vec![deep(h264), aac(2, "eng")], usual, not, made),
            // Sound that is not carried can be converted; what is no sound cannot become it.
            (
                mkv,
                vec![h264(1), sound(Medium::Audio)],
                usual,
                silent,
                kept,
            ),
            (
                mkv,
                vec![h264(1), sound(Medium::Neither)],
                usual,
                silent,
                silent,
            ),
            (
                mkv,
                vec![h264(1), sound(Medium::Video)],
                usual,
                silent,
                silent,
            ),
            (mkv, vec![h264(1)], usual, silent, silent),
            // Not every server makes anything but H.264, and none sound of this rate.
            (mkv, vec![h264(1), aac(2, "eng")], hevc_profile, not, not),
            (mkv, vec![deep(hevc), aac(2, "eng")], hevc_profile, not, not),
            (
                mkv,
                vec![hevc(1), ac3(2, "eng")],
                hevc_profile,
                silent,
                kept,
            ),
            (mkv, vec![h264(1), aac(2, "eng")], odd_rate, silent, silent),
        ];
        for (row, (container, tracks, profile, of_file, of_server)) in table.into_iter().enumerate()
        {
            for (place, wanted) in [(Place::File, of_file), (Place::Server, of_server)] {
                let item = item(place, container, tracks.clone());
                let found = match fit_item(&item, &profile, "eng") {
                    Fit::Direct { .. } => direct,
                    Fit::Silent { .. } => silent,
                    Fit::Not { .. } => not,
                    Fit::Convert {
                        pictures: Pictures::Kept,
                        ..
                    } => kept,
                    Fit::Convert {
                        pictures: Pictures::Made,
                        ..
                    } => made,
                };
                assert_eq!(found, wanted, "row {row}");
            }
        }
    }
}
