//! The schedule, seen from outside: a total function of channel, catalog and instant.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail loudly"
)]

#[path = "schedule/build.rs"]
mod build;
#[path = "schedule/suggest.rs"]
mod suggest;

use build::{
    EPOCH_MS, FIFTY_YEARS_MS, HOUR_MS, channel, durations, ids, instants, item, items, orders,
    schedule_listing, schedule_of, tracks, usual,
};
use exstreamtv::catalog::Catalog;
use exstreamtv::media::{AudioCodec, VideoCodec};
use exstreamtv::model::{Channel, ChannelId, MediaItem, MediaItemId, Order};
use exstreamtv::schedule::{Lineup, Schedule, Wishes};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::{prop_assert, prop_assert_eq, prop_assert_ne};
use std::collections::HashSet;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

proptest! {
    #[test]
    fn every_instant_has_one_airing_and_the_next_one_meets_it(
        durations in durations(), order in orders(), at_ms in instants()
    ) {
        let schedule = schedule_of(items(&durations), order);
        let mut airing = schedule.on_air(at_ms).unwrap();
        prop_assert!(airing.start_ms <= at_ms && at_ms < airing.end_ms);
        for _ in 0..300 {
            prop_assert_eq!(schedule.on_air(airing.start_ms), Some(airing));
            prop_assert_eq!(schedule.on_air(airing.end_ms - 1), Some(airing));
            let Some(next) = schedule.next_after(&airing) else {
                prop_assert_eq!(airing.end_ms, i64::MAX);
                break;
            };
            prop_assert_eq!(next.start_ms, airing.end_ms);
            airing = next;
        }
    }

    #[test]
    fn an_airing_lasts_as_long_as_its_item(
        durations in durations(), order in orders(),
        at_ms in EPOCH_MS - FIFTY_YEARS_MS..EPOCH_MS + FIFTY_YEARS_MS
    ) {
        let schedule = schedule_of(items(&durations), order);
        let airing = schedule.on_air(at_ms).unwrap();
        let index = usize::try_from(airing.item.0 - 1).unwrap();
        prop_assert_eq!(u64::try_from(airing.end_ms - airing.start_ms).unwrap(), durations[index]);
    }

    #[test]
    fn the_same_channel_gives_the_same_schedule(durations in durations(), order in orders()) {
        prop_assert_eq!(
            schedule_of(items(&durations), order),
            schedule_of(items(&durations), order)
        );
    }

    #[test]
    fn a_listed_channel_shows_its_list_from_its_epoch_on(durations in durations(), laps in -3..3_i64) {
        let schedule = schedule_of(items(&durations), Order::Listed);
        let lap_ms: i64 = durations.iter().map(|one| i64::try_from(*one).unwrap()).sum();
        prop_assert_eq!(schedule.lap_ms(), u64::try_from(lap_ms).unwrap());
        let mut at_ms = EPOCH_MS + laps * lap_ms;
        for (id, duration_ms) in (1..).zip(&durations) {
            let airing = schedule.on_air(at_ms).unwrap();
            prop_assert_eq!((airing.item, airing.start_ms), (MediaItemId(id), at_ms));
            at_ms += i64::try_from(*duration_ms).unwrap();
        }
    }

    #[test]
    fn an_item_that_is_missing_for_a_while_moves_nothing(durations in durations(), order in orders(), gone in any::<usize>()) {
        let there = schedule_of(items(&durations), order);
        let mut items = items(&durations);
        let gone = gone % items.len();
        items[gone].missing_ms = Some(EPOCH_MS);
        prop_assert_eq!(schedule_of(items, order), there);
    }

    #[test]
    fn laps_repeat(durations in durations(), order in orders(), offset in 0..FIFTY_YEARS_MS, laps in -20..20_i64) {
        let schedule = schedule_of(items(&durations), order);
        let lap_ms = i64::try_from(schedule.lap_ms()).unwrap();
        let here = schedule.on_air(EPOCH_MS + offset).unwrap();
        let there = schedule.on_air(EPOCH_MS + offset + laps * lap_ms).unwrap();
        prop_assert_eq!(here.item, there.item);
        prop_assert_eq!(here.start_ms + laps * lap_ms, there.start_ms);
    }

    #[test]
    fn a_shuffled_channel_shows_everything_and_nothing_twice_in_a_row(
        durations in vec(1..1000_u64, 2..60), seed in any::<u64>()
    ) {
        let schedule = schedule_of(items(&durations), Order::Shuffled { seed });
        let mut seen = HashSet::new();
        let mut before = None;
        // Into the second lap, across the seam.
        for airing in schedule.airings(EPOCH_MS, i64::MAX).take(schedule.lap_airings() + 2) {
            prop_assert_ne!(before, Some(airing.item));
            before = Some(airing.item);
            seen.insert(airing.item);
        }
        prop_assert_eq!(seen.len(), durations.len());
    }

    #[test]
    fn airings_cover_the_window_that_was_asked_for(
        durations in vec(1_000..100_000_u64, 1..9), from_ms in -1_000_000..1_000_000_i64, long_ms in 0..3_000_000_i64
    ) {
        let schedule = schedule_of(items(&durations), Order::Listed);
        let to_ms = from_ms + long_ms;
        let airings: Vec<_> = schedule.airings(from_ms, to_ms).collect();
        prop_assert_eq!(airings.is_empty(), long_ms == 0);
        if let (Some(first), Some(last)) = (airings.first(), airings.last()) {
            prop_assert!(first.start_ms <= from_ms && from_ms < first.end_ms);
            prop_assert!(last.start_ms < to_ms && to_ms <= last.end_ms);
        }
    }
}

