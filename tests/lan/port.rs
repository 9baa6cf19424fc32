//! A port that another program has when the box starts.

use super::PORT;
use super::control::Control;
use super::demo::PATIENCE;
use super::discovery::{Seeker, UNICAST, anything};
use super::home::Home;
use super::network::{BOX, BOX_6, CLIENT, CLIENT_6, FIRST, Lan};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// What is missing is tried again after so long.
const AGAIN: Duration = Duration::from_secs(30);

/// How long it takes until something holds.
#[track_caller]
fn until(holds: impl Fn() -> bool, longest: Duration) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < longest, "not after {longest:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    begun.elapsed()
}

#[test]
fn a_port_that_is_taken_at_the_start_is_had_later_and_the_rest_at_once() {
    let lan = Lan::new();
    let (searched, controlled) = lan.box_host.within(|| {
        let there = (Ipv4Addr::UNSPECIFIED, PORT);
        let searched = UdpSocket::bind(there).unwrap();
        (searched, TcpListener::bind(there).unwrap())
    });
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let found = || Seeker::at(CLIENT).is_answered(&anything(), UNICAST);
        let tells = || {
            home.text("/")
                .contains("another program on this machine has port 65001")
        };
        let over_v6 = SocketAddr::from((BOX_6, PORT));
        assert!(Seeker::at(CLIENT_6).is_answered(&anything(), over_v6));
        assert!(!found() && tells());
        drop(searched);
        // A network that has changed is a reason to try at once.
        lan.box_host.address(FIRST, "10.97.0.1/24");
        println!("found after {:?}", until(found, AGAIN / 3));
        assert!(tells(), "nobody can control it yet");
        drop(controlled);
        let controlled = || TcpStream::connect(UNICAST).is_ok();
        println!("controlled after {:?}", until(controlled, AGAIN + PATIENCE));
        assert!(Control::to(UNICAST).get("/sys/model").is_ok());
        assert!(!tells());
        let said = home.words();
        for protocol in ["UDP 0.0.0.0", "TCP [::]"] {
            let about = said
                .lines()
                .filter(|line| line.contains(&format!("{protocol}:65001")));
            assert_eq!(about.count(), 1, "told once:\n{said}");
        }
        home.stop();
    });
}

/// libhdhomerun says at 5004 that it takes a stream, wherever the door for streams is.
#[test]
fn keep_alives_are_heard_at_5004_and_at_the_door_whatever_bindv6only_is() {
    let lan = Lan::new();
    lan.box_host
        .within(|| std::fs::write("/proc/sys/net/ipv6/bindv6only", "1").unwrap());
    lan.client.within(|| {
        let home = Home::streaming_at(&lan, 5_005);
        let mut control = Control::to(UNICAST);
        let sockets = [5_004, 5_005].map(|port| (UdpSocket::bind((CLIENT, 0)).unwrap(), port));
        for (index, (socket, _)) in sockets.iter().enumerate() {
            let target = format!("udp://{}", socket.local_addr().unwrap());
            for (name, value) in [("vchannel", "1984"), ("target", &target)] {
                let set = control.set(&format!("/tuner{index}/{name}"), value, None);
                assert_eq!(set.as_deref(), Ok(value), "{name}");
            }
        }
        let begun = Instant::now();
        while begun.elapsed() < AGAIN + PATIENCE / 2 {
            for (socket, port) in &sockets {
                socket.send_to(&[0; 4], (BOX, *port)).unwrap();
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        for (index, (_, port)) in sockets.iter().enumerate() {
            let target = control.get(&format!("/tuner{index}/target")).unwrap();
            assert_ne!(target, "none", "kept alive at {port}");
        }
        home.stop();
    });
}
