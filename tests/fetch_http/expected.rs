//! What is expected of a file that is opened for the first time, and asked for with its beginning.

use super::source::Answer;
use super::{Library, NAME, ROOM};
use exstreamtv::fetch::{Expected, Pace, Reader};
use exstreamtv::limits;
use std::time::{Duration, Instant};

const MEGABYTE: usize = 1 << 20;
const FILE: usize = 32 * MEGABYTE;
/// Long enough for a busy machine to make no difference.
const ANSWER: Duration = Duration::from_secs(2);
/// Where nobody looks at the time.
const SOON: Duration = Duration::from_millis(50);
const OPENING: usize = limits::SOURCE_OPENING_BYTES;
/// Where the index may lie: behind the beginning, or at the end.
const FRONT: (u64, usize) = (OPENING as u64, 3 * MEGABYTE);
const BACK: (u64, usize) = ((FILE - 3 * MEGABYTE) as u64, 3 * MEGABYTE);

fn expecting(ranges: &[(u64, usize)]) -> Expected {
    Expected {
        len: FILE as u64,
        ranges: ranges.to_vec(),
        pace: Pace {
            answers_after: ANSWER,
            bytes_per_second: 100 << 20,
        },
    }
}

async fn open(library: &Library, expected: &Expected) -> Reader {
    let url = library.server.url(NAME);
    Reader::http_expecting(&url, &[], expected).await.unwrap()
}

fn slow(answer: Duration) -> Library {
    let library = Library::new(FILE);
    library.server.latency(answer);
    library
}

#[tokio::test]
async fn an_index_at_either_end_comes_with_the_beginning() {
    let _room = ROOM.lock().await;
    for (offset, len) in [
        (100, 2 * MEGABYTE),
        (FILE - 2 * MEGABYTE - 9, 2 * MEGABYTE + 9),
    ] {
        let library = slow(ANSWER);
        let begun = Instant::now();
        let mut reader = open(&library, &expecting(&[FRONT, BACK])).await;
        assert!(reader.hold(offset as u64, len as u64).await);
        assert!(begun.elapsed() < ANSWER * 2, "{:?}", begun.elapsed());
        for at in (offset..offset + len - 9_000).step_by(77_777) {
            library.read(&mut reader, at, 9_000).await.unwrap();
        }
        assert_eq!(library.server.counts().requests, 3);
        // What is read then comes on a connection that is there.
        library.read(&mut reader, FILE / 2, 100).await.unwrap();
        assert_eq!(library.server.counts().connections, 3);
        // Room for another one is there at once, and for this one's when it is settled.
        let other = slow(SOON);
        let mut others = [other.open().await.unwrap(), other.open().await.unwrap()];
        assert!(others[0].hold(5_000_000, 1 << 20).await);
        assert!(!others[1].hold(5_000_000, 1 << 20).await);
        reader.settle();
        assert!(others[1].hold(5_000_000, 1 << 20).await);
    }
}

#[tokio::test]
async fn what_is_read_is_waited_for_where_it_is_on_its_way() {
    let _room = ROOM.lock().await;
    let library = slow(ANSWER);
    let begun = Instant::now();
    let mut reader = open(&library, &expecting(&[BACK])).await;
    for at in [FILE - 1_000, FILE - 2 * MEGABYTE] {
        library.read(&mut reader, at, 700).await.unwrap();
    }
    assert!(begun.elapsed() < ANSWER * 2, "{:?}", begun.elapsed());
    assert_eq!(library.server.counts().requests, 2);
}

#[tokio::test]
async fn a_guess_that_was_wrong_costs_no_more_than_its_bytes() {
    let _room = ROOM.lock().await;
    let library = slow(SOON);
    let mut reader = open(&library, &expecting(&[FRONT, BACK])).await;
    // It begins before what was asked for.
    let (offset, len) = (FILE - 4 * MEGABYTE, 4 * MEGABYTE);
    assert!(reader.hold(offset as u64, len as u64).await);
    library.read(&mut reader, offset, 9_000).await.unwrap();
    library
        .read(&mut reader, FILE - 9_000, 9_000)
        .await
        .unwrap();
    // It has another length.
    let longer = Expected {
        len: FILE as u64 + 1,
        ..expecting(&[BACK])
    };
    let mut reader = open(&library, &longer).await;
    assert_eq!(reader.len(), FILE as u64);
    library
        .read(&mut reader, FILE - 9_000, 9_000)
        .await
        .unwrap();
    // Its server gives it only from the beginning.
    library.server.answer(Answer::Whole);
    let mut reader = open(&library, &expecting(&[BACK])).await;
    library.read(&mut reader, 0, 9_000).await.unwrap();
}

#[tokio::test]
async fn nothing_is_guessed_where_that_does_not_pay() {
    let library = Library::new(FILE);
    let quick = |expected: &Expected| Expected {
        pace: Pace {
            answers_after: Duration::from_millis(1),
            ..expected.pace
        },
        ..expected.clone()
    };
    let narrow = |expected: &Expected| Expected {
        pace: Pace {
            bytes_per_second: 100 << 10,
            ..expected.pace
        },
        ..expected.clone()
    };
    let usual = expecting(&[FRONT, BACK]);
    let long = expecting(&[(OPENING as u64, limits::SOURCE_INDEX_BYTES + 1)]);
    for expected in [quick(&usual), narrow(&usual), long, expecting(&[])] {
        library.server.reset_counts();
        let mut reader = open(&library, &expected).await;
        library.read(&mut reader, 0, 9_000).await.unwrap();
        assert_eq!(library.server.counts().requests, 1);
    }
}
