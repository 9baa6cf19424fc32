//! Guide and playlists, judged by libxml2 and by the XMLTV project's own DTD.
//!
//! Needs `xmllint` (Debian package `libxml2-utils`) and `xmltv.dtd` (`libxmltv-perl`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests may fail loudly"
)]

#[path = "guide/judge.rs"]
mod judge;
#[path = "guide/words.rs"]
mod words;

use exstreamtv::catalog::Catalog;
use exstreamtv::http::xmltv;
use exstreamtv::limits;
use exstreamtv::media::{Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack};
use exstreamtv::model::{
    Channel, ChannelId, Episode, LibraryId, MediaItem, MediaItemId, Order, Part,
};
use exstreamtv::schedule::{Lineup, Wishes};
use judge::{assert_valid, programmes};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};
use std::sync::Arc;
use words::told;

/// 2023-11-14T22:13:20Z
const EPOCH_MS: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;
/// Where the reader of a guide reaches the box.
const WEB: &str = "http://10.0.0.9:8411";

fn item(id: i64, title: &str, duration_ms: u64) -> MediaItem {
    let picture = VideoTrack {
        codec: VideoCodec::H264,
        width: 1280,
        height: 720,
        frame_duration_90k: 3600,
        bit_depth: 8,
        chroma_420: true,
    };
    MediaItem {
        rating_key: None,
        about: None,
        missing_ms: None,
        id: MediaItemId(id),
        library: LibraryId(1),
        title: title.to_owned(),
        year: None,
        episode: None,
        part: Part {
            path: format!("/media/{id}.mkv"),
            size_bytes: 1,
            changed_ms: 0,
            container: Some(Container::Matroska),
            duration_ms: Some(duration_ms),
            tracks: vec![Track {
                id: TrackId(1),
                kind: TrackKind::Video(picture),
                language: "und".to_owned(),
                title: None,
                role: Role::Main,
                default: true,
            }]
            .into(),
            problem: None,
        },
    }
}

fn channel(number: &str, name: &str, items: &[i64]) -> Channel {
    Channel {
        id: ChannelId(0),
        number: number.parse().unwrap(),
        name: name.to_owned(),
        epoch_ms: EPOCH_MS,
        order: Order::Listed,
        items: items.iter().copied().map(MediaItemId).collect(),
    }
}

fn lineup(items: Vec<MediaItem>, channels: Vec<Channel>) -> Arc<Lineup> {
    let catalog = Arc::new(Catalog::new(vec![], items, channels));
    Arc::new(Lineup::build(catalog, &Wishes::default()))
}

fn guide(lineup: &Arc<Lineup>, now_ms: i64) -> String {
    let pieces: Vec<_> = xmltv::guide(Arc::clone(lineup), now_ms, WEB).collect();
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    assert!(
        pieces
            .iter()
            .all(|piece| piece.len() <= limits::GUIDE_PIECE_BYTES)
    );
    String::from_utf8(pieces.concat()).unwrap()
}

/// With everything that a server may tell, each text as long as it is kept, of signs that have to be
/// escaped.
#[test]
fn the_fullest_programme_fits_into_a_piece() {
    let longest = |bytes: usize| "\"".repeat(bytes);
    let mut items: Vec<_> = (1..40).map(|id| item(id, &longest(512), 60_000)).collect();
    // Of many lengths, so that some programme ends wherever it may in a piece.
    for (n, item) in (0..).zip(&mut items) {
        item.title.truncate(512 - n * 11);
        item.episode = Some(Episode {
            show: longest(510) + &n.to_string(),
            season: u16::MAX,
            number: u16::MAX,
        });
        told(item);
        let about = item.about.as_mut().unwrap();
        about.summary = Some(longest(512).into());
        about.genres = (0..16)
            .map(|n| format!("{n}{}", longest(510)).into())
            .collect();
        about.content_rating = Some(longest(512).into());
    }
    let all: Vec<i64> = (1..40).collect();
    let lineup = lineup(items, vec![channel("99999.999", &longest(512), &all)]);
    let web = format!("http://{}:8411", "&".repeat(253));
    let pieces: Vec<_> = xmltv::guide(lineup, EPOCH_MS, &web).collect();
    let longest = pieces.iter().map(|piece| piece.len()).max();
    assert!(longest <= Some(limits::GUIDE_PIECE_BYTES), "{longest:?}");
    assert_valid(std::str::from_utf8(&pieces.concat()).unwrap());
}

#[test]
fn the_guide_of_a_large_library_is_made_in_a_moment() {
    let summary = "Somebody finds an orchard, and nobody in the town will speak of it again. ";
    for (words, is_told) in [("bare", false), ("with what Plex tells", true)] {
        let items: Vec<_> = (1..=28_949_i64)
            .map(|id| {
                let minutes = u64::try_from(id % 100).unwrap() + 20;
                let mut item = item(id, &format!("The Silent Harbour {id}"), minutes * 60_000);
                item.year = Some(1999);
                if is_told {
                    told(&mut item);
                    let about = item.about.as_mut().unwrap();
                    about.summary = Some(summary.repeat(4).into());
                }
                item
            })
            .collect();
        let all: Vec<i64> = (1..=28_949).collect();
        let channels = (1..=34)
            .map(|n| {
                let mut one = channel(&n.to_string(), "Channel", &all);
                one.order = Order::Shuffled { seed: n };
                one
            })
            .collect();
        let lineup = lineup(items, channels);
        let began = std::time::Instant::now();
        let document = guide(&lineup, EPOCH_MS);
        let took = began.elapsed();
        let programmes = document.matches("<programme").count();
        println!(
            "{words}: {programmes} programmes, {} bytes in {took:?}",
            document.len()
        );
        assert!(programmes > 34 * 20);
        assert!(document.len() < programmes * 2_000, "{}", document.len());
        assert!(took.as_secs() < 10, "{took:?}");
    }
}

