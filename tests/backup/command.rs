//! The commands, against a box that runs and one that does not.

use super::program::{Running, ask, folder, get, json, run, tell, text, videos, words};
use std::fs;
use std::io::Read;
use std::path::Path;

/// The answer as it is.
fn asked(address: &str, path: &str) -> String {
    let mut answer = String::new();
    ask(address, path).read_to_string(&mut answer).unwrap();
    answer
}

fn command(state: &Path, command: &[&str]) -> std::process::Output {
    run(&[command, &["--state", text(state)]].concat())
}

#[test]
fn a_box_is_backed_up_and_another_one_is_what_it_was() {
    let films = videos(&[
        "Films/Paper Boats (2019).mp4",
        "Films/Night Ferry (1968).mp4",
    ]);
    let (state, other, place) = (folder(), folder(), folder());
    let file = place.path().join("my.exstreamtv");
    let running = Running::serve(state.path());
    tell(
        state.path(),
        &["library", "add", "folder", text(films.path())],
    );
    tell(state.path(), &["library", "sync"]);
    tell(state.path(), &["channels", "suggest", "--apply"]);
    let channels = tell(state.path(), &["channels", "list"]);
    let written = command(state.path(), &["backup", text(&file), "--json"]);
    assert!(written.status.success(), "{}", words(&written));
    let told = json(std::str::from_utf8(&written.stdout).unwrap());
    assert_eq!(told["bytes"], fs::metadata(&file).unwrap().len());
    super::judge(&file);
    // It may be replaced; a file that is something else may not.
    assert!(
        command(state.path(), &["backup", text(&file)])
            .status
            .success()
    );
    let letter = place.path().join("letter.txt");
    fs::write(&letter, "mine").unwrap();
    let refused = command(state.path(), &["backup", text(&letter)]);
    assert!(words(&refused).contains("no backup"), "{}", words(&refused));
    assert_eq!(fs::read(&letter).unwrap(), b"mine");
    assert_eq!(super::names(place.path()), ["letter.txt", "my.exstreamtv"]);
    let figures = get(running.at("web"), "/metrics");
    assert!(
        figures.contains("\nexstreamtv_store_commits_total "),
        "{figures}"
    );
    // Nobody gets it over the network.
    let refused = asked(running.at("web"), "/api/store/backup");
    assert!(refused.starts_with("HTTP/1.1 404"), "{refused}");
    running.stop();

    // Another box, which runs: looked at first, then restored, and its doors show it at once.
    let running = Running::serve(other.path());
    let dry = command(other.path(), &["restore", text(&file)]);
    assert!(dry.status.success(), "{}", words(&dry));
    let told = String::from_utf8(dry.stdout).unwrap();
    assert!(told.contains("titles: 0 now, 2 in the backup"), "{told}");
    assert!(!get(running.at("web"), "/lineup.json").contains("GuideNumber"));
    let done = command(other.path(), &["restore", text(&file), "--apply"]);
    assert!(done.status.success(), "{}", words(&done));
    assert_eq!(tell(other.path(), &["channels", "list"]), channels);
    assert!(get(running.at("web"), "/lineup.json").contains("GuideNumber"));
    let refused = command(other.path(), &["restore", text(&letter), "--apply"]);
    assert_eq!(refused.status.code(), Some(1));
    running.stop();
}

#[test]
fn a_box_that_does_not_run_is_backed_up_and_restored_too() {
    let (state, place) = (folder(), folder());
    let file = place.path().join("my.exstreamtv");
    let nothing = command(state.path(), &["backup", text(&file)]);
    assert!(
        words(&nothing).contains("no box has run on"),
        "{}",
        words(&nothing)
    );
    assert!(super::names(place.path()).is_empty());
    let running = Running::serve(state.path());
    let films = videos(&["Films/Paper Boats (2019).mp4"]);
    tell(
        state.path(),
        &["library", "add", "folder", text(films.path())],
    );
    tell(state.path(), &["library", "sync"]);
    running.stop();
    assert!(
        command(state.path(), &["backup", text(&file)])
            .status
            .success()
    );
    let database = state.path().join("exstreamtv.db");
    fs::write(&database, "damaged").unwrap();
    let done = command(state.path(), &["restore", text(&file), "--apply", "--json"]);
    assert!(done.status.success(), "{}", words(&done));
    let told = json(std::str::from_utf8(&done.stdout).unwrap());
    assert_eq!(told["libraries"]["then"], 1);
    let running = Running::serve(state.path());
    let libraries = tell(state.path(), &["library", "list"]);
    assert!(libraries.contains(text(films.path())), "{libraries}");
    // Damaged again while it is stopped, it comes back by itself, and its page says so.
    running.stop();
    fs::write(&database, "damaged").unwrap();
    let running = Running::serve(state.path());
    assert_eq!(tell(state.path(), &["library", "list"]), libraries);
    let page = get(running.at("web"), "/");
    assert!(page.contains("the database was damaged"), "{page}");
    running.stop();
}
