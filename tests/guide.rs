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

use exstreamtv::catalog::Catalog;
use exstreamtv::http::{m3u, xmltv};
use exstreamtv::limits;
use exstreamtv::media::{Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack};
use exstreamtv::model::{
    About, Channel, ChannelId, ChannelNumber, Episode, LibraryId, MediaItem, MediaItemId, Order,
    Part,
};
use exstreamtv::schedule::{Lineup, Wishes};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
use proptest::{prop_assert, prop_assert_eq};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

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

/// Runs xmllint on a document; its output where it is content.
fn xmllint(document: &str, arguments: &[&str]) -> Result<String, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(document.as_bytes()).unwrap();
    let output = Command::new("xmllint")
        .args(["--nonet", "--huge"])
        .args(arguments)
        .arg(file.path())
        .output()
        .expect("xmllint judges the guide: install libxml2-utils");
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn dtd() -> PathBuf {
    [
        "/usr/share/xmltv/xmltv.dtd",
        "/usr/share/sgml/xmltv/dtd/0.5/xmltv.dtd",
    ]
    .iter()
    .map(PathBuf::from)
    .find(|path| Path::exists(path))
    .expect("xmltv.dtd judges the guide: install libxmltv-perl")
}

fn assert_valid(document: &str) {
    let dtd = dtd();
    let verdict = xmllint(document, &["--noout", "--dtdvalid", dtd.to_str().unwrap()]);
    if let Err(why) = verdict {
        panic!("not valid: {why}");
    }
}

/// The nodes that an XPath finds, one a line.
fn find(document: &str, path: &str) -> Vec<String> {
    match xmllint(document, &["--xpath", path]) {
        Ok(found) => found.lines().map(|line| line.trim().to_owned()).collect(),
        Err(why) if why.contains("XPath set is empty") => Vec::new(),
        Err(why) => panic!("{why}"),
    }
}

/// A programme as libxml2 reads it.
#[derive(Debug, PartialEq, Eq)]
struct Programme {
    start_s: i64,
    stop_s: i64,
    title: String,
}

/// The programmes of each channel by its id, in the document's order.
fn programmes(document: &str) -> HashMap<String, Vec<Programme>> {
    let value = |line: &String| line.split('"').nth(1).unwrap().to_owned();
    let attribute = |name: &str| find(document, &format!("//programme/@{name}"));
    let starts = attribute("start");
    let stops = attribute("stop");
    let ids = attribute("channel");
    let titles = find(document, "//programme/title/text()");
    assert_eq!(
        (starts.len(), stops.len(), ids.len()),
        (titles.len(), titles.len(), titles.len())
    );
    let mut found: HashMap<String, Vec<Programme>> = HashMap::new();
    for (((start, stop), id), title) in starts.iter().zip(&stops).zip(&ids).zip(titles) {
        found.entry(value(id)).or_default().push(Programme {
            start_s: second(&value(start)),
            stop_s: second(&value(stop)),
            title,
        });
    }
    found
}

/// Reads `YYYYMMDDHHMMSS +0000` by counting days, without the calendar that wrote it.
fn second(stamp: &str) -> i64 {
    let (digits, zone) = stamp.split_once(' ').unwrap();
    assert_eq!((digits.len(), zone), (14, "+0000"), "{stamp}");
    let part = |from: usize, to: usize| digits[from..to].parse::<i64>().unwrap();
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..year)
        .map(|year| if leap(year) { 366 } else { 365 })
        .sum();
    let days: i64 = months[..usize::try_from(month - 1).unwrap()].iter().sum();
    let hours = (years + days + day - 1) * 24 + part(8, 10);
    (hours * 60 + part(10, 12)) * 60 + part(12, 14)
}

#[test]
fn guide_is_valid_whatever_names_are_made_of() {
    let nasty = "<b>\"Tom\" & 'Jerry'</b>, ]]> \u{0}\u{1b}\r\n\u{ffff} 日本語 &amp; \u{1f600}";
    let mut episode = item(1, nasty, 90_000);
    episode.year = Some(1999);
    episode.episode = Some(Episode {
        show: nasty.to_owned(),
        season: 0,
        number: 0,
    });
    episode.about = Some(Box::new(About {
        summary: Some(nasty.into()),
        genres: (0..50).map(|n| format!("{nasty} {n}").into()).collect(),
        content_rating: Some(nasty.into()),
        rating_percent: Some(u8::MAX),
        released: Some("2004-02-30".into()),
        picture: Some(nasty.into()),
        ..About::default()
    }));
    let mut long = item(2, &"\"".repeat(100_000), 1);
    long.year = Some(0);
    let endless: Arc<str> = "\"".repeat(100_000).into();
    long.about = Some(Box::new(About {
        summary: Some(endless.as_ref().into()),
        genres: (0..50).map(|n| format!("{n}{endless}").into()).collect(),
        content_rating: Some(Arc::clone(&endless)),
        rating_percent: Some(100),
        released: Some("2004-02-29".into()),
        picture: Some(endless.as_ref().into()),
        ..About::default()
    }));
    let blank = item(3, " \u{1}\n", 5_000);
    let lineup = lineup(
        vec![episode, long, blank],
        vec![
            channel("1", nasty, &[1, 2, 3]),
            channel("1984.1", "", &[3]),
            channel("99999.999", &"&".repeat(100_000), &[2]),
            channel("7", "Nothing", &[]),
        ],
    );
    assert_valid(&guide(&lineup, EPOCH_MS));
}

