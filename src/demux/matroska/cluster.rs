//! The walk through the Clusters (RFC 9559 §5.1.3): block after block, in file order.
//!
//! Reads the heads of blocks, never their frames. Goes through Clusters of known and of unknown
//! size alike, steps over everything that is no block, and finds the next Cluster where the
//! structure is damaged. The state is kept after each element, so a [`Halt::Need`] costs nothing.

use super::ebml::{self, Element, Halt, Step, widen};
use super::id;
use super::window::{Sought, Window};
use crate::error::Error;
use crate::limits;

/// Name of the structure for errors.
const WHAT: &str = "Segment/Cluster";

/// Longest head of a block: a track number of 8 bytes, a timestamp and flags (§10).
const BLOCK_HEAD_BYTES: usize = 11;

/// How the frames of a block are told apart (§10.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacing {
    None,
    Xiph,
    Fixed,
    Ebml,
}

/// Whether the container says that decoding can begin at a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Yes,
    No,
}

/// A block, told from its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Its track's number.
    pub(super) track: u64,
    /// When its first frame is shown, in Segment ticks.
    pub(super) ticks: i64,
    /// How long it is shown, in Segment ticks, where the file says so.
    pub(super) duration_ticks: Option<u64>,
    pub(super) key: Key,
    pub(super) lacing: Lacing,
    /// Where its frames begin in the file.
    pub(super) payload: u64,
    /// Bytes from there to its end.
    pub(super) payload_bytes: usize,
    /// Where its Cluster begins.
    pub(super) cluster: u64,
}

/// What a walk comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The next block.
    Block(Block),
    /// The structure was damaged; blocks may be missing before the next one.
    Gap,
    /// No block is left.
    End,
}

#[derive(Debug, Clone, Copy)]
struct Cluster {
    at: u64,
    end: u64,
    ticks: Option<u64>,
}

/// A BlockGroup that is being read.
#[derive(Debug, Clone, Copy)]
struct Group {
    end: u64,
    block: Option<Block>,
    duration_ticks: Option<u64>,
    key: Key,
}

/// A place in the Clusters, moving forward.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    at: u64,
    end: u64,
    cluster: Option<Cluster>,
    group: Option<Group>,
    /// Where the search for the next Cluster gives up, while there is one.
    lost_until: Option<u64>,
}

impl Walk {
    /// Begins at a Cluster, or another element of the Segment, which ends at `end`.
    pub(super) fn new(at: u64, end: u64) -> Self {
        Self {
            at,
            end,
            cluster: None,
            group: None,
            lost_until: None,
        }
    }

    /// Where it stands, in bytes from the start of the file.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next block.
    pub(super) fn next(&mut self, window: &mut Window) -> Step<Found> {
        loop {
            let block = self.group.and_then(|group| group.block);
            window.forget_before(block.map_or(self.at, |block| block.payload));
            match self.step(window) {
                Ok(None) => {}
                Ok(Some(found)) => return Ok(found),
                Err(Halt::Ended(_)) => {
                    self.at = self.end;
                    self.lost_until = None;
                    return Ok(Found::End);
                }
                Err(Halt::Broken(..)) if self.lost_until.is_none() => {
                    self.lose();
                    return Ok(Found::Gap);
                }
                Err(halt) => return Err(halt.within(WHAT)),
            }
        }
    }

    /// Takes the block that was found last as broken: goes on at the next Cluster.
    pub(super) fn lose(&mut self) {
        // An element of the Segment that cannot be read is no Cluster to come back to. Inside one,
        // the next may stand right here.
        if self.cluster.is_none() {
            self.at = self.at.saturating_add(1);
        }
        self.cluster = None;
        self.group = None;
        self.lost_until = Some(self.at.saturating_add(limits::SEARCH_BYTES));
    }

    /// One element further.
    fn step(&mut self, window: &mut Window) -> Step<Option<Found>> {
        if let Some(until) = self.lost_until {
            return self.search(window, until).map(|()| None);
        }
        let at_end = self.at >= self.end.min(window.file_bytes());
        if at_end && self.group.is_none() {
            return Ok(Some(Found::End));
        }
        match (self.group, self.cluster) {
            (Some(group), Some(cluster)) => self.step_in_group(window, cluster, group),
            (_, Some(cluster)) => self.step_in_cluster(window, cluster),
            (_, None) => self.step_in_segment(window).map(|()| None),
        }
    }

