//! The schedule, seen from outside: a total function of channel, catalog and instant.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail loudly"
)]

use exstreamtv::catalog::Catalog;
use exstreamtv::media::{
    AudioCodec, AudioTrack, Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack,
};
use exstreamtv::model::{
    Channel, ChannelId, ChannelNumber, Episode, Library, LibraryId, MediaItem, MediaItemId,
    NewChannel, Order, Origin, Part,
};
use exstreamtv::schedule::{Fit, Lineup, Schedule, Wishes, suggest};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq, prop_assert_ne};
use std::collections::HashSet;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

const EPOCH_MS: i64 = 1_700_000_000_000;
const HOUR_MS: u64 = 3_600_000;
const FIFTY_YEARS_MS: i64 = 50 * 365 * 24 * 3_600_000;

fn track(id: u64, kind: TrackKind) -> Track {
    Track {
        id: TrackId(id),
        kind,
        language: "eng".to_owned(),
        title: None,
        role: Role::Main,
        default: true,
    }
}

fn tracks(video: VideoCodec, audio: AudioCodec) -> Vec<Track> {
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

fn usual() -> Vec<Track> {
    tracks(VideoCodec::H264, AudioCodec::Aac)
}

fn item(id: i64, duration_ms: Option<u64>, tracks: Vec<Track>) -> MediaItem {
    MediaItem {
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
            tracks,
            problem: None,
        },
    }
}

fn items(durations_ms: &[u64]) -> Vec<MediaItem> {
    (1..)
        .zip(durations_ms)
        .map(|(id, duration_ms)| item(id, Some(*duration_ms), usual()))
        .collect()
}

fn channel(major: u32, order: Order, items: Vec<MediaItemId>) -> Channel {
    Channel {
        id: ChannelId(i64::from(major)),
        number: ChannelNumber { major, minor: None },
        name: format!("Channel {major}"),
        epoch_ms: EPOCH_MS,
        order,
        items,
    }
}

fn library() -> Library {
    Library {
        id: LibraryId(1),
        name: "Films".to_owned(),
        origin: Origin::Folder {
            path: "/media/films".to_owned(),
        },
    }
}

fn schedule_of(items: Vec<MediaItem>, order: Order) -> Schedule {
    let all = items.iter().map(|item| item.id).collect();
    schedule_listing(items, order, all)
}

fn schedule_listing(items: Vec<MediaItem>, order: Order, list: Vec<MediaItemId>) -> Schedule {
    let catalog = Catalog::new(vec![library()], items, vec![]);
    let channel = Arc::new(channel(1, order, list));
    Schedule::build(&channel, &catalog, &Wishes::default())
}

fn ids(numbers: &[i64]) -> Vec<MediaItemId> {
    numbers.iter().copied().map(MediaItemId).collect()
}

fn durations() -> impl Strategy<Value = Vec<u64>> {
    let one = prop_oneof![
        Just(1),
        1..50_u64,
        1_000..10_000_000_u64,
        Just(300 * HOUR_MS)
    ];
    vec(one, 1..40)
}

fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::Listed),
        any::<u64>().prop_map(|seed| Order::Shuffled { seed })
    ]
}

fn instants() -> impl Strategy<Value = i64> {
    prop_oneof![
        EPOCH_MS - FIFTY_YEARS_MS..EPOCH_MS + FIFTY_YEARS_MS,
        EPOCH_MS - 10..EPOCH_MS + 10,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX - 1),
        Just(0),
    ]
}

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

    #[test]
    fn suggested_channels_carry_all_their_items_as_they_are(
        kinds in vec((0..3_usize, 0..3_usize, 0..8_u16, 0..5_usize, 1_960..2_025_u16), 0..150)
    ) {
        let catalog = mixture(&kinds);
        let suggested = suggest(&catalog, &Wishes::default(), EPOCH_MS);
        prop_assert!(suggested.len() <= 40);
        prop_assert_eq!(suggested.is_empty(), kinds.is_empty());
        let names: HashSet<_> = suggested.iter().map(|channel| &channel.name).collect();
        let numbers: HashSet<_> = suggested.iter().map(|channel| channel.number).collect();
        prop_assert_eq!((names.len(), numbers.len()), (suggested.len(), suggested.len()));
        let mut shown = HashSet::new();
        for channel in &suggested {
            prop_assert!(channel.name.chars().count() < 60, "{}", channel.name);
            prop_assert!(!channel.items.is_empty());
            let schedule = Schedule::build(&stored(channel), &catalog, &Wishes::default());
            prop_assert!(schedule.left_out().is_empty());
            for id in &channel.items {
                prop_assert!(shown.insert(*id), "{id:?} is on two channels");
                let fit = schedule.fit_of(catalog.item(*id).unwrap());
                prop_assert!(matches!(fit, Fit::Direct { .. }), "{}: {fit:?}", channel.name);
            }
        }
        if kinds.len() <= 24 {
            prop_assert_eq!(shown.len(), kinds.len(), "a small library is shown whole");
        }
        prop_assert_eq!(&suggested, &suggest(&catalog, &Wishes::default(), EPOCH_MS));
        let taken = with_channels(&catalog, &suggested);
        prop_assert_eq!(suggest(&taken, &Wishes::default(), EPOCH_MS), vec![]);
    }
}

