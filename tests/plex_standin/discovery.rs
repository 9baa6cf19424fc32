//! plex.tv, the LAN, events, pictures.

use crate::client::{Reply, get, get_with, send, titled, try_send};
use crate::clips;
use crate::plex::{Class, Pin, Standin};
use serde_json::Value;
use std::net::UdpSocket;
use std::time::Duration;

const JSON: (&str, &str) = ("Accept", "application/json");
const CLIENT: (&str, &str) = ("X-Plex-Client-Identifier", "box");

fn new_pin(standin: &Standin, query: &str) -> Value {
    let path = format!("/api/v2/pins{query}");
    let reply = send("POST", &standin.account_url(), &path, &[JSON, CLIENT]);
    assert_eq!(reply.status, 201);
    serde_json::from_slice(&reply.body().unwrap()).unwrap()
}

fn poll(standin: &Standin, pin: &Value, client: &str) -> Reply {
    let path = format!("/api/v2/pins/{}", pin["id"]);
    let headers = [JSON, ("X-Plex-Client-Identifier", client)];
    send("GET", &standin.account_url(), &path, &headers)
}

#[test]
fn a_pin_is_pending_then_linked_or_expired() {
    let standin = Standin::start(clips());
    let pin = new_pin(&standin, "");
    assert_eq!(pin["code"].as_str().unwrap().len(), 4);
    assert_eq!(
        new_pin(&standin, "?strong=true")["code"]
            .as_str()
            .unwrap()
            .len(),
        25
    );
    assert_eq!(pin["expiresIn"], 900);
    assert!(pin.as_object().unwrap().contains_key("authToken"));
    assert!(poll(&standin, &pin, "box").json()["authToken"].is_null());
    assert_eq!(poll(&standin, &pin, "somebody-else").status, 404);
    standin.faults(|faults| faults.pin = Pin::Linked);
    let linked = poll(&standin, &pin, "box").json();
    assert_eq!(linked["authToken"], standin.account_token());
    standin.faults(|faults| faults.pin = Pin::Expired);
    let expired = poll(&standin, &pin, "box");
    assert_eq!(expired.status, 404);
    assert!(expired.text().contains("\"code\":1020"));
    standin.faults(|faults| faults.account_status = Some(429));
    assert_eq!(poll(&standin, &pin, "box").status, 429);
    let anonymous = send("POST", &standin.account_url(), "/api/v2/pins", &[JSON]);
    assert_ne!(anonymous.status, 201);
    assert!(standin.counts().of(Class::Account) >= 7);
    assert_eq!(standin.counts().requests(), 0);
}

#[test]
fn the_list_of_servers_has_ways_that_lead_elsewhere() {
    let standin = Standin::start(clips());
    let account = standin.account_url();
    let token = standin.account_token();
    let headers = [JSON, CLIENT, ("X-Plex-Token", token.as_str())];
    let path = "/api/v2/resources?includeHttps=1";
    // The server's own token is none of the account's.
    let wrong = standin.token();
    let refused = [JSON, CLIENT, ("X-Plex-Token", wrong.as_str())];
    let refused = send("GET", &account, path, &refused);
    assert_eq!(refused.status, 401);
    assert!(refused.text().contains("\"code\":1001"));
    assert_eq!(
        send("GET", &account, "/api/v2/user", &headers).json()["username"],
        "owner"
    );
    let all = send("GET", &account, path, &headers).json();
    let server = &all[0];
    assert_eq!(server["clientIdentifier"], standin.machine());
    assert_eq!(server["accessToken"], standin.token());
    assert_eq!(all[1]["provides"], "client,player");
    let (mut right, mut wrong, mut dead) = (0, 0, 0);
    for way in server["connections"].as_array().unwrap() {
        let uri = way["uri"].as_str().unwrap();
        if !uri.starts_with("http://") {
            assert!(uri.contains(".plex.direct:"));
            continue;
        }
        match try_send("GET", uri, "/identity", &[JSON]) {
            Ok(reply) => {
                let machine = reply.json()["MediaContainer"]["machineIdentifier"].take();
                if machine == standin.machine() {
                    right += 1;
                } else {
                    wrong += 1;
                }
            }
            Err(_) => dead += 1,
        }
    }
    assert_eq!((right, wrong, dead), (1, 1, 3));
}

#[test]
fn the_lan_is_answered() {
    let standin = Standin::start(clips());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let search = b"M-SEARCH * HTTP/1.1\r\n\r\n";
    socket.send_to(search, standin.gdm_address()).unwrap();
    let mut packet = [0; 2048];
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let (length, _) = socket.recv_from(&mut packet).unwrap();
    let said = String::from_utf8_lossy(&packet[..length]).into_owned();
    assert!(said.starts_with("HTTP/1.0 200 OK\r\n"));
    assert!(said.contains("Content-Type: plex/media-server\r\n"));
    assert!(said.contains(&format!("Port: {}\r\n", standin.address().port())));
    assert!(said.contains(&format!("Resource-Identifier: {}\r\n", standin.machine())));
    standin.faults(|faults| faults.gdm_silent = true);
    socket.send_to(search, standin.gdm_address()).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    assert!(socket.recv_from(&mut packet).is_err());
}

#[test]
fn events_reach_those_who_listen_for_them() {
    let standin = Standin::start(clips());
    let mut all = get(&standin, "/:/eventsource/notifications");
    let mut some = get(
        &standin,
        "/:/eventsource/notifications?filters=timeline,activity",
    );
    assert_eq!(all.header("content-type"), Some("text/event-stream"));
    assert_eq!(standin.listeners(), 2);
    standin.push("playing", "{\"a\":1}");
    standin.push("timeline", "{\"b\":2}");
    let said = |reply: &mut Reply| String::from_utf8(reply.chunk().unwrap().unwrap()).unwrap();
    assert_eq!(said(&mut all), "event: playing\ndata: {\"a\":1}\n\n");
    assert_eq!(said(&mut all), "event: timeline\ndata: {\"b\":2}\n\n");
    assert_eq!(said(&mut some), "event: timeline\ndata: {\"b\":2}\n\n");
    drop((all, some));
    while standin.listeners() > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn pictures_have_the_size_that_was_asked_for() {
    let standin = Standin::start(clips());
    let row = titled(&standin, 1, 1, "Night Ferry");
    let thumb = row["thumb"].as_str().unwrap();
    let size = |path: &str| {
        let reply = get_with(&standin, path, &[]);
        assert_eq!(reply.header("content-type"), Some("image/png"));
        let file = tempfile::Builder::new().suffix(".png").tempfile().unwrap();
        std::fs::write(file.path(), reply.body().unwrap()).unwrap();
        let told = std::process::Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "stream=width,height"])
            .args(["-of", "csv=p=0"])
            .arg(file.path())
            .output()
            .unwrap();
        String::from_utf8(told.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(size(thumb), "200,300");
    let url = thumb.replace('/', "%2F");
    let scaled = format!("/photo/:/transcode?url={url}&width=64&height=96&minSize=1");
    assert_eq!(size(&scaled), "64,96");
    let outside = "/photo/:/transcode?url=http%3A%2F%2Fx%2F&width=64&height=96";
    assert_eq!(get(&standin, outside).status, 400);
}
