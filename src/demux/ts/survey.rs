//! Where recordings were joined. Looks up times at a few places; where they do not rise as they
//! should, it looks between them until the join is found. Short pieces may stay unseen: they are
//! met in playing.

use super::clock::{self, Anchor};
use super::layout::{Layout, Piece};
use super::packet::Packets;
use super::pes;
use super::window::{Step, Window};

/// Places that are looked at.
const PLACES: u64 = 8;
/// Least distance between them.
const APART_BYTES: u64 = 64 << 10;
/// Bytes at the end of the file before which the last one lies.
const END_BYTES: u64 = 256 << 10;
/// Bytes that are read picture by picture.
const NARROW_BYTES: u64 = 192 << 10;
/// Bytes that are read at once in search of a time, and how many are searched.
const LOOK_BYTES: usize = 16 << 10;
const SEARCHED_BYTES: u64 = 4 << 20;
/// How many times slower than usual times have to pass to look suspicious.
const SLOW: i128 = 8;
/// Questions that one file is worth, and joins in it.
const QUESTIONS: usize = 256;
const JOINS: usize = 64;

/// A picture with its decoding time as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Point {
    at: u64,
    raw: i64,
}

/// The search for joins.
#[derive(Debug)]
pub(super) struct Survey {
    video: u16,
    stride: usize,
    file_bytes: u64,
    known: Vec<Point>,
    /// Places that have not been looked at, the first one last.
    places: Vec<u64>,
    /// Stretches that may hold a join.
    open: Vec<(Point, Point)>,
    /// Ticks and bytes of a usual stretch.
    usual: (i64, u64),
    task: Task,
    questions: usize,
    /// The last picture of a recording and the first of the next one.
    joins: Vec<(Point, Point)>,
}

#[derive(Debug)]
enum Task {
    /// Choose what to do.
    Choose,
    /// Find the first picture from a place on.
    Look {
        packets: Packets,
        from: u64,
        why: Why,
    },
    /// Go from picture to picture.
    Walk {
        packets: Packets,
        last: Point,
        until: Point,
    },
}

/// What a picture is looked for.
#[derive(Debug, Clone, Copy)]
enum Why {
    Known,
    Between(Point, Point),
}

impl Survey {
    /// Of a file of this length.
    pub(super) fn new(layout: &Layout, file_bytes: u64) -> Self {
        let first = Point {
            at: layout.first.at,
            raw: layout.first.anchor.raw,
        };
        let span = file_bytes.saturating_sub(first.at);
        let apart = (span / PLACES).max(APART_BYTES);
        let last = file_bytes.saturating_sub(END_BYTES);
        let inner = (1..PLACES).map(|place| first.at + place * apart);
        let mut places: Vec<u64> = inner.filter(|place| *place < last).collect();
        places.push(last.max(first.at + 1));
        places.reverse();
        Self {
            video: layout.video,
            stride: layout.stride,
            file_bytes,
            known: vec![first],
            places,
            open: Vec::new(),
            usual: (0, 1),
            task: Task::Choose,
            questions: 0,
            joins: Vec::new(),
        }
    }

    /// Searches on; says which pieces there are.
    pub(super) fn find(
        &mut self,
        window: &mut Window,
        layout: &Layout,
        frame_90k: i64,
    ) -> Step<Vec<Piece>> {
        loop {
            self.task = match &mut self.task {
                Task::Choose => match self.choose() {
                    Some(task) => task,
                    None => return Ok(self.pieces(layout, frame_90k)),
                },
                Task::Look { packets, from, why } => {
                    let until = from.saturating_add(SEARCHED_BYTES);
                    let found = next_picture(packets, window, self.video, until)?;
                    let (from, why) = (*from, *why);
                    self.note(found, from, why);
                    Task::Choose
                }
                Task::Walk {
                    packets,
                    last,
                    until,
                } => {
                    while let Some(next) = next_picture(packets, window, self.video, u64::MAX)? {
                        if is_jump(*last, next) && self.joins.len() < JOINS {
                            self.joins.push((*last, next));
                        }
                        *last = next;
                        if next.at >= until.at {
                            break;
                        }
                    }
                    Task::Choose
                }
            };
        }
    }

