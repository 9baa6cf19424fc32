//! Where to begin: from a media time to the Cluster of the last key frame shown at or before it.
//!
//! By the Cues where there are any. Without them by halving the file, looking for Clusters and
//! their timestamps, and then reading on to the time; when there was no key frame on the way, from
//! further back.

use super::cluster::{self, Block, Found, Key, Walk};
use super::cue::Cue;
use super::ebml::{Halt, Step};
use super::layout::Layout;
use super::stream::Stream;
use super::window::{Sought, Window};
use super::{id, lace};
use crate::limits;

/// Halving ends when this little is left; it is read through.
const NEAR_BYTES: u64 = 1 << 20;

/// How much earlier the search begins when it found no key frame the first time. Every further
/// time it is four times as much.
const BACK_90K: i64 = 4 * 90_000;

/// A Cue that is further before the time than this need not be that of the last key frame: some
/// writers note only one now and then.
const SPARSE_90K: i64 = 15 * 90_000;

/// Where the reading of samples begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// A Cluster.
    pub(super) cluster: u64,
    /// Key frames in it that are shown before this time are not the one.
    pub(super) from_90k: i64,
}

/// The search for a place.
#[derive(Debug)]
pub(super) struct Search {
    /// The number of the video track.
    video: u64,
    time_90k: i64,
    stage: Stage,
    /// Whether the Cues may still be believed.
    trust: Trust,
    back_90k: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Cues,
    BlocksOnly,
}

#[derive(Debug)]
enum Stage {
    /// By the kept Cues.
    Kept,
    /// By those between two kept ones; `best` is the last that is not too late.
    Between { best: Cue, at: u64, end: u64 },
    /// The Cue's Cluster has to be there.
    Check(Cue),
    /// The place lies in `low..high`; a Cluster is looked for from `at` on.
    Halve { low: u64, high: u64, at: u64 },
    /// Reading on.
    Read(Box<Reading>),
    /// It has been found.
    Done(Place),
}

/// Reading on from the Cluster `low`, up to the time.
#[derive(Debug)]
struct Reading {
    low: u64,
    walk: Walk,
    block: Option<Block>,
    best: Option<Place>,
}

impl Search {
    /// For the last key frame of the track `video` that is shown at or before `time_90k`.
    pub(super) fn new(video: u64, time_90k: i64) -> Self {
        Self {
            video,
            time_90k,
            stage: Stage::Kept,
            trust: Trust::Cues,
            back_90k: 0,
        }
    }

    /// The place that was found does not keep its promise. Whether there is another way to search:
    /// the blocks themselves, where it was by Cues.
    pub(super) fn doubt(&mut self, layout: &Layout) -> bool {
        let others_left = self.trust == Trust::Cues;
        if others_left {
            self.stage = self.without_cues(layout);
        }
        others_left
    }

    /// Searches on.
    pub(super) fn find(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        stream: &Stream,
    ) -> Step<Place> {
        loop {
            self.stage = match &mut self.stage {
                Stage::Kept => self.by_kept(layout, stream),
                Stage::Between { best, at, end } => {
                    let (best, at, end) = (*best, *at, *end);
                    self.between(window, layout, stream, (best, at, end))?
                }
                Stage::Check(cue) => {
                    let cue = *cue;
                    self.check(window, layout, stream, cue)?
                }
                Stage::Halve { low, high, at } => {
                    let (low, high, at) = (*low, *high, *at);
                    self.halve(window, layout, (low, high, at))?
                }
                Stage::Read(reading) => {
                    reading.read(window, layout, stream, (self.video, self.time_90k))?;
                    self.judge(layout)
                }
                Stage::Done(place) => return Ok(*place),
            };
        }
    }

    fn by_kept(&mut self, layout: &Layout, stream: &Stream) -> Stage {
        if self.time_90k <= 0 {
            return begin(layout);
        }
        let in_time = |cue: &Cue| layout.cue_90k(cue.ticks, stream) <= self.time_90k;
        let Some(index) = layout.cues.find(in_time) else {
            return if layout.cues.last().is_some() {
                begin(layout)
            } else {
                self.without_cues(layout)
            };
        };
        match (layout.cues.get(index), layout.cues.between(index)) {
            (Some(best), Some((at, end))) => Stage::Between { best, at, end },
            (Some(best), None) => Stage::Check(best),
            (None, _) => self.without_cues(layout),
        }
    }

    fn between(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        stream: &Stream,
        (best, at, end): (Cue, u64, u64),
    ) -> Step<Stage> {
        if at >= end {
            return Ok(Stage::Check(best));
        }
        match layout.cues.cue_at(window, at, end) {
            Ok((cue, at)) => {
                let in_time = cue.filter(|cue| layout.cue_90k(cue.ticks, stream) <= self.time_90k);
                let best = in_time.unwrap_or(best);
                Ok(Stage::Between { best, at, end })
            }
            Err(Halt::Need(span)) => Err(Halt::Need(span)),
            Err(_) => Ok(Stage::Check(best)),
        }
    }

