//! What the limits add up to: user and kernel memory of a box, and which board can hold it.
//!
//! It reckons with every place that may hold something being full, with one exception that is
//! spelled out: a picture is taken to be [`HEAVY_PICTURE_BYTES`], and the largest ones that are
//! carried come in [`LARGEST_AT_ONCE`] places at the same time. Pure: it measures nothing.

use super::{
    BLOCK_BYTES, CATALOG_BYTES, CHUNK_BYTES, CODEC_CONFIG_BYTES, CONTROL_CONNECTIONS, CONVERSIONS,
    DEVICE_CONNECTIONS, DEVICE_FRAME_BYTES, DEVICE_SOCKET_BYTES, DISCOVERY_SOCKET_RECEIVE_BYTES,
    DNS_NAME_BYTES, FOLDER_PROBES, GUIDE_PIECE_BYTES, HELD_AUDIO_BYTES, HTTP_CONNECTIONS,
    HTTP_DOCUMENTS, HTTP_GUIDES, HTTP_HEAD_BYTES, HTTP_PICTURES, HTTP_SOCKET_RECEIVE_BYTES,
    HTTP_SOCKET_SEND_BYTES, LIVE_HEAD_BYTES, MDNS_MESSAGE_BYTES, MDNS_WAITING, MEDIA_ANSWER,
    OUTLINES_BYTES, PICTURES_AT_ONCE, PICTURES_BYTES, PLAYLIST_BYTES, PLEX_PICTURE_BYTES,
    REMUX_HELD_BYTES, RING_BYTES, SAMPLE_BYTES, SOURCE_FORESEEN_BYTES, SOURCE_INDEX_BYTES,
    SOURCE_INDEX_PARTS, SOURCE_INDEXES, SOURCE_SOCKET_RECEIVE_BYTES, SSDP_MESSAGE_BYTES,
    SSDP_WAITING, STORE_CACHE_BYTES, STREAM_SOCKET_SEND_BYTES, SYNC_POINTS, TABLE_MARKS,
    TABLE_WINDOW_BYTES, TEXT_BYTES,
};

/// Code, threads with the stacks they have touched, and what the allocator keeps for itself.
const PROGRAM_BYTES: usize = 16 << 20;

/// What looking through a library takes beside its probes: the list of its files.
const SCAN_BYTES: usize = 8 << 20;

/// A coded picture that is reckoned with: an intra frame of 100 Mb/s at 24 fps.
const HEAVY_PICTURE_BYTES: usize = 512 << 10;

/// Places that hold a picture of `SAMPLE_BYTES` at the same time, in the whole box.
const LARGEST_AT_ONCE: usize = 8;

/// Tracks of a file that go on air.
const TRACKS_ON_AIR: usize = 2;

/// Sample tables of one MP4 track that are walked at the same time: stts, ctts, stsz, stsc, stco
/// and stss.
const TABLES: usize = 6;

/// A mark in a table: which entry, for which samples, and what has added up before.
const TABLE_MARK_BYTES: usize = 40;

/// One random access point: its time and its place.
const SYNC_POINT_BYTES: usize = 16;

/// Blocks that the readers of one file hold: three halves below the demuxer, one in it for each
/// track, and one on its way from a server.
const BLOCKS: usize = 5;

/// The doors that are open to the network.
const DOORS: usize = 2;

/// Sockets with [`DISCOVERY_SOCKET_RECEIVE_BYTES`]: those at which the box is looked for, of both
/// families, for its device, for SSDP and for mDNS; two where receivers of datagrams are heard; and
/// the one with which it looks for another device that has its number.
const SEARCHES: usize = 9;

/// Texts of one media item in an answer: title, show, path and the reason why it cannot be played.
const ITEM_TEXTS: usize = 4;

/// What the kernel adds to a full socket: the segment that it has accepted too many.
const SEGMENT_BYTES: usize = 64 << 10;

/// What the system needs for itself: kernel, service manager, journal in memory, and the files it
/// runs from, which must not be read again and again from the card.
const SYSTEM_BYTES: u64 = 128 << 20;

/// What the kernel needs to keep account of memory grows with it: one part in so many.
const SYSTEM_PART: u64 = 32;

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Memory of the process.
    pub user_bytes: u64,
    /// Memory that the kernel holds for it in sockets.
    pub kernel_bytes: u64,
}

/// What a box is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Tuners: viewers with a playout of their own.
    pub tuners: usize,
    /// Viewers, those that share another's stream included.
    pub viewers: usize,
}

