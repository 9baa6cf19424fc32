//! What a server makes while it is read: asked for once, read in order, to its end or to where it
//! breaks off.

use super::source::Answer;
use super::{Library, NAME, assert_refused, refusals, told};
use exstreamtv::error::{Failure, Result};
use exstreamtv::fetch::{ENDLESS, Reader};
use exstreamtv::limits;
use std::time::{Duration, Instant};
use tokio::time::timeout;

const LEN: usize = 700_001;

fn made(chunk_bytes: u64) -> Answer {
    Answer::Made {
        chunk_bytes,
        first_after: Duration::ZERO,
        most: u64::MAX,
    }
}

async fn open(library: &Library) -> Result<Reader> {
    let headers = [("X-Plex-Token".to_owned(), "secret".to_owned())];
    Reader::live(&(library.server.url(NAME) + "?token=secret"), &headers).await
}

#[tokio::test]
async fn all_of_it_comes_in_order_however_it_is_cut() {
    for (chunk, step) in [
        (1_500, 32_768),
        (64 << 10, 188 * 7),
        (997, 100_000),
        (1 << 20, 4_096),
    ] {
        let library = Library::new(LEN);
        library.server.answer(made(chunk));
        let mut reader = open(&library).await.unwrap();
        assert_eq!((reader.len(), reader.pace()), (ENDLESS, None));
        // A look at the beginning, and then from the beginning on.
        library.read(&mut reader, 0, 4_096).await.unwrap();
        let mut at = 0;
        while at < LEN {
            library.read(&mut reader, at, step).await.unwrap();
            at += step;
        }
        // Fewer bytes are the end, and so are none.
        for offset in [LEN as u64, 1 << 40] {
            assert_eq!(reader.read(offset, 10).await.unwrap().len(), 0);
        }
        let asked = library.server.asked();
        assert_eq!(asked.len(), 1, "it is asked for once");
        assert_eq!(asked[0].range, "", "and not for a part");
        assert!(asked[0].headers.iter().any(|line| line.ends_with("secret")));
    }
}

#[tokio::test]
async fn what_was_just_passed_can_be_read_again_and_nothing_before() {
    let library = Library::new(LEN);
    library.server.answer(made(10_000));
    let mut reader = open(&library).await.unwrap();
    library.read(&mut reader, 0, 300_000).await.unwrap();
    library.read(&mut reader, 300_000, 100_000).await.unwrap();
    library.read(&mut reader, 310_000, 50_000).await.unwrap();
    library.read(&mut reader, 390_000, 50_000).await.unwrap();
    let (failure, words) = told(&reader.read(1_000, 10).await.unwrap_err());
    assert_eq!(failure, Failure::Item);
    assert!(words.contains("what was passed is gone"), "{words}");
    assert!(!words.contains("secret"), "{words}");
    // That costs nothing: it goes on, also further on.
    library.read(&mut reader, 440_000, 10_000).await.unwrap();
    library.read(&mut reader, 600_000, 10_000).await.unwrap();
    assert_eq!(library.server.counts().requests, 1);
}

#[tokio::test]
async fn what_breaks_off_is_an_error_of_the_server_for_good() {
    let library = Library::new(LEN);
    library.server.answer(Answer::Made {
        chunk_bytes: 10_000,
        first_after: Duration::ZERO,
        most: 123_456,
    });
    let mut reader = open(&library).await.unwrap();
    library.read(&mut reader, 0, 123_456).await.unwrap();
    for _ in 0..2 {
        let (failure, words) = told(&reader.read(123_456, 10).await.unwrap_err());
        assert_eq!(failure, Failure::Connection);
        assert!(words.ends_with("the connection broke off"), "{words}");
    }
    assert_eq!(library.server.counts().requests, 1);
}

#[tokio::test]
async fn a_read_that_is_given_up_loses_nothing() {
    let library = Library::new(LEN);
    library.server.answer(made(5_000));
    library.server.rate(Some(2_000_000));
    let mut reader = open(&library).await.unwrap();
    let mut at = 0;
    let mut given_up = 0;
    while at < LEN {
        let patience = Duration::from_millis(7);
        match timeout(patience, library.read(&mut reader, at, 60_000)).await {
            Ok(read) => {
                read.unwrap();
                at += 60_000;
            }
            Err(_) => given_up += 1,
        }
    }
    assert!(given_up > 3, "{given_up}");
}

#[tokio::test]
async fn the_first_byte_may_take_its_time() {
    let library = Library::new(LEN);
    library.server.answer(Answer::Made {
        chunk_bytes: 10_000,
        first_after: Duration::from_millis(600),
        most: u64::MAX,
    });
    library.server.latency(Duration::from_millis(600));
    let begun = Instant::now();
    let mut reader = open(&library).await.unwrap();
    library.read(&mut reader, 0, 100).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(1_200));
}

/// A server that never begins, in simulated time.
#[tokio::test(start_paused = true)]
async fn the_first_byte_is_waited_for_longer_than_that_of_a_file() {
    for takes_head in [false, true] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/start.mkv", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            if takes_head {
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                stream.write_all(head).await.unwrap();
            }
            std::future::pending::<()>().await;
        });
        let begun = tokio::time::Instant::now();
        let error = match Reader::live(&url, &[]).await {
            Ok(mut reader) => reader.read(0, 10).await.unwrap_err(),
            Err(error) => error,
        };
        let (failure, words) = told(&error);
        assert_eq!(failure, Failure::Connection);
        assert!(words.ends_with("sent nothing for 45 s"), "{words}");
        let limit = Duration::from_millis(limits::LIVE_ANSWER_MS);
        assert!((limit..2 * limit).contains(&begun.elapsed()));
        server.abort();
    }
}

#[tokio::test]
async fn a_refusal_is_told_as_that_of_a_file() {
    let part = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10\r\n\r\n";
    let words = "the server answers 206 Partial Content";
    let part = (Answer::Raw(part.to_vec()), Failure::Item, words);
    for refusal in refusals().into_iter().chain([part]) {
        assert_refused(refusal, Reader::live).await;
    }
}

#[tokio::test]
async fn a_length_and_a_redirection_do_no_harm() {
    let library = Library::new(LEN);
    library.server.answer(Answer::NoRanges);
    let mut reader = open(&library).await.unwrap();
    assert_eq!(reader.len(), ENDLESS);
    library.read(&mut reader, 0, LEN + 1_000).await.unwrap();
    library.server.answer(made(9_999));
    let to = library.server.url(NAME);
    library.server.answer_next(1, Answer::Redirect(to));
    let mut reader = open(&library).await.unwrap();
    library.read(&mut reader, 0, 50_000).await.unwrap();
    // One that breaks off before its length is told from one that ends.
    library.server.answer(Answer::Truncated(100_000));
    let mut reader = open(&library).await.unwrap();
    let error = reader.read(0, 200_000).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Connection);
}
