//! The bounds of the card's slots, of the bundles that are written to them, and of the ways by which
//! bundles come.

/// A boot record: one sector, which a card writes whole or not at all.
pub const BOOT_RECORD_BYTES: usize = 512;

/// A slot of the card, and the most that a bundle may carry.
pub const SLOT_BYTES: u64 = 96 << 20;

/// What a slot says of itself.
pub const SLOT_NOTE_BYTES: usize = 4 << 10;

/// Name of a version.
pub const VERSION_BYTES: usize = 64;

/// Piece of a bundle that is checked and written at once. The updater holds two.
pub const BUNDLE_CHUNK_BYTES: usize = 1 << 20;

/// What a bundle says of itself.
pub const BUNDLE_MANIFEST_BYTES: usize = 64 << 10;

/// Signature of a bundle. Minisign's have 300 bytes, and a comment.
pub const BUNDLE_SIGNATURE_BYTES: usize = 1 << 10;

/// A whole bundle.
pub const BUNDLE_BYTES: u64 = SLOT_BYTES + (1 << 20);

/// Keys that the box may know, and the file of one.
pub const BUNDLE_KEYS: usize = 16;

/// See [`BUNDLE_KEYS`].
pub const BUNDLE_KEY_BYTES: usize = 1 << 10;

/// Line that is said to the updater or by it.
pub const UPDATER_LINE_BYTES: usize = 8 << 10;

/// Who brings no byte of what it has promised for this long is let go.
pub const UPDATER_SILENT_MS: u64 = 30_000;

/// How long what somebody still says whose bundle is not taken is read and dropped.
pub const UPDATER_LINGER_MS: u64 = 5_000;

/// Updater that nobody asks: it is started again when somebody does.
pub const UPDATER_IDLE_MS: u64 = 60_000;

/// Connections that are open at once to the updater.
pub const UPDATER_CONNECTIONS: usize = 16;

/// Milliseconds that whoever asks how the updater is waits for its answer.
pub const UPDATER_ANSWER_MS: u64 = 1_000;

/// Milliseconds for which that answer is good enough for those who only look.
pub const UPDATER_STATUS_MS: u64 = 3_000;

/// Between two words of how far an update is.
pub const UPDATER_PROGRESS_MS: u64 = 100;

/// Bytes of a bundle that are passed on to the updater at once.
pub const UPDATE_PIECE_BYTES: usize = 64 << 10;

/// Bundles that are passed on at the same time. The updater takes one and refuses the other in its
/// own words.
pub const UPDATES_AT_ONCE: usize = 2;

/// Who may wait to be looked at after somebody has given a wrong proof.
pub const UPDATE_TRIES: usize = 8;

/// How long a proof that is wrong keeps the next one waiting.
pub const UPDATE_TRY_MS: u64 = 1_000;

/// How long a nonce may be used.
pub const NONCE_MS: u64 = 300_000;

/// Nonces that have been used and are remembered, so that none is used twice.
pub const NONCES: usize = 16;

/// File of the pairing.
pub const PAIRING_BYTES: usize = 4 << 10;

/// Shortest and longest pairing code, in characters.
pub const PAIRING_CODE: std::ops::RangeInclusive<usize> = 8..=128;

/// Rounds of the derivation of a key: those that are made, and the most that are believed.
pub const PAIRING_ROUNDS: u32 = 100_000;

/// See [`PAIRING_ROUNDS`].
pub const PAIRING_ROUNDS_MOST: u32 = 10_000_000;
