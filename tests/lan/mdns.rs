//! Names on the LAN, as python-zeroconf sees them.

use super::home::Home;
use super::network::{BOX, CLIENT, Lan};
use super::{here, python};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Stdio;
use std::time::{Duration, Instant};

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

/// Sends responses with 30 addresses each of hosts that nobody asked for, good for ever, a thousand
/// in a second, and says how many names that were.
fn name_strangers(time: Duration) -> u32 {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 5353)).unwrap();
    socket.set_multicast_ttl_v4(255).unwrap();
    let (begun, mut number) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        let mut packet = vec![0, 0, 0x84, 0, 0, 0, 0, 30, 0, 0, 0, 0];
        for _ in 0..30 {
            number += 1;
            let name = format!("stranger{number:08}");
            packet.push(u8::try_from(name.len()).unwrap());
            packet.extend_from_slice(name.as_bytes());
            packet.extend_from_slice(b"\x05local\0\x00\x01\x00\x01\x00\xff\xff\xff\x00\x04");
            packet.extend_from_slice(&number.to_be_bytes());
        }
        let group = (Ipv4Addr::new(224, 0, 0, 251), 5353);
        socket.send_to(&packet, group).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    number
}

/// Whether the box answers within a second where it is.
fn is_found() -> bool {
    let socket = UdpSocket::bind((CLIENT, 0)).unwrap();
    let patience = Some(Duration::from_secs(1));
    socket.set_read_timeout(patience).unwrap();
    let question = b"\0\0\0\0\0\x01\0\0\0\0\0\0\x0aexstreamtv\x05local\0\0\x01\0\x01";
    let group = (Ipv4Addr::new(224, 0, 0, 251), 5353);
    socket.send_to(question, group).unwrap();
    let mut bytes = [0; 2_000];
    let answer = socket.recv(&mut bytes).map(|length| &bytes[..length]);
    answer.is_ok_and(|answer| answer.windows(4).any(|place| place == BOX.octets()))
}

#[test]
fn strangers_names_do_not_fill_the_memory() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        std::thread::sleep(Duration::from_secs(3));
        let (before, mut names) = (home.peak_kib(), 0);
        for round in 0..8 {
            names += name_strangers(Duration::from_secs(2));
            let more = home.peak_kib() - before;
            println!("{round}: {names} names, {more} KiB more");
        }
        println!("{}", home.words());
        let more = home.peak_kib() - before;
        // Without a bound it would be more than that at once, and never less.
        assert!(more < 30_000, "{more} KiB");
        let begun = Instant::now();
        while !is_found() {
            assert!(begun.elapsed() < Duration::from_secs(40), "it has gone");
        }
        println!("found again after {:?}", begun.elapsed());
        home.stop();
    });
}
