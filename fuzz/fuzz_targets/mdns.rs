//! What comes to the port of mDNS: messages, and what is written of what was read.

#![no_main]

use exstreamtv::discover::mdns::message::{Draft, Entry, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(message) = Message::read(input) else {
        return;
    };
    let mut draft = if message.is_response() {
        Draft::response(message.id)
    } else {
        Draft::question()
    };
    let mut written = Vec::new();
    for entry in message.entries() {
        let is_written = match &entry {
            Entry::Question(question) => draft.ask(question),
            Entry::Record(section, record) => draft.say(*section, record),
        };
        if is_written.is_ok() {
            written.push(entry);
        }
    }
    let bytes = draft.finish();
    let again = Message::read(&bytes).expect("what is written is a message");
    assert!(again.entries().eq(written));
});