    fn step_in_segment(&mut self, window: &mut Window) -> Step<()> {
        let element = window.head(self.at, self.end)?;
        let end = element.end();
        if element.id == id::CLUSTER {
            self.cluster = Some(Cluster {
                at: element.at,
                end: end.unwrap_or(self.end).min(self.end),
                ticks: None,
            });
            self.at = element.body;
            return Ok(());
        }
        if window.is_live() && matches!(element.id, id::EBML | id::SEGMENT | id::TRACKS) {
            let why = "the stream begins anew in the middle, perhaps as another one";
            return Err(Halt::Fail(Error::malformed(WHAT, self.at, why)));
        }
        // What stands directly in a Segment has an ID of 4 bytes, now and in later versions.
        let fits = element.id > 0x00FF_FFFF || matches!(element.id, id::VOID | id::CRC_32);
        if !fits {
            return Err(Halt::Broken(self.at, "this is no element of a Segment"));
        }
        self.at = inner_end(&element, self.end)?;
        Ok(())
    }

    fn step_in_cluster(&mut self, window: &mut Window, cluster: Cluster) -> Step<Option<Found>> {
        if self.at >= cluster.end {
            self.cluster = None;
            return Ok(None);
        }
        let element = window.head(self.at, cluster.end)?;
        if id::is_top_level(element.id) {
            self.cluster = None;
            return Ok(None);
        }
        let end = inner_end(&element, cluster.end)?;
        match element.id {
            id::TIMESTAMP => {
                let ticks = uint(window, &element)?;
                self.cluster = Some(Cluster {
                    ticks: Some(ticks),
                    ..cluster
                });
            }
            id::SIMPLE_BLOCK => {
                let block = block_head(window, &element, &cluster)?;
                self.at = end;
                return Ok(Some(Found::Block(block)));
            }
            id::BLOCK_GROUP => {
                self.group = Some(Group {
                    end,
                    block: None,
                    duration_ticks: None,
                    key: Key::Yes,
                });
                self.at = element.body;
                return Ok(None);
            }
            _ => {}
        }
        self.at = end;
        Ok(None)
    }

    fn step_in_group(
        &mut self,
        window: &mut Window,
        cluster: Cluster,
        mut group: Group,
    ) -> Step<Option<Found>> {
        if self.at >= group.end {
            self.group = None;
            return Ok(group.block.map(|block| {
                Found::Block(Block {
                    duration_ticks: group.duration_ticks,
                    key: group.key,
                    ..block
                })
            }));
        }
        let element = window.head(self.at, group.end)?;
        let end = inner_end(&element, group.end)?;
        match element.id {
            id::BLOCK => {
                let block = block_head(window, &element, &cluster)?;
                // What stands behind the block says whether it is a key frame. Its frames are
                // kept for that long, or they would be read twice.
                if block.payload_bytes <= limits::SAMPLE_BYTES {
                    window.hold(block.payload, block.payload_bytes)?;
                }
                group.block = Some(block);
            }
            id::BLOCK_DURATION => group.duration_ticks = Some(uint(window, &element)?),
            id::REFERENCE_BLOCK => group.key = Key::No,
            _ => {}
        }
        self.group = Some(group);
        self.at = end;
        Ok(None)
    }

    /// Goes forward to the next Cluster.
    fn search(&mut self, window: &mut Window, until: u64) -> Step<()> {
        let to = until.min(self.end);
        match find_cluster(window, self.at, to)? {
            Sought::Found((at, _)) => {
                self.at = at;
                self.lost_until = None;
                Ok(())
            }
            Sought::NotBefore(at) if at >= window.file_bytes().min(self.end) => {
                Err(Halt::Ended(at))
            }
            Sought::NotBefore(at) if at >= to => Err(Halt::Fail(Error::malformed(
                WHAT,
                self.at,
                "the file is damaged here and no further Cluster was found",
            ))),
            Sought::NotBefore(at) => {
                self.at = at;
                Ok(())
            }
        }
    }
}

