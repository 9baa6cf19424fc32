//! Names on the LAN, as python-zeroconf sees them.

use super::home::Home;
use super::network::{BOX, CLIENT, Lan};
use super::viewer::Viewer;
use super::{here, python};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Whom everybody who speaks mDNS hears.
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);

#[test]
fn zeroconf_resolves_its_name_until_it_stops() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut command = lan.client.command(&python());
        command.arg(here("tests/lan/mdns.py"));
        command.args([&CLIENT.to_string(), "exstreamtv.local."]);
        let mut zeroconf = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(zeroconf.stdout.take().unwrap()).lines();
        let mut told =
            || -> Value { serde_json::from_str(&said.next().unwrap().unwrap()).unwrap() };
        let found = told();
        println!("{found:#}");
        assert_eq!(found["server"], "exstreamtv.local.");
        assert_eq!(found["port"], 80);
        assert_eq!(found["path"], "/");
        for addresses in [&found["host"], &found["service"]] {
            let addresses = addresses.as_array().unwrap();
            assert!(addresses.contains(&BOX.to_string().into()), "{found}");
            // None that the client could not reach.
            let reached = |address: &Value| {
                let address = address.as_str().unwrap();
                address == BOX.to_string() || address == "fd99::1" || address.starts_with("fe80:")
            };
            assert!(addresses.iter().all(reached), "{found}");
        }
        let name = found["names"][0].as_str().unwrap();
        assert!(name.contains(&home.id()), "{name}");
        home.stop();
        let stopped = Instant::now();
        assert_eq!(told()["gone"], true);
        // RFC 6762 §10.1: a goodbye takes effect a second later.
        println!("gone {:?} after the end", stopped.elapsed());
        assert!(stopped.elapsed() < Duration::from_secs(3));
        assert!(zeroconf.wait().unwrap().success());
    });
}

/// Responses with 30 addresses each of hosts that nobody asked for, good for ever, and questions with
/// as many answers that are known: each name is another one.
struct Strangers {
    number: u32,
}

impl Strangers {
    fn packet(&mut self) -> Vec<u8> {
        let mut packet = match self.number / 30 % 2 {
            0 => vec![0, 0, 0x84, 0, 0, 0, 0, 30, 0, 0, 0, 0],
            _ => {
                let mut asked = vec![0, 0, 0, 0, 0, 1, 0, 30, 0, 0, 0, 0];
                asked.extend_from_slice(b"\x0aexstreamtv\x05local\0\0\x01\0\x01");
                asked
            }
        };
        for _ in 0..30 {
            self.number += 1;
            let name = format!("stranger{:08}", self.number);
            packet.push(u8::try_from(name.len()).unwrap());
            packet.extend_from_slice(name.as_bytes());
            packet.extend_from_slice(b"\x05local\0\0\x01\0\x01\0\xff\xff\xff\0\x04");
            packet.extend_from_slice(&self.number.to_be_bytes());
        }
        packet
    }

    /// Sends them to everybody, as many as a thread can; how many that were.
    fn flood(time: Duration) -> u64 {
        let socket = UdpSocket::bind((CLIENT, 5353)).unwrap();
        socket.set_multicast_ttl_v4(255).unwrap();
        let mut strangers = Self { number: 0 };
        // Making one takes longer than sending it; the same name comes again after as many.
        let packets: Vec<_> = (0..20_000).map(|_| strangers.packet()).collect();
        let (begun, mut sent) = (Instant::now(), 0);
        for packet in packets.iter().cycle() {
            if begun.elapsed() >= time {
                break;
            }
            // What finds no room here is lost, as it would be further on.
            sent += u64::from(socket.send_to(packet, (GROUP, 5353)).is_ok());
        }
        sent
    }
}

/// Whether the box answers within a second where it is.
fn is_found() -> bool {
    let socket = UdpSocket::bind((CLIENT, 0)).unwrap();
    let patience = Some(Duration::from_secs(1));
    socket.set_read_timeout(patience).unwrap();
    let question = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x0aexstreamtv\x05local\0\0\x01\0\x01";
    socket.send_to(question, (GROUP, 5353)).unwrap();
    let mut bytes = [0; 2_000];
    let answer = socket.recv(&mut bytes).map(|length| &bytes[..length]);
    answer.is_ok_and(|answer| answer.windows(4).any(|place| place == BOX.octets()))
}

