//! A house with all its doors open, and what it shows.

use crate::client::{rest, say, split};
use exstreamtv::catalog::{Catalog, Librarian};
use exstreamtv::clock::{Clock, SharedClock, SystemClock};
use exstreamtv::http::{self, Board, House};
use exstreamtv::media::{
    AudioCodec, AudioTrack, Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack,
};
use exstreamtv::model::{
    Channel, ChannelId, Device, DeviceId, Library, LibraryId, MediaItem, MediaItemId, Order,
    Origin, Part,
};
use exstreamtv::plex::{Linking, Servers};
use exstreamtv::schedule::{Lineup, Wishes};
use exstreamtv::shutdown::{self, Stopper};
use exstreamtv::store::Store;
use exstreamtv::system::network::{Interface, Network, Reach};
use exstreamtv::tuner::Tuners;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// 2026-01-02T03:04:05Z
pub(crate) const NOW_MS: i64 = 1_767_323_045_000;
pub(crate) const DATE: &str = "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n";

/// How long a house has been open.
pub(crate) const UP: Duration = Duration::from_millis(3_720_000);

/// A clock that stands still.
pub(crate) struct Stopped;

impl Clock for Stopped {
    fn epoch_ms(&self) -> i64 {
        NOW_MS
    }
}

/// A house with all its doors open.
pub(crate) struct Open {
    pub(crate) web: SocketAddr,
    pub(crate) stream: SocketAddr,
    pub(crate) tuners: Arc<Tuners>,
    pub(crate) librarian: Arc<Librarian>,
    pub(crate) servers: Arc<Servers>,
    pub(crate) linking: Arc<Linking>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) network_tx: watch::Sender<Arc<Network>>,
    pub(crate) board_tx: watch::Sender<Arc<Board>>,
    pub(crate) stopper: Stopper,
    pub(crate) tasks: JoinSet<()>,
}

impl Open {
    /// Two channels, two tuners, a clock that stands still.
    pub(crate) async fn usual() -> Self {
        Self::with(catalog(), 2, Arc::new(Stopped)).await
    }

    pub(crate) async fn with(catalog: Catalog, tuners: usize, clock: SharedClock) -> Self {
        Self::behind(None, catalog, tuners, clock).await
    }

    /// The same with one more door.
    pub(crate) async fn behind(
        usual: Option<TcpListener>,
        catalog: Catalog,
        tuners: usize,
        clock: SharedClock,
    ) -> Self {
        let lineup = Lineup::build(Arc::new(catalog), &Wishes::default());
        let (_, lineup_rx) = watch::channel(Arc::new(lineup));
        let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let control = UnixListener::bind(folder.path().join("control.sock")).unwrap();
        let tuners = Arc::new(Tuners::new(tuners, lineup_rx.clone(), Arc::clone(&clock)));
        // Nobody listens there.
        let servers = Servers::open(folder.path(), "telly").unwrap();
        let servers = Arc::new(servers.asking("http://127.0.0.1:9"));
        let (network_tx, network_rx) = watch::channel(network("10.0.0.9"));
        let (board_tx, board_rx) = watch::channel(Arc::default());
        let house = Arc::new(House {
            clock,
            device: Device {
                udn: "9E7F2A1C-53D4-4B0E-8A6F-1D2C3B4A5E6F".to_owned(),
                id: "1051234F".parse().unwrap_or(DeviceId::from_random(0x1234)),
                auth: "abcdefghijklmnopqrstuvwx".to_owned(),
                friendly_name: "Living <room>".to_owned(),
            },
            lineup_rx,
            tuners: Arc::clone(&tuners),
            twin_rx: watch::channel(None).1,
            taken_rx: watch::channel(None).1,
            notices_rx: watch::channel(Vec::new()).1,
            clips: None,
            takes_drives: false,
            unattended: false,
            librarian: librarian(folder.path()).await,
            plex: Arc::new(Linking::new(Arc::clone(&servers))),
            pictures: http::Gallery::new(),
            updates: http::Updates::new(None, None).unwrap(),
            up_since: tokio::time::Instant::now() - UP,
            web: web.local_addr().unwrap(),
            stream: stream.local_addr().unwrap(),
            network_rx,
            board_rx,
            host_name: "telly".to_owned(),
            names: vec!["tv.example.org".to_owned()],
            version: "0.1.0",
        });
        let (stopper, shutdown) = shutdown::channel();
        let mut tasks = JoinSet::new();
        let open = Self {
            web: house.web,
            stream: house.stream,
            tuners,
            librarian: Arc::clone(&house.librarian),
            servers,
            linking: Arc::clone(&house.plex),
            folder,
            network_tx,
            board_tx,
            stopper,
            tasks: JoinSet::new(),
        };
        tasks.spawn(http::serve_web(
            web,
            usual,
            Arc::clone(&house),
            shutdown.clone(),
        ));
        tasks.spawn(http::serve_stream(
            stream,
            Arc::clone(&house),
            shutdown.clone(),
        ));
        tasks.spawn(http::serve_control(control, house, shutdown));
        Self { tasks, ..open }
    }

