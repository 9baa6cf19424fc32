//! Every bound on what comes from outside, in bytes where bytes matter.
//!
//! Nothing in the box grows past a number on this page. A parser that meets a larger length
//! answers with `Error::OverLimit`; it never allocates first and asks later. What all of it adds up
//! to, and which board can hold it, is in [`Budget`].

mod budget;
mod discovery;
mod link;
mod service;
mod update;

pub use budget::{Board, Budget, Cost, Overdraft, available_bytes};
pub use discovery::{
    DEVICE_CONNECTIONS, DEVICE_CONNECTIONS_EACH, DEVICE_FRAME_BYTES, DEVICE_SILENT_MS,
    DEVICE_SOCKET_BYTES, DEVICE_WORD_MS, DISCOVERY_AGAIN_MS, DISCOVERY_PAUSE_MS,
    DISCOVERY_SOCKET_RECEIVE_BYTES, DNS_ENTRIES, DNS_HOPS, DNS_LABEL_BYTES, DNS_MARKS,
    DNS_NAME_BYTES, MDNS_CLAIMS, MDNS_DRAFT_BYTES, MDNS_MESSAGE_BYTES, MDNS_WAITING,
    MDNS_WAITING_EACH, MDNS_WINDOW_BYTES, MDNS_WINDOW_MS, NETWORK_ADDRESSES, NETWORK_DOMAINS,
    NETWORK_INTERFACES, NETWORK_LOOK_MS, NETWORK_POLL_MS, NETWORK_QUIET_MS, NETWORK_SETTLES_MS,
    RESOLVER_BYTES, SSDP_HEADERS, SSDP_MESSAGE_BYTES, SSDP_WAITING, SSDP_WAITING_EACH,
    TARGET_BEGIN_MS, TARGET_BITS_PER_SECOND, TARGET_BURST, TARGET_CATCH_UP, TARGET_SETTLE_MS,
    TARGET_SILENT_MS, TWIN_LOOK_MS, TWIN_PATIENCE_MS,
};
pub use link::Link;
pub use service::{
    CONDITION_FILE_BYTES, CONDITION_LOOK_MS, CONDITION_SENSORS, PROOF_ANSWER_MS,
    PROOF_DOCUMENT_BYTES, PROOF_PAUSE_MS, STANDING_ANSWER_MS, STANDING_LOOK_MS,
};
pub use update::{
    BOOT_RECORD_BYTES, BUNDLE_BYTES, BUNDLE_CHUNK_BYTES, BUNDLE_KEY_BYTES, BUNDLE_KEYS,
    BUNDLE_MANIFEST_BYTES, BUNDLE_SIGNATURE_BYTES, NONCE_MS, NONCES, PAIRING_BYTES, PAIRING_CODE,
    PAIRING_ROUNDS, PAIRING_ROUNDS_MOST, SLOT_BYTES, SLOT_NOTE_BYTES, UPDATE_PIECE_BYTES,
    UPDATE_TRIES, UPDATE_TRY_MS, UPDATER_ANSWER_MS, UPDATER_CONNECTIONS, UPDATER_IDLE_MS,
    UPDATER_LINE_BYTES, UPDATER_LINGER_MS, UPDATER_PROGRESS_MS, UPDATER_SILENT_MS,
    UPDATER_STATUS_MS, UPDATES_AT_ONCE, VERSION_BYTES,
};

// Coded media.

/// Largest coded access unit that is carried. A 100 Mb/s intra frame at 24 fps is 0.5 MB.
pub const SAMPLE_BYTES: usize = 4 << 20;

/// Largest codec configuration record (`avcC`, `hvcC`, `CodecPrivate`). Real `hvcC` pass 1 kB.
pub const CODEC_CONFIG_BYTES: usize = 64 << 10;

/// Longest side of a picture, in luma samples: what the highest levels of H.264 and HEVC allow.
pub const PICTURE_SIDE: u32 = 16_896;

/// Pictures that may be waiting for reordering (H.264 and HEVC `max_dec_pic_buffering`).
pub const REORDER_PICTURES: usize = 16;

// Containers.

/// Tracks that are looked at in one file.
pub const TRACKS: usize = 64;

/// Longest text taken from a container or a file name (title, language, codec name).
pub const TEXT_BYTES: usize = 512;

