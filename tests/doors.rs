//! The doors, from outside: raw clients on real sockets.

use exstreamtv::catalog::{Catalog, Librarian};
use exstreamtv::clock::{Clock, SharedClock, SystemClock};
use exstreamtv::http::{self, House};
use exstreamtv::media::{
    AudioCodec, AudioTrack, Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack,
};
use exstreamtv::model::{
    Channel, ChannelId, Device, DeviceId, Library, LibraryId, MediaItem, MediaItemId, Order,
    Origin, Part,
};
use exstreamtv::schedule::{Lineup, Wishes};
use exstreamtv::shutdown::{self, Stopper};
use exstreamtv::store::Store;
use exstreamtv::tuner::Tuners;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// 2026-01-02T03:04:05Z
const NOW_MS: i64 = 1_767_323_045_000;
const DATE: &str = "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n";

/// A clock that stands still.
struct Stopped;

impl Clock for Stopped {
    fn epoch_ms(&self) -> i64 {
        NOW_MS
    }
}

/// A house with all its doors open.
struct Open {
    web: SocketAddr,
    stream: SocketAddr,
    tuners: Arc<Tuners>,
    librarian: Arc<Librarian>,
    folder: tempfile::TempDir,
    stopper: Stopper,
    tasks: JoinSet<()>,
}

impl Open {
    /// Two channels, two tuners, a clock that stands still.
    async fn usual() -> Self {
        Self::with(catalog(), 2, Arc::new(Stopped)).await
    }

    async fn with(catalog: Catalog, tuners: usize, clock: SharedClock) -> Self {
        let lineup = Lineup::build(Arc::new(catalog), &Wishes::default());
        let (_, lineup_rx) = watch::channel(Arc::new(lineup));
        let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let control = UnixListener::bind(folder.path().join("control.sock")).unwrap();
        let tuners = Arc::new(Tuners::new(tuners, lineup_rx.clone(), Arc::clone(&clock)));
        let house = Arc::new(House {
            clock,
            device: Device {
                id: "1051234F".parse().unwrap_or(DeviceId::from_random(0x1234)),
                auth: "abcdefghijklmnopqrstuvwx".to_owned(),
                friendly_name: "Living <room>".to_owned(),
            },
            lineup_rx,
            tuners: Arc::clone(&tuners),
            librarian: librarian(folder.path()).await,
            started_ms: NOW_MS - 3_720_000,
            web: web.local_addr().unwrap(),
            stream: stream.local_addr().unwrap(),
            host_name: "telly".to_owned(),
            version: "0.1.0",
        });
        let (stopper, shutdown) = shutdown::channel();
        let mut tasks = JoinSet::new();
        let open = Self {
            web: house.web,
            stream: house.stream,
            tuners,
            librarian: Arc::clone(&house.librarian),
            folder,
            stopper,
            tasks: JoinSet::new(),
        };
        tasks.spawn(http::serve_web(web, Arc::clone(&house), shutdown.clone()));
        tasks.spawn(http::serve_stream(
            stream,
            Arc::clone(&house),
            shutdown.clone(),
        ));
        tasks.spawn(http::serve_control(control, house, shutdown));
        Self { tasks, ..open }
    }

    /// Gets a document at the web door: head and body.
    async fn get(&self, target: &str) -> (String, String) {
        self.ask(self.web, "GET", target, "").await
    }

    async fn ask(
        &self,
        door: SocketAddr,
        method: &str,
        target: &str,
        more: &str,
    ) -> (String, String) {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: 10.0.0.9:8411\r\n{more}\r\n");
        split(&say(door, request.as_bytes()).await)
    }

    async fn json(&self, target: &str) -> Value {
        let (head, body) = self.get(target).await;
        assert!(
            head.contains("application/json; charset=\"utf-8\""),
            "{head}"
        );
        serde_json::from_str(&body).unwrap()
    }

    /// The same at the control socket.
    async fn order(&self, method: &str, target: &str, body: &str) -> (String, String) {
        let mut socket = UnixStream::connect(self.folder.path().join("control.sock"))
            .await
            .unwrap();
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        split(&rest(&mut socket).await)
    }

