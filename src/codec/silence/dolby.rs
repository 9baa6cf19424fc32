//! AC-3 and E-AC-3 frames in which no mantissa has a bit (ATSC A/52 §5.3, §5.4, §6.1, §7.10,
//! annex E §2.2): all signal-to-noise offsets are zero, and dither is off, so every transform
//! coefficient is zero.

use crate::codec::ac3::BLOCK_SAMPLES;
use crate::codec::bits::BitWriter;

/// Audio blocks of a frame.
const BLOCKS: u32 = 6;
const SAMPLES: u32 = BLOCKS * BLOCK_SAMPLES;

/// 64 kb/s at 48 kHz; the blocks need less than a third of it.
const FRAME_BYTES: usize = 256;
/// `frmsizecod` of that.
const AC3_SIZE_CODE: u32 = 8;

/// The generator without its highest term: x^16 + x^15 + x^2 + 1 (§7.10.1).
const CRC_POLYNOMIAL: u16 = 0x8005;

/// `dialnorm`: -31 dB, no change of loudness.
const DIALNORM: u32 = 31;

/// `chexpstr`: reuse, and new exponents shared by four coefficients.
const REUSE: u32 = 0;
const D45: u32 = 3;
/// `lfeexpstr`: new exponents, one for each coefficient.
const D15: u32 = 1;

/// The channels of a frame.
struct Layout {
    /// `acmod`
    mode: u32,
    /// Full bandwidth channels.
    full: u32,
    low_frequency: bool,
}

impl Layout {
    fn of(channels: u8) -> Option<Self> {
        let (mode, full) = match channels {
            1 => (1, 1),
            2 => (2, 2),
            3 => (3, 3),
            4 => (6, 4),
            5 | 6 => (7, 5),
            _ => return None,
        };
        Some(Self {
            mode,
            full,
            low_frequency: channels == 6,
        })
    }

    fn stereo(&self) -> bool {
        self.mode == 2
    }
}

/// A silent AC-3 frame with its length in samples; `None` where there is no such form here.
pub(super) fn ac3_frame(sample_rate: u32, channels: u8) -> Option<(Vec<u8>, u32)> {
    let layout = Layout::of(channels).filter(|_| sample_rate == 48_000)?;
    let mut bits = BitWriter::default();
    bits.put(16, 0x0B77);
    bits.put(16, 0); // crc1, sealed below
    bits.put(2, 0); // fscod: 48 kHz
    bits.put(6, AC3_SIZE_CODE);
    put_ac3_information(&mut bits, &layout);
    for block in 0..BLOCKS {
        put_ac3_block(&mut bits, &layout, block == 0);
    }
    let mut frame = bits.finish();
    frame.resize(FRAME_BYTES, 0);
    seal_first_part(&mut frame);
    seal(&mut frame);
    Some((frame, SAMPLES))
}

/// `bsi()` (§5.3.2).
fn put_ac3_information(bits: &mut BitWriter, layout: &Layout) {
    bits.put(5, 8); // bsid
    bits.put(3, 0); // bsmod: complete main
    bits.put(3, layout.mode);
    if layout.mode & 1 != 0 && layout.mode != 1 {
        bits.put(2, 0); // cmixlev: -3 dB
    }
    if layout.mode & 4 != 0 {
        bits.put(2, 0); // surmixlev: -3 dB
    }
    if layout.stereo() {
        bits.put(2, 0); // dsurmod: not indicated
    }
    bits.put(1, u32::from(layout.low_frequency));
    bits.put(5, DIALNORM);
    bits.put(3, 0); // compre, langcode, audprodie
    bits.put(2, 1); // copyrightb, origbs
    bits.put(3, 0); // timecod1e, timecod2e, addbsie
}

/// `audblk()` (§5.3.3). The first block says everything, the others repeat it.
fn put_ac3_block(bits: &mut BitWriter, layout: &Layout, first: bool) {
    let new = u32::from(first);
    bits.put(layout.full, 0); // blksw
    bits.put(layout.full, 0); // dithflag
    bits.put(1, 0); // dynrnge
    bits.put(1, new); // cplstre
    if first {
        bits.put(1, 0); // cplinu
    }
    if layout.stereo() {
        bits.put(1, new); // rematstr
        bits.put(if first { 4 } else { 0 }, 0); // rematflg
    }
    for _ in 0..layout.full {
        bits.put(2, if first { D45 } else { REUSE });
    }
    if layout.low_frequency {
        bits.put(1, if first { D15 } else { REUSE });
    }
    if first {
        put_exponents(bits, layout);
    }
    bits.put(1, new); // baie
    if first {
        bits.put(2 + 2 + 2 + 2 + 3, 0); // sdcycod, fdcycod, sgaincod, dbpbcod, floorcod
    }
    bits.put(1, new); // snroffste
    if first {
        bits.put(6, 0); // csnroffst
        for _ in 0..layout.full + u32::from(layout.low_frequency) {
            bits.put(4 + 3, 0); // fsnroffst, fgaincod
        }
    }
    bits.put(2, 0); // deltbaie, skiple
}

