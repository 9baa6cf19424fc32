//! plex.tv's side: PINs, the account, the list of servers.

use super::answer::{self, Answer};
use super::fault::{Faults, Pin};
use super::item::mixed;
use super::node::{Node, Value};
use super::request::Asked;
use super::state::State;
use hyper::StatusCode;
use std::net::SocketAddr;

/// How long a PIN lives.
const PIN_SECONDS: u32 = 900;

/// A PIN that somebody has asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    id: u64,
    code: String,
    client: String,
    product: String,
    created_at: jiff::Timestamp,
}

pub(crate) fn answer(state: &State, asked: &Asked) -> Answer {
    let faults = state.faults();
    if let Some(status) = faults.account_status {
        return problem(asked, status, 1001, "User could not be authenticated");
    }
    match (asked.method.as_str(), &asked.segments()[..]) {
        ("POST", ["api", "v2", "pins"]) => new_pin(state, asked),
        ("GET", ["api", "v2", "pins", id]) => pin(state, asked, id, &faults),
        ("GET", ["api", "v2", what]) => {
            if asked.token().0 != state.identity.account_token {
                return problem(asked, 401, 1001, "User could not be authenticated");
            }
            match *what {
                "user" => answer::node(asked, &user(state)),
                "resources" => answer::list(asked, &resources(state)),
                _ => problem(asked, 404, 1000, "Not found"),
            }
        }
        _ => problem(asked, 404, 1000, "Not found"),
    }
}

/// plex.tv's way to say no.
fn problem(asked: &Asked, status: u16, code: u32, message: &str) -> Answer {
    let errors = Node::new("errors").child(
        Node::named("errors", "error")
            .with("code", code)
            .with("message", message)
            .with("status", u32::from(status)),
    );
    let mut answer = answer::node(asked, &errors);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}

fn new_pin(state: &State, asked: &Asked) -> Answer {
    let Some(client) = asked.either("X-Plex-Client-Identifier") else {
        return problem(asked, 400, 1000, "X-Plex-Client-Identifier is missing");
    };
    let is_strong = asked.query("strong") == Some("true");
    let mut pins = state.pins();
    let id = 111_222_333 + pins.len() as u64;
    let pin = Asking {
        id,
        code: code(id, if is_strong { 25 } else { 4 }),
        client: client.to_owned(),
        product: asked.either("X-Plex-Product").unwrap_or("").to_owned(),
        created_at: jiff::Timestamp::now(),
    };
    pins.push(pin.clone());
    let mut answer = answer::node(asked, &pin.node(Value::Nothing));
    *answer.status_mut() = StatusCode::CREATED;
    answer
}

/// Letters and digits that are not mistaken for each other.
fn code(id: u64, length: u64) -> String {
    const SIGNS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let sign = |n| SIGNS[(mixed(id + n) % 32) as usize];
    (0..length).map(|n| char::from(sign(n))).collect()
}

fn pin(state: &State, asked: &Asked, id: &str, faults: &Faults) -> Answer {
    let pins = state.pins();
    let client = asked.either("X-Plex-Client-Identifier");
    let found = pins.iter().find(|pin| pin.id.to_string() == id);
    let found = found.filter(|pin| Some(pin.client.as_str()) == client);
    match (found, faults.pin) {
        (None, _) | (_, Pin::Expired) => problem(asked, 404, 1020, "Code not found or expired"),
        (Some(pin), Pin::Pending) => answer::node(asked, &pin.node(Value::Nothing)),
        (Some(pin), Pin::Linked) => {
            let token = state.identity.account_token.as_str();
            answer::node(asked, &pin.node(token.into()))
        }
    }
}

