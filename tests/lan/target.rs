//! Streams that are sent to whoever controls the tuner, as datagrams: by hand. `hdhomerun_config save`
//! does the same in `tool`.

use super::control::Control;
use super::demo::PATIENCE;
use super::discovery::UNICAST;
use super::home::Home;
use super::network::{BOX, CLIENT, Lan};
use super::{PORT, ts_judge};
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::{Duration, Instant};

/// The key of a lock.
const KEY: u32 = 3_892_703_990;

/// Takes datagrams for so long, and says every second that it is there.
fn receive(socket: &UdpSocket, time: Duration) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    let mut bytes = [0; 2_000];
    let begun = Instant::now();
    let mut told = None;
    while begun.elapsed() < time {
        let second = begun.elapsed().as_secs();
        if told.replace(second) != Some(second) {
            socket.send_to(&KEY.to_be_bytes(), (BOX, 5004)).unwrap();
        }
        if let Ok(length) = socket.recv(&mut bytes) {
            datagrams.push(bytes[..length].to_vec());
        }
    }
    datagrams
}

#[test]
fn a_target_gets_the_stream_in_datagrams_until_it_is_none() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let mut control = Control::to(UNICAST);
        let socket = receiver();
        let own = socket.local_addr().unwrap();
        for scheme in ["udp", "rtp"] {
            let target = format!("{scheme}://{own}");
            for (name, value) in [
                ("lockkey", KEY.to_string()),
                ("vchannel", "1984.1".to_owned()),
                ("target", target.clone()),
            ] {
                let key = (name != "lockkey").then_some(KEY);
                let set = control.set(&format!("/tuner0/{name}"), &value, key);
                assert_eq!(set.as_ref(), Ok(&value), "{name}");
            }
            let datagrams = receive(&socket, Duration::from_secs(5));
            assert_eq!(control.get("/tuner0/target"), Ok(target));
            assert_eq!(home.busy_tuners(), 1);
            let status = control.get("/tuner0/status").unwrap();
            assert!(
                status.contains("seq=100") && !status.contains("pps=0"),
                "{status}"
            );
            let set = control.set("/tuner0/target", "none", Some(KEY));
            assert_eq!(set.as_deref(), Ok("none"));
            println!("{scheme}: free again after {:?}", home.until_free());
            let set = control.set("/tuner0/lockkey", "none", Some(KEY));
            assert_eq!(set.as_deref(), Ok("none"));
            // What was under way may still come; then it is quiet.
            let begun = Instant::now();
            while socket.recv(&mut [0; 2_000]).is_ok() {
                assert!(begun.elapsed() < PATIENCE, "it never ends");
            }
            let head = if scheme == "rtp" { 12 } else { 0 };
            for (at, datagram) in datagrams.iter().enumerate() {
                assert_eq!(datagram.len(), head + 7 * 188, "{scheme}");
                if head > 0 {
                    let number =
                        |at: usize| u16::from_be_bytes([datagrams[at][2], datagrams[at][3]]);
                    assert_eq!((datagram[0], datagram[1] & 0x7f), (0x80, 33));
                    assert_eq!(number(at), number(0).wrapping_add(at as u16));
                }
            }
            let stream: Vec<u8> = datagrams
                .iter()
                .flat_map(|one| one[head..].to_vec())
                .collect();
            let verdict = ts_judge::judge(&stream);
            println!(
                "{scheme}: {} datagrams, {:.1} s",
                datagrams.len(),
                verdict.facts.seconds
            );
            verdict.assert_clean();
            assert!(verdict.facts.seconds > 4.0);
        }
        home.stop();
    });
}

/// After so long without a word of its receiver a stream ends.
const SILENT: Duration = Duration::from_secs(30);

/// Where datagrams come.
fn receiver() -> UdpSocket {
    let socket = UdpSocket::bind((CLIENT, 0)).unwrap();
    let patience = Duration::from_millis(100);
    socket.set_read_timeout(Some(patience)).unwrap();
    socket
}

/// Has a tuner send 1984 to a socket; where that is.
fn aim(control: &mut Control, tuner: usize, scheme: &str, socket: &UdpSocket) -> String {
    let target = format!("{scheme}://{}", socket.local_addr().unwrap());
    for (name, value) in [("vchannel", "1984"), ("target", &target)] {
        let set = control.set(&format!("/tuner{tuner}/{name}"), value, None);
        assert_eq!(set.as_deref(), Ok(value), "{name}");
    }
    target
}