#[test]
fn what_cannot_be_shown_is_left_out_in_words() {
    let mut broken = item(3, Some(1_000), usual());
    broken.part.problem = Some("it is truncated".to_owned());
    let items = vec![
        item(1, Some(10_000), usual()),
        item(2, None, usual()),
        broken,
        item(4, Some(0), usual()),
        item(5, Some(5_000), tracks(VideoCodec::Hevc, AudioCodec::Aac)),
        item(6, Some(u64::MAX), usual()),
        item(8, Some(2_000), tracks(VideoCodec::H264, AudioCodec::Ac3)),
    ];
    let schedule = schedule_listing(items, Order::Listed, ids(&[6, 5, 1, 7, 2, 3, 4, 8]));
    let words: Vec<_> = schedule
        .left_out()
        .iter()
        .map(|one| (one.item.0, one.why.as_str()))
        .collect();
    assert_eq!(
        words,
        [
            (6, "it claims to last 5124095576030 hours, which cannot be"),
            (5, "its video is HEVC, this channel carries H.264"),
            (7, "it is no longer in the library"),
            (2, "its duration is not known"),
            (3, "it is truncated"),
            (4, "it is empty: its duration is zero"),
        ]
    );
    let shown: Vec<_> = schedule
        .airings(EPOCH_MS, EPOCH_MS + 12_000)
        .map(|airing| airing.item.0)
        .collect();
    assert_eq!(shown, [1, 8]);
}

#[test]
fn empty_channels_are_never_on_air() {
    let nothing_playable = vec![item(1, None, usual()), item(2, Some(0), usual())];
    for (items, list) in [
        (vec![], ids(&[])),
        (vec![], ids(&[1, 2])),
        (nothing_playable, ids(&[1, 2, 1])),
    ] {
        for order in [Order::Listed, Order::Shuffled { seed: 1 }] {
            let schedule = schedule_listing(items.clone(), order, list.clone());
            for at_ms in [i64::MIN, -1, 0, EPOCH_MS, i64::MAX] {
                assert_eq!(schedule.on_air(at_ms), None);
                assert_eq!(schedule.airings(at_ms, i64::MAX).count(), 0);
            }
        }
    }
}

#[test]
fn one_item_follows_itself() {
    let schedule = schedule_of(items(&[7_000]), Order::Shuffled { seed: 9 });
    let airings: Vec<_> = schedule
        .airings(EPOCH_MS - 7_000, EPOCH_MS + 7_000)
        .collect();
    assert_eq!(airings.len(), 2);
    assert!(airings.iter().all(|airing| airing.item == MediaItemId(1)));
    assert_eq!(airings[0].end_ms, EPOCH_MS);
}

#[test]
fn a_listed_item_may_come_twice_and_a_shuffled_one_comes_once_a_round() {
    let list = ids(&[1, 2, 1, 3]);
    let listed = schedule_listing(items(&[1, 1, 1]), Order::Listed, list.clone());
    let shown: Vec<_> = listed
        .airings(EPOCH_MS, EPOCH_MS + 8)
        .map(|airing| airing.item.0)
        .collect();
    assert_eq!(shown, [1, 2, 1, 3, 1, 2, 1, 3]);
    let shuffled = schedule_listing(items(&[1, 1, 1]), Order::Shuffled { seed: 1 }, list);
    assert_eq!(shuffled.lap_airings() % 3, 0);
}

