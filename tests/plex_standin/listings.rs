//! Lists and rows, in JSON.

use crate::client::{container, get, get_with, part_key, rows, send, titled};
use crate::clips;
use crate::plex::{Class, Library, Standin, TokenPlace};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

const JSON: (&str, &str) = ("Accept", "application/json");

#[test]
fn the_section_stands_on_the_container_and_never_on_the_rows() {
    let standin = Standin::start(clips());
    let all = container(&standin, "/library/sections/1/all?type=1");
    assert_eq!(all["librarySectionID"], 1);
    assert_eq!(all["size"], 8);
    assert!(all["totalSize"].is_null() && all["offset"].is_null());
    for row in all["Metadata"].as_array().unwrap() {
        assert!(row["ratingKey"].is_string());
        assert!(row["librarySectionID"].is_null());
        assert!(row["Guid"].is_null());
        assert!(row["Media"][0]["Part"][0]["Stream"].is_null());
        assert!(row["Media"][0]["Part"][0]["exists"].is_null());
    }
    let with_guids = rows(&standin, "/library/sections/1/all?type=1&includeGuids=1");
    assert!(
        with_guids
            .iter()
            .all(|row| row["Guid"][0]["id"].is_string())
    );
}

#[test]
fn a_title_alone_has_its_section_and_its_streams() {
    let standin = Standin::start(clips());
    let row = titled(&standin, 1, 1, "Night Ferry");
    let key = row["ratingKey"].as_str().unwrap();
    let path = format!("/library/metadata/{key}?checkFiles=1");
    let alone = rows(&standin, &path).remove(0);
    assert_eq!(alone["librarySectionID"], 1);
    let part = &alone["Media"][0]["Part"][0];
    assert_eq!(part["exists"], true);
    assert_eq!(part["Stream"][0]["streamType"], 1);
    assert_eq!(part["Stream"][1]["streamType"], 2);
    // A number on the medium, a truth on the part.
    assert!(alone["Media"][0]["optimizedForStreaming"].is_number());
    assert!(part["optimizedForStreaming"].is_boolean());
    assert_eq!(get(&standin, "/library/metadata/9").status, 404);
    let two = rows(&standin, &format!("/library/metadata/9,{key},8"));
    assert_eq!(two.len(), 1);
}

#[test]
fn pages_need_a_start_and_a_size_in_the_query_but_headers_work_alone() {
    let standin = Standin::start(clips());
    let all = "/library/sections/1/all?type=1";
    let unpaged = container(&standin, &format!("{all}&X-Plex-Container-Size=2"));
    assert_eq!(
        (&unpaged["size"], &unpaged["totalSize"]),
        (&8.into(), &Value::Null)
    );
    let paging = "&X-Plex-Container-Start=6&X-Plex-Container-Size=5";
    let page = container(&standin, &format!("{all}{paging}"));
    assert_eq!(page["size"], 2);
    assert_eq!(page["totalSize"], 8);
    assert_eq!(page["offset"], 6);
    let by_header = get_with(&standin, all, &[JSON, ("X-Plex-Container-Size", "3")]);
    assert_eq!(by_header.header("x-plex-container-total-size"), Some("8"));
    assert_eq!(by_header.header("x-plex-container-start"), Some("0"));
    assert_eq!(by_header.json()["MediaContainer"]["size"], 3);
    let count = container(
        &standin,
        &format!("{all}&X-Plex-Container-Start=0&X-Plex-Container-Size=0"),
    );
    assert_eq!(count["totalSize"], 8);
    assert!(count["Metadata"].is_null());
}

