//! Clients that cannot be installed here, replayed: what their sources and logs say they send, in
//! that order, and what they insist on (reference §4).

use super::control::Control;
use super::demo::PATIENCE;
use super::discovery::{BROADCAST, Seeker, UNICAST};
use super::frame;
use super::home::Home;
use super::http::{exchange, head, lineup, send, status, tune};
use super::network::{BOX, CLIENT, Lan};
use socket2::SockRef;
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// The head of a request by libavformat, as Plex plays with it.
const LAVF: [&str; 5] = [
    "User-Agent: Lavf/60.16.100",
    "Accept: */*",
    "Range: bytes=0-",
    "Connection: close",
    "Icy-MetaData: 1",
];

/// The head of a request by curl inside Kodi.
const KODI: [&str; 5] = [
    "Range: bytes=0-",
    "User-Agent: Kodi/20.1 (X11; Linux x86_64) App_Bitness/64 Version/20.1",
    "Accept: */*",
    "Accept-Encoding: deflate, gzip, br, zstd",
    "Accept-Charset: UTF-8,*;q=0.8",
];

/// Resets a connection, as one is that its owner threw away.
pub(crate) fn reset(socket: TcpStream) {
    SockRef::from(&socket)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(socket);
}

#[test]
fn plex_sets_up_scans_and_tunes() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let agent = [
            "User-Agent: PlexMediaServer/1.41.3.9314",
            "Accept: */*",
            "Accept-Encoding: gzip, deflate",
            "Connection: keep-alive",
        ];
        // Plex is told an address and a port, or hears of `device.xml`: any of our doors.
        for root in ["http://10.99.0.1", "http://10.99.0.1:8411"] {
            let at = |path: &str| format!("{root}{path}");
            for _ in 0..3 {
                let device = exchange("GET", &at("/discover.json"), &agent).json();
                assert_eq!(device["BaseURL"], root);
                assert_eq!(device["LineupURL"], at("/lineup.json"));
                assert!(device["TunerCount"].is_u64(), "{device}");
                let status = exchange("GET", &at("/lineup_status.json"), &agent).json();
                assert_eq!(status["ScanInProgress"], 0);
                assert!(
                    status["SourceList"]
                        .as_array()
                        .unwrap()
                        .contains(&"Antenna".into())
                );
            }
            let before = lineup(&at("/lineup.json"), &agent);
            for path in [
                "/lineup.post?scan=start&source=Antenna",
                "/lineup.post?scan=abort",
            ] {
                let posted = exchange(
                    "POST",
                    &at(path),
                    &[&agent[..], &["Content-Length: 0"]].concat(),
                );
                assert_eq!((posted.status, posted.body.len()), (200, 0), "{path}");
            }
            let begun = Instant::now();
            while exchange("GET", &at("/lineup_status.json"), &agent).json()["ScanInProgress"] != 0
            {
                assert!(begun.elapsed() < PATIENCE, "the scan never ends");
            }
            let after = lineup(&at("/lineup.json"), &agent);
            assert_eq!(before, after);
            for number in ["1984", "1984.1"] {
                assert!(after.iter().any(|(other, _)| other == number), "{number}");
            }
            for (number, url) in after {
                assert_eq!(url, format!("http://10.99.0.1:5004/auto/v{number}"));
                reset(tune(&url, &LAVF));
            }
        }
        home.until_free();
        home.stop();
    });
}

#[test]
fn jellyfin_and_emby_find_it_and_play() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        // One packet; anything longer than 13 bytes whose second byte is 3 is a device. It is asked
        // at port 80 of where the packet came from, whatever that says.
        let socket = UdpSocket::bind((CLIENT, 0)).unwrap();
        socket.set_broadcast(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let literal = frame::bytes("0002000c0104ffffffff0204ffffffff73cc7d8f");
        assert_eq!(literal.len(), 20);
        socket.send_to(&literal, BROADCAST).unwrap();
        let mut packet = [0; 1500];
        let (length, from) = socket.recv_from(&mut packet).unwrap();
        assert!(length > 13 && packet[1] == 3);
        let device = exchange("GET", &format!("http://{}/discover.json", from.ip()), &[]).json();
        assert_eq!(device["DeviceID"], home.id());
        assert!(!device["FriendlyName"].as_str().unwrap().is_empty());
        assert!(
            !device["ModelNumber"].as_str().unwrap().contains("HDTC"),
            "we do not transcode"
        );
        let channels = lineup(device["LineupURL"].as_str().unwrap(), &[]);
        assert_eq!(channels.len(), 4);
        for (number, url) in channels {
            // It splits its own ids at these.
            assert!(!number.contains('_'));
            reset(tune(&url, &[]));
        }
        home.until_free();
        // It does not look at the status: a body would be taken for a stream.
        let refused = exchange("GET", "http://10.99.0.1:5004/auto/v77", &[]);
        assert_eq!(refused.status, 404);
        assert_eq!(
            refused.header("x-hdhomerun-error"),
            Some("801 Unknown Channel")
        );
        assert_eq!(
            (refused.header("content-length"), refused.body.len()),
            (Some("0"), 0)
        );
        // Before it uses a tuner of an old kind it wants to read that nobody has locked it, in one
        // read, name first, lengths of one byte.
        let answer = Control::to(UNICAST).answer(&frame::get("/tuner0/lockkey"));
        assert_eq!(answer.tags(), [frame::NAME, frame::VALUE]);
        assert_eq!(answer.value(frame::VALUE), Some(&b"none\0"[..]));
        home.stop();
    });
}

