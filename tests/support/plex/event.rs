//! The stream of events: what a test or a person pushes is sent to all who listen.

use super::answer::{Answer, bytes};
use super::part::Fed;
use super::request::Asked;
use super::state::State;
use bytes::Bytes;
use hyper::body::Frame;
use tokio::sync::mpsc;

/// One event: its name, and its JSON.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// `/:/eventsource/notifications`: events as they come, those that the filter names.
pub(crate) fn answer(state: &State, asked: &Asked) -> Answer {
    let mut event_rx = state.event_tx.subscribe();
    let wanted: Vec<String> = [asked.list("filters"), asked.list("filter")]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let (piece_tx, piece_rx) = mpsc::channel(4);
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                event = event_rx.recv() => event,
                () = piece_tx.closed() => return,
            };
            let Ok(event) = event else { return };
            if !wanted.is_empty() && !wanted.contains(&event.name) {
                continue;
            }
            let text = format!("event: {}\ndata: {}\n\n", event.name, event.data);
            let frame = Frame::data(Bytes::from(text));
            if piece_tx.send(Ok(frame)).await.is_err() {
                return;
            }
        }
    });
    let mut answer = bytes(200, "text/event-stream", "");
    *answer.body_mut() = Fed::body(piece_rx);
    answer
}
