//! Silicondust's own `hdhomerun_config`, as Debian has it: it looks for the box, reads and sets its
//! variables, scans and saves.

use super::control::variables;
use super::demo::PATIENCE;
use super::home::Home;
use super::network::{BOX, Lan};
use super::{text, ts_judge};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs it to its end: whether it succeeded, and what it said.
fn config(lan: &Lan, arguments: &[&str]) -> (bool, String) {
    let mut command = lan.client.command("hdhomerun_config");
    let done = command.args(arguments).output().unwrap();
    let words = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&words).trim_end().to_owned(),
    )
}

/// The same where it has to succeed.
#[track_caller]
fn good(lan: &Lan, arguments: &[&str]) -> String {
    let (succeeded, words) = config(lan, arguments);
    assert!(
        succeeded,
        "hdhomerun_config {}: {words}",
        arguments.join(" ")
    );
    words
}

#[test]
fn hdhomerun_config_finds_the_box() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let id = home.id();
        let found = format!("hdhomerun device {id} found at {BOX}");
        assert_eq!(good(&lan, &["discover"]), found);
        assert_eq!(good(&lan, &["discover", &BOX.to_string()]), found);
        // By its id, which it takes only with a valid checksum, by its address, and the only one.
        for device in [&id, &BOX.to_string(), "FFFFFFFF"] {
            let model = good(&lan, &[device, "get", "/sys/model"]);
            assert_eq!(
                home.json("/discover.json")["FirmwareName"],
                model,
                "{device}"
            );
        }
        home.stop();
    });
}

#[test]
fn hdhomerun_config_reads_every_variable() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let id = home.id();
        let help = good(&lan, &[&id, "get", "help"]);
        let names = variables(&help);
        assert!(names.len() > 15, "{help}");
        for name in &names {
            let value = good(&lan, &[&id, "get", name]);
            println!("{name}: {value}");
            assert!(!value.is_empty(), "{name}");
        }
        let unknown = (false, "ERROR: unknown getset variable".to_owned());
        assert_eq!(config(&lan, &[&id, "get", "/sys/nonsense"]), unknown);
        assert_eq!(config(&lan, &[&id, "get", "/tuner99/status"]), unknown);
        home.stop();
    });
}

#[test]
fn hdhomerun_config_is_told_who_holds_a_lock() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let id = home.id();
        let lock = "/tuner0/lockkey";
        good(&lan, &[&id, "set", lock, "12345"]);
        let (set, refusal) = config(&lan, &[&id, "set", "/tuner0/vchannel", "1984"]);
        assert!(!set);
        assert_eq!(refusal, "ERROR: resource locked by 10.99.0.2");
        good(
            &lan,
            &[&id, "key", "12345", "set", "/tuner0/vchannel", "1984"],
        );
        assert_eq!(good(&lan, &[&id, "get", "/tuner0/vchannel"]), "1984");
        good(&lan, &[&id, "set", lock, "force"]);
        assert_eq!(good(&lan, &[&id, "get", lock]), "none");
        home.stop();
    });
}

#[test]
fn hdhomerun_config_scans_all_channels() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("channels.txt");
        // Its exit code says nothing: it is 1 after a good scan.
        let (_, words) = config(&lan, &[&home.id(), "scan", "0", text(&file)]);
        let log = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{words}"));
        let lineup = home.json("/lineup.json");
        let channels = lineup.as_array().unwrap();
        assert_eq!(channels.len(), 4);
        for channel in channels {
            let (number, name) = (&channel["GuideNumber"], &channel["GuideName"]);
            let line = format!(": {} {}", number.as_str().unwrap(), name.as_str().unwrap());
            let found = log
                .lines()
                .filter(|told| told.starts_with("PROGRAM ") && told.ends_with(&line));
            assert_eq!(found.count(), 1, "{line}\n{log}");
        }
        assert_eq!(good(&lan, &[&home.id(), "get", "/tuner0/lockkey"]), "none");
        home.stop();
    });
}

/// Waits until a file is so long.
fn grows(file: &Path, bytes: u64) {
    let begun = Instant::now();
    while std::fs::metadata(file).map_or(0, |file| file.len()) < bytes {
        assert!(
            begun.elapsed() < PATIENCE,
            "{} does not grow",
            file.display()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ctrl-C.
fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-s", "INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn hdhomerun_config_saves_a_file_that_plays() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let id = home.id();
        let folder = tempfile::tempdir().unwrap();
        for number in ["1984.1", "1984"] {
            let file = folder.path().join(format!("{number}.ts"));
            good(&lan, &[&id, "set", "/tuner0/vchannel", number]);
            let mut command = lan.client.command("hdhomerun_config");
            command.args([&id, "save", "0", text(&file)]);
            let saving = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            grows(&file, 600_000);
            assert_eq!(home.busy_tuners(), 1);
            interrupt(&saving);
            let said = saving.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
            println!("{said}");
            // "-- Video statistics --", then how much of what.
            let counts = said.lines().last().unwrap();
            let (packets, errors) = counts.split_once(" packets received, ").expect(counts);
            assert!(packets.trim().parse::<u64>().unwrap() > 400, "{said}");
            let errors: Vec<&str> = errors.split(", ").collect();
            assert!(errors.len() >= 3, "{said}");
            assert!(errors.iter().all(|error| error.starts_with("0 ")), "{said}");
            // `save` ends with `target none`.
            home.until_free();
            assert_eq!(good(&lan, &[&id, "get", "/tuner0/target"]), "none");
            let bytes = std::fs::read(&file).unwrap();
            ts_judge::judge(ts_judge::whole_packets(&bytes)).assert_clean();
            super::players::probe_finds(
                text(&file),
                &lan,
                "h264",
                if number == "1984" { "aac" } else { "ac3" },
            );
        }
        home.stop();
    });
}
