//! A raw data block whose elements have no scale factor bands (ISO/IEC 14496-3 §4.4.2).

use crate::codec::aac::{FRAME_SAMPLES, SAMPLE_RATES};
use crate::codec::bits::BitWriter;

/// Syntactic elements, with their `id_syn_ele`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Single = 0,
    Pair = 1,
    LowFrequency = 3,
}

const END: u32 = 7;

/// A silent frame with its length in samples; `None` where ADTS cannot name rate or layout.
pub(super) fn frame(sample_rate: u32, channels: u8) -> Option<(Vec<u8>, u32)> {
    use Element::{LowFrequency, Pair, Single};
    // Table 1.19: the layouts by channel_configuration.
    let elements: &[Element] = match channels {
        1 => &[Single],
        2 => &[Pair],
        3 => &[Single, Pair],
        4 => &[Single, Pair, Single],
        5 => &[Single, Pair, Pair],
        6 => &[Single, Pair, Pair, LowFrequency],
        8 => &[Single, Pair, Pair, Pair, LowFrequency],
        _ => return None,
    };
    if !SAMPLE_RATES.contains(&sample_rate) {
        return None;
    }
    let mut bits = BitWriter::default();
    for (index, element) in elements.iter().enumerate() {
        let earlier = elements.iter().take(index);
        let tag = earlier.filter(|other| *other == element).count();
        put_element(&mut bits, *element, u32::try_from(tag).unwrap_or(0));
    }
    bits.put(3, END);
    Some((bits.finish(), FRAME_SAMPLES))
}

fn put_element(bits: &mut BitWriter, element: Element, tag: u32) {
    bits.put(3, element as u32);
    bits.put(4, tag);
    if element == Element::Pair {
        bits.put(1, 1); // common_window
        put_window(bits);
        bits.put(2, 0); // ms_mask_present
        bits.put(8, 0); // global_gain
        put_no_tools(bits);
        bits.put(8, 0);
        put_no_tools(bits);
    } else {
        bits.put(8, 0);
        put_window(bits);
        put_no_tools(bits);
    }
}

/// `ics_info()`: one long window with no scale factor bands, so that no sections, scale factors
/// or spectrum follow.
fn put_window(bits: &mut BitWriter) {
    bits.put(1, 0); // ics_reserved_bit
    bits.put(2, 0); // window_sequence: ONLY_LONG_SEQUENCE
    bits.put(1, 0); // window_shape: sine
    bits.put(6, 0); // max_sfb
    bits.put(1, 0); // predictor_data_present
}

/// No pulse data, temporal noise shaping or gain control.
fn put_no_tools(bits: &mut BitWriter) {
    bits.put(3, 0);
}
