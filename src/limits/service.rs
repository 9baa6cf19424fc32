//! Bounds of the box as a service on a board: what it reads of the machine below, what it hears from
//! the updater, and how long it may take to prove itself.

/// How often the condition of the board is looked at, at most.
pub const CONDITION_LOOK_MS: u64 = 10_000;

/// What is read of one of the kernel's files. The longest of them, `/proc/meminfo`, has 1.5 kB.
pub const CONDITION_FILE_BYTES: u64 = 8 << 10;

/// Sensors of one kind, and network interfaces, that are looked at.
pub const CONDITION_SENSORS: usize = 32;

/// How often the updater is asked how the slots stand once the box has been up for a while. It ends
/// by itself after a minute without a question, and is started again by the next one.
pub const STANDING_LOOK_MS: u64 = 300_000;

/// Milliseconds in which the updater has to answer a question: it may have to be started first.
pub const STANDING_ANSWER_MS: u64 = 10_000;

/// Milliseconds in which a door has to answer who wants proof.
pub const PROOF_ANSWER_MS: u64 = 5_000;

/// Largest document that is taken as proof: a lineup of all channels.
pub const PROOF_DOCUMENT_BYTES: usize = 4 << 20;

/// Pause between two attempts to prove the box.
pub const PROOF_PAUSE_MS: u64 = 2_000;
