//! UDP 65001, frame by frame, as the reference's §1.3 and §1.4 have them.

use super::frame::{self, Frame};
use super::home::Home;
use super::network::{BOX, BOX_6, CLIENT, CLIENT_6, FIRST, Lan};
use super::replay::reset;
use super::{PORT, demo::PATIENCE, http};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long nothing has to come before nobody answers. An answer takes less than a millisecond.
const SILENCE: Duration = Duration::from_millis(500);

/// Somebody who looks for devices, from an address of the client.
pub(crate) struct Seeker {
    socket: UdpSocket,
}

impl Seeker {
    pub(crate) fn at(address: impl Into<IpAddr>) -> Self {
        let socket = UdpSocket::bind((address.into(), 0)).unwrap();
        socket.set_broadcast(true).unwrap();
        Self { socket }
    }

    /// Sends this and nothing more.
    pub(crate) fn send(&self, bytes: &[u8], to: SocketAddr) {
        let sent = self.socket.send_to(bytes, to).unwrap();
        assert_eq!(sent, bytes.len());
    }

    /// The one answer to what is sent, which comes from the port that was asked.
    pub(crate) fn answer(&self, bytes: &[u8], to: SocketAddr) -> Frame {
        self.send(bytes, to);
        let answer = self.receive(PATIENCE).expect("an answer");
        assert!(self.receive(SILENCE).is_none(), "a second answer");
        let answer = Frame::read(&answer).unwrap();
        assert_eq!(answer.kind, frame::FOUND);
        answer
    }

    /// Whether there is any answer to what is sent.
    pub(crate) fn is_answered(&self, bytes: &[u8], to: SocketAddr) -> bool {
        self.send(bytes, to);
        self.receive(SILENCE).is_some()
    }

    fn receive(&self, patience: Duration) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 4096];
        self.socket.set_read_timeout(Some(patience)).unwrap();
        match self.socket.recv_from(&mut bytes) {
            Ok((length, from)) => {
                assert_eq!(from.port(), PORT, "{from}");
                bytes.truncate(length);
                Some(bytes)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) const BROADCAST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::BROADCAST), PORT);
pub(crate) const UNICAST: SocketAddr = SocketAddr::new(IpAddr::V4(BOX), PORT);

/// Asks for anything: the frame that most clients send.
pub(crate) fn anything() -> Vec<u8> {
    frame::discover(u32::MAX, u32::MAX)
}

/// Holds that an answer has everything, in the order of current hardware, with the URLs of `host`.
fn is_whole(answer: &Frame, home: &Home, hosts: &[String]) {
    let tags = answer.tags();
    let without: Vec<u8> = tags
        .iter()
        .copied()
        .filter(|tag| *tag != frame::TYPES)
        .collect();
    let order = [
        frame::TYPE,
        frame::ID,
        frame::AUTH,
        frame::BASE,
        frame::TUNERS,
        frame::LINEUP,
    ];
    assert_eq!(without, order);
    assert!(
        tags.len() == order.len() || tags[1] == frame::TYPES,
        "{tags:02x?}"
    );
    assert_eq!(answer.value(frame::TYPE), Some(&[0, 0, 0, 1][..]));
    assert_eq!(
        answer.value(frame::ID),
        Some(&home.id_number().to_be_bytes()[..])
    );
    let said = home.json("/discover.json");
    assert_eq!(answer.text(frame::AUTH), said["DeviceAuth"].as_str());
    assert_eq!(answer.text(frame::AUTH).unwrap().len(), 24);
    let count = u8::try_from(said["TunerCount"].as_u64().unwrap()).unwrap();
    assert_eq!(answer.value(frame::TUNERS), Some(&[count][..]));
    let (base, lineup) = (answer.text(frame::BASE), answer.text(frame::LINEUP));
    let good = hosts.iter().any(|host| {
        let root = format!("http://{host}:80");
        base == Some(&root) && lineup == Some(&format!("{root}/lineup.json"))
    });
    assert!(good, "{base:?} and {lineup:?}, not at {hosts:?}");
}

