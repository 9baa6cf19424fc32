use super::{CardText, PlexServer, Reset, Wifi};
use crate::limits;
use crate::model::Secret;
use proptest::collection::vec;
use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;

fn card(text: &str) -> CardText {
    CardText::parse(text.as_bytes())
}

/// The one notice of a text.
fn notice(text: &str) -> String {
    let mut notices = card(text).notices;
    assert_eq!(notices.len(), 1, "{text:?}: {notices:?}");
    notices.remove(0)
}

const WHOLE: &str = "# my box\r\n\
    Name = K\u{fc}che\r\n\r\n\
    Wi-Fi name = \"Caf\u{e9} # 2\"\r\n\
    WIFI_PASSWORD=p4ss # w\u{f6}rd\r\n\
    wifi country : de   # where we live\r\n\
    plex_address = http://192.168.1.5:32400/web/index.html#!/\r\n\
    plex_token = abc-DEF_123\r\n\
    timezone = europe/berlin\r\n\
    language = ger\r\n\
    pairing_code = '  eight or more'\r\n\
    factory_reset = no\r\n\
    tuners = 3 # enough\r\n";

fn whole() -> CardText {
    CardText {
        name: Some("K\u{fc}che".to_owned()),
        wifi: Some(Wifi {
            name: "Caf\u{e9} # 2".to_owned(),
            password: Some(Secret::exactly("p4ss # w\u{f6}rd")),
            country: Some("DE".to_owned()),
        }),
        plex: Some(PlexServer {
            url: "http://192.168.1.5:32400".to_owned(),
            token: Secret::new("abc-DEF_123"),
        }),
        timezone: Some("Europe/Berlin".to_owned()),
        language: Some("deu".to_owned()),
        pairing_code: Some(Secret::exactly("  eight or more")),
        reset: Reset::Never,
        tuners: Some(3),
        notices: Vec::new(),
    }
}

/// A text as an editor writes it, in each way that editors have.
fn as_written(text: &str) -> Vec<Vec<u8>> {
    let marked = format!("\u{feff}{text}");
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    vec![
        text.into(),
        marked.clone().into(),
        text.replace("\r\n", "\n").into(),
        utf16(&marked, u16::to_le_bytes),
        utf16(&marked, u16::to_be_bytes),
        utf16(text, u16::to_le_bytes),
        utf16(text, u16::to_be_bytes),
        text.chars().map(|one| u8::try_from(one).unwrap()).collect(),
    ]
}

#[test]
fn every_key_is_heard_however_the_editor_wrote_it() {
    for bytes in as_written(WHOLE) {
        assert_eq!(CardText::parse(&bytes), whole(), "{bytes:?}");
    }
}

#[test]
fn the_file_as_it_comes_on_the_card_wishes_nothing_and_its_examples_are_right() {
    let delivered = include_str!("../../../assets/card/exstreamtv.txt");
    assert_eq!(card(delivered), CardText::default());
    assert_eq!(
        delivered.matches('\n').count(),
        delivered.matches("\r\n").count()
    );
    // With the first sign of each example taken away, as an owner does it.
    let mut uncommented = String::new();
    for line in delivered.lines() {
        let example = line.strip_prefix('#').filter(|rest| rest.contains(" = "));
        uncommented.push_str(example.unwrap_or(line));
        uncommented.push('\n');
    }
    let all = card(&uncommented);
    assert_eq!(all.notices, Vec::<String>::new());
    assert!(all.name.is_some() && all.timezone.is_some() && all.language.is_some());
    assert!(
        all.wifi
            .is_some_and(|wifi| wifi.password.is_some() && wifi.country.is_some())
    );
    assert!(all.plex.is_some() && all.pairing_code.is_some() && all.tuners.is_some());
    assert_eq!(all.reset, Reset::Wanted);
}

