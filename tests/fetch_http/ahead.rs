//! What is fetched before it is asked for: ranges side by side, and whole indexes.

use super::source::Answer;
use super::{Library, NAME, ROOM, told};
use exstreamtv::error::Failure;
use exstreamtv::fetch::{Pace, Reader};
use exstreamtv::limits;
use std::time::{Duration, Instant};

const MEGABYTE: usize = 1 << 20;
const ANSWER: Duration = Duration::from_millis(60);
/// Where requests are counted: patience grows with it, so that a busy machine makes no difference.
const LONG_ANSWER: Duration = Duration::from_millis(250);
const PACE: Pace = Pace {
    answers_after: ANSWER,
    bytes_per_second: 1 << 30,
};

/// Places that are far from each other.
fn places(count: usize) -> Vec<(u64, usize)> {
    (1..=count)
        .map(|at| ((at * 3_000_017) as u64, 18_000 + at * 100))
        .collect()
}

/// A server that answers slowly, and a reader that knows it.
async fn slow(len: usize) -> (Library, Reader) {
    slow_by(ANSWER, len).await
}

async fn slow_by(answer: Duration, len: usize) -> (Library, Reader) {
    let library = Library::new(len);
    library.server.latency(answer);
    let reader = library.open().await.unwrap();
    assert!(reader.pace().unwrap().answers_after >= answer);
    library.server.reset_counts();
    (library, reader)
}

#[tokio::test]
async fn what_is_foreseen_is_waited_for_once() {
    let (library, mut reader) = slow(64 * MEGABYTE).await;
    let places = places(limits::SOURCE_FORESEEN);
    let begun = Instant::now();
    reader.foresee(&places).await;
    assert!(begun.elapsed() < ANSWER * 2, "{:?}", begun.elapsed());
    for (offset, len) in &places {
        let offset = usize::try_from(*offset).unwrap();
        library.read(&mut reader, offset, *len).await.unwrap();
        library.read(&mut reader, offset + 50, 100).await.unwrap();
    }
    let counts = library.server.counts();
    assert_eq!(counts.requests, places.len() as u64);
    // The connections serve what comes next.
    library.read(&mut reader, 40 * MEGABYTE, 100).await.unwrap();
    assert_eq!(library.server.counts().connections, counts.connections);
}

/// Who goes somewhere twice, as to the next key frame, needs most of the same tables again.
#[tokio::test]
async fn what_was_foreseen_before_is_not_fetched_again() {
    let (library, mut reader) = slow_by(LONG_ANSWER, 64 * MEGABYTE).await;
    let places = places(9);
    let (first, second) = (&places[..6], &places[3..]);
    reader.foresee(first).await;
    reader.foresee(first).await;
    assert_eq!(library.server.counts().requests, 6);
    reader.foresee(second).await;
    assert_eq!(library.server.counts().requests, 9);
    // A part of what is here is here.
    let (offset, len) = second[1];
    reader.foresee(&[(offset + 1_000, len - 2_000)]).await;
    for (offset, len) in second {
        let offset = usize::try_from(*offset).unwrap();
        library.read(&mut reader, offset, *len).await.unwrap();
    }
    assert_eq!(library.server.counts().requests, 9);
    // One that lies around what is here is fetched whole, and read whole.
    let around = (offset - 500, len + 500);
    reader.foresee(&[around]).await;
    let from = usize::try_from(around.0).unwrap();
    library.read(&mut reader, from, around.1).await.unwrap();
    library.read(&mut reader, from + 600, 9_000).await.unwrap();
    assert_eq!(library.server.counts().requests, 10);
}

#[tokio::test]
async fn what_is_foreseen_comes_on_connections_that_are_there() {
    let (library, mut reader) = slow_by(LONG_ANSWER, 64 * MEGABYTE).await;
    let places = places(6);
    for part in places.chunks(2) {
        reader.foresee(part).await;
        assert_eq!(library.server.counts().connections, 2);
    }
    assert_eq!(library.server.counts().requests, 6);
    // One that was closed in the meantime is made again.
    library.server.reset();
    let (offset, len) = (17 * MEGABYTE, 9_000);
    reader.foresee(&[(offset as u64, len)]).await;
    assert_eq!(library.server.counts().requests, 7);
    library.read(&mut reader, offset, len).await.unwrap();
    assert_eq!(library.server.counts().requests, 7);
}

#[tokio::test]
async fn too_much_is_not_foreseen() {
    let (library, mut reader) = slow(64 * MEGABYTE).await;
    reader.foresee(&places(40)).await;
    let counts = library.server.counts();
    assert_eq!(counts.requests, limits::SOURCE_FORESEEN as u64);
    library.server.reset_counts();
    let large = [(0, 300 << 10), (30 << 20, 300 << 10), (40 << 20, 50 << 10)];
    reader.foresee(&large).await;
    let bytes = library.server.counts().body_bytes;
    assert!(bytes <= limits::SOURCE_FORESEEN_BYTES as u64, "{bytes}");
}