/// Boxes that are passed on the way to `moov` or inside it. Cameras write some hundreds.
pub const BOXES: usize = 65_536;

/// Deepest nesting of boxes or elements that is followed.
pub const NESTING: usize = 16;

/// Bytes of one container table that a demuxer holds at a time.
pub const TABLE_WINDOW_BYTES: usize = 16 << 10;

/// Places of one container table at which a demuxer knows what has added up before. Those of a
/// film of two hours are a table window apart.
pub const TABLE_MARKS: usize = 128;

/// Random access points that are kept in memory for one open file.
pub const SYNC_POINTS: usize = 4096;

/// Bytes that are read through in search of a structure: a Cluster behind damage, the first key
/// frame of a file.
pub const SEARCH_BYTES: u64 = 16 << 20;

/// Bytes that are read through in search of the key frame to begin at: ten seconds of 50 Mb/s.
pub const KEY_FRAME_SEARCH_BYTES: u64 = 64 << 20;

/// Audio that is held until the first picture's time is known: three seconds of 640 kb/s.
pub const HELD_AUDIO_BYTES: usize = 256 << 10;

/// Samples of one track that wait for the other track of a transport stream: a second of 25 Mb/s.
pub const INTERLEAVE_BYTES: usize = 3 << 20;

// Reading.

/// Bytes that a reader fetches at once; one such block per cursor is held.
pub const BLOCK_BYTES: usize = 128 << 10;

/// Kernel receive buffer of a source's socket: what is read ahead of a demuxer.
pub const SOURCE_SOCKET_RECEIVE_BYTES: usize = 128 << 10;

// Reading from a server.

/// Connections that one open source keeps: responses being read, and places looked up.
pub const SOURCE_LANES: usize = 2;

/// Bytes taken from a source's socket at once.
pub const SOURCE_PIECE_BYTES: usize = 64 << 10;

/// Bytes behind the place that a connection has come to which are kept for a second cursor.
pub const SOURCE_WINDOW_BYTES: usize = 128 << 10;

/// Pieces of which those bytes may consist.
pub const SOURCE_WINDOW_PIECES: usize = 64;

/// Bytes that are read through to come to a place ahead, before it is asked for by itself.
pub const SOURCE_GAP_BYTES: u64 = 256 << 10;

/// Bytes that a look somewhere asks for.
pub const SOURCE_LOOK_BYTES: usize = 32 << 10;

/// Bytes that are looked at when a source is opened. Demuxers ask for no more at first.
pub const SOURCE_OPENING_BYTES: usize = 64 << 10;

/// Looks that are kept, that at the beginning included, until all the rest is asked for.
pub const SOURCE_LOOKS: usize = 8;

/// Looks that are kept from then on: at the sound of a film whose pictures are read in order.
pub const SOURCE_LATE_LOOKS: usize = 2;

/// Reads after which bytes that were of no more use are let go.
pub const SOURCE_IDLE_READS: u64 = 256;

/// A reader that goes on in order asks for twice as much each time. Where that would be this many
/// bytes it asks for all the rest: back-pressure then wastes less than a range too long would.
pub const SOURCE_OPEN_ENDED_BYTES: u64 = 256 << 10;

/// Ranges that are fetched side by side before they are asked for, each on a connection of its own.
pub const SOURCE_FORESEEN: usize = 10;

/// Bytes of all of them.
pub const SOURCE_FORESEEN_BYTES: usize = 384 << 10;

/// Longest index of a file that is fetched as a whole: that of an MP4 of two hours.
pub const SOURCE_INDEX_BYTES: usize = 5 << 20;

/// Connections on which it comes.
pub const SOURCE_INDEX_PARTS: usize = 4;

/// Whole indexes that are held at the same time, in the whole box. Others are read piece by piece.
pub const SOURCE_INDEXES: usize = 2;

/// Bytes that the first request for media asks for where answers come slowly: what it takes to begin
/// a stream, so that it has to be waited for only once.
pub const SOURCE_JOIN_BYTES: u64 = 768 << 10;

/// What is left of an answer nobody wants is read to its end if it is no more than this, so that
/// its connection can be used again.
pub const SOURCE_DRAIN_BYTES: u64 = 128 << 10;

/// Head of a source's answer: status line and headers.
pub const SOURCE_HEAD_BYTES: usize = 16 << 10;

/// Headers of a source's answer.
pub const SOURCE_HEADERS: usize = 64;

