//! What happens to a stream when the date is set, or is not known yet, and when its own time wraps
//! around: in simulated time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test says what failed by failing"
)]

mod support;
mod ts_judge;

use exstreamtv::clock::{Clock, TokioClock};
use exstreamtv::media::{AudioCodec, VideoCodec};
use exstreamtv::playout::ORIGIN_90K;
use exstreamtv::schedule::Lineup;
use exstreamtv::tuner::Tuners;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use support::{
    EPOCH_MS, demo_items, lateness, lineup, long_clip, number, of_profile, pictures_of, profile,
    scheduled_pictures, simulated, stay, viewer,
};
use tokio::sync::watch;

/// A clock that can be set.
struct Watch {
    runs: TokioClock,
    set_ms: AtomicI64,
    known: AtomicBool,
}

impl Clock for Watch {
    fn epoch_ms(&self) -> i64 {
        self.runs.epoch_ms() + self.set_ms.load(Ordering::Relaxed)
    }

    fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }
}

fn clock() -> Arc<Watch> {
    Arc::new(Watch {
        runs: TokioClock::starting_at(EPOCH_MS),
        set_ms: AtomicI64::new(0),
        known: AtomicBool::new(true),
    })
}

fn house(lineup: &Arc<Lineup>, clock: &Arc<Watch>) -> (Tuners, watch::Sender<Arc<Lineup>>) {
    let (lineup_tx, lineup_rx) = watch::channel(Arc::clone(lineup));
    let clock = Arc::clone(clock);
    (Tuners::new(4, lineup_rx, clock), lineup_tx)
}

/// Ten seconds, then the date is set, then twenty more.
fn over_a_step(lineup: &Arc<Lineup>, by_ms: i64) -> Vec<u8> {
    simulated(async {
        let clock = clock();
        let (tuners, _lineup_tx) = house(lineup, &clock);
        let mut lease = viewer(&tuners).await;
        let mut stream = stay(&mut lease, 10.0).await;
        clock.set_ms.store(by_ms, Ordering::Relaxed);
        stream.extend(stay(&mut lease, 20.0).await);
        stream
    })
}

#[test]
fn when_the_date_is_set_the_schedule_is_met_again_and_the_stream_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let clip = long_clip(folder.path(), 600, 0);
    let path = Path::new(&clip.part.path).to_owned();
    let lineup = lineup(vec![clip]);
    let lap_ms = lineup.schedule(number()).unwrap().lap_ms() as i64;
    for by_ms in [100_000, 3_600_000, -60_000, -86_400_000 * 365 * 20, 700] {
        let stream = over_a_step(&lineup, by_ms);
        let verdict = ts_judge::judge(&stream);
        verdict.assert_clean();
        assert_eq!(verdict.facts.discontinuities, 0);
        assert!(verdict.facts.seconds > 34.0);
        // What is shown after the step is so much further on in the item.
        let offset_ms = by_ms.rem_euclid(lap_ms);
        let late = lateness(&stream, &path, ORIGIN_90K);
        let after: Vec<_> = late
            .iter()
            .filter(|(at, _)| *at > ORIGIN_90K + 20 * 90_000)
            .collect();
        assert!(after.len() > 10 * 25, "{} pictures", after.len());
        for (at_90k, late_ms) in after {
            let off = (late_ms + offset_ms).rem_euclid(lap_ms);
            let off = off.min(lap_ms - off);
            assert!(off <= 100, "{by_ms}: {off} ms off at {at_90k}");
        }
    }
}

#[test]
fn a_clock_that_is_put_right_by_a_little_disturbs_nobody() {
    let items = of_profile(&demo_items(), &profile(VideoCodec::H264, AudioCodec::Aac));
    let lineup = lineup(items);
    let disturbed = over_a_step(&lineup, 300);
    let undisturbed = over_a_step(&lineup, 0);
    assert_eq!(disturbed, undisturbed);
}

#[test]
fn until_the_date_is_known_there_is_the_slate() {
    let folder = tempfile::tempdir().unwrap();
    let clip = long_clip(folder.path(), 600, 0);
    let path = Path::new(&clip.part.path).to_owned();
    let lineup = lineup(vec![clip]);
    let stream = simulated(async {
        let clock = clock();
        clock.known.store(false, Ordering::Relaxed);
        let (tuners, _lineup_tx) = house(&lineup, &clock);
        let mut lease = viewer(&tuners).await;
        let mut stream = stay(&mut lease, 30.0).await;
        let trouble = tuners.status()[0].viewer.clone().unwrap().trouble;
        assert!(trouble.unwrap().contains("date is not known"));
        clock.set_ms.store(250_000, Ordering::Relaxed);
        clock.known.store(true, Ordering::Relaxed);
        stream.extend(stay(&mut lease, 20.0).await);
        assert_eq!(tuners.status()[0].viewer.clone().unwrap().trouble, None);
        stream
    });
    ts_judge::judge(&stream).assert_clean();
    let late = lateness(&stream, &path, ORIGIN_90K - 250_000 * 90);
    let known_90k = ORIGIN_90K + 30 * 90_000;
    assert!(late[0].0 > known_90k, "only the slate is shown before");
    assert!(late[0].0 < known_90k + 9 * 90_000, "it is joined soon");
    assert!(late.len() > 10 * 25);
    assert!(
        late.iter().all(|(_, late_ms)| late_ms.abs() <= 100),
        "{late:?}"
    );
}

#[test]
fn the_wrap_of_the_stream_s_time_passes_unnoticed() {
    for codec in [VideoCodec::H264, VideoCodec::Hevc] {
        let items = of_profile(&demo_items(), &profile(codec, AudioCodec::Aac));
        let lineup = lineup(items);
        let watched = |origin_90k: i64| {
            simulated(async {
                let (tuners, _lineup_tx) = house(&lineup, &clock());
                let tuners = tuners.with_origin(origin_90k);
                stay(&mut viewer(&tuners).await, 60.0).await
            })
        };
        let wrapped = watched((1 << 33) - 20 * 90_000);
        ts_judge::judge(&wrapped).assert_clean();
        assert_eq!(ts_judge::second_opinion(&wrapped), Vec::<String>::new());
        let own = scheduled_pictures(&lineup, EPOCH_MS, EPOCH_MS + 70_000);
        let seen = pictures_of(&wrapped);
        assert!(seen.len() > 60 * 20);
        assert!(own.starts_with(&seen));
    }
}
