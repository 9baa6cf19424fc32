//! The last picture of a file: where its video ends. The Duration that a Segment tells is that of
//! its longest track, which is often the sound or the subtitles.
//!
//! From the Cluster of the last key frame on it goes from head to head, and then looks through the
//! end of the last Cluster. In a large one it finds its footing by a row of elements that ends
//! where the Cluster does. Reads little, and gives up where that does not tell; only in a file
//! that has no Duration it reads on block by block.

use super::cluster::{self, BlockHead, Found, Walk};
use super::ebml::{Child, Children, Halt, Step, widen};
use super::id;
use super::layout::{Layout, Shown};
use super::stream::Listed;
use super::window::Window;
use crate::limits;

/// Clusters from the last key frame's on that are looked at.
const CLUSTERS: usize = 32;

/// Bytes at the end of a Cluster in which pictures are looked for; the second time, where the
/// first held too few.
const TAIL_BYTES: [usize; 2] = [256 << 10, limits::SAMPLE_BYTES];

/// The search for the last picture.
#[derive(Debug)]
pub(super) struct LastPicture {
    way: Way,
    seen: Seen,
}

#[derive(Debug)]
enum Way {
    Heads(Heads),
    Blocks { walk: Walk, until: u64 },
}

/// The Clusters from the last key frame's on.
#[derive(Debug)]
struct Heads {
    last_key: u64,
    /// The next element behind those found, while there may be more.
    next: Option<u64>,
    /// Those that have not been looked through.
    clusters: Vec<Whole>,
    /// Which of `TAIL_BYTES` is tried.
    attempt: usize,
}

/// A Cluster whose size is known.
#[derive(Debug, Clone, Copy)]
struct Whole {
    body: u64,
    end: u64,
    ticks: u64,
}

/// What has been seen of the video.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    pictures: usize,
    last: Option<Shown>,
}

impl Seen {
    fn note(&mut self, picture: Shown) {
        self.pictures += 1;
        let later = self.last.is_none_or(|last| picture.ticks > last.ticks);
        self.last = if later { Some(picture) } else { self.last };
    }
}

impl LastPicture {
    /// From the Cluster with the last key frame on.
    pub(super) fn behind_key_frame(cluster: u64) -> Self {
        let heads = Heads {
            last_key: cluster,
            next: Some(cluster),
            clusters: Vec::new(),
            attempt: 0,
        };
        Self {
            way: Way::Heads(heads),
            seen: Seen::default(),
        }
    }

    /// Among the blocks from the Cluster at `from` on.
    pub(super) fn among_blocks(from: u64, layout: &Layout) -> Self {
        Self {
            way: Way::Blocks {
                walk: Walk::new(from, layout.segment_end),
                until: from.saturating_add(limits::SEARCH_BYTES),
            },
            seen: Seen::default(),
        }
    }

    /// Searches on; gives when it is shown, or `None` where that cannot be told.
    pub(super) fn find(&mut self, window: &mut Window, layout: &Layout) -> Step<Option<Shown>> {
        let Some(video) = layout.tracks.get(layout.video) else {
            return Ok(None);
        };
        // As many pictures as may follow the one that is shown last.
        let reorder = video.stream.as_ref().map_or(0, |stream| stream.reorder);
        let enough = usize::from(reorder) + 1;
        loop {
            match &mut self.way {
                Way::Heads(heads) => match heads.look(window, layout, &mut self.seen, enough) {
                    Ok(()) => return Ok(self.seen.last),
                    Err(Halt::Need(span)) => return Err(Halt::Need(span)),
                    Err(_) if layout.duration_ticks.is_some() => return Ok(None),
                    Err(_) => *self = Self::among_blocks(heads.last_key, layout),
                },
                Way::Blocks { walk, until } => {
                    walk_to_end(window, walk, *until, video, &mut self.seen)?;
                    let trusted = self.seen.pictures >= enough || layout.duration_ticks.is_none();
                    return Ok(self.seen.last.filter(|_| trusted));
                }
            }
        }
    }
}

