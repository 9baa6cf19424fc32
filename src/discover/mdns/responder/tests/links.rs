//! Links that come, go and change.

use super::{Bench, PORT, V4, V6, ask, eth0, kinds, ms, question, records, title};
use crate::discover::dice::Dice;
use crate::discover::mdns::message::{Audience, Value, kind};
use crate::discover::mdns::records::Title;
use crate::discover::mdns::responder::{Responder, To};
use crate::discover::tests::interface;
use crate::limits;
use crate::system::network::Reach;
use std::net::IpAddr;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_box_that_moves_says_so_and_one_that_goes_too() {
    let mut bench = Bench::standing(vec![eth0(&["10.0.0.5"])]);
    let moved = eth0(&["10.0.0.6", "fd00::6"]);
    let packets = bench
        .responder
        .follow(std::slice::from_ref(&moved), bench.now);
    bench.take(packets);
    let gone = bench.said[0].1.bytes.clone();
    assert_eq!(records(&gone)[0].value, Value::A([10, 0, 0, 5].into()));
    bench.pass(ms(5_000));
    let heard = bench.heard();
    let probe = "?ANY ?ANY !A !AAAA !SRV !TXT";
    let announcement = "=A =AAAA =SRV =TXT =PTR";
    let on = |group: To| heard.iter().filter(move |(to, _)| *to == group);
    let on = |group| on(group).map(|(_, said)| said.as_str()).collect::<Vec<_>>();
    assert_eq!(on(V4), ["=a", announcement, announcement]);
    assert_eq!(on(V6), [probe, probe, probe, announcement, announcement]);

    let goodbyes = bench.responder.say_goodbye();
    assert_eq!(goodbyes.len(), 2);
    for packet in goodbyes {
        assert_eq!(kinds(&packet.bytes), "=a =aaaa =srv =txt =ptr");
    }
    let packets = bench.responder.follow(&[], bench.now);
    assert_eq!(packets.len(), 2);
    assert_eq!(bench.responder.due(), None);
    bench.hear(&ask(&[question(
        "exstreamtv.local",
        kind::A,
        Audience::All,
    )]));
    assert_eq!(bench.heard(), []);
}

#[tokio::test(start_paused = true)]
async fn on_two_lans_each_is_told_its_own_addresses() {
    let eth1 = interface(3, Reach::Lan, &["10.1.0.5"]);
    let mut bench = Bench::new(vec![eth0(&["10.0.0.5"]), eth1]);
    bench.pass(ms(5_000));
    for (_, packet) in &bench.said {
        let address: IpAddr = match packet.here.interface {
            2 => "10.0.0.5".parse().unwrap(),
            _ => "10.1.0.5".parse().unwrap(),
        };
        assert_eq!(packet.here.address, Some(address));
        let told = records(&packet.bytes);
        let told = told.iter().filter_map(|one| match one.value {
            Value::A(at) => Some(IpAddr::from(at)),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), [address]);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_an_interface_has_fits_a_message() {
    let mut addresses: Vec<String> = (0..limits::NETWORK_ADDRESSES - 1)
        .map(|number| format!("fd00::{number:x}"))
        .collect();
    addresses.push("10.0.0.5".to_owned());
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let long = Title {
        friendly: "ü".repeat(40),
        ..title()
    };
    let mut responder = Responder::new(PORT, long, Dice::seeded(7));
    let begun = Instant::now();
    responder.follow(&[eth0(&addresses)], begun);
    let mut longest = 0;
    while let Some(due) = responder.due() {
        for packet in responder.speak(due) {
            longest = longest.max(packet.bytes.len());
            // 32 addresses, where the page is, what is to be known of it; and told, that there is one.
            assert!(records(&packet.bytes).len() >= 34);
        }
    }
    assert!(longest <= limits::MDNS_DRAFT_BYTES, "{longest}");
}
