//! Every switch does what it says, and nothing once it is off.

use crate::client::{container, get, get_with, part_key, rows, send, titled, try_send};
use crate::clips;
use crate::plex::{Class, Faults, Library, Standin};
use std::time::{Duration, Instant};

const LIST: &str = "/library/sections/1/all?type=1&X-Plex-Container-Start=0&X-Plex-Container-Size=";

#[test]
fn a_part_stalls_at_its_byte_and_goes_on_when_healed() {
    let standin = Standin::start(clips());
    let key = part_key(&titled(&standin, 1, 1, "Night Ferry"));
    standin.faults(|faults| faults.stall_at_byte = Some(10_000));
    let mut reply = get_with(&standin, &key, &[]);
    reply.take(10_000).unwrap();
    reply.patience(Duration::from_millis(200));
    assert!(reply.take(1).is_err());
    standin.heal();
    reply.patience(Duration::from_secs(10));
    assert_eq!(reply.take(1_000).unwrap().len(), 1_000);
}

#[test]
fn a_part_is_reset_at_its_byte_and_may_be_resumed_there() {
    let standin = Standin::start(clips());
    let key = part_key(&titled(&standin, 1, 1, "Night Ferry"));
    standin.faults(|faults| faults.reset_at_byte = Some(10_000));
    // A reset may overtake what was sent before it.
    assert!(get_with(&standin, &key, &[]).body().is_err());
    let rest = get_with(&standin, &key, &[("Range", "bytes=10000-20000")]);
    assert_eq!(rest.body().unwrap().len(), 10_001);
}

#[test]
fn parts_wait_trickle_and_are_refused() {
    let standin = Standin::start(clips());
    let key = part_key(&titled(&standin, 1, 1, "Night Ferry"));
    standin.faults(|faults| faults.first_byte_delay_ms = 150);
    let began = Instant::now();
    assert_eq!(get_with(&standin, &key, &[]).status, 200);
    assert!(began.elapsed() >= Duration::from_millis(150));
    standin.faults(|faults| {
        *faults = Faults {
            part_bytes_per_second: Some(50_000),
            ..Faults::default()
        }
    });
    let began = Instant::now();
    let piece = get_with(&standin, &key, &[("Range", "bytes=0-9999")]);
    assert_eq!(piece.body().unwrap().len(), 10_000);
    assert!(began.elapsed() >= Duration::from_millis(150));
    for status in [403, 404, 500, 503, 509] {
        standin.faults(|faults| faults.part_status = Some(status));
        assert_eq!(get_with(&standin, &key, &[]).status, status);
    }
    let other = titled(&standin, 1, 1, "Paper Boats");
    let id = other["Media"][0]["Part"][0]["id"].as_u64().unwrap();
    standin.faults(|faults| faults.only_parts = vec![id]);
    assert_eq!(get_with(&standin, &part_key(&other), &[]).status, 509);
    assert_eq!(get_with(&standin, &key, &[]).status, 200);
    standin.heal();
    standin.faults(|faults| faults.paused = true);
    let reply = get_with(&standin, &key, &[]);
    reply.patience(Duration::from_millis(100));
    assert!(reply.body().is_err());
}

#[test]
fn a_token_dies_after_so_many_requests() {
    let standin = Standin::start(clips());
    standin.faults(|faults| faults.unauthorized_after = Some(2));
    let status = || get(&standin, "/library/sections").status;
    assert_eq!(
        [status(), status(), status(), status()],
        [200, 200, 401, 401]
    );
    standin.heal();
    assert_eq!(status(), 200);
    standin.faults(|faults| faults.unauthorized = true);
    assert_eq!(status(), 401);
    assert_eq!(get(&standin, "/identity").status, 200);
}

#[test]
fn the_whole_server_is_away_or_another_one() {
    let standin = Standin::start(clips());
    standin.faults(|faults| faults.maintenance = true);
    let reply = get(&standin, "/library/sections");
    assert_eq!(reply.status, 503);
    assert!(
        reply
            .text()
            .contains("<Response code=\"503\" title=\"Maintenance\"")
    );
    standin.heal();
    standin.faults(|faults| faults.html = true);
    let reply = get(&standin, "/library/sections");
    assert_eq!(
        reply.header("content-type"),
        Some("text/html;charset=utf-8")
    );
    standin.heal();
    let machine = || container(&standin, "/identity")["machineIdentifier"].clone();
    assert_eq!(machine(), standin.machine());
    standin.faults(|faults| faults.wrong_machine = true);
    assert_ne!(machine(), standin.machine());
    assert_eq!(machine().as_str().unwrap().len(), 40);
}

#[test]
fn lists_break_shrink_and_grow() {
    let standin = Standin::start(Library::synthetic(3_000));
    let page = |size: u32| get(&standin, &format!("{LIST}{size}"));
    standin.faults(|faults| faults.listing_most_rows = Some(100));
    assert_eq!((page(101).status, page(100).status), (500, 200));
    standin.heal();
    standin.faults(|faults| faults.short_page = Some(7));
    let short = page(100).json();
    assert_eq!(short["MediaContainer"]["size"], 7);
    assert_eq!(short["MediaContainer"]["totalSize"], 500);
    standin.heal();
    standin.faults(|faults| faults.growing_total = true);
    let second = LIST.replace("Start=0", "Start=200") + "100";
    assert_eq!(container(&standin, &second)["totalSize"], 502);
    standin.heal();
    standin.faults(|faults| faults.broken_row_every = Some(10));
    let rows = rows(&standin, &format!("{LIST}100"));
    let broken = rows.iter().filter(|row| row["ratingKey"].is_null());
    assert_eq!((rows.len(), broken.count()), (100, 10));
    assert!(rows[9]["title"].is_number());
}

#[test]
fn it_goes_down_and_comes_up_on_the_same_port() {
    let standin = Standin::start(clips());
    let key = part_key(&titled(&standin, 1, 1, "Night Ferry"));
    standin.faults(|faults| faults.stall_at_byte = Some(100));
    let mut open = get_with(&standin, &key, &[]);
    open.take(100).unwrap();
    standin.go_down();
    assert!(open.take(1).is_err());
    assert!(try_send("GET", &standin.url(), "/identity", &[]).is_err());
    standin.come_up();
    assert_eq!(send("GET", &standin.url(), "/identity", &[]).status, 200);
    standin.cut();
    assert_eq!(get(&standin, "/library/sections").status, 200);
}

#[test]
fn a_person_turns_switches_by_http() {
    let standin = Standin::start(clips());
    let url = standin.url();
    let put = |json: &str| {
        let length = json.len().to_string();
        let mut stream = std::net::TcpStream::connect(standin.address()).unwrap();
        use std::io::{Read, Write};
        let head = format!(
            "PUT /standin/faults HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{json}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    };
    assert!(put("{\"unauthorized\":true,\"stall_at_byte\":5}").starts_with("HTTP/1.1 200"));
    assert_eq!(get(&standin, "/library/sections").status, 401);
    let faults = send("GET", &url, "/standin/faults", &[]).json();
    assert_eq!(faults["stall_at_byte"], 5);
    assert!(put("{\"no_such_switch\":true}").starts_with("HTTP/1.1 400"));
    assert!(put("{\"unauthorized\":false}").starts_with("HTTP/1.1 200"));
    assert_eq!(get(&standin, "/library/sections").status, 200);
    assert_eq!(standin.counts().of(Class::Sections), 2);
    assert_eq!(standin.counts().of(Class::Other), 0);
}
