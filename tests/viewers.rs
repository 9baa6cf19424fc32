//! Several viewers of one channel, in simulated time: they share what is made once, nobody notices,
//! and nobody waits for anybody.

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

use exstreamtv::limits::Link;
use exstreamtv::media::{AudioCodec, VideoCodec};
use exstreamtv::schedule::Lineup;
use exstreamtv::tuner::{Refusal, Tuners, Want};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::{
    EPOCH_MS, demo_items, lineup, long_clip, number, of_profile, pictures_of, profile,
    scheduled_pictures, simulated, stay, tuners, viewer,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

fn clips(video: VideoCodec, audio: AudioCodec) -> Arc<Lineup> {
    lineup(of_profile(&demo_items(), &profile(video, audio)))
}

/// A viewer that comes after `after_ms` and stays for `seconds`.
fn comes(tuners: &Arc<Tuners>, after_ms: u64, seconds: f64) -> JoinHandle<Vec<u8>> {
    let tuners = Arc::clone(tuners);
    tokio::spawn(async move {
        sleep(Duration::from_millis(after_ms)).await;
        let mut lease = viewer(&tuners).await;
        stay(&mut lease, seconds).await
    })
}

/// The pictures of two minutes from the item that is on at `at_ms`.
fn guide(lineup: &Lineup, at_ms: i64) -> Vec<String> {
    scheduled_pictures(lineup, at_ms, at_ms + 120_000)
}

/// Whether a stream shows what the guide has, from some picture on, every one of them.
fn assert_whole(lineup: &Arc<Lineup>, at_ms: i64, stream: &[u8]) {
    let expected = guide(lineup, at_ms);
    let seen = pictures_of(stream);
    let from = expected
        .iter()
        .position(|one| *one == seen[0])
        .expect("of the guide");
    let differs = seen
        .iter()
        .zip(&expected[from..])
        .position(|(seen, own)| seen != own);
    assert_eq!(differs, None, "of {} pictures", seen.len());
}

/// Video files that this process has open.
fn open_files() -> usize {
    open_files_in(&support::demo_folder())
}

fn open_files_in(folder: &Path) -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
    targets.filter(|target| target.starts_with(folder)).count()
}

fn each_sees_every_picture(video: VideoCodec, audio: AudioCodec) {
    let lineup = clips(video, audio);
    let comings_ms = [0, 7_300, 7_300, 12_050, 30_000, 31_999];
    let streams = simulated(async {
        let (tuners, _lineup_tx) = tuners(&lineup, EPOCH_MS);
        let tuners = Arc::new(tuners);
        let viewers = comings_ms.map(|after_ms| comes(&tuners, after_ms, 60.0));
        let mut streams = Vec::new();
        for viewer in viewers {
            streams.push(viewer.await.unwrap());
        }
        streams
    });
    for (after_ms, stream) in comings_ms.into_iter().zip(streams) {
        let verdict = ts_judge::judge(&stream);
        verdict.assert_clean();
        assert_eq!(verdict.facts.discontinuities, 0);
        assert_eq!(ts_judge::second_opinion(&stream), Vec::<String>::new());
        assert!(verdict.facts.seconds > 64.0, "{} s", verdict.facts.seconds);
        assert_whole(&lineup, EPOCH_MS + after_ms as i64, &stream);
    }
}

#[test]
fn each_viewer_of_h264_with_aac_sees_every_picture() {
    each_sees_every_picture(VideoCodec::H264, AudioCodec::Aac);
}

#[test]
fn each_viewer_of_hevc_sees_every_picture() {
    each_sees_every_picture(VideoCodec::Hevc, AudioCodec::Aac);
}

#[test]
fn each_viewer_of_h264_with_ac3_sees_every_picture() {
    each_sees_every_picture(VideoCodec::H264, AudioCodec::Ac3);
}