    fn tuners_in_use(&self) -> usize {
        let status = self.tuners.status();
        status.iter().filter(|one| one.viewer.is_some()).count()
    }

    /// Waits until this many tuners are in use.
    async fn in_use(&self, count: usize, limit: Duration) {
        let begun = Instant::now();
        while self.tuners_in_use() != count {
            assert!(begun.elapsed() < limit, "{} in use", self.tuners_in_use());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn librarian(folder: &Path) -> Arc<Librarian> {
    let store = Store::open(folder).await.unwrap();
    Arc::new(Librarian::open(store).await.unwrap())
}

fn catalog() -> Catalog {
    let library = Library {
        id: LibraryId(1),
        name: "Films".to_owned(),
        origin: Origin::Folder {
            path: "/films".to_owned(),
        },
    };
    let items = vec![
        item(1, "<script>alert(1)</script>", Some(1927), None),
        item(2, "Second & last", None, None),
        item(3, "Broken", None, Some("it has no video track")),
    ];
    let channels = vec![
        channel(1, "1984", "Films & \"more\""),
        channel(2, "1984.1", "<b>Bold</b>"),
    ];
    Catalog::new(vec![library], items, channels)
}

fn channel(id: i64, number: &str, name: &str) -> Channel {
    Channel {
        id: ChannelId(id),
        number: number.parse().unwrap(),
        name: name.to_owned(),
        epoch_ms: NOW_MS - 1_500_000,
        order: Order::Listed,
        items: vec![MediaItemId(1), MediaItemId(2), MediaItemId(3)],
    }
}

fn item(id: i64, title: &str, year: Option<u16>, problem: Option<&str>) -> MediaItem {
    let track = |id, kind| Track {
        id: TrackId(id),
        kind,
        language: "eng".to_owned(),
        title: None,
        role: Role::Main,
        default: true,
    };
    let video = VideoTrack {
        codec: VideoCodec::H264,
        width: 1280,
        height: 720,
        frame_duration_90k: 3_600,
        bit_depth: 8,
        chroma_420: true,
    };
    let audio = AudioTrack {
        codec: AudioCodec::Aac,
        sample_rate: 48_000,
        channels: 2,
    };
    MediaItem {
        id: MediaItemId(id),
        library: LibraryId(1),
        title: title.to_owned(),
        year,
        episode: None,
        part: Part {
            // The file is gone: what is on air is the slate.
            path: format!("/nowhere/{id}.mp4"),
            size_bytes: 1_000,
            changed_ms: 0,
            container: Some(Container::Mp4),
            duration_ms: problem.is_none().then_some(3_000_000),
            tracks: vec![
                track(1, TrackKind::Video(video)),
                track(2, TrackKind::Audio(audio)),
            ],
            problem: problem.map(str::to_owned),
        },
    }
}

/// Sends bytes and reads until the box closes.
async fn say(door: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(door).await.unwrap();
    // The box may hang up on a flood before all of it is sent.
    let _ = socket.write_all(bytes).await;
    rest(&mut socket).await
}

async fn rest(socket: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(60), socket.read_to_end(&mut answer)).await;
    // A reset after the answer is no answer lost.
    let _ = read.expect("the box closes the connection");
    answer
}

fn split(answer: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    (format!("{head}\r\n"), body.to_owned())
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap_or("0").parse().unwrap_or(0)
}

/// Asks for a stream and reads its head and first packet.
async fn tune(door: SocketAddr, target: &str) -> (TcpStream, String, Vec<u8>) {
    let mut socket = TcpStream::connect(door).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reads = async {
        loop {
            if let Some(at) = answer.windows(4).position(|four| four == b"\r\n\r\n")
                && (answer.len() >= at + 4 + 188 || !answer.starts_with(b"HTTP/1.1 200"))
            {
                return at + 4;
            }
            if socket.read_buf(&mut answer).await.unwrap() == 0 {
                return answer.len();
            }
        }
    };
    let at = timeout(Duration::from_secs(10), reads).await.unwrap();
    let packets = answer.split_off(at);
    (socket, String::from_utf8(answer).unwrap(), packets)
}

// --- requests that are none ---

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
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"DELETE /api/channels/5 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", 400),
        (b"GET /auto/vfive HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /tunerx/v1984 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"POST /auto/v1984 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
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
    let (head, body) = split(&say(open.web, b"GET / HTTP/1.1\r\nHost: a\r\n").await);
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
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "A: b\r\n".repeat(200)
    );
    let long = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n",
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
    for byte in b"GET /lineup_status.json HTTP/1.1\r\nHost: a\r\n\r\n" {
        socket.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&split(&rest(&mut socket).await).0), 200);
}

