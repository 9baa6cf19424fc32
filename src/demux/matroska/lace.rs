//! Frames of a laced block (RFC 9559 §10.3): where each one lies.

use super::cluster::{Block, Lacing};
use super::ebml::{self, Halt, Step};
use super::window::Window;
use bytes::Bytes;

/// Sizes of all frames but the last: their count is written in a byte.
type Sizes = heapless::Vec<usize, { u8::MAX as usize }>;

/// The frames of a block, as they are stored.
pub(super) fn read(window: &mut Window, block: &Block) -> Step<Vec<Bytes>> {
    let payload = window.take(block.payload, block.payload_bytes)?;
    let broken = Halt::Broken(block.payload, "the lacing of a block does not add up");
    frames(&payload, block.lacing).ok_or(broken)
}

/// The frames in the payload of a block, at most 256; `None` where the lacing is broken.
fn frames(payload: &Bytes, lacing: Lacing) -> Option<Vec<Bytes>> {
    if lacing == Lacing::None {
        return Some(vec![payload.clone()]);
    }
    let (count, rest) = payload.split_first()?;
    let count = usize::from(*count) + 1;
    let (sizes, used) = match lacing {
        Lacing::Fixed => (fixed_sizes(rest.len(), count)?, 0),
        Lacing::Xiph => xiph_sizes(rest, count)?,
        Lacing::Ebml | Lacing::None => ebml_sizes(rest, count)?,
    };
    cut(&payload.slice(1 + used..), &sizes)
}

/// Cuts off frames of these sizes; the last one is what is left.
fn cut(bytes: &Bytes, sizes: &[usize]) -> Option<Vec<Bytes>> {
    let mut frames = Vec::with_capacity(sizes.len() + 1);
    let mut at = 0_usize;
    for size in sizes {
        let end = at.checked_add(*size)?;
        if end > bytes.len() {
            return None;
        }
        frames.push(bytes.slice(at..end));
        at = end;
    }
    frames.push(bytes.slice(at..));
    Some(frames)
}

/// All frames are of one size (§10.3.4). Like the others, without the last one.
fn fixed_sizes(total: usize, count: usize) -> Option<Sizes> {
    let sizes = std::iter::repeat_n(total / count, count - 1);
    total.is_multiple_of(count).then(|| sizes.collect())
}

/// Sizes as sums of bytes, where 255 goes on (§10.3.2), and the bytes they take.
fn xiph_sizes(bytes: &[u8], count: usize) -> Option<(Sizes, usize)> {
    let mut sizes = Sizes::new();
    let mut size = 0_usize;
    for (used, byte) in (0_usize..).zip(bytes) {
        if sizes.len() + 1 == count {
            return Some((sizes, used));
        }
        size += usize::from(*byte);
        if *byte != u8::MAX {
            sizes.push(size).ok()?;
            size = 0;
        }
    }
    (sizes.len() + 1 == count).then_some((sizes, bytes.len()))
}

/// The first size, then signed differences, as variable-size integers (§10.3.3), and the bytes
/// they take.
fn ebml_sizes(bytes: &[u8], count: usize) -> Option<(Sizes, usize)> {
    let mut sizes = Sizes::new();
    let mut used = 0;
    let mut size = 0_i64;
    while sizes.len() + 1 < count {
        let (value, len) = ebml::vint(bytes.get(used..)?)?;
        let value = i64::try_from(value).ok()?;
        size = if sizes.is_empty() {
            value
        } else {
            // The range is centred: half of it stands for nothing.
            size.checked_add(value - ((1 << (7 * len - 1)) - 1))?
        };
        sizes.push(usize::try_from(size).ok()?).ok()?;
        used += len;
    }
    Some((sizes, used))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lens(payload: &[u8], lacing: Lacing) -> Option<Vec<usize>> {
        let frames = frames(&Bytes::copy_from_slice(payload), lacing)?;
        Some(frames.iter().map(Bytes::len).collect())
    }

    /// The example of RFC 9559 §10.3: frames of 800, 500 and 1000 bytes.
    #[test]
    fn the_frames_of_the_standards_example_are_found() {
        let body = vec![0; 2300];
        let xiph = [&[2, 255, 255, 255, 35, 255, 245], body.as_slice()].concat();
        assert_eq!(lens(&xiph, Lacing::Xiph), Some(vec![800, 500, 1000]));
        let ebml = [&[2, 0x43, 0x20, 0x5E, 0xD3], body.as_slice()].concat();
        assert_eq!(lens(&ebml, Lacing::Ebml), Some(vec![800, 500, 1000]));
        let fixed = [&[2], vec![0; 2400].as_slice()].concat();
        assert_eq!(lens(&fixed, Lacing::Fixed), Some(vec![800; 3]));
    }

    #[test]
    fn lacing_that_does_not_add_up_is_refused() {
        assert_eq!(lens(&[], Lacing::Xiph), None);
        assert_eq!(lens(&[1, 9, 0], Lacing::Xiph), None);
        assert_eq!(lens(&[1, 255], Lacing::Xiph), None);
        assert_eq!(lens(&[1, 0, 0, 0], Lacing::Fixed), None);
        assert_eq!(lens(&[1, 0x90], Lacing::Ebml), None);
        assert_eq!(lens(&[2, 0x81, 0x80, 1, 1], Lacing::Ebml), None);
        assert_eq!(lens(&[255], Lacing::Ebml), None);
    }
}
