use super::{By, Lock, Plain, Wishes, find, ways};
use crate::plex::{
    Announced, Class, Connection, Identity, Ownership, Reach, Secret, Server, ServerEntry, Version,
};
use crate::tls::authority;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const MACHINE: &str = "0a1b2c3d";

fn entry(connections: Vec<Connection>) -> ServerEntry {
    ServerEntry {
        machine: MACHINE.to_owned(),
        name: "Attic".to_owned(),
        version: Version::default(),
        ownership: Ownership::Owned,
        token: Secret::new("sesame"),
        present: true,
        https_required: true,
        same_house: true,
        connections,
    }
}

fn connection(uri: &str, reach: Reach) -> Connection {
    Connection {
        uri: uri.to_owned(),
        address: "192.168.1.5".parse().ok(),
        port: 32_400,
        reach,
    }
}

fn identity() -> Identity {
    Identity::new("client-1", "Living room")
}

fn urls(entry: &ServerEntry, wishes: &Wishes) -> Vec<String> {
    ways(entry, wishes).into_iter().map(|way| way.url).collect()
}

#[test]
fn the_lan_comes_before_the_internet_and_tls_before_clear_text() {
    let mut entry = entry(vec![
        connection("https://r.example:8443", Reach::Relay),
        connection("https://1-2-3-4.aa.plex.direct:32400", Reach::Remote),
        connection("http://1.2.3.4:32400", Reach::Remote),
        connection("https://192-168-1-5.aa.plex.direct:32400", Reach::Local),
    ]);
    let mut wishes = Wishes {
        named: vec!["http://10.0.0.9:1".to_owned()],
        last_good: Some("http://192.168.1.5:32400".to_owned()),
        announced: vec![Announced {
            machine: MACHINE.to_owned(),
            name: "Attic".to_owned(),
            version: Version::default(),
            address: "192.168.1.6".parse().unwrap(),
            port: 32_400,
            host: Some("aa.plex.direct".to_owned()),
        }],
        plain: Plain::Lan,
    };
    let by_tls = [
        "http://10.0.0.9:1",
        "https://192-168-1-5.aa.plex.direct:32400",
        "https://192-168-1-6.aa.plex.direct:32400",
        "https://1-2-3-4.aa.plex.direct:32400",
        "https://r.example:8443",
    ];
    assert_eq!(urls(&entry, &wishes), by_tls);
    entry.https_required = false;
    let both = urls(&entry, &wishes);
    let plain: Vec<_> = both.iter().filter(|url| url.starts_with("http:")).collect();
    assert_eq!(
        plain,
        [
            "http://10.0.0.9:1",
            "http://192.168.1.5:32400",
            "http://192.168.1.6:32400",
            "http://127.0.0.1:32400"
        ]
    );
    wishes.plain = Plain::Never;
    assert_eq!(urls(&entry, &wishes), by_tls);
    let first = ways(&entry, &wishes)[0].rank;
    assert_eq!((first.by, first.lock), (By::Owner, Lock::Plain));
}

#[test]
fn a_local_address_of_another_house_is_not_tried() {
    let mut entry = entry(vec![
        connection("https://192-168-1-5.aa.plex.direct:32400", Reach::Local),
        connection("https://1-2-3-4.aa.plex.direct:32400", Reach::Remote),
    ]);
    entry.ownership = Ownership::Shared;
    assert_eq!(urls(&entry, &Wishes::default()).len(), 2);
    entry.same_house = false;
    assert_eq!(
        urls(&entry, &Wishes::default()),
        ["https://1-2-3-4.aa.plex.direct:32400"]
    );
}

/// A server that says it is `machine`, takes the token `sesame`, and counts the tokens it is sent.
struct Host {
    address: SocketAddr,
    tokens: Arc<AtomicUsize>,
}

