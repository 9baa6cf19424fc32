//! What guide and playlists tell, word for word.

use crate::judge::{assert_valid, find};
use crate::{EPOCH_MS, HOUR_MS, channel, guide, item, lineup};
use exstreamtv::http::{m3u, xmltv};
use exstreamtv::model::{About, ChannelNumber, Episode, MediaItem};
use std::sync::Arc;

/// What a Plex server tells of a title.
pub(crate) fn told(item: &mut MediaItem) {
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
