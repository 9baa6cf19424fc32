//! Others who have the box's names, or are about to.

use super::{Bench, PAGE, eth0, kinds, ms, name, probe, records, told};
use crate::discover::mdns::message::{Entry, Message, Value, kind};
use crate::discover::mdns::records::Owned;

#[tokio::test(start_paused = true)]
async fn a_name_that_another_has_is_left_to_it() {
    let mut bench = Bench::new(vec![eth0(&["10.0.0.5"])]);
    bench.pass(ms(300));
    bench.hear(&told("exstreamtv.local", &[Value::A([10, 0, 0, 9].into())]));
    bench.said.clear();
    bench.pass(ms(5_000));
    let last = bench.said.pop().unwrap().1.bytes;
    let told = records(&last);
    assert_eq!(told[0].name, name("exstreamtv-2.local"));
    let place = told.iter().find(|one| one.value.kind() == kind::SRV);
    let Value::Srv { host, .. } = &place.unwrap().value else {
        panic!("no place");
    };
    assert_eq!(*host, name("exstreamtv-2.local"));
    assert_eq!(place.unwrap().name, name(PAGE));
    // It probed for that one from the beginning.
    assert_eq!(bench.said.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_the_same_name_has_a_number_behind_it() {
    let mut bench = Bench::new(vec![eth0(&["10.0.0.5"])]);
    bench.pass(ms(300));
    let theirs = Value::Srv {
        rank: [0, 0],
        port: 80,
        host: name("exstreamtv-7.local"),
    };
    bench.hear(&told(PAGE, &[theirs]));
    bench.pass(ms(5_000));
    let last = bench.said.pop().unwrap().1.bytes;
    let page = name("Attic 1234ABCD (2)._http._tcp.local");
    assert!(records(&last).iter().any(|one| one.name == page));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_had_is_asked_for_again_before_it_is_left() {
    let mut bench = Bench::standing(vec![eth0(&["10.0.0.5"])]);
    let theirs = told("exstreamtv.local", &[Value::A([10, 0, 0, 9].into())]);
    bench.hear(&theirs);
    bench.pass(ms(400));
    assert_eq!(kinds(&bench.said[0].1.bytes), "?ANY ?ANY !A !SRV !TXT");
    let asked = &Message::read(&bench.said[0].1.bytes).unwrap();
    let Some(Entry::Question(one)) = asked.entries().next() else {
        panic!("nothing is asked");
    };
    assert_eq!(one.name, name("exstreamtv.local"));
    // Nobody objects: it stays.
    let mut silent = Bench::standing(vec![eth0(&["10.0.0.5"])]);
    silent.hear(&theirs);
    silent.pass(ms(5_000));
    let last = silent.said.pop().unwrap().1.bytes;
    assert_eq!(records(&last)[0].name, name("exstreamtv.local"));
    // Somebody does.
    bench.hear(&theirs);
    bench.pass(ms(5_000));
    let last = bench.said.pop().unwrap().1.bytes;
    assert_eq!(records(&last)[0].name, name("exstreamtv-2.local"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_contradiction_changes_nothing() {
    let mut bench = Bench::standing(vec![eth0(&["10.0.0.5", "10.1.0.5"])]);
    let other = Value::A([10, 0, 0, 9].into());
    let mut gone = told("exstreamtv.local", std::slice::from_ref(&other));
    let ttl_at = gone.len() - 10;
    gone[ttl_at..ttl_at + 4].copy_from_slice(&[0; 4]);
    for (peer, bytes) in [
        // The box itself, by another interface.
        (
            "10.1.0.5:5353",
            told("exstreamtv.local", std::slice::from_ref(&other)),
        ),
        // Its own address, by a relay.
        (
            "10.0.0.9:5353",
            told("exstreamtv.local", &[Value::A([10, 1, 0, 5].into())]),
        ),
        // From where nobody speaks mDNS.
        (
            "10.0.0.9:4000",
            told("exstreamtv.local", std::slice::from_ref(&other)),
        ),
        ("10.0.0.9:5353", gone),
        ("10.0.0.9:5353", told("stranger.local", &[other])),
    ] {
        bench.hear_from(peer, &bytes);
        bench.pass(ms(1_000));
    }
    assert_eq!(bench.heard(), []);
}

#[tokio::test(start_paused = true)]
async fn of_two_that_ask_at_once_the_stronger_goes_on() {
    for (theirs, waits) in [
        (vec![Value::A([10, 0, 0, 4].into())], false),
        (vec![Value::A([10, 0, 0, 5].into())], false),
        (vec![Value::A([10, 0, 0, 6].into())], true),
        (
            vec![
                Value::A([10, 0, 0, 5].into()),
                Value::A([10, 0, 0, 6].into()),
            ],
            true,
        ),
        (vec![Value::Aaaa([0; 16].into())], true),
        (
            vec![Value::Aaaa([9; 16].into()), Value::A([10, 0, 0, 4].into())],
            false,
        ),
    ] {
        let mut bench = Bench::new(vec![eth0(&["10.0.0.5"])]);
        bench.pass(ms(300));
        bench.said.clear();
        bench.hear(&probe("exstreamtv.local", &theirs));
        bench.pass(ms(900));
        assert_eq!(bench.said.is_empty(), waits, "{theirs:?}");
        bench.pass(ms(5_000));
        let last = bench.said.pop().unwrap().1.bytes;
        assert_eq!(records(&last)[0].name, name("exstreamtv.local"));
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_every_name_does_not_hurry_the_box() {
    let mut bench = Bench::new(vec![eth0(&["10.0.0.5"])]);
    for _ in 0..6_000 {
        bench.pass(ms(10));
        let asked = bench.said.drain(..).next_back();
        let Some((_, packet)) = asked else { continue };
        let message = Message::read(&packet.bytes).unwrap();
        if let Some(Entry::Question(one)) = message.entries().next() {
            let host = one.name.to_string();
            bench.hear(&told(&host, &[Value::A([10, 0, 0, 9].into())]));
        }
    }
    // 15 at once, and then one in five seconds at most.
    let names = bench.responder.names.owned(Owned::Host).to_string();
    let number: u32 = names
        .trim_start_matches("exstreamtv-")
        .trim_end_matches(".local")
        .parse()
        .unwrap();
    assert!((20..32).contains(&number), "{names}");
}
