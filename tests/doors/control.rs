//! Who may change things.

use crate::client::status;
use crate::house::Open;
use serde_json::{Value, json};

#[tokio::test]
async fn nothing_can_be_changed_over_the_network() {
    let open = Open::usual().await;
    for target in [
        "/api/libraries",
        "/api/sync",
        "/api/channels",
        "/api/channels/suggestion",
    ] {
        let more = "Content-Length: 2\r\n\r\n{}";
        let (head, body) = open.ask(open.web, "POST", target, more).await;
        assert_eq!(status(&head), 403, "{target}: {head}");
        assert!(body.contains("control socket"), "{body}");
    }
    assert_eq!(status(&open.get("/api/channels/suggestion").await.0), 404);
}

#[tokio::test]
async fn the_control_socket_speaks_the_same_api() {
    let open = Open::usual().await;
    let (head, body) = open.order("GET", "/api/channels", "").await;
    assert_eq!(status(&head), 200);
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        open.json("/api/channels").await
    );
    let (head, _) = open.order("GET", "/api/channels/suggestion", "").await;
    assert_eq!(status(&head), 200);
    for (method, target, body, code) in [
        ("POST", "/api/libraries", "{", 400),
        (
            "POST",
            "/api/libraries",
            "{\"path\":\"/x\",\"colour\":1}",
            400,
        ),
        ("POST", "/api/channels", "{\"number\":\"x\"}", 400),
        ("DELETE", "/api/channels/x", "", 400),
        ("DELETE", "/api/channels/77", "", 404),
        ("POST", "/api/nothing", "", 404),
        ("GET", "/auto/v1984", "", 404),
    ] {
        let (head, words) = open.order(method, target, body).await;
        assert_eq!(status(&head), code, "{method} {target}: {words}");
    }
    let (head, _) = open
        .order("POST", "/api/libraries", &"x".repeat(70_000))
        .await;
    assert_eq!(status(&head), 400);
}

#[tokio::test]
async fn the_store_is_looked_through_for_the_owner_alone() {
    let open = Open::usual().await;
    let (head, body) = open.order("GET", "/api/store/check", "").await;
    assert_eq!((status(&head), body.as_str()), (200, "{\"whole\":true}"));
    assert_eq!(status(&open.get("/api/store/check").await.0), 404);
    let database = open.folder.path().join("exstreamtv.db");
    std::fs::remove_file(database).unwrap();
    let (head, body) = open.order("GET", "/api/store/check", "").await;
    assert_eq!(status(&head), 503);
    assert!(body.contains("deleted or replaced"), "{body}");
}

#[tokio::test]
async fn libraries_and_channels_are_added_at_the_control_socket() {
    let open = Open::usual().await;
    let videos = tempfile::tempdir().unwrap();
    std::fs::write(videos.path().join("Broken (1999).mp4"), "no video at all").unwrap();
    let wish = json!({ "kind": "folder", "path": videos.path(), "name": "Videos" }).to_string();
    let (head, body) = open.order("POST", "/api/libraries", &wish).await;
    assert_eq!(status(&head), 201, "{body}");
    let library: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(library["name"], "Videos");

    let (head, body) = open.order("POST", "/api/sync", "").await;
    assert!(head.contains("application/x-ndjson"), "{head}");
    let last: Value = serde_json::from_str(body.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["added"], &last["unplayable"]),
        (&json!(1), &json!(1)),
        "{body}"
    );
    assert_eq!(last["libraries"][0]["name"], "Videos");

    let channel = json!({
        "number": "7.1", "name": "New", "epoch_ms": 0, "order": "listed", "items": [1],
    });
    let (head, body) = open
        .order("POST", "/api/channels", &channel.to_string())
        .await;
    assert_eq!(status(&head), 201, "{body}");
    let (head, body) = open
        .order("POST", "/api/channels", &channel.to_string())
        .await;
    assert_eq!(status(&head), 400, "{body}");
    let catalog = open.librarian.catalog().borrow().clone();
    assert_eq!(catalog.channels()[0].number.to_string(), "7.1");
    let (head, body) = open.order("DELETE", "/api/channels/7.1", "").await;
    assert_eq!((status(&head), body.as_str()), (200, ""));
    assert!(open.librarian.catalog().borrow().channels().is_empty());
    let gone = "{\"path\":\"/nowhere/at/all\"}";
    let (head, _) = open.order("POST", "/api/libraries", gone).await;
    assert_eq!(status(&head), 400, "{head}");
}