#[test]
fn every_client_s_question_is_answered_once_to_the_asker() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let id = home.id_number();
        let both = frame::frame(
            frame::DISCOVER,
            &[(frame::TYPES, &[0, 0, 0, 1, 0, 0, 0, 5])],
        );
        let any_type = frame::frame(frame::DISCOVER, &[(frame::TYPE, &[0xff; 4])]);
        let any_tuner = frame::frame(frame::DISCOVER, &[(frame::TYPE, &[0, 0, 0, 1])]);
        for question in [
            frame::bytes("0002000c0104ffffffff0204ffffffff73cc7d8f"),
            frame::bytes("0002000c0104000000010204ffffffff4e507f35"),
            frame::bytes("000200060104ffffffff4c20cb4e"),
            frame::bytes("00020006010400000001393077e7"),
            frame::bytes("0002000a2d0800000001000000054f63391f"),
            frame::discover(u32::MAX, id),
            frame::discover(1, id),
            both,
            any_type,
            any_tuner,
        ] {
            for to in [BROADCAST, UNICAST] {
                let answer = Seeker::at(CLIENT).answer(&question, to);
                is_whole(&answer, &home, &[BOX.to_string()]);
            }
        }
        // Who asks from the very port is answered there: casebeer's client does.
        let socket = UdpSocket::bind((CLIENT, PORT)).unwrap();
        let answer = Seeker { socket }.answer(&anything(), UNICAST);
        is_whole(&answer, &home, &[BOX.to_string()]);
        home.stop();
    });
}

#[test]
fn what_is_not_for_a_tuner_of_this_id_gets_no_answer() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let seeker = Seeker::at(CLIENT);
        let good = anything();
        let mut wrong_sum = good.clone();
        wrong_sum[16] ^= 1;
        let mut big_endian = good.clone();
        big_endian[16..].reverse();
        let id = home.id_number();
        let answer = frame::frame(frame::FOUND, &[(frame::TYPE, &[0, 0, 0, 1])]);
        let storage = frame::frame(frame::DISCOVER, &[(frame::TYPE, &[0, 0, 0, 5])]);
        let storages = frame::frame(
            frame::DISCOVER,
            &[(frame::TYPES, &[0, 0, 0, 5, 0, 0, 0, 5])],
        );
        for (why, bytes) in [
            ("a wrong CRC", wrong_sum),
            ("a CRC the wrong way round", big_endian),
            ("an answer", answer),
            ("another's id", frame::discover(u32::MAX, id ^ 0x11)),
            ("storage", storage),
            (
                "storage, with its tag of the reference",
                frame::bytes("0002000601040000000520f41ae0"),
            ),
            ("only storage among the types", storages),
            ("a question over TCP", frame::get("/sys/model")),
            ("nothing", Vec::new()),
        ] {
            for to in [BROADCAST, UNICAST] {
                assert!(!seeker.is_answered(&bytes, to), "{why}, to {to}");
            }
        }
        is_whole(&seeker.answer(&good, UNICAST), &home, &[BOX.to_string()]);
        home.stop();
    });
}

#[test]
fn broken_frames_are_survived_in_silence() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let seeker = Seeker::at(CLIENT);
        let good = anything();
        let mut broken: Vec<(String, Vec<u8>)> = (0..good.len())
            .map(|length| (format!("the first {length} bytes"), good[..length].to_vec()))
            .collect();
        let payload = &good[4..16];
        for says in [13, 1452, 1453, 0x7fff, 0xffff] {
            let what = format!("12 bytes that are said to be {says}");
            broken.push((what, frame::sealed(frame::DISCOVER, says, payload)));
        }
        for cut in [1, 3, 5, 7, 8, 11] {
            let what = format!("values that end after {cut} bytes");
            let bytes = frame::sealed(frame::DISCOVER, cut as u16, &payload[..cut]);
            broken.push((what, bytes));
        }
        for (what, payload) in [
            ("half a long length", &[1, 0x84][..]),
            (
                "a value longer than any frame",
                &[1, 0xff, 0xff, 0, 0, 0, 1],
            ),
            ("a type of three bytes", &[1, 3, 0, 0, 1]),
            ("an id of five bytes", &[2, 5, 0xff, 0xff, 0xff, 0xff, 0xff]),
            ("types of seven bytes", &[0x2d, 7, 0, 0, 0, 1, 0, 0, 0]),
        ] {
            let bytes = frame::sealed(frame::DISCOVER, payload.len() as u16, payload);
            broken.push((what.to_owned(), bytes));
        }
        for (what, bytes) in &broken {
            seeker.send(bytes, UNICAST);
            assert!(bytes.len() < 65_000, "{what}");
        }
        seeker.send(&vec![0xff; 60_000], UNICAST);
        assert!(
            seeker.receive(SILENCE).is_none(),
            "something broken was answered"
        );
        is_whole(&seeker.answer(&good, UNICAST), &home, &[BOX.to_string()]);
        home.stop();
    });
}