    /// Gets a document at the web door: head and body.
    pub(crate) async fn get(&self, target: &str) -> (String, String) {
        self.ask(self.web, "GET", target, "").await
    }

    pub(crate) async fn ask(
        &self,
        door: SocketAddr,
        method: &str,
        target: &str,
        more: &str,
    ) -> (String, String) {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: 10.0.0.9:8411\r\n{more}\r\n");
        split(&say(door, request.as_bytes()).await)
    }

    pub(crate) async fn json(&self, target: &str) -> Value {
        let (head, body) = self.get(target).await;
        assert!(
            head.contains("application/json; charset=\"utf-8\""),
            "{head}"
        );
        serde_json::from_str(&body).unwrap()
    }

    /// The same at the control socket.
    pub(crate) async fn order(&self, method: &str, target: &str, body: &str) -> (String, String) {
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

    pub(crate) fn tuners_in_use(&self) -> usize {
        let status = self.tuners.status();
        status.iter().filter(|one| one.viewer.is_some()).count()
    }

    /// Waits until this many tuners are in use.
    pub(crate) async fn in_use(&self, count: usize, limit: Duration) {
        let begun = Instant::now();
        while self.tuners_in_use() != count {
            assert!(begun.elapsed() < limit, "{} in use", self.tuners_in_use());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// A machine with this address in the network of a home.
pub(crate) fn network(address: &str) -> Arc<Network> {
    let eth0 = Interface {
        name: "eth0".to_owned(),
        index: 2,
        reach: Reach::Lan,
        addresses: vec![address.parse().unwrap()],
        subnets: Vec::new(),
    };
    Arc::new(Network {
        interfaces: vec![eth0],
        domains: vec!["fritz.box".to_owned()],
    })
}

pub(crate) async fn librarian(folder: &Path) -> Arc<Librarian> {
    let store = Store::open(folder).await.unwrap();
    Arc::new(Librarian::open(store).await.unwrap())
}

pub(crate) fn catalog() -> Catalog {
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

pub(crate) fn channel(id: i64, number: &str, name: &str) -> Channel {
    Channel {
        id: ChannelId(id),
        number: number.parse().unwrap(),
        name: name.to_owned(),
        epoch_ms: NOW_MS - 1_500_000,
        order: Order::Listed,
        items: vec![MediaItemId(1), MediaItemId(2), MediaItemId(3)],
    }
}

pub(crate) fn item(id: i64, title: &str, year: Option<u16>, problem: Option<&str>) -> MediaItem {
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
        rating_key: None,
        about: None,
        missing_ms: None,
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
            ]
            .into(),
            problem: problem.map(str::to_owned),
        },
    }
}

/// A house whose clock goes, with one tuner.
pub(crate) async fn on_air() -> Open {
    on_air_by(Arc::new(SystemClock)).await
}

/// The same by another clock that goes.
pub(crate) async fn on_air_by(clock: SharedClock) -> Open {
    on_air_behind(None, clock).await
}

/// The same with one more door.
pub(crate) async fn on_air_behind(usual: Option<TcpListener>, clock: SharedClock) -> Open {
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
    Open::behind(usual, catalog, 1, clock).await
}
