//! What devices, players and programs read.

use crate::client::{say, split, status};
use crate::house::{DATE, NOW_MS, Open, Stopped, catalog, channel, item};
use exstreamtv::catalog::Catalog;
use exstreamtv::model::{DeviceId, MediaItemId, NewPlaylist, Playlist, PlaylistId};
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn the_device_describes_itself_as_hardware_does() {
    let open = Open::usual().await;
    let (head, body) = open.get("/discover.json").await;
    assert_eq!(
        body,
        "{\"FriendlyName\":\"Living <room>\",\"ModelNumber\":\"HDHR5-4US\",\
         \"FirmwareName\":\"hdhomerun5_atsc\",\"FirmwareVersion\":\"20250815\",\
         \"DeviceID\":\"ID\",\"DeviceAuth\":\"abcdefghijklmnopqrstuvwx\",\
         \"BaseURL\":\"http://10.0.0.9:8411\",\
         \"LineupURL\":\"http://10.0.0.9:8411/lineup.json\",\"TunerCount\":2}"
            .replace(
                "ID\",\"DeviceAuth",
                &format!("{}\",\"DeviceAuth", DeviceId::from_random(0x1234))
            )
    );
    assert_eq!(
        head,
        format!(
            "HTTP/1.1 200 OK\r\nServer: HDHomeRun/1.0\r\nConnection: close\r\n\
             Content-Type: application/json; charset=\"utf-8\"\r\nContent-Length: {}\r\n\
             Cache-Control: no-cache\r\nAccess-Control-Allow-Origin: *\r\n{DATE}",
            body.len()
        )
    );
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let open = Open::usual().await;
    for target in [
        "/discover.json",
        "/lineup.xml",
        "/",
        "/iptv/xmltv.xml",
        "/api/health",
        "/no",
    ] {
        let (get, body) = open.get(target).await;
        let (head, nothing) = open.ask(open.web, "HEAD", target, "").await;
        assert_eq!(get, head, "{target}");
        assert!(!body.is_empty() && nothing.is_empty(), "{target}");
        assert!(!get.contains("chunked"), "{get}");
    }
}

#[tokio::test]
async fn http_1_0_without_a_host_gets_the_address_it_reached() {
    let open = Open::usual().await;
    let (head, body) = split(&say(open.web, b"GET /lineup.json HTTP/1.0\r\n\r\n").await);
    assert_eq!(status(&head), 200);
    let stream = format!("http://127.0.0.1:{}/auto/v1984", open.stream.port());
    assert!(body.contains(&stream), "{body}");
}

#[tokio::test]
async fn the_lineup_says_the_same_in_every_form() {
    let open = Open::usual().await;
    let port = open.stream.port();
    let url = format!("http://10.0.0.9:{port}/auto/v1984");
    let lineup = open.json("/lineup.json").await;
    assert_eq!(
        lineup,
        json!([
            {"GuideNumber": "1984", "GuideName": "Films & \"more\"", "VideoCodec": "H264",
             "AudioCodec": "AAC", "HD": 1, "URL": url},
            {"GuideNumber": "1984.1", "GuideName": "<b>Bold</b>", "VideoCodec": "H264",
             "AudioCodec": "AAC", "HD": 1, "URL": format!("{url}.1")},
        ])
    );
    assert_eq!(open.json("/lineup.json?show=demo").await, json!([]));
    assert_eq!(open.json("/lineup.json?show=found").await[1]["Enabled"], 1);
    assert_eq!(
        xml_texts(&open.get("/lineup.xml").await.1, "GuideName"),
        ["Films & \"more\"", "<b>Bold</b>"]
    );
    for list in ["/lineup.m3u", "/iptv/channels.m3u"] {
        let (head, body) = open.get(list).await;
        assert_eq!(status(&head), 200);
        assert!(body.starts_with("#EXTM3U"), "{body}");
        assert_eq!(
            body.lines()
                .filter(|line| line.starts_with("http://10.0.0.9:"))
                .count(),
            2
        );
    }
}

