//! `kill -9` at moments that nobody chose, under a sync that writes and backups that are made.

use super::{item, judge, names};
use exstreamtv::store::{Scan, Store};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Titles of one batch, and how many batches there are before they begin again.
const TITLES: usize = 40;
const GROUPS: u32 = 25;

/// What says where the child writes, and where it notes what was acknowledged.
const STATE: &str = "EXSTREAMTV_TEST_STATE";
const NOTES: &str = "EXSTREAMTV_TEST_NOTES";

/// Run as a child by the test below: writes for ever.
#[tokio::test]
async fn child_that_is_killed() {
    let (Some(state), Some(notes)) = (std::env::var_os(STATE), std::env::var_os(NOTES)) else {
        return;
    };
    let mut notes = File::options().append(true).open(notes).unwrap();
    let store = Store::open(Path::new(&state)).await.unwrap();
    assert_eq!(
        store.put_back(),
        None,
        "a killed box leaves nothing damaged"
    );
    let library = store.add_folder("Films", "/m").await.unwrap();
    let round = store.setting("round").await.unwrap();
    let mut round: u32 = round.map_or(0, |round| round.parse().unwrap());
    let copying = store.clone();
    let first = round;
    tokio::spawn(async move {
        for day in 0.. {
            let day = format!("{:04}-01-01", 2000 + (first + day) % 7000);
            copying.back_up(&day).await.unwrap();
        }
    });
    loop {
        round += 1;
        let group = round % GROUPS;
        let upserts = (0..TITLES).map(|at| item(&format!("/m/{group}/{at}"), &round.to_string()));
        let scan = Scan {
            upserts: upserts.collect(),
            ..Scan::default()
        };
        store.apply_scan(library.id, scan).await.unwrap();
        store
            .set_setting("round", &round.to_string())
            .await
            .unwrap();
        writeln!(notes, "{round}").unwrap();
    }
}

#[tokio::test]
async fn a_box_killed_at_any_moment_is_whole_and_has_what_it_acknowledged() {
    let kills = std::env::var("EXSTREAMTV_TEST_KILLS");
    let kills: u64 = kills.map_or(20, |kills| kills.parse().unwrap());
    let place = tempfile::tempdir().unwrap();
    let (state, notes) = (place.path().join("state"), place.path().join("notes"));
    fs::write(&notes, "").unwrap();
    let (mut lives, mut slowest) = (0, Duration::ZERO);
    let mut last = 0;
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child_that_is_killed"])
            .envs([(STATE, &state), (NOTES, &notes)])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let after = Duration::from_micros(RandomState::new().hash_one(kill) % 700_000);
        tokio::time::sleep(after).await;
        assert!(
            child.try_wait().unwrap().is_none(),
            "the child fell by itself"
        );
        child.kill().unwrap();
        child.wait().unwrap();

        let noted = fs::read_to_string(&notes).unwrap();
        let noted: u32 = noted.lines().last().map_or(0, |line| line.parse().unwrap());
        let begun = Instant::now();
        let store = Store::open(&state).await.unwrap();
        let contents = store.load().await.unwrap();
        slowest = slowest.max(begun.elapsed());
        assert_eq!(store.put_back(), None);
        let round = store.setting("round").await.unwrap();
        let round: u32 = round.map_or(0, |round| round.parse().unwrap());
        assert!(round >= noted, "{noted} was acknowledged, {round} is there");
        for group in 0..GROUPS {
            let beginning = format!("/m/{group}/");
            let mut written: Vec<u32> = contents
                .items
                .iter()
                .filter(|item| item.part.path.starts_with(&beginning))
                .map(|item| item.title.parse().unwrap())
                .collect();
            assert!(
                [0, TITLES].contains(&written.len()),
                "a batch is there by half"
            );
            written.dedup();
            assert!(written.len() <= 1, "a batch is there by half: {written:?}");
            // The last round up to `round` that wrote this group, or the one that was under way.
            let due = round.checked_sub((round + GROUPS - group) % GROUPS);
            if let Some(due) = due.filter(|due| *due > 0) {
                assert!(written[0] >= due, "{written:?}, {due} was acknowledged");
            }
        }
        assert!(
            contents
                .items
                .iter()
                .all(|item| item.part.tracks.len() == 2)
        );
        store.close().await;
        judge(&state.join("exstreamtv.db"));
        assert_eq!(
            names(&state)
                .iter()
                .filter(|name| *name != "backups")
                .count(),
            1
        );
        if let Ok(backups) = fs::read_dir(state.join("backups")) {
            let backups: Vec<_> = backups.map(|entry| entry.unwrap().path()).collect();
            assert!(backups.len() <= 8, "{backups:?}");
            backups.iter().for_each(|backup| judge(backup));
        }
        lives += u64::from(noted > last);
        last = noted;
    }
    println!("{kills} kills, {last} rounds, {lives} lives wrote; slowest start {slowest:?}");
    assert!(
        lives * 4 >= kills,
        "only {lives} of {kills} lives wrote anything"
    );
}
