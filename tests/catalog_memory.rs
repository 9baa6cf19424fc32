//! What a large library costs in memory. Alone in its process, since it measures all of it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first thing that is not as claimed, and prints what it measured"
)]

use exstreamtv::catalog::Librarian;
use exstreamtv::limits;
use exstreamtv::media::{
    AudioCodec, AudioTrack, Container, Role, Track, TrackId, TrackKind, VideoCodec, VideoTrack,
};
use exstreamtv::model::{About, Episode, NewItem, Origin, Part};
use exstreamtv::store::{Scan, Store};
use std::sync::Arc;

/// The library of the report that this box exists for.
const ITEMS: usize = limits::CATALOG_ITEMS;

/// What its catalog may take, in bytes.
const LIMIT: usize = limits::CATALOG_BYTES;

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() * 1024
}

fn track(id: u64, kind: TrackKind) -> Track {
    Track {
        id: TrackId(id),
        kind,
        language: "eng".to_owned(),
        title: None,
        role: Role::Main,
        default: true,
    }
}

fn episode(at: usize) -> NewItem {
    let (show, season, number) = (at / 200, at / 20 % 10 + 1, at % 20 + 1);
    let path = format!(
        "/media/usb/Shows/A Show With Some Name {show} (2005)/Season {season:02}/\
         A Show With Some Name {show} - S{season:02}E{number:02} - The Title.mkv"
    );
    NewItem {
        rating_key: None,
        about: None,
        title: format!("The Title of Episode {number}"),
        year: Some(2005),
        episode: Some(Episode {
            show: format!("A Show With Some Name {show}"),
            season: u16::try_from(season).unwrap(),
            number: u16::try_from(number).unwrap(),
        }),
        part: Part {
            path,
            size_bytes: 1 << 30,
            changed_ms: 1_700_000_000_000,
            container: Some(Container::Matroska),
            duration_ms: Some(2_520_000),
            tracks: vec![
                track(
                    1,
                    TrackKind::Video(VideoTrack {
                        codec: VideoCodec::H264,
                        width: 1920,
                        height: 1080,
                        frame_duration_90k: 3754,
                        bit_depth: 8,
                        chroma_420: true,
                    }),
                ),
                track(
                    2,
                    TrackKind::Audio(AudioTrack {
                        codec: AudioCodec::Ac3,
                        sample_rate: 48_000,
                        channels: 6,
                    }),
                ),
            ]
            .into(),
            problem: None,
        },
    }
}

/// The same as a Plex server tells it.
fn listed(at: usize) -> NewItem {
    let item = episode(at);
    let shared = |words: &[&str]| words.iter().map(|word| Arc::from(*word)).collect();
    let summary = "A sentence about what happens, and who is in it. ".repeat(7);
    NewItem {
        rating_key: Some((100_000 + at).to_string()),
        about: Some(Box::new(About {
            guid: Some(format!("plex://episode/{at:024x}").into()),
            summary: Some(summary[..limits::SUMMARY_BYTES].into()),
            genres: shared(&["Drama", "Crime", "Thriller"]),
            collections: shared(&["A Collection"]),
            studio: Some(Arc::from("A Studio")),
            content_rating: Some(Arc::from("TV-14")),
            rating_percent: Some(78),
            released: Some("2005-10-17".into()),
            picture: Some(format!("/library/metadata/{}/thumb/1700000000", 100_000 + at).into()),
        })),
        part: Part {
            path: format!("/library/parts/{}/1586877036/file.mkv", 200_000 + at),
            ..item.part
        },
        ..item
    }
}

#[tokio::test]
async fn a_catalog_of_28949_items_fits_its_share_of_the_board() {
    let folder = Origin::Folder {
        path: "/media/usb/Shows".to_owned(),
    };
    let section = Origin::Plex {
        server: "5ca1ab1e0ddba11c0ffee15deadbea75e1ec7ed1".to_owned(),
        section: "2".to_owned(),
    };
    // Both stay: the next one must not live in the rooms of the one before.
    let _folder = loaded(folder, episode).await;
    let _section = loaded(section, listed).await;
}

async fn loaded(origin: Origin, item: fn(usize) -> NewItem) -> Librarian {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).await.unwrap();
    let library = store.add_library("Shows", origin.clone()).await.unwrap();
    for first in (0..ITEMS).step_by(500) {
        let upserts = (first..ITEMS.min(first + 500)).map(item).collect();
        let scan = Scan {
            upserts,
            ..Scan::default()
        };
        store.apply_scan(library.id, scan).await.unwrap();
    }
    store.close().await;

    let before = resident_bytes();
    let began = std::time::Instant::now();
    let store = Store::open(state.path()).await.unwrap();
    let librarian = Librarian::open(store).await.unwrap();
    let taken = resident_bytes().saturating_sub(before);
    println!(
        "{ITEMS} items of {origin:?}: {} kB, loaded in {:?}",
        taken / 1024,
        began.elapsed()
    );
    assert_eq!(librarian.catalog().borrow().items().len(), ITEMS);
    assert!(taken < LIMIT, "{taken}");
    librarian
}