#[test]
fn a_flood_of_strangers_names_costs_neither_memory_nor_a_stream_a_packet() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut viewer = Viewer::tune(&format!("{BOX}:5004"), "1984");
        viewer.watch(Duration::from_secs(4));
        assert!(is_found());
        let before = home.peak_kib();
        let client = &lan.client;
        let sent = thread::scope(|scope| {
            let flooding =
                scope.spawn(move || client.within(|| Strangers::flood(Duration::from_secs(8))));
            viewer.watch(Duration::from_secs(9));
            flooding.join().unwrap()
        });
        // The kernel counts the peak for each processor by itself, and may tell a little less later.
        let more = home.peak_kib().saturating_sub(before);
        println!("{sent} packets in 8 s, {more} KiB more");
        assert!(sent > 40_000, "that was no flood");
        assert!(more < 2_048, "{more} KiB");
        let asked = Instant::now();
        assert!(is_found());
        println!("found after {:?}", asked.elapsed());
        let verdict = viewer.verdict();
        println!("{verdict}");
        verdict.assert_clean();
        println!("longest pause: {:?}", viewer.longest_pause());
        drop(viewer);
        home.stop();
    });
}

/// Another that has the box's name, and says so to whoever asks about it, until it is told to stop;
/// how often that was. (zeroconf gives no addresses to who asks for a name before it takes it.)
fn own_the_name(stop: &AtomicBool) -> u32 {
    const NAME: &[u8] = b"\x0aexstreamtv\x05local\0";
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    let at = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5353));
    socket.bind(&at.into()).unwrap();
    socket.join_multicast_v4(&GROUP, &CLIENT).unwrap();
    let socket = UdpSocket::from(socket);
    let patience = Some(Duration::from_millis(50));
    socket.set_read_timeout(patience).unwrap();
    let mut word = b"\0\0\x84\0\0\0\0\x01\0\0\0\0".to_vec();
    word.extend_from_slice(NAME);
    word.extend_from_slice(b"\0\x01\x80\x01\0\0\0\x78\0\x04");
    word.extend_from_slice(&CLIENT.octets());
    let (mut bytes, mut said) = ([0; 9_000], 0);
    while !stop.load(Ordering::Relaxed) {
        let Ok(length) = socket.recv(&mut bytes) else {
            continue;
        };
        let is_asked = bytes[2] & 0x80 == 0;
        if is_asked
            && bytes[..length]
                .windows(NAME.len())
                .any(|place| place == NAME)
        {
            socket.send_to(&word, (GROUP, 5353)).unwrap();
            said += 1;
        }
    }
    said
}

#[test]
fn where_another_has_its_name_it_is_the_next_one() {
    let lan = Lan::new();
    lan.client.within(|| {
        let (stop, client) = (&AtomicBool::new(false), &lan.client);
        thread::scope(|scope| {
            let owner = scope.spawn(move || client.within(|| own_the_name(stop)));
            let home = Home::demo(&lan);
            let mut command = client.command(&python());
            command.arg(here("tests/lan/mdns.py"));
            command.args([&CLIENT.to_string(), "exstreamtv-2.local."]);
            let mut zeroconf = command.stdout(Stdio::piped()).spawn().unwrap();
            let mut said = BufReader::new(zeroconf.stdout.take().unwrap()).lines();
            let found = said.next();
            stop.store(true, Ordering::Relaxed);
            assert!(owner.join().unwrap() > 0, "nobody asked for the name");
            let found: Value =
                serde_json::from_str(&found.expect("it is not found").unwrap()).unwrap();
            assert_eq!(found["server"], "exstreamtv-2.local.", "{found}");
            let addresses = found["host"].as_array().unwrap();
            assert!(addresses.contains(&BOX.to_string().into()), "{found}");
            let words = home.words();
            let told =
                "another box has the name exstreamtv.local, so this one is exstreamtv-2.local";
            assert!(words.contains(told), "{words}");

            let mut page = TcpStream::connect((BOX, 80)).unwrap();
            let asked = b"GET /discover.json HTTP/1.1\r\nHost: exstreamtv-2.local\r\n\r\n";
            page.write_all(asked).unwrap();
            let head = super::http::head(&mut page);
            assert_eq!(super::http::status(&head), 200, "{head}");
            home.stop();
            zeroconf.wait().unwrap();
        });
    });
}