#[test]
fn it_is_found_over_ipv6_by_multicast_and_unicast() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let scope = nix::net::if_::if_nametoindex(FIRST).unwrap();
        let to =
            |address: Ipv6Addr, scope| SocketAddr::V6(SocketAddrV6::new(address, PORT, 0, scope));
        let link: Ipv6Addr = "ff02::176".parse().unwrap();
        let site: Ipv6Addr = "ff05::176".parse().unwrap();
        let question = frame::bytes("00020006010400000001393077e7");
        let own = [format!("[{BOX_6}]")];
        for (from, to) in [
            (CLIENT_6, to(site, scope)),
            (CLIENT_6, to(link, scope)),
            (CLIENT_6, to(BOX_6, 0)),
            // From here on the kernel takes the address of the link.
            (Ipv6Addr::UNSPECIFIED, to(link, scope)),
        ] {
            let answer = Seeker::at(from).answer(&question, to);
            is_whole(&answer, &home, &own);
        }
        for (number, url) in http::lineup(&format!("http://[{BOX_6}]:80/lineup.json"), &[]) {
            assert_eq!(url, format!("http://[{BOX_6}]:5004/auto/v{number}"));
            reset(http::tune(&url, &[]));
        }
        home.stop();
    });
}

/// Many addresses that ask all the time, and one that asks now and then.
#[test]
fn a_crowd_keeps_nobody_from_an_answer() {
    let lan = Lan::new();
    let crowd = 100..140;
    for last in crowd.clone() {
        lan.client.address(FIRST, &format!("10.99.0.{last}/24"));
    }
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let crowd: Vec<Seeker> = crowd
            .map(|last| Seeker::at(Ipv4Addr::new(10, 99, 0, last)))
            .collect();
        let stranger = Seeker::at(CLIENT);
        // Each asks ten times in a second.
        for _ in 0..30 {
            let begun = Instant::now();
            for one in &crowd {
                one.send(&anything(), UNICAST);
            }
            assert!(stranger.is_answered(&anything(), UNICAST));
            sleep(Duration::from_millis(100).saturating_sub(begun.elapsed()));
        }
        home.stop();
    });
}

/// Who asks from afar may have been made up: nothing goes to whom that names.
#[test]
fn who_is_not_on_the_link_gets_no_datagram() {
    let lan = Lan::new();
    let afar = Ipv4Addr::new(198, 51, 100, 7);
    let via = CLIENT.to_string();
    lan.box_host
        .ip(&["route", "add", "198.51.100.0/24", "via", &via]);
    lan.client.address("lo", "198.51.100.7/32");
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let socket = UdpSocket::bind((afar, 0)).unwrap();
        socket.set_read_timeout(Some(SILENCE)).unwrap();
        let search =
            b"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nMX: 0\r\nST: ssdp:all\r\n\r\n";
        for (question, port) in [(&search[..], 1900), (&anything(), PORT)] {
            socket.send_to(question, (BOX, port)).unwrap();
            assert!(socket.recv(&mut [0; 2_000]).is_err(), "port {port}");
            let near = UdpSocket::bind((CLIENT, 0)).unwrap();
            near.set_read_timeout(Some(PATIENCE)).unwrap();
            near.send_to(question, (BOX, port)).unwrap();
            assert!(near.recv(&mut [0; 2_000]).is_ok(), "port {port}");
        }
        // Where both sides say who they are, it does not matter.
        let page = http::exchange("GET", &format!("http://{BOX}:8411/discover.json"), &[]);
        assert_eq!(page.status, 200);
        home.stop();
    });
}

/// A neighbour whose address is a public one, as those of IPv6 are.
#[test]
fn a_neighbour_with_a_public_address_is_answered() {
    let lan = Lan::new();
    lan.box_host.address(FIRST, "2001:db8::1/64");
    for own in ["2001:db8::2/64", "2001:db8:1::2/64"] {
        lan.client.address(FIRST, own);
    }
    let via = [
        "-6",
        "route",
        "add",
        "2001:db8:1::/64",
        "via",
        "2001:db8::2",
    ];
    lan.box_host.ip(&via);
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let to = "[2001:db8::1]:65001".parse().unwrap();
        for (from, near) in [("2001:db8::2", true), ("2001:db8:1::2", false)] {
            let seeker = Seeker::at(from.parse::<Ipv6Addr>().unwrap());
            assert_eq!(seeker.is_answered(&anything(), to), near, "{from}");
        }
        home.stop();
    });
}
