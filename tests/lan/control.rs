//! TCP 65001, frame by frame, as the reference's §2 has it.

use super::PORT;
use super::demo::PATIENCE;
use super::discovery::UNICAST;
use super::frame::{self, Frame};
use super::home::Home;
use super::http::tune;
use super::network::{BOX, BOX_6, CLIENT, Lan};
use super::replay::reset;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection on which variables are asked for and set.
pub(crate) struct Control {
    socket: TcpStream,
}

impl Control {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// The next answer, in its bytes.
    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        self.socket.read_exact(&mut bytes).unwrap();
        bytes.resize(frame::length(&bytes).unwrap(), 0);
        self.socket.read_exact(&mut bytes[4..]).unwrap();
        bytes
    }

    /// The next answer.
    fn receive(&mut self) -> Frame {
        let answer = Frame::read(&self.bytes()).unwrap();
        assert_eq!(answer.kind, frame::ANSWER);
        answer
    }

    pub(crate) fn answer(&mut self, bytes: &[u8]) -> Frame {
        self.send(bytes);
        self.receive()
    }

    /// What a variable is, or why it cannot be told.
    pub(crate) fn get(&mut self, name: &str) -> Result<String, String> {
        let answer = self.answer(&frame::get(name));
        said(&answer, name)
    }

    /// Sets a variable; what it is then, or why it cannot be set.
    pub(crate) fn set(
        &mut self,
        name: &str,
        value: &str,
        key: Option<u32>,
    ) -> Result<String, String> {
        let answer = self.answer(&frame::set(name, value, key));
        said(&answer, name)
    }
}

/// The value in an answer about a variable, or the text of its error.
fn said(answer: &Frame, name: &str) -> Result<String, String> {
    let text = |tag| {
        let text = answer.text(tag).unwrap();
        text.strip_suffix('\0')
            .expect("texts end in NUL")
            .to_owned()
    };
    if answer.value(frame::ERROR).is_some() {
        assert_eq!(answer.tags(), [frame::ERROR]);
        return Err(text(frame::ERROR));
    }
    assert_eq!(answer.tags(), [frame::NAME, frame::VALUE]);
    assert_eq!(text(frame::NAME), name);
    Ok(text(frame::VALUE))
}

/// The variables that `get help` lists, for the first tuner.
pub(crate) fn variables(help: &str) -> Vec<String> {
    let mut lines = help.lines();
    assert_eq!(lines.next(), Some("Supported configuration options:"));
    let name = |line: &str| line.split_whitespace().next().unwrap().replace("<n>", "0");
    lines.map(name).collect()
}

const UNKNOWN: &str = "ERROR: unknown getset variable";

#[test]
fn every_variable_of_the_help_answers() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut control = Control::to(UNICAST);
        let help = control.get("help").unwrap();
        let names = variables(&help);
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!(names, sorted);
        for name in [
            "/lineup/scan",
            "/sys/copyright",
            "/sys/debug",
            "/sys/features",
            "/sys/hwmodel",
            "/sys/model",
            "/sys/version",
            "/tuner0/channel",
            "/tuner0/channelmap",
            "/tuner0/debug",
            "/tuner0/filter",
            "/tuner0/lockkey",
            "/tuner0/program",
            "/tuner0/status",
            "/tuner0/streaminfo",
            "/tuner0/target",
            "/tuner0/vchannel",
        ] {
            assert!(
                names.iter().any(|other| other == name),
                "{name} is not in\n{help}"
            );
        }
        for name in &names {
            let answer = control.get(name);
            assert!(answer.is_ok(), "{name}: {answer:?}");
        }
        for (name, value) in [
            (
                "/tuner0/status",
                "ch=none lock=none ss=0 snq=0 seq=0 bps=0 pps=0",
            ),
            ("/tuner0/streaminfo", "none"),
            ("/tuner0/channel", "none"),
            ("/tuner0/vchannel", "none"),
            ("/tuner0/target", "none"),
            ("/tuner0/lockkey", "none"),
        ] {
            let is = control.get(name).unwrap();
            assert_eq!(is, value, "{name}");
        }
        let debug = control.get("/tuner0/debug").unwrap();
        let heads: Vec<&str> = debug.lines().map(|line| &line[..4]).collect();
        assert_eq!(heads, ["tun:", "dev:", "ts: ", "net:"]);
        // tvheadend takes what a tuner is from this.
        let model = control.get("/sys/model").unwrap();
        assert!(
            ["_atsc", "_cablecard", "_dvbt", "_isdbt"]
                .iter()
                .any(|kind| model.contains(kind))
        );
        let features = control.get("/sys/features").unwrap();
        assert!(
            features
                .lines()
                .any(|line| line.starts_with("channelmap: ")),
            "{features}"
        );
        let count = home.json("/discover.json")["TunerCount"].as_u64().unwrap();
        let (last, none) = (count - 1, count);
        assert!(control.get(&format!("/tuner{last}/status")).is_ok());
        assert_eq!(
            control.get(&format!("/tuner{none}/status")),
            Err(UNKNOWN.to_owned())
        );
        home.stop();
    });
}