#[tokio::test]
async fn a_server_that_answers_at_once_is_asked_when_it_is_time() {
    let library = Library::new(64 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    // On a machine that is busy it may take a few tries.
    for _ in 0..50 {
        let quick = |answer| answer < Duration::from_millis(2);
        if reader.pace().is_some_and(|pace| quick(pace.answers_after)) {
            break;
        }
        reader = library.open().await.unwrap();
    }
    library.server.reset_counts();
    reader.foresee(&places(8)).await;
    assert!(!reader.hold(MEGABYTE as u64, 2 << 20).await);
    assert_eq!(library.server.counts().requests, 0);
}

#[tokio::test]
async fn an_index_that_is_held_is_not_asked_for_again() {
    let _room = ROOM.lock().await;
    let (library, mut reader) = slow(16 * MEGABYTE).await;
    let (from, len) = (9 * MEGABYTE + 77, 2 * MEGABYTE + 999);
    assert!(reader.hold(from as u64, len as u64).await);
    let requests = library.server.counts().requests;
    assert_eq!(requests, limits::SOURCE_INDEX_PARTS as u64);
    for round in 0..200 {
        let at = from + round * 10_007 % (len - 70_000);
        library.read(&mut reader, at, 65_536).await.unwrap();
    }
    let end = from + len;
    library.read(&mut reader, end - 9, 9).await.unwrap();
    assert_eq!(library.server.counts().requests, requests);
    reader.settle();
    library.read(&mut reader, from, 100).await.unwrap();
    assert_eq!(library.server.counts().requests, requests + 1);
}

#[tokio::test]
async fn only_few_indexes_are_held_and_none_that_is_too_long() {
    let (_library, mut reader) = slow(16 * MEGABYTE).await;
    assert!(!reader.hold(0, limits::SOURCE_INDEX_BYTES as u64 + 1).await);
    assert!(!reader.hold(0, u64::MAX).await);
    let _room = ROOM.lock().await;
    let mut holding = Vec::new();
    for _ in 0..limits::SOURCE_INDEXES {
        let (library, mut reader) = slow(4 * MEGABYTE).await;
        assert!(reader.hold(MEGABYTE as u64, MEGABYTE as u64).await);
        holding.push((library, reader));
    }
    let (_library, mut one_more) = slow(4 * MEGABYTE).await;
    assert!(!one_more.hold(MEGABYTE as u64, MEGABYTE as u64).await);
    // Room is there again once one was let go, or its reader is gone.
    holding[0].1.settle();
    assert!(one_more.hold(MEGABYTE as u64, MEGABYTE as u64).await);
    assert!(!holding[0].1.hold(MEGABYTE as u64, MEGABYTE as u64).await);
    drop(one_more);
    assert!(holding[0].1.hold(MEGABYTE as u64, MEGABYTE as u64).await);
}

#[tokio::test]
async fn a_server_that_serves_one_connection_at_a_time_is_read_in_the_end() {
    let (library, mut reader) = slow(64 * MEGABYTE).await;
    // Nothing comes on the other connections for a while.
    let pause = Duration::from_secs(4);
    library.server.pause(pause);
    let begun = Instant::now();
    reader.foresee(&places(4)).await;
    assert!(begun.elapsed() < pause / 2, "{:?}", begun.elapsed());
    library.server.resume();
    library.read(&mut reader, 3_000_017, 18_000).await.unwrap();
}

#[tokio::test]
async fn a_file_of_known_length_is_not_asked_for_before_it_is_read() {
    let library = Library::new(4 * MEGABYTE);
    let url = library.server.url(NAME);
    let known = (4 << 20, Some(PACE));
    let mut reader = Reader::http_known(&url, &[], known).unwrap();
    assert_eq!((reader.len(), reader.pace()), (4 << 20, Some(PACE)));
    assert_eq!(library.server.counts().requests, 0);
    library.read(&mut reader, 3 * MEGABYTE, 1000).await.unwrap();
    library.read(&mut reader, 0, 1000).await.unwrap();
    assert_eq!(library.server.counts().requests, 2);
}

#[tokio::test]
async fn a_file_of_another_length_than_was_known_is_an_error_of_the_item() {
    let library = Library::new(4 * MEGABYTE);
    let url = library.server.url(NAME);
    for (answer, wrong) in [(Answer::Whole, 1_u64), (Answer::Longer(9), 0)] {
        library.server.answer(answer);
        let known = ((4 << 20) + wrong, Some(PACE));
        let mut reader = Reader::http_known(&url, &[], known).unwrap();
        reader.foresee(&places(1)).await;
        let error = reader.read(MEGABYTE as u64, 1000).await.unwrap_err();
        let (failure, words) = told(&error);
        assert_eq!(failure, Failure::Item, "{words}");
        assert!(words.contains("replaced"), "{words}");
    }
}

#[tokio::test]
async fn an_index_read_here_and_there_costs_little_more_than_it_is() {
    let library = Library::new(64 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    library.given(limits::SOURCE_OPENING_BYTES as u64).await;
    library.server.reset_counts();
    let mut needed = 0;
    for at in 1..20_usize {
        for step in 0..3 {
            let len = [8 << 10, 16 << 10, 64 << 10][at % 3];
            let offset = at * 3_000_017 + step * len;
            let bytes = reader.read_index(offset as u64, len).await.unwrap();
            assert!(bytes == library.bytes[offset..offset + len]);
            needed += len as u64;
        }
    }
    assert_eq!(library.given(needed).await, needed);
}