/// A class of boards, by the memory they are sold with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Board {
    /// 512 MB: a Zero 2 W.
    Mb512,
    /// 1 GB.
    Gb1,
    /// 2 GB.
    Gb2,
    /// 4 GB.
    Gb4,
    /// 8 GB and more.
    Gb8,
}

/// A budget that a memory cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdraft {
    /// What would be needed.
    pub needed_bytes: u64,
    /// What there is for the box.
    pub available_bytes: u64,
    /// How many tuners it can hold; 0 where there is room for none.
    pub tuners: usize,
    /// The least memory in which one tuner has room.
    pub least_bytes: u64,
}

impl Cost {
    const fn new(user: usize, kernel: usize) -> Self {
        Self {
            user_bytes: user as u64,
            kernel_bytes: kernel as u64,
        }
    }

    const fn times(self, count: usize) -> Self {
        Self {
            user_bytes: self.user_bytes.saturating_mul(count as u64),
            kernel_bytes: self.kernel_bytes.saturating_mul(count as u64),
        }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            user_bytes: self.user_bytes.saturating_add(other.user_bytes),
            kernel_bytes: self.kernel_bytes.saturating_add(other.kernel_bytes),
        }
    }

    /// Both together.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.user_bytes.saturating_add(self.kernel_bytes)
    }
}

const _: () = assert!(SOURCE_FORESEEN_BYTES <= (BLOCKS - 2) * BLOCK_BYTES);

/// What a socket can pin: the kernel doubles the buffer that it is told (socket(7)).
const fn pinned(buffer_bytes: usize) -> usize {
    2 * buffer_bytes + SEGMENT_BYTES
}

/// An opened file with its demuxer. What was fetched of its tables before they are read makes way for
/// its blocks, when it has two of them.
const FEED_BYTES: usize = BLOCKS * BLOCK_BYTES
    + TRACKS_ON_AIR
        * (TABLES * (TABLE_WINDOW_BYTES + TABLE_MARKS * TABLE_MARK_BYTES) + CODEC_CONFIG_BYTES)
    + SYNC_POINTS * SYNC_POINT_BYTES
    + HELD_AUDIO_BYTES
    + HEAVY_PICTURE_BYTES;

/// Samples that are made into packets: those that wait, and the chunk that is being filled.
const REMUX_BYTES: usize = REMUX_HELD_BYTES + CHUNK_BYTES + HEAVY_PICTURE_BYTES;

/// A document that is being made or sent: the largest is a page of media items.
const DOCUMENT_BYTES: usize = MEDIA_ANSWER * ITEM_TEXTS * TEXT_BYTES;

impl Budget {
    /// What the box takes before anybody watches: the program, a catalog of
    /// `limits::CATALOG_ITEMS`, the store, a scan, the beginnings of what servers convert, pictures
    /// (those that are fetched grow to twice their size), and every door full of clients.
    pub const BASE: Cost = {
        let answers =
            DOORS * (HTTP_DOCUMENTS * DOCUMENT_BYTES + 2 * HTTP_GUIDES * GUIDE_PIECE_BYTES);
        let connections = DOORS * HTTP_CONNECTIONS + CONTROL_CONNECTIONS;
        let user = PROGRAM_BYTES
            + CATALOG_BYTES
            + STORE_CACHE_BYTES
            + SCAN_BYTES
            + FOLDER_PROBES * FEED_BYTES
            + LARGEST_AT_ONCE * SAMPLE_BYTES
            + OUTLINES_BYTES
            + SOURCE_INDEXES * SOURCE_INDEX_BYTES
            + CONVERSIONS * (LIVE_HEAD_BYTES + PLAYLIST_BYTES)
            + PICTURES_BYTES
            + (2 * PICTURES_AT_ONCE + DOORS * HTTP_PICTURES) * PLEX_PICTURE_BYTES
            + answers
            + connections * HTTP_HEAD_BYTES
            + DEVICE_CONNECTIONS * 2 * DEVICE_FRAME_BYTES
            + SSDP_WAITING * SSDP_MESSAGE_BYTES
            + 2 * MDNS_MESSAGE_BYTES
            + MDNS_WAITING * 2 * DNS_NAME_BYTES;
        let sending = DOORS * (HTTP_DOCUMENTS + HTTP_GUIDES + HTTP_PICTURES);
        let indexes = SOURCE_INDEXES * SOURCE_INDEX_PARTS;
        let kernel = sending * pinned(HTTP_SOCKET_SEND_BYTES)
            + connections * 2 * HTTP_SOCKET_RECEIVE_BYTES
            + indexes * pinned(SOURCE_SOCKET_RECEIVE_BYTES)
            + DEVICE_CONNECTIONS * 2 * 2 * DEVICE_SOCKET_BYTES
            + SEARCHES * 2 * DISCOVERY_SOCKET_RECEIVE_BYTES;
        Cost::new(user, kernel)
    };

