//! Boxes written by hand, for what ffmpeg does not write.

/// A box around a body.
pub(crate) fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).unwrap();
    [&size.to_be_bytes()[..], kind, body].concat()
}

/// A box of version and flags, then these words.
pub(crate) fn words(kind: &[u8; 4], version_flags: u32, words: &[u32]) -> Vec<u8> {
    let mut body = version_flags.to_be_bytes().to_vec();
    for word in words {
        body.extend(word.to_be_bytes());
    }
    boxed(kind, &body)
}

/// The first box of this kind at the end of a path, as a range of the file.
pub(crate) fn find(file: &[u8], path: &[&[u8; 4]]) -> std::ops::Range<usize> {
    let mut within = 0..file.len();
    for kind in path {
        let mut at = within.start;
        within = loop {
            let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
            let size = usize::try_from(size).unwrap();
            assert!(size >= 8 && at + size <= within.end, "no {kind:?}");
            if &&file[at + 4..at + 8] == kind {
                break at + 8..at + size;
            }
            at += size;
        };
    }
    within
}