impl Heads {
    /// Looks through the ends of the Clusters, the last one first, until `enough` pictures have
    /// been seen or all since the last key frame.
    fn look(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        seen: &mut Seen,
        enough: usize,
    ) -> Step<()> {
        self.hop(window, layout)?;
        while let Some(whole) = self.clusters.last().copied() {
            let tail_bytes = TAIL_BYTES.get(self.attempt).copied().unwrap_or(0);
            let body_bytes = usize::try_from(whole.end - whole.body).unwrap_or(usize::MAX);
            let len = body_bytes.min(tail_bytes);
            let from = whole.end - widen(len);
            let tail = window.take(from, len)?;
            let mut all = *seen;
            note_pictures(&tail, whole.ticks, layout, &mut all);
            if len < body_bytes && all.pictures < enough {
                self.attempt += 1;
                if self.attempt == TAIL_BYTES.len() {
                    return Err(Halt::Broken(from, "too few pictures at a Cluster's end"));
                }
                continue;
            }
            *seen = all;
            if seen.pictures >= enough {
                break;
            }
            self.clusters.pop();
            self.attempt = 0;
        }
        Ok(())
    }

    /// Goes over the heads of the Clusters up to the last one.
    fn hop(&mut self, window: &mut Window, layout: &Layout) -> Step<()> {
        let segment_end = layout.segment_end.min(window.file_bytes());
        while let Some(at) = self.next.filter(|at| *at < segment_end) {
            window.forget_before(at);
            let element = window.head(at, segment_end)?;
            if !matches!(element.id, id::CLUSTER | id::VOID) {
                break;
            }
            let end = element.end().filter(|end| *end <= segment_end);
            let end = end.ok_or(Halt::Broken(at, "an element without an end"))?;
            if element.id == id::CLUSTER {
                if self.clusters.len() == CLUSTERS {
                    return Err(Halt::Broken(at, "too many Clusters behind the last Cue"));
                }
                self.clusters.push(Whole {
                    body: element.body,
                    end,
                    // Noted here, since its place is far from those that are looked at later.
                    ticks: cluster::timestamp_of(window, at)?,
                });
            }
            self.next = Some(end);
        }
        self.next = None;
        Ok(())
    }
}

fn walk_to_end(
    window: &mut Window,
    walk: &mut Walk,
    until: u64,
    video: &Listed,
    seen: &mut Seen,
) -> Step<()> {
    while walk.at() < until {
        match walk.next(window) {
            Ok(Found::Block(block)) if block.track == video.number() => seen.note(Shown {
                ticks: block.ticks,
                duration_ticks: block.duration_ticks,
            }),
            Ok(Found::Block(_) | Found::Gap) => {}
            Err(Halt::Need(span)) => return Err(Halt::Need(span)),
            Ok(Found::End) | Err(_) => break,
        }
    }
    Ok(())
}

/// Notes the pictures in the end of a Cluster's body: from the first place on from which a row of
/// elements leads to its very end. Looks at no more elements than there are bytes.
fn note_pictures(tail: &[u8], cluster_ticks: u64, layout: &Layout, seen: &mut Seen) {
    let base = i64::try_from(cluster_ticks).unwrap_or(i64::MAX);
    let before = *seen;
    let mut elements_left = tail.len();
    for from in 0..tail.len() {
        let row = tail.get(from..).unwrap_or_default();
        let id = row.first().map_or(0, |byte| u32::from(*byte));
        if from > 0 && !matches!(id, id::SIMPLE_BLOCK | id::BLOCK_GROUP) {
            continue;
        }
        if note_row(row, base, layout, seen, &mut elements_left).is_some() {
            return;
        }
        *seen = before;
        if elements_left == 0 {
            return;
        }
    }
}

/// Notes the pictures in a row of elements; `None` where it is none, has too many, or has blocks of
/// tracks that do not exist.
fn note_row(
    row: &[u8],
    base: i64,
    layout: &Layout,
    seen: &mut Seen,
    elements_left: &mut usize,
) -> Option<()> {
    for child in Children::new(row, 0) {
        *elements_left = elements_left.checked_sub(1)?;
        let child = child.ok()?;
        let (body, duration_ticks) = match child.id {
            id::SIMPLE_BLOCK => (child.body, None),
            id::BLOCK_GROUP => block_of_group(child)?,
            _ => continue,
        };
        let head = BlockHead::parse(body)?;
        let track = layout
            .tracks
            .iter()
            .position(|track| track.number() == head.track)?;
        if track == layout.video {
            seen.note(Shown {
                ticks: base.saturating_add(i64::from(head.since_cluster)),
                duration_ticks,
            });
        }
    }
    Some(())
}

/// The body of the block in a BlockGroup, and how long it is shown.
fn block_of_group(group: Child<'_>) -> Option<(&[u8], Option<u64>)> {
    let (mut block, mut duration_ticks) = (None, None);
    for child in group.children() {
        let child = child.ok()?;
        match child.id {
            id::BLOCK => block = Some(child.body),
            id::BLOCK_DURATION => duration_ticks = child.uint().ok(),
            _ => {}
        }
    }
    Some((block?, duration_ticks))
}