#[tokio::test]
async fn of_requests_in_a_row_the_first_is_answered_whole() {
    let open = Open::usual().await;
    let one = "GET /lineup.json HTTP/1.1\r\nHost: a\r\n\r\n";
    let (head, body) = split(&say(open.web, one.repeat(20).as_bytes()).await);
    assert_eq!(status(&head), 200);
    let lineup: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(lineup.as_array().map(Vec::len), Some(2));
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

// --- documents ---

#[tokio::test]
async fn the_device_describes_itself_as_hardware_does() {
    let open = Open::usual().await;
    let (head, body) = open.get("/discover.json").await;
    assert_eq!(
        body,
        "{\"FriendlyName\":\"Living <room>\",\"ModelNumber\":\"HDHR5-4US\",\
         \"FirmwareName\":\"hdhomerun5_atsc\",\"FirmwareVersion\":\"20250815\",\
         \"DeviceID\":\"ID\",\"DeviceAuth\":\"abcdefghijklmnopqrstuvwx\",\
         \"BaseURL\":\"http://10.0.0.9:8411\",\
         \"LineupURL\":\"http://10.0.0.9:8411/lineup.json\",\"TunerCount\":2}"
            .replace(
                "ID\",\"DeviceAuth",
                &format!("{}\",\"DeviceAuth", DeviceId::from_random(0x1234))
            )
    );
    assert_eq!(
        head,
        format!(
            "HTTP/1.1 200 OK\r\nServer: HDHomeRun/1.0\r\nConnection: close\r\n\
             Content-Type: application/json; charset=\"utf-8\"\r\nContent-Length: {}\r\n\
             Cache-Control: no-cache\r\nAccess-Control-Allow-Origin: *\r\n{DATE}",
            body.len()
        )
    );
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let open = Open::usual().await;
    for target in [
        "/discover.json",
        "/lineup.xml",
        "/",
        "/iptv/xmltv.xml",
        "/api/health",
        "/no",
    ] {
        let (get, body) = open.get(target).await;
        let (head, nothing) = open.ask(open.web, "HEAD", target, "").await;
        assert_eq!(get, head, "{target}");
        assert!(!body.is_empty() && nothing.is_empty(), "{target}");
        assert!(!get.contains("chunked"), "{get}");
    }
}

#[tokio::test]
async fn http_1_0_without_a_host_gets_the_address_it_reached() {
    let open = Open::usual().await;
    let (head, body) = split(&say(open.web, b"GET /lineup.json HTTP/1.0\r\n\r\n").await);
    assert_eq!(status(&head), 200);
    let stream = format!("http://127.0.0.1:{}/auto/v1984", open.stream.port());
    assert!(body.contains(&stream), "{body}");
}

#[tokio::test]
async fn the_lineup_says_the_same_in_every_form() {
    let open = Open::usual().await;
    let port = open.stream.port();
    let url = format!("http://10.0.0.9:{port}/auto/v1984");
    let lineup = open.json("/lineup.json").await;
    assert_eq!(
        lineup,
        json!([
            {"GuideNumber": "1984", "GuideName": "Films & \"more\"", "VideoCodec": "H264",
             "AudioCodec": "AAC", "HD": 1, "URL": url},
            {"GuideNumber": "1984.1", "GuideName": "<b>Bold</b>", "VideoCodec": "H264",
             "AudioCodec": "AAC", "HD": 1, "URL": format!("{url}.1")},
        ])
    );
    assert_eq!(open.json("/lineup.json?show=demo").await, json!([]));
    assert_eq!(open.json("/lineup.json?show=found").await[1]["Enabled"], 1);
    assert_eq!(
        open.json("/lineup.json?tuning").await[0]["ProgramNumber"],
        1
    );
    assert_eq!(
        xml_texts(&open.get("/lineup.xml").await.1, "GuideName"),
        ["Films & \"more\"", "<b>Bold</b>"]
    );
    for list in ["/lineup.m3u", "/iptv/channels.m3u"] {
        let (head, body) = open.get(list).await;
        assert_eq!(status(&head), 200);
        assert!(body.starts_with("#EXTM3U"), "{body}");
        assert_eq!(
            body.lines()
                .filter(|line| line.starts_with("http://10.0.0.9:"))
                .count(),
            2
        );
    }
}

fn xml_texts(xml: &str, name: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut texts = Vec::new();
    let mut inside = false;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => return texts,
            quick_xml::events::Event::Start(tag) if tag.name().as_ref() == name => {
                inside = true;
                texts.push(String::new());
            }
            quick_xml::events::Event::End(_) => inside = false,
            quick_xml::events::Event::Text(text) if inside => {
                texts.last_mut().unwrap().push_str(&text);
            }
            quick_xml::events::Event::GeneralRef(name) if inside => {
                let sign = quick_xml::escape::resolve_predefined_entity(&name);
                texts.last_mut().unwrap().push_str(sign.unwrap());
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_scan_is_over_at_once() {
    let open = Open::usual().await;
    for (method, target, code) in [
        ("POST", "/lineup.post?scan=start&source=Antenna", 200),
        ("GET", "/lineup.post?scan=abort", 200),
        ("POST", "/lineup.post?favorite=+1984", 200),
        ("POST", "/lineup.post", 400),
    ] {
        let (head, body) = open.ask(open.web, method, target, "").await;
        assert_eq!(status(&head), code, "{target}");
        assert_eq!(body.is_empty(), code == 200, "{target}");
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", body.len())),
            "{head}"
        );
    }
    let idle = open.json("/lineup_status.json").await;
    assert_eq!(idle["ScanInProgress"], 0);
    assert_eq!(
        open.json("/status.json").await,
        json!([
            {"Resource": "tuner0"}, {"Resource": "tuner1"}
        ])
    );
}

#[tokio::test]
async fn both_doors_answer_both_kinds() {
    let open = Open::usual().await;
    let (head, _) = open.ask(open.stream, "GET", "/discover.json", "").await;
    assert_eq!(status(&head), 200);
    let (head, _) = open.ask(open.web, "GET", "/auto/v7", "").await;
    assert!(head.contains("801 Unknown Channel"), "{head}");
}

#[tokio::test]
async fn a_host_of_another_site_is_not_repeated() {
    let open = Open::usual().await;
    let request = b"GET /discover.json HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    let (_, body) = split(&say(open.web, request).await);
    assert!(body.contains(&format!("\"http://{}\"", open.web)), "{body}");
    assert!(!body.contains("evil"), "{body}");
}

#[tokio::test]
async fn the_guide_is_what_the_api_says() {
    let open = Open::usual().await;
    let (head, body) = open.get("/iptv/xmltv.xml").await;
    assert_eq!(status(&head), 200);
    assert!(!head.contains("Content-Length"), "{head}");
    assert!(body.trim_end().ends_with("</tv>"), "cut off");
    let channels = open.json("/api/channels").await;
    assert_eq!(channels[0]["number"], "1984");
    let (now, next) = (&channels[0]["now"], &channels[0]["next"]);
    assert_eq!(now["title"], "<script>alert(1)</script>");
    assert_eq!(now["subtitle"], "1927");
    assert_eq!(now["start_ms"], NOW_MS - 1_500_000);
    assert_eq!(next["title"], "Second & last");
    assert_eq!(next["start_ms"], now["end_ms"]);
    assert_eq!(channels[0]["left_out"][0]["title"], "Broken");
    assert_eq!(channels[0]["profile"]["video"], "h264");
    let titles = xml_texts(&body, "title");
    let at = titles
        .iter()
        .position(|title| title == "<script>alert(1)</script>")
        .unwrap();
    assert_eq!(titles[at + 1], "Second & last");
}

#[tokio::test]
async fn health_means_that_every_channel_can_be_tuned() {
    let well = Open::usual().await;
    let (head, body) = well.get("/api/health").await;
    assert_eq!(status(&head), 200, "{body}");
    assert!(!head.contains("Access-Control"), "{head}");
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["uptime_ms"], 3_720_000);

    let empty = Open::with(Catalog::default(), 1, Arc::new(Stopped)).await;
    let (head, body) = empty.get("/api/health").await;
    assert_eq!(status(&head), 503);
    assert!(body.contains("There is no channel yet."), "{body}");

    let mut dark = channel(1, "5", "Dark");
    dark.items = vec![MediaItemId(3)];
    let items = vec![item(3, "Broken", None, Some("it is empty"))];
    let catalog = Catalog::new(Vec::new(), items, vec![dark, channel(2, "6", "Gone")]);
    let dark = Open::with(catalog, 1, Arc::new(Stopped)).await;
    for target in ["/api/health", "/api/health/channels"] {
        let (head, body) = dark.get(target).await;
        assert_eq!(status(&head), 503);
        assert!(
            body.contains("Channel 5 (Dark) has nothing that can be shown."),
            "{body}"
        );
    }
    let (head, _) = dark.ask(dark.stream, "GET", "/auto/v5", "").await;
    assert!(
        head.contains("X-HDHomeRun-Error: 806 Tune Failed\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn media_comes_in_pages() {
    let open = Open::usual().await;
    let found = open.json("/api/media?search=second").await;
    assert_eq!(
        (&found["total"], &found["items"][0]["id"]),
        (&json!(1), &json!(2))
    );
    let page = open.json("/api/media?offset=1&limit=1").await;
    assert_eq!(
        (&page["total"], &page["items"][0]["id"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    let beyond = open
        .json("/api/media?offset=18446744073709551615&limit=999999999")
        .await;
    assert_eq!(beyond["items"], json!([]));
    assert_eq!(status(&open.get("/api/media?limit=-1").await.0), 400);
    let libraries = open.json("/api/libraries").await;
    assert_eq!(
        libraries,
        json!([
            {"id": 1, "name": "Films", "kind": "folder", "path": "/films", "items": 3, "playable": 2}
        ])
    );
}

// --- who may change things ---

#[tokio::test]
async fn nothing_can_be_changed_over_the_network() {
    let open = Open::usual().await;
    for target in [
        "/api/libraries",
        "/api/sync",
        "/api/channels",
        "/api/channels/suggestion",
    ] {
        let more = "Content-Length: 2\r\n\r\n{}";
        let (head, body) = open.ask(open.web, "POST", target, more).await;
        assert_eq!(status(&head), 403, "{target}: {head}");
        assert!(body.contains("control socket"), "{body}");
    }
    assert_eq!(status(&open.get("/api/channels/suggestion").await.0), 404);
}

#[tokio::test]
async fn the_control_socket_speaks_the_same_api() {
    let open = Open::usual().await;
    let (head, body) = open.order("GET", "/api/channels", "").await;
    assert_eq!(status(&head), 200);
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        open.json("/api/channels").await
    );
    let (head, _) = open.order("GET", "/api/channels/suggestion", "").await;
    assert_eq!(status(&head), 200);
    for (method, target, body, code) in [
        ("POST", "/api/libraries", "{", 400),
        (
            "POST",
            "/api/libraries",
            "{\"path\":\"/x\",\"colour\":1}",
            400,
        ),
        ("POST", "/api/channels", "{\"number\":\"x\"}", 400),
        ("DELETE", "/api/channels/x", "", 400),
        ("DELETE", "/api/channels/77", "", 404),
        ("POST", "/api/nothing", "", 404),
        ("GET", "/auto/v1984", "", 404),
    ] {
        let (head, words) = open.order(method, target, body).await;
        assert_eq!(status(&head), code, "{method} {target}: {words}");
    }
    let (head, _) = open
        .order("POST", "/api/libraries", &"x".repeat(70_000))
        .await;
    assert_eq!(status(&head), 400);
}

#[tokio::test]
async fn libraries_and_channels_are_added_at_the_control_socket() {
    let open = Open::usual().await;
    let videos = tempfile::tempdir().unwrap();
    std::fs::write(videos.path().join("Broken (1999).mp4"), "no video at all").unwrap();
    let wish = json!({ "kind": "folder", "path": videos.path(), "name": "Videos" }).to_string();
    let (head, body) = open.order("POST", "/api/libraries", &wish).await;
    assert_eq!(status(&head), 201, "{body}");
    let library: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(library["name"], "Videos");

    let (head, body) = open.order("POST", "/api/sync", "").await;
    assert!(head.contains("application/x-ndjson"), "{head}");
    let last: Value = serde_json::from_str(body.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["added"], &last["unplayable"]),
        (&json!(1), &json!(1)),
        "{body}"
    );
    assert_eq!(last["libraries"][0]["name"], "Videos");

    let channel = json!({
        "number": "7.1", "name": "New", "epoch_ms": 0, "order": "listed", "items": [1],
    });
    let (head, body) = open
        .order("POST", "/api/channels", &channel.to_string())
        .await;
    assert_eq!(status(&head), 201, "{body}");
    let (head, body) = open
        .order("POST", "/api/channels", &channel.to_string())
        .await;
    assert_eq!(status(&head), 400, "{body}");
    let catalog = open.librarian.catalog().borrow().clone();
    assert_eq!(catalog.channels()[0].number.to_string(), "7.1");
    let gone = "{\"path\":\"/nowhere/at/all\"}";
    let (head, _) = open.order("POST", "/api/libraries", gone).await;
    assert_eq!(status(&head), 400, "{head}");
}

// --- pages ---

#[tokio::test]
async fn the_page_shows_what_is_on_and_runs_nothing() {
    let open = Open::usual().await;
    let (head, body) = open.get("/").await;
    assert_eq!(status(&head), 200);
    assert!(
        head.contains("Content-Security-Policy: default-src 'none'"),
        "{head}"
    );
    assert!(
        head.contains("X-Content-Type-Options: nosniff\r\n"),
        "{head}"
    );
    assert!(head.contains("Referrer-Policy: no-referrer\r\n"), "{head}");
    for words in [
        "1984.1",
        "Second &#38; last",
        "value=\"500\"",
        "Nobody is watching",
        "Broken cannot be played: it has no video track",
        "http://10.0.0.9:8411/iptv/xmltv.xml",
    ] {
        assert!(body.contains(words), "{words}");
    }
    assert!(body.contains("&#60;script&#62;alert(1)"), "{body}");
    for forbidden in ["<script", "<b>Bold", "<room>", "onload", "javascript:"] {
        assert!(!body.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn an_empty_house_says_how_to_begin() {
    let open = Open::with(Catalog::default(), 1, Arc::new(Stopped)).await;
    let (_, body) = open.get("/").await;
    assert!(body.contains("exstreamtv library add folder"), "{body}");
}

#[tokio::test]
async fn people_get_a_page_for_what_is_missing_and_programs_get_words() {
    let open = Open::usual().await;
    let (head, body) = open
        .ask(open.web, "GET", "/%3Ci%3Eno", "Accept: text/html\r\n")
        .await;
    assert_eq!(status(&head), 404);
    assert!(
        body.contains("<!doctype html>") && !body.contains("<i>no"),
        "{body}"
    );
    let (head, body) = open.get("/no").await;
    assert_eq!(
        (status(&head), body.as_str()),
        (404, "There is nothing at this address.\n")
    );
}

// --- streams ---

#[tokio::test]
async fn refusals_are_exactly_those_of_hardware() {
    let open = Open::usual().await;
    for (target, line, error) in [
        ("/auto/v7", "404 Not Found", "801 Unknown Channel"),
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
            let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let answer = say(open.stream, request.as_bytes()).await;
            assert_eq!(String::from_utf8_lossy(&answer), expected);
        }
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

/// A house whose clock goes, with one tuner.
async fn on_air() -> Open {
    let mut catalog = catalog();
    let channels = catalog.channels().iter().map(|channel| {
        let mut channel = Channel::clone(channel);
        channel.epoch_ms = SystemClock.epoch_ms() - 60_000;
        channel
    });
    let items = catalog
        .items()
        .iter()
        .map(|item| MediaItem::clone(item))
        .collect();
    catalog = Catalog::new(catalog.libraries().to_vec(), items, channels.collect());
    Open::with(catalog, 1, Arc::new(SystemClock)).await
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
            begun.elapsed() < Duration::from_millis(800),
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