#[test]
fn a_wrong_value_costs_its_line_and_says_what_would_be_right() {
    for (text, right) in [
        ("tuners = many", "1 to 480"),
        ("tuners = 0", "1 to 480"),
        ("tuners = 481", "1 to 480"),
        ("wifi_password = short", "8 to 63"),
        ("timezone = Berlin", "Europe/Berlin"),
        ("pairing_code = 1234567", "8 to 128"),
        ("plex_address = my server", "http://192.168.1.5:32400"),
        ("plex_address = https://app.plex.tv/desktop", "in your home"),
        (
            "plex_address = http://me:secret@host",
            "http://192.168.1.5:32400",
        ),
        ("plex_token = two words", "without a space"),
        ("factory_reset = maybe", "yes or no"),
        ("wifi_country = Germany", "two letters"),
        ("wifi_country = UK", "GB"),
        ("name = a\tb", "short name"),
    ] {
        let both = card(&format!("\n{text}\nlanguage = de"));
        assert!(both.language.as_deref() == Some("deu"), "{text}");
        let words = both.notices.first().unwrap();
        assert!(words.starts_with("exstreamtv.txt, line 2: "), "{words}");
        assert!(words.contains(right), "{text}: {words}");
    }
}

#[test]
fn a_language_is_a_code() {
    assert!(notice("language = english").contains("eng, de or fra"));
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_one() {
    for (text, nearest) in [
        ("wifi_pasword = secret99", "wifi_password may be meant"),
        ("SSID = Home", "wifi_name may be meant"),
        ("time zone = UTC\ntunners = 4", "tuners may be meant"),
        ("hunter = 2", "the keys are name, wifi_name"),
        ("just words", "name = Living room"),
    ] {
        let words = notice(text);
        assert!(words.contains(nearest), "{text}: {words}");
        assert!(
            !words.contains("secret99") && !words.contains("hunter"),
            "{words}"
        );
    }
}

#[test]
fn what_is_left_empty_is_not_wished() {
    assert_eq!(
        card("name =\ntuners = # how many?\nwifi_name = \"\""),
        CardText::default()
    );
}

#[test]
fn a_key_that_stands_twice_counts_where_it_stands_last() {
    let twice = card("tuners = 2\ntuners = 3");
    assert_eq!(twice.tuners, Some(3));
    assert_eq!(
        twice.notices,
        ["exstreamtv.txt, line 2: tuners stands in line 1 too; this one counts."]
    );
}

#[test]
fn quotation_marks_are_taken_off_once_and_only_in_pairs() {
    for (said, password) in [
        ("\"with # sign\"", "with # sign"),
        ("\"\"in quotes\"\"", "\"in quotes\""),
        ("\"half open", "\"half open"),
        ("\u{201c}from a phone\u{201d}", "from a phone"),
        ("\u{201e}deutsch hier\u{201c}", "deutsch hier"),
        ("'  spaces  ' # mine", "  spaces  "),
        ("it's#fine = yes", "it's#fine = yes"),
    ] {
        let card = card(&format!(
            "wifi_name=n\nwifi_country=DE\nwifi_password = {said}"
        ));
        let wifi = card.wifi.unwrap();
        assert_eq!(wifi.password.unwrap().reveal(), password, "{said}");
    }
}

#[test]
fn wifi_needs_its_name_and_says_what_it_takes_for_granted() {
    assert!(notice("wifi_password = 12345678").contains("needs wifi_name"));
    let open = card("wifi_name = Guests\nwifi_country = US");
    assert!(
        open.notices[0].contains("open to everybody"),
        "{:?}",
        open.notices
    );
    assert!(open.wifi.is_some_and(|wifi| wifi.password.is_none()));
    let anywhere = notice("wifi_name = Home\nwifi_password = 12345678");
    assert!(anywhere.contains("wifi_country = DE"), "{anywhere}");
    // A password that cannot be right is not tried as none.
    assert_eq!(card("wifi_name = Home\nwifi_password = short").wifi, None);
}

#[test]
fn a_plex_server_needs_address_and_token() {
    assert!(notice("plex_address = 192.168.1.5").contains("plex.tv/link"));
    assert!(notice("plex_token = abc").contains("plex_address"));
    for (said, url) in [
        ("192.168.1.5", "http://192.168.1.5:32400"),
        ("NAS.local:32401", "http://nas.local:32401"),
        ("https://nas", "https://nas:32400"),
        (
            "http://10.0.0.2:32400/?X-Plex-Token=hidden",
            "http://10.0.0.2:32400",
        ),
        ("fe80::1", "http://[fe80::1]:32400"),
        ("[fd00::2]:1", "http://[fd00::2]:1"),
    ] {
        let card = card(&format!("plex_address = {said}\nplex_token = t"));
        assert_eq!(card.plex.unwrap().url, url);
    }
}

#[test]
fn a_reset_that_is_done_is_written_down_and_nothing_else_changes() {
    let asked = WHOLE.replace("factory_reset = no", "Factory reset:YES # please");
    let done = WHOLE.replace("factory_reset = no", "factory_reset = done");
    for (asked, done) in as_written(&asked).iter().zip(as_written(&done)) {
        assert_eq!(CardText::parse(asked).reset, Reset::Wanted);
        assert_eq!(CardText::with_reset_done(asked), done);
        assert_eq!(CardText::parse(&done).reset, Reset::Done);
    }
    for bytes in as_written(WHOLE) {
        assert_eq!(CardText::with_reset_done(&bytes), bytes);
    }
}

#[test]
fn a_file_that_is_too_large_is_told_and_not_read() {
    let mut text = "name = Box\n".to_owned();
    text.push_str(&"#".repeat(limits::CARD_TEXT_BYTES));
    let card = card(&text);
    assert_eq!(card.name, None);
    assert!(card.notices[0].contains("64 KiB"), "{:?}", card.notices);
}

#[test]
fn notices_are_bounded() {
    let card = card(&"nonsense\n".repeat(500));
    assert_eq!(card.notices.len(), limits::SENTENCES + 1);
    assert!(card.notices.last().unwrap().contains("450 more"));
}

/// Lines as people write them, with a word that nobody may see anywhere in them.
fn line() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("wifi_password".to_owned()),
        Just("wifi_name".to_owned()),
        Just("factory_reset".to_owned()),
        Just("yes".to_owned()),
        Just("=".to_owned()),
        Just(":".to_owned()),
        Just("\"".to_owned()),
        Just("#".to_owned()),
        Just(" ".to_owned()),
        Just("Xq7Zk9Wv".to_owned()),
        "[a-z_ ]{0,12}",
        any::<String>(),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_panic_and_a_reset_is_never_asked_for_again(bytes in vec(any::<u8>(), 0..400)) {
        let card = CardText::parse(&bytes);
        prop_assert!(card.notices.len() <= limits::SENTENCES + 1);
        prop_assert!(CardText::parse(&CardText::with_reset_done(&bytes)).reset != Reset::Wanted);
    }

    #[test]
    fn no_notice_repeats_what_was_written(lines in vec(line(), 0..12)) {
        let card = card(&lines.join("\n"));
        for notice in &card.notices {
            prop_assert!(!notice.contains("Xq7Zk9Wv"), "{}", notice);
        }
        let shown = format!("{:?}", card.wifi.and_then(|wifi| wifi.password));
        prop_assert!(!shown.contains("Xq7Zk9Wv"));
    }

    #[test]
    fn resets_end_in_every_text(lines in vec(line(), 0..12)) {
        for bytes in [lines.join("\n").into_bytes(), lines.join("\r\n").into_bytes()] {
            let done = CardText::with_reset_done(&bytes);
            prop_assert!(CardText::parse(&done).reset != Reset::Wanted);
            prop_assert_eq!(CardText::with_reset_done(&done), done);
        }
    }
}