/// A library of everything: shows 1 to 3 (0 is a film), codecs, folders, years.
fn mixture(kinds: &[(usize, usize, u16, usize, u16)]) -> Catalog {
    let videos = [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Mpeg2];
    let audios = [AudioCodec::Aac, AudioCodec::Ac3, AudioCodec::Eac3];
    let items = (1..)
        .zip(kinds)
        .map(|(id, (video, audio, show, folder, year))| {
            let mut item = item(id, Some(60_000), tracks(videos[*video], audios[*audio]));
            item.year = Some(*year);
            item.part.path = format!("/media/films/folder {folder}/item {id}.mkv");
            item.episode = (*show < 4 && *show > 0).then(|| Episode {
                show: format!("Show {show} with a name that goes on and on and on"),
                season: show % 2,
                number: u16::try_from(id).unwrap(),
            });
            item
        });
    Catalog::new(vec![library()], items.collect(), vec![])
}

fn stored(channel: &NewChannel) -> Arc<Channel> {
    Arc::new(Channel {
        id: ChannelId(1),
        number: channel.number,
        name: channel.name.clone(),
        epoch_ms: channel.epoch_ms,
        order: channel.order,
        items: channel.items.clone(),
    })
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
fn a_family_library_becomes_sensible_channels() {
    let mut all = Vec::new();
    let mut id = 0;
    let mut add = |folder: &str, episode: Option<(&str, u16, u16)>, year, video, audio| {
        id += 1;
        let mut one = item(id, Some(30 * 60_000), tracks(video, audio));
        one.part.path = format!("/media/{folder}/{id}.mkv");
        one.year = year;
        one.episode = episode.map(|(show, season, number)| Episode {
            show: show.to_owned(),
            season,
            number,
        });
        all.push(one);
    };
    let (h264, hevc) = (VideoCodec::H264, VideoCodec::Hevc);
    let (aac, ac3) = (AudioCodec::Aac, AudioCodec::Ac3);
    for (season, number) in [(0, 1), (2, 1), (1, 2), (1, 1)] {
        add(
            "tv/Dark Sky",
            Some(("Dark Sky", season, number)),
            None,
            h264,
            aac,
        );
    }
    for number in 5..9 {
        add(
            "tv/Dark Sky",
            Some(("dark sky", 3, number)),
            None,
            hevc,
            aac,
        );
    }
    add("tv/Pilot", Some(("Pilot", 1, 1)), None, h264, aac);
    for _ in 0..9 {
        add("films/Kids", None, Some(2001), h264, ac3);
    }
    for number in 0..70 {
        add(
            "films/a",
            None,
            Some(if number < 40 { 1985 } else { 1930 + number }),
            h264,
            aac,
        );
        if number % 10 == 0 {
            add("films/b", None, Some(1999), hevc, aac);
        }
    }
    add("films/odd", None, None, VideoCodec::Mpeg2, AudioCodec::Mp2);
    let mut taken = [
        channel(2, Order::Listed, vec![]),
        channel(3, Order::Listed, vec![]),
    ];
    taken[1].number.minor = Some(1);
    let catalog = Catalog::new(vec![library()], all, taken.to_vec());
    let suggested = suggest(&catalog, &Wishes::default(), EPOCH_MS);
    let lines: Vec<_> = suggested
        .iter()
        .map(|one| format!("{} {}: {}", one.number, one.name, one.items.len()))
        .collect();
    assert_eq!(
        lines,
        [
            "1 Dark Sky: 4",
            "3 Dark Sky (HEVC): 4",
            "4 films: 7",
            "5 Kids: 9",
            "6 a: 20",
            "7 a 1980s: 50",
        ]
    );
    assert_eq!(suggested[0].order, Order::Listed);
    assert_eq!(
        suggested[0].items,
        ids(&[4, 3, 2, 1]),
        "season by season, then specials"
    );
}

/// The catalog after these channels were added.
fn with_channels(catalog: &Catalog, new: &[NewChannel]) -> Catalog {
    let old = catalog.channels().iter();
    let channels = old
        .map(|channel| Channel::clone(channel))
        .chain(new.iter().map(|channel| Channel::clone(&stored(channel))));
    let items = catalog.items().to_vec();
    Catalog::new(catalog.libraries().to_vec(), items, channels.collect())
}

#[test]
fn a_suggestion_is_made_again_only_when_there_is_something_new() {
    let episode = |id, show: &str, number| {
        let mut item = item(id, Some(HOUR_MS), usual());
        item.episode = Some(Episode {
            show: show.to_owned(),
            season: 1,
            number,
        });
        item
    };
    let mut items: Vec<_> = (1..=30)
        .map(|id| item(id, Some(HOUR_MS), usual()))
        .collect();
    items.extend(
        (31..=34)
            .zip(1..)
            .map(|(id, number)| episode(id, "Signal Box", number)),
    );
    let before = Catalog::new(vec![library()], items.clone(), vec![]);
    let taken = with_channels(&before, &suggest(&before, &Wishes::default(), EPOCH_MS));
    let again = |items: &[MediaItem]| {
        let channels = taken.channels().iter().map(|one| Channel::clone(one));
        let catalog = Catalog::new(vec![library()], items.to_vec(), channels.collect());
        let new = suggest(&catalog, &Wishes::default(), EPOCH_MS);
        let names = new.iter().map(|one| format!("{} {}", one.number, one.name));
        names.collect::<Vec<_>>()
    };
    assert_eq!(taken.channels().len(), 2);
    assert_eq!(again(&items), Vec::<String>::new());
    items.push(episode(40, "Signal Box", 5));
    assert_eq!(again(&items), Vec::<String>::new(), "one more of the same");
    items.extend(
        (41..=43)
            .zip(1..)
            .map(|(id, number)| episode(id, "Tide Tables", number)),
    );
    assert_eq!(again(&items), ["3 Tide Tables"]);
}

#[test]
fn shows_of_the_same_length_have_channels_too() {
    let mut items = Vec::new();
    for show in 0..30 {
        for number in 1..=3 {
            let mut episode = item(show * 3 + i64::from(number), Some(HOUR_MS), usual());
            episode.episode = Some(Episode {
                show: format!("Show {show:02}"),
                season: 1,
                number,
            });
            items.push(episode);
        }
    }
    let catalog = Catalog::new(vec![library()], items, vec![]);
    let suggested = suggest(&catalog, &Wishes::default(), EPOCH_MS);
    assert_eq!(suggested.len(), 25);
    assert_eq!(suggested[0].name, "Show 00");
    assert_eq!(
        (suggested[24].name.as_str(), suggested[24].items.len()),
        ("More Shows", 18)
    );
}

#[test]
fn tiny_libraries_are_shown_whole() {
    for count in 1..=12 {
        let kinds: Vec<_> = (0..count)
            .map(|at| (at % 2, at % 3, 0, at, 2_000))
            .collect();
        let catalog = mixture(&kinds);
        let suggested = suggest(&catalog, &Wishes::default(), EPOCH_MS);
        let shown: usize = suggested.iter().map(|channel| channel.items.len()).sum();
        assert_eq!(shown, count);
        assert!(suggested.len() <= 6, "{suggested:?}");
        assert_eq!(suggested[0].name, "Films");
    }
}

#[test]
fn silent_films_are_suggested_and_broken_ones_are_not() {
    let mut silent = usual();
    silent.pop();
    let mut broken = item(3, Some(1_000), usual());
    broken.part.problem = Some("it is truncated".to_owned());
    let items = vec![
        item(1, Some(1_000), silent),
        item(2, Some(1_000), usual()),
        broken,
        item(4, None, usual()),
        item(5, Some(1_000), vec![]),
    ];
    let catalog = Catalog::new(vec![], items, vec![]);
    let suggested = suggest(&catalog, &Wishes::default(), EPOCH_MS);
    assert_eq!(suggested.len(), 1);
    assert_eq!(suggested[0].items, ids(&[1, 2]));
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
