//! Tuning: refusals, tuners, and when a viewer has left.

use crate::client::{rest, say, status, tune};
use crate::house::{DATE, Open, on_air, on_air_by};
use exstreamtv::clock::{Clock, SystemClock};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn refusals_are_exactly_those_of_hardware() {
    let open = Open::usual().await;
    for (target, line, error) in [
        ("/auto/v7", "404 Not Found", "801 Unknown Channel"),
        ("/auto/vfive", "404 Not Found", "801 Unknown Channel"),
        ("/tuner1/ch1", "404 Not Found", "801 Unknown Channel"),
        ("/auto/ch605000000", "404 Not Found", "801 Unknown Channel"),
        ("/iptv/channel/x.ts", "404 Not Found", "801 Unknown Channel"),
        (
            "/auto/v1984?transcode=mobile",
            "503 Service Unavailable",
            "802 Unknown Transcode Profile",
        ),
        (
            "/tuner2/v1984",
            "503 Service Unavailable",
            "804 Tuner In Use",
        ),
    ] {
        let expected = format!(
            "HTTP/1.1 {line}\r\nServer: HDHomeRun/1.0\r\nConnection: close\r\n\
             Content-Length: 0\r\nCache-Control: no-cache\r\nAccess-Control-Allow-Origin: *\r\n\
             X-HDHomeRun-Error: {error}\r\n{DATE}\r\n"
        );
        for method in ["GET", "HEAD"] {
            let request = format!("{method} {target} HTTP/1.1\r\nHost: telly\r\n\r\n");
            let answer = say(open.stream, request.as_bytes()).await;
            assert_eq!(String::from_utf8_lossy(&answer), expected);
        }
    }
}

#[tokio::test]
async fn a_malformed_address_of_a_stream_is_refused_without_a_body() {
    let open = Open::usual().await;
    for target in [
        "/tunerx/v1984",
        "/tuner99999/v1984",
        "/auto/v1984?duration=soon",
    ] {
        let (head, body) = open.ask(open.stream, "GET", target, "").await;
        assert_eq!(
            (status(&head), body.as_str()),
            (400, ""),
            "{target}: {head}"
        );
        assert!(head.contains("Content-Length: 0\r\n"), "{head}");
    }
}

#[tokio::test]
async fn head_of_a_stream_takes_no_tuner() {
    let open = Open::usual().await;
    let (head, body) = open.ask(open.stream, "HEAD", "/tuner1/v1984.1", "").await;
    assert_eq!(
        head,
        format!(
            "HTTP/1.1 200 OK\r\nServer: HDHomeRun/1.0\r\nConnection: close\r\n\
             Content-Type: video/mpeg\r\nCache-Control: no-cache\r\n\
             Access-Control-Allow-Origin: *\r\nX-HDHomeRun-Resource: tuner1\r\n\
             transferMode.dlna.org: Streaming\r\n{DATE}"
        )
    );
    assert!(body.is_empty());
    assert_eq!(open.tuners_in_use(), 0);
}