#[test]
fn what_it_cannot_say_is_refused_in_the_known_words() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut control = Control::to(UNICAST);
        let unknown = frame::bytes(
            "00050021051f4552524f523a20756e6b6e6f776e20676574736574207661726961626c6500a7b780f0",
        );
        for name in [
            "/sys/nonsense",
            "/tuner99/status",
            "/tuner0/nonsense",
            "/tuner/status",
            "nonsense",
        ] {
            control.send(&frame::get(name));
            assert_eq!(control.bytes(), unknown, "{name}");
        }
        // A variable without its NUL is understood as well, and nothing at all is malformed.
        let bare = frame::frame(frame::GET_SET, &[(frame::NAME, b"/sys/model")]);
        assert!(said(&control.answer(&bare), "/sys/model").is_ok());
        let malformed = frame::bytes(
            "0005002205204552524f523a206d616c666f726d65642067657473657420726571756573740037494141",
        );
        control.send(&frame::frame(frame::GET_SET, &[]));
        assert_eq!(control.bytes(), malformed);
        assert!(control.get("/sys/version").is_ok());
        home.stop();
    });
}

#[test]
fn requests_in_pieces_and_in_a_row_are_answered_in_order() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let names = [
            "/sys/model",
            "/sys/hwmodel",
            "/sys/version",
            "/tuner0/status",
            "/sys/none",
            "help",
        ];
        let requests: Vec<Vec<u8>> = names.iter().map(|name| frame::get(name)).collect();
        let one_by_one: Vec<Vec<u8>> = requests
            .iter()
            .map(|request| {
                let mut control = Control::to(UNICAST);
                control.send(request);
                control.bytes()
            })
            .collect();
        // Byte by byte, each in a segment of its own.
        let mut control = Control::to(UNICAST);
        for byte in &requests[0] {
            control.send(&[*byte]);
        }
        assert_eq!(control.bytes(), one_by_one[0]);
        // All at once, twice, and the last one cut.
        let all = requests.concat();
        control.send(&[&all[..], &all[..all.len() - 5]].concat());
        let answers: Vec<Vec<u8>> = (0..11).map(|_| control.bytes()).collect();
        assert_eq!(answers, [&one_by_one[..], &one_by_one[..5]].concat());
        control.send(&all[all.len() - 5..]);
        assert_eq!(control.bytes(), one_by_one[5]);
        // The same over IPv6.
        let mut control = Control::to((BOX_6, PORT).into());
        control.send(&requests[0]);
        assert_eq!(control.bytes(), one_by_one[0]);
        home.stop();
    });
}

#[test]
fn broken_requests_end_their_connection_and_no_other() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut good = Control::to(UNICAST);
        let model = good.get("/sys/model");
        let mut wrong_sum = frame::get("/sys/model");
        *wrong_sum.last_mut().unwrap() ^= 1;
        for (what, bytes) in [
            ("a wrong CRC", wrong_sum),
            (
                "longer than any frame",
                frame::sealed(frame::GET_SET, 0xffff, &[0; 2_000]),
            ),
            ("an upgrade", frame::frame(6, &[(frame::VALUE, &[0; 256])])),
            (
                "words",
                b"GET / HTTP/1.1\r\nHost: 10.99.0.1\r\n\r\n".to_vec(),
            ),
        ] {
            let mut bad = Control::to(UNICAST);
            bad.send(&bytes);
            let mut rest = Vec::new();
            // Closed in order or reset, with an answer or without; but closed.
            let closed = bad.socket.read_to_end(&mut rest);
            let stays = closed.is_err_and(|error| {
                matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                )
            });
            assert!(!stays, "{what}: nothing happens");
            println!("{what}: {rest:02x?}");
        }
        for payload in [
            &[3u8, 0x84][..],
            &[3, 5, b'h'],
            &[3, 0xff, 0xff, 0],
            &[0x15, 2, 0, 0],
        ] {
            let mut bad = Control::to(UNICAST);
            bad.send(&frame::sealed(
                frame::GET_SET,
                payload.len() as u16,
                payload,
            ));
            let mut rest = Vec::new();
            bad.socket.shutdown(std::net::Shutdown::Write).unwrap();
            bad.socket.read_to_end(&mut rest).unwrap();
            if !rest.is_empty() {
                assert_eq!(Frame::read(&rest).unwrap().tags(), [frame::ERROR]);
            }
        }
        assert_eq!(good.get("/sys/model"), model);
        home.stop();
    });
}

