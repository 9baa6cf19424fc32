//! Pictures: made for whoever asks, one colour per title, a darker one at the edge so that scaling
//! shows.

use super::answer::{Answer, bytes};
use super::item::mixed;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

/// No larger than this, each way.
const MOST_PIXELS: u32 = 2000;

/// An answer with a picture of so many pixels for a title.
pub(crate) fn answer(seed: u64, width: u32, height: u32) -> Answer {
    let width = width.clamp(1, MOST_PIXELS);
    let height = height.clamp(1, MOST_PIXELS);
    bytes(200, "image/png", png(seed, width, height))
}

/// PNG (ISO/IEC 15948): 8 bits of red, green and blue, no filter.
fn png(seed: u64, width: u32, height: u32) -> Vec<u8> {
    let colors = mixed(seed).to_le_bytes();
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
    for y in 0..height {
        rows.write_all(&[0]).unwrap();
        for x in 0..width {
            let is_edge = x == 0 || y == 0 || x == width - 1 || y == height - 1;
            let shade = |c: u8| if is_edge { c / 2 } else { c };
            rows.write_all(&[colors[0], colors[1], colors[2]].map(shade))
                .unwrap();
        }
    }
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut all = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut all, b"IHDR", &header);
    chunk(&mut all, b"IDAT", &rows.finish().unwrap());
    chunk(&mut all, b"IEND", &[]);
    all
}

fn chunk(all: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(content);
    all.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
    all.extend(kind);
    all.extend(content);
    all.extend(sum.sum().to_be_bytes());
}
