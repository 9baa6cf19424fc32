use super::serve_at;
use crate::clock::SystemClock;
use crate::discover::tests::{interface, network, presence};
use crate::shutdown::{self, Stopper};
use crate::system::network::{Network, Reach};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// The loopback, which tests announce on as if it were a LAN.
const LO: u32 = 1;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);

const UDN: &str = "uuid:0A1B2C3D-0000-4000-8000-00000000CAFE";

/// A box on the loopback, and a control point that listens to its group.
struct Bench {
    port: u16,
    network_tx: watch::Sender<Arc<Network>>,
    stopper: Stopper,
    running: JoinHandle<()>,
    control_point: UdpSocket,
}

fn lan(addresses: &[&str]) -> Arc<Network> {
    network(vec![interface(LO, Reach::Lan, addresses)])
}

fn group_socket(port: u16) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_nonblocking(true).unwrap();
    let at = SocketAddr::from((GROUP, port));
    socket.bind(&at.into()).unwrap();
    let lo = InterfaceIndexOrAddress::Index(LO);
    socket.join_multicast_v4_n(&GROUP, &lo).unwrap();
    UdpSocket::from_std(socket.into()).unwrap()
}

impl Bench {
    async fn start(web: &str, on: Arc<Network>) -> Self {
        let port = {
            let free = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            free.local_addr().unwrap().port()
        };
        let control_point = group_socket(port);
        let (presence, network_tx) = presence(web, Vec::new());
        network_tx.send_replace(on);
        let (stopper, shutdown) = shutdown::channel();
        let clock = Arc::new(SystemClock);
        let running = tokio::spawn(serve_at(port, presence, clock, shutdown));
        Self {
            port,
            network_tx,
            stopper,
            running,
            control_point,
        }
    }

    /// The next notice, for at most a second: kind, type and location.
    async fn notice(&self) -> Option<(String, String, Option<String>)> {
        let mut buffer = [0; 2_048];
        let text = loop {
            let heard = self.control_point.recv_from(&mut buffer);
            let (len, _) = timeout(Duration::from_secs(1), heard).await.ok()?.unwrap();
            let text = String::from_utf8(buffer[..len].to_vec()).unwrap();
            // It hears searches as well, which go to the same group.
            if !text.starts_with("M-SEARCH") {
                break text;
            }
        };
        assert!(text.starts_with("NOTIFY * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\n"));
        assert!(text.ends_with("\r\n\r\n"));
        let usn = header(&text, "USN").unwrap();
        assert!(usn.starts_with(UDN), "{usn}");
        Some((
            header(&text, "NTS").unwrap(),
            header(&text, "NT").unwrap(),
            header(&text, "Location"),
        ))
    }

    /// What is answered to a search within some time, and from where.
    async fn search(
        &self,
        st: &str,
        to: Ipv4Addr,
        patience: Duration,
    ) -> Vec<(String, SocketAddr)> {
        let asker = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let from = asker.local_addr().unwrap();
        socket2::SockRef::from(&asker)
            .set_multicast_if_v4(&Ipv4Addr::LOCALHOST)
            .unwrap();
        let text = format!(
            "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\
             MX: 1\r\nST: {st}\r\n\r\n"
        );
        asker
            .send_to(text.as_bytes(), (to, self.port))
            .await
            .unwrap();
        assert_eq!(asker.local_addr().unwrap(), from);
        let (mut answers, end) = (Vec::new(), Instant::now() + patience);
        let mut buffer = [0; 2_048];
        while let Ok(got) = timeout_at(end, asker.recv_from(&mut buffer)).await {
            let (len, from) = got.unwrap();
            let text = std::str::from_utf8(&buffer[..len]).unwrap();
            answers.push((text.to_owned(), from));
        }
        answers
    }
}

fn header(text: &str, name: &str) -> Option<String> {
    let mut lines = text.split("\r\n").filter_map(|line| line.split_once(": "));
    let found = lines.find(|(key, _)| *key == name);
    found.map(|(_, value)| value.to_owned())
}

