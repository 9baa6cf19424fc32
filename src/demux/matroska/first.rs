//! The first frames of a file: the first key frame of its video, whose showing is the origin of
//! time, and those of tracks that say only there what they are.

use super::cluster::{Block, Found, Key, Lacing, Walk};
use super::ebml::{Halt, Step};
use super::lace;
use super::stream::Listed;
use super::time::Timeline;
use super::window::Window;
use crate::limits;

/// Bytes behind the first key frame in which the other tracks' first frames are looked for.
const OTHERS_BYTES: u64 = 2 << 20;

/// Bytes at the beginning of a picture that tell what it is, most often.
const HEAD_BYTES: usize = 8 << 10;

/// The search for them.
#[derive(Debug)]
pub(super) struct FirstFrames {
    walk: Walk,
    until: u64,
    block: Option<Block>,
    first_video_ns: Option<i64>,
    key_ns: Option<i64>,
}

impl FirstFrames {
    /// Begins at the first Cluster of a Segment that ends at `end`.
    pub(super) fn new(first_cluster: u64, end: u64) -> Self {
        Self {
            walk: Walk::new(first_cluster, end),
            until: first_cluster.saturating_add(limits::SEARCH_BYTES),
            block: None,
            first_video_ns: None,
            key_ns: None,
        }
    }

    /// Reads on, corrects the facts of the tracks, and gives the instant at which the first key
    /// frame of `video` is shown: of the first frame, where there is no key frame, and `None`
    /// where there is no frame at all.
    pub(super) fn read(
        &mut self,
        window: &mut Window,
        tracks: &mut [Listed],
        video: usize,
        timeline: &Timeline,
    ) -> Step<Option<i64>> {
        while self.wants_more(tracks) {
            let block = match self.block {
                Some(block) => block,
                None => match self.walk.next(window) {
                    Ok(Found::Block(block)) => block,
                    Ok(Found::Gap) => continue,
                    Err(Halt::Need(span)) => return Err(Halt::Need(span)),
                    Ok(Found::End) | Err(_) => break,
                },
            };
            self.block = Some(block);
            match self.look(window, &block, tracks, video, timeline) {
                Ok(()) => {}
                Err(Halt::Need(span)) => return Err(Halt::Need(span)),
                Err(Halt::Ended(_)) => break,
                Err(_) => self.walk.lose(),
            }
            self.block = None;
        }
        Ok(self.key_ns.or(self.first_video_ns))
    }

    fn wants_more(&self, tracks: &[Listed]) -> bool {
        self.walk.at() < self.until
            && (self.key_ns.is_none() || tracks.iter().any(Listed::is_unheard))
    }

    /// Looks at a block.
    fn look(
        &mut self,
        window: &mut Window,
        block: &Block,
        tracks: &mut [Listed],
        video: usize,
        timeline: &Timeline,
    ) -> Step<()> {
        let mut all = tracks.iter_mut().enumerate();
        let Some((at, track)) = all.find(|(_, track)| track.number() == block.track) else {
            return Ok(());
        };
        let time_ns = timeline.ns(block.ticks);
        let is_searched = at == video && self.key_ns.is_none();
        if is_searched {
            self.first_video_ns.get_or_insert(time_ns);
        }
        let may_begin = is_searched && block.key == Key::Yes;
        if !may_begin && !track.is_unheard() {
            return Ok(());
        }
        if let (Some(stream), Lacing::None, false) =
            (&track.stream, block.lacing, track.is_unheard())
        {
            // The whole picture may take one more read.
            let head = window.take(block.payload, block.payload_bytes.min(HEAD_BYTES))?;
            if stream.begins_random_access(head) {
                self.found(time_ns);
                return Ok(());
            }
        }
        let frame = lace::read(window, block)?.into_iter().next();
        let (Some(frame), Some(stream)) = (frame, &track.stream) else {
            return Ok(());
        };
        let frame = stream.whole(frame);
        if may_begin && stream.is_random_access(&frame) {
            self.found(time_ns);
        }
        if track.is_unheard() {
            track.hear(&frame);
        }
        Ok(())
    }

    /// The first key frame is shown at this instant.
    fn found(&mut self, time_ns: i64) {
        self.key_ns = Some(time_ns);
        self.until = self.walk.at().saturating_add(OTHERS_BYTES);
    }
}
