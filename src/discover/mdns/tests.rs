use super::records::{Names, Owned, Title, told_of};
use super::serve_at;
use crate::discover::tests::{interface, network, presence};
use crate::limits;
use crate::shutdown;
use crate::system::network::Reach;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

/// What listens to the group on the loopback.
fn neighbour() -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.set_nonblocking(true).unwrap();
    let at = SocketAddr::from((GROUP, 0));
    socket.bind(&at.into()).unwrap();
    let lo = InterfaceIndexOrAddress::Index(1);
    socket.join_multicast_v4_n(&GROUP, &lo).unwrap();
    UdpSocket::from_std(socket.into()).unwrap()
}

/// Whether an address record (RFC 1035 §3.4.1) of the loopback is told within some time, with this
/// time to live: class IN, which replaces what was known before (RFC 6762 §10.2).
async fn is_told(neighbour: &UdpSocket, ttl_s: u8) -> bool {
    let record = [0, 1, 0x80, 1, 0, 0, 0, ttl_s, 0, 4, 127, 0, 0, 1];
    let told = async {
        let mut buffer = [0; 9_000];
        loop {
            let len = neighbour.recv(&mut buffer).await.unwrap();
            let mut places = buffer[..len].windows(record.len());
            if places.any(|place| place == record) {
                assert!(
                    buffer[..len]
                        .windows(11)
                        .any(|place| place == b"\x0aexstreamtv")
                );
                return;
            }
        }
    };
    timeout(Duration::from_secs(4), told).await.is_ok()
}

#[tokio::test]
async fn the_box_is_told_where_it_is_announced_and_says_goodbye() {
    let neighbour = neighbour();
    let port = neighbour.local_addr().unwrap().port();
    let lan = network(vec![interface(1, Reach::Lan, &["127.0.0.1"])]);
    let (presence, network_tx) = presence("0.0.0.0:8411", Vec::new());
    let (stopper, shutdown) = shutdown::channel();
    let running = tokio::spawn(serve_at(port, presence, shutdown));

    network_tx.send_replace(Arc::clone(&lan));
    assert!(is_told(&neighbour, 120).await);
    network_tx.send_replace(Arc::default());
    assert!(is_told(&neighbour, 0).await);

    network_tx.send_replace(lan);
    assert!(is_told(&neighbour, 120).await);
    stopper.stop();
    assert!(is_told(&neighbour, 0).await);
    running.await.unwrap();
}

#[tokio::test]
async fn a_box_that_is_announced_nowhere_is_silent() {
    let neighbour = neighbour();
    let port = neighbour.local_addr().unwrap().port();
    let own = vec![interface(1, Reach::Loopback, &["127.0.0.1"])];
    let (presence, _network_tx) = presence("0.0.0.0:8411", own);
    let (stopper, shutdown) = shutdown::channel();
    let running = tokio::spawn(serve_at(port, presence, shutdown));
    let mut buffer = [0; 64];
    let heard = timeout(Duration::from_secs(2), neighbour.recv(&mut buffer));
    assert!(heard.await.is_err());
    stopper.stop();
    running.await.unwrap();
}

#[test]
fn an_address_of_the_link_is_told_where_there_is_no_other() {
    for (has, told) in [
        (
            &["10.0.0.5", "fe80::5", "fd00::5"][..],
            &["10.0.0.5", "fd00::5"][..],
        ),
        (&["fe80::5"], &["fe80::5"]),
    ] {
        let interface = interface(2, Reach::Lan, has);
        let is: Vec<_> = told_of(&interface).map(|one| one.to_string()).collect();
        assert_eq!(is, told);
    }
}

#[test]
fn the_page_is_told_at_the_usual_door_where_that_is_open() {
    let (mut presence, _) = presence("0.0.0.0:8411", Vec::new());
    assert_eq!(Title::new(&presence).port, 8411);
    presence.usual = Some("0.0.0.0:80".parse().unwrap());
    assert_eq!(Title::new(&presence).port, 80);
}

#[test]
fn a_name_fits_a_label_and_ends_with_the_number() {
    let (mut presence, _) = presence("0.0.0.0:8411", Vec::new());
    let id = presence.device.id.to_string();
    let label = |names: &Names| {
        let wire = names.owned(Owned::Page).wire().to_vec();
        String::from_utf8(wire[1..=usize::from(wire[0])].to_vec()).unwrap()
    };
    let names = Names::new(Title::new(&presence));
    assert_eq!(label(&names), format!("Attic & Co {id}"));
    for name in ["ü".repeat(40), "x".repeat(63), "a.b\\c._tcp ".repeat(20)] {
        presence.device.friendly_name = name;
        let names = Names::new(Title::new(&presence));
        assert!(label(&names).ends_with(&id));
        let next = names.after(Owned::Page);
        assert!(label(&next).ends_with(&format!("{id} (2)")));
        assert!(label(&next).len() <= limits::DNS_LABEL_BYTES);
    }
}
