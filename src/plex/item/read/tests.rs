use super::{Item, Kind, Row, StreamKind};
use crate::limits;
use serde_json::{Value, json};

fn read(value: &Value) -> Item {
    Item::read(Row::of(value).unwrap()).unwrap()
}

fn refusal(value: &Value) -> &'static str {
    Item::read(Row::of(value).unwrap()).unwrap_err()
}

fn film() -> Value {
    let text = r#"{
        "ratingKey": "28550", "key": "/library/metadata/28550",
        "guid": "plex://movie/5d776841103a2d001f56a000", "slug": "the-long-harbour", "studio": "Quay",
        "type": "movie", "title": "The Long Harbour", "contentRating": "nl/14", "summary": "Ships.",
        "rating": 6, "audienceRating": 6.8, "year": 1963,
        "thumb": "/library/metadata/28550/thumb/1733633798", "art": "/library/metadata/28550/art/1",
        "duration": 6908735, "originallyAvailableAt": "1963-12-21", "addedAt": 1586886369,
        "updatedAt": 1733633798,
        "Media": [{
            "id": 31687, "duration": 6908735, "bitrate": 1694, "width": 640, "height": 368,
            "aspectRatio": 1.78, "audioChannels": 1, "audioCodec": "ac3", "videoCodec": "mpeg4",
            "videoResolution": "sd", "container": "avi", "videoFrameRate": "24p",
            "videoProfile": "advanced simple", "hasVoiceActivity": false,
            "Part": [{
                "id": 47070, "key": "/library/parts/47070/1586877036/file.avi",
                "duration": 6908735, "file": "/Movies/The Long Harbour (1963).avi",
                "size": 133468592128, "container": "avi", "indexes": "sd"
            }]
        }],
        "Genre": [{"tag": "Western"}, {"tag": "Comedy"}], "Director": [{"tag": "A. Nobody"}],
        "Collection": [{"tag": "Harbours"}],
        "Guid": [{"id": "imdb://tt0000001"}, {"id": "tmdb://1"}]
    }"#;
    serde_json::from_str(text).unwrap()
}

/// The first version, merged with what `change` says.
fn with_media(change: Value) -> Item {
    let mut film = film();
    let media = film["Media"][0].as_object_mut().unwrap();
    media.extend(change.as_object().unwrap().clone());
    read(&film)
}

fn with_streams(streams: Value) -> Item {
    let mut film = film();
    film["Media"][0]["Part"][0]["Stream"] = streams;
    read(&film)
}

#[test]
fn a_film_is_read_whole() {
    let film = read(&film());
    assert_eq!(
        (film.rating_key.as_str(), film.kind),
        ("28550", Kind::Movie)
    );
    assert_eq!(
        film.guid.as_deref(),
        Some("plex://movie/5d776841103a2d001f56a000")
    );
    assert_eq!(film.guids, ["imdb://tt0000001", "tmdb://1"]);
    assert_eq!(
        (film.title.as_str(), film.year),
        ("The Long Harbour", Some(1963))
    );
    assert_eq!((film.rating, film.audience_rating), (Some(6.0), Some(6.8)));
    assert_eq!(film.genres, ["Western", "Comedy"]);
    assert_eq!(film.collections, ["Harbours"]);
    assert_eq!((film.section, film.episode), (None, None));
    assert_eq!(film.updated_at_s, Some(1_733_633_798));
    let [media] = film.versions.as_slice() else {
        panic!("{:?}", film.versions)
    };
    assert_eq!((media.width, media.audio_channels), (Some(640), Some(1)));
    assert_eq!(
        (media.container.as_deref(), media.optimized),
        (Some("avi"), false)
    );
    let [part] = media.parts.as_slice() else {
        panic!("{:?}", media.parts)
    };
    assert_eq!(part.key, "/library/parts/47070/1586877036/file.avi");
    assert_eq!(part.size_bytes, Some(133_468_592_128));
    assert!(part.streams.is_empty() && part.exists.is_none());
}

