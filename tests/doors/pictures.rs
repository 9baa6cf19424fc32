//! Pictures of titles, which come from a Plex server through the box.

use crate::client::{rest, say, split, status};
use crate::house::Open;
use crate::linked::Linked;
use crate::plex::Class;
use exstreamtv::limits;
use exstreamtv::model::MediaItemId;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

impl Linked {
    fn address(&self, at: usize) -> String {
        format!("/api/media/{}/picture", self.items[at].id.0)
    }

    /// How often the server was asked for a picture.
    fn asked(&self) -> u64 {
        self.standin.counts().of(Class::Image)
    }

    async fn status(&self, target: &str) -> u16 {
        status(&self.open.get(target).await.0)
    }
}

/// The whole answer, as bytes.
async fn bytes(open: &Open, target: &str) -> (String, Vec<u8>) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: 10.0.0.9:8411\r\n\r\n");
    let answer = say(open.web, request.as_bytes()).await;
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = answer[at.unwrap() + 4..].to_vec();
    (split(&answer).0, body)
}

/// Width and height of a PNG (ISO/IEC 15948 §11.2.2).
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test]
async fn a_picture_comes_through_the_box_and_is_kept() {
    let linked = Linked::new().await;
    let (head, body) = bytes(&linked.open, &linked.address(0)).await;
    assert_eq!(status(&head), 200);
    for field in [
        "Content-Type: image/png\r\n",
        "Cache-Control: public, max-age=86400\r\n",
        "X-Content-Type-Options: nosniff\r\n",
    ] {
        assert!(head.contains(field), "{head}");
    }
    assert_eq!(size(&body), (480, 720));
    let again = bytes(&linked.open, &linked.address(0)).await;
    assert_eq!(again, (head, body));
    assert_eq!(linked.asked(), 1);
    let small = format!("{}?width=120", linked.address(0));
    assert_eq!(size(&bytes(&linked.open, &small).await.1), (120, 180));
    assert_eq!(linked.asked(), 2);
    for width in ["121", "0", "-1", "1e3", "99999999999"] {
        let odd = format!("{}?width={width}", linked.address(0));
        assert_eq!(linked.status(&odd).await, 400, "{odd}");
    }
    assert_eq!(linked.asked(), 2);
    let asked = linked.standin.log();
    let images = asked.iter().filter(|one| one.class == Class::Image);
    for image in images {
        assert!(!image.target.contains("oken"), "{}", image.target);
    }
}

#[tokio::test]
async fn what_has_no_picture_is_404_and_asks_nobody() {
    let linked = Linked::new().await;
    let missing = MediaItemId(i64::MAX);
    for target in [
        format!("/api/media/{}/picture", missing.0),
        "/api/media/x/picture".to_owned(),
        "/api/media//picture".to_owned(),
        "/api/media/1/picture/".to_owned(),
    ] {
        assert_eq!(linked.status(&target).await, 404, "{target}");
    }
    assert_eq!(linked.asked(), 0);
    linked
        .standin
        .faults(|faults| faults.image_status = Some(404));
    for _ in 0..3 {
        assert_eq!(linked.status(&linked.address(0)).await, 404);
    }
    assert_eq!(linked.asked(), 1, "that there is none is kept");

    let folder = Open::usual().await;
    assert_eq!(status(&folder.get("/api/media/1/picture").await.0), 404);
}

#[tokio::test]
async fn many_who_want_one_picture_are_one_request() {
    let linked = Linked::new().await;
    linked.standin.faults(|faults| faults.image_delay_ms = 300);
    let target = linked.address(0);
    let asking = (0..12).map(|_| linked.open.get(&target));
    for (head, _) in futures_of(asking).await {
        assert_eq!(status(&head), 200);
    }
    assert_eq!(linked.asked(), 1);
}

#[tokio::test]
async fn one_who_leaves_does_not_take_the_picture_from_the_others() {
    let linked = Linked::new().await;
    linked
        .standin
        .faults(|faults| faults.image_delay_ms = 60_000);
    let request = format!("GET {} HTTP/1.0\r\n\r\n", linked.address(0));
    let ask = async || {
        let mut socket = TcpStream::connect(linked.open.web).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    };
    let first = ask().await;
    until(|| linked.asked() == 1).await;
    let mut second = ask().await;
    first.set_zero_linger().unwrap();
    drop(first);
    linked.standin.faults(|faults| faults.image_delay_ms = 0);
    let (head, _) = split(&rest(&mut second).await);
    assert_eq!(status(&head), 200);
    // What was begun is finished: one who leaves is not told from one who only ends its own side.
    assert_eq!(linked.asked(), 1);
}