#[test]
fn a_box_without_channels_has_a_guide() {
    let document = guide(&lineup(vec![], vec![]), EPOCH_MS);
    assert_valid(&document);
    assert!(find(&document, "//channel").is_empty());
}

#[test]
fn the_judge_refuses_what_is_not_valid() {
    let lineup = lineup(
        vec![item(1, "One", 60_000)],
        vec![channel("1", "One", &[1])],
    );
    let document = guide(&lineup, EPOCH_MS).replacen("<length units=\"seconds\">", "<length>", 1);
    let dtd = dtd();
    let verdict = xmllint(&document, &["--noout", "--dtdvalid", dtd.to_str().unwrap()]);
    assert!(verdict.is_err());
}

#[test]
fn guide_reads_as_written_here() {
    let mut pilot = item(1, "Pilot & Co", 1_800_500);
    pilot.year = Some(2004);
    pilot.episode = Some(Episode {
        show: "Lost".to_owned(),
        season: 1,
        number: 2,
    });
    let mut film = item(2, "Metropolis", 7_200_000);
    film.year = Some(1927);
    let clip = item(3, "Clip", 36 * 3_600_000);
    let document = guide(
        &lineup(
            vec![pilot, film, clip],
            vec![channel("5.1", "Mixed", &[1, 2, 3])],
        ),
        EPOCH_MS + HOUR_MS,
    );
    let wanted = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE tv SYSTEM \"xmltv.dtd\">
<tv generator-info-name=\"EXStreamTV\">
<channel id=\"5.1.exstreamtv\">
<display-name>5.1 Mixed</display-name>
<display-name>5.1</display-name>
<display-name>Mixed</display-name>
</channel>
<programme start=\"20231114221320 +0000\" stop=\"20231114224321 +0000\" channel=\"5.1.exstreamtv\">
<title>Lost</title>
<sub-title>Pilot &amp; Co</sub-title>
<date>2004</date>
<category>Series</category>
<length units=\"seconds\">1801</length>
<episode-num system=\"onscreen\">S01E02</episode-num>
<episode-num system=\"xmltv_ns\">0.1.</episode-num>
</programme>
<programme start=\"20231114224321 +0000\" stop=\"20231115004321 +0000\" channel=\"5.1.exstreamtv\">
<title>Metropolis</title>
<date>1927</date>
<category>Movie</category>
<length units=\"seconds\">7200</length>
</programme>
<programme start=\"20231115004321 +0000\" stop=\"20231116124321 +0000\" channel=\"5.1.exstreamtv\">
<title>Clip</title>
<length units=\"seconds\">129600</length>
</programme>
</tv>
";
    assert_eq!(document, wanted);
}

/// What a Plex server tells of a title.
fn told(item: &mut MediaItem) {
    item.about = Some(Box::new(About {
        guid: Some("plex://movie/5d77".into()),
        summary: Some("A city, & what is <below> it.".into()),
        genres: ["Science Fiction".into(), "movie".into(), "Drama".into()].into(),
        collections: ["Silent".into()].into(),
        studio: Some("UFA".into()),
        content_rating: Some("de/12".into()),
        rating_percent: Some(83),
        released: Some("1927-01-10".into()),
        picture: Some("/library/metadata/7/thumb/1700000000".into()),
    }));
}