#[tokio::test]
async fn a_search_on_an_interface_is_answered_with_its_address() {
    let bench = Bench::start("0.0.0.0:8411", lan(&["127.0.0.1"])).await;
    bench.notice().await.unwrap();
    for to in [GROUP, Ipv4Addr::LOCALHOST] {
        let answers = bench
            .search("ssdp:all", to, Duration::from_millis(1_500))
            .await;
        assert_eq!(answers.len(), 6, "{to}: {answers:?}");
        let mut targets = BTreeSet::new();
        for (text, from) in &answers {
            assert!(text.starts_with("HTTP/1.1 200 OK\r\nServer: "), "{text}");
            assert_eq!(
                header(text, "Location").unwrap(),
                "http://127.0.0.1:8411/device.xml"
            );
            assert_eq!(*from, SocketAddr::from((Ipv4Addr::LOCALHOST, bench.port)));
            targets.insert(header(text, "ST").unwrap());
        }
        let all = [
            "upnp:rootdevice",
            "urn:schemas-upnp-org:device:MediaServer:1",
            UDN,
        ];
        assert_eq!(targets, all.map(str::to_owned).into());
    }
    let other = "urn:schemas-upnp-org:device:MediaRenderer:1";
    let answers = bench.search(other, GROUP, Duration::from_secs(1)).await;
    assert_eq!(answers, []);
}

#[tokio::test]
async fn a_box_says_that_it_has_come_and_that_it_goes() {
    let bench = Bench::start("0.0.0.0:8411", lan(&["127.0.0.1"])).await;
    let mut heard = Vec::new();
    while heard.len() < 12 {
        heard.push(bench.notice().await.unwrap());
    }
    for (place, (nts, _, location)) in heard.iter().enumerate() {
        let alive = place >= 6;
        assert_eq!(nts, if alive { "ssdp:alive" } else { "ssdp:byebye" });
        let root = "http://127.0.0.1:8411/device.xml".to_owned();
        assert_eq!(*location, alive.then_some(root));
    }
    assert_eq!(bench.notice().await, None);

    let stopped = Instant::now();
    bench.stopper.stop();
    for _ in 0..6 {
        let (nts, ..) = bench.notice().await.unwrap();
        assert_eq!(nts, "ssdp:byebye");
    }
    bench.running.await.unwrap();
    assert!(stopped.elapsed() < Duration::from_millis(200));
}

#[tokio::test]
async fn a_box_follows_its_network() {
    let bench = Bench::start("0.0.0.0:8411", Arc::default()).await;
    assert_eq!(bench.notice().await, None);

    bench.network_tx.send_replace(lan(&["127.0.0.1"]));
    for _ in 0..12 {
        bench.notice().await.unwrap();
    }

    bench.network_tx.send_replace(lan(&["127.0.0.2"]));
    for _ in 0..6 {
        let (nts, _, location) = bench.notice().await.unwrap();
        assert_eq!(nts, "ssdp:alive");
        assert_eq!(location.unwrap(), "http://127.0.0.2:8411/device.xml");
    }

    bench.network_tx.send_replace(Arc::default());
    let answers = bench
        .search("ssdp:all", GROUP, Duration::from_secs(1))
        .await;
    assert_eq!(answers, []);
    bench.stopper.stop();
    assert_eq!(bench.notice().await, None);
}

#[tokio::test]
async fn where_no_door_is_open_nothing_is_said() {
    for (web, reach) in [
        ("127.0.0.9:8411", Reach::Lan),
        ("0.0.0.0:8411", Reach::Loopback),
        ("0.0.0.0:8411", Reach::Tunnel),
    ] {
        let on = network(vec![interface(LO, reach, &["127.0.0.1"])]);
        let bench = Bench::start(web, on).await;
        assert_eq!(bench.notice().await, None, "{web}");
        let to = Ipv4Addr::LOCALHOST;
        let asked = bench.search("ssdp:all", to, Duration::from_millis(900));
        assert_eq!(asked.await, [], "{web}");
    }
}

#[tokio::test]
async fn noise_and_floods_leave_the_box_answering() {
    let bench = Bench::start("0.0.0.0:8411", lan(&["127.0.0.1"])).await;
    bench.notice().await.unwrap();
    let noise = UdpSocket::bind("127.0.0.5:0").await.unwrap();
    let to = (Ipv4Addr::LOCALHOST, bench.port);
    for round in 0..2_000_u32 {
        let bytes = [u8::try_from(round % 251).unwrap(); 3_000];
        let len = usize::try_from(round).unwrap() + 1;
        noise.send_to(&bytes[..len.min(3_000)], to).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answers = bench
        .search("upnp:rootdevice", GROUP, Duration::from_secs(1))
        .await;
    assert_eq!(answers.len(), 2);
    assert!(!bench.running.is_finished());
}

#[test]
fn the_groups_are_those_of_upnp() {
    let groups = ["239.255.255.250", "ff02::c", "ff05::c"];
    let groups: Vec<IpAddr> = groups.iter().map(|group| group.parse().unwrap()).collect();
    assert_eq!(super::voice::GROUPS[..], groups);
}