    /// What one tuner takes: a playout, which has the item that is on and the next one opened
    /// ahead; and half of what two viewers of a channel share, a ring and the playout that fills
    /// it. A viewer that falls behind has a playout of its own again, and the ring goes on.
    pub const TUNER: Cost = Cost::new(
        2 * FEED_BYTES + REMUX_BYTES + (2 * FEED_BYTES + REMUX_BYTES + RING_BYTES) / 2,
        3 * pinned(SOURCE_SOCKET_RECEIVE_BYTES),
    );

    /// What one viewer takes who has stopped reading: the chunk in hand, and a full socket.
    pub const VIEWER: Cost = Cost::new(CHUNK_BYTES, pinned(STREAM_SOCKET_SEND_BYTES));

    /// So many tuners, each with its viewer.
    #[must_use]
    pub const fn of_tuners(tuners: usize) -> Self {
        let viewers = tuners;
        Self { tuners, viewers }
    }

    /// All of it.
    #[must_use]
    pub const fn cost(self) -> Cost {
        Self::BASE
            .plus(Self::TUNER.times(self.tuners))
            .plus(Self::VIEWER.times(self.viewers))
    }

    /// What a machine with so much memory is to hold: `tuners`, or as many as a board like it
    /// usually has.
    ///
    /// # Errors
    /// It cannot hold so many tuners, or none at all.
    pub fn of(memory_bytes: u64, tuners: Option<usize>) -> Result<Self, Overdraft> {
        let usual = Board::of(memory_bytes).tuners();
        let most = most_tuners(memory_bytes);
        let budget = Self::of_tuners(tuners.unwrap_or(usual.min(most.max(1))));
        if budget.tuners <= most {
            return Ok(budget);
        }
        Err(Overdraft {
            needed_bytes: budget.cost().bytes(),
            available_bytes: available_bytes(memory_bytes),
            tuners: most,
            least_bytes: least_bytes(Self::of_tuners(1).cost().bytes()),
        })
    }

    /// The same with `tuners`, or as many of them as there is room for.
    ///
    /// # Errors
    /// There is no room for one.
    pub fn up_to(memory_bytes: u64, tuners: usize) -> Result<Self, Overdraft> {
        Self::of(
            memory_bytes,
            Some(tuners.min(most_tuners(memory_bytes)).max(1)),
        )
    }
}

impl Board {
    /// All of them, the smallest first.
    pub const ALL: [Self; 5] = [Self::Mb512, Self::Gb1, Self::Gb2, Self::Gb4, Self::Gb8];

    /// The class of a machine with so much memory.
    #[must_use]
    pub fn of(memory_bytes: u64) -> Self {
        let fits = |board: &Self| board.memory_bytes() <= memory_bytes;
        let largest = Self::ALL.into_iter().rev().find(fits);
        largest.unwrap_or(Self::Mb512)
    }

    /// The least memory that the kernel of such a board tells of: what firmware and graphics have
    /// taken is gone.
    #[must_use]
    pub const fn memory_bytes(self) -> u64 {
        let mib = match self {
            Self::Mb512 => 416,
            Self::Gb1 => 880,
            Self::Gb2 => 1_800,
            Self::Gb4 => 3_600,
            Self::Gb8 => 7_400,
        };
        mib << 20
    }

    /// The tuners of a box that does not say otherwise. They cost nothing while nobody watches. A
    /// Zero 2 W has Wi-Fi alone, which carries no more; elsewhere a big family is served.
    #[must_use]
    pub const fn tuners(self) -> usize {
        match self {
            Self::Mb512 => 4,
            Self::Gb1 | Self::Gb2 => 8,
            Self::Gb4 | Self::Gb8 => 16,
        }
    }
}

/// What is left for the box of a machine's memory.
#[must_use]
pub const fn available_bytes(memory_bytes: u64) -> u64 {
    memory_bytes.saturating_sub(SYSTEM_BYTES + memory_bytes / SYSTEM_PART)
}

/// The least memory of which so much is left for the box.
const fn least_bytes(available: u64) -> u64 {
    (available + SYSTEM_BYTES) / (SYSTEM_PART - 1) * SYSTEM_PART + SYSTEM_PART
}

