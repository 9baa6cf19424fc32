//! What goes wrong, and what may not be said about it.

use crate::plex::{Faults, Library, Standin, TokenPlace};
use crate::{identity, log_kept, server};
use exstreamtv::error::{Error, Failure};
use exstreamtv::plex::{Class, Kind, Secret, Server, Trouble};

/// Turns a switch of the stand-in.
type Turn = fn(&mut Faults);

/// A page of films under a fault.
async fn page_under(standin: &Standin, server: &Server, change: Turn) -> Trouble {
    standin.faults(change);
    let trouble = server
        .page("1", Kind::Movie, 0, 10, None)
        .await
        .unwrap_err();
    standin.heal();
    trouble
}

/// What is said once a server is down. A connection that was open may answer once more.
async fn until_down(server: &Server) -> Trouble {
    for _ in 0..100 {
        if let Err(trouble) = server.sections().await {
            return trouble;
        }
    }
    panic!("it is not down")
}

#[tokio::test]
async fn each_fault_is_told_apart() {
    let standin = Standin::start(Library::synthetic(100));
    let server = server(&standin).await;
    let cases: [(Turn, Class, &str); 8] = [
        (
            |faults| faults.unauthorized = true,
            Class::Auth,
            "sign in to Plex again",
        ),
        (
            |faults| faults.maintenance = true,
            Class::Starting,
            "comes by itself",
        ),
        (
            |faults| faults.html = true,
            Class::Malformed,
            "proxy or a login page",
        ),
        (
            |faults| faults.listing_status = Some(403),
            Class::Forbidden,
            "not allowed",
        ),
        (
            |faults| faults.listing_status = Some(404),
            Class::Gone,
            "not there",
        ),
        (
            |faults| faults.listing_status = Some(500),
            Class::Busy,
            "too much at once",
        ),
        (
            |faults| faults.listing_status = Some(503),
            Class::Busy,
            "just now",
        ),
        (
            |faults| faults.listing_status = Some(509),
            Class::Bandwidth,
            "LAN Networks",
        ),
    ];
    for (change, class, words) in cases {
        let trouble = page_under(&standin, &server, change).await;
        assert_eq!(trouble.class, class, "{trouble}");
        assert!(trouble.why.contains(words), "{trouble}");
    }
    assert!(server.page("1", Kind::Movie, 0, 10, None).await.is_ok());
}

#[tokio::test]
async fn another_server_at_the_address_gets_no_token() {
    let standin = Standin::start(Library::default());
    let server = server(&standin).await;
    assert!(server.verify().await.is_ok());
    standin.faults(|faults| faults.wrong_machine = true);
    standin.reset_counts();
    let trouble = server.verify().await.unwrap_err();
    assert_eq!(trouble.class, Class::WrongServer);
    assert_eq!(Error::from(trouble).failure(), Failure::Connection);
    let token = Secret::new(&standin.token());
    let again = Server::again(&standin.url(), &standin.machine(), &token, &identity()).await;
    assert_eq!(again.unwrap_err().class, Class::WrongServer);
    let asked = standin.log();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        assert_eq!(asked.token, TokenPlace::Nowhere, "{}", asked.target);
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_nobody_s_fault() {
    let standin = Standin::start(Library::default());
    let server = server(&standin).await;
    standin.go_down();
    let trouble = until_down(&server).await;
    assert_eq!(trouble.class, Class::Unreachable, "{trouble}");
    assert!(trouble.why.contains("is the server on"), "{trouble}");
    standin.come_up();
    assert!(server.sections().await.is_ok());
}

#[tokio::test]
async fn a_wrong_token_is_refused_at_once() {
    let standin = Standin::start(Library::default());
    let wrong = Secret::new("not-the-token");
    let trouble = Server::at(&standin.url(), &wrong, &identity())
        .await
        .unwrap_err();
    assert_eq!(trouble.class, Class::Auth);
    assert_eq!(standin.counts().requests(), 2);
}

#[tokio::test]
async fn a_token_is_in_one_header_and_in_nothing_that_is_shown() {
    log_kept::keep();
    let standin = Standin::start(Library::synthetic(100));
    let token = standin.token();
    let server = server(&standin).await;
    let mut shown = vec![format!("{server:?} {:?}", Secret::new(&token))];
    let section = &server.sections().await.unwrap()[0];
    let page = server
        .page(&section.key, Kind::Movie, 0, 10, None)
        .await
        .unwrap();
    let part = page
        .items
        .iter()
        .flat_map(|item| &item.versions)
        .flat_map(|one| &one.parts)
        .next();
    shown.push(server.part_url(&part.unwrap().key).unwrap());
    let faults: [Turn; 5] = [
        |faults| faults.unauthorized = true,
        |faults| faults.maintenance = true,
        |faults| faults.html = true,
        |faults| faults.listing_status = Some(500),
        |faults| faults.listing_status = Some(302),
    ];
    for change in faults {
        let trouble = page_under(&standin, &server, change).await;
        shown.push(format!(
            "{trouble} {trouble:?} {}",
            Error::from(trouble.clone())
        ));
    }
    standin.go_down();
    let trouble = until_down(&server).await;
    shown.push(format!("{trouble} {trouble:?}"));
    let logged = log_kept::kept();
    assert!(
        logged.iter().any(|line| line.contains("/library/sections")),
        "nothing was logged"
    );
    for text in shown.iter().chain(&logged) {
        assert!(!text.contains(&token), "{text}");
    }
    let requests = standin.log();
    assert!(!requests.is_empty());
    for request in requests {
        let expected = if request.target.starts_with("/identity") {
            TokenPlace::Nowhere
        } else {
            TokenPlace::Header
        };
        assert_eq!(request.token, expected, "{}", request.target);
        assert!(
            !request.target.contains("X-Plex-Token"),
            "{}",
            request.target
        );
    }
}