#[test]
fn guide_tells_what_a_server_tells_of_its_titles() {
    let mut film = item(2, "Metropolis", 7_200_000);
    told(&mut film);
    let mut pilot = item(1, "Pilot", 36 * 3_600_000);
    told(&mut pilot);
    pilot.year = Some(2004);
    pilot.episode = Some(Episode {
        show: "Lost".to_owned(),
        season: 1,
        number: 1,
    });
    if let Some(about) = &mut pilot.about {
        about.genres = [].into();
        about.content_rating = Some("TV-14".into());
        about.released = Some("2004-09-22".into());
    }
    let channels = vec![channel("5", "", &[2, 1])];
    let document = guide(&lineup(vec![film, pilot], channels), EPOCH_MS + HOUR_MS);
    assert_valid(&document);
    let programmes = document.split_once("</channel>\n").unwrap().1;
    let wanted = "\
<programme start=\"20231114221320 +0000\" stop=\"20231115001320 +0000\" channel=\"5.exstreamtv\">
<title>Metropolis</title>
<desc>A city, &amp; what is &lt;below&gt; it.</desc>
<date>19270110</date>
<category>Movie</category>
<category>Science Fiction</category>
<category>Drama</category>
<length units=\"seconds\">7200</length>
<icon src=\"http://10.0.0.9:8411/api/media/2/picture\"/>
<rating system=\"DE\"><value>12</value></rating>
<star-rating><value>8.3/10</value></star-rating>
</programme>
<programme start=\"20231115001320 +0000\" stop=\"20231116121320 +0000\" channel=\"5.exstreamtv\">
<title>Lost</title>
<sub-title>Pilot</sub-title>
<desc>A city, &amp; what is &lt;below&gt; it.</desc>
<date>20040922</date>
<category>Series</category>
<length units=\"seconds\">129600</length>
<icon src=\"http://10.0.0.9:8411/api/media/1/picture\"/>
<episode-num system=\"onscreen\">S01E01</episode-num>
<episode-num system=\"xmltv_ns\">0.0.</episode-num>
<episode-num system=\"original-air-date\">2004-09-22</episode-num>
<rating system=\"VCHIP\"><value>TV-14</value></rating>
<star-rating><value>8.3/10</value></star-rating>
</programme>
</tv>
";
    assert_eq!(programmes, wanted);
    for hidden in ["/library/", "plex:"] {
        assert!(!document.contains(hidden), "{hidden}");
    }
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

#[test]
fn playlists_read_as_written_here() {
    let lineup = lineup(
        vec![item(1, "a", 1_000)],
        vec![
            channel("1984", "The \"Big\", Bad\n#EXTINF:-1,Channel", &[1]),
            channel("1984.1", "Été", &[1]),
        ],
    );
    assert_eq!(
        m3u::channels(&lineup, "http://192.168.1.5:8411"),
        "#EXTM3U url-tvg=\"http://192.168.1.5:8411/iptv/xmltv.xml\" \
         x-tvg-url=\"http://192.168.1.5:8411/iptv/xmltv.xml\"\n\
         #EXTINF:-1 tvg-id=\"1984.exstreamtv\" tvg-chno=\"1984\" channel-id=\"1984\" \
         channel-number=\"1984\" tvg-name=\"The 'Big' Bad #EXTINF:-1Channel\" \
         group-title=\"EXStreamTV\",The 'Big' Bad #EXTINF:-1Channel\n\
         http://192.168.1.5:8411/iptv/channel/1984.ts\n\
         #EXTINF:-1 tvg-id=\"1984.1.exstreamtv\" tvg-chno=\"1984.1\" channel-id=\"1984.1\" \
         channel-number=\"1984.1\" tvg-name=\"Été\" group-title=\"EXStreamTV\",Été\n\
         http://192.168.1.5:8411/iptv/channel/1984.1.ts\n"
    );
    assert_eq!(
        m3u::lineup(&lineup, "http://[fe80::1]:5004"),
        "#EXTM3U\n\
         #EXTINF:-1 channel-id=\"1984\" channel-number=\"1984\" \
         tvg-name=\"The 'Big' Bad #EXTINF:-1Channel\",1984 The 'Big' Bad #EXTINF:-1Channel\n\
         http://[fe80::1]:5004/auto/v1984\n\
         #EXTINF:-1 channel-id=\"1984.1\" channel-number=\"1984.1\" tvg-name=\"Été\",1984.1 Été\n\
         http://[fe80::1]:5004/auto/v1984.1\n"
    );
}

#[test]
fn ids_are_the_same_in_guide_and_playlist() {
    let channels = vec![channel("1", "One", &[1]), channel("10", "Ten", &[1])];
    let lineup = lineup(vec![item(1, "a", 60_000)], channels);
    let document = guide(&lineup, EPOCH_MS);
    let playlist = m3u::channels(&lineup, "http://box");
    for number in ["1", "10"] {
        let number: ChannelNumber = number.parse().unwrap();
        let id = xmltv::channel_id(number);
        assert!(playlist.contains(&format!("tvg-id=\"{id}\"")));
        assert_eq!(
            find(&document, &format!("//channel[@id='{id}']/@id")).len(),
            1
        );
        assert!(!find(&document, &format!("//programme[@channel='{id}']/@start")).is_empty());
    }
}
