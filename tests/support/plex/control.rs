//! `/standin/...`: what a person does with the stand-in that a test does by calls. No Plex server
//! has it, and nothing here is counted.

use super::answer::{Answer, bytes, refusal};
use super::event::Event;
use super::request::Asked;
use super::state::State;

pub(crate) fn answer(state: &State, asked: &Asked, what: &str, body: &[u8]) -> Answer {
    match (asked.method.as_str(), what) {
        ("GET", "faults") => json(&state.faults()),
        ("PUT", "faults") => match state.faults().overlaid(body) {
            Ok(faults) => {
                state.change_faults(|all| *all = faults);
                json(&state.faults())
            }
            Err(error) => bytes(400, "text/plain", format!("{error}\n")),
        },
        // `POST /standin/event?name=timeline` with the event's JSON.
        ("POST", "event") => {
            let name = asked.query("name").unwrap_or("timeline").to_owned();
            let data = String::from_utf8_lossy(body).into_owned();
            // An error means that nobody listens.
            let _ = state.event_tx.send(Event { name, data });
            bytes(200, "text/plain", "")
        }
        ("GET", "counts") => json(&state.record().counts),
        ("GET", "log") => {
            let record = state.record();
            let lines = record.requests.iter().map(|logged| {
                let (status, method) = (logged.status, &logged.method);
                format!("{status} {method} {}\n", logged.target)
            });
            bytes(200, "text/plain", lines.collect::<String>())
        }
        ("DELETE", "log") => {
            state.record().reset();
            bytes(200, "text/plain", "")
        }
        _ => refusal(404),
    }
}

fn json(value: &impl serde::Serialize) -> Answer {
    let mut text = serde_json::to_vec_pretty(value).unwrap();
    text.push(b'\n');
    bytes(200, "application/json", text)
}
