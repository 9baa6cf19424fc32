//! What is read, and what that costs.

use super::source::Answer;
use super::{Library, NAME};
use exstreamtv::fetch::Reader;
use exstreamtv::limits;
use std::net::SocketAddr;

const MEGABYTE: usize = 1 << 20;

#[tokio::test]
async fn every_read_gives_just_the_bytes_of_the_file() {
    let library = Library::new(8 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    assert_eq!(reader.len(), 8 << 20);
    let sizes = [1, 188, 16_383, 16_384, 65_537, 400, 131_072, 700_000];
    let mut offset = 0;
    for round in 0..600_usize {
        let len = sizes[round % sizes.len()];
        library.read(&mut reader, offset, len).await.unwrap();
        offset = match round % 7 {
            0..4 => offset + len,
            4 => offset.saturating_sub(90_000),
            5 => offset + 50_000,
            _ => offset + 1_999_993,
        } % library.bytes.len();
    }
}

#[tokio::test]
async fn only_the_end_of_the_file_cuts_a_read_short() {
    let library = Library::new(100_000);
    let mut reader = library.open().await.unwrap();
    library.read(&mut reader, 99_990, 50).await.unwrap();
    library.read(&mut reader, 50_000, 99_000).await.unwrap();
    assert!(reader.read(100_000, 1).await.unwrap().is_empty());
    assert!(reader.read(u64::MAX, 1).await.unwrap().is_empty());
    assert!(reader.read(0, 0).await.unwrap().is_empty());
    assert!(reader.read(0, limits::SAMPLE_BYTES + 1).await.is_err());
}

#[tokio::test]
async fn reading_in_order_becomes_one_open_request() {
    let library = Library::new(16 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    let mut at = 0;
    while at < library.bytes.len() {
        library.read(&mut reader, at, 40_000).await.unwrap();
        at += 40_000;
    }
    let asked = library.server.asked();
    let ranges: Vec<_> = asked.iter().map(|asked| asked.range.as_str()).collect();
    assert_eq!(
        ranges,
        ["bytes=0-65535", "bytes=65536-196607", "bytes=196608-"]
    );
    assert_eq!(library.server.counts().connections, 1);
    // The server counts a piece once the kernel has it, and then it may have been read already.
    let all = library.bytes.len() as u64;
    let begun = std::time::Instant::now();
    while library.server.counts().body_bytes < all && begun.elapsed().as_secs() < 5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(library.server.counts().body_bytes, all);
}

#[tokio::test]
async fn what_is_not_read_is_not_fetched() {
    let library = Library::new(64 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    let mut at = 0;
    while at < 4 * MEGABYTE {
        library.read(&mut reader, at, 40_000).await.unwrap();
        at += 40_000;
    }
    // Whatever the kernel takes, it has taken by now.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let ahead = library.server.counts().body_bytes - at as u64;
    assert!(ahead <= 640 << 10, "{ahead}");
}

#[tokio::test]
async fn cursors_close_to_each_other_share_a_connection() {
    let library = Library::new(16 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    // Pictures, with the sound of each group of them behind the group.
    for group in 0..100 {
        let at = group * 100_000;
        for step in 0..5 {
            library
                .read(&mut reader, at + step * 18_000, 18_000)
                .await
                .unwrap();
            library
                .read(&mut reader, at + 90_000 + step * 400, 400)
                .await
                .unwrap();
        }
    }
    let counts = library.server.counts();
    // One look ahead of what was asked for at first.
    assert!(counts.requests <= 3, "{counts:?}");
    assert!(counts.body_bytes <= 11 << 20, "{counts:?}");
}

#[tokio::test]
async fn cursors_far_apart_have_a_connection_each() {
    let library = Library::new(16 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    let (mut video, mut audio) = (0, 12 * MEGABYTE);
    while video < 8 * MEGABYTE {
        library.read(&mut reader, video, 40_000).await.unwrap();
        library.read(&mut reader, audio, 400).await.unwrap();
        (video, audio) = (video + 40_000, audio + 400);
    }
    let counts = library.server.counts();
    assert_eq!(counts.connections, 2);
    assert!(counts.requests <= 8, "{counts:?}");
    let sent = counts.body_bytes as usize;
    assert!(sent <= 8 * MEGABYTE + MEGABYTE, "{sent}");
}

#[tokio::test]
async fn sound_a_second_behind_its_pictures_is_looked_up_in_small_ranges() {
    let library = Library::new(32 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    // A second of pictures, 900 kB, then a second of sound, 20 kB, and so on.
    for second in 0..30 {
        let at = second * 920_000;
        for step in 0..25 {
            library
                .read(&mut reader, at + step * 36_000, 36_000)
                .await
                .unwrap();
            library
                .read(&mut reader, at + 900_000 + step * 800, 800)
                .await
                .unwrap();
        }
    }
    let counts = library.server.counts();
    assert!(counts.connections <= 2, "{counts:?}");
    assert!(counts.requests <= 30 + 8, "{counts:?}");
    let sent = counts.body_bytes as usize;
    assert!(sent <= 30 * 920_000 + 2 * MEGABYTE, "{sent}");
}

#[tokio::test]
async fn a_look_somewhere_else_costs_a_short_range_on_a_kept_connection() {
    let library = Library::new(64 * MEGABYTE);
    let mut reader = library.open().await.unwrap();
    for at in 1..20 {
        library
            .read(&mut reader, at * 3_000_017, 1000)
            .await
            .unwrap();
    }
    let counts = library.server.counts();
    assert_eq!(counts.connections, 2);
    assert_eq!(counts.requests, 20);
    assert!(
        counts.body_bytes <= (128 << 10) + 19 * (32 << 10),
        "{counts:?}"
    );
}

#[tokio::test]
async fn headers_go_with_every_request() {
    let library = Library::new(4 * MEGABYTE);
    let token = [("X-Plex-Token".to_owned(), "secret".to_owned())];
    let url = library.server.url(NAME) + "?download=0";
    let mut reader = Reader::http(&url, &token).await.unwrap();
    library.read(&mut reader, 3 * MEGABYTE, 10).await.unwrap();
    let asked = library.server.asked();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        assert!(asked.headers.contains(&"x-plex-token: secret".to_owned()));
        assert!(
            asked
                .headers
                .contains(&"accept-encoding: identity".to_owned())
        );
        let host = format!("host: {}", library.server.address());
        assert!(asked.headers.contains(&host), "{asked:?}");
        assert_eq!(asked.path, "/a%20film.mkv?download=0");
    }
    let shown = format!("{reader:?}");
    assert!(
        !shown.contains("secret") && !shown.contains("download"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_server_is_reached_by_name_and_by_ipv6() {
    let library = Library::new(1000);
    let port = library.server.address().port();
    let url = format!("http://localhost:{port}/a%20film.mkv");
    let mut reader = Reader::http(&url, &[]).await.unwrap();
    library.read(&mut reader, 0, 1000).await.unwrap();
    let address: SocketAddr = "[::1]:0".parse().unwrap();
    // Some machines have no IPv6, not even to themselves.
    if std::net::TcpListener::bind(address).is_ok() {
        let server = super::SourceServer::start_at(library.folder.path(), address);
        let mut reader = Reader::http(&server.url(NAME), &[]).await.unwrap();
        library.read(&mut reader, 10, 900).await.unwrap();
    }
}

#[tokio::test]
async fn bodies_in_chunks_are_read_too() {
    let library = Library::new(4 * MEGABYTE);
    library.server.answer(Answer::Chunked);
    let mut reader = library.open().await.unwrap();
    for at in [0, 30_000, 60_000, 2 * MEGABYTE, 90_000, 3 * MEGABYTE] {
        library.read(&mut reader, at, 300_000).await.unwrap();
    }
}