#[tokio::test]
async fn every_line_has_a_station_of_its_own_in_either_form() {
    let open = Open::usual().await;
    let lines = open.json("/lineup.json?tuning").await;
    for (line, hertz) in [(0, 57_000_000), (1, 63_000_000)] {
        assert_eq!(lines[line]["Modulation"], "8vsb");
        assert_eq!(lines[line]["Frequency"], hertz);
        assert_eq!(lines[line]["ProgramNumber"], 1);
        // It is where the tuners find the channel.
        let place = format!("/auto/ch{hertz}-1");
        let (head, _) = open.ask(open.stream, "HEAD", &place, "").await;
        assert_eq!(status(&head), 200, "{head}");
    }
    let xml = open.get("/lineup.xml?tuning").await.1;
    assert_eq!(xml_texts(&xml, "Frequency"), ["57000000", "63000000"]);
}

#[tokio::test]
async fn the_lineup_in_xml_shows_what_is_asked_for() {
    let open = Open::usual().await;
    for (show, names, enabled) in [("all", 2, 0), ("found", 2, 2), ("demo", 0, 0)] {
        let xml = open.get(&format!("/lineup.xml?show={show}")).await.1;
        assert_eq!(xml_texts(&xml, "GuideName").len(), names, "{show}");
        assert_eq!(xml_texts(&xml, "Enabled").len(), enabled, "{show}");
    }
}

