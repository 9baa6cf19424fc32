//! PAT, PMT and SDT (ISO/IEC 13818-1 §2.4.4, ETSI EN 300 468 §5.2.3), each in one packet.
//!
//! They are built once: a channel's tables never change while it is watched, since most clients
//! read them once. AC-3 and E-AC-3 are signalled the ATSC way (stream types 0x81 and 0x87 with a
//! registration), which libavformat, `ExoPlayer` and televisions all take.

use super::packet::{PACKET_BYTES, Pid};
use crate::media::{AudioCodec, Profile, VideoCodec};

const TRANSPORT_STREAM_ID: u16 = 1;
const PROGRAM: u16 = 1;

/// What a section may hold so that it fits one packet with its header and pointer field.
const SECTION_BYTES: usize = PACKET_BYTES - 5;
/// What the service's names may take together in the SDT.
const NAME_BYTES: usize = 60;

/// One section, checksum included.
type Section = heapless::Vec<u8, SECTION_BYTES>;

/// What the stream says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The channel's name.
    pub name: String,
    /// ISO 639-2 code of the channel's audio language; `und` where it varies.
    pub language: String,
}

/// The three tables as sections.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) association: Section,
    pub(super) map: Section,
    pub(super) service: Section,
    /// Whether audio goes as `private_stream_1`, as AC-3 has to (A/52 annex A).
    pub(super) audio_is_private: bool,
}

impl Tables {
    pub(super) fn new(profile: &Profile, service: &Service) -> Self {
        Self {
            association: association(),
            map: map(profile, &service.language),
            service: description(&service.name),
            audio_is_private: matches!(profile.audio.codec, AudioCodec::Ac3 | AudioCodec::Eac3),
        }
    }
}

fn association() -> Section {
    let mut body = heapless::Vec::new();
    put(&mut body, &PROGRAM.to_be_bytes());
    put(&mut body, &(0xE000 | Pid::Map.number()).to_be_bytes());
    section(0x00, TRANSPORT_STREAM_ID, &body)
}

fn map(profile: &Profile, language: &str) -> Section {
    let mut body = heapless::Vec::new();
    put(&mut body, &(0xE000 | Pid::Video.number()).to_be_bytes());
    put(&mut body, &[0xF0, 0x00]);
    let (kind, registration) = match profile.video {
        VideoCodec::H264 => (0x1B, None),
        VideoCodec::Hevc => (0x24, Some(b"HEVC")),
        VideoCodec::Mpeg2 => (0x02, None),
    };
    stream(&mut body, kind, Pid::Video, registration, None);
    let (kind, registration) = match profile.audio.codec {
        AudioCodec::Aac => (0x0F, None),
        AudioCodec::Ac3 => (0x81, Some(b"AC-3")),
        AudioCodec::Eac3 => (0x87, Some(b"EAC3")),
        // 0x04 is the type for the half sampling rates of ISO/IEC 13818-3.
        AudioCodec::Mp2 | AudioCodec::Mp3 if profile.audio.sample_rate < 32_000 => (0x04, None),
        AudioCodec::Mp2 | AudioCodec::Mp3 => (0x03, None),
    };
    stream(&mut body, kind, Pid::Audio, registration, Some(language));
    section(0x02, PROGRAM, &body)
}

/// One elementary stream of the PMT with its descriptors.
fn stream(
    body: &mut Section,
    kind: u8,
    pid: Pid,
    registration: Option<&[u8; 4]>,
    language: Option<&str>,
) {
    let mut descriptors: heapless::Vec<u8, 16> = heapless::Vec::new();
    if let Some(format) = registration {
        put(&mut descriptors, &[0x05, 4]);
        put(&mut descriptors, format);
    }
    if let Some(language) = language {
        let code = language.as_bytes().first_chunk::<3>().unwrap_or(b"und");
        put(&mut descriptors, &[0x0A, 4]);
        put(&mut descriptors, code);
        put(&mut descriptors, &[0]);
    }
    put(body, &[kind]);
    put(body, &(0xE000 | pid.number()).to_be_bytes());
    put(body, &[0xF0, u8::try_from(descriptors.len()).unwrap_or(0)]);
    put(body, &descriptors);
}

/// The SDT: the channel's name, as UTF-8.
fn description(name: &str) -> Section {
    const PROVIDER: &[u8] = b"EXStreamTV";
    let mut end = name.len().min(NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let name = name.get(..end).unwrap_or_default().as_bytes();
    let mut service = heapless::Vec::<u8, SECTION_BYTES>::new();
    put(&mut service, &[0x01]);
    for text in [PROVIDER, name] {
        // 0x15 says UTF-8 (EN 300 468 annex A.2).
        put(
            &mut service,
            &[u8::try_from(text.len() + 1).unwrap_or(0), 0x15],
        );
        put(&mut service, text);
    }
    let length = u8::try_from(service.len()).unwrap_or(0);
    let mut body = heapless::Vec::new();
    put(&mut body, &TRANSPORT_STREAM_ID.to_be_bytes());
    put(&mut body, &[0xFF]);
    put(&mut body, &PROGRAM.to_be_bytes());
    put(&mut body, &[0xFC, 0x80, length + 2, 0x48, length]);
    put(&mut body, &service);
    section(0x42, TRANSPORT_STREAM_ID, &body)
}

/// A section of version 0, valid now, the only one of its table.
fn section(table: u8, extension: u16, body: &Section) -> Section {
    let mut bytes = Section::new();
    let length = u8::try_from(body.len() + 9).unwrap_or(u8::MAX);
    // Private and reserved bits: the SDT has both set, the others the reserved ones only.
    let bits = if table == 0x42 { 0xF0 } else { 0xB0 };
    put(&mut bytes, &[table, bits, length]);
    put(&mut bytes, &extension.to_be_bytes());
    put(&mut bytes, &[0xC1, 0x00, 0x00]);
    put(&mut bytes, body);
    let crc = crc_32(&bytes);
    put(&mut bytes, &crc.to_be_bytes());
    bytes
}

/// CRC-32 as in ISO/IEC 13818-1 annex A: polynomial 0x04C11DB7, not reflected, no final XOR.
fn crc_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 24), |crc, _| {
            if crc & 0x8000_0000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x04C1_1DB7
            }
        })
    })
}

/// Appends what fits. Everything that is put here has a fixed size that does; the names were cut.
fn put<const N: usize>(to: &mut heapless::Vec<u8, N>, bytes: &[u8]) {
    let fitted = to.extend_from_slice(bytes);
    debug_assert!(fitted.is_ok(), "a table outgrew its packet");
}

#[cfg(test)]
mod tests {
    use super::{Service, Tables, crc_32};
    use crate::media::Profile;

    #[test]
    fn checksum_is_the_one_of_mpeg_2() {
        assert_eq!(crc_32(b"123456789"), 0x0376_E6E7);
    }

    #[test]
    fn a_section_with_its_checksum_sums_to_zero() {
        let name = "Ünïcode ".repeat(40);
        let service = Service {
            name,
            language: "eng".to_owned(),
        };
        let tables = Tables::new(&Profile::default(), &service);
        for section in [&tables.association, &tables.map, &tables.service] {
            assert_eq!(crc_32(section), 0);
            assert!(section.len() <= super::SECTION_BYTES);
            assert_eq!(usize::from(section[2]) + 3, section.len());
        }
    }
}