impl Asking {
    fn node(&self, token: Value) -> Node {
        let lives = jiff::SignedDuration::from_secs(PIN_SECONDS.into());
        let expires_at = self.created_at + lives;
        let code = &self.code;
        Node::new("pin")
            .with("id", self.id)
            .with("code", code)
            .with("product", &self.product)
            .with("trusted", false)
            .with("qr", format!("https://plex.tv/api/v2/pins/qr/{code}"))
            .with("clientIdentifier", &self.client)
            .with("expiresIn", PIN_SECONDS)
            .with("createdAt", whole_second(self.created_at))
            .with("expiresAt", whole_second(expires_at))
            .with("authToken", token)
            .with("newRegistration", Value::Nothing)
    }
}

fn whole_second(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn user(state: &State) -> Node {
    Node::new("user")
        .with("id", 4711_u32)
        .with("uuid", "0123456789abcdef")
        .with("username", "owner")
        .with("title", "owner")
        .with("email", "owner@example.invalid")
        .with("friendlyName", "Owner")
        .with("locale", Value::Nothing)
        .with("confirmed", true)
        .with("emailOnlyAuth", false)
        .with("hasPassword", true)
        .with("protected", false)
        .with("thumb", "https://plex.tv/users/0123456789abcdef/avatar")
        .with("authToken", &state.identity.account_token)
        .with("mailingListActive", false)
        .with("home", false)
        .with("guest", false)
        .with("homeSize", 1_u32)
        .with("restricted", false)
        .with("scrobbleTypes", "")
        .child(
            Node::alone("subscription")
                .with("active", true)
                .with("status", "Active")
                .with("plan", "lifetime"),
        )
        .child(Node::alone("profile").with("autoSelectAudio", true))
}

/// One server that is there, and a player that is none. Ways that do not lead to the server come
/// first: a port where nobody listens, another server, a name whose certificate cannot be shown.
fn resources(state: &State) -> Node {
    let identity = &state.identity;
    let media = state.addresses.media;
    let plain = |address: SocketAddr, local: bool, relay: bool| {
        connection("http", address, format!("http://{address}"), local, relay)
    };
    let name = format!("127-0-0-1.{}.plex.direct", identity.certificate_hash());
    let secure = format!("https://{name}:{}", media.port());
    let connections = Node::alone("connections").inline().children([
        plain(nobody(), true, false),
        plain(state.addresses.impostor, true, false),
        connection("https", media, secure, true, false),
        plain(media, true, false),
        plain(nobody(), false, false),
        plain(nobody(), false, true),
    ]);
    let resource = |name: &str, product: &str, provides: &str, client: &str| {
        Node::new("resource")
            .with("name", name)
            .with("product", product)
            .with("productVersion", &identity.version)
            .with("platform", "Linux")
            .with("platformVersion", "6.1")
            .with("device", "PC")
            .with("clientIdentifier", client)
            .with("createdAt", "2020-01-01T00:00:00Z")
            .with("lastSeenAt", "2026-01-01T00:00:00Z")
            .with("provides", provides)
            .with("ownerId", Value::Nothing)
            .with("sourceTitle", Value::Nothing)
            .with("publicAddress", "203.0.113.7")
            .with("owned", true)
            .with("home", false)
            .with("synced", false)
            .with("relay", true)
            .with("presence", true)
            .with("httpsRequired", false)
            .with("publicAddressMatches", true)
            .with("dnsRebindingProtection", false)
            .with("natLoopbackSupported", false)
    };
    let server = "Plex Media Server";
    let server = resource(&identity.name, server, "server", &identity.machine)
        .with("accessToken", &identity.token)
        .child(connections);
    let player = resource("Telephone", "Plex for Android", "client,player", "a-player")
        .child(Node::alone("connections").inline());
    Node::new("resources").children([server, player])
}

/// A port of the stand-in's own machine where nobody listens.
fn nobody() -> SocketAddr {
    ([127, 0, 0, 1], 1).into()
}

fn connection(protocol: &str, address: SocketAddr, uri: String, local: bool, relay: bool) -> Node {
    Node::new("connection")
        .with("protocol", protocol)
        .with("address", address.ip().to_string())
        .with("port", u32::from(address.port()))
        .with("uri", uri)
        .with("local", local)
        .with("relay", relay)
        .with("IPv6", address.is_ipv6())
}