#[test]
fn the_ends_of_time_are_on_air_too() {
    let schedule = schedule_of(items(&[300 * HOUR_MS, 1, 7]), Order::Listed);
    let first = schedule.on_air(i64::MIN).unwrap();
    assert!(first.start_ms == i64::MIN && first.end_ms > i64::MIN);
    let last = schedule.on_air(i64::MAX).unwrap();
    assert!(last.end_ms == i64::MAX && last.start_ms < i64::MAX);
    assert_eq!(schedule.next_after(&last), None);
    let shortest = schedule_of(items(&[1]), Order::Listed);
    for at_ms in [i64::MIN, i64::MAX] {
        let airing = shortest.on_air(at_ms).unwrap();
        assert_eq!(airing.end_ms - airing.start_ms, 1);
    }
}

/// In a process of its own, so that other tests do not count.
#[test]
fn large_library_on_34_channels_is_laid_out_quickly_and_small() {
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "large_library_alone", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stderr);
    assert!(alone.status.success(), "{said}");
    let _ = writeln!(std::io::stderr(), "{}", said.trim());
}

/// The library of the original's reliability report, on every one of its channels.
#[test]
#[ignore = "run by large_library_on_34_channels_is_laid_out_quickly_and_small"]
fn large_library_alone() {
    let count = 28_949_i64;
    let library: Vec<MediaItem> = (1..=count)
        .map(|id| item(id, Some(60_000 + u64::try_from(id).unwrap()), usual()))
        .collect();
    let all: Vec<MediaItemId> = library.iter().map(|item| item.id).collect();
    let channels = (1..=34)
        .map(|major| {
            let order = if major % 2 == 0 {
                Order::Listed
            } else {
                Order::Shuffled {
                    seed: u64::from(major),
                }
            };
            channel(major, order, all.clone())
        })
        .collect();
    let catalog = Arc::new(Catalog::new(vec![], library, channels));
    let before_kb = resident_kb();
    let began = Instant::now();
    let lineup = Lineup::build(catalog, &Wishes::default());
    let took = began.elapsed();
    let grown_kb = resident_kb().saturating_sub(before_kb);
    let began = Instant::now();
    for look in 0..100_000_i64 {
        let schedule = &lineup.schedules()[usize::try_from(look % 34).unwrap()];
        assert!(schedule.on_air(EPOCH_MS + look * 7_919_777).is_some());
    }
    let look_ns = began.elapsed().as_nanos() / 100_000;
    let _ = writeln!(
        std::io::stderr(),
        "34 channels of {count} items: laid out in {took:?}, {grown_kb} kB more resident, \
         {look_ns} ns per look-up"
    );
    assert_eq!(lineup.schedules()[33].lap_airings(), 28_949);
    assert!(took.as_secs() < 60, "{took:?}");
    assert!(grown_kb < 24 << 10, "{grown_kb} kB");
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1))
        .and_then(|kb| kb.parse().ok())
        .unwrap()
}

#[test]
fn a_channel_takes_what_its_heaviest_title_takes_on_average() {
    let sized = |id, size_bytes, duration_ms| {
        let mut item = item(id, duration_ms, usual());
        item.part.size_bytes = size_bytes;
        item
    };
    let items = vec![
        // 8 Mb/s in an hour, and 4 % for the packets.
        sized(1, 3_600_000_000, Some(HOUR_MS)),
        // 16 Mb/s in a minute.
        sized(2, 120_000_000, Some(60_000)),
        // Heavier, but not shown.
        sized(3, 9_000_000_000, None),
    ];
    let rates: Vec<_> = items
        .iter()
        .map(|item| item.part.bits_per_second())
        .collect();
    assert_eq!(rates, [Some(8_320_000), Some(16_640_000), None]);
    let part = |size_bytes, duration_ms| sized(1, size_bytes, duration_ms).part.bits_per_second();
    assert_eq!(part(u64::MAX, Some(1)), Some(u64::MAX));
    assert_eq!(part(1, Some(0)), None);
    let ids = items.iter().map(|item| item.id).collect();
    let channel = Channel {
        id: ChannelId(1),
        number: "5".parse().unwrap(),
        name: "Five".to_owned(),
        epoch_ms: EPOCH_MS,
        order: Order::Listed,
        items: ids,
    };
    let catalog = Catalog::new(Vec::new(), items, vec![channel]);
    let schedule = Schedule::build(&catalog.channels()[0], &catalog, &Wishes::default());
    assert_eq!(schedule.bits_per_second(), 16_640_000);
    let nothing = Schedule::build(
        &catalog.channels()[0],
        &Catalog::default(),
        &Wishes::default(),
    );
    assert_eq!(nothing.bits_per_second(), 0);
}
