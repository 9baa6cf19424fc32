//! What people read.

use crate::client::status;
use crate::house::{Open, Stopped};
use exstreamtv::catalog::Catalog;
use std::sync::Arc;

#[tokio::test]
async fn the_page_shows_what_is_on_and_runs_nothing() {
    let open = Open::usual().await;
    let (head, body) = open.get("/").await;
    assert_eq!(status(&head), 200);
    assert!(
        head.contains("Content-Security-Policy: default-src 'none'"),
        "{head}"
    );
    assert!(
        head.contains("X-Content-Type-Options: nosniff\r\n"),
        "{head}"
    );
    assert!(head.contains("Referrer-Policy: no-referrer\r\n"), "{head}");
    for words in [
        "1984.1",
        "Second &#38; last",
        "value=\"500\"",
        "Nobody is watching",
        "Broken cannot be played: it has no video track",
        "http://10.0.0.9:8411/iptv/xmltv.xml",
    ] {
        assert!(body.contains(words), "{words}");
    }
    assert!(body.contains("&#60;script&#62;alert(1)"), "{body}");
    for forbidden in ["<script", "<b>Bold", "<room>", "onload", "javascript:"] {
        assert!(!body.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn an_empty_house_says_how_to_begin() {
    let open = Open::with(Catalog::default(), 1, Arc::new(Stopped)).await;
    let (_, body) = open.get("/").await;
    assert!(body.contains("exstreamtv library add folder"), "{body}");
}

#[tokio::test]
async fn people_get_a_page_for_what_is_missing_and_programs_get_words() {
    let open = Open::usual().await;
    let (head, body) = open
        .ask(open.web, "GET", "/%3Ci%3Eno", "Accept: text/html\r\n")
        .await;
    assert_eq!(status(&head), 404);
    assert!(
        body.contains("<!doctype html>") && !body.contains("<i>no"),
        "{body}"
    );
    let (head, body) = open.get("/no").await;
    assert_eq!(
        (status(&head), body.as_str()),
        (404, "There is nothing at this address.\n")
    );
}
