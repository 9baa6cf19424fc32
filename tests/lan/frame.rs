//! HDHomeRun's frames, written and read once more: this shares no code with the box.
//!
//! A frame is a type and a length, big-endian, tagged values, and a CRC-32 of all that,
//! little-endian. A value's length takes one byte up to 127, two from there on.

/// Asks who is there.
pub(crate) const DISCOVER: u16 = 2;
/// Says who is.
pub(crate) const FOUND: u16 = 3;
/// Gets or sets a variable.
pub(crate) const GET_SET: u16 = 4;
/// Says what it is now.
pub(crate) const ANSWER: u16 = 5;

/// Tags of values.
pub(crate) const TYPE: u8 = 0x01;
pub(crate) const ID: u8 = 0x02;
pub(crate) const NAME: u8 = 0x03;
pub(crate) const VALUE: u8 = 0x04;
pub(crate) const ERROR: u8 = 0x05;
pub(crate) const TUNERS: u8 = 0x10;
pub(crate) const KEY: u8 = 0x15;
pub(crate) const LINEUP: u8 = 0x27;
pub(crate) const BASE: u8 = 0x2a;
pub(crate) const AUTH: u8 = 0x2b;
pub(crate) const TYPES: u8 = 0x2d;

/// A frame that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u16,
    /// Tags and values, as they came.
    pub(crate) values: Vec<(u8, Vec<u8>)>,
}

impl Frame {
    /// Reads exactly one frame; says what is wrong with anything else.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let length = length(bytes).ok_or("it has no head")?;
        if bytes.len() != length {
            return Err(format!("{} bytes, not {length}", bytes.len()));
        }
        let (body, sum) = bytes.split_at(length - 4);
        let (is, says) = (crc(body), u32::from_le_bytes(sum.try_into().unwrap()));
        if is != says {
            return Err(format!("the CRC is {is:08x}, not {says:08x}"));
        }
        let mut rest = &body[4..];
        let mut values = Vec::new();
        while let Some((&tag, after)) = rest.split_first() {
            let (&first, after) = after.split_first().ok_or("a tag without a length")?;
            let (length, after) = match first {
                0..=0x7f => (usize::from(first), after),
                _ => {
                    let (&second, after) = after.split_first().ok_or("half a length")?;
                    (usize::from(first & 0x7f) | usize::from(second) << 7, after)
                }
            };
            let value = after.get(..length).ok_or("a value that is cut off")?;
            values.push((tag, value.to_vec()));
            rest = &after[length..];
        }
        let kind = u16::from_be_bytes([bytes[0], bytes[1]]);
        Ok(Self { kind, values })
    }

    /// The tags in their order.
    pub(crate) fn tags(&self) -> Vec<u8> {
        self.values.iter().map(|(tag, _)| *tag).collect()
    }

    /// The first value with a tag.
    pub(crate) fn value(&self, tag: u8) -> Option<&[u8]> {
        let mut all = self.values.iter();
        all.find(|(other, _)| *other == tag)
            .map(|(_, value)| value.as_slice())
    }

    /// The same as text.
    pub(crate) fn text(&self, tag: u8) -> Option<&str> {
        self.value(tag)
            .map(|value| std::str::from_utf8(value).unwrap())
    }
}

/// How long the whole frame is that begins here, as its head says.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(2..4)?;
    Some(8 + usize::from(u16::from_be_bytes([length[0], length[1]])))
}

/// A frame with these values.
pub(crate) fn frame(kind: u16, values: &[(u8, &[u8])]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (tag, value) in values {
        payload.push(*tag);
        match value.len() {
            short @ ..=0x7f => payload.push(short as u8),
            long => payload.extend([(long & 0x7f) as u8 | 0x80, (long >> 7) as u8]),
        }
        payload.extend_from_slice(value);
    }
    sealed(kind, payload.len() as u16, &payload)
}

/// A frame whose head may say another length than its payload has. Its CRC is right.
pub(crate) fn sealed(kind: u16, length: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [kind.to_be_bytes(), length.to_be_bytes()].concat();
    bytes.extend_from_slice(payload);
    let sum = crc(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// Asks for devices of a type and with an id.
pub(crate) fn discover(kind: u32, id: u32) -> Vec<u8> {
    let values = [(TYPE, &kind.to_be_bytes()[..]), (ID, &id.to_be_bytes()[..])];
    frame(DISCOVER, &values)
}

/// A name or a value as it stands in a get/set frame.
pub(crate) fn ended(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

/// Asks what a variable is.
pub(crate) fn get(name: &str) -> Vec<u8> {
    frame(GET_SET, &[(NAME, &ended(name))])
}

/// Sets a variable, with the key to a lock or without.
pub(crate) fn set(name: &str, value: &str, key: Option<u32>) -> Vec<u8> {
    let (name, value) = (ended(name), ended(value));
    let mut values: Vec<(u8, &[u8])> = vec![(NAME, &name), (VALUE, &value)];
    let key = key.map(u32::to_be_bytes);
    values.extend(key.as_ref().map(|key| (KEY, &key[..])));
    frame(GET_SET, &values)
}

/// CRC-32 as Ethernet has it, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for &byte in bytes {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            let low = sum & 1;
            sum = (sum >> 1) ^ (0xedb8_8320 & low.wrapping_neg());
        }
    }
    !sum
}

/// The bytes that are written so.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn frames_are_those_of_real_clients() {
    for (made, hex) in [
        (
            discover(u32::MAX, u32::MAX),
            "0002000c0104ffffffff0204ffffffff73cc7d8f",
        ),
        (
            discover(1, u32::MAX),
            "0002000c0104000000010204ffffffff4e507f35",
        ),
        (
            discover(u32::MAX, 0x1251_129f),
            "0002000c0104ffffffff02041251129f05c9ecde",
        ),
        (
            get("/sys/model"),
            "0004000d030b2f7379732f6d6f64656c008f5b54b5",
        ),
        (
            set("/tuner0/channel", "none", Some(12_345)),
            "0004001f03102f74756e6572302f6368616e6e656c0004056e6f6e6500150400003039c4695dae",
        ),
    ] {
        assert_eq!(made, bytes(hex));
        assert!(Frame::read(&made).is_ok());
    }
    let long = "00050095030e2f74756e6572312f64656275670004820174756e3a2063683d6e6f6e65206c6f636b3d6e\
                6f6e652073733d3020736e713d30207365713d30206462673d300a6465763a206270733d302072657379\
                6e633d30206f766572666c6f773d300a74733a20206270733d302074653d30206372633d300a6e65743a\
                206270733d30207070733d30206572723d302073746f703d300a0089e38c80";
    let long = Frame::read(&bytes(long)).unwrap();
    assert_eq!(long.kind, ANSWER);
    assert_eq!(long.value(VALUE).unwrap().len(), 130);
    assert_eq!(
        frame(ANSWER, &[(VALUE, long.value(VALUE).unwrap())])[4..7],
        [4, 0x82, 1]
    );
}
