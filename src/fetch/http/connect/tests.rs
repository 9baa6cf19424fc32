use crate::error::Failure;
use crate::fetch::Reader;
use crate::tls::authority;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Larger than what is looked at when it is opened, and than a record of TLS.
const FILE_BYTES: usize = 1 << 20;

fn byte(offset: usize) -> u8 {
    (offset * 7 / 3).to_le_bytes()[0]
}

/// A server of one file for whoever sends a token; it counts the tokens it was sent.
struct Host {
    address: SocketAddr,
    tokens: Arc<AtomicUsize>,
}

impl Host {
    async fn start(tls: TlsAcceptor) -> Self {
        Self::start_slow(tls, Duration::ZERO).await
    }

    /// One that takes so long until a connection is locked.
    async fn start_slow(tls: TlsAcceptor, wait: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tokens = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&tokens);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, counted) = (tls.clone(), Arc::clone(&counted));
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    serve(tls, stream, counted).await;
                });
            }
        });
        Self { address, tokens }
    }

    fn url(&self) -> String {
        let port = self.address.port();
        format!("https://127-0-0-1.aa.plex.direct:{port}/library/parts/1/2/file.mkv")
    }
}

async fn serve(tls: TlsAcceptor, stream: TcpStream, tokens: Arc<AtomicUsize>) {
    if let Ok(mut stream) = tls.accept(stream).await {
        while give(&mut stream, &tokens).await.is_some() {}
    }
}

/// Answers one request for a range; nothing once the client is gone.
async fn give(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    tokens: &AtomicUsize,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.contains("x-plex-token: sesame"), "{head}");
    assert!(head.contains("host: 127-0-0-1.aa.plex.direct:"), "{head}");
    tokens.fetch_add(1, Ordering::SeqCst);
    let range = head.split("range: bytes=").nth(1).unwrap();
    let (from, to) = range.lines().next().unwrap().split_once('-').unwrap();
    let from: usize = from.parse().unwrap();
    let to = to
        .parse::<usize>()
        .map_or(FILE_BYTES, |last| last + 1)
        .min(FILE_BYTES);
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{FILE_BYTES}\r\n\
         Content-Length: {}\r\n\r\n",
        to - 1,
        to - from
    );
    let body: Vec<u8> = (from..to).map(byte).collect();
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()
}

fn headers() -> [(String, String); 1] {
    [("X-Plex-Token".to_owned(), "sesame".to_owned())]
}

#[tokio::test]
async fn a_file_is_read_over_tls_by_the_address_in_its_server_s_name() {
    let authority = authority::believed();
    let host = Host::start(TlsAcceptor::from(authority.server("*.aa.plex.direct"))).await;
    let mut reader = Reader::http(&host.url(), &headers()).await.unwrap();
    assert_eq!(reader.len(), u64::try_from(FILE_BYTES).unwrap());
    for (offset, len) in [
        (0, 4_096),
        (900_000, 100_000),
        (300_000, 1),
        (1_000_000, 48_576),
    ] {
        let bytes = reader
            .read(u64::try_from(offset).unwrap(), len)
            .await
            .unwrap();
        let expected: Vec<u8> = (offset..offset + len).map(byte).collect();
        assert_eq!(bytes, expected, "{len} bytes at {offset}");
    }
}

/// What follows on the same connection is not waited for that long.
#[tokio::test]
async fn connecting_does_not_count_as_the_server_s_answer() {
    let authority = authority::believed();
    let tls = TlsAcceptor::from(authority.server("*.aa.plex.direct"));
    let wait = Duration::from_millis(400);
    let host = Host::start_slow(tls, wait).await;
    let begun = Instant::now();
    let reader = Reader::http(&host.url(), &headers()).await.unwrap();
    assert!(begun.elapsed() >= wait);
    let answer = reader.pace().unwrap().answers_after;
    assert!(answer < wait / 2, "{answer:?}");
}

#[tokio::test]
async fn a_certificate_that_is_not_believed_gets_no_request() {
    let authority = authority::believed();
    let stranger = authority::Authority::new();
    for server in [
        authority.server("*.bb.plex.direct"),
        authority.server("127.0.0.1"),
        stranger.server("*.aa.plex.direct"),
    ] {
        let host = Host::start(TlsAcceptor::from(server)).await;
        let error = Reader::http(&host.url(), &headers()).await.unwrap_err();
        assert_eq!(error.failure(), Failure::Connection);
        let words = error.to_string();
        assert!(
            words.contains("certificate") && !words.contains("sesame"),
            "{words}"
        );
        assert_eq!(host.tokens.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn what_speaks_no_tls_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let url = format!("https://127-0-0-1.aa.plex.direct:{port}/file.mkv");
    let error = Reader::http(&url, &headers()).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Connection);
    assert!(error.to_string().contains("cannot connect"), "{error}");
}