#[test]
fn an_episode_knows_its_show_and_may_know_little_else() {
    let row = json!({
        "ratingKey": "9", "type": "episode", "title": "Pilot", "index": 1, "parentIndex": 0,
        "grandparentTitle": "Tides", "grandparentRatingKey": "7", "parentRatingKey": "8",
        "grandparentGuid": "plex://show/1", "grandparentThumb": "/library/metadata/7/thumb/1"
    });
    let episode = read(&row).episode.unwrap();
    assert_eq!(
        (episode.show.as_deref(), episode.show_key.as_deref()),
        (Some("Tides"), Some("7"))
    );
    assert_eq!((episode.season, episode.number), (Some(0), Some(1)));
    let bare = read(&json!({"ratingKey": "9", "type": "episode", "title": "Pilot"}));
    let empty = bare.episode.unwrap();
    assert_eq!((empty.season, empty.number, empty.show), (None, None, None));
    assert_eq!(
        (bare.duration_ms, bare.updated_at_s, bare.year),
        (None, None, None)
    );
}

// The twelve traps of recorded answers.

#[test]
fn trap_numbers_as_text() {
    let film = with_media(json!({"id": "101816", "aspectRatio": "2.20", "bitrate": "8000"}));
    assert_eq!(film.versions[0].id, Some(101_816));
    assert_eq!(film.versions[0].bitrate_kbps, Some(8_000));
}

#[test]
fn trap_text_as_numbers() {
    let film =
        read(&json!({"ratingKey": 12, "type": "movie", "title": 1917, "librarySectionID": 2}));
    assert_eq!(
        (film.rating_key.as_str(), film.title.as_str()),
        ("12", "1917")
    );
    assert_eq!(film.section.as_deref(), Some("2"));
    let film =
        read(&json!({"ratingKey": "1", "type": "movie", "title": "x", "librarySectionID": "1"}));
    assert_eq!(film.section.as_deref(), Some("1"));
}

#[test]
fn trap_flags_in_every_form() {
    for (accessible, exists) in [(json!(true), json!(false)), (json!(1), json!("0"))] {
        let part = json!([{"key": "/library/parts/1/2/f.mkv", "accessible": accessible,
            "exists": exists, "hasThumbnail": "1", "optimizedForStreaming": true}]);
        let film = with_media(json!({"Part": part, "optimizedForStreaming": 1}));
        let part = &film.versions[0].parts[0];
        assert_eq!((part.accessible, part.exists), (Some(true), Some(false)));
    }
}

#[test]
fn trap_a_collection_counts_in_text() {
    let row =
        json!({"ratingKey": "3", "type": "collection", "title": "Harbours", "childCount": "3"});
    assert_eq!(
        (read(&row).kind, read(&row).children),
        (Kind::Collection, Some(3))
    );
}

#[test]
fn trap_sizes_beyond_32_bits() {
    assert!(read(&film()).versions[0].parts[0].size_bytes > Some(1 << 32));
}

#[test]
fn trap_a_version_without_part() {
    for change in [
        json!({"Part": null}),
        json!({"Part": []}),
        json!({"Part": "?"}),
    ] {
        assert!(with_media(change).versions[0].parts.is_empty());
    }
    let mut film = film();
    film["Media"][0].as_object_mut().unwrap().remove("Part");
    assert!(read(&film).versions[0].parts.is_empty());
}

#[test]
fn trap_a_part_that_was_not_analysed() {
    let film = with_media(json!({"Part": [{"key": "/library/parts/1/2/file"}], "duration": 0}));
    let part = &film.versions[0].parts[0];
    assert_eq!(
        (part.duration_ms, part.size_bytes, &part.container),
        (None, None, &None)
    );
    assert_eq!(film.versions[0].duration_ms, None);
}

#[test]
fn trap_stacked_parts_without_codecs() {
    let part = |number| json!({"id": number, "key": format!("/library/parts/{number}/2/f.avi")});
    let film = read(&json!({"ratingKey": "1", "type": "movie", "title": "x",
        "Media": [{"id": 1, "Part": [part(1), part(2), part(3), part(4)]}]}));
    let media = &film.versions[0];
    assert_eq!((media.parts.len(), &media.video_codec), (4, &None));
    assert!(
        media
            .parts
            .iter()
            .map(|part| part.id)
            .eq([1, 2, 3, 4].map(Some))
    );
}

