//! A tiny EBML writer, for files that ffmpeg does not write.

/// An element with its size.
pub(crate) fn element(id: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = id_bytes(id);
    bytes.push(0x08);
    bytes.extend(&u32::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

/// An element of unknown size.
pub(crate) fn unsized_element(id: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = id_bytes(id);
    bytes.extend([0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
    bytes.extend(body);
    bytes
}

pub(crate) fn master(id: u32, children: &[Vec<u8>]) -> Vec<u8> {
    element(id, &children.concat())
}

pub(crate) fn uint(id: u32, value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

pub(crate) fn text(id: u32, value: &str) -> Vec<u8> {
    element(id, value.as_bytes())
}

fn id_bytes(id: u32) -> Vec<u8> {
    let bytes = id.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes[zeros..].to_vec()
}

/// The EBML head of a Matroska file.
pub(crate) fn head() -> Vec<u8> {
    head_of("matroska")
}

pub(crate) fn head_of(doc_type: &str) -> Vec<u8> {
    master(
        0x1A45_DFA3,
        &[uint(0x4286, 1), text(0x4282, doc_type), uint(0x4285, 2)],
    )
}

/// Info with milliseconds.
pub(crate) fn info() -> Vec<u8> {
    master(0x1549_A966, &[uint(0x2A_D7B1, 1_000_000)])
}

/// A TrackEntry: number, type, codec, and what else.
pub(crate) fn track(number: u64, kind: u64, codec: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let facts = [
        uint(0xD7, number),
        uint(0x83, kind),
        text(0x86, codec),
        more.concat(),
    ];
    master(0xAE, &facts)
}

pub(crate) fn tracks(entries: &[Vec<u8>]) -> Vec<u8> {
    master(0x1654_AE6B, entries)
}

pub(crate) fn cluster(ms: u64, blocks: &[Vec<u8>]) -> Vec<u8> {
    master(0x1F43_B675, &[uint(0xE7, ms), blocks.concat()])
}

/// The body of a block: track 1 to 127, time from the Cluster's, flags, frames.
pub(crate) fn block_body(track: u8, ms: i16, flags: u8, frames: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | track];
    bytes.extend(ms.to_be_bytes());
    bytes.push(flags);
    bytes.extend(frames);
    bytes
}

pub(crate) fn simple_block(track: u8, ms: i16, flags: u8, frames: &[u8]) -> Vec<u8> {
    element(0xA3, &block_body(track, ms, flags, frames))
}

/// A whole file: head and one Segment.
pub(crate) fn file(segment: &[Vec<u8>]) -> Vec<u8> {
    [head(), master(0x1853_8067, segment)].concat()
}

/// Where each part of a Segment begins, counted from its body's start.
pub(crate) fn position(parts: &[Vec<u8>], index: usize) -> u64 {
    u64::try_from(parts[..index].iter().map(Vec::len).sum::<usize>()).unwrap()
}

/// A SeekHead of a fixed length.
pub(crate) fn seek_head(entries: &[(u32, u64)]) -> Vec<u8> {
    let seeks: Vec<_> = entries
        .iter()
        .map(|(id, at)| {
            master(
                0x4DBB,
                &[element(0x53AB, &id.to_be_bytes()), uint(0x53AC, *at)],
            )
        })
        .collect();
    master(0x114D_9B74, &seeks)
}

pub(crate) fn cue(ms: u64, track: u64, cluster: u64) -> Vec<u8> {
    master(
        0xBB,
        &[
            uint(0xB3, ms),
            master(0xB7, &[uint(0xF7, track), uint(0xF1, cluster)]),
        ],
    )
}