/// Redirections that are followed for one request.
pub const SOURCE_REDIRECTS: usize = 3;

/// Addresses of one host name that are tried; they share the time to connect.
pub const SOURCE_ADDRESSES: usize = 4;

/// Milliseconds to connect to a source.
pub const SOURCE_CONNECT_MS: u64 = 5_000;

/// Milliseconds until a source's answer begins. A disk that sleeps takes 9 to 15 s to spin up.
pub const SOURCE_ANSWER_MS: u64 = 20_000;

/// Milliseconds without a byte in the middle of a source's answer.
pub const SOURCE_IDLE_MS: u64 = 20_000;

/// Milliseconds until the first byte of what a server converts: it looks at the item, starts a
/// converter and may have to wake a disk.
pub const LIVE_ANSWER_MS: u64 = 45_000;

/// Bytes of a stream that is made while it is read which are asked for at once: half a second of
/// the least that is carried, so that nobody waits long for what is not made yet.
pub const LIVE_BLOCK_BYTES: usize = 32 << 10;

/// Bytes at the beginning of such a stream that may be held until it is known what it carries: they
/// cannot be read again. Two seconds of 8 Mb/s; what is told later is not waited for.
pub const LIVE_HEAD_BYTES: usize = 2 << 20;

/// Playlist of segments: that of four hours in segments of four seconds.
pub const PLAYLIST_BYTES: usize = 128 << 10;

/// Segments that a playlist may list.
pub const PLAYLIST_SEGMENTS: usize = 20_000;

/// Address in a playlist.
pub const PLAYLIST_URI_BYTES: usize = 2_048;

/// Milliseconds in which a segment is asked for again that its server has not made yet.
pub const SEGMENT_MADE_MS: u64 = 10_000;

/// Milliseconds after which it is asked for again.
pub const SEGMENT_AGAIN_MS: u64 = 500;

// Folders.

/// Files that one folder library may list.
pub const FOLDER_FILES: usize = 100_000;

/// Folders below a library's root that are entered.
pub const FOLDER_DEPTH: usize = 32;

/// Drives below a library's root that are remembered, so that one that is away is missed.
pub const FOLDER_DRIVES: usize = 64;

/// Files of a folder library that are probed at the same time. A disk with one arm gains nothing
/// from more.
pub const FOLDER_PROBES: usize = 2;

/// Milliseconds without an answer after which a folder is given up: a network mount that hangs.
pub const FOLDER_STALLED_MS: u64 = 30_000;

/// Reads that probing one file may take. A fragmented film of four hours takes one for each of
/// its fragments.
pub const PROBE_REQUESTS: usize = 20_000;

/// Bytes that probing one file may ask for.
pub const PROBE_BYTES: usize = 64 << 20;

/// Milliseconds that probing one file may take.
pub const PROBE_MS: u64 = 20_000;

/// Probes in a row that may run out of time before the whole folder is given up.
pub const PROBES_STALLED: usize = 4;

// Plex.

/// How often a Plex library is looked at without a hint that it has changed.
pub const PLEX_SYNC_MS: u64 = 15 * 60 * 1_000;

/// How long servers of the LAN have to answer to being sought.
pub const PLEX_LAN_MS: u64 = 2_000;

/// Titles that servers convert for the box at a time: a small server can hardly do more.
pub const CONVERSIONS: usize = 4;

/// Items of Plex servers of which is remembered what the server said last.
pub const RESOLVED: usize = 1_024;

/// Answer of a Plex server, unpacked. A page of 500 titles has 1.4 MB.
pub const PLEX_ANSWER_BYTES: usize = 16 << 20;

/// Answer that is no list: a decision, a server's own description, a PIN.
pub const PLEX_SMALL_ANSWER_BYTES: usize = 1 << 20;

/// What is read of an answer that refuses.
pub const PLEX_REFUSAL_BYTES: usize = 4 << 10;

/// One row of a list, with all of its versions and streams.
pub const PLEX_ROW_BYTES: usize = 512 << 10;

/// Rows of one answer. Nobody asks for more than a thousand, but a server need not listen.
pub const PLEX_ROWS: usize = 5_000;

/// Items that are asked for by key at once.
pub const PLEX_KEYS: usize = 50;

/// Key of an item or a section, a guid, a path on the server.
pub const PLEX_KEY_BYTES: usize = 1_024;

