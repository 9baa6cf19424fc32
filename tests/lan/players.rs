//! Players that are given nothing but the address of the lineup, or of a channel.

use super::home::Home;
use super::http::exchange;
use super::network::{BOX, Lan};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// What a player said on both outputs; it has to succeed.
fn words(mut command: Command) -> String {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let words = [done.stdout, done.stderr].concat();
    let words = String::from_utf8_lossy(&words).into_owned();
    assert!(done.status.success(), "{command:?}: {words}");
    words
}

/// ffprobe sees these two codecs and nothing to complain about.
pub(crate) fn probe_finds(source: &str, lan: &Lan, video: &str, audio: &str) {
    let mut command = lan.client.command("ffprobe");
    command.args([
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
    ]);
    command.arg(source);
    let found = words(command);
    // The streams of programs come first, then all streams, with an empty line between.
    let streams: Vec<&str> = found.rsplit("\n\n").next().unwrap().lines().collect();
    assert_eq!(streams, [video, audio], "{source}");
}

#[test]
fn ffprobe_reads_1984_1_at_every_address() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        for host in ["10.99.0.1", "[fd99::1]"] {
            for path in ["auto/v1984.1", "tuner0/v1984.1"] {
                let url = format!("http://{host}:5004/{path}");
                probe_finds(&url, &lan, "h264", "ac3");
                home.until_free();
            }
        }
        home.stop();
    });
}

#[test]
fn mpv_plays_the_lineup() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let mut mpv = lan.client.command("mpv");
        mpv.env("HOME", "/nonexistent");
        mpv.args([
            "--no-config",
            "--vo=null",
            "--ao=null",
            "--length=2",
            "--msg-level=all=warn,statusline=status",
        ]);
        mpv.arg("--term-status-msg=shown ${estimated-frame-number} of ${path}\n");
        mpv.arg(format!("http://{BOX}/lineup.m3u"));
        let said = words(mpv).replace('\r', "\n");
        // With `--length`, it goes through the whole list.
        for number in ["1984", "1984.1", "2", "3"] {
            let url = format!("of http://{BOX}:5004/auto/v{number}");
            let shown = said
                .lines()
                .rev()
                .find(|line| line.trim_end().ends_with(&url));
            let shown = shown.unwrap_or_else(|| panic!("{url}\n{said}"));
            let pictures = shown.split_whitespace().nth(1).unwrap();
            assert!(pictures.parse::<u32>().unwrap_or(0) > 20, "{shown}\n{said}");
        }
        home.stop();
    });
}

#[test]
fn vlc_plays_the_lineup() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::demo(&lan);
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("said");
        let everybody = Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), everybody).unwrap();
        // VLC will not run as root.
        let mut vlc = lan.client.command("setpriv");
        vlc.args(["--reuid=65534", "--regid=65534", "--clear-groups", "cvlc"]);
        vlc.env("HOME", folder.path());
        vlc.args([
            "--no-xlib",
            "-vv",
            "--run-time=3",
            "--play-and-exit",
            "--vout=dummy",
            "--aout=dummy",
        ]);
        vlc.args(["--file-logging", "--logfile", log.to_str().unwrap()]);
        vlc.arg(format!("http://{BOX}/lineup.m3u"));
        let said = words(vlc) + &std::fs::read_to_string(&log).unwrap();
        let lineup = exchange("GET", &format!("http://{BOX}/lineup.json"), &[]).json();
        for channel in lineup.as_array().unwrap() {
            let url = channel["URL"].as_str().unwrap();
            assert!(
                said.contains(&format!("`{url}' successfully opened")),
                "{url}\n{said}"
            );
        }
        let shown = said.matches("Received first picture").count();
        assert!(shown >= 4, "{shown} channels were shown\n{said}");
        home.until_free();
        home.stop();
    });
}
