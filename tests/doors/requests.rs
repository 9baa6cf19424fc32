//! Requests that are slow, huge, broken or none at all.

use crate::client::{rest, say, split, status};
use crate::house::{Open, Stopped, channel, item};
use exstreamtv::catalog::Catalog;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

#[tokio::test]
async fn what_is_no_request_is_refused_in_words_and_closed() {
    let open = Open::usual().await;
    for (bytes, code) in [
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
            400,
        ),
        (b"\0\0\0\0", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: telly\r\nHost: b\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: telly\r\n\r\n", 400),
        (
            b"DELETE /api/channels/5 HTTP/1.1\r\nHost: telly\r\n\r\n",
            400,
        ),
        (b"GET / HTTP/3.7\r\nHost: telly\r\n\r\n", 400),
        (b"POST /auto/v1984 HTTP/1.1\r\nHost: telly\r\n\r\n", 400),
    ] {
        for door in [open.web, open.stream] {
            let (head, body) = split(&say(door, bytes).await);
            assert_eq!(status(&head), code, "{bytes:?}: {head}");
            assert!(
                body.ends_with(".\n") && body.len() > 10,
                "{bytes:?}: {body}"
            );
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        }
    }
}

#[tokio::test]
async fn half_a_request_and_then_nothing_is_refused_when_its_sender_closes() {
    let open = Open::usual().await;
    let mut socket = TcpStream::connect(open.web).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nHos").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(status(&split(&rest(&mut socket).await).0), 400);
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_refused_when_its_time_is_up() {
    let open = Open::usual().await;
    let begun = tokio::time::Instant::now();
    let (head, body) = split(&say(open.web, b"GET / HTTP/1.1\r\nHost: telly\r\n").await);
    assert_eq!(status(&head), 408, "{head}");
    assert!(body.contains("too long"), "{body}");
    let waited = begun.elapsed();
    assert!(
        (Duration::from_secs(9)..Duration::from_secs(12)).contains(&waited),
        "{waited:?}"
    );
    // Who says nothing at all is let go without a word.
    assert!(say(open.web, b"").await.is_empty());
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let open = Open::usual().await;
    let many = format!(
        "GET / HTTP/1.1\r\nHost: telly\r\n{}\r\n",
        "A: b\r\n".repeat(200)
    );
    let long = format!(
        "GET / HTTP/1.1\r\nHost: telly\r\nA: {}\r\n\r\n",
        "b".repeat(1 << 20)
    );
    let endless = vec![b'G'; 1 << 20];
    for flood in [many.as_bytes(), long.as_bytes(), &endless] {
        let (head, _) = split(&say(open.web, flood).await);
        assert_eq!(status(&head), 431, "{head}");
    }
}

#[tokio::test]
async fn a_head_in_single_bytes_is_read() {
    let open = Open::usual().await;
    let mut socket = TcpStream::connect(open.web).await.unwrap();
    socket.set_nodelay(true).unwrap();
    for byte in b"GET /lineup_status.json HTTP/1.1\r\nHost: telly\r\n\r\n" {
        socket.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&split(&rest(&mut socket).await).0), 200);
}

#[tokio::test]
async fn of_requests_in_a_row_the_first_is_answered_whole() {
    let open = Open::usual().await;
    for (target, code) in [("/lineup.json", 200), ("/auto/v7", 404)] {
        let one = format!("GET {target} HTTP/1.1\r\nHost: telly\r\n\r\n");
        let mut socket = TcpStream::connect(open.web).await.unwrap();
        let many = one.repeat(1_000);
        socket.write_all(many.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut answer = Vec::new();
        // Hanging up on unread requests would reset the connection, and some systems then drop
        // the answer.
        socket.read_to_end(&mut answer).await.unwrap();
        let (head, body) = split(&answer);
        assert_eq!(status(&head), code);
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", body.len())),
            "{head}"
        );
    }
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away() {
    let open = Open::usual().await;
    let socket = open.folder.path().join("control.sock");
    let mut idle = Vec::new();
    for _ in 0..exstreamtv::limits::CONTROL_CONNECTIONS {
        idle.push(UnixStream::connect(&socket).await.unwrap());
    }
    let mut more = UnixStream::connect(&socket).await.unwrap();
    let (head, body) = split(&rest(&mut more).await);
    assert_eq!(
        (status(&head), body.as_str()),
        (503, "Too many connections are open.\n")
    );
    drop(idle.pop());
    let begun = Instant::now();
    while status(&open.order("GET", "/lineup.json", "").await.0) != 200 {
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn readers_who_let_the_guide_lie_keep_nobody_from_the_page() {
    let mut short = item(1, "Short", None, None);
    short.part.duration_ms = Some(5_000);
    let channels = (1..=40).map(|id| channel(id, &id.to_string(), "Short and shorter"));
    let catalog = Catalog::new(Vec::new(), vec![short], channels.collect());
    let open = Open::with(catalog, 1, Arc::new(Stopped)).await;
    let mut lying = Vec::new();
    for _ in 0..=exstreamtv::limits::HTTP_DOCUMENTS {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut socket = socket.connect(open.web).await.unwrap();
        let request = b"GET /iptv/xmltv.xml HTTP/1.1\r\nHost: telly\r\n\r\n";
        socket.write_all(request).await.unwrap();
        lying.push(socket);
    }
    for socket in lying.iter().take(exstreamtv::limits::HTTP_GUIDES) {
        socket.readable().await.unwrap();
    }
    let page = open.get("/");
    let (head, _) = tokio::time::timeout(Duration::from_secs(5), page)
        .await
        .unwrap();
    assert_eq!(status(&head), 200);
}
