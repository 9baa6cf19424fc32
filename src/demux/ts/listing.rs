//! What a PMT says about its elementary streams: stream types (ISO/IEC 13818-1 table 2-34, ATSC
//! A/53, Blu-ray) and descriptors (§2.6, ETSI EN 300 468 §6.2).

use crate::media::{Medium, Role, VideoCodec, language};

/// What an elementary stream is, before anything of it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Video(VideoCodec),
    Audio(SoundCoding),
    /// Nothing that is carried: what it would be, what it is called, and for video or audio why
    /// not, otherwise what it is.
    Other(Medium, &'static str, &'static str),
}

/// How sound is framed. What is in the frames, they say themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SoundCoding {
    Adts,
    /// AC-3 and E-AC-3.
    Dolby,
    Mpeg,
}

/// An elementary stream of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) pid: u16,
    pub(super) kind: Kind,
    /// Its code as [`language::code`] gives it.
    pub(super) language: Option<String>,
    pub(super) role: Role,
}

const NOT_CARRIED: &str = "this codec is not carried";
const LATM: &str = "AAC in LATM is not carried";
const SUBTITLES: &str = "subtitles";
const NEITHER: &str = "neither video nor audio";

const REGISTRATION: u8 = 0x05;
const ISO_639_LANGUAGE: u8 = 0x0A;
const AC3: u8 = 0x6A;
const ENHANCED_AC3: u8 = 0x7A;
const EXTENSION: u8 = 0x7F;
/// `supplementary_audio_descriptor`, by its extension tag (EN 300 468 §6.4.11).
const SUPPLEMENTARY_AUDIO: u8 = 0x06;

/// Descriptors one after the other: tag and body.
pub(super) fn descriptors(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (&[tag, length], behind) = rest.split_first_chunk()?;
        let (body, next) = behind.split_at_checked(usize::from(length))?;
        rest = next;
        Some((tag, body))
    })
}

/// The streams of a PMT's body.
pub(super) fn streams(pmt: &[u8]) -> Option<Vec<Listing>> {
    let (&[_, _, high, low], behind) = pmt.split_first_chunk()?;
    let (program, mut rest) = behind.split_at_checked(length(high, low))?;
    let whole_disc = descriptors(program).any(is_disc);
    let mut listed = Vec::new();
    while let Some((&[stream_type, pid_high, pid_low, high, low], behind)) =
        rest.split_first_chunk()
    {
        let (about, next) = behind.split_at_checked(length(high, low))?;
        rest = next;
        let disc = whole_disc || descriptors(about).any(is_disc);
        listed.push(Listing {
            pid: u16::from_be_bytes([pid_high & 0x1F, pid_low]),
            kind: kind(stream_type, about, disc),
            language: language_of(about),
            role: role_of(about),
        });
    }
    Some(listed)
}

fn length(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high & 0x0F, low]))
}

/// Whether a descriptor says that this is a Blu-ray disc's or a camera's.
fn is_disc((tag, body): (u8, &[u8])) -> bool {
    tag == REGISTRATION && body.starts_with(b"HDMV")
}