#[test]
fn very_short_items_leave_what_is_on_now_in_the_guide() {
    for duration_ms in [1, 400, 999, 1_000, 1_500, 5_000, 20_000] {
        let items = vec![item(1, "a", duration_ms), item(2, "b", duration_ms)];
        let lineup = lineup(items, vec![channel("1", "Short", &[1, 2])]);
        let document = guide(&lineup, EPOCH_MS + 12_345_678);
        let now_s = (EPOCH_MS + 12_345_678).div_euclid(1_000);
        let shown = &programmes(&document)["1.exstreamtv"];
        assert!(shown.len() <= limits::GUIDE_PROGRAMMES);
        assert!(shown.iter().all(|one| one.start_s < one.stop_s));
        assert!(
            shown
                .windows(2)
                .all(|pair| pair[0].stop_s == pair[1].start_s)
        );
        let ahead_s = shown.last().unwrap().stop_s - now_s;
        assert!(ahead_s > 1_400, "{duration_ms} ms: {ahead_s} s ahead");
    }
}

#[test]
fn guide_reaches_from_an_hour_ago_to_36_hours_ahead() {
    let items = vec![item(1, "a", 1_700_001), item(2, "b", 90_017)];
    let lineup = lineup(items, vec![channel("1", "One", &[1, 2])]);
    let shown = &programmes(&guide(&lineup, EPOCH_MS))["1.exstreamtv"];
    let now_s = EPOCH_MS / 1_000;
    assert!(shown[0].start_s <= now_s - 3_600 && shown[0].stop_s > now_s - 3_600);
    let last = shown.last().unwrap();
    assert!(last.start_s < now_s + 36 * 3_600 && last.stop_s >= now_s + 36 * 3_600);
}

#[test]
fn a_box_with_a_wrong_clock_has_a_valid_guide() {
    let lineup = lineup(
        vec![item(1, "a", 1_700_001)],
        vec![channel("1", "One", &[1])],
    );
    for now_ms in [
        i64::MIN,
        -70_000_000_000_000,
        -1,
        0,
        253_402_300_799_000,
        i64::MAX,
    ] {
        assert_valid(&guide(&lineup, now_ms));
    }
}

#[test]
fn pieces_are_bounded_and_many() {
    let items: Vec<_> = (1..50)
        .map(|id| item(id, &"title ".repeat(60), 30_000))
        .collect();
    let all: Vec<i64> = (1..50).collect();
    let channels = (1..=34)
        .map(|n| channel(&n.to_string(), "Channel", &all))
        .collect();
    let lineup = lineup(items, channels);
    let mut pieces = 0;
    let mut bytes = 0;
    for piece in xmltv::guide(lineup, EPOCH_MS, WEB) {
        assert!(piece.len() <= limits::GUIDE_PIECE_BYTES);
        pieces += 1;
        bytes += piece.len();
    }
    assert!(
        pieces > 34 && bytes > pieces * limits::GUIDE_PIECE_BYTES / 2,
        "{pieces}, {bytes}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// At every whole second, to which XMLTV rounds, and at any other instant that is not within
    /// the second in which a programme ends.
    #[test]
    fn what_is_on_is_what_the_guide_says(
        durations in vec(prop_oneof![1..3_000_u64, 1_000..100_000_u64, 60_000..9_000_000_u64], 1..12),
        shuffled in any::<bool>(),
        now_ms in EPOCH_MS - 40_000_000_000..EPOCH_MS + 1_500_000_000_000,
        looks in vec(0..36 * HOUR_MS, 200)
    ) {
        let items: Vec<MediaItem> = (1..)
            .zip(&durations)
            .map(|(id, duration_ms)| item(id, &format!("item {id}"), *duration_ms))
            .collect();
        let all: Vec<i64> = items.iter().map(|item| item.id.0).collect();
        let mut one = channel("3", "Three", &all);
        if shuffled {
            one.order = Order::Shuffled { seed: 3 };
        }
        let lineup = lineup(items, vec![one]);
        let schedule = Arc::clone(&lineup.schedules()[0]);
        let shown = programmes(&guide(&lineup, now_ms)).remove("3.exstreamtv").unwrap();
        for pair in shown.windows(2) {
            prop_assert_eq!(pair[0].stop_s, pair[1].start_s);
        }
        prop_assert!(shown.iter().all(|one| one.start_s < one.stop_s));
        let listed = |at_ms: i64| {
            let at_s = at_ms.div_euclid(1_000);
            shown.iter().find(|one| (one.start_s..one.stop_s).contains(&at_s))
        };
        prop_assert!(listed(now_ms).is_some(), "now is in the guide");
        let mut compared = 0;
        for at_ms in looks.iter().map(|look| now_ms + look).chain([now_ms]) {
            let Some(listed) = listed(at_ms) else { continue };
            let on_air = |at_ms: i64| schedule.on_air(at_ms).unwrap();
            let whole_ms = at_ms - at_ms.rem_euclid(1_000);
            prop_assert_eq!(&listed.title, &format!("item {}", on_air(whole_ms).item.0));
            if on_air(at_ms).end_ms > whole_ms + 1_000 && on_air(at_ms).start_ms <= whole_ms {
                prop_assert_eq!(&listed.title, &format!("item {}", on_air(at_ms).item.0));
            }
            compared += 1;
        }
        prop_assert!(compared > 0);
    }
}