    fn check(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        stream: &Stream,
        cue: Cue,
    ) -> Step<Stage> {
        window.forget_before(cue.cluster);
        match window.head(cue.cluster, layout.segment_end) {
            Ok(element) if element.id == id::CLUSTER => {
                let from_90k = layout.cue_90k(cue.ticks, stream);
                Ok(if self.time_90k.saturating_sub(from_90k) > SPARSE_90K {
                    read_from(cue.cluster, layout)
                } else {
                    Stage::Done(Place {
                        cluster: cue.cluster,
                        from_90k,
                    })
                })
            }
            Err(Halt::Need(span)) => Err(Halt::Need(span)),
            Ok(_) | Err(_) => Ok(self.without_cues(layout)),
        }
    }

    /// Begins the search by blocks.
    fn without_cues(&mut self, layout: &Layout) -> Stage {
        self.trust = Trust::BlocksOnly;
        halve(layout.first_cluster, layout.segment_end)
    }

    /// One Cluster further in halving.
    fn halve(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        (low, high, at): (u64, u64, u64),
    ) -> Step<Stage> {
        if high.saturating_sub(low) <= NEAR_BYTES {
            return Ok(read_from(low, layout));
        }
        let middle = middle(low, high);
        window.forget_before(at);
        let goal_90k = self.time_90k.saturating_sub(self.back_90k);
        Ok(match cluster::find_cluster(window, at, high)? {
            Sought::Found((cluster, ticks)) if layout.cluster_90k(ticks) <= goal_90k => {
                halve(cluster, high)
            }
            Sought::Found(_) => halve(low, middle),
            Sought::NotBefore(at) if at >= high || at - middle > limits::SEARCH_BYTES => {
                halve(low, middle)
            }
            Sought::NotBefore(at) => Stage::Halve { low, high, at },
        })
    }

    /// What follows from the key frames that were read.
    fn judge(&mut self, layout: &Layout) -> Stage {
        let Stage::Read(reading) = &self.stage else {
            return begin(layout);
        };
        match reading.best {
            Some(best) => Stage::Done(best),
            None if reading.low > layout.first_cluster => {
                self.back_90k = self.back_90k.saturating_mul(4).max(BACK_90K);
                halve(layout.first_cluster, layout.segment_end)
            }
            None => begin(layout),
        }
    }
}

impl Reading {
    /// Reads on until a picture of the track `video` is shown after `time_90k`.
    fn read(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        stream: &Stream,
        (video, time_90k): (u64, i64),
    ) -> Step<()> {
        let until = self.low.saturating_add(limits::KEY_FRAME_SEARCH_BYTES);
        while self.walk.at() < until {
            let block = match self.block {
                Some(block) => block,
                None => match self.walk.next(window) {
                    Ok(Found::Block(block)) if block.track == video => block,
                    Ok(Found::Block(_) | Found::Gap) => continue,
                    Err(Halt::Need(span)) => return Err(Halt::Need(span)),
                    Ok(Found::End) | Err(_) => break,
                },
            };
            let from_90k = layout.picture_at_90k(block.ticks, stream);
            if from_90k > time_90k {
                break;
            }
            if block.key == Key::Yes {
                self.block = Some(block);
                match lace::read(window, &block) {
                    Ok(frames) => {
                        let frame = frames.into_iter().next().map(|frame| stream.whole(frame));
                        if frame.is_some_and(|frame| stream.is_random_access(&frame)) {
                            self.best = Some(Place {
                                cluster: block.cluster,
                                from_90k,
                            });
                        }
                    }
                    Err(Halt::Need(span)) => return Err(Halt::Need(span)),
                    Err(_) => self.walk.lose(),
                }
            }
            self.block = None;
        }
        Ok(())
    }
}

/// The first key frame of the file.
fn begin(layout: &Layout) -> Stage {
    Stage::Done(Place {
        cluster: layout.first_cluster,
        from_90k: i64::MIN,
    })
}

/// Reads on from a Cluster.
fn read_from(low: u64, layout: &Layout) -> Stage {
    Stage::Read(Box::new(Reading {
        low,
        walk: Walk::new(low, layout.segment_end),
        block: None,
        best: None,
    }))
}

/// Goes on halving `low..high`.
fn halve(low: u64, high: u64) -> Stage {
    Stage::Halve {
        low,
        high,
        at: middle(low, high),
    }
}

fn middle(low: u64, high: u64) -> u64 {
    low + high.saturating_sub(low) / 2
}