/// Takes what comes for so long, in silence.
fn take(socket: &UdpSocket, time: Duration) -> Vec<Vec<u8>> {
    let (mut all, mut bytes, begun) = (Vec::new(), [0; 2_000], Instant::now());
    while begun.elapsed() < time {
        if let Ok(length) = socket.recv(&mut bytes) {
            all.push(bytes[..length].to_vec());
        }
    }
    all
}

const SECOND: Duration = Duration::from_secs(1);

/// How a receiver is heard of.
#[derive(Debug, Clone, Copy)]
enum Word {
    /// It sends datagrams to where it is told to, as libhdhomerun does: at the port where another
    /// one's stream has ended before.
    Datagrams,
    /// Its machine asks for the status, as tvheadend does.
    Questions,
    /// Its machine keeps the connection on which it has asked for the stream, as Jellyfin does.
    Connection,
    /// In no way.
    None,
}

/// A stream for half a minute and a little more; whether it was sent until then.
fn lasts(word: Word) -> bool {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 2);
        let mut socket = receiver();
        let mut control = Some(Control::to(UNICAST));
        if let (Word::Datagrams, Some(control)) = (word, &mut control) {
            aim(control, 1, "udp", &socket);
            let at = socket.local_addr().unwrap();
            drop(std::mem::replace(&mut socket, receiver()));
            home.until_free();
            socket = UdpSocket::bind(at).unwrap();
            socket.set_read_timeout(Some(SECOND)).unwrap();
        }
        if let Some(control) = &mut control {
            aim(control, 0, "udp", &socket);
        }
        control = control.filter(|_| matches!(word, Word::Connection));
        let begun = Instant::now();
        while begun.elapsed() < SILENT + 3 * SECOND && home.busy_tuners() == 1 {
            match word {
                Word::Datagrams => drop(socket.send_to(&[0; 4], (BOX, 5004)).unwrap()),
                Word::Questions => drop(Control::to(UNICAST).get("/tuner0/status").unwrap()),
                Word::Connection | Word::None => {}
            }
            std::thread::sleep(SECOND / 2);
        }
        println!("{word:?}: {:?}", begun.elapsed());
        assert!(
            begun.elapsed() > SILENT - SECOND,
            "{word:?}: {:?}",
            begun.elapsed()
        );
        let busy = home.busy_tuners() == 1;
        let target = Control::to(UNICAST).get("/tuner0/target").unwrap();
        assert_eq!(busy, target != "none");
        drop(control);
        home.stop();
        busy
    })
}

#[test]
fn a_stream_goes_on_while_its_receiver_is_heard_of_in_any_way() {
    let words = [
        Word::Datagrams,
        Word::Questions,
        Word::Connection,
        Word::None,
    ];
    let lasted = std::thread::scope(|scope| {
        let cases = words.map(|word| scope.spawn(move || lasts(word)));
        cases.map(|case| case.join().unwrap())
    });
    assert_eq!(lasted, [true, true, true, false]);
}

#[test]
fn a_filter_that_changes_does_not_begin_the_stream_anew() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let mut control = Control::to(UNICAST);
        let socket = receiver();
        aim(&mut control, 0, "rtp", &socket);
        let mut all = take(&socket, 2 * SECOND);
        // The first sound has its own PID, as tvheadend takes one PID after the other.
        let filter = "0x0000-0x0000 0x0100-0x0100";
        let set = control.set("/tuner0/filter", filter, None);
        assert_eq!(set.as_deref(), Ok(filter));
        let filtered = take(&socket, 3 * SECOND);
        let (early, late) = filtered.split_at(filtered.len() / 2);
        all.extend(early.iter().chain(late).cloned());
        let pids = late.iter().flat_map(|one| one[12..].as_chunks::<188>().0);
        let mut pids = pids.map(|packet| u16::from_be_bytes([packet[1] & 0x1f, packet[2]]));
        assert!(!late.is_empty() && pids.all(|pid| matches!(pid, 0 | 0x100)));
        let numbers = all.iter().map(|one| u16::from_be_bytes([one[2], one[3]]));
        let numbers: Vec<u16> = numbers.collect();
        let is_next = |two: &[u16]| two[1] == two[0].wrapping_add(1);
        assert!(numbers.windows(2).all(is_next), "it began anew");
        home.stop();
    });
}

