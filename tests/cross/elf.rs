//! What the head of a program says about it: ELF-64 as System V's gABI has it, chapters 4 and 5.

/// `e_machine` of 64-bit ARM.
pub(crate) const AARCH64: u16 = 183;
/// `p_type` of the loader's path: a program without it needs no library of the system.
pub(crate) const INTERP: u32 = 3;
/// `sh_type` of the symbols that a linker leaves for debuggers.
pub(crate) const SYMBOLS: u32 = 2;

pub(crate) struct Elf {
    pub(crate) machine: u16,
    /// The types of its segments.
    pub(crate) segments: Vec<u32>,
    /// The types of its sections.
    pub(crate) sections: Vec<u32>,
}

impl Elf {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        // 64 bits, little endian.
        assert_eq!(bytes[..6], *b"\x7fELF\x02\x01");
        let half = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let offset = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let table = |from: u64, size: u16, count: u16| {
            (0..usize::from(count)).map(move |at| from as usize + at * usize::from(size))
        };
        let segments = table(offset(0x20), half(0x36), half(0x38));
        let sections = table(offset(0x28), half(0x3a), half(0x3c));
        Self {
            machine: half(0x12),
            segments: segments.map(word).collect(),
            sections: sections.map(|header| word(header + 4)).collect(),
        }
    }
}
