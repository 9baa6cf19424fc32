//! Names on the LAN, as python-zeroconf sees them.

use super::home::Home;
use super::network::{BOX, CLIENT, Lan};
use super::{here, python};
use serde_json::Value;
use std::io::{BufRead, BufReader};
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