/// Token of an account or a server; the new kind is a signed document.
pub const PLEX_TOKEN_BYTES: usize = 4_096;

/// What an item is about.
pub const PLEX_SUMMARY_BYTES: usize = 4_096;

/// Genres, collections or guids of one item.
pub const PLEX_TAGS: usize = 32;

/// Versions of one item, and parts of one version.
pub const PLEX_VERSIONS: usize = 16;

/// Streams of one part. Discs come with 32 languages of subtitles.
pub const PLEX_STREAMS: usize = 128;

/// Servers of one account or one LAN.
pub const PLEX_SERVERS: usize = 64;

/// Ways to one server that are tried at once.
pub const PLEX_WAYS: usize = 32;

/// One event that a server sends by itself.
pub const PLEX_EVENT_BYTES: usize = 64 << 10;

/// Picture of an item. A JPEG of 720x1080 has some 200 kB.
pub const PLEX_PICTURE_BYTES: usize = 512 << 10;

/// Pictures that are asked of servers at the same time, in the whole box.
pub const PICTURES_AT_ONCE: usize = 3;

/// Milliseconds in which a server has to give a picture.
pub const PICTURE_MS: u64 = 10_000;

/// Pictures that are kept, and pictures that are known not to be there.
pub const PICTURES: usize = 512;

/// What is kept of them, with their paths.
pub const PICTURES_BYTES: usize = 2 << 20;

/// File of the credentials.
pub const PLEX_CREDENTIALS_BYTES: usize = 256 << 10;

/// Redirections that are followed, all of them within one server.
pub const PLEX_REDIRECTS: usize = 3;

/// Milliseconds to connect to a Plex server or to plex.tv.
pub const PLEX_CONNECT_MS: u64 = 3_000;

/// Milliseconds that a server has to say who it is.
pub const PLEX_IDENTITY_MS: u64 = 5_000;

/// Milliseconds until an answer begins: a large page, or a disk that sleeps.
pub const PLEX_ANSWER_MS: u64 = 60_000;

/// Milliseconds without a byte in the middle of an answer.
pub const PLEX_IDLE_MS: u64 = 20_000;

/// Milliseconds that a whole answer may take.
pub const PLEX_WHOLE_ANSWER_MS: u64 = 180_000;

/// Milliseconds between two questions whether the owner has linked the box.
pub const PLEX_PIN_MS: u64 = 2_000;

/// Milliseconds that plex.tv has to answer.
pub const PLEX_TV_MS: u64 = 15_000;

// The store.

/// Requests that may wait for the store's thread.
pub const STORE_QUEUE: usize = 64;

/// Media items that the store writes in one transaction.
pub const STORE_BATCH_ITEMS: usize = 256;

/// Pages that SQLite keeps in memory, in bytes.
pub const STORE_CACHE_BYTES: usize = 512 << 10;

/// Write-ahead log that stays on the disk between two checkpoints, in bytes.
pub const STORE_LOG_BYTES: usize = 4 << 20;

/// Milliseconds that a write waits for another program that holds the database locked.
pub const STORE_LOCKED_MS: u64 = 5_000;

/// Milliseconds that looking through the whole database may take while the box runs: meanwhile
/// nothing else is read or written.
pub const STORE_CHECK_MS: u64 = 8_000;

/// Daily backups that are kept.
pub const BACKUPS: usize = 7;

/// Of what a restore replaced, and of damaged databases, how many are kept.
pub const SET_ASIDE: usize = 3;

/// Largest backup that is taken back. 250,000 titles have a fifth of it.
pub const BACKUP_BYTES: u64 = 1 << 30;

/// Milliseconds after the start until a backup is thought of: a box that was just switched on has
/// other things to do.
pub const BACKUP_FIRST_MS: u64 = 600_000;

/// Milliseconds between two looks whether a day without a backup has begun.
pub const BACKUP_LOOK_MS: u64 = 3_600_000;

/// Value of one setting.
pub const SETTING_BYTES: usize = 64 << 10;

// The catalog.

/// Media items of the library that memory is reckoned for: the one of the report that this box
/// exists for.
pub const CATALOG_ITEMS: usize = 28_949;

/// What the catalog of so many items may take.
pub const CATALOG_BYTES: usize = 28 << 20;

