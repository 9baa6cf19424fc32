//! Transport streams taken apart and put together again, to damage them and to look into them.

/// The slices of a sample with length prefixes: what is left without parameter sets, delimiters and
/// the messages that encoders put into one container's header and another one's samples.
pub(crate) fn slices(data: &[u8]) -> Vec<&[u8]> {
    let mut rest = data;
    let mut slices = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
        let (nal, next) = behind.split_at(length);
        if matches!(nal[0] & 0x1F, 1..=5) {
            slices.push(nal);
        }
        rest = next;
    }
    slices
}
