//! UPnP's discovery: asked by gssdp, which many programs use, by async-upnp-client, which Home
//! Assistant uses, and listened to by hand.

use super::demo::PATIENCE;
use super::home::Home;
use super::http::header;
use super::network::{BOX, CLIENT, FIRST, Host, Lan};
use super::{here, python};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);

pub(crate) const MEDIA_SERVER: &str = "urn:schemas-upnp-org:device:MediaServer:1";

/// Somebody who listens to what is announced at an address.
pub(crate) struct Listener {
    socket: UdpSocket,
}

impl Listener {
    pub(crate) fn at(address: Ipv4Addr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        socket.set_reuse_address(true).unwrap();
        let group = SocketAddr::from((GROUP, 1900));
        socket.bind(&group.into()).unwrap();
        socket.join_multicast_v4(&GROUP, &address).unwrap();
        Self {
            socket: socket.into(),
        }
    }

    /// The next NOTIFY that is still to come, or that is there already with `patience` zero.
    fn next(&self, patience: Duration) -> Option<String> {
        let mut bytes = [0; 2_000];
        let begun = Instant::now();
        loop {
            let left = patience.saturating_sub(begun.elapsed());
            let left = left.max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(left)).unwrap();
            let Ok(length) = self.socket.recv(&mut bytes) else {
                return None;
            };
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if text.starts_with("NOTIFY * HTTP/1.1\r\n") {
                return Some(text);
            }
        }
    }

    /// Waits until the device itself is announced at a place.
    pub(crate) fn hears_of(&self, location: &str) {
        let begun = Instant::now();
        while let Some(told) = self.next(PATIENCE.saturating_sub(begun.elapsed())) {
            let alive = header(&told, "nts") == Some("ssdp:alive");
            if alive && header(&told, "location") == Some(location) {
                return;
            }
        }
        panic!("{location} is not announced");
    }
}

/// A resource as `gssdp-discover` tells of it.
#[derive(Debug)]
struct Resource {
    usn: String,
    location: String,
}

/// `gssdp-discover` for so long. What it says is read as it comes.
fn gssdp(host: &Host, target: &str, seconds: u32) -> Child {
    let mut command = host.command("stdbuf");
    command.args(["-oL", "gssdp-discover", "-i", FIRST, "-t", target]);
    command.args(["-n", &seconds.to_string(), "-m", "all"]);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// What it finds in four seconds; searches have answers within three.
fn found(host: &Host, target: &str) -> Vec<Resource> {
    let said = gssdp(host, target, 4).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let field = |line: Option<&str>, name: &str| {
        let line = line.and_then(|line| line.trim().strip_prefix(name));
        line.unwrap_or_else(|| panic!("{said}")).trim().to_owned()
    };
    let mut lines = said.lines();
    let mut resources = Vec::new();
    while lines.any(|line| line == "resource available") {
        let usn = field(lines.next(), "USN:");
        let location = field(lines.next(), "Location:");
        resources.push(Resource { usn, location });
    }
    resources
}

/// The unique id of the device, as its description has it.
fn udn(home: &Home) -> String {
    let xml = home.text("/device.xml");
    let (_, rest) = xml.split_once("<UDN>").unwrap();
    rest.split_once("</UDN>").unwrap().0.to_owned()
}

#[test]
fn gssdp_finds_it_by_every_name_it_has() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let udn = udn(&home);
        assert!(udn.starts_with("uuid:"), "{udn}");
        let root = format!("{udn}::upnp:rootdevice");
        let server = format!("{udn}::{MEDIA_SERVER}");
        let searches = [
            ("upnp:rootdevice", vec![root.clone()]),
            (udn.as_str(), vec![udn.clone()]),
            (MEDIA_SERVER, vec![server.clone()]),
            ("ssdp:all", vec![root, udn.clone(), server]),
        ];
        std::thread::scope(|scope| {
            for (target, wanted) in searches {
                let client = &lan.client;
                scope.spawn(move || {
                    let resources = client.within(|| found(client, target));
                    for usn in wanted {
                        let of = resources.iter().find(|resource| resource.usn == usn);
                        let of =
                            of.unwrap_or_else(|| panic!("{target}: no {usn} in {resources:?}"));
                        let (door, _, path) = super::http::parts(&of.location);
                        assert_eq!(
                            (door.as_str(), path.as_str()),
                            ("10.99.0.1:80", "/device.xml")
                        );
                    }
                });
            }
        });
        home.stop();
    });
}

#[test]
fn it_is_announced_at_once_and_says_goodbye_when_it_stops() {
    let lan = Lan::new();
    lan.client.within(|| {
        let listener = Listener::at(CLIENT);
        let mut gssdp = gssdp(&lan.client, "upnp:rootdevice", 60);
        let mut said = BufReader::new(gssdp.stdout.take().unwrap()).lines();
        let home = Home::demo(&lan);
        listener.hears_of(&format!("http://{BOX}:80/device.xml"));
        let udn = udn(&home);
        let root = format!("{udn}::upnp:rootdevice");
        let mut waits_for = |state: &str| {
            let mut told = said.by_ref().map(|line| line.unwrap());
            assert!(
                told.any(|line| line == format!("resource {state}")),
                "never {state}"
            );
            assert!(told.next().unwrap().contains(&root));
        };
        waits_for("available");
        home.stop();
        // It has ended: everything that it had to say is here.
        let stopped = Instant::now();
        let mut gone = Vec::new();
        while let Some(told) = listener.next(Duration::ZERO) {
            if header(&told, "nts") == Some("ssdp:byebye") {
                gone.push(header(&told, "usn").unwrap().to_owned());
            }
        }
        for usn in [root.clone(), udn.clone(), format!("{udn}::{MEDIA_SERVER}")] {
            assert!(gone.contains(&usn), "no goodbye of {usn}: {gone:?}");
        }
        waits_for("unavailable");
        println!("gssdp knows {:?} after the end", stopped.elapsed());
        assert!(stopped.elapsed() < Duration::from_secs(1));
        let _ = gssdp.kill();
        let _ = gssdp.wait();
    });
}

#[test]
fn async_upnp_client_reads_who_it_is() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut command = lan.client.command(&python());
        command
            .arg(here("tests/lan/upnp.py"))
            .arg(CLIENT.to_string());
        let done = command.output().unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{errors}");
        let device: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        println!("{device:#}");
        let said = home.json("/discover.json");
        assert_eq!(device["device_type"], MEDIA_SERVER);
        assert_eq!(device["manufacturer"], "Silicondust");
        assert_eq!(device["serial_number"], said["DeviceID"]);
        assert_eq!(device["udn"], udn(&home));
        assert_eq!(device["location"], format!("http://{BOX}:80/device.xml"));
        home.stop();
    });
}