#[tokio::test]
async fn a_stream_begins_with_packets_and_no_length() {
    let open = on_air().await;
    for target in [
        "/auto/v1984",
        "/tuner0/v1984.1?ClientID=7",
        "/iptv/channel/1984.ts",
    ] {
        let (socket, head, packets) = tune(open.stream, target).await;
        let (before, date) = head.split_once("Date: ").unwrap();
        assert!(date.ends_with(" GMT\r\n\r\n"), "{date}");
        assert_eq!(
            before,
            "HTTP/1.1 200 OK\r\nServer: HDHomeRun/1.0\r\nConnection: close\r\n\
             Content-Type: video/mpeg\r\nCache-Control: no-cache\r\n\
             Access-Control-Allow-Origin: *\r\nX-HDHomeRun-Resource: tuner0\r\n\
             transferMode.dlna.org: Streaming\r\n"
        );
        assert_eq!(packets.first(), Some(&0x47), "{target}");
        let busy = open.json("/status.json").await;
        assert_eq!(busy[0]["TargetIP"], "127.0.0.1");
        let place = 57_000_000 + 6_000_000 * u64::from(target.contains("1984.1"));
        assert_eq!(busy[0]["Frequency"], place, "{target}");
        assert!(open.get("/").await.1.contains("Tuner 0"));
        drop(socket);
        open.in_use(0, Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn one_more_than_there_are_tuners_is_refused_within_half_a_second() {
    let open = on_air().await;
    let (_first, head, _) = tune(open.stream, "/auto/v1984").await;
    assert_eq!(status(&head), 200);
    for (target, error) in [
        (
            "/auto/v1984",
            "X-HDHomeRun-Error: 805 All Tuners In Use\r\n",
        ),
        ("/tuner0/v1984", "X-HDHomeRun-Error: 804 Tuner In Use\r\n"),
    ] {
        let begun = Instant::now();
        let (_, head, body) = tune(open.stream, target).await;
        assert_eq!(status(&head), 503, "{head}");
        assert!(
            head.contains(error) && head.contains("Content-Length: 0\r\n"),
            "{head}"
        );
        assert!(body.is_empty());
        assert!(
            begun.elapsed() < Duration::from_millis(2_500),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test]
async fn a_tuner_is_handed_on_to_whoever_waits() {
    let open = on_air().await;
    let (first, ..) = tune(open.stream, "/auto/v1984").await;
    let second = tune(open.stream, "/auto/v1984");
    let leaves = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(first);
    };
    let ((_second, head, _), ()) = tokio::join!(second, leaves);
    assert_eq!(status(&head), 200, "{head}");
}

#[tokio::test]
async fn a_client_that_closes_its_side_has_left() {
    let open = on_air().await;
    let (mut socket, head, _) = tune(open.stream, "/auto/v1984").await;
    assert_eq!((status(&head), open.tuners_in_use()), (200, 1));
    socket.shutdown().await.unwrap();
    open.in_use(0, Duration::from_millis(100)).await;
}

#[tokio::test]
async fn bytes_behind_the_request_do_not_end_a_stream() {
    let open = on_air().await;
    let (mut socket, ..) = tune(open.stream, "/auto/v1984").await;
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(open.tuners_in_use(), 1);
    assert!(socket.read(&mut [0; 188]).await.unwrap() > 0);
}

#[tokio::test]
async fn a_duration_ends_the_stream_between_packets() {
    let open = on_air().await;
    let begun = Instant::now();
    let (mut socket, _, mut packets) = tune(open.stream, "/auto/v1984?duration=1").await;
    packets.extend(rest(&mut socket).await);
    let lasted = begun.elapsed();
    assert!(
        (Duration::from_millis(900)..Duration::from_secs(3)).contains(&lasted),
        "{lasted:?}"
    );
    assert!(
        packets.len() > 188 && packets.len().is_multiple_of(188),
        "{}",
        packets.len()
    );
    open.in_use(0, Duration::from_millis(100)).await;
}

#[tokio::test]
async fn stopping_ends_streams_and_doors() {
    let mut open = on_air().await;
    let (mut socket, head, mut packets) = tune(open.stream, "/auto/v1984").await;
    assert_eq!(status(&head), 200, "{head}");
    let begun = Instant::now();
    open.stopper.stop();
    packets.extend(rest(&mut socket).await);
    let ended = begun.elapsed();
    assert!(ended < Duration::from_secs(1), "{ended:?}");
    assert!(packets.len().is_multiple_of(188), "{}", packets.len());
    drop(socket);
    while open.tasks.join_next().await.is_some() {}
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert!(TcpStream::connect(open.stream).await.is_err());
}

/// A clock that fails once, a number of questions from now.
#[derive(Default)]
struct Failing(AtomicI64);

impl Clock for Failing {
    fn epoch_ms(&self) -> i64 {
        assert_ne!(self.0.fetch_sub(1, Ordering::SeqCst), 1, "the clock fails");
        SystemClock.epoch_ms()
    }
}

#[tokio::test]
async fn a_viewer_whose_task_fails_costs_no_tuner_and_nobody_else() {
    let clock = Arc::new(Failing::default());
    let open = on_air_by(clock.clone()).await;
    let mut fates = BTreeSet::new();
    for questions in 1..20 {
        clock.0.store(questions, Ordering::SeqCst);
        let mut socket = TcpStream::connect(open.stream).await.unwrap();
        let request = b"GET /auto/v1984 HTTP/1.1\r\nHost: telly\r\n\r\n";
        socket.write_all(request).await.unwrap();
        let answered = socket.read(&mut [0; 188]).await.unwrap_or(0) > 0;
        fates.insert(answered);
        drop(socket);
        open.in_use(0, Duration::from_secs(1)).await;
    }
    clock.0.store(0, Ordering::SeqCst);
    assert_eq!(
        fates,
        BTreeSet::from([false, true]),
        "some fail, some do not"
    );
    let (_socket, head, _) = tune(open.stream, "/auto/v1984").await;
    assert_eq!(status(&head), 200, "{head}");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_takes_nothing_is_let_go() {
    let open = on_air().await;
    let (_socket, head, _) = tune(open.stream, "/auto/v1984").await;
    assert_eq!((status(&head), open.tuners_in_use()), (200, 1));
    let begun = tokio::time::Instant::now();
    while open.tuners_in_use() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(900));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(
        begun.elapsed() > Duration::from_secs(29),
        "{:?}",
        begun.elapsed()
    );
}
