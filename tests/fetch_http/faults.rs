//! A server that fails, and what the reader says and does then.

use super::source::{Answer, SourceServer};
use super::{Library, NAME, assert_refused, refusals, told};
use exstreamtv::error::Failure;
use exstreamtv::fetch::Reader;
use std::time::{Duration, Instant};
use tokio::time::timeout;

const MEGABYTE: usize = 1 << 20;

#[tokio::test]
async fn a_refusal_says_what_happened_and_whom_it_concerns() {
    let another = "its server gives another part of it than was asked for";
    let shifted = (Answer::Shifted(1), Failure::Item, another);
    for refusal in refusals().into_iter().chain([shifted]) {
        assert_refused(refusal, Reader::http).await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let library = Library::new(MEGABYTE);
    library.server.refuse();
    let (failure, words) = told(&library.open().await.unwrap_err());
    assert_eq!(failure, Failure::Connection);
    assert!(
        words.contains("cannot connect: Connection refused"),
        "{words}"
    );
    library.server.admit();
    assert!(library.open().await.is_ok());
}

#[tokio::test]
async fn a_file_replaced_by_another_one_is_an_error() {
    let library = Library::new(8 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    library.server.answer(Answer::Longer(1));
    let error = library
        .read(&mut reader, 4 * MEGABYTE, 10)
        .await
        .unwrap_err();
    let (failure, words) = told(&error);
    assert_eq!(failure, Failure::Item);
    assert!(
        words.ends_with("it has been replaced since it was opened"),
        "{words}"
    );
}

#[tokio::test]
async fn a_server_without_ranges_serves_reading_in_order_only() {
    let library = Library::new(8 * MEGABYTE);
    library.server.answer(Answer::NoRanges);
    let mut reader = library.open().await.unwrap();
    assert_eq!(reader.len(), 8 << 20);
    for at in 0..50 {
        library
            .read(&mut reader, at * 50_000, 50_000)
            .await
            .unwrap();
    }
    library.read(&mut reader, 2_400_100, 1000).await.unwrap();
    let error = library
        .read(&mut reader, 6 * MEGABYTE, 10)
        .await
        .unwrap_err();
    let (failure, words) = told(&error);
    assert_eq!(failure, Failure::Item);
    assert!(words.contains("only from the beginning"), "{words}");
    // That was no harm to what is being read.
    library.read(&mut reader, 2_500_000, 50_000).await.unwrap();
    assert_eq!(library.server.counts().requests, 1);
}

#[tokio::test]
async fn a_connection_that_is_reset_is_made_again_at_the_same_place() {
    let library = Library::new(16 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    for at in 0..300 {
        if at % 50 == 25 {
            library.server.reset();
        }
        library
            .read(&mut reader, at * 50_000, 50_000)
            .await
            .unwrap();
    }
    let counts = library.server.counts();
    assert!((6..=7).contains(&counts.connections), "{counts:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again_once_per_progress() {
    let library = Library::new(8 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    library.server.answer(Answer::Truncated(100_000));
    library.server.reset_counts();
    library
        .read(&mut reader, MEGABYTE, 1_000_000)
        .await
        .unwrap();
    assert_eq!(library.server.counts().requests, 10);
    library.server.answer(Answer::Truncated(0));
    library.server.reset_counts();
    let error = library
        .read(&mut reader, 4 * MEGABYTE, 50_000)
        .await
        .unwrap_err();
    let (failure, words) = told(&error);
    assert_eq!(failure, Failure::Connection);
    assert!(words.ends_with("the connection broke off"), "{words}");
    assert_eq!(library.server.counts().requests, 1);
    library.server.answer(Answer::Whole);
    library
        .read(&mut reader, 4 * MEGABYTE, 50_000)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_error_leaves_the_reader_usable() {
    let library = Library::new(8 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    for (round, answer) in [
        Answer::Status(500),
        Answer::Status(404),
        Answer::Raw(b"what?".to_vec()),
        Answer::Nothing,
        Answer::Page,
    ]
    .into_iter()
    .enumerate()
    {
        let at = (round + 1) * MEGABYTE;
        library.server.answer(answer.clone());
        let failed = library.read(&mut reader, at, 30_000).await;
        assert!(failed.is_err(), "{answer:?}");
        library.server.answer(Answer::Whole);
        library.read(&mut reader, at, 30_000).await.unwrap();
    }
}

#[tokio::test]
async fn a_pause_is_waited_for() {
    let library = Library::new(8 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    library.read(&mut reader, 0, 40_000).await.unwrap();
    let begun = Instant::now();
    library.server.pause(Duration::from_millis(300));
    library
        .read(&mut reader, MEGABYTE, 1_000_000)
        .await
        .unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_server_that_stays_silent_is_given_up() {
    let library = Library::new(32 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    for at in 0..50 {
        library
            .read(&mut reader, at * 40_000, 40_000)
            .await
            .unwrap();
    }
    library.server.pause(Duration::from_secs(600));
    // What is in the socket comes first; then time goes by itself.
    for at in 50..60 {
        let read = library.read(&mut reader, at * 40_000, 40_000);
        if timeout(Duration::from_millis(100), read).await.is_err() {
            break;
        }
    }
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    for (at, len) in [(60 * 40_000, 40_000), (24 * MEGABYTE, 100)] {
        let (failure, words) = told(&library.read(&mut reader, at, len).await.unwrap_err());
        assert_eq!(failure, Failure::Connection);
        assert!(
            words.ends_with("the server sent nothing for 20 s"),
            "{words}"
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(90));
}

#[tokio::test]
async fn a_read_that_is_given_up_loses_nothing() {
    let library = Library::new(16 * MEGABYTE);
    library.server.rate(Some(8_000_000));
    let mut reader = library.open().await.unwrap();
    let mut given_up = 0;
    for round in 0..8 {
        let at = round * 500_000;
        loop {
            let read = library.read(&mut reader, at, 500_000);
            match timeout(Duration::from_millis(7), read).await {
                Ok(read) => break read.unwrap(),
                Err(_) => given_up += 1,
            }
        }
    }
    assert!(given_up > 20, "{given_up}");
    let counts = library.server.counts();
    assert!(counts.requests <= 6, "{counts:?}");
    assert_eq!(counts.connections, 1);
}

#[tokio::test]
async fn what_was_asked_for_is_not_asked_again_when_a_read_is_given_up() {
    let library = Library::new(8 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    library.server.reset_counts();
    library.server.latency(Duration::from_millis(100));
    let mut rounds = 0;
    loop {
        let read = library.read(&mut reader, 5 * MEGABYTE, 20_000);
        match timeout(Duration::from_millis(10), read).await {
            Ok(read) => break read.unwrap(),
            Err(_) => rounds += 1,
        }
    }
    assert!(rounds >= 5, "{rounds}");
    assert_eq!(library.server.counts().requests, 1);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced_without_a_word() {
    let library = Library::new(8 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    library.read(&mut reader, 0, 65_536).await.unwrap();
    library.server.reset();
    library.read(&mut reader, 65_536, 100).await.unwrap();
    library.read(&mut reader, 5 * MEGABYTE, 100).await.unwrap();
}

#[tokio::test]
async fn a_redirection_is_followed_without_headers_for_another_host() {
    let library = Library::new(4 * MEGABYTE);
    let other = SourceServer::start(library.folder.path());
    library.server.answer(Answer::Redirect(other.url(NAME)));
    let token = [("X-Plex-Token".to_owned(), "secret".to_owned())];
    let mut reader = Reader::http(&library.server.url(NAME), &token)
        .await
        .unwrap();
    library.read(&mut reader, 0, 1000).await.unwrap();
    library.read(&mut reader, 3 * MEGABYTE, 1000).await.unwrap();
    assert_eq!(library.server.counts().requests, 1, "it is remembered");
    let has_token = |server: &SourceServer| {
        let asked = server.asked();
        asked
            .iter()
            .any(|asked| asked.headers.iter().any(|line| line.contains("secret")))
    };
    assert!(has_token(&library.server));
    assert!(!has_token(&other));
    // It moves back: the place that was remembered is no longer asked alone.
    library.server.answer(Answer::Whole);
    other.answer(Answer::Status(404));
    library.read(&mut reader, 2 * MEGABYTE, 1000).await.unwrap();
}
