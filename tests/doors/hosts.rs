//! Under which names and addresses the doors answer, and to whom they do not.

use crate::client::{rest, say, split, status, tune};
use crate::house::{Open, Stopped, catalog, network, on_air_behind};
use exstreamtv::clock::SystemClock;
use exstreamtv::http;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UnixStream};

/// Names under which somebody else may have led a browser here.
const NOT_OURS: [&str; 7] = [
    "evil.example",
    "evil.example:8411",
    "telly.evil.example",
    "exstreamtv.evil.example:80",
    "localhost.evil.example",
    "fritz.box",
    "user@telly",
];

/// A door of both families.
fn door() -> TcpListener {
    http::listen("[::]:0".parse().unwrap()).unwrap()
}

/// A house with one more door, and where that is.
async fn with_three_doors() -> (Open, SocketAddr) {
    let door = door();
    let port = door.local_addr().unwrap().port();
    let open = Open::behind(Some(door), catalog(), 2, Arc::new(Stopped)).await;
    (open, SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
}

/// What is said to be where in an answer.
async fn base(door: SocketAddr, host: &str) -> String {
    let request = format!("GET /discover.json HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let (head, body) = split(&say(door, request.as_bytes()).await);
    assert_eq!(status(&head), 200, "{host}: {head}");
    let device: Value = serde_json::from_str(&body).unwrap();
    device["BaseURL"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_name_that_is_not_ours_gets_nothing_at_any_door() {
    let (open, usual) = with_three_doors().await;
    for door in [open.web, open.stream, usual] {
        for (at, host) in NOT_OURS.iter().enumerate() {
            let field = ["Host", "host", "HOST"][at % 3];
            for target in [
                "GET /",
                "GET /discover.json",
                "GET /iptv/xmltv.xml",
                "GET /api/media/1/picture",
                "GET /nothing",
                "POST /lineup.post?scan=start",
                "POST /api/sync",
                "DELETE /api/channels/1",
            ] {
                let request = format!("{target} HTTP/1.1\r\n{field}: {host}\r\n\r\n");
                let (head, body) = split(&say(door, request.as_bytes()).await);
                assert!(
                    head.starts_with("HTTP/1.1 421 Misdirected Request\r\n"),
                    "{host} {target}: {head}"
                );
                assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
                assert!(!head.contains("Access-Control"), "{head}");
                assert_eq!(
                    body,
                    format!(
                        "This box does not go by that name. Use http://{door}/ instead, or add \
                         the name to \"names\" in the configuration of the box.\n"
                    )
                );
            }
        }
    }
}

#[tokio::test]
async fn the_host_of_a_whole_url_counts_instead_of_the_header() {
    let open = Open::usual().await;
    for (target, host, code) in [
        ("http://evil.example/discover.json", "telly", 421),
        ("http://evil.example/auto/v7", "telly", 421),
        ("http://telly/discover.json", "evil.example", 200),
        ("http://telly/auto/v7", "evil.example", 404),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let (head, _) = split(&say(open.web, request.as_bytes()).await);
        assert_eq!(status(&head), code, "{target}: {head}");
    }
}

#[tokio::test]
async fn a_stream_for_somebody_else_is_refused_without_a_body_and_takes_no_tuner() {
    let (open, usual) = with_three_doors().await;
    for door in [open.web, open.stream, usual] {
        for target in [
            "GET /auto/v1984",
            "HEAD /auto/v1984",
            "GET /tuner1/v1984",
            "GET /auto/vfive",
            "GET /iptv/channel/1984.ts",
        ] {
            let request = format!("{target} HTTP/1.1\r\nHost: evil.example\r\n\r\n");
            let (head, body) = split(&say(door, request.as_bytes()).await);
            assert_eq!(status(&head), 421, "{target}: {head}");
            assert!(head.contains("Content-Length: 0\r\n"), "{head}");
            assert!(body.is_empty(), "{body}");
            assert_eq!(open.tuners_in_use(), 0);
        }
    }
}

#[tokio::test]
async fn head_of_what_is_for_somebody_else_has_no_body() {
    let open = Open::usual().await;
    let request = "HEAD / HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    let (head, body) = split(&say(open.web, request.as_bytes()).await);
    assert_eq!((status(&head), body.as_str()), (421, ""), "{head}");
    assert!(!head.contains("Content-Length: 0"), "{head}");
}

#[tokio::test]
async fn names_and_addresses_of_ours_are_used_in_urls() {
    let open = Open::usual().await;
    for (host, url) in [
        ("10.0.0.9", "http://10.0.0.9"),
        ("10.0.0.9:80", "http://10.0.0.9"),
        ("10.0.0.9:8411", "http://10.0.0.9:8411"),
        ("LocalHost:81", "http://localhost:81"),
        ("telly", "http://telly"),
        ("telly.fritz.box:81", "http://telly.fritz.box:81"),
        ("telly.local", "http://telly.local"),
        ("exstreamtv.local:8411", "http://exstreamtv.local:8411"),
        ("tv.example.org", "http://tv.example.org"),
    ] {
        for door in [open.web, open.stream] {
            assert_eq!(base(door, host).await, url, "{host}");
        }
    }
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_answered_but_not_repeated() {
    let open = Open::usual().await;
    let here = format!("http://{}", open.web);
    for host in ["10.0.0.8:8411", "[fd99::8]:8411", "[::1", "", "telly:0"] {
        assert_eq!(base(open.web, host).await, here, "{host}");
    }
    for request in [
        "GET /discover.json HTTP/1.0\r\n\r\n",
        "GET /discover.json HTTP/1.0\r\nHost: 203.0.113.1\r\n\r\n",
    ] {
        let (head, body) = split(&say(open.web, request.as_bytes()).await);
        assert_eq!(status(&head), 200);
        assert!(body.contains(&format!("\"BaseURL\":\"{here}\"")), "{body}");
    }
}

#[tokio::test]
async fn an_address_that_comes_later_is_believed_from_then_on() {
    let open = Open::usual().await;
    let here = format!("http://{}", open.web);
    assert_eq!(base(open.web, "10.7.0.1:8411").await, here);
    open.network_tx.send_replace(network("10.7.0.1"));
    assert_eq!(
        base(open.web, "10.7.0.1:8411").await,
        "http://10.7.0.1:8411"
    );
    assert_eq!(base(open.web, "10.0.0.9:8411").await, here);
}

#[tokio::test]
async fn the_control_socket_has_no_name() {
    let open = Open::usual().await;
    for host in NOT_OURS {
        let socket = open.folder.path().join("control.sock");
        let mut socket = UnixStream::connect(socket).await.unwrap();
        let request = format!("GET /discover.json HTTP/1.1\r\nHost: {host}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let (head, body) = split(&rest(&mut socket).await);
        assert_eq!(status(&head), 200, "{head}");
        assert!(body.contains(&format!("http://{}", open.web)), "{body}");
    }
}

#[tokio::test]
async fn a_door_of_both_families_takes_both_and_shows_ipv4_as_it_is() {
    let door = door();
    let port = door.local_addr().unwrap().port();
    let open = on_air_behind(Some(door), Arc::new(SystemClock)).await;
    for (ip, written) in [
        (IpAddr::V4(Ipv4Addr::LOCALHOST), "127.0.0.1"),
        (IpAddr::V6(Ipv6Addr::LOCALHOST), "[::1]"),
    ] {
        let door = SocketAddr::new(ip, port);
        let here = format!("http://{written}:{port}");
        // Named as it was reached, named by an address that is not ours, and not named.
        assert_eq!(base(door, &format!("{written}:{port}")).await, here);
        assert_eq!(base(door, "192.0.2.1").await, here);
        let request = b"GET /lineup.json HTTP/1.0\r\n\r\n";
        let (_, body) = split(&say(door, request).await);
        let stream = format!("http://{written}:{}/auto/v1984", open.stream.port());
        assert!(body.contains(&stream), "{body}");
        let (_viewer, head, _) = tune(door, "/auto/v1984").await;
        assert_eq!(status(&head), 200, "{head}");
        let busy = open.json("/status.json").await;
        assert_eq!(busy[0]["TargetIP"], ip.to_string());
        let viewer = open.tuners.status().remove(0).viewer.unwrap();
        // Who watches on this machine takes nothing of the network.
        assert_eq!((viewer.peer.ip(), viewer.bits_per_second), (ip, 0));
        drop(_viewer);
        open.in_use(0, std::time::Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_second_way_to_a_door_has_its_bounds_and_ends_with_it() {
    let (mut open, usual) = with_three_doors().await;
    let here = format!("http://{usual}");
    assert_eq!(base(usual, &usual.to_string()).await, here);
    assert_eq!(base(open.web, "10.0.0.9:80").await, "http://10.0.0.9");
    let mut idle = Vec::new();
    for at in 0..exstreamtv::limits::HTTP_CONNECTIONS {
        let door = [open.web, usual][at % 2];
        idle.push(tokio::net::TcpStream::connect(door).await.unwrap());
    }
    for door in [open.web, usual] {
        let (head, _) = split(&say(door, b"").await);
        assert_eq!(status(&head), 503, "{head}");
    }
    drop(idle);
    open.stopper.stop();
    while open.tasks.join_next().await.is_some() {}
    for door in [open.web, usual] {
        assert!(tokio::net::TcpStream::connect(door).await.is_err());
    }
}
