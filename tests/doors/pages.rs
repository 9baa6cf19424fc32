//! What people read.

use crate::client::status;
use crate::house::{NOW_MS, Open, Stopped, channel, item};
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
    for step in [
        "library add folder",
        "library sync",
        "channels suggest --apply",
    ] {
        assert!(
            body.contains(&format!("exstreamtv {step}")),
            "{step}: {body}"
        );
    }
}

#[tokio::test]
async fn many_files_with_the_same_problem_are_one_sentence() {
    let mut items: Vec<_> = (10..210)
        .map(|id| item(id, &format!("Tape {id}"), None, Some("it is an AVI file")))
        .collect();
    items.push(item(1, "Odd & alone", None, Some("it is empty")));
    let catalog = Catalog::new(Vec::new(), items, Vec::new());
    let open = Open::with(catalog, 1, Arc::new(Stopped)).await;
    let (_, body) = open.get("/").await;
    let many = body.find("200 titles cannot be played: it is an AVI file.");
    let one = body.find("Odd &#38; alone cannot be played: it is empty.");
    assert!(many.is_some() && many < one, "{body}");
    assert!(body.contains("<li>Tape 10</li>"), "{body}");
    assert!(body.contains("<li>and 150 more</li>"), "{body}");
    assert!(!body.contains("Tape 209"), "{body}");
}

#[tokio::test]
async fn titles_that_are_missing_for_a_while_are_worth_a_look() {
    let mut items = vec![item(1, "Here", None, None), item(2, "Away", None, None)];
    items[1].missing_ms = Some(NOW_MS);
    let mut here = channel(6, "6", "Six");
    here.items.truncate(1);
    let channels = vec![channel(5, "5", "Five"), here];
    let open = Open::with(
        Catalog::new(Vec::new(), items, channels),
        1,
        Arc::new(Stopped),
    )
    .await;
    let page = open.get("/").await.1;
    let told = "Away cannot be shown on channel 5, which has the slate instead: its server does \
                not list it any more.";
    assert!(page.contains(told), "{page}");
    assert!(!page.contains("on channel 6"), "{page}");
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
