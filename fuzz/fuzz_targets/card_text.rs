//! What somebody with any editor may leave on the card.

#![no_main]

use exstreamtv::config::card_text::{CardText, Reset};
use exstreamtv::limits;
use exstreamtv::system::{host, wifi};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let card = CardText::parse(input);
    assert!(card.notices.len() <= limits::SENTENCES + 1);
    if let Some(name) = &card.name {
        assert!((1..=63).contains(&host::host_name(name).len()));
    }
    if let Some(network) = &card.wifi {
        let password = network.password.as_ref().map(|secret| secret.reveal());
        let file = wifi::configuration(&network.name, password, network.country.as_deref());
        assert_eq!(file.matches('\n').count(), 6 + usize::from(network.country.is_some()));
    }
    // A box that was reset is not reset again.
    let done = CardText::parse(&CardText::with_reset_done(input));
    assert_ne!(done.reset, Reset::Wanted);
});