#[test]
fn home_assistant_reads_everything_it_shows() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let seeker = Seeker::at(CLIENT);
        let found = seeker.answer(&frame::discover(u32::MAX, u32::MAX), UNICAST);
        assert_eq!(
            found.value(frame::ID),
            Some(&home.id_number().to_be_bytes()[..])
        );
        let mut control = Control::to(UNICAST);
        let device = exchange("GET", &format!("http://{BOX}/discover.json"), &[]).json();
        for (name, key) in [
            ("/sys/version", "FirmwareVersion"),
            ("/sys/model", "FirmwareName"),
            ("/sys/hwmodel", "ModelNumber"),
        ] {
            assert_eq!(
                control.get(name).as_deref(),
                Ok(device[key].as_str().unwrap()),
                "{name}"
            );
        }
        let agent = [
            "Accept: */*",
            "Accept-Encoding: gzip, deflate",
            "User-Agent: Python/3.13 aiohttp/3.11.11",
        ];
        let at = |path: &str| format!("http://{BOX}{path}");
        let again = exchange("GET", &at("/discover.json"), &agent).json();
        assert_eq!(again, device);
        let found = exchange("GET", &at("/lineup.json?show=found"), &agent).json();
        assert!(
            found
                .as_array()
                .unwrap()
                .iter()
                .all(|channel| channel["Enabled"] == 1)
        );
        assert_eq!(
            exchange("GET", &at("/lineup_status.json"), &agent).json()["ScanInProgress"],
            0
        );
        let tuners = exchange("GET", &at("/status.json"), &agent).json();
        assert_eq!(
            tuners.as_array().unwrap().len() as u64,
            device["TunerCount"].as_u64().unwrap()
        );
        assert_eq!(tuners[0], serde_json::json!({"Resource": "tuner0"}));
        let viewer = tune(&at(":5004/auto/v1984.1"), &LAVF);
        let busy = exchange("GET", &at("/status.json"), &agent).json();
        assert_eq!(busy[0]["VctNumber"], "1984.1");
        assert_eq!(busy[0]["TargetIP"], CLIENT.to_string());
        assert!(busy[0]["NetworkRate"].is_u64());
        reset(viewer);
        home.until_free();
        home.stop();
    });
}

#[test]
fn channels_uses_nothing_but_port_80() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let found = Seeker::at(CLIENT).answer(&frame::discover(1, u32::MAX), BROADCAST);
        let id: [u8; 4] = found.value(frame::ID).unwrap().try_into().unwrap();
        let id = format!("{:08X}", u32::from_be_bytes(id));
        // Units of these kinds are taken for old ones that have no documents.
        assert!(
            !["101", "102", "103", "111", "121", "122"].contains(&&id[..3]),
            "{id}"
        );
        let device = exchange("GET", &format!("http://{BOX}/discover.json"), &[]).json();
        assert_eq!(device["DeviceID"], id);
        assert_eq!(device["BaseURL"], format!("http://{BOX}"));
        for (_, url) in lineup(&format!("http://{BOX}/lineup.json"), &[]) {
            reset(tune(&url, &[]));
        }
        home.stop();
    });
}

#[test]
fn kodi_opens_three_times_with_one_tuner() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let url = format!("http://{BOX}:5004/auto/v1984.1");
        let at = |begun: Instant, ms: u64| {
            let left = Duration::from_millis(ms).saturating_sub(begun.elapsed());
            std::thread::sleep(left);
        };
        for _ in 0..3 {
            let begun = Instant::now();
            let probe = send("GET", &url, &KODI);
            at(begun, 18);
            let mut first = send("GET", &url, &KODI);
            at(begun, 21);
            reset(probe);
            at(begun, 31);
            let mut second = send("GET", &url, &KODI);
            // None of them is refused: each waits for the one before to be given back.
            assert_eq!(status(&head(&mut first)), 200);
            at(begun, 38);
            reset(first);
            assert_eq!(status(&head(&mut second)), 200);
            assert_eq!(home.busy_tuners(), 1);
            reset(second);
            home.until_free();
        }
        home.stop();
    });
}