/// How many tuners there is room for.
fn most_tuners(memory_bytes: u64) -> usize {
    let available = available_bytes(memory_bytes);
    let fits = |tuners: &usize| Budget::of_tuners(*tuners).cost().bytes() <= available;
    (1..=super::CHANNELS).take_while(fits).last().unwrap_or(0)
}

/// A box that its owner has told nothing fits every board, down to the smallest.
const _: () = {
    let mut boards = Board::ALL.as_slice();
    while let [board, larger @ ..] = boards {
        let cost = Budget::of_tuners(board.tuners()).cost();
        assert!(cost.bytes() <= available_bytes(board.memory_bytes()));
        boards = larger;
    }
};

/// Nobody who has a tuner is turned away for want of a connection.
const _: () =
    assert!(Board::Gb8.tuners() + HTTP_DOCUMENTS + HTTP_GUIDES + HTTP_PICTURES <= HTTP_CONNECTIONS);

#[cfg(test)]
mod tests {
    use super::{Board, Budget, available_bytes, least_bytes};
    use crate::limits;

    #[test]
    fn the_sum_of_each_board_is_known_and_fits() {
        let rows = Board::ALL.map(|board| {
            let budget = Budget::of_tuners(board.tuners());
            let available = available_bytes(board.memory_bytes());
            let mb = |bytes| bytes / 1_000_000;
            (budget.tuners, mb(budget.cost().bytes()), mb(available))
        });
        assert_eq!(
            rows,
            [
                (4, 270, 288),
                (8, 316, 759),
                (8, 316, 1_694),
                (16, 409, 3_522),
                (16, 409, 7_382),
            ]
        );
    }

    #[test]
    fn thirty_four_channels_with_a_hundred_viewers_fit_1_gb() {
        let memory = Board::Gb1.memory_bytes();
        let (tuners, viewers) = (34, 100);
        let cost = Budget { tuners, viewers }.cost();
        assert!(cost.bytes() <= available_bytes(memory), "{cost:?}");
        assert_eq!(Budget::of(memory, Some(34)).unwrap().tuners, 34);
    }

    #[test]
    fn a_stalled_viewer_is_reckoned_with_what_was_measured() {
        // Stalled clients pin twice their send buffer and a little more: 525 kB of 256 kB.
        let kernel = Budget::VIEWER.kernel_bytes;
        let told = u64::try_from(limits::STREAM_SOCKET_SEND_BYTES).unwrap();
        assert!(kernel >= 525 * told / 256 && kernel < 3 * told, "{kernel}");
    }

    #[test]
    fn too_many_tuners_are_refused_with_how_many_would_do() {
        for board in Board::ALL {
            let memory = board.memory_bytes();
            let refused = Budget::of(memory, Some(limits::CHANNELS));
            let Err(refused) = refused else {
                assert_eq!(board, Board::Gb8);
                continue;
            };
            assert!(refused.needed_bytes > refused.available_bytes);
            assert!(Budget::of(memory, Some(refused.tuners)).is_ok());
            assert!(Budget::of(memory, Some(refused.tuners + 1)).is_err());
            assert_eq!(
                Budget::up_to(memory, limits::CHANNELS).unwrap().tuners,
                refused.tuners
            );
        }
    }

    #[test]
    fn a_memory_without_room_is_told_how_much_there_has_to_be() {
        for tuners in [None, Some(1), Some(480)] {
            let refused = Budget::of(200 << 20, tuners).unwrap_err();
            assert_eq!(refused.tuners, 0);
            let least = refused.least_bytes;
            assert_eq!(Budget::of(least, Some(1)).unwrap().tuners, 1);
            assert_eq!(Budget::of(least, None).unwrap().tuners, 1);
            assert!(Budget::of(least - (1 << 20), None).is_err());
        }
        assert!(Budget::up_to(200 << 20, 3).is_err());
        assert!(Budget::of(0, None).is_err());
        assert_eq!(Budget::of(u64::MAX, Some(480)).unwrap().tuners, 480);
    }

    #[test]
    fn the_least_memory_leaves_enough() {
        for available in [0, 1, 30, 31, 1 << 20, 500 << 20] {
            assert!(available_bytes(least_bytes(available)) >= available);
        }
    }

    #[test]
    fn boards_are_told_apart_by_what_their_kernels_say() {
        for (mib, board) in [
            (100, Board::Mb512),
            (427, Board::Mb512),
            (906, Board::Gb1),
            (1_849, Board::Gb2),
            (3_792, Board::Gb4),
            (7_811, Board::Gb8),
            (24_105, Board::Gb8),
        ] {
            assert_eq!(Board::of(mib << 20), board, "{mib}");
        }
    }
}