fn kind(stream_type: u8, about: &[u8], disc: bool) -> Kind {
    match stream_type {
        0x01 => video("mpeg1video", NOT_CARRIED),
        0x02 => Kind::Video(VideoCodec::Mpeg2),
        0x1B => Kind::Video(VideoCodec::H264),
        0x24 => Kind::Video(VideoCodec::Hevc),
        0x03 | 0x04 => Kind::Audio(SoundCoding::Mpeg),
        0x0F => Kind::Audio(SoundCoding::Adts),
        0x81 | 0x84 | 0x87 | 0xA1 => Kind::Audio(SoundCoding::Dolby),
        0x06 => private(about),
        0x10 => video("mpeg4", NOT_CARRIED),
        0x1F | 0x20 | 0x23 => video("mvc", "a second view is not carried"),
        0x33 => video("vvc", NOT_CARRIED),
        0x42 | 0xD2 | 0xD4 => video("avs", NOT_CARRIED),
        0xEA => video("vc1", NOT_CARRIED),
        0x11 => audio("aac_latm", LATM),
        0x1C => audio("aac", "AAC without ADTS is not carried here"),
        0x80 if disc => audio("pcm_bluray", NOT_CARRIED),
        0x82 | 0x85 | 0x86 | 0x8A | 0xA2 => audio("dts", NOT_CARRIED),
        0x83 => audio("truehd", NOT_CARRIED),
        0x90 => neither("pgs", SUBTITLES),
        0x91 => neither("igs", "buttons"),
        0x92 => neither("text", SUBTITLES),
        _ => neither("data", NEITHER),
    }
}

/// What a stream of private data (0x06) is, by its descriptors.
fn private(about: &[u8]) -> Kind {
    let by_tag = |(tag, body): (u8, &[u8])| match tag {
        AC3 | ENHANCED_AC3 => Some(Kind::Audio(SoundCoding::Dolby)),
        0x7B => Some(audio("dts", NOT_CARRIED)),
        0x7C => Some(audio("aac", LATM)),
        0x45 | 0x46 => Some(neither("vbi", NEITHER)),
        0x56 => Some(neither("teletext", SUBTITLES)),
        0x59 => Some(neither("dvb_subtitle", SUBTITLES)),
        REGISTRATION => registered(body.get(..4)?),
        EXTENSION => match body.first()? {
            0x15 => Some(audio("ac4", NOT_CARRIED)),
            0x0E | 0x0F => Some(audio("dts", NOT_CARRIED)),
            _ => None,
        },
        _ => None,
    };
    let found = descriptors(about).find_map(by_tag);
    found.unwrap_or(neither("data", NEITHER))
}

/// What a registered format identifier stands for.
fn registered(identifier: &[u8]) -> Option<Kind> {
    Some(match identifier {
        b"AC-3" | b"EAC3" => Kind::Audio(SoundCoding::Dolby),
        b"HEVC" => Kind::Video(VideoCodec::Hevc),
        b"DTS1" | b"DTS2" | b"DTS3" | b"DTSH" => audio("dts", NOT_CARRIED),
        b"AC-4" => audio("ac4", NOT_CARRIED),
        b"Opus" => audio("opus", NOT_CARRIED),
        b"BSSD" => audio("s302m", NOT_CARRIED),
        b"VC-1" => video("vc1", NOT_CARRIED),
        b"AV01" => video("av1", NOT_CARRIED),
        _ => return None,
    })
}

fn video(codec: &'static str, why: &'static str) -> Kind {
    Kind::Other(Medium::Video, codec, why)
}

fn audio(codec: &'static str, why: &'static str) -> Kind {
    Kind::Other(Medium::Audio, codec, why)
}

fn neither(codec: &'static str, what: &'static str) -> Kind {
    Kind::Other(Medium::Neither, codec, what)
}

fn language_of(about: &[u8]) -> Option<String> {
    let (_, body) = descriptors(about).find(|(tag, _)| *tag == ISO_639_LANGUAGE)?;
    language::code(std::str::from_utf8(body.get(..3)?).ok()?)
}

/// Whether the sound is a description for the blind (ISO 639 `audio_type` 3, or DVB's editorial
/// classification 1), or other than the programme's own.
fn role_of(about: &[u8]) -> Role {
    let aside = descriptors(about).any(|(tag, body)| match (tag, body) {
        (ISO_639_LANGUAGE, [_, _, _, audio_type, ..]) => *audio_type == 3,
        (EXTENSION, [SUPPLEMENTARY_AUDIO, flags, ..]) => (flags >> 2) & 0x1F == 1,
        _ => false,
    });
    if aside { Role::Commentary } else { Role::Main }
}
