//! A channel of the clips and its viewer, who tunes when it begins and stays until all have been
//! shown, while two judges look at every packet.

use super::clip::Clip;
use super::stream::Received;
use super::support::{self, EPOCH_MS};
use super::truth::Truth;
use super::ts_judge;
use exstreamtv::media::{AudioCodec, VideoCodec};
use exstreamtv::model::Airing;
use exstreamtv::schedule::Lineup;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A judge is given this much at a time.
const PIECE_BYTES: usize = 8 << 20;
/// Pieces overlap by so many random access points, so that every seam lies inside one.
const OVERLAP_POINTS: usize = 12;

/// A viewer who leaves has got this much of what is still to come, at the most.
const AHEAD_MS: i64 = 20_000;

/// A channel that shows clips in an order.
pub(crate) struct Channel {
    pub(crate) clips: Vec<Clip>,
    pub(crate) truths: Vec<Truth>,
    lineup: Arc<Lineup>,
}

/// One airing of a clip.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    /// Its place among the channel's clips.
    pub(crate) clip: usize,
    /// When it is scheduled, in milliseconds since the channel began.
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
}

/// What a viewer got.
pub(crate) struct Seen {
    pub(crate) airings: Vec<Shown>,
    pub(crate) received: Received,
    /// When a tenth of it had come, and when all of it: by the clock, and by its decoding times.
    pub(crate) paces: [Pace; 2],
    pub(crate) bytes: usize,
}

/// How far a stream had come at an instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) clock_ms: i64,
    pub(crate) media_90k: i64,
}

impl Channel {
    /// A channel of the clips in the order that is made for their number.
    pub(crate) fn of(clips: Vec<Clip>, order: impl Fn(usize) -> Vec<usize>) -> Self {
        let truths = clips.iter().map(Clip::truth).collect();
        let items = clips.iter().map(|clip| clip.item.clone()).collect();
        let listed = order(clips.len()).into_iter();
        let listed = listed.map(|at| clips[at].item.id).collect();
        let lineup = support::listed(items, listed);
        let schedule = lineup.schedule(support::number()).unwrap();
        assert_eq!(schedule.left_out(), []);
        let profile = support::profile(VideoCodec::H264, AudioCodec::Aac);
        assert_eq!(schedule.profile(), profile);
        Self {
            clips,
            truths,
            lineup,
        }
    }

    fn shown(&self, airing: &Airing) -> Shown {
        let is_it = |clip: &Clip| clip.item.id == airing.item;
        Shown {
            clip: self.clips.iter().position(is_it).unwrap(),
            start_ms: airing.start_ms - EPOCH_MS,
            end_ms: airing.end_ms - EPOCH_MS,
        }
    }

    /// Watches a whole lap of the schedule and the beginning of the next one; what comes is written
    /// to `keep` as well.
    pub(crate) fn watch(&self, mut keep: impl Write) -> Seen {
        let schedule = self.lineup.schedule(support::number()).unwrap();
        let lap_ms = i64::try_from(schedule.lap_ms()).unwrap();
        let airings = schedule.airings(EPOCH_MS, EPOCH_MS + lap_ms + AHEAD_MS);
        let airings = airings.map(|airing| self.shown(&airing)).collect();
        let mut received = Received::default();
        let mut judges = Judges::default();
        let mut paces = Vec::new();
        let mut bytes = 0;
        support::simulated(async {
            let (mut lease, _lineup_tx) = support::tune(&self.lineup, EPOCH_MS).await;
            let begun = Instant::now();
            for until_ms in [lap_ms / 10, lap_ms] {
                let until = begun + Duration::from_millis(until_ms.unsigned_abs());
                while Instant::now() < until {
                    let chunk = lease.next().await;
                    received.take(&chunk);
                    judges.take(&chunk);
                    keep.write_all(&chunk).unwrap();
                    bytes += chunk.len();
                }
                paces.push(Pace {
                    clock_ms: i64::try_from(begun.elapsed().as_millis()).unwrap(),
                    media_90k: received.pictures.last().unwrap().dts_90k,
                });
            }
        });
        judges.judge();
        Seen {
            airings,
            received,
            paces: paces.try_into().unwrap(),
            bytes,
        }
    }
}

/// Two judges of a stream, who see it in pieces that overlap.
#[derive(Default)]
struct Judges {
    piece: Vec<u8>,
    pieces: usize,
}

impl Judges {
    fn take(&mut self, bytes: &[u8]) {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.judge();
            let points = random_access_points(&self.piece);
            self.piece.drain(..points[points.len() - OVERLAP_POINTS]);
        }
    }

    fn judge(&mut self) {
        self.pieces += 1;
        let verdict = ts_judge::judge(&self.piece);
        assert!(
            verdict.problems.is_empty(),
            "piece {}: {verdict}",
            self.pieces
        );
        assert_eq!(verdict.facts.discontinuities, 0);
        let others = ts_judge::second_opinion(&self.piece);
        assert_eq!(others, Vec::<String>::new(), "piece {}", self.pieces);
    }
}

/// Where the tables begin that come before each random access point.
fn random_access_points(stream: &[u8]) -> Vec<usize> {
    let (mut tables, mut points) = (0, Vec::new());
    for (at, packet) in stream.as_chunks::<188>().0.iter().enumerate() {
        if packet[1] & 0x1F == 0 && packet[2] == 0 {
            tables = at * 188;
        }
        if packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x40 != 0 {
            points.push(tables);
        }
    }
    points
}