impl Host {
    async fn start(machine: &'static str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tokens = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&tokens);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, counted) = (tls.clone(), Arc::clone(&counted));
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, machine, &counted).await;
                            }
                        }
                        None => answer(stream, machine, &counted).await,
                    }
                });
            }
        });
        Self { address, tokens }
    }

    fn tokens(&self) -> usize {
        self.tokens.load(Ordering::SeqCst)
    }

    fn direct(&self) -> String {
        format!("https://127-0-0-1.aa.plex.direct:{}", self.address.port())
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    machine: &str,
    tokens: &AtomicUsize,
) {
    let mut head = Vec::new();
    loop {
        let mut piece = [0; 4_096];
        let Ok(1..) = stream
            .read(&mut piece)
            .await
            .inspect(|count| head.extend(&piece[..*count]))
        else {
            return;
        };
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut head)).unwrap();
        let sent = text.to_lowercase().contains("x-plex-token: sesame");
        tokens.fetch_add(usize::from(sent), Ordering::SeqCst);
        let (status, body) = if sent || text.starts_with("GET /identity ") {
            let body = format!(
                r#"{{"MediaContainer":{{"machineIdentifier":"{machine}","friendlyName":"Attic","version":"1.43.2.1-x"}}}}"#
            );
            ("200 OK", body)
        } else {
            ("401 Unauthorized", "<html></html>".to_owned())
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn acceptor(authority: &authority::Authority, name: &str) -> Option<TlsAcceptor> {
    Some(TlsAcceptor::from(authority.server(name)))
}

#[tokio::test]
async fn a_plex_direct_name_is_dialled_by_its_address_and_checked_by_its_name() {
    let authority = authority::believed();
    let host = Host::start(MACHINE, acceptor(&authority, "*.aa.plex.direct")).await;
    let entry = entry(vec![connection(&host.direct(), Reach::Local)]);
    let server = find(&entry, &identity(), &Wishes::default()).await.unwrap();
    assert_eq!(
        (server.machine.as_str(), server.reach),
        (MACHINE, Reach::Local)
    );
    assert_eq!(server.base(), host.direct());
    assert_eq!(server.version.to_string(), "1.43.2.1");
    assert_eq!(host.tokens(), 1);
}

#[tokio::test]
async fn a_certificate_for_another_name_or_by_anybody_gets_no_token() {
    let authority = authority::believed();
    let stranger = authority::Authority::new();
    for acceptor in [
        acceptor(&authority, "*.bb.plex.direct"),
        acceptor(&stranger, "*.aa.plex.direct"),
    ] {
        let host = Host::start(MACHINE, acceptor).await;
        let entry = entry(vec![connection(&host.direct(), Reach::Local)]);
        let trouble = find(&entry, &identity(), &Wishes::default())
            .await
            .unwrap_err();
        assert_eq!(trouble.class, Class::Unreachable, "{trouble}");
        assert!(trouble.why.contains("certificate"), "{trouble}");
        assert_eq!(host.tokens(), 0);
    }
}

#[tokio::test]
async fn the_right_server_wins_over_a_wrong_one_that_is_nearer() {
    let wrong = Host::start("ffff", None).await;
    let right = Host::start(MACHINE, None).await;
    let mut wishes = Wishes {
        named: vec![format!("http://{}", wrong.address)],
        last_good: Some(format!("http://{}", right.address)),
        ..Wishes::default()
    };
    let mut entry = entry(Vec::new());
    entry.https_required = false;
    let server = find(&entry, &identity(), &wishes).await.unwrap();
    assert_eq!(server.base(), format!("http://{}", right.address));
    assert_eq!((wrong.tokens(), right.tokens()), (0, 1));
    wishes.last_good = None;
    let trouble = find(&entry, &identity(), &wishes).await.unwrap_err();
    assert_eq!(trouble.class, Class::WrongServer, "{trouble}");
    assert_eq!(wrong.tokens(), 0);
}

#[tokio::test]
async fn a_token_that_one_address_refuses_is_refused() {
    let host = Host::start(MACHINE, None).await;
    let url = format!("http://{}", host.address);
    let mut entry = entry(Vec::new());
    entry.token = Secret::new("open");
    let wishes = Wishes {
        named: vec![url.clone()],
        ..Wishes::default()
    };
    let trouble = find(&entry, &identity(), &wishes).await.unwrap_err();
    assert_eq!(trouble.class, Class::Auth, "{trouble}");
    let server = Server::at(&url, &Secret::new("sesame"), &identity())
        .await
        .unwrap();
    assert!(server.verify().await.is_ok());
}

#[tokio::test]
async fn where_nobody_answers_the_words_say_so() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let wishes = Wishes {
        named: vec![url],
        ..Wishes::default()
    };
    let trouble = find(&entry(Vec::new()), &identity(), &wishes)
        .await
        .unwrap_err();
    assert_eq!(trouble.class, Class::Unreachable);
    let words = trouble.to_string();
    assert!(words.contains("none of its 1 addresses answers"), "{words}");
    let nowhere = find(&entry(Vec::new()), &identity(), &Wishes::default()).await;
    assert!(nowhere.unwrap_err().why.contains("no address"));
}
