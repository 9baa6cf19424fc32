//! The whole way: `scripts/ota`, the box's door, the updater, a restart, a boot, a proof.

use crate::box_::{Served, Updater, until};
use crate::card::{Desk, script};
use exstreamtv::system::pairing::Pairing;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const CODE: &str = "correct horse battery";

/// A box with a pairing code, and its updater in slot a.
pub(crate) fn paired(desk: &Desk) -> (Updater, Served) {
    let updater = Updater::start(desk, "a");
    let state = desk.at("state");
    std::fs::create_dir_all(&state).unwrap();
    Pairing::fresh(CODE)
        .unwrap()
        .write(&state.join("pairing.json"))
        .unwrap();
    let served = Served::start(&state, Some(&updater.socket));
    std::fs::write(desk.at("code"), format!("{CODE}\n")).unwrap();
    (updater, served)
}

fn ota(served: &Served, bundle: &Path, code: &Path) -> Child {
    Command::new(script("ota"))
        .arg(&served.web)
        .arg(bundle)
        .arg("--code-file")
        .arg(code)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn words(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn a_good_update_is_sent_tried_proved_and_kept() {
    let desk = Desk::new();
    let bundle = desk.good("0.2.0");
    let before = desk.slot(0);
    let (mut updater, served) = paired(&desk);
    let client = ota(&served, &bundle, &desk.at("code"));
    until("the machine is not restarted", || {
        desk.at("restarted").exists().then_some(())
    });
    let status = updater.status();
    assert_eq!(
        (&status["order"], &status["trial"]),
        (&"b".into(), &"b".into()),
        "{status}"
    );
    assert_eq!(
        status["slots"],
        serde_json::json!({"a": "0.1.0", "b": "0.2.0"})
    );
    assert!(served.get("/").contains("Version 0.2.0 has been written"));
    updater.kill();
    assert_eq!(desk.boot(), "b");
    let updater = Updater::start(&desk, "b");
    let status = updater.status();
    assert_eq!(
        (&status["version"], &status["left"]["b"]),
        (&"0.2.0".into(), &1.into())
    );
    assert_eq!(
        updater.ask("{\"ask\":\"keep\"}"),
        [serde_json::json!({"kept": "b"})]
    );
    let out = client.wait_with_output().unwrap();
    assert!(out.status.success(), "{}", words(&out));
    assert!(
        words(&out).contains("The box keeps version 0.2.0."),
        "{}",
        words(&out)
    );
    let status = updater.status();
    assert_eq!(
        (&status["last"]["outcome"], &status["left"]["b"]),
        (&"kept".into(), &3.into())
    );
    let image = std::fs::read(desk.at("0.2.0.img")).unwrap();
    assert!(
        desk.slot(1)[..image.len()] == image,
        "what was written is not what was sent"
    );
    assert!(desk.slot(0) == before);
    for _ in 0..3 {
        assert_eq!(desk.boot(), "b");
    }
}

#[test]
fn an_update_that_does_not_prove_itself_is_left_and_told() {
    let desk = Desk::new();
    let bundle = desk.good("0.2.0");
    let (mut updater, served) = paired(&desk);
    let client = ota(&served, &bundle, &desk.at("code"));
    until("the machine is not restarted", || {
        desk.at("restarted").exists().then_some(())
    });
    updater.kill();
    assert_eq!([desk.boot(), desk.boot(), desk.boot()], ["b", "b", "a"]);
    let mut updater = Updater::start(&desk, "a");
    let out = client.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", words(&out));
    assert!(
        words(&out).contains("went back to version 0.1.0"),
        "{}",
        words(&out)
    );
    let page = until("the page does not tell", || {
        Some(served.get("/")).filter(|page| page.contains("did not work out"))
    });
    assert!(
        page.contains("The update to version 0.2.0 did not work out."),
        "{page}"
    );
    // It is still told after another start, and a stick with the same bundle does not try again.
    updater.kill();
    let updater = Updater::start(&desk, "a");
    assert_eq!(updater.status()["last"]["outcome"], "failed");
    let install = |more: &[&str]| {
        let mut command = crate::box_::exstreamtv();
        command
            .args(["board", "install"])
            .arg(&bundle)
            .arg("--socket")
            .arg(&updater.socket);
        command.args(more).output().unwrap()
    };
    let out = install(&["--newer"]);
    assert!(
        out.status.success() && words(&out).contains("in vain"),
        "{}",
        words(&out)
    );
    assert_eq!(updater.status()["order"], "a");
    // Who asks for it gets it.
    let out = install(&["--restart"]);
    assert!(out.status.success(), "{}", words(&out));
    assert_eq!(updater.status()["order"], "b");
}

#[test]
fn a_stick_with_what_runs_or_is_older_is_left_alone() {
    let desk = Desk::new();
    let updater = Updater::start(&desk, "a");
    let before = desk.card();
    for version in ["0.1.0", "0.0.9", "0.1.0-rc1"] {
        let mut command = crate::box_::exstreamtv();
        command
            .args(["board", "install", "--newer"])
            .arg(desk.small(version));
        let out = command
            .arg("--socket")
            .arg(&updater.socket)
            .output()
            .unwrap();
        assert!(
            out.status.success() && words(&out).contains("not newer"),
            "{}",
            words(&out)
        );
    }
    assert!(desk.card() == before);
    let mut command = crate::box_::exstreamtv();
    command
        .args(["board", "install", "--newer"])
        .arg(desk.small("0.1.1"));
    let out = command
        .arg("--socket")
        .arg(&updater.socket)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", words(&out));
    let mut command = crate::box_::exstreamtv();
    let out = command
        .args(["board", "status", "--socket"])
        .arg(&updater.socket)
        .output()
        .unwrap();
    let told = String::from_utf8(out.stdout).unwrap();
    assert!(
        told.contains("slot a: 0.1.0, 3 boots left, runs\n"),
        "{told}"
    );
    assert!(
        told.contains("2 boots left, tried first, on trial\n"),
        "{told}"
    );
}

#[test]
fn ota_says_what_is_wrong() {
    let desk = Desk::new();
    let bundle = desk.small("0.2.0");
    let (updater, served) = paired(&desk);
    let before = desk.card();
    std::fs::write(desk.at("wrong"), "wrong horse battery\n").unwrap();
    let out = ota(&served, &bundle, &desk.at("wrong"))
        .wait_with_output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(
        words(&out).contains("The pairing code is wrong."),
        "{}",
        words(&out)
    );
    desk.key("stranger", &desk.at("stranger.pub"));
    let strange = desk.bundle(&desk.at("noise"), "stranger", "0.2.0", 99);
    let out = ota(&served, &strange, &desk.at("code"))
        .wait_with_output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(
        words(&out).contains("not signed by a key"),
        "{}",
        words(&out)
    );
    let out = ota(&served, &desk.at("noise"), &desk.at("code"))
        .wait_with_output()
        .unwrap();
    assert!(words(&out).contains("no bundle"), "{}", words(&out));
    assert!(desk.card() == before);
    assert!(!desk.at("restarted").exists());
    drop(updater);
    std::thread::sleep(std::time::Duration::from_millis(3_100));
    let out = ota(&served, &bundle, &desk.at("code"))
        .wait_with_output()
        .unwrap();
    assert!(
        words(&out).contains("no updater answers"),
        "{}",
        words(&out)
    );
}
