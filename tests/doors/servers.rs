//! What becomes of the box when something is wrong with a Plex server, and how it is linked.

use crate::client::status;
use crate::house::{Open, Stopped};
use crate::linked::{Linked, listed};
use exstreamtv::catalog::Catalog;
use exstreamtv::plex::Stage;
use exstreamtv::shutdown;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const SIGN_IN: &str = "does not know this box any more";

#[tokio::test]
async fn a_channel_fails_with_the_server_that_it_shows_and_no_other_does() {
    let linked = Linked::with(|items, film| vec![listed(5, items), listed(6, &[film])]).await;
    let channels = linked.open.json("/api/health/channels").await;
    assert_eq!(statuses(&channels), ["healthy", "healthy"]);
    linked.open.servers.refuse(&linked.standin.machine());
    let (head, body) = linked.open.get("/api/health").await;
    assert_eq!(status(&head), 503, "{body}");
    let reasons: Value = serde_json::from_str(&body).unwrap();
    let reasons = reasons["reasons"].as_array().unwrap();
    assert_eq!(reasons.len(), 1, "{body}");
    assert!(reasons[0].as_str().unwrap().contains(SIGN_IN), "{body}");
    let channels = linked.open.json("/api/health/channels").await;
    assert_eq!(statuses(&channels), ["failing", "healthy"]);
    assert_eq!(channels[0]["reason"], reasons[0]);
}

#[tokio::test]
async fn a_server_that_no_channel_shows_is_worth_a_look_but_no_reason() {
    let linked = Linked::with(|_, film| vec![listed(6, &[film])]).await;
    linked.open.servers.refuse(&linked.standin.machine());
    let (head, body) = linked.open.get("/api/health").await;
    assert_eq!(status(&head), 200, "{body}");
    let detailed = linked.open.json("/api/health/detailed").await;
    assert_eq!(detailed["reasons"].as_array().unwrap().len(), 0);
    assert_eq!(detailed["plex"][0]["state"], "sign in again");
    assert!(linked.open.get("/").await.1.contains(SIGN_IN));
}

fn statuses(channels: &Value) -> Vec<&str> {
    let channels = channels.as_array().unwrap().iter();
    channels
        .map(|channel| channel["status"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_page_that_is_left_open_does_not_ask_for_codes_for_ever() {
    let open = Open::with(Catalog::default(), 1, Arc::new(Stopped)).await;
    let linking = Arc::clone(&open.linking);
    let (_stopper, shutdown) = shutdown::channel();
    let running = tokio::spawn(async move { linking.run(shutdown).await });
    // Nobody answers at the address of plex.tv, so each attempt fails at once.
    for number in 1..=4 {
        open.get("/").await;
        ended(&open, number).await;
        rested().await;
    }
    for _ in 0..3 {
        let page = open.get("/").await.1;
        assert!(page.contains("not linked to Plex: "), "{page}");
        assert!(page.contains("<code>exstreamtv link</code>"), "{page}");
        rested().await;
        assert_eq!(open.linking.attempt().number, 4);
    }
    // The owner may ask as often as they like.
    let (head, _) = open.order("POST", "/api/plex/link", "{}").await;
    assert_eq!(status(&head), 202);
    ended(&open, 5).await;
    running.abort();
}

/// Waits until an attempt to link has failed.
async fn ended(open: &Open, number: u64) {
    let ended = async {
        loop {
            let attempt = open.linking.attempt();
            if attempt.number == number && matches!(attempt.stage, Stage::Failed { .. }) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    assert!(ended.is_ok(), "{:?}", open.linking.attempt());
}

/// Lets the pause after a failure pass.
async fn rested() {
    // The task has to have begun its pause.
    tokio::task::yield_now().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn an_order_to_link_names_a_server_and_its_token_or_neither() {
    let open = Open::usual().await;
    for order in ["{\"url\":\"http://127.0.0.1:9\"}", "{\"token\":\"sesame\"}"] {
        let (head, body) = open.order("POST", "/api/plex/link", order).await;
        assert_eq!(status(&head), 400, "{order}");
        assert!(!body.contains("sesame"), "{body}");
    }
    let (head, body) = open.order("POST", "/api/plex/link", "{}").await;
    assert_eq!((status(&head), body.as_str()), (202, "{\"attempt\":1}"));
}
