//! The channels of the demo: one for each way in which the clips are coded, then more of the same,
//! shuffled. The same clips make the same channels, and the same schedule, every time.

use crate::catalog::Catalog;
use crate::media::Profile;
use crate::model::{ChannelNumber, LibraryId, MediaItem, NewChannel, Order};
use crate::schedule::choose_profile;
use std::cmp::Reverse;
use std::iter::once;

/// What can be shown together on one channel.
struct Group<'a> {
    profile: Profile,
    items: Vec<&'a MediaItem>,
}

/// `count` channels made of what a library holds; none where it holds nothing that can be shown.
pub(super) fn channels(
    catalog: &Catalog,
    library: LibraryId,
    (count, number): (usize, super::Numbers),
    language: &str,
) -> Vec<NewChannel> {
    let groups = groups(catalog, library, language);
    (0..count)
        .zip(groups.iter().cycle())
        .map(|(at, group)| {
            let (name, order) = match at / groups.len() {
                0 => (name(group.profile), Order::Listed),
                round => (
                    format!("{}, mix {round}", name(group.profile)),
                    Order::Shuffled {
                        seed: u64::try_from(round).unwrap_or_default(),
                    },
                ),
            };
            NewChannel {
                number: number(at),
                name,
                epoch_ms: super::EPOCH_MS,
                order,
                items: group.items.iter().map(|item| item.id).collect(),
            }
        })
        .collect()
}

/// The items that can be shown, by profile; the largest group first, each by path.
fn groups<'a>(catalog: &'a Catalog, library: LibraryId, language: &str) -> Vec<Group<'a>> {
    let mut items: Vec<&MediaItem> = catalog
        .items()
        .iter()
        .map(AsRef::as_ref)
        .filter(|item| item.library == library && item.part.problem.is_none())
        .filter(|item| {
            item.part
                .duration_ms
                .is_some_and(|duration_ms| duration_ms > 0)
        })
        .collect();
    items.sort_by(|a, b| a.part.path.cmp(&b.part.path));
    let mut groups: Vec<Group<'a>> = Vec::new();
    for item in items {
        let profile = choose_profile(once((item.part.tracks.as_ref(), 1)), language);
        match groups.iter_mut().find(|group| group.profile == profile) {
            Some(group) => group.items.push(item),
            None => groups.push(Group {
                profile,
                items: vec![item],
            }),
        }
    }
    groups.sort_by_key(|group| Reverse(group.items.len()));
    groups
}

/// 1984, 1984.1, then 2, 3, 4 and so on.
pub(super) fn number(at: usize) -> ChannelNumber {
    match u32::try_from(at) {
        Ok(major @ 2..) => ChannelNumber { major, minor: None },
        at => ChannelNumber {
            major: 1984,
            minor: (at == Ok(1)).then_some(1),
        },
    }
}

/// 1984, 1984.1, 1984.2 and so on: the other numbers are for the owner's own channels.
pub(super) fn number_aside(at: usize) -> ChannelNumber {
    ChannelNumber {
        major: 1984,
        minor: u16::try_from(at).ok().filter(|minor| *minor > 0),
    }
}

/// What a person calls a profile.
fn name(profile: Profile) -> String {
    format!("{} and {}", profile.video, profile.audio.codec)
}

#[cfg(test)]
mod tests {
    use super::{channels, number};
    use crate::catalog::Catalog;
    use crate::media::{
        AudioCodec, AudioTrack, Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack,
    };
    use crate::model::{LibraryId, MediaItem, MediaItemId, Order, Part};
    use std::collections::BTreeSet;

    fn track(id: u64, kind: TrackKind) -> Track {
        Track {
            id: TrackId(id),
            kind,
            language: "und".to_owned(),
            title: None,
            role: Role::Main,
            default: true,
        }
    }

    fn item(id: i64, video: VideoCodec, audio: AudioCodec) -> MediaItem {
        let video = TrackKind::Video(VideoTrack {
            codec: video,
            width: 640,
            height: 360,
            frame_duration_90k: 3600,
            bit_depth: 8,
            chroma_420: true,
        });
        let audio = TrackKind::Audio(AudioTrack {
            codec: audio,
            sample_rate: 48_000,
            channels: 2,
        });
        MediaItem {
            rating_key: None,
            about: None,
            missing_ms: None,
            id: MediaItemId(id),
            library: LibraryId(1),
            title: format!("Clip {id}"),
            year: None,
            episode: None,
            part: Part {
                path: format!("/clips/{}.mkv", 100 - id),
                size_bytes: 1000,
                changed_ms: 0,
                container: Some(Container::Matroska),
                duration_ms: Some(10_000),
                tracks: vec![track(1, video), track(2, audio)].into(),
                problem: None,
            },
        }
    }

    fn catalog() -> Catalog {
        let mut broken = item(9, VideoCodec::Mpeg2, AudioCodec::Mp2);
        broken.part.problem = Some("it is cut off".to_owned());
        let mut foreign = item(8, VideoCodec::Mpeg2, AudioCodec::Mp2);
        foreign.library = LibraryId(2);
        let items = vec![
            item(1, VideoCodec::Hevc, AudioCodec::Aac),
            item(2, VideoCodec::H264, AudioCodec::Aac),
            item(3, VideoCodec::H264, AudioCodec::Aac),
            broken,
            foreign,
        ];
        Catalog::new(Vec::new(), items, Vec::new())
    }

    #[test]
    fn each_channel_keeps_one_profile_and_more_are_shuffled() {
        let made = channels(&catalog(), LibraryId(1), (5, number), "eng");
        let items: Vec<Vec<i64>> = made
            .iter()
            .map(|channel| channel.items.iter().map(|item| item.0).collect())
            .collect();
        assert_eq!(
            items,
            [vec![3, 2], vec![1], vec![3, 2], vec![1], vec![3, 2]]
        );
        let orders: Vec<Order> = made.iter().map(|channel| channel.order).collect();
        let mix = |seed| Order::Shuffled { seed };
        assert_eq!(
            orders,
            [Order::Listed, Order::Listed, mix(1), mix(1), mix(2)]
        );
        let names: BTreeSet<&str> = made.iter().map(|channel| channel.name.as_str()).collect();
        assert_eq!(names.len(), 5);
        assert_eq!(made, channels(&catalog(), LibraryId(1), (5, number), "eng"));
    }

    #[test]
    fn numbers_begin_with_1984_and_never_repeat() {
        let first: Vec<String> = (0..5).map(|at| number(at).to_string()).collect();
        assert_eq!(first, ["1984", "1984.1", "2", "3", "4"]);
        let all: BTreeSet<_> = (0..480).map(number).collect();
        assert_eq!(all.len(), 480);
    }

    #[test]
    fn nothing_to_show_makes_no_channel() {
        assert!(channels(&catalog(), LibraryId(3), (4, number), "eng").is_empty());
    }
}
