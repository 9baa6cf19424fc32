//! Streams that are sent to whoever controls the tuner, as datagrams (reference §2.5): by hand, as
//! tvheadend takes them. `hdhomerun_config save` does the same in `tool`.

use super::control::Control;
use super::demo::PATIENCE;
use super::discovery::UNICAST;
use super::home::Home;
use super::network::{BOX, CLIENT, Lan};
use super::ts_judge;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// What tvheadend sets as its key.
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
        let socket = UdpSocket::bind((CLIENT, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
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

#[test]
fn a_target_that_is_not_heard_of_any_more_is_given_up() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 2);
        let mut control = Control::to(UNICAST);
        let sockets = [(); 2].map(|()| UdpSocket::bind((CLIENT, 0)).unwrap());
        for (index, socket) in sockets.iter().enumerate() {
            let target = format!("udp://{}", socket.local_addr().unwrap());
            for (name, value) in [("vchannel", "1984"), ("target", &target)] {
                let set = control.set(&format!("/tuner{index}/{name}"), value, None);
                assert_eq!(set.as_deref(), Ok(value), "{name}");
            }
        }
        let begun = Instant::now();
        // One of them is heard of, the other one takes its packets in silence.
        while home.busy_tuners() == 2 {
            sockets[0].send_to(&[0; 4], (BOX, 5004)).unwrap();
            assert!(begun.elapsed() < SILENT + PATIENCE, "it goes on for ever");
            std::thread::sleep(Duration::from_millis(500));
        }
        let took = begun.elapsed();
        println!("given up after {took:?}");
        assert!(took > SILENT - Duration::from_secs(1), "{took:?}");
        assert_eq!(control.get("/tuner1/target").as_deref(), Ok("none"));
        assert_ne!(control.get("/tuner0/target").as_deref(), Ok("none"));
        home.stop();
    });
}
