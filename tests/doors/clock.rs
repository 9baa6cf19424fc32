//! A house that does not know the date.

use crate::client::status;
use crate::house::{NOW_MS, Open, catalog};
use exstreamtv::clock::Clock;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A clock without a battery, until somebody tells it the date.
#[derive(Default)]
struct Flat {
    told: AtomicBool,
}

impl Clock for Flat {
    fn epoch_ms(&self) -> i64 {
        if self.is_known() { NOW_MS } else { 12_000 }
    }

    fn is_known(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }
}

async fn open() -> (Open, Arc<Flat>) {
    let clock = Arc::new(Flat::default());
    let open = Open::with(catalog(), 2, Arc::clone(&clock) as Arc<dyn Clock>).await;
    (open, clock)
}

#[tokio::test]
async fn a_house_without_a_date_is_not_healthy_and_says_why() {
    let (open, clock) = open().await;
    for target in ["/api/health", "/api/health/channels"] {
        let (head, body) = open.get(target).await;
        assert_eq!(status(&head), 503, "{target}");
        assert!(body.contains("has not been told the date yet"), "{body}");
    }
    let health: Value = serde_json::from_str(&open.get("/api/health").await.1).unwrap();
    assert_eq!(health["status"], "failing");
    let up_ms = health["uptime_ms"].as_u64().unwrap();
    clock.told.store(true, Ordering::Relaxed);
    for target in ["/api/health", "/api/health/channels"] {
        let (head, body) = open.get(target).await;
        assert_eq!(status(&head), 200, "{target}");
        assert!(!body.contains("told the date"), "{body}");
    }
    let later_ms = open.json("/api/health").await["uptime_ms"]
        .as_u64()
        .unwrap();
    assert!(
        (0..60_000).contains(&(later_ms - up_ms)),
        "a step is no time"
    );
}

#[tokio::test]
async fn nobody_is_told_what_was_on_in_1970() {
    let (open, clock) = open().await;
    let (head, body) = open.get("/").await;
    assert_eq!(status(&head), 200);
    assert!(body.contains("has not been told the date yet"), "{body}");
    assert!(body.contains("The date is not known yet"), "{body}");
    assert!(!body.contains("Second &"), "{body}");
    let channels = open.json("/api/channels").await;
    assert_eq!(channels[0]["number"], "1984");
    assert!(channels[0]["now"].is_null() && channels[0]["next"].is_null());
    clock.told.store(true, Ordering::Relaxed);
    let (_, body) = open.get("/").await;
    assert!(!body.contains("not known yet"), "{body}");
    assert!(open.json("/api/channels").await[0]["now"].is_object());
}

#[tokio::test]
async fn there_is_no_guide_before_there_is_a_date() {
    let (open, clock) = open().await;
    let (head, body) = open.get("/iptv/xmltv.xml").await;
    assert_eq!(status(&head), 503);
    assert!(head.contains("Retry-After: 30\r\n"), "{head}");
    assert!(head.contains("Content-Type: text/plain"), "{head}");
    assert!(
        head.contains(&format!("Content-Length: {}\r\n", body.len())),
        "{head}"
    );
    assert!(
        body.contains("told the date") && body.ends_with(".\n"),
        "{body}"
    );
    let (asked, nothing) = open.ask(open.web, "HEAD", "/iptv/xmltv.xml", "").await;
    assert_eq!(asked, head);
    assert!(nothing.is_empty());
    clock.told.store(true, Ordering::Relaxed);
    let (head, body) = open.get("/iptv/xmltv.xml").await;
    assert_eq!(status(&head), 200);
    assert!(body.contains("start=\"20260102"), "{body}");
}

#[tokio::test]
async fn the_device_and_its_lineup_need_no_date() {
    let (open, _) = open().await;
    assert_eq!(open.json("/discover.json").await["TunerCount"], 2);
    assert_eq!(open.json("/lineup.json").await[1]["GuideNumber"], "1984.1");
    assert_eq!(status(&open.get("/iptv/channels.m3u").await.0), 200);
    assert_eq!(status(&open.get("/lineup_status.json").await.0), 200);
}
