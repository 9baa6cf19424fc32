//! What one access unit of video holds: delimiters, parameter sets, pictures. No more of the
//! syntax is read than that (ISO/IEC 14496-10 §7.3, ISO/IEC 23008-2 §7.3, ISO/IEC 13818-2 §6.2).

/// What was found in the bytes of one PES packet of video.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Access unit delimiters.
    pub(super) delimiters: usize,
    /// The first unit is a delimiter.
    pub(super) delimiter_first: bool,
    /// Coded pictures, counting a field as half of one, in halves.
    pub(super) half_pictures: usize,
    /// An IDR, IRAP or I picture.
    pub(super) key: bool,
    /// A recovery point message: decoding may begin without an IDR.
    pub(super) recovery_point: bool,
    /// All parameter sets that a decoder needs to begin.
    pub(super) parameter_sets: bool,
    /// The bytes do not begin with a start code.
    pub(super) headless: bool,
}

/// H.264. `interlaced` remembers what the last sequence parameter set said about fields.
pub(super) fn h264(data: &[u8], interlaced: &mut bool) -> Contents {
    let mut contents = Contents {
        headless: !starts_with_code(data),
        ..Contents::default()
    };
    let (mut sps, mut pps, mut first_slices) = (false, false, 0);
    for (index, nal) in units(data).enumerate() {
        let Some((head, body)) = nal.split_first() else {
            continue;
        };
        match head & 0x1F {
            9 => {
                contents.delimiters += 1;
                contents.delimiter_first |= index == 0;
            }
            7 => {
                sps = true;
                *interlaced = sps_allows_fields(body).unwrap_or(*interlaced);
            }
            8 => pps = true,
            6 => contents.recovery_point |= has_recovery_point(body),
            kind @ (1 | 5) => {
                contents.key |= kind == 5;
                // first_mb_in_slice is 0, written as a single 1 bit.
                first_slices += usize::from(body.first().is_some_and(|byte| byte & 0x80 != 0));
            }
            _ => {}
        }
    }
    // Two fields make one access unit; a single field of a pair in a unit of its own does not.
    contents.half_pictures = if *interlaced && first_slices == 2 {
        2
    } else {
        first_slices * 2
    };
    contents.parameter_sets = sps && pps;
    contents
}

/// HEVC.
pub(super) fn hevc(data: &[u8]) -> Contents {
    let mut contents = Contents {
        headless: !starts_with_code(data),
        ..Contents::default()
    };
    let (mut vps, mut sps, mut pps) = (false, false, false);
    for (index, nal) in units(data).enumerate() {
        let &[head, layer, ref body @ ..] = nal else {
            continue;
        };
        let base_layer = head & 1 == 0 && layer >> 3 == 0;
        match head >> 1 & 0x3F {
            35 => {
                contents.delimiters += 1;
                contents.delimiter_first |= index == 0;
            }
            32 => vps = true,
            33 => sps = true,
            34 => pps = true,
            kind @ 0..=31 if base_layer && body.first().is_some_and(|byte| byte & 0x80 != 0) => {
                contents.half_pictures += 2;
                contents.key |= (16..=23).contains(&kind);
            }
            _ => {}
        }
    }
    contents.parameter_sets = vps && sps && pps;
    contents
}

/// MPEG-2 video, which has no delimiter.
pub(super) fn mpeg2(data: &[u8]) -> Contents {
    let mut contents = Contents {
        headless: !starts_with_code(data),
        ..Contents::default()
    };
    let mut pictures = 0;
    let mut fields = 0;
    for unit in units(data) {
        match unit {
            [0x00, _, kind, ..] => {
                pictures += 1;
                contents.key |= kind >> 3 & 7 == 1;
            }
            [0xB3, ..] => contents.parameter_sets = true,
            // Picture coding extension: a structure that is not a frame is a field.
            [0xB5, id, _, structure, ..] if id >> 4 == 8 && structure & 3 != 3 => fields += 1,
            _ => {}
        }
    }
    contents.half_pictures = pictures * 2 - fields.min(pictures);
    contents
}

fn starts_with_code(data: &[u8]) -> bool {
    let zeros = data.iter().take_while(|&&byte| byte == 0).count();
    zeros >= 2 && data.get(zeros) == Some(&1)
}

/// The units between start codes, without the codes.
fn units(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut starts = code_ends(data).peekable();
    std::iter::from_fn(move || {
        let start = starts.next()?;
        let end = starts.peek().map_or(data.len(), |next| next - 3);
        data.get(start..end)
    })
}

/// The positions just behind each `00 00 01`.
fn code_ends(data: &[u8]) -> impl Iterator<Item = usize> {
    data.windows(3)
        .enumerate()
        .filter(|(_, window)| *window == [0, 0, 1])
        .map(|(at, _)| at + 3)
}

/// Whether a supplemental message (§7.3.2.3.1) is a recovery point (payload type 6).
fn has_recovery_point(body: &[u8]) -> bool {
    let clean = without_emulation(body);
    let mut rest = clean.as_slice();
    // What is left after the last message is the stop bit alone.
    while rest.len() > 2 {
        let Some((kind, after)) = message_number(rest) else {
            return false;
        };
        let Some((length, after)) = message_number(after) else {
            return false;
        };
        if kind == 6 {
            return true;
        }
        rest = after.get(length..).unwrap_or_default();
    }
    false
}

fn message_number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let ones = bytes.iter().take_while(|&&byte| byte == 0xFF).count();
    Some((
        ones * 255 + usize::from(*bytes.get(ones)?),
        bytes.get(ones + 1..)?,
    ))
}

fn without_emulation(body: &[u8]) -> Vec<u8> {
    let mut zeros = 0;
    let mut clean = Vec::with_capacity(body.len());
    for &byte in body {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        clean.push(byte);
    }
    clean
}

/// `frame_mbs_only_flag == 0` of a sequence parameter set (§7.3.2.1.1), whose bytes begin behind
/// the NAL header.
fn sps_allows_fields(body: &[u8]) -> Option<bool> {
    let clean = without_emulation(body);
    let profile = *clean.first()?;
    let mut bits = Bits {
        bytes: clean.get(3..)?,
        at: 0,
    };
    bits.number()?;
    if matches!(
        profile,
        44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 138 | 139 | 244
    ) {
        let chroma = bits.number()?;
        if chroma == 3 {
            bits.bit()?;
        }
        bits.number()?;
        bits.number()?;
        bits.bit()?;
        if bits.bit()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.bit()? {
                    bits.skip_scaling_list(if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.number()?;
    match bits.number()? {
        0 => {
            bits.number()?;
        }
        1 => {
            bits.bit()?;
            bits.number()?;
            bits.number()?;
            for _ in 0..bits.number()? {
                bits.number()?;
            }
        }
        _ => {}
    }
    bits.number()?;
    bits.bit()?;
    bits.number()?;
    bits.number()?;
    Some(!bits.bit()?)
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// ue(v), §9.1.
    fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let mut value: u32 = 1;
        for _ in 0..zeros {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value - 1)
    }

    /// §7.3.2.1.1.1.
    fn skip_scaling_list(&mut self, length: usize) -> Option<()> {
        let (mut last, mut next): (i64, i64) = (8, 8);
        for _ in 0..length {
            if next != 0 {
                let code = i64::from(self.number()?);
                let delta = if code % 2 == 1 {
                    (code + 1) / 2
                } else {
                    -(code / 2)
                };
                next = (last + delta).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
        Some(())
    }
}
