//! Bounds of being found: what is kept of the network, and of whoever looks for the box, controls it,
//! or has streams sent in datagrams.

/// Network interfaces that are looked at. A machine that runs containers has one for each.
pub const NETWORK_INTERFACES: usize = 64;

/// Addresses of one interface. IPv6 brings a new one each day and keeps those of a week.
pub const NETWORK_ADDRESSES: usize = 32;

/// Domains that the machine is in.
pub const NETWORK_DOMAINS: usize = 16;

/// Configuration of the machine's resolver.
pub const RESOLVER_BYTES: u64 = 16 << 10;

/// How often the network is looked at without a word that it has changed: nobody tells of domains.
pub const NETWORK_LOOK_MS: u64 = 30_000;

/// How often it is looked at where the kernel does not tell of changes.
pub const NETWORK_POLL_MS: u64 = 5_000;

/// Milliseconds without a word after which a change is taken to be over.
pub const NETWORK_QUIET_MS: u64 = 100;

/// Milliseconds after which the network is looked at although it still changes.
pub const NETWORK_SETTLES_MS: u64 = 500;

/// How long a socket is left alone that gives an error.
pub const DISCOVERY_PAUSE_MS: u64 = 50;

/// How long until a socket is tried again that another program has.
pub const DISCOVERY_AGAIN_MS: u64 = 30_000;

/// How often it is looked whether another device has the same number.
pub const TWIN_LOOK_MS: u64 = 600_000;

/// How long one may take to answer.
pub const TWIN_PATIENCE_MS: u64 = 1_000;

/// Control connections that are open at once.
pub const DEVICE_CONNECTIONS: usize = 32;

/// Kernel buffers of a control connection, for each direction: some frames.
pub const DEVICE_SOCKET_BYTES: usize = 4 << 10;

/// Longest frame of discovery and control: what one datagram carries.
pub const DEVICE_FRAME_BYTES: usize = 1_460;

/// A control connection on which nothing is said for this long ends.
pub const DEVICE_SILENT_MS: u64 = 60_000;

/// A stream of datagrams ends when its receiver has said nothing for this long.
pub const TARGET_SILENT_MS: u64 = 30_000;

/// How long whoever asks for a stream of datagrams waits at most to hear whether it has begun.
pub const TARGET_BEGIN_MS: u64 = 1_000;

/// How often a control connection on which nothing is said is taken for the word of a receiver.
pub const DEVICE_WORD_MS: u64 = 10_000;

/// Control connections of one machine.
pub const DEVICE_CONNECTIONS_EACH: usize = 8;

/// How long the receiver of a stream of datagrams is left alone first: libhdhomerun throws away what
/// it gets in the first 64 ms.
pub const TARGET_SETTLE_MS: u64 = 250;

/// How many times faster than it plays the beginning of a stream of datagrams may be sent.
pub const TARGET_CATCH_UP: u64 = 4;

/// What it may take in any case: the rate of a stream varies.
pub const TARGET_BITS_PER_SECOND: u64 = 20_000_000;

/// Datagrams that may go at once before the rate counts.
pub const TARGET_BURST: u32 = 8;

/// Kernel receive buffer of a socket on which the box is looked for. What does not fit is asked
/// again.
pub const DISCOVERY_SOCKET_RECEIVE_BYTES: usize = 64 << 10;

/// Longest message of SSDP that is read. Searches have some 200 bytes.
pub const SSDP_MESSAGE_BYTES: usize = 1_500;

/// Headers of a message of SSDP.
pub const SSDP_HEADERS: usize = 32;

/// Longest label of a name in DNS (RFC 1035 §2.3.4).
pub const DNS_LABEL_BYTES: usize = 63;

/// Longest name, with the lengths of its labels.
pub const DNS_NAME_BYTES: usize = 255;

/// Pointers that are followed within one name.
pub const DNS_HOPS: usize = 16;

/// Questions and records of one message that are looked at.
pub const DNS_ENTRIES: usize = 512;

/// Places in a message that is written to which a pointer may lead.
pub const DNS_MARKS: usize = 24;

/// Longest message of mDNS that is read (RFC 6762 §17).
pub const MDNS_MESSAGE_BYTES: usize = 9_000;

/// Longest message of mDNS that is written: what one frame of Ethernet carries over IPv6.
pub const MDNS_DRAFT_BYTES: usize = 1_452;

/// How much of mDNS is looked at in one window of time: 6.5 MB/s, and 12,800 messages a second.
pub const MDNS_WINDOW_BYTES: usize = 64 << 10;

/// How long such a window is.
pub const MDNS_WINDOW_MS: u64 = 10;

/// Records that another may claim for one name: a machine's addresses.
pub const MDNS_CLAIMS: usize = 64;

/// Answers of mDNS to one asker that wait for their time.
pub const MDNS_WAITING: usize = 64;

/// Of those, the ones for one asker.
pub const MDNS_WAITING_EACH: usize = 8;

/// Answers of SSDP that wait for their time.
pub const SSDP_WAITING: usize = 128;

/// Of those, the ones for one asker: four searches for everything.
pub const SSDP_WAITING_EACH: usize = 24;