#[test]
fn a_lock_refuses_everyone_else_until_it_is_broken() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let (mut holder, mut other) = (Control::to(UNICAST), Control::to(UNICAST));
        let (lock, refusal) = (
            "/tuner0/lockkey",
            format!("ERROR: resource locked by {CLIENT}"),
        );
        assert_eq!(
            holder.set(lock, "3892703990", None).as_deref(),
            Ok("3892703990")
        );
        assert_eq!(other.get(lock), Ok(CLIENT.to_string()));
        for (name, value) in [
            ("/tuner0/vchannel", "1984"),
            ("/tuner0/target", "none"),
            (lock, "77"),
        ] {
            for key in [None, Some(77)] {
                assert_eq!(other.set(name, value, key), Err(refusal.clone()), "{name}");
            }
        }
        assert!(
            other.get("/tuner0/status").is_ok(),
            "who only asks needs no key"
        );
        assert!(
            other.set("/tuner1/vchannel", "none", None).is_ok(),
            "another tuner is free"
        );
        assert!(
            holder
                .set("/tuner0/vchannel", "1984", Some(3_892_703_990))
                .is_ok()
        );
        assert_eq!(other.get("/tuner0/vchannel").as_deref(), Ok("1984"));
        assert!(other.set(lock, "force", None).is_ok());
        assert_eq!(holder.get(lock).as_deref(), Ok("none"));
        assert!(other.set("/tuner0/vchannel", "none", None).is_ok());
        assert_eq!(holder.set(lock, "12345", None).as_deref(), Ok("12345"));
        assert_eq!(
            holder.set(lock, "none", Some(12_345)).as_deref(),
            Ok("none")
        );
        home.stop();
    });
}

#[test]
fn who_watches_over_http_holds_the_tuner() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut control = Control::to(UNICAST);
        let viewer = tune(&format!("http://{BOX}:5004/auto/v1984.1"), &[]);
        assert_eq!(control.get("/tuner0/lockkey"), Ok(CLIENT.to_string()));
        assert_eq!(control.get("/tuner0/vchannel").as_deref(), Ok("1984.1"));
        assert_eq!(
            control.set("/tuner0/vchannel", "1984", None),
            Err(format!("ERROR: resource locked by {CLIENT}"))
        );
        let target = control.get("/tuner0/target").unwrap();
        assert_eq!(target, format!("http://{}", viewer.local_addr().unwrap()));
        let status = control.get("/tuner0/status").unwrap();
        for part in ["ch=", "lock=", "ss=", "snq=", "seq=100", "bps=", "pps="] {
            assert!(status.contains(part), "{status}");
        }
        assert!(
            !status.contains("ch=none") && !status.contains("lock=none"),
            "{status}"
        );
        let streams = control.get("/tuner0/streaminfo").unwrap();
        assert!(
            streams.lines().next().unwrap().contains(": 1984.1 "),
            "{streams}"
        );
        reset(viewer);
        home.until_free();
        assert_eq!(control.get("/tuner0/lockkey").as_deref(), Ok("none"));
        home.stop();
    });
}

#[test]
fn one_host_cannot_keep_the_others_from_control() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut open: Vec<Control> = (0..40).map(|_| Control::to(UNICAST)).collect();
        for one in &mut open {
            // As far as it is still open.
            let _ = one.socket.write_all(&[0]);
        }
        lan.box_host.within(|| {
            let model = Control::to(UNICAST).get("/sys/model");
            assert_eq!(model.as_deref(), Ok("hdhomerun5_atsc"));
        });
        home.stop();
    });
}