#[tokio::test]
async fn few_pictures_are_asked_for_at_a_time_and_documents_do_not_wait_for_them() {
    let linked = Linked::new().await;
    linked
        .standin
        .faults(|faults| faults.image_delay_ms = 60_000);
    // More than there are permits for documents.
    let targets: Vec<_> = (0..limits::HTTP_DOCUMENTS + 4)
        .map(|at| linked.address(at))
        .collect();
    let (open, began) = (&linked.open, Instant::now());
    let asking = futures_of(targets.iter().map(|target| open.get(target)));
    let looking = async {
        let at_once = u64::try_from(limits::PICTURES_AT_ONCE).unwrap();
        until(|| linked.asked() == at_once).await;
        let asked_at = Instant::now();
        assert_eq!(linked.status("/discover.json").await, 200);
        assert!(asked_at.elapsed() < Duration::from_secs(3));
        assert_eq!(linked.asked(), at_once);
        linked.standin.faults(|faults| faults.image_delay_ms = 0);
    };
    let (answers, ()) = tokio::join!(asking, looking);
    for (head, _) in answers {
        assert_eq!(status(&head), 200, "after {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_503_and_is_left_alone_for_a_while() {
    let linked = Linked::new().await;
    assert_eq!(linked.status(&linked.address(0)).await, 200);
    linked.standin.go_down();
    let (head, body) = linked.open.get(&linked.address(1)).await;
    assert_eq!(status(&head), 503);
    assert!(head.contains("Retry-After: 30\r\n"), "{head}");
    for secret in [&linked.standin.url()[7..], &linked.standin.token()] {
        assert!(!body.contains(secret), "{body}");
    }
    assert_eq!(linked.status(&linked.address(0)).await, 200, "it is kept");
    linked.standin.come_up();
    linked.standin.reset_counts();
    for at in 1..20 {
        assert_eq!(linked.status(&linked.address(at)).await, 503);
    }
    assert_eq!(linked.standin.counts().requests(), 0);
}

#[tokio::test]
async fn a_dead_token_is_no_storm_and_does_not_close_the_way() {
    let linked = Linked::new().await;
    linked.standin.faults(|faults| faults.unauthorized = true);
    for at in 0..20 {
        assert_eq!(linked.status(&linked.address(at)).await, 503);
    }
    assert!(linked.standin.counts().requests() <= 2);
    assert_eq!(linked.open.servers.standings()[0].trouble, None);
}

#[tokio::test]
async fn what_is_no_picture_is_not_passed_on() {
    let linked = Linked::new().await;
    linked.standin.faults(|faults| faults.html = true);
    let (head, body) = linked.open.get(&linked.address(0)).await;
    assert_eq!(status(&head), 503);
    assert!(!body.contains('<'), "{body}");
}

#[tokio::test]
async fn a_server_that_hangs_costs_a_few_seconds() {
    let linked = Linked::new().await;
    linked
        .standin
        .faults(|faults| faults.image_delay_ms = 60_000);
    let began = Instant::now();
    assert_eq!(linked.status(&linked.address(0)).await, 503);
    assert!(began.elapsed() < Duration::from_millis(limits::PICTURE_MS + 3_000));
    // Neither this picture nor another one of that server is waited for now.
    for at in [0, 1] {
        let began = Instant::now();
        assert_eq!(linked.status(&linked.address(at)).await, 503);
        assert!(began.elapsed() < Duration::from_secs(3), "{at}");
    }
    assert_eq!(linked.asked(), 1);
}

#[tokio::test]
async fn who_waits_for_a_turn_has_the_whole_time_and_learns_what_happened_meanwhile() {
    let slow = Linked::new().await;
    slow.standin
        .faults(|faults| faults.image_delay_ms = limits::PICTURE_MS * 6 / 10);
    let hanging = Linked::new().await;
    hanging
        .standin
        .faults(|faults| faults.image_delay_ms = 60_000);
    let asked = async |linked: &Linked| {
        let targets: Vec<_> = (0..=limits::PICTURES_AT_ONCE)
            .map(|at| linked.address(at))
            .collect();
        let began = Instant::now();
        let asking = targets.iter().map(|target| linked.open.get(target));
        let answers = futures_of(asking).await.into_iter();
        let answers: Vec<_> = answers.map(|(head, _)| status(&head)).collect();
        (answers, linked.asked(), began.elapsed())
    };
    let (slow, hanging) = tokio::join!(asked(&slow), asked(&hanging));
    assert_eq!(slow.0, [200; limits::PICTURES_AT_ONCE + 1]);
    assert_eq!(hanging.0, [503; limits::PICTURES_AT_ONCE + 1]);
    assert_eq!(hanging.1, u64::try_from(limits::PICTURES_AT_ONCE).unwrap());
    assert!(hanging.2 < Duration::from_millis(limits::PICTURE_MS + 3_000));
}

#[tokio::test]
async fn nothing_that_is_read_holds_the_token_the_address_or_the_disk_of_the_server() {
    let linked = Linked::new().await;
    let page = linked.open.get("/").await.1;
    let media = linked.open.get("/api/media?limit=500").await.1;
    let guide = linked.open.get("/iptv/xmltv.xml").await.1;
    let channels = linked.open.get("/api/channels").await.1;
    let on_now = linked.open.json("/api/channels").await[0]["now"].clone();
    let picture = on_now["picture"].as_str().unwrap();
    assert!(page.contains(&format!("src=\"{picture}?width=120\"")));
    assert!(guide.contains(&format!("<icon src=\"http://10.0.0.9:8411{picture}\"/>")));
    for summary in ["\"summary\":\"", "\"genres\":[\"", "\"content_rating\":\""] {
        assert!(media.contains(summary), "{summary}");
    }
    let address = linked.standin.url();
    for (name, document) in [
        ("page", page),
        ("media", media),
        ("guide", guide),
        ("channels", channels),
    ] {
        for secret in [&linked.standin.token(), &address[7..], "/data/", "X-Plex"] {
            assert!(!document.contains(secret), "{name}: {secret}");
        }
    }
}

/// All of them side by side.
async fn futures_of<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (one, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = one.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

async fn until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
