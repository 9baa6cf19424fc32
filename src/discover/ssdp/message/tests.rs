use super::{Notice, Search, Sought, answer, notice};
use proptest::prelude::{any, prop, proptest};
use std::time::Duration;

const UDN: &str = "0A1B2C3D-0000-4000-8000-00000000CAFE";

/// As gssdp writes it.
const SEARCH: &str = "M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\n\
    Man: \"ssdp:discover\"\r\nST: upnp:rootdevice\r\nMX: 3\r\nUser-Agent: x GSSDP/1.6.2\r\n\r\n";

fn window_ms(mx: &str) -> u128 {
    let text = SEARCH.replace("MX: 3", mx);
    let search = Search::parse(text.as_bytes()).unwrap();
    search.window.as_millis()
}

#[test]
fn a_search_is_understood_whatever_the_case_of_its_headers() {
    for text in [
        SEARCH.to_owned(),
        SEARCH.replace("Man:", "MAN:").replace("MX:", "mx:"),
        SEARCH.replace("ST: ", "st:"),
        SEARCH.replace("\r\n", "\n"),
    ] {
        let search = Search::parse(text.as_bytes()).unwrap();
        assert_eq!(search.target, "upnp:rootdevice");
        assert_eq!(search.window, Duration::from_millis(2_800));
    }
}

#[test]
fn what_is_no_search_is_not_answered() {
    for (from, to) in [
        ("M-SEARCH", "NOTIFY"),
        ("M-SEARCH", "m-search"),
        ("M-SEARCH *", "M-SEARCH /"),
        ("\"ssdp:discover\"", "ssdp:discover"),
        ("\"ssdp:discover\"", "\"ssdp:Discover\""),
        ("Man: \"ssdp:discover\"\r\n", ""),
        ("MX: 3\r\n", ""),
        ("ST: upnp:rootdevice\r\n", ""),
        ("x GSSDP/1.6.2\r\n\r\n", "x"),
        ("M-SEARCH * HTTP/1.1\r\n", ""),
    ] {
        let text = SEARCH.replace(from, to);
        assert_eq!(Search::parse(text.as_bytes()), None, "{to}");
    }
    let alive = notice(
        Notice::Alive,
        Sought::Root,
        UDN,
        "http://h",
        [239, 255, 255, 250].into(),
    );
    assert_eq!(Search::parse(alive.as_bytes()), None);
}

#[test]
fn answers_come_while_the_asker_waits() {
    for (mx, ms) in [
        ("MX: 1", 800),
        ("MX: 2", 1_800),
        ("MX: 3", 2_800),
        ("MX: 4", 2_800),
        ("MX: 120", 2_800),
        ("MX: 99999999999999999999999", 2_800),
        ("MX: 0", 200),
        ("MX:", 200),
        ("MX: soon", 200),
        ("MX: -1", 200),
        ("MX: +1", 200),
    ] {
        assert_eq!(window_ms(mx), ms, "{mx}");
    }
}

#[test]
fn a_target_is_matched_exactly() {
    let wanted = |st: &str| {
        let text = SEARCH.replace("upnp:rootdevice", st);
        let search = Search::parse(text.as_bytes()).unwrap();
        Sought::ALL.map(|target| search.wants(target, UDN))
    };
    let own = format!("uuid:{UDN}");
    for (st, all) in [
        ("ssdp:all", [true, true, true]),
        ("upnp:rootdevice", [true, false, false]),
        (&own, [false, true, false]),
        (
            "urn:schemas-upnp-org:device:MediaServer:1",
            [false, false, true],
        ),
        ("SSDP:ALL", [false; 3]),
        ("upnp:RootDevice", [false; 3]),
        (&own.to_lowercase(), [false; 3]),
        ("uuid:", [false; 3]),
        ("urn:schemas-upnp-org:device:MediaServer:2", [false; 3]),
        ("urn:schemas-upnp-org:device:MediaRenderer:1", [false; 3]),
        ("", [false; 3]),
    ] {
        assert_eq!(wanted(st), all, "{st}");
    }
}

#[test]
fn an_answer_is_that_of_the_hardware() {
    assert_eq!(
        answer(
            Sought::MediaServer,
            UDN,
            "http://10.0.0.5:80",
            Some(784_111_777_000)
        ),
        "HTTP/1.1 200 OK\r\n\
         Server: HDHomeRun/1.0 UPnP/1.0\r\n\
         ST: urn:schemas-upnp-org:device:MediaServer:1\r\n\
         Location: http://10.0.0.5:80/device.xml\r\n\
         Cache-Control: max-age=1800\r\n\
         USN: uuid:0A1B2C3D-0000-4000-8000-00000000CAFE::urn:schemas-upnp-org:device:MediaServer:1\r\n\
         Ext:\r\n\
         Content-Length: 0\r\n\
         Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
         \r\n"
    );
}

#[test]
fn an_answer_without_a_date_says_none() {
    assert_eq!(
        answer(Sought::Device, UDN, "http://[fd00::5]:8411", None),
        "HTTP/1.1 200 OK\r\n\
         Server: HDHomeRun/1.0 UPnP/1.0\r\n\
         ST: uuid:0A1B2C3D-0000-4000-8000-00000000CAFE\r\n\
         Location: http://[fd00::5]:8411/device.xml\r\n\
         Cache-Control: max-age=1800\r\n\
         USN: uuid:0A1B2C3D-0000-4000-8000-00000000CAFE\r\n\
         Ext:\r\n\
         Content-Length: 0\r\n\
         \r\n"
    );
}

#[test]
fn a_notice_is_that_of_the_hardware() {
    let root = "http://10.0.0.5:80";
    let group = [239, 255, 255, 250].into();
    assert_eq!(
        notice(Notice::Alive, Sought::Root, UDN, root, group),
        "NOTIFY * HTTP/1.1\r\n\
         Host: 239.255.255.250:1900\r\n\
         NT: upnp:rootdevice\r\n\
         NTS: ssdp:alive\r\n\
         Server: HDHomeRun/1.0 UPnP/1.0\r\n\
         Location: http://10.0.0.5:80/device.xml\r\n\
         Cache-Control: max-age=1800\r\n\
         USN: uuid:0A1B2C3D-0000-4000-8000-00000000CAFE::upnp:rootdevice\r\n\
         \r\n"
    );
    assert_eq!(
        notice(
            Notice::ByeBye,
            Sought::Device,
            UDN,
            root,
            "ff02::c".parse().unwrap()
        ),
        "NOTIFY * HTTP/1.1\r\n\
         Host: [ff02::c]:1900\r\n\
         NT: uuid:0A1B2C3D-0000-4000-8000-00000000CAFE\r\n\
         NTS: ssdp:byebye\r\n\
         USN: uuid:0A1B2C3D-0000-4000-8000-00000000CAFE\r\n\
         \r\n"
    );
}

proptest! {
    #[test]
    fn no_bytes_break_the_reading(bytes in prop::collection::vec(any::<u8>(), 0..2_048)) {
        let _ = Search::parse(&bytes);
    }

    #[test]
    fn no_damaged_search_breaks_the_reading(
        cut in 0..SEARCH.len(),
        at in 0..SEARCH.len(),
        with in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut bytes = SEARCH.as_bytes().to_vec();
        bytes.splice(at..at, with);
        let _ = Search::parse(&bytes);
        let _ = Search::parse(&bytes[..cut]);
    }

    #[test]
    fn whatever_is_asked_is_answered_in_time(mx in "[ -~]{0,24}") {
        let ms = window_ms(&format!("MX: {mx}"));
        assert!((200..=2_800).contains(&ms), "{ms}");
    }
}