fn xml_texts(xml: &str, name: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut texts = Vec::new();
    let mut inside = false;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => return texts,
            quick_xml::events::Event::Start(tag) if tag.name().as_ref() == name => {
                inside = true;
                texts.push(String::new());
            }
            quick_xml::events::Event::End(_) => inside = false,
            quick_xml::events::Event::Text(text) if inside => {
                texts.last_mut().unwrap().push_str(&text);
            }
            quick_xml::events::Event::GeneralRef(name) if inside => {
                let sign = quick_xml::escape::resolve_predefined_entity(&name);
                texts.last_mut().unwrap().push_str(sign.unwrap());
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn upnp_reads_which_device_it_is_and_where() {
    let open = Open::usual().await;
    let (head, xml) = open.get("/device.xml").await;
    assert_eq!(status(&head), 200);
    assert!(head.contains("Content-Type: text/xml; charset=\"utf-8\"\r\n"));
    let id = DeviceId::from_random(0x1234).to_string();
    for (name, text) in [
        ("major", "1"),
        ("minor", "0"),
        ("URLBase", "http://10.0.0.9:8411"),
        ("deviceType", "urn:schemas-upnp-org:device:MediaServer:1"),
        ("friendlyName", "Living <room>"),
        ("manufacturer", "Silicondust"),
        ("modelDescription", "HDHR5-4US HDHomeRun CONNECT QUATRO"),
        ("modelName", "HDHR5-4US"),
        ("modelNumber", "HDHR5-4US"),
        ("serialNumber", &id),
        ("UDN", "uuid:9E7F2A1C-53D4-4B0E-8A6F-1D2C3B4A5E6F"),
        ("presentationURL", "/"),
        ("serviceList", ""),
    ] {
        let texts: &[&str] = if text.is_empty() { &[] } else { &[text] };
        assert_eq!(xml_texts(&xml, name), texts, "{name}");
    }
    assert_eq!(open.get("/dms/device.xml").await.1, xml);
}

#[tokio::test]
async fn a_scan_is_over_at_once() {
    let open = Open::usual().await;
    for (method, target, code) in [
        ("POST", "/lineup.post?scan=start&source=Antenna", 200),
        ("GET", "/lineup.post?scan=abort", 200),
        ("POST", "/lineup.post?favorite=+1984", 200),
        ("POST", "/lineup.post", 400),
    ] {
        let (head, body) = open.ask(open.web, method, target, "").await;
        assert_eq!(status(&head), code, "{target}");
        assert_eq!(body.is_empty(), code == 200, "{target}");
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", body.len())),
            "{head}"
        );
    }
    let idle = open.json("/lineup_status.json").await;
    assert_eq!(idle["ScanInProgress"], 0);
    assert_eq!(
        open.json("/status.json").await,
        json!([
            {"Resource": "tuner0"}, {"Resource": "tuner1"}
        ])
    );
}

#[tokio::test]
async fn both_doors_answer_both_kinds() {
    let open = Open::usual().await;
    let (head, _) = open.ask(open.stream, "GET", "/discover.json", "").await;
    assert_eq!(status(&head), 200);
    let (head, _) = open.ask(open.web, "GET", "/auto/v7", "").await;
    assert!(head.contains("801 Unknown Channel"), "{head}");
}

#[tokio::test]
async fn the_guide_is_what_the_api_says() {
    let open = Open::usual().await;
    let (head, body) = open.get("/iptv/xmltv.xml").await;
    assert_eq!(status(&head), 200);
    assert!(!head.contains("Content-Length"), "{head}");
    assert!(body.trim_end().ends_with("</tv>"), "cut off");
    let channels = open.json("/api/channels").await;
    assert_eq!(channels[0]["number"], "1984");
    let (now, next) = (&channels[0]["now"], &channels[0]["next"]);
    assert_eq!(now["title"], "<script>alert(1)</script>");
    assert_eq!(now["subtitle"], "1927");
    assert_eq!(now["start_ms"], NOW_MS - 1_500_000);
    assert_eq!(next["title"], "Second & last");
    assert_eq!(next["start_ms"], now["end_ms"]);
    assert_eq!(channels[0]["left_out"][0]["title"], "Broken");
    assert_eq!(channels[0]["profile"]["video"], "h264");
    let titles = xml_texts(&body, "title");
    let at = titles
        .iter()
        .position(|title| title == "<script>alert(1)</script>")
        .unwrap();
    assert_eq!(titles[at + 1], "Second & last");
}

#[tokio::test]
async fn health_means_that_every_channel_can_be_tuned() {
    let well = Open::usual().await;
    let (head, body) = well.get("/api/health").await;
    assert_eq!(status(&head), 200, "{body}");
    assert!(!head.contains("Access-Control"), "{head}");
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(health["status"], "healthy");
    let up_ms = health["uptime_ms"].as_u64().unwrap();
    assert!((3_720_000..3_780_000).contains(&up_ms), "{up_ms}");

    let empty = Open::with(Catalog::default(), 1, Arc::new(Stopped)).await;
    let (head, body) = empty.get("/api/health").await;
    assert_eq!(status(&head), 503);
    assert!(body.contains("There is no channel yet."), "{body}");

    let mut dark = channel(1, "5", "Dark");
    dark.items = vec![MediaItemId(3)];
    let items = vec![item(3, "Broken", None, Some("it is empty"))];
    let catalog = Catalog::new(Vec::new(), items, vec![dark, channel(2, "6", "Gone")]);
    let dark = Open::with(catalog, 1, Arc::new(Stopped)).await;
    for target in ["/api/health", "/api/health/channels"] {
        let (head, body) = dark.get(target).await;
        assert_eq!(status(&head), 503);
        assert!(
            body.contains("Channel 5 (Dark) has nothing that can be shown."),
            "{body}"
        );
    }
    let (head, _) = dark.ask(dark.stream, "GET", "/auto/v5", "").await;
    assert!(
        head.contains("X-HDHomeRun-Error: 806 Tune Failed\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn media_comes_in_pages() {
    let open = Open::usual().await;
    let found = open.json("/api/media?search=second").await;
    assert_eq!(
        (&found["total"], &found["items"][0]["id"]),
        (&json!(1), &json!(2))
    );
    let page = open.json("/api/media?offset=1&limit=1").await;
    assert_eq!(
        (&page["total"], &page["items"][0]["id"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    let beyond = open
        .json("/api/media?offset=18446744073709551615&limit=999999999")
        .await;
    assert_eq!(beyond["items"], json!([]));
    assert_eq!(status(&open.get("/api/media?limit=-1").await.0), 400);
    let libraries = open.json("/api/libraries").await;
    assert_eq!(
        libraries,
        json!([
            {"id": 1, "name": "Films", "kind": "folder", "path": "/films", "items": 3, "playable": 2}
        ])
    );
}

#[tokio::test]
async fn the_lists_of_the_owner_are_told_in_their_order() {
    assert_eq!(Open::usual().await.json("/api/playlists").await, json!([]));
    let list = Playlist {
        id: PlaylistId(7),
        list: NewPlaylist {
            name: "Late \"films\"".to_owned(),
            server: "abc".to_owned(),
            rating_key: "12".to_owned(),
            edition: None,
            items: [MediaItemId(2), MediaItemId(1), MediaItemId(2)].into(),
        },
    };
    let catalog = catalog().with_playlists(vec![list]);
    let open = Open::with(catalog, 1, Arc::new(Stopped)).await;
    assert_eq!(
        open.json("/api/playlists").await,
        json!([{"id": 7, "name": "Late \"films\"", "server": "abc", "items": [2, 1, 2]}])
    );
}