/// Looks for a Cluster in `from..to`: where it stands, and its timestamp.
pub(super) fn find_cluster(window: &mut Window, from: u64, to: u64) -> Step<Sought<(u64, u64)>> {
    let at = match window.find(id::CLUSTER.to_be_bytes(), from, to)? {
        Sought::Found(at) => at,
        Sought::NotBefore(at) => return Ok(Sought::NotBefore(at)),
    };
    match timestamp_of(window, at) {
        Ok(ticks) => Ok(Sought::Found((at, ticks))),
        Err(Halt::Broken(..) | Halt::Ended(_)) => Ok(Sought::NotBefore(at.saturating_add(1))),
        Err(halt) => Err(halt),
    }
}

/// The timestamp of the Cluster that stands at `at`. It comes first, but for what may come before
/// (§5.1.3.1); anything else is no Cluster.
pub(super) fn timestamp_of(window: &mut Window, at: u64) -> Step<u64> {
    let file_bytes = window.file_bytes();
    let cluster = window.head(at, file_bytes)?;
    let mut at = cluster.body;
    for _ in 0..limits::NESTING {
        let element = window.head(at, file_bytes)?;
        if element.id == id::TIMESTAMP {
            return uint(window, &element);
        }
        let end = element.end().filter(|_| id::opens_cluster(element.id));
        at = end.ok_or(Halt::Broken(at, "a Cluster begins without its Timestamp"))?;
        if at > element.body.saturating_add(widen(limits::TEXT_BYTES)) {
            break;
        }
    }
    Err(Halt::Broken(at, "a Cluster begins without its Timestamp"))
}

/// Where an element ends that stands in a parent which ends at `parent_end`.
fn inner_end(element: &Element, parent_end: u64) -> Step<u64> {
    match element.end() {
        None => Err(Halt::Broken(
            element.at,
            "an element's size is unknown where it must be told",
        )),
        Some(end) if end > parent_end => Err(Halt::Broken(
            element.at,
            "an element runs past the end of its parent",
        )),
        Some(end) => Ok(end),
    }
}

fn uint(window: &mut Window, element: &Element) -> Step<u64> {
    let too_long = Halt::Broken(element.at, "an integer is longer than 8 bytes");
    let len = element.size.and_then(|size| usize::try_from(size).ok());
    let len = len.filter(|len| *len <= 8).ok_or(too_long.clone())?;
    ebml::uint(&window.take(element.body, len)?).ok_or(too_long)
}

/// The head of a Block or SimpleBlock (§10.1, §10.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockHead {
    pub(super) track: u64,
    /// Segment ticks from its Cluster's timestamp to it.
    pub(super) since_cluster: i16,
    flags: u8,
    bytes: usize,
}

impl BlockHead {
    /// Reads it at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (track, track_len) = ebml::vint(bytes)?;
        let rest = bytes.get(track_len..track_len + 3)?;
        let [high, low, flags] = <[u8; 3]>::try_from(rest).ok()?;
        Some(Self {
            track,
            since_cluster: i16::from_be_bytes([high, low]),
            flags,
            bytes: track_len + 3,
        })
    }
}

/// Reads the head of a Block or SimpleBlock.
fn block_head(window: &mut Window, element: &Element, cluster: &Cluster) -> Step<Block> {
    let broken = |why| Halt::Broken(element.at, why);
    let size = element.size.unwrap_or(0);
    let size =
        usize::try_from(size).map_err(|_| broken("a block is larger than any that is carried"))?;
    let bytes = window.take(element.body, size.min(BLOCK_HEAD_BYTES))?;
    let head = BlockHead::parse(&bytes).ok_or(broken("a block without a track or a time"))?;
    let ticks = cluster
        .ticks
        .ok_or(broken("a block in a Cluster without a time"))?;
    let ticks =
        i64::try_from(ticks).map_err(|_| broken("a Cluster's Timestamp is out of range"))?;
    Ok(Block {
        track: head.track,
        ticks: ticks.saturating_add(i64::from(head.since_cluster)),
        duration_ticks: None,
        key: if head.flags & 0x80 == 0 {
            Key::No
        } else {
            Key::Yes
        },
        lacing: match (head.flags >> 1) & 3 {
            0 => Lacing::None,
            1 => Lacing::Xiph,
            2 => Lacing::Fixed,
            _ => Lacing::Ebml,
        },
        payload: element.body.saturating_add(widen(head.bytes)),
        payload_bytes: size.saturating_sub(head.bytes),
        cluster: cluster.at,
    })
}