/// Longest summary of a title that is kept, in bytes: what a guide shows.
pub const SUMMARY_BYTES: usize = 200;

/// Genres, and collections, of one title that are kept.
pub const TAGS: usize = 16;

/// Playlists of one server that are kept. The report that this box exists for has 312.
pub const PLAYLISTS: usize = 512;

/// Titles of one playlist that are kept.
pub const PLAYLIST_TITLES: usize = 5_000;

/// Titles of all playlists together, of one server.
pub const PLAYLISTS_TITLES: usize = 50_000;

// Channels and their schedules.

/// Channels of one box. Plex copes with at most 480 per device.
pub const CHANNELS: usize = 480;

/// Channels that are suggested for a library at once.
pub const SUGGESTED_CHANNELS: usize = 40;

/// Entries of one channel's schedule table.
pub const SCHEDULE_ENTRIES: usize = 300_000;

/// Longest item that is scheduled: 1000 hours. More is a broken file, and sums stay far from the
/// end of an `i64`.
pub const ITEM_DURATION_MS: u64 = 1_000 * 3_600 * 1_000;

// A stream.

/// Media time that a viewer is ahead of the schedule, so that clients have enough to probe and a
/// source may stall.
pub const LEAD_MS: i64 = 5_500;

/// Media time before an airing's end at which the next one is opened.
pub const OPEN_AHEAD_MS: i64 = 30_000;

/// What is kept of the indexes of files that were shown lately, in the whole box: some fifty films.
pub const OUTLINES_BYTES: usize = 1 << 20;

/// Servers of which it is kept how they give what they are asked for.
pub const PACES: usize = 16;

/// How long a stream that has not begun waits for its first item before it begins with the slate.
pub const OPEN_PATIENCE_MS: u64 = 2_000;

/// How long a source may keep a stream waiting before the slate goes on instead: the viewer has
/// two seconds of its lead left then.
pub const STALL_PATIENCE_MS: u64 = 3_500;

/// A stream that waits for its source sends its tables so often: clients hang up on silence.
pub const KEEP_ALIVE_MS: u64 = 250;

/// The date is taken as set when it differs by more than this from what it was.
pub const CLOCK_STEP_MS: u64 = 500;

/// Bytes that the viewers of one channel share.
pub const RING_BYTES: usize = 1 << 20;

/// A viewer that takes so little that it has had nothing to play for this long is led to what is on
/// now. With its lead it is eight seconds late by then.
pub const VIEWER_DRY_MS: u64 = 2_500;

/// A viewer that does not take a chunk for this long has nothing to play for `VIEWER_DRY_MS` once it
/// has: until then it holds neither a source nor what was made of it.
pub const VIEWER_RESTS_MS: u64 = LEAD_MS.unsigned_abs() + VIEWER_DRY_MS;

/// Pictures that the remuxer holds back while it waits for their sound.
pub const REMUX_HELD_BYTES: usize = 2 << 20;

/// Sound that the remuxer holds back while it waits for pictures: five seconds of 640 kb/s.
pub const REMUX_HELD_SOUND_BYTES: usize = 512 << 10;

/// Largest sample of sound: two of them fit into a PES packet, whose length has 16 bits.
pub const SOUND_SAMPLE_BYTES: usize = 32 << 10;

/// Media time without a picture that is carried; what comes later does not belong here.
pub const PICTURE_GAP_MS: i64 = 300_000;

/// Transport packets that go to a socket in one write: 64 kB.
pub const CHUNK_BYTES: usize = 348 * 188;

/// Kernel send buffer of a stream's socket.
pub const STREAM_SOCKET_SEND_BYTES: usize = 128 << 10;

/// A viewer that takes no byte for this long is let go.
pub const VIEWER_STALLED_MS: u64 = 30_000;

/// Share of a link's rate that streams may take, in percent. The rest is for headers, for what is
/// sent again, and for whoever else is on the wire.
pub const LINK_PERCENT: u64 = 85;

/// How often the rate of the link is looked up: cables are pulled, and switches agree anew.
pub const LINK_LOOK_MS: u64 = 30_000;

// Tuners.

/// How long a tune waits for a tuner to become free before it is refused. Kodi opens a channel
/// three times within 35 ms.
pub const TUNER_WAIT_MS: u64 = 500;