#[test]
fn trap_two_versions_of_which_one_is_made_by_the_server() {
    let mut film = film();
    let mut made = film["Media"][0].clone();
    made["proxyType"] = json!("42");
    film["Media"].as_array_mut().unwrap().push(made);
    let optimized: Vec<_> = read(&film)
        .versions
        .iter()
        .map(|one| one.optimized)
        .collect();
    assert_eq!(optimized, [false, true]);
}

#[test]
fn trap_no_streams_and_empty_ones() {
    assert!(
        with_streams(json!([])).versions[0].parts[0]
            .streams
            .is_empty()
    );
    let film = with_streams(json!([{}]));
    assert_eq!(film.versions[0].parts[0].streams[0].kind, StreamKind::Other);
}

#[test]
fn trap_a_subtitle_beside_the_file_has_no_index() {
    let film = with_streams(json!([
        {"id": 5, "streamType": 3, "codec": "srt", "key": "/library/streams/5", "languageTag": "en"},
        {"id": 6, "streamType": 2, "codec": "dca", "profile": "ma", "index": 0, "channels": 6,
         "languageCode": "ger", "audioChannelLayout": "5.1(side)", "samplingRate": "48000"},
        {"id": 7, "streamType": 1, "codec": "hevc", "index": 2, "frameRate": "23.976", "bitDepth": 10,
         "level": 150, "scanType": "progressive", "DOVIPresent": true, "DOVIProfile": 5,
         "headerCompression": true}
    ]));
    let streams = &film.versions[0].parts[0].streams;
    let indexes: Vec<_> = streams.iter().map(|stream| stream.index).collect();
    assert_eq!(indexes, [None, Some(0), Some(2)]);
    let languages: Vec<_> = streams
        .iter()
        .map(|stream| stream.language.as_deref())
        .collect();
    assert_eq!(languages, [Some("eng"), Some("deu"), None]);
    assert_eq!(
        streams[1].kind,
        StreamKind::Audio {
            channels: Some(6),
            layout: Some("5.1(side)".to_owned()),
            sampling_rate: Some(48_000),
        }
    );
    let StreamKind::Video {
        frame_rate,
        dolby_vision,
        interlaced,
        ..
    } = streams[2].kind
    else {
        panic!("{:?}", streams[2])
    };
    assert_eq!(
        (frame_rate, dolby_vision, interlaced),
        (Some(23.976), Some(5), false)
    );
    assert!(streams[2].header_stripped);
}

#[test]
fn trap_the_made_up_row_of_all_episodes() {
    let row =
        json!({"key": "/library/metadata/7/allLeaves", "title": "All episodes", "type": "season"});
    assert_eq!(refusal(&row), "has no key");
}

// What else must not get in.

#[test]
fn other_videos_are_clips_and_music_is_dropped() {
    let row =
        |kind, subtype| json!({"ratingKey": "1", "title": "x", "type": kind, "subtype": subtype});
    assert_eq!(read(&row("movie", "clip")).kind, Kind::Clip);
    assert_eq!(read(&row("clip", "")).kind, Kind::Clip);
    for kind in ["track", "photo", "artist", ""] {
        assert_eq!(refusal(&row(kind, "")), "is no video");
    }
    assert_eq!(
        refusal(&json!({"ratingKey": "1", "type": "movie"})),
        "has no title"
    );
}

#[test]
fn a_key_that_leads_to_another_host_is_no_part() {
    for key in [
        "https://elsewhere.example/file.mp4",
        "//elsewhere/file",
        "file.mkv",
        "/a b",
        "",
    ] {
        let film = with_media(json!({"Part": [{"id": 1, "key": key}]}));
        assert!(film.versions[0].parts.is_empty(), "{key}");
    }
}

#[test]
fn what_is_long_is_cut_and_what_is_many_is_counted() {
    let mut film = film();
    film["summary"] = json!("ß".repeat(100_000));
    film["Genre"] = json!(vec![json!({"tag": "g"}); 1_000]);
    film["Media"][0]["Part"][0]["Stream"] = json!(vec![json!({"streamType": 3}); 1_000]);
    let film = read(&film);
    assert_eq!(film.summary.unwrap().len(), limits::PLEX_SUMMARY_BYTES);
    assert_eq!(film.genres.len(), limits::PLEX_TAGS);
    assert_eq!(
        film.versions[0].parts[0].streams.len(),
        limits::PLEX_STREAMS
    );
}