    fn choose(&mut self) -> Option<Task> {
        if let Some(from) = self.places.pop() {
            return Some(self.look(from, self.file_bytes, Why::Known));
        }
        if !self.known.is_empty() {
            self.compare();
        }
        while let Some((low, high)) = self.open.pop() {
            self.questions += 1;
            if self.questions > QUESTIONS {
                return None;
            }
            if !self.is_suspicious(low, high) {
                continue;
            }
            let span = high.at.saturating_sub(low.at);
            if span <= NARROW_BYTES {
                let packets = Packets::new(low.at, self.file_bytes, self.stride);
                return Some(Task::Walk {
                    packets,
                    last: low,
                    until: high,
                });
            }
            return Some(self.look(low.at + span / 2, high.at, Why::Between(low, high)));
        }
        None
    }

    fn look(&self, from: u64, end: u64, why: Why) -> Task {
        let packets = Packets::new(from, end, self.stride).reaching(LOOK_BYTES);
        Task::Look { packets, from, why }
    }

    fn note(&mut self, found: Option<Point>, from: u64, why: Why) {
        match (found, why) {
            (Some(point), Why::Known) => self.known.push(point),
            (None, Why::Known) => {}
            (Some(middle), Why::Between(low, high)) => {
                self.open.push((middle, high));
                self.open.push((low, middle));
            }
            (None, Why::Between(low, high)) => self.open.push((low, Point { at: from, ..high })),
        }
    }

    /// Makes stretches of the places that were looked at.
    fn compare(&mut self) {
        let known = std::mem::take(&mut self.known);
        let stretches = known.iter().zip(known.iter().skip(1));
        self.open = stretches.map(|(low, high)| (*low, *high)).rev().collect();
        let mut passed: Vec<(i64, u64)> = self
            .open
            .iter()
            .map(|(low, high)| {
                (
                    clock::since(high.raw, low.raw),
                    high.at.saturating_sub(low.at),
                )
            })
            .filter(|(ticks, _)| *ticks > 0)
            .collect();
        passed.sort_unstable();
        let middle = passed.get(passed.len() / 2).copied();
        self.usual = middle.unwrap_or((0, 1));
    }

    fn is_suspicious(&self, low: Point, high: Point) -> bool {
        let passed = clock::since(high.raw, low.raw);
        let (ticks, bytes) = self.usual;
        let span = i128::from(high.at.saturating_sub(low.at));
        let usual = i128::from(ticks) * span / i128::from(bytes.max(1));
        is_jump(low, high) && (passed < 0 || i128::from(passed) > usual * SLOW)
    }

    /// Counts time on from piece to piece.
    fn pieces(&mut self, layout: &Layout, frame_90k: i64) -> Vec<Piece> {
        self.joins.sort_by_key(|(_, next)| next.at);
        let mut pieces = layout.pieces.clone();
        for (last, next) in &self.joins {
            let Some(before) = pieces.last().filter(|piece| piece.from < next.at) else {
                continue;
            };
            let ends_90k = before.anchor.later_90k(last.raw).saturating_add(frame_90k);
            pieces.push(Piece {
                from: next.at,
                anchor: Anchor {
                    raw: next.raw,
                    at_90k: ends_90k,
                },
            });
        }
        pieces
    }
}

/// Whether there is a join between two pictures, if nothing is between them.
fn is_jump(last: Point, next: Point) -> bool {
    clock::is_jump(clock::since(next.raw, last.raw))
}

/// The next picture that has a time, if it begins before `until`.
fn next_picture(
    packets: &mut Packets,
    window: &mut Window,
    video: u16,
    until: u64,
) -> Step<Option<Point>> {
    while let Some(packet) = packets.next(window)? {
        if packet.at > until {
            break;
        }
        if packet.pid == video
            && packet.begins
            && !packet.scrambled
            && let Some(stamp) = pes::stamp(packet.payload)
        {
            return Ok(Some(Point {
                at: packet.at,
                raw: stamp.dts,
            }));
        }
    }
    Ok(None)
}
