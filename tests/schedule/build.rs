//! Libraries and channels to be scheduled.

use exstreamtv::catalog::Catalog;
use exstreamtv::media::{
    AudioCodec, AudioTrack, Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack,
};
use exstreamtv::model::{
    Channel, ChannelId, ChannelNumber, Library, LibraryId, MediaItem, MediaItemId, Order, Origin,
    Part,
};
use exstreamtv::schedule::{Schedule, Wishes};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use std::sync::Arc;

pub(crate) const EPOCH_MS: i64 = 1_700_000_000_000;
pub(crate) const HOUR_MS: u64 = 3_600_000;
pub(crate) const FIFTY_YEARS_MS: i64 = 50 * 365 * 24 * 3_600_000;

pub(crate) fn track(id: u64, kind: TrackKind) -> Track {
    Track {
        id: TrackId(id),
        kind,
        language: "eng".to_owned(),
        title: None,
        role: Role::Main,
        default: true,
    }
}

pub(crate) fn tracks(video: VideoCodec, audio: AudioCodec) -> Vec<Track> {
    let picture = VideoTrack {
        codec: video,
        width: 1280,
        height: 720,
        frame_duration_90k: 3600,
        bit_depth: 8,
        chroma_420: true,
    };
    let sound = AudioTrack {
        codec: audio,
        sample_rate: 48_000,
        channels: 2,
    };
    vec![
        track(1, TrackKind::Video(picture)),
        track(2, TrackKind::Audio(sound)),
    ]
}

pub(crate) fn usual() -> Vec<Track> {
    tracks(VideoCodec::H264, AudioCodec::Aac)
}

pub(crate) fn item(id: i64, duration_ms: Option<u64>, tracks: Vec<Track>) -> MediaItem {
    MediaItem {
        rating_key: None,
        about: None,
        missing_ms: None,
        id: MediaItemId(id),
        library: LibraryId(1),
        title: format!("item {id}"),
        year: None,
        episode: None,
        part: Part {
            path: format!("/media/films/item {id}.mkv"),
            size_bytes: 1,
            changed_ms: 0,
            container: Some(Container::Matroska),
            duration_ms,
            tracks: tracks.into(),
            problem: None,
        },
    }
}

pub(crate) fn items(durations_ms: &[u64]) -> Vec<MediaItem> {
    (1..)
        .zip(durations_ms)
        .map(|(id, duration_ms)| item(id, Some(*duration_ms), usual()))
        .collect()
}

pub(crate) fn channel(major: u32, order: Order, items: Vec<MediaItemId>) -> Channel {
    Channel {
        id: ChannelId(i64::from(major)),
        number: ChannelNumber { major, minor: None },
        name: format!("Channel {major}"),
        epoch_ms: EPOCH_MS,
        order,
        items,
    }
}

pub(crate) fn library() -> Library {
    Library {
        id: LibraryId(1),
        name: "Films".to_owned(),
        origin: Origin::Folder {
            path: "/media/films".to_owned(),
        },
    }
}

pub(crate) fn schedule_of(items: Vec<MediaItem>, order: Order) -> Schedule {
    let all = items.iter().map(|item| item.id).collect();
    schedule_listing(items, order, all)
}

pub(crate) fn schedule_listing(
    items: Vec<MediaItem>,
    order: Order,
    list: Vec<MediaItemId>,
) -> Schedule {
    let catalog = Catalog::new(vec![library()], items, vec![]);
    let channel = Arc::new(channel(1, order, list));
    Schedule::build(&channel, &catalog, &Wishes::default())
}

pub(crate) fn ids(numbers: &[i64]) -> Vec<MediaItemId> {
    numbers.iter().copied().map(MediaItemId).collect()
}

pub(crate) fn durations() -> impl Strategy<Value = Vec<u64>> {
    let one = prop_oneof![
        Just(1),
        1..50_u64,
        1_000..10_000_000_u64,
        Just(300 * HOUR_MS)
    ];
    vec(one, 1..40)
}

pub(crate) fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::Listed),
        any::<u64>().prop_map(|seed| Order::Shuffled { seed })
    ]
}

pub(crate) fn instants() -> impl Strategy<Value = i64> {
    prop_oneof![
        EPOCH_MS - FIFTY_YEARS_MS..EPOCH_MS + FIFTY_YEARS_MS,
        EPOCH_MS - 10..EPOCH_MS + 10,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX - 1),
        Just(0),
    ]
}
