//! The channels that are suggested for a library.

use super::build::{EPOCH_MS, HOUR_MS, channel, ids, item, library, tracks, usual};
use exstreamtv::catalog::Catalog;
use exstreamtv::media::{AudioCodec, VideoCodec};
use exstreamtv::model::{
    About, Channel, ChannelId, Episode, MediaItem, NewChannel, NewPlaylist, Order, Playlist,
    PlaylistId,
};
use exstreamtv::schedule::{Fit, Schedule, Wishes, suggest};
use proptest::collection::vec;
use proptest::prelude::proptest;
use proptest::{prop_assert, prop_assert_eq};
use std::collections::HashSet;
use std::sync::Arc;

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

proptest! {
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

/// A film of two and a half hours of a Plex library, of this year, with these genres and collections.
fn told(id: i64, year: u16, genres: &[&str], collections: &[&str]) -> MediaItem {
    let mut film = item(id, Some(HOUR_MS * 5 / 2), usual());
    film.year = Some(year);
    film.rating_key = Some(id.to_string());
    film.part.path = format!("/library/parts/{id}/1700000000/file.mkv");
    let shared = |words: &[&str]| words.iter().map(|word| (*word).into()).collect();
    film.about = Some(Box::new(About {
        genres: shared(genres),
        collections: shared(collections),
        ..About::default()
    }));
    film
}

/// What is suggested for these: number, name and how many titles.
fn lines(items: Vec<MediaItem>) -> Vec<String> {
    let catalog = Catalog::new(vec![library()], items, vec![]);
    let suggested = suggest(&catalog, &Wishes::default(), EPOCH_MS);
    let line = |one: &NewChannel| format!("{} {}: {}", one.number, one.name, one.items.len());
    suggested.iter().map(line).collect()
}

#[test]
fn films_of_which_a_server_tells_have_channels_by_what_they_are() {
    let mut films: Vec<_> = (1..=120)
        .map(|id| {
            let genres: &[&str] = match id % 4 {
                0 => &["Drama", "drama", "War"],
                1 => &["Comedy", "Drama"],
                2 => &["Comedy", "Family", "Never looked at"],
                _ => &["Western"],
            };
            let collections: &[&str] = if id <= 10 { &["The Long Chase"] } else { &[] };
            let year = 1950 + u16::try_from(id % 3).unwrap() * 10;
            told(id, year, genres, collections)
        })
        .collect();
    // In no theme: without a genre, and too few of their decade.
    films.extend((121..=130).map(|id| told(id, 2020, &[], &[])));
    for film in films.iter_mut().skip(44) {
        film.part.duration_ms = Some(HOUR_MS * 3 / 2);
    }
    assert_eq!(
        lines(films.clone()),
        [
            "100 Films: 10",
            "101 Films by Night: 44",
            "200 Comedy: 60",
            "201 Drama: 60",
            // War and Family are half of the two above.
            "202 Western: 30",
            "300 Films 1950s: 40",
            "301 Films 1960s: 40",
            "302 Films 1970s: 40",
            "400 The Long Chase: 10",
        ]
    );
    // Half of them are gone from their server.
    for film in films.iter_mut().filter(|film| film.id.0 % 4 < 2) {
        film.missing_ms = Some(EPOCH_MS);
    }
    let left = lines(films);
    assert!(left.contains(&"201 Western: 30".to_owned()), "{left:?}");
    assert!(left.iter().all(|line| !line.contains("Drama")), "{left:?}");
}

#[test]
fn of_two_channels_that_are_nearly_the_same_one_is_suggested() {
    let films = (1..=80).map(|id| {
        let western = id <= 30;
        let genres: &[&str] = if western { &["Western"] } else { &["Drama"] };
        // All Westerns but five, which has to be the same to a viewer.
        let collections: &[&str] = if id <= 25 { &["Boots"] } else { &[] };
        told(id, 1950, genres, collections)
    });
    let films: Vec<_> = films.collect();
    let told = lines(films);
    assert!(told.contains(&"400 Boots: 25".to_owned()), "{told:?}");
    assert!(
        told.iter().all(|line| !line.contains("Western")),
        "{told:?}"
    );
    assert!(told.contains(&"300 Films 1950s: 80".to_owned()), "{told:?}");
    assert!(
        told.iter().all(|line| !line.contains("by Night")),
        "{told:?}"
    );
}

#[test]
fn a_theme_shows_what_goes_on_air_beside_each_other() {
    let films = (1..=90).map(|id| {
        let mut film = told(id, 1950, &["Western"], &[]);
        if id > 60 {
            film.part.tracks = tracks(VideoCodec::Hevc, AudioCodec::Aac).into();
        }
        film
    });
    let told = lines(films.collect());
    assert_eq!(told, ["100 Films: 30", "300 Films 1950s: 60"]);
}

/// The owner's lists.
fn lists(all: &[(&str, Vec<i64>)]) -> Vec<Playlist> {
    let list = |(id, (name, items)): (i64, &(&str, Vec<i64>))| Playlist {
        id: PlaylistId(id),
        list: NewPlaylist {
            name: (*name).to_owned(),
            server: "a".to_owned(),
            rating_key: id.to_string(),
            edition: None,
            items: ids(items).into(),
        },
    };
    (1..).zip(all).map(list).collect()
}

#[test]
fn lists_of_the_owner_are_channels_in_their_order() {
    let mut films: Vec<_> = (1..=100)
        .map(|id| told(id, 2000, &["Drama"], &[]))
        .collect();
    films[49].part.tracks = tracks(VideoCodec::Mpeg2, AudioCodec::Mp2).into();
    let most: Vec<i64> = (1..=90).collect();
    let catalog = Catalog::new(vec![library()], films, vec![]).with_playlists(lists(&[
        // Of another profile, and of no library: they are left out.
        ("Late", vec![40, 7, 40, 50, 999, 3]),
        ("Later", vec![3, 7, 40, 41]),
        ("Two", vec![60, 61]),
        ("Most", most.clone()),
    ]));
    let suggested = suggest(&catalog, &Wishes::default(), EPOCH_MS);
    let named = |name: &str| suggested.iter().find(|one| one.name == name);
    let late = named("Late").unwrap();
    assert_eq!(late.number.to_string(), "500");
    assert_eq!(
        (late.order, &late.items),
        (Order::Listed, &ids(&[40, 7, 40, 3]))
    );
    assert_eq!(named("Later"), None, "nearly the same");
    assert_eq!(named("Two"), None, "too short");
    assert_eq!(named("Most").unwrap().items.len(), 89);
    assert_eq!(
        named("Drama"),
        None,
        "what the owner has chosen comes first"
    );
    let taken = with_channels(&catalog, &suggested);
    let again = |playlists| {
        let catalog = taken.clone().with_playlists(playlists);
        let new = suggest(&catalog, &Wishes::default(), EPOCH_MS);
        let names = new.into_iter().map(|one| one.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(again(catalog.playlists().to_vec()), Vec::<String>::new());
    // A new list is something new, though each of its titles is on a channel.
    let new = lists(&[("Christmas", vec![10, 20, 30, 31, 32])]);
    assert_eq!(again(new), ["Christmas"]);
}
