use super::{Answer, Ask, Patience, Peer, Query, Wire, address};
use crate::plex::{Class, Identity, Result, Secret};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that answers every request in the same way, and closes.
struct Host {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Host {
    async fn start(answer: impl Into<Vec<u8>>) -> Self {
        Self::answering(answer, Duration::ZERO).await
    }

    async fn answering(answer: impl Into<Vec<u8>>, after: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (Arc::clone(&asked), answer.into());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else {
                        break;
                    };
                    head.push(byte);
                }
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(after).await;
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { address, asked }
    }

    fn wire(&self) -> Wire {
        let base = format!("http://{}", self.address);
        let identity = Identity::new("client-1", "Living room");
        let wire = Wire::new(&base, Peer::Server, &identity, None).unwrap();
        wire.with(&Secret::new("sesame"))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn ask(&self) -> Result<Answer> {
        self.wire()
            .ask(&Ask::small("/it?a=b", Patience::LOOK))
            .await
    }
}

fn redirection(to: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn no_token_follows_a_redirection_to_another_host() {
    let other = Host::start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let first = Host::start(redirection(&format!("http://{}/it", other.address))).await;
    let trouble = first.ask().await.map(|_| ()).unwrap_err();
    assert_eq!(trouble.class, Class::Malformed);
    assert!(trouble.why.contains("gets no token"), "{trouble}");
    assert_eq!((first.asked(), other.asked()), (1, 0));
}

#[tokio::test]
async fn a_server_that_sends_us_round_and_round_is_left() {
    let host = Host::start(redirection("/it")).await;
    assert!(host.ask().await.is_err());
    assert_eq!(host.asked(), 1 + crate::limits::PLEX_REDIRECTS);
}

#[tokio::test]
async fn an_answer_is_taken_up_to_its_bound() {
    let body = "x".repeat(2_000);
    for head in ["Content-Length: 2000", "Connection: close"] {
        let host = Host::start(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")).await;
        let ask = async |most_bytes| {
            let ask = Ask {
                most_bytes,
                ..Ask::list("/it")
            };
            host.wire().ask(&ask).await
        };
        let trouble = ask(1_999).await.map(|_| ()).unwrap_err();
        assert_eq!(trouble.class, Class::Malformed);
        assert!(trouble.why.contains("1999 bytes"), "{trouble}");
        if head.starts_with("Content") {
            assert_eq!(ask(2_000).await.unwrap().body.len(), 2_000);
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let host = Host::start("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"a\":").await;
    let trouble = host.ask().await.map(|_| ()).unwrap_err();
    assert!(
        matches!(trouble.class, Class::Unreachable | Class::Malformed),
        "{trouble}"
    );
}

#[tokio::test]
async fn who_takes_too_long_is_busy() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let host = Host::answering(answer, Duration::from_secs(5)).await;
    let patience = Patience {
        begin_ms: 50,
        whole_ms: 5_000,
    };
    let wire = host.wire();
    let late = wire.ask(&Ask::small("/it", patience)).await;
    let trouble = late.map(|_| ()).unwrap_err();
    assert_eq!(trouble.class, Class::Busy, "{trouble}");
    assert_eq!(host.asked(), 1);
}

#[tokio::test]
async fn the_token_is_in_nothing_that_is_shown() {
    let host = Host::start("HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\nsesame").await;
    let trouble = host.ask().await.map(|_| ()).unwrap_err();
    let shown = format!("{:?} {trouble} {trouble:?}", host.wire());
    assert!(
        !shown.contains("sesame") && !shown.contains("a=b"),
        "{shown}"
    );
}

#[test]
fn a_query_is_escaped_to_the_last_letter() {
    let query = Query::default()
        .add("updatedAt>>", 17)
        .maybe("none", None::<u8>)
        .add("x", "a+b (c)/ä");
    let text = query.after("/library");
    assert_eq!(
        text,
        "/library?updatedAt%3E%3E=17&x=a%2Bb%20%28c%29%2F%C3%A4"
    );
}

#[test]
fn addresses_are_taken_as_people_write_them() {
    for (text, base) in [
        ("192.168.1.5:32400", "http://192.168.1.5:32400/"),
        (" http://nas:32400/ ", "http://nas:32400/"),
        ("https://tv.example/plex/", "https://tv.example/plex/"),
        ("[::1]:32400", "http://[::1]:32400/"),
    ] {
        assert_eq!(address(text).unwrap().as_str(), base);
    }
}

#[test]
fn an_address_with_a_secret_in_it_is_refused_without_saying_it() {
    for text in [
        "http://me:sesame@nas",
        "http://nas/?X-Plex-Token=sesame",
        "ftp://sesame",
        "http://",
        "",
    ] {
        let trouble = address(text).unwrap_err();
        assert!(!format!("{trouble} {trouble:?}").contains("sesame"));
    }
}