#[test]
fn json_and_xml_say_the_same() {
    let standin = Standin::start(clips());
    let key = titled(&standin, 1, 1, "Night Ferry")["ratingKey"].clone();
    let path = format!("/library/metadata/{}", key.as_str().unwrap());
    let row = rows(&standin, &path).remove(0);
    let xml = get_with(&standin, &path, &[]).text();
    let flat = |value: &Value| match value {
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    let mut expected: Vec<BTreeMap<String, String>> = Vec::new();
    let stream = &row["Media"][0]["Part"][0]["Stream"][0];
    let part = &row["Media"][0]["Part"][0];
    for value in [&row, &row["Media"][0], part, stream] {
        let fields = value.as_object().unwrap().iter();
        let fields = fields.filter_map(|(name, value)| Some((name.clone(), flat(value)?)));
        expected.push(fields.collect());
    }
    let mut found = Vec::new();
    let mut reader = quick_xml::Reader::from_str(&xml);
    loop {
        use quick_xml::events::Event;
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                let attributes = tag.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    let name = attribute.key.as_ref().to_owned();
                    (
                        name,
                        attribute
                            .normalized_value(quick_xml::XmlVersion::Explicit1_0)
                            .unwrap()
                            .into_owned(),
                    )
                });
                found.push((name, attributes.collect::<BTreeMap<_, _>>()));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let names: Vec<_> = found
        .iter()
        .take(5)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        ["MediaContainer", "Video", "Media", "Part", "Stream"]
    );
    let found: Vec<_> = found
        .into_iter()
        .skip(1)
        .take(4)
        .map(|(_, map)| map)
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn lists_are_filtered_by_date_and_guid_strictly_and_loosely() {
    let standin = Standin::start(Library::synthetic(3_000));
    let all = rows(&standin, "/library/sections/1/all?type=1&sort=updatedAt");
    let updated = |row: &Value| row["updatedAt"].as_i64();
    let dates: Vec<_> = all.iter().filter_map(updated).collect();
    assert!(dates.is_sorted() && dates.len() < all.len());
    let middle = dates[dates.len() / 2];
    let count = |filter: &str| {
        let path = format!("/library/sections/1/all?type=1&updatedAt{filter}");
        let rows = rows(&standin, &path);
        assert!(rows.iter().all(|row| updated(row).is_some()));
        rows.len()
    };
    let after = dates.iter().filter(|date| **date > middle).count();
    let at = dates.iter().filter(|date| **date == middle).count();
    assert_eq!(count(&format!("%3E%3E={middle}")), after);
    assert_eq!(count(&format!("%3E={middle}")), after + at);
    assert_eq!(count(&format!("%3C%3C={middle}")), dates.len() - after - at);
    let guid = all[7]["guid"].as_str().unwrap().replace("://", "%3A%2F%2F");
    let found = rows(&standin, &format!("/library/all?guid={guid}"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["ratingKey"], all[7]["ratingKey"]);
    assert_eq!(found[0]["librarySectionID"], 1);
    let slim = "/library/sections/1/all?type=1&excludeElements=Role,Director&excludeFields=summary";
    let slim = rows(&standin, slim);
    assert!(slim[0]["Role"].is_null() && slim[0]["summary"].is_null());
    assert!(slim[0]["Genre"].is_array());
}

#[test]
fn what_is_said_is_compressed_when_asked_for() {
    let standin = Standin::start(clips());
    let path = "/library/sections/1/all?type=1";
    let plain = get(&standin, path).body().unwrap();
    let reply = get_with(&standin, path, &[JSON, ("Accept-Encoding", "gzip")]);
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let packed = reply.body().unwrap();
    assert!(packed.len() * 2 < plain.len());
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(packed.as_slice());
    reader.read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
}

/// What is odd about a row: no date of change, no part, two versions, two parts, a version that the
/// server made, no year.
fn odd(row: &Value) -> [bool; 6] {
    let media = &row["Media"];
    [
        row["updatedAt"].is_null(),
        media[0]["Part"].is_null(),
        media[1].is_object(),
        media[0]["Part"][1].is_object(),
        media[1]["proxyType"] == 42,
        row["year"].is_null(),
    ]
}

#[test]
fn a_large_library_is_read_in_58_pages_of_rows_like_real_ones() {
    let standin = Standin::start(clips().with_synthetic(28_949));
    let sections = container(&standin, "/library/sections")["Directory"].take();
    let (mut bytes, mut keys) = (0, BTreeSet::new());
    let mut oddities = [0; 6];
    standin.reset_counts();
    for section in sections.as_array().unwrap() {
        let kind = if section["type"] == "show" { 4 } else { 1 };
        let key = section["key"].as_str().unwrap();
        let mut start = 0;
        loop {
            let page = format!(
                "/library/sections/{key}/all?type={kind}&includeGuids=1\
                 &X-Plex-Container-Start={start}&X-Plex-Container-Size=500"
            );
            let body = get(&standin, &page).body().unwrap();
            bytes += body.len();
            let page: Value = serde_json::from_slice(&body).unwrap();
            let page = &page["MediaContainer"];
            for row in page["Metadata"].as_array().unwrap() {
                keys.insert(row["ratingKey"].as_str().unwrap().to_owned());
                let found = odd(row);
                oddities
                    .iter_mut()
                    .zip(found)
                    .for_each(|(all, one)| *all += u32::from(one));
                start += 1;
            }
            if start >= page["totalSize"].as_u64().unwrap() {
                break;
            }
        }
    }
    assert_eq!(sections.as_array().unwrap().len(), 7);
    assert_eq!(keys.len(), 28_949);
    assert_eq!(standin.counts().of(Class::Listing), 58);
    let each = bytes / keys.len();
    assert!((1_600..2_600).contains(&each), "{each} bytes a row");
    // In about the proportions of real libraries.
    assert!((2_000..3_200).contains(&oddities[0]), "{oddities:?}");
    assert!(
        oddities[1..].iter().all(|count| *count > 28),
        "{oddities:?}"
    );
    let row = rows(&standin, "/library/metadata/1000000").remove(0);
    let streams = row["Media"][0]["Part"][0]["Stream"].as_array().unwrap();
    let beside = streams.last().unwrap();
    assert!(beside["index"].is_null() && beside["key"].is_string());
}

#[test]
fn shows_have_a_row_for_all_episodes_and_collections_count_in_text() {
    let standin = Standin::start(clips());
    let show = titled(&standin, 2, 2, "Signal Box");
    let key = show["ratingKey"].as_str().unwrap();
    let children = format!("/library/metadata/{key}/children");
    let with_all = rows(&standin, &children);
    assert_eq!(with_all.len(), 2);
    assert!(with_all[0]["ratingKey"].is_null());
    assert!(with_all[0]["key"].as_str().unwrap().ends_with("/allLeaves"));
    let without = rows(&standin, &format!("{children}?excludeAllLeaves=1"));
    assert_eq!(without.len(), 1);
    let episodes = rows(&standin, &format!("/library/metadata/{key}/allLeaves"));
    assert_eq!(episodes.len(), 3);
    assert_eq!(episodes[0]["grandparentTitle"], "Signal Box");
    assert_eq!(episodes[2]["index"], 3);
    let collection = rows(&standin, "/library/sections/1/collections").remove(0);
    assert_eq!(collection["childCount"], "8");
    let key = collection["ratingKey"].as_str().unwrap();
    let path = format!("/library/collections/{key}/children");
    assert_eq!(rows(&standin, &path).len(), 8);
    let playlists = rows(&standin, "/playlists?playlistType=video");
    assert_eq!(playlists.len(), 2);
    assert_eq!(rows(&standin, "/playlists?playlistType=audio").len(), 0);
}

#[test]
fn a_library_changes_while_it_is_served() {
    let standin = Standin::start(clips());
    let before = titled(&standin, 1, 1, "Night Ferry");
    let key: u64 = before["ratingKey"].as_str().unwrap().parse().unwrap();
    let section =
        |field: &str| container(&standin, "/library/sections")["Directory"][0][field].clone();
    let changed_at = section("contentChangedAt");
    standin.library(|library| library.replace_file(key));
    let replaced = titled(&standin, 1, 1, "Night Ferry");
    assert_ne!(part_key(&replaced), part_key(&before));
    assert_ne!(section("contentChangedAt"), changed_at);
    assert_eq!(get(&standin, &part_key(&before)).status, 404);
    standin.library(|library| library.move_item(key, 9_000));
    let moved = titled(&standin, 1, 1, "Night Ferry");
    assert_eq!(moved["ratingKey"], "9000");
    assert_eq!(moved["guid"], before["guid"]);
    assert_eq!(
        get(&standin, &format!("/library/metadata/{key}")).status,
        404
    );
    standin.library(|library| library.remove(9_000));
    assert_eq!(rows(&standin, "/library/sections/1/all?type=1").len(), 7);
}

#[test]
fn requests_are_counted_and_the_token_is_in_no_line_of_the_log() {
    let standin = Standin::start(clips());
    let token = standin.token();
    let path = format!("/library/sections?X-Plex-Token={token}&x=1");
    assert_eq!(send("GET", &standin.url(), &path, &[]).status, 200);
    assert_eq!(get(&standin, "/library/sections").status, 200);
    let refused = send("GET", &standin.url(), "/library/sections", &[JSON]);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("content-type"), Some("text/html"));
    assert!(refused.text().contains("401 Unauthorized"));
    let log = standin.log();
    let places: Vec<_> = log.iter().map(|logged| logged.token).collect();
    assert_eq!(
        places,
        [TokenPlace::Query, TokenPlace::Header, TokenPlace::Nowhere]
    );
    assert_eq!(log[0].target, "/library/sections?x=1");
    assert_eq!(log[2].status, 401);
    assert!(!format!("{log:?}").contains(&token));
    assert_eq!(standin.counts().of(Class::Sections), 3);
    assert_eq!(standin.counts().requests(), 3);
}
