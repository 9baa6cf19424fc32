//! The question who is there, and the box's answer. Pure.

use super::frame::{Draft, FRAME_BYTES, Frame, kind, tag};
use crate::model::Device;
use heapless::Vec;

/// A tuner, among the types of devices.
const TUNER: u32 = 1;

/// Any type, and any number.
const ANY: u32 = u32::MAX;

/// Longest address of a lineup that old libraries take.
const LINEUP_URL_BYTES: usize = 127;

/// The question that finds every device.
#[must_use]
pub(super) fn question() -> Vec<u8, FRAME_BYTES> {
    Draft::new(kind::DISCOVER_REQUEST)
        .with(tag::DEVICE_TYPE, &ANY.to_be_bytes())
        .with(tag::DEVICE_ID, &ANY.to_be_bytes())
        .finish()
}

/// Whether a frame asks for the device. Whoever asks says which types and which number are looked
/// for; who says nothing of one means any. A frame that is damaged within asks for nothing.
#[must_use]
pub fn asks_for(frame: &Frame<'_>, device: &Device) -> bool {
    if frame.kind != kind::DISCOVER_REQUEST {
        return false;
    }
    let meant = |value: &[u8], ours: u32| {
        let (words, rest) = value.as_chunks();
        let words = words.iter().map(|word| u32::from_be_bytes(*word));
        rest.is_empty() && words.into_iter().any(|one| one == ours || one == ANY)
    };
    frame.values().all(|value| match value {
        Ok(one) => match one.tag {
            tag::DEVICE_TYPE | tag::DEVICE_TYPES => meant(one.value, TUNER),
            tag::DEVICE_ID => meant(one.value, device.id.get()),
            _ => true,
        },
        Err(_) => false,
    })
}

/// The answer: who the box is, how many tuners it has, and where it is for whoever asks, `root`.
#[must_use]
pub fn answer(device: &Device, tuners: usize, root: &str) -> Vec<u8, FRAME_BYTES> {
    let lineup = format!("{root}/lineup.json");
    debug_assert!(lineup.len() <= LINEUP_URL_BYTES, "{lineup}");
    let tuners = u8::try_from(tuners).unwrap_or(u8::MAX);
    Draft::new(kind::DISCOVER_REPLY)
        .with(tag::DEVICE_TYPE, &TUNER.to_be_bytes())
        .with(tag::DEVICE_ID, &device.id.get().to_be_bytes())
        .with(tag::DEVICE_AUTH, device.auth.as_bytes())
        .with(tag::BASE_URL, root.as_bytes())
        .with(tag::TUNER_COUNT, &[tuners])
        .with(tag::LINEUP_URL, lineup.as_bytes())
        .finish()
}

/// The number of the device that a frame is an answer of, and the root of its URLs if it tells it.
#[must_use]
pub(super) fn answered<'a>(frame: &Frame<'a>) -> Option<(u32, Option<&'a [u8]>)> {
    if frame.kind != kind::DISCOVER_REPLY {
        return None;
    }
    let told = |tag| {
        let mut values = frame.values().map_while(Result::ok);
        values.find(|one| one.tag == tag).map(|one| one.value)
    };
    let id = u32::from_be_bytes(told(tag::DEVICE_ID)?.try_into().ok()?);
    Some((id, told(tag::BASE_URL)))
}

#[cfg(test)]
mod tests {
    use super::{answer, answered, asks_for, question};
    use crate::discover::frame::{Begun, Draft, Frame, kind, tag};
    use crate::model::Device;

    fn device() -> Device {
        Device {
            id: "1251129F".parse().unwrap(),
            udn: String::new(),
            auth: "bUD8GkD6Leo7JSgIfyXJF2ts".to_owned(),
            friendly_name: "Telly".to_owned(),
        }
    }

    fn hex(digits: &str) -> Vec<u8> {
        let digit = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(digit).collect()
    }

    fn asked(bytes: &[u8]) -> bool {
        matches!(Frame::read(bytes), Begun::Frame(frame, _) if asks_for(&frame, &device()))
    }

    #[test]
    fn the_questions_of_real_clients_are_answered() {
        for frame in [
            "0002000c0104ffffffff0204ffffffff73cc7d8f",
            "0002000c0104000000010204ffffffff4e507f35",
            "000200060104ffffffff4c20cb4e",
            "00020006010400000001393077e7",
            "0002000a2d0800000001000000054f63391f",
            "0002000c0104ffffffff02041251129f05c9ecde",
        ] {
            assert!(asked(&hex(frame)), "{frame}");
        }
        assert_eq!(
            question().as_slice(),
            hex("0002000c0104ffffffff0204ffffffff73cc7d8f")
        );
    }

    #[test]
    fn questions_for_others_are_not_answered() {
        let of = |kind, values: &[(u8, &[u8])]| {
            let draft = values.iter().fold(Draft::new(kind), |draft, (tag, value)| {
                draft.with(*tag, value)
            });
            draft.finish()
        };
        let request = kind::DISCOVER_REQUEST;
        assert!(asked(&of(request, &[])));
        for (why, frame) in [
            ("storage", of(request, &[(tag::DEVICE_TYPE, &[0, 0, 0, 5])])),
            (
                "storages",
                of(request, &[(tag::DEVICE_TYPES, &[0, 0, 0, 5])]),
            ),
            (
                "foreign",
                of(request, &[(tag::DEVICE_ID, &[0x12, 0x42, 0x05, 0xA5])]),
            ),
            ("short", of(request, &[(tag::DEVICE_ID, &[0xFF, 0xFF])])),
            ("no words", of(request, &[(tag::DEVICE_TYPE, &[])])),
            (
                "odd words",
                of(request, &[(tag::DEVICE_TYPES, &[0, 0, 0, 1, 0])]),
            ),
            ("answer", of(kind::DISCOVER_REPLY, &[])),
            ("variable", of(kind::VARIABLE_REQUEST, &[])),
        ] {
            assert!(!asked(&frame), "{why}");
        }
    }

    #[test]
    fn the_answer_is_that_of_the_hardware() {
        let ours = answer(&device(), 2, "http://10.99.0.1:80");
        let real = hex(
            "0003005f01040000000102041251129f2b1862554438476b44364c656f374a5367496679584a463274732a\
             13687474703a2f2f31302e39392e302e313a3830100102271f687474703a2f2f31302e39392e302e313a38\
             302f6c696e6575702e6a736f6edfd6a1b5",
        );
        assert_eq!(ours.as_slice(), real);
        let Begun::Frame(frame, _) = Frame::read(&real) else {
            panic!("no frame");
        };
        let root = b"http://10.99.0.1:80".as_slice();
        assert_eq!(answered(&frame), Some((0x1251_129F, Some(root))));
        let ours = answer(&device(), 2, "http://[fd99::1]:80");
        assert_eq!(ours.last_chunk(), Some(&[0x23, 0x60, 0xB6, 0x9B]));
    }
}
