//! Locks of tuners: who may change a tuner, who may watch on it, and when a lock ends.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use exstreamtv::clock::TokioClock;
use exstreamtv::media::{AudioCodec, VideoCodec};
use exstreamtv::tuner::{Lease, Locked, Refusal, Tuners, Want};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use support::{EPOCH_MS, demo_items, lineup, number, of_profile, profile, simulated};
use tokio::sync::watch;
use tokio::time::{Instant, advance};

const KEY: u32 = 12_345;

fn living_room() -> IpAddr {
    "10.0.0.2".parse().unwrap()
}

fn kitchen() -> SocketAddr {
    "10.0.0.3:40000".parse().unwrap()
}

/// A box with one tuner.
fn with_a_tuner(test: impl AsyncFnOnce(Tuners)) {
    let profile = profile(VideoCodec::H264, AudioCodec::Aac);
    let lineup = lineup(of_profile(&demo_items(), &profile));
    simulated(async {
        let (_lineup_tx, lineup_rx) = watch::channel(lineup);
        let clock = TokioClock::starting_at(EPOCH_MS);
        test(Tuners::new(1, lineup_rx, Arc::new(clock))).await;
    });
}

async fn comes(tuners: &Tuners, want: Want, peer: SocketAddr) -> Result<Lease, Refusal> {
    tuners.lease(number(), want, peer).await
}

fn locked_by(tuners: &Tuners) -> Option<IpAddr> {
    tuners.status()[0].locked_by
}

#[test]
fn a_locked_tuner_is_its_holders_alone() {
    with_a_tuner(async |tuners| {
        tuners.lock(0, (living_room(), KEY), None).unwrap();
        assert_eq!(locked_by(&tuners), Some(living_room()));
        let by = Locked { by: living_room() };
        assert_eq!(tuners.admit(0, None), Err(by));
        assert_eq!(tuners.admit(0, Some(1)), Err(by));
        assert_eq!(tuners.lock(0, (kitchen().ip(), 1), None), Err(by));
        assert_eq!(tuners.admit(0, Some(KEY)), Ok(()));
        // Who has lost the answer asks again.
        assert_eq!(tuners.lock(0, (living_room(), KEY), None), Ok(()));

        let refused = comes(&tuners, Want::Any, kitchen()).await.err();
        assert_eq!(refused, Some(Refusal::AllTunersInUse));
        let refused = comes(&tuners, Want::Tuner(0), kitchen()).await.err();
        assert_eq!(refused, Some(Refusal::TunerInUse));
        let own = (living_room(), 5_000).into();
        comes(&tuners, Want::Controlled(0), own).await.unwrap();
    });
}

#[test]
fn who_waits_gets_a_tuner_that_is_unlocked() {
    with_a_tuner(async |tuners| {
        tuners.lock(0, (living_room(), KEY), None).unwrap();
        let begun = Instant::now();
        let unlock = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            tuners.unlock(0);
        };
        let (lease, ()) = tokio::join!(comes(&tuners, Want::Any, kitchen()), unlock);
        assert!(lease.is_ok());
        assert!(begun.elapsed() < Duration::from_millis(300));
    });
}

#[test]
fn a_lock_that_nobody_uses_ends_by_itself() {
    with_a_tuner(async |tuners| {
        tuners.lock(0, (living_room(), KEY), None).unwrap();
        advance(Duration::from_secs(29)).await;
        tuners.admit(0, Some(KEY)).unwrap();
        advance(Duration::from_secs(29)).await;
        assert_eq!(locked_by(&tuners), Some(living_room()));
        advance(Duration::from_secs(2)).await;
        assert_eq!(locked_by(&tuners), None);
        assert_eq!(tuners.admit(0, None), Ok(()));
        comes(&tuners, Want::Any, kitchen()).await.unwrap();
    });
}

#[test]
fn a_lock_lasts_while_its_holder_watches() {
    with_a_tuner(async |tuners| {
        tuners.lock(0, (living_room(), KEY), None).unwrap();
        let own = (living_room(), 5_000).into();
        let lease = comes(&tuners, Want::Controlled(0), own).await.unwrap();
        advance(Duration::from_secs(60)).await;
        assert_eq!(locked_by(&tuners), Some(living_room()));
        drop(lease);
        assert_eq!(locked_by(&tuners), None);
    });
}

#[test]
fn nobody_takes_a_tuner_from_who_watches() {
    with_a_tuner(async |tuners| {
        let lease = comes(&tuners, Want::Any, kitchen()).await.unwrap();
        let by = Locked { by: kitchen().ip() };
        assert_eq!(tuners.lock(0, (living_room(), KEY), None), Err(by));
        assert_eq!(tuners.admit(0, Some(KEY)), Err(by));
        tuners.unlock(0);
        assert_eq!(tuners.admit(0, Some(KEY)), Err(by));
        drop(lease);
        assert_eq!(tuners.lock(0, (living_room(), KEY), None), Ok(()));
    });
}