/// `chbwcod` and the exponents: the narrowest band, every exponent 15.
fn put_exponents(bits: &mut BitWriter, layout: &Layout) {
    const FLAT: u32 = 2 * 25 + 2 * 5 + 2; // three differences of 0
    bits.put(6 * layout.full, 0); // chbwcod: 73 coefficients
    for _ in 0..layout.full {
        bits.put(4, 15);
        for _ in 0..6 {
            bits.put(7, FLAT);
        }
        bits.put(2, 0); // gainrng
    }
    if layout.low_frequency {
        bits.put(4, 15);
        bits.put(7, FLAT);
        bits.put(7, FLAT);
    }
}

/// A silent E-AC-3 frame with its length in samples; `None` where there is no such form here.
pub(super) fn eac3_frame(sample_rate: u32, channels: u8) -> Option<(Vec<u8>, u32)> {
    let layout = Layout::of(channels).filter(|_| sample_rate == 48_000)?;
    let mut bits = BitWriter::default();
    bits.put(16, 0x0B77);
    bits.put(2, 0); // strmtyp: independent
    bits.put(3, 0); // substreamid
    bits.put(11, u32::try_from(FRAME_BYTES / 2 - 1).ok()?); // frmsiz
    bits.put(2, 0); // fscod: 48 kHz
    bits.put(2, 3); // numblkscod: 6
    bits.put(3, layout.mode);
    bits.put(1, u32::from(layout.low_frequency));
    bits.put(5, 16); // bsid
    bits.put(5, DIALNORM);
    bits.put(4, 0); // compre, mixmdate, infomdate, addbsie
    put_eac3_frame_information(&mut bits, &layout);
    for block in 0..BLOCKS {
        put_eac3_block(&mut bits, &layout, block == 0);
    }
    let mut frame = bits.finish();
    frame.resize(FRAME_BYTES, 0);
    seal(&mut frame);
    Some((frame, SAMPLES))
}

/// `audfrm()` (§E.2.2.3).
fn put_eac3_frame_information(bits: &mut BitWriter, layout: &Layout) {
    bits.put(1, 1); // expstre: strategies block by block
    bits.put(1, 0); // ahte
    bits.put(2, 0); // snroffststr: one for the frame
    bits.put(2, 0); // transproce, blkswe
    bits.put(1, 1); // dithflage: dither is on where it is not said to be off
    bits.put(5, 0); // bamode, frmfgaincode, dbaflde, skipflde, spxattene
    if layout.mode > 1 {
        bits.put(1, 0); // cplinu of the first block
        bits.put(BLOCKS - 1, 0); // cplstre of the others
    }
    for block in 0..BLOCKS {
        for _ in 0..layout.full {
            bits.put(2, if block == 0 { D45 } else { REUSE });
        }
    }
    if layout.low_frequency {
        bits.put(1, D15);
        bits.put(BLOCKS - 1, REUSE);
    }
    bits.put(5 * layout.full, 0); // convexpstr
    bits.put(6 + 4, 0); // frmcsnroffst, frmfsnroffst
    bits.put(1, 0); // blkstrtinfoe
}

/// `audblk()` (§E.2.2.4).
fn put_eac3_block(bits: &mut BitWriter, layout: &Layout, first: bool) {
    bits.put(layout.full, 0); // dithflag
    bits.put(1, 0); // dynrnge
    bits.put(1, 0); // spxinu of the first block, spxstre of the others
    if layout.stereo() {
        // The first block's rematstr is implied, and its four rematflg follow.
        bits.put(if first { 4 } else { 1 }, 0);
    }
    if first {
        put_exponents(bits, layout);
    }
    bits.put(1, 0); // convsnroffste
}

/// Sets `crc2`, the last word, so that the frame behind the sync word leaves no remainder.
fn seal(frame: &mut [u8]) {
    let crc = frame.get(2..FRAME_BYTES - 2).map_or(0, remainder);
    if let Some(last) = frame.last_chunk_mut::<2>() {
        *last = crc.to_be_bytes();
    }
}

/// Sets `crc1`, the word behind the sync word, so that the first 5/8 of the frame leave no
/// remainder. As it stands in front, what the rest needs is taken back bit by bit.
fn seal_first_part(frame: &mut [u8]) {
    let rest = frame.get(4..FRAME_BYTES * 5 / 8).unwrap_or_default();
    let mut crc = remainder(rest);
    for _ in 0..(rest.len() + 2) * 8 {
        let borrow = crc & 1;
        crc = if borrow == 1 {
            ((crc ^ CRC_POLYNOMIAL) >> 1) | 0x8000
        } else {
            crc >> 1
        };
    }
    if let Some(word) = frame.get_mut(2..4) {
        word.copy_from_slice(&crc.to_be_bytes());
    }
}

/// Remainder of `bytes` followed by 16 zero bits.
fn remainder(bytes: &[u8]) -> u16 {
    let mut crc = 0_u16;
    for byte in bytes {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            let carry = crc & 0x8000 != 0;
            crc <<= 1;
            if carry {
                crc ^= CRC_POLYNOMIAL;
            }
        }
    }
    crc
}