/// How long a tuner stays locked when its holder does nothing with it.
pub const TUNER_LOCK_MS: u64 = 30_000;

/// How long a tune may take until its first packet, before it is refused with 807.
pub const FIRST_PACKET_MS: u64 = 5_000;

// The card.

/// Largest `exstreamtv.txt` that is read.
pub const CARD_TEXT_BYTES: usize = 64 << 10;

/// Largest file of keys for SSH that is read from the card.
pub const SSH_KEYS_BYTES: usize = 64 << 10;

/// Sentences for the owner that were found out before the box started.
pub const NOTICES_BYTES: usize = 64 << 10;

/// How often it is looked whether a drive was plugged in.
pub const DRIVES_LOOK_MS: u64 = 30_000;

/// How often a box that nobody attends to looks whether its owner has something new to be put on air.
pub const UNATTENDED_LOOK_MS: u64 = 5_000;

/// How long it leaves a server alone that could not be read.
pub const UNATTENDED_AGAIN_MS: u64 = 60_000;

/// Files and folders of a drive that are looked at to find one video.
pub const DRIVE_LOOK_FILES: usize = 4_096;

/// How often a server that could not be linked to is tried again, at most.
pub const PLEX_LINK_AGAIN_MS: u64 = 300_000;

// The clock.

/// How long a box waits to be told the date before it takes one that can be right: a house may have
/// no Internet.
pub const CLOCK_PATIENCE_MS: u64 = 300_000;

/// How often a box that does not know the date looks whether it has been told.
pub const CLOCK_LOOK_MS: u64 = 500;

// The doors.

/// Connections that are open at once on one door, streams included. Both doors together, with a
/// file for each stream, stay below the 1024 descriptors that a process usually has.
pub const HTTP_CONNECTIONS: usize = 256;

/// How long nobody is let in when the machine cannot take a connection more.
pub const ACCEPT_PAUSE_MS: u64 = 100;

/// Connections that are open at once on the control socket.
pub const CONTROL_CONNECTIONS: usize = 16;

/// Documents that one door makes and sends at the same time; further requests wait their turn.
pub const HTTP_DOCUMENTS: usize = 24;

/// Guides that one door sends at the same time. One takes as long as its reader does, so they do
/// not wait in line with the documents.
pub const HTTP_GUIDES: usize = 16;

/// Pictures that one door gives at the same time. They wait for another server, so they do not wait
/// in line with the documents either.
pub const HTTP_PICTURES: usize = 4;

/// Head of an HTTP request: request line and headers.
pub const HTTP_HEAD_BYTES: usize = 16 << 10;

/// Kernel send buffer of a connection that carries no stream.
pub const HTTP_SOCKET_SEND_BYTES: usize = 64 << 10;

/// Kernel receive buffer of a connection; clients say little.
pub const HTTP_SOCKET_RECEIVE_BYTES: usize = 16 << 10;

/// Headers of an HTTP request.
pub const HTTP_HEADERS: usize = 64;

/// Milliseconds in which a client has to send its request's head.
pub const HTTP_HEAD_MS: u64 = 10_000;

/// Body of an HTTP request.
pub const HTTP_BODY_BYTES: usize = 64 << 10;

/// Milliseconds that a whole answer may take, streams and the guide not included.
pub const HTTP_ANSWER_MS: u64 = 20_000;

/// Milliseconds that one on the control socket may take: a backup is taken in, looked through and put
/// in place.
pub const CONTROL_ANSWER_MS: u64 = 600_000;

/// Milliseconds that a closing connection waits for the client to close its side.
pub const HTTP_LINGER_MS: u64 = 500;

/// Milliseconds that connections get to end when the box stops.
pub const HTTP_GRACE_MS: u64 = 1_500;

// What the doors say.

/// Programmes per channel in one guide answer.
pub const GUIDE_PROGRAMMES: usize = 2_000;

/// Genres of one programme in the guide.
pub const GUIDE_GENRES: usize = 8;

/// Longest genre or age rating in the guide, in bytes.
pub const GUIDE_WORD_BYTES: usize = 64;

/// Bytes of the guide that are made at once.
pub const GUIDE_PIECE_BYTES: usize = 64 << 10;

/// Media items in one answer.
pub const MEDIA_ANSWER: usize = 500;

/// Sentences of one kind that a page or a health answer lists; the rest is counted.
pub const SENTENCES: usize = 50;
