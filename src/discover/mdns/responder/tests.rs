use super::{Packet, Responder, To};
use crate::discover::datagram::{Here, Received};
use crate::discover::dice::Dice;
use crate::discover::mdns::message::{
    Audience, Claim, Draft, Entry, Message, Question, Record, Section, Value, kind,
};
use crate::discover::mdns::name::Name;
use crate::discover::mdns::records::Title;
use crate::discover::mdns::voice::{GROUP_V4, GROUP_V6};
use crate::discover::tests::{interface, network};
use crate::limits;
use crate::system::network::{Interface, Network, Reach};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const PORT: u16 = 5353;

/// A box on one interface, and a time that passes when it is told to.
struct Bench {
    responder: Responder,
    network: Arc<Network>,
    begun: Instant,
    now: Instant,
    /// What was said, and when.
    said: Vec<(Duration, Packet)>,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn eth0(addresses: &[&str]) -> Interface {
    interface(2, Reach::Lan, addresses)
}

fn title() -> Title {
    Title {
        friendly: "Attic".to_owned(),
        id: "1234ABCD".to_owned(),
        port: 80,
    }
}

fn name(text: &str) -> Name {
    let labels: Vec<_> = text.split('.').map(str::as_bytes).collect();
    Name::of(&labels)
}

const PAGE: &str = "Attic 1234ABCD._http._tcp.local";

fn question(of: &str, kind: u16, audience: Audience) -> Question {
    Question {
        name: name(of),
        kind,
        audience,
    }
}

fn ask(questions: &[Question]) -> Vec<u8> {
    let mut draft = Draft::question();
    for one in questions {
        draft.ask(one).unwrap();
    }
    draft.finish()
}

fn with(mut draft: Draft, section: Section, of: &str, ttl_s: u32, values: &[Value<'_>]) -> Vec<u8> {
    for value in values {
        let record = Record {
            name: name(of),
            claim: Claim::Unique,
            ttl_s,
            value: value.clone(),
        };
        draft.say(section, &record).unwrap();
    }
    draft.finish()
}

/// A word of another, that it has this.
fn told(of: &str, values: &[Value<'_>]) -> Vec<u8> {
    with(Draft::response(0), Section::Answers, of, 120, values)
}

/// A question of another that is about to claim this.
fn probe(of: &str, values: &[Value<'_>]) -> Vec<u8> {
    let mut draft = Draft::question();
    draft
        .ask(&question(of, kind::ANY, Audience::Asker))
        .unwrap();
    with(draft, Section::Authorities, of, 120, values)
}

impl Bench {
    fn new(interfaces: Vec<Interface>) -> Self {
        let begun = Instant::now();
        let mut responder = Responder::new(PORT, title(), Dice::seeded(7));
        let silent = responder.follow(&interfaces, begun);
        assert_eq!(silent, []);
        Self {
            responder,
            network: network(interfaces),
            begun,
            now: begun,
            said: Vec::new(),
        }
    }

    /// One that has had its names for long.
    fn standing(interfaces: Vec<Interface>) -> Self {
        let mut bench = Self::new(interfaces);
        bench.pass(ms(60_000));
        bench.said.clear();
        bench
    }

    /// Lets time pass, and takes down what is said.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.responder.due().filter(|due| *due <= end) {
            assert!(due >= self.now);
            self.now = due;
            let packets = self.responder.speak(due);
            self.take(packets);
        }
        self.now = end;
    }

    fn take(&mut self, packets: Vec<Packet>) {
        let at = self.now - self.begun;
        self.said.extend(packets.into_iter().map(|one| (at, one)));
    }

    fn hear_from(&mut self, peer: &str, bytes: &[u8]) {
        let peer: SocketAddr = peer.parse().unwrap();
        let received = Received {
            len_bytes: bytes.len(),
            peer,
            here: Here {
                interface: 2,
                address: None,
            },
        };
        let message = Message::read(bytes).unwrap();
        let packets = self
            .responder
            .hear(&message, received, &self.network, self.now);
        self.take(packets);
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.hear_from("10.0.0.9:5353", bytes);
    }

    /// What was said since, by sections: `answer|addition`, with the types of records.
    fn heard(&mut self) -> Vec<(To, String)> {
        let said = self.said.drain(..);
        said.map(|(_, packet)| (packet.to, kinds(&packet.bytes)))
            .collect()
    }
}

/// `?` and the types asked, `=` the ones answered, `!` the ones claimed, `+` the ones added; in
/// small letters those that are good no more.
fn kinds(bytes: &[u8]) -> String {
    let text = |number: u16| match number {
        kind::A => "A",
        kind::AAAA => "AAAA",
        kind::PTR => "PTR",
        kind::SRV => "SRV",
        kind::TXT => "TXT",
        kind::NSEC => "NSEC",
        kind::ANY => "ANY",
        _ => "other",
    };
    let entries = Message::read(bytes).unwrap().entries();
    let words = entries.map(|entry| match entry {
        Entry::Question(one) => format!("?{}", text(one.kind)),
        Entry::Record(section, one) => {
            let sign = match section {
                Section::Answers => '=',
                Section::Authorities => '!',
                _ => '+',
            };
            let kind = text(one.value.kind());
            match one.ttl_s {
                0 => format!("{sign}{}", kind.to_lowercase()),
                _ => format!("{sign}{kind}"),
            }
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn records(bytes: &[u8]) -> Vec<Record<'_>> {
    let entries = Message::read(bytes).unwrap().entries();
    entries
        .filter_map(|entry| match entry {
            Entry::Record(_, record) => Some(record),
            Entry::Question(_) => None,
        })
        .collect()
}

const V4: To = To::Group(GROUP_V4);
const V6: To = To::Group(GROUP_V6);

#[tokio::test(start_paused = true)]
async fn names_are_asked_for_three_times_and_then_told_twice() {
    let mut bench = Bench::new(vec![eth0(&["10.0.0.5", "fd00::5", "fe80::5"])]);
    bench.pass(ms(10_000));
    for group in [V4, V6] {
        let on = bench.said.iter().filter(|(_, packet)| packet.to == group);
        let on: Vec<_> = on.collect();
        let first = on[0].0;
        assert!(first < ms(250));
        let at: Vec<_> = on.iter().map(|(at, _)| (*at - first).as_millis()).collect();
        assert_eq!(at, [0, 250, 500, 750, 1_750]);
        let said: Vec<_> = on.iter().map(|(_, packet)| kinds(&packet.bytes)).collect();
        let probe = "?ANY ?ANY !A !AAAA !SRV !TXT";
        let announcement = "=A =AAAA =SRV =TXT =PTR";
        assert_eq!(said, [probe, probe, probe, announcement, announcement]);
    }
    assert_eq!(bench.responder.due(), None);
    let told = &bench.said.last().unwrap().1.bytes;
    for record in records(told) {
        let is_shared = record.value.kind() == kind::PTR;
        assert_eq!(record.claim == Claim::Shared, is_shared);
    }
    // What is asked is not claimed yet.
    for record in records(&bench.said[0].1.bytes) {
        assert_eq!(record.claim, Claim::Shared);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_answered_before_the_names_are_had() {
    let mut bench = Bench::new(vec![eth0(&["10.0.0.5"])]);
    bench.pass(ms(600));
    bench.said.clear();
    bench.hear(&ask(&[question(
        "exstreamtv.local",
        kind::A,
        Audience::All,
    )]));
    bench.hear_from(
        "10.0.0.9:40000",
        &ask(&[question("exstreamtv.local", kind::A, Audience::All)]),
    );
    assert_eq!(bench.heard(), []);
}

#[tokio::test(start_paused = true)]
async fn each_question_has_its_answer() {
    for (of, asked, told) in [
        ("exstreamtv.local", kind::A, "=A +AAAA"),
        ("EXSTREAMTV.Local", kind::AAAA, "=AAAA +A"),
        ("exstreamtv.local", kind::ANY, "=A =AAAA"),
        ("exstreamtv.local", kind::TXT, "=NSEC"),
        (PAGE, kind::SRV, "=SRV +A +AAAA"),
        (PAGE, kind::TXT, "=TXT"),
        (PAGE, kind::ANY, "=SRV =TXT +A +AAAA"),
        (PAGE, kind::A, "=NSEC"),
        ("_http._tcp.local", kind::PTR, "=PTR +A +AAAA +SRV +TXT"),
        ("_http._tcp.local", kind::ANY, "=PTR +A +AAAA +SRV +TXT"),
        ("_services._dns-sd._udp.local", kind::PTR, "=PTR"),
        ("_http._tcp.local", kind::TXT, ""),
        ("_ipp._tcp.local", kind::PTR, ""),
        ("other.local", kind::A, ""),
    ] {
        let mut bench = Bench::standing(vec![eth0(&["10.0.0.5", "fd00::5"])]);
        bench.hear(&ask(&[question(of, asked, Audience::All)]));
        bench.pass(ms(200));
        let expected = (!told.is_empty()).then(|| (V4, told.to_owned()));
        assert_eq!(bench.heard(), Vec::from_iter(expected), "{of} {asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn that_there_is_no_address_of_a_family_is_told() {
    let mut bench = Bench::standing(vec![eth0(&["10.0.0.5"])]);
    bench.hear(&ask(&[question(
        "exstreamtv.local",
        kind::AAAA,
        Audience::All,
    )]));
    let bytes = bench.said[0].1.bytes.clone();
    let types: &[u8] = &[0, 1, 0x40];
    let told = Value::Nsec(name("exstreamtv.local"), types);
    assert_eq!(records(&bytes)[0].value, told);
    bench.said.clear();
    bench.pass(ms(2_000));
    bench.hear(&ask(&[question(
        "exstreamtv.local",
        kind::A,
        Audience::All,
    )]));
    assert_eq!(bench.heard(), [(V4, "=A +NSEC".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_others_may_answer_too_is_answered_a_little_later() {
    let mut times = BTreeSet::new();
    let mut bench = Bench::standing(vec![eth0(&["10.0.0.5"])]);
    for _ in 0..50 {
        let asked = bench.now - bench.begun;
        bench.hear(&ask(&[question(
            "_http._tcp.local",
            kind::PTR,
            Audience::All,
        )]));
        assert_eq!(bench.said, []);
        bench.pass(ms(2_000));
        let (at, _) = bench.said[0];
        bench.said.clear();
        assert!((ms(20)..ms(120)).contains(&(at - asked)));
        times.insert(at - asked);
    }
    assert!(times.len() > 40);
}

#[tokio::test(start_paused = true)]
async fn the_same_is_told_once_a_second_but_to_who_is_about_to_take_it() {
    let mut bench = Bench::standing(vec![eth0(&["10.0.0.5"])]);
    let asked = ask(&[question("exstreamtv.local", kind::A, Audience::All)]);
    for _ in 0..1_000 {
        bench.hear(&asked);
        bench.pass(ms(10));
    }
    assert_eq!(bench.heard().len(), 10);
    let taken = probe("exstreamtv.local", &[Value::A([10, 0, 0, 9].into())]);
    bench.hear(&asked);
    bench.pass(ms(250));
    bench.hear_from("10.0.0.7:5353", &taken);
    assert_eq!(bench.heard().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_knows_it_already_is_not_told() {
    let mut bench = Bench::standing(vec![eth0(&["10.0.0.5", "10.0.0.6"])]);
    let knowing = |ttl_s, last: &[u8]| {
        let mut draft = Draft::question();
        let asked = question("exstreamtv.local", kind::A, Audience::All);
        draft.ask(&asked).unwrap();
        let known: Vec<_> = last
            .iter()
            .map(|last| Value::A([10, 0, 0, *last].into()))
            .collect();
        with(draft, Section::Answers, "exstreamtv.local", ttl_s, &known)
    };
    for (ttl_s, last, told) in [
        (120, &[5, 6][..], 0),
        (60, &[5, 6], 0),
        (59, &[5, 6], 1),
        (120, &[5], 1),
        (120, &[5, 7], 1),
    ] {
        bench.hear(&knowing(ttl_s, last));
        assert_eq!(bench.heard().len(), told, "{ttl_s} {last:?}");
        bench.pass(ms(2_000));
    }
    let mut draft = Draft::question();
    draft
        .ask(&question("_http._tcp.local", kind::PTR, Audience::All))
        .unwrap();
    let known = Value::Ptr(name(PAGE));
    let knowing = with(draft, Section::Answers, "_http._tcp.local", 4_000, &[known]);
    bench.hear(&knowing);
    bench.pass(ms(2_000));
    assert_eq!(bench.heard(), []);
}

#[tokio::test(start_paused = true)]
async fn who_wants_it_alone_is_told_alone_what_everybody_knows() {
    let asker: SocketAddr = "10.0.0.9:5353".parse().unwrap();
    let asked = ask(&[question("exstreamtv.local", kind::A, Audience::Asker)]);
    let mut bench = Bench::new(vec![eth0(&["10.0.0.5"])]);
    bench.pass(ms(5_000));
    bench.said.clear();
    bench.hear(&asked);
    assert_eq!(bench.heard(), [(To::Asker(asker), "=A +NSEC".to_owned())]);
    // A quarter of its time later some may have forgotten it.
    bench.pass(ms(30_000));
    bench.hear(&asked);
    assert_eq!(bench.heard(), [(V4, "=A +NSEC".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn who_knows_only_dns_is_answered_as_dns_does() {
    let mut bench = Bench::standing(vec![eth0(&["10.0.0.5"])]);
    let mut asked = ask(&[question("ExStreamTV.local", kind::A, Audience::All)]);
    asked[..2].copy_from_slice(&[0xAB, 0xCD]);
    for _ in 0..3 {
        bench.hear_from("10.0.0.9:40000", &asked);
        let (_, packet) = bench.said.pop().unwrap();
        assert_eq!(packet.to, To::Asker("10.0.0.9:40000".parse().unwrap()));
        assert_eq!(kinds(&packet.bytes), "?A =A +NSEC");
        assert_eq!(packet.bytes[..2], [0xAB, 0xCD]);
        assert_eq!(packet.bytes[12..asked.len()], asked[12..]);
        for record in records(&packet.bytes) {
            assert_eq!((record.ttl_s, record.claim), (10, Claim::Shared));
        }
    }
    bench.hear_from(
        "10.0.0.9:40000",
        &ask(&[question("_http._tcp.local", kind::PTR, Audience::All)]),
    );
    assert_eq!(bench.said, []);
    bench.pass(ms(120));
    assert_eq!(
        kinds(&bench.said[0].1.bytes),
        "?PTR =PTR +A +HostHas +SRV +TXT".replace("+HostHas", "+NSEC")
    );
}

#[tokio::test(start_paused = true)]
async fn one_asker_leaves_room_for_others() {
    let mut bench = Bench::standing(vec![eth0(&["10.0.0.5"])]);
    let asked = ask(&[question("_http._tcp.local", kind::PTR, Audience::All)]);
    for port in 20_000..30_000_u16 {
        bench.hear_from(&format!("10.0.0.9:{port}"), &asked);
    }
    assert_eq!(bench.responder.letters.len(), limits::MDNS_WAITING_EACH);
    for last in 10..250 {
        bench.hear_from(&format!("10.0.0.{last}:4000"), &asked);
    }
    assert_eq!(bench.responder.letters.len(), limits::MDNS_WAITING);
}

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
        let asked = bench.said.drain(..).last();
        let Some((_, packet)) = asked else { continue };
        let message = Message::read(&packet.bytes).unwrap();
        if let Some(Entry::Question(one)) = message.entries().next() {
            let host = one.name.to_string();
            bench.hear(&told(&host, &[Value::A([10, 0, 0, 9].into())]));
        }
    }
    // 15 at once, and then one in five seconds at most.
    let names = bench.responder.names.owned(super::Owned::Host).to_string();
    let number: u32 = names
        .trim_start_matches("exstreamtv-")
        .trim_end_matches(".local")
        .parse()
        .unwrap();
    assert!((20..32).contains(&number), "{names}");
}

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