#[test]
fn ten_viewers_read_a_file_once() {
    let lineup = clips(VideoCodec::H264, AudioCodec::Aac);
    simulated(async {
        let (tuners, _lineup_tx) = tuners(&lineup, EPOCH_MS);
        let tuners = Arc::new(tuners);
        let viewers: Vec<_> = (0..10).map(|n| comes(&tuners, n * 100, 30.0)).collect();
        sleep(Duration::from_secs(12)).await;
        // What is on, and what comes next.
        assert!(open_files() <= 2, "{} files are open", open_files());
        for viewer in viewers {
            viewer.await.unwrap();
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(open_files(), 0, "the last viewer ends it all");
    });
}

#[test]
fn who_was_first_may_leave_first() {
    let lineup = clips(VideoCodec::H264, AudioCodec::Aac);
    let streams = simulated(async {
        let (tuners, _lineup_tx) = tuners(&lineup, EPOCH_MS);
        let tuners = Arc::new(tuners);
        let first = comes(&tuners, 0, 20.0);
        let others = [comes(&tuners, 5_000, 40.0), comes(&tuners, 5_001, 17.0)];
        let mut streams = vec![first.await.unwrap()];
        for other in others {
            streams.push(other.await.unwrap());
        }
        streams
    });
    for (stream, at_ms) in streams.iter().zip([0, 5_000, 5_001]) {
        ts_judge::judge(stream).assert_clean();
        assert_whole(&lineup, EPOCH_MS + at_ms, stream);
    }
}

#[test]
fn a_slow_viewer_is_led_on_and_the_others_do_not_notice() {
    let lineup = clips(VideoCodec::H264, AudioCodec::Aac);
    let (slow, others, skips) = simulated(async {
        let (tuners, _lineup_tx) = tuners(&lineup, EPOCH_MS);
        let tuners = Arc::new(tuners);
        let others: Vec<_> = (0..3).map(|n| comes(&tuners, 1_000 * n, 60.0)).collect();
        sleep(Duration::from_millis(3_500)).await;
        let mut lease = viewer(&tuners).await;
        let mut slow = stay(&mut lease, 15.0).await;
        sleep(Duration::from_secs(20)).await;
        slow.extend(stay(&mut lease, 15.0).await);
        let status = tuners.status();
        let skips = status
            .iter()
            .filter_map(|one| Some(one.viewer.as_ref()?.skips));
        let skips: u32 = skips.sum();
        let mut streams = Vec::new();
        for other in others {
            streams.push(other.await.unwrap());
        }
        (slow, streams, skips)
    });
    assert_eq!(skips, 1);
    for other in others {
        let verdict = ts_judge::judge(&other);
        verdict.assert_clean();
        assert_eq!(verdict.facts.discontinuities, 0);
        assert!(verdict.facts.seconds > 64.0);
    }
    let verdict = ts_judge::judge(&slow);
    verdict.assert_clean();
    assert_eq!(verdict.facts.discontinuities, 2, "one for each stream");
    // Every picture after the skip is one of the guide again, up to the lead.
    let seen = pictures_of(&slow);
    let expected = guide(&lineup, EPOCH_MS + 3_500);
    let last = expected.iter().rposition(|one| Some(one) == seen.last());
    let resumed = &expected[..=last.expect("of the guide")];
    assert!(resumed.ends_with(&seen[seen.len() - 15 * 24..]));
}

#[test]
fn a_lone_slow_viewer_is_led_on_when_it_is_eight_seconds_late() {
    let lineup = clips(VideoCodec::H264, AudioCodec::Aac);
    for (pause_s, discontinuities) in [(6.5, 0), (9.5, 2), (300.0, 2)] {
        let stream = simulated(async {
            let (tuners, _lineup_tx) = tuners(&lineup, EPOCH_MS);
            let mut lease = viewer(&tuners).await;
            let mut stream = stay(&mut lease, 10.0).await;
            sleep(Duration::from_secs_f64(pause_s)).await;
            stream.extend(stay(&mut lease, 10.0).await);
            stream
        });
        let verdict = ts_judge::judge(&stream);
        verdict.assert_clean();
        assert_eq!(
            verdict.facts.discontinuities, discontinuities,
            "{pause_s} s"
        );
    }
}

#[test]
fn who_takes_nothing_for_long_holds_no_source_and_is_led_on() {
    let folder = tempfile::tempdir().unwrap();
    let lineup = lineup(vec![long_clip(folder.path(), 60, 0)]);
    let stream = simulated(async {
        let (tuners, _lineup_tx) = tuners(&lineup, EPOCH_MS);
        let mut lease = viewer(&tuners).await;
        let mut stream = stay(&mut lease, 5.0).await;
        assert_eq!(open_files_in(folder.path()), 1);
        lease.rest();
        sleep(Duration::from_secs(10)).await;
        assert_eq!(open_files_in(folder.path()), 0);
        stream.extend(stay(&mut lease, 10.0).await);
        stream
    });
    let verdict = ts_judge::judge(&stream);
    verdict.assert_clean();
    assert_eq!(verdict.facts.discontinuities, 2, "one for each stream");
}

#[test]
fn who_loses_the_ring_is_led_on_and_comes_back_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let clip = long_clip(folder.path(), 60, 8_000);
    let lineup = lineup(vec![clip]);
    let (slow, other) = simulated(async {
        let (tuners, _lineup_tx) = tuners(&lineup, EPOCH_MS);
        let tuners = Arc::new(tuners);
        let other = comes(&tuners, 0, 25.0);
        let mut lease = viewer(&tuners).await;
        let mut slow = stay(&mut lease, 6.0).await;
        // Four megabytes pass meanwhile, and the ring holds one.
        sleep(Duration::from_secs(4)).await;
        slow.extend(stay(&mut lease, 12.0).await);
        assert_eq!(open_files_in(folder.path()), 1, "they share again");
        (slow, other.await.unwrap())
    });
    for (stream, discontinuities) in [(slow, 2), (other, 0)] {
        let verdict = ts_judge::judge(&stream);
        verdict.assert_clean();
        assert_eq!(verdict.facts.discontinuities, discontinuities);
    }
}

