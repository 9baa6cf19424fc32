//! Frames of HDHomeRun's discovery and control: type and length in big-endian, values with tag and
//! length, a CRC-32 (IEEE 802.3) in little-endian behind them. Pure.

/// Asks who is there.
pub(super) const DISCOVER: u16 = 2;

/// Says who is there.
pub(super) const DISCOVERED: u16 = 3;

/// Asks for a variable.
pub(super) const ASK: u16 = 4;

/// Tells it.
pub(super) const TOLD: u16 = 5;

/// What a device is; all ones for any.
pub(super) const DEVICE_TYPE: u8 = 0x01;

/// Its number; all ones for any.
pub(super) const DEVICE_ID: u8 = 0x02;

/// Name of a variable.
pub(super) const NAME: u8 = 0x03;

/// Value of a variable.
pub(super) const VALUE: u8 = 0x04;

/// Where the documents are.
pub(super) const BASE_URL: u8 = 0x2A;

/// Longest frame.
pub(super) const FRAME_BYTES: usize = 1_460;

/// A frame with these values, each shorter than 128 bytes.
pub(super) fn written(kind: u16, values: &[(u8, &[u8])]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (tag, value) in values {
        payload.extend([*tag, u8::try_from(value.len() & 0x7F).unwrap_or_default()]);
        payload.extend_from_slice(value);
    }
    let mut frame = kind.to_be_bytes().to_vec();
    let len = u16::try_from(payload.len()).unwrap_or_default();
    frame.extend(len.to_be_bytes());
    frame.append(&mut payload);
    let checksum = crc32fast::hash(&frame);
    frame.extend(checksum.to_le_bytes());
    frame
}

/// The payload of a whole frame of this kind; `None` for anything else.
pub(super) fn payload(frame: &[u8], kind: u16) -> Option<&[u8]> {
    let (body, checksum) = frame.split_last_chunk()?;
    let (head, payload) = body.split_first_chunk()?;
    let [k0, k1, l0, l1] = *head;
    let sound = crc32fast::hash(body) == u32::from_le_bytes(*checksum)
        && u16::from_be_bytes([k0, k1]) == kind
        && usize::from(u16::from_be_bytes([l0, l1])) == payload.len();
    sound.then_some(payload)
}

/// A value of a payload.
pub(super) fn value(payload: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut rest = payload;
    loop {
        let (&[tag, first], behind) = rest.split_first_chunk()?;
        let (len, behind) = match first {
            0..0x80 => (usize::from(first), behind),
            _ => {
                let (second, behind) = behind.split_first()?;
                (
                    usize::from(first & 0x7F) | usize::from(*second) << 7,
                    behind,
                )
            }
        };
        let (value, behind) = behind.split_at_checked(len)?;
        if tag == wanted {
            return Some(value);
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::{DEVICE_ID, DEVICE_TYPE, DISCOVER, TOLD, VALUE, payload, value, written};

    fn hex(digits: &str) -> Vec<u8> {
        let digit = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn the_question_is_that_of_the_makers_own_tool() {
        let any = [0xFF; 4];
        let frame = written(DISCOVER, &[(DEVICE_TYPE, &any), (DEVICE_ID, &any)]);
        assert_eq!(frame, hex("0002000c0104ffffffff0204ffffffff73cc7d8f"));
    }

    #[test]
    fn a_devices_answer_is_read_and_damage_is_noticed() {
        let frame =
            hex("0005001f030b2f7379732f6d6f64656c0004106864686f6d6572756e355f647662740034555f5b");
        let told = value(payload(&frame, TOLD).unwrap(), VALUE).unwrap();
        assert_eq!(told, b"hdhomerun5_dvbt\0");
        assert_eq!(payload(&frame, DISCOVER), None);
        for at in 0..frame.len() {
            let mut damaged = frame.clone();
            damaged[at] ^= 1;
            assert_eq!(payload(&damaged, TOLD), None, "{at}");
            assert_eq!(payload(&frame[..at], TOLD), None, "{at}");
        }
        assert_eq!(value(&[VALUE, 5, 1], VALUE), None);
        assert_eq!(value(&[VALUE, 0x80], VALUE), None);
    }
}
