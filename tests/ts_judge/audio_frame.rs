//! The headers of audio frames: ADTS (ISO/IEC 14496-3 §1.A.3.2), AC-3 and E-AC-3 (ATSC A/52 §5.3
//! and annex E §2.2), MPEG audio layers II and III (ISO/IEC 11172-3 §2.4.1.3).

/// What the header of an audio frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AudioFrame {
    pub(super) bytes: usize,
    /// Samples per channel; 0 for a dependent substream, which is heard with its master.
    pub(super) samples: u64,
    pub(super) sample_rate: u32,
    /// What may not change in a stream besides the rate: AAC's channel configuration, else 0.
    pub(super) fixed_layout: u8,
}

/// Reads the header at the front of `data`.
pub(super) fn read(stream_type: u8, data: &[u8]) -> Result<AudioFrame, String> {
    let frame = match stream_type {
        0x0F => adts(data),
        0x81 => ac3(data),
        0x87 => eac3(data),
        _ => mpeg(data),
    }?;
    if frame.bytes > data.len() {
        return Err(format!(
            "a frame of {} bytes has only {}",
            frame.bytes,
            data.len()
        ));
    }
    Ok(frame)
}

fn adts(data: &[u8]) -> Result<AudioFrame, String> {
    let &[0xFF, b1, b2, b3, b4, b5, b6, ..] = data else {
        return Err(no_sync(data));
    };
    if b1 & 0xF6 != 0xF0 {
        return Err(no_sync(data));
    }
    if b2 >> 6 != 1 {
        return Err(format!("AAC of object type {} and not LC", (b2 >> 6) + 1));
    }
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8_000, 7_350,
    ];
    let rate = RATES
        .get(usize::from(b2 >> 2 & 0x0F))
        .ok_or("an unknown AAC sample rate")?;
    let length = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5 >> 5);
    if length < 7 {
        return Err(format!("an AAC frame of {length} bytes"));
    }
    Ok(AudioFrame {
        bytes: length,
        samples: 1024 * (u64::from(b6 & 3) + 1),
        sample_rate: *rate,
        fixed_layout: (b2 & 1) << 2 | b3 >> 6,
    })
}

fn ac3(data: &[u8]) -> Result<AudioFrame, String> {
    let &[0x0B, 0x77, _, _, b4, b5, ..] = data else {
        return Err(no_sync(data));
    };
    if b5 >> 3 > 10 {
        return Err(format!("bitstream {} is not AC-3", b5 >> 3));
    }
    const KBITS: [usize; 19] = [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
    ];
    let code = usize::from(b4 & 0x3F);
    let kbits = KBITS.get(code / 2).ok_or("an unknown AC-3 frame size")?;
    let (sample_rate, bytes) = match b4 >> 6 {
        0 => (48_000, kbits * 4),
        1 => (44_100, 2 * (kbits * 320 / 147 + code % 2)),
        2 => (32_000, kbits * 6),
        _ => return Err("an unknown AC-3 sample rate".into()),
    };
    Ok(AudioFrame {
        bytes,
        samples: 1536,
        sample_rate,
        fixed_layout: 0,
    })
}

fn eac3(data: &[u8]) -> Result<AudioFrame, String> {
    let &[0x0B, 0x77, b2, b3, b4, b5, ..] = data else {
        return Err(no_sync(data));
    };
    if !(11..=16).contains(&(b5 >> 3)) {
        return Err(format!("bitstream {} is not E-AC-3", b5 >> 3));
    }
    let (sample_rate, blocks) = match (b4 >> 6, b4 >> 4 & 3) {
        (3, 0) => (24_000, 6),
        (3, 1) => (22_050, 6),
        (3, 2) => (16_000, 6),
        (3, _) => return Err("an unknown E-AC-3 sample rate".into()),
        (rate, blocks) => {
            let sample_rate = match rate {
                0 => 48_000,
                1 => 44_100,
                _ => 32_000,
            };
            (
                sample_rate,
                if blocks == 3 {
                    6
                } else {
                    u64::from(blocks) + 1
                },
            )
        }
    };
    // Only substream 0 of an independent stream moves the time on.
    let leads = b2 >> 6 != 1 && b2 >> 3 & 7 == 0;
    Ok(AudioFrame {
        bytes: ((usize::from(b2 & 7) << 8 | usize::from(b3)) + 1) * 2,
        samples: if leads { blocks * 256 } else { 0 },
        sample_rate,
        fixed_layout: 0,
    })
}

fn mpeg(data: &[u8]) -> Result<AudioFrame, String> {
    let &[0xFF, b1, b2, _, ..] = data else {
        return Err(no_sync(data));
    };
    let (version, layer) = (b1 >> 3 & 3, b1 >> 1 & 3);
    if b1 & 0xE0 != 0xE0 || version < 2 || !matches!(layer, 1 | 2) {
        return Err(no_sync(data));
    }
    const FIRST_II: [usize; 15] = [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ];
    const FIRST_III: [usize; 15] = [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ];
    const SECOND: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let table = match (version, layer) {
        (3, 2) => &FIRST_II,
        (3, _) => &FIRST_III,
        _ => &SECOND,
    };
    let kbits = table.get(usize::from(b2 >> 4)).filter(|&&kbits| kbits > 0);
    let kbits = kbits.ok_or("an MPEG audio frame without a bit rate")?;
    let full = match b2 >> 2 & 3 {
        0 => 44_100,
        1 => 48_000,
        2 => 32_000,
        _ => return Err("an unknown MPEG audio sample rate".into()),
    };
    let sample_rate: u32 = if version == 3 { full } else { full / 2 };
    let samples: u64 = if version == 2 && layer == 1 {
        576
    } else {
        1152
    };
    let per_second = usize::try_from(u64::from(sample_rate) * 8 / samples).unwrap_or(1);
    let bytes = if u64::from(sample_rate) * 8 % samples == 0 {
        kbits * 1000 / per_second
    } else {
        let bits = kbits * 1000 * usize::try_from(samples / 8).unwrap_or(0);
        bits / usize::try_from(sample_rate).unwrap_or(1)
    };
    Ok(AudioFrame {
        bytes: bytes + usize::from(b2 >> 1 & 1),
        samples,
        sample_rate,
        fixed_layout: 0,
    })
}

fn no_sync(data: &[u8]) -> String {
    format!(
        "no audio frame begins with {:02x?}",
        data.get(..4).unwrap_or(data)
    )
}