#[test]
fn a_tuner_sends_what_it_says_it_is_tuned_to() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let mut control = Control::to(UNICAST);
        let socket = receiver();
        let target = aim(&mut control, 0, "udp", &socket);
        // Nothing is there: the stream ends, and that is no error.
        let empty = "auto:605000000";
        assert_eq!(
            control.set("/tuner0/channel", empty, None).as_deref(),
            Ok(empty)
        );
        assert!(control.get("/tuner0/status").unwrap().contains("lock=none"));
        assert_eq!(home.busy_tuners(), 0);
        assert_eq!(control.get("/tuner0/target"), Ok(target));
        // And it goes on where something is.
        let full = "auto:57000000";
        assert_eq!(
            control.set("/tuner0/channel", full, None).as_deref(),
            Ok(full)
        );
        assert!(!take(&socket, SECOND).is_empty());
        // What cannot be leaves everything as it was.
        assert!(control.set("/tuner0/vchannel", "999", None).is_err());
        assert!(control.set("/tuner0/program", "x", None).is_err());
        assert_eq!(control.get("/tuner0/program").as_deref(), Ok("none"));
        assert_eq!(home.busy_tuners(), 1);
        home.stop();
    });
}

#[test]
fn nobody_else_turns_a_tuner_that_sends() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let mut control = Control::to(UNICAST);
        let socket = receiver();
        aim(&mut control, 0, "udp", &socket);
        let locked = format!("ERROR: resource locked by {CLIENT}");
        lan.box_host.within(|| {
            let mut other = Control::to(UNICAST);
            for (name, value) in [("vchannel", "1984.1"), ("target", "none"), ("lockkey", "7")] {
                let set = other.set(&format!("/tuner0/{name}"), value, None);
                assert_eq!(set.unwrap_err(), locked, "{name}");
            }
        });
        assert_eq!(home.busy_tuners(), 1);
        home.stop();
    });
}

#[test]
fn a_filter_ends_with_its_lock_and_with_its_channel() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let mut control = Control::to(UNICAST);
        let all = Ok("0x0000-0x1fff");
        control.set("/tuner0/filter", "0x0000", None).unwrap();
        control.set("/tuner0/vchannel", "1984.1", None).unwrap();
        assert_eq!(control.get("/tuner0/filter").as_deref(), all);
        control.set("/tuner0/lockkey", "77", None).unwrap();
        control.set("/tuner0/filter", "0x0000", Some(77)).unwrap();
        control.set("/tuner0/lockkey", "77", Some(77)).unwrap();
        assert_eq!(
            control.get("/tuner0/filter").as_deref(),
            Ok("0x0000-0x0000")
        );
        control.set("/tuner0/lockkey", "none", Some(77)).unwrap();
        assert_eq!(control.get("/tuner0/filter").as_deref(), all);
        home.stop();
    });
}

/// A host's own address of the link of IPv6, and the number of its interface.
fn of_the_link() -> (Ipv6Addr, u32) {
    let all = std::fs::read_to_string("/proc/thread-self/net/if_inet6").unwrap();
    let is_one = |line: &&str| line.starts_with("fe80") && line.ends_with("lan0");
    let mut words = all.lines().find(is_one).unwrap().split_whitespace();
    let address = u128::from_str_radix(words.next().unwrap(), 16).unwrap();
    let scope = u32::from_str_radix(words.next().unwrap(), 16).unwrap();
    (Ipv6Addr::from_bits(address), scope)
}

#[test]
fn a_target_on_the_link_of_ipv6_is_reached() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let ((own, scope), (there, _)) = (of_the_link(), lan.box_host.within(of_the_link));
        let socket = UdpSocket::bind(SocketAddrV6::new(own, 0, 0, scope)).unwrap();
        socket.set_read_timeout(Some(SECOND)).unwrap();
        let mut control = Control::to(SocketAddrV6::new(there, PORT, 0, scope).into());
        let target = format!("udp://[{own}]:{}", socket.local_addr().unwrap().port());
        control.set("/tuner0/vchannel", "1984", None).unwrap();
        assert_eq!(control.set("/tuner0/target", &target, None), Ok(target));
        assert!(!take(&socket, SECOND).is_empty());
        home.stop();
    });
}