#[test]
fn no_more_viewers_are_let_in_than_the_link_carries() {
    let mut clips = of_profile(&demo_items(), &profile(VideoCodec::H264, AudioCodec::Aac));
    for clip in &mut clips {
        // 20 Mb/s: with what packets add, four fit into 85 % of 100 Mb/s.
        clip.part.size_bytes = clip.part.duration_ms.unwrap() * 20_000 / 8;
    }
    let lineup = lineup(clips);
    simulated(async {
        let (tuners, _lineup_tx) = tuners(&lineup, EPOCH_MS);
        let (_link_tx, link_rx) = tokio::sync::watch::channel(Link::of_mbps(100));
        let tuners = tuners.behind(link_rx);
        let comes = async |host: u8| {
            let peer = ([192, 0, 2, host], 9).into();
            tuners.lease(number(), Want::Any, peer).await
        };
        let mut leases = Vec::new();
        for host in 0..4 {
            leases.push(comes(host).await.unwrap());
        }
        assert_eq!(comes(4).await.err(), Some(Refusal::AllTunersInUse));
        // Who is on the same machine takes nothing of the link.
        leases.push(viewer(&tuners).await);
        leases.remove(0);
        leases.push(comes(4).await.unwrap());
    });
}

#[test]
fn a_viewer_that_comes_and_goes_leaves_nothing_behind() {
    let lineup = clips(VideoCodec::H264, AudioCodec::Aac);
    simulated(async {
        let (tuners, _lineup_tx) = tuners(&lineup, EPOCH_MS);
        let mut stays = viewer(&tuners).await;
        let begun = Instant::now();
        for n in 0..200_u32 {
            let mut zapper = viewer(&tuners).await;
            drop(stay(&mut zapper, f64::from(n % 40) / 10.0).await);
            drop(stay(&mut stays, 0.5).await);
        }
        assert!(begun.elapsed() > Duration::from_secs(100));
        assert!(open_files() <= 3);
        let held = tuners
            .status()
            .iter()
            .filter(|one| one.viewer.is_some())
            .count();
        assert_eq!(held, 1);
    });
}
