//! What is not written.

use crate::box_::Updater;
use crate::card::{Desk, SLOT_BYTES};
use std::path::Path;

/// Changes bytes of a bundle.
fn with(bundle: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bundle = bundle.to_vec();
    change(&mut bundle);
    bundle
}

/// The same bundle whose manifest says something else, signed again by this key.
fn saying(desk: &Desk, bundle: &Path, key: &str, from: &str, to: &str) -> Vec<u8> {
    let bytes = std::fs::read(bundle).unwrap();
    let length = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
    let signature = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let manifest = String::from_utf8(bytes[16..16 + length].to_vec()).unwrap();
    assert!(manifest.contains(from), "{manifest}");
    let manifest = manifest.replacen(from, to, 1);
    let file = desk.at("manifest");
    std::fs::write(&file, &manifest).unwrap();
    let mut sign = std::process::Command::new("minisign");
    // Without -H older versions sign the manifest itself, newer ones its hash: both are taken.
    sign.args(["-S", "-s"])
        .arg(desk.at(key))
        .arg("-m")
        .arg(&file);
    crate::card::run(&mut sign);
    let signed = std::fs::read(desk.at("manifest.minisig")).unwrap();
    let mut out = bytes[..8].to_vec();
    out.extend_from_slice(&(manifest.len() as u32).to_le_bytes());
    out.extend_from_slice(&(signed.len() as u32).to_le_bytes());
    out.extend_from_slice(manifest.as_bytes());
    out.extend_from_slice(&signed);
    out.extend_from_slice(&bytes[16 + length + signature..]);
    out
}

#[test]
fn what_this_box_does_not_believe_is_refused_before_anything_is_written() {
    let desk = Desk::new();
    let path = desk.small("0.2.0");
    let good = std::fs::read(&path).unwrap();
    desk.key("stranger", &desk.at("stranger.pub"));
    let image = desk.at("noise");
    let strange = std::fs::read(desk.bundle(&image, "stranger", "0.2.0", 99)).unwrap();
    let older = std::fs::read(desk.bundle(&image, "box", "0.0.9", 1)).unwrap();
    let said = |from, to| saying(&desk, &path, "box", from, to);
    let head = good.len() - std::fs::metadata(&image).unwrap().len() as usize;
    let updater = Updater::start(&desk, "a");
    let before = desk.card();
    let cases = [
        ("garbage", crate::card::noise(100_000, 5), "no bundle"),
        ("nothing", Vec::new(), "broke off"),
        ("a stranger's signature", strange, "not signed by a key"),
        (
            "another manifest",
            with(&good, |bytes| bytes[40] ^= 1),
            "not signed",
        ),
        (
            "a damaged signature",
            with(&good, |bytes| bytes[head - 20] ^= 1),
            "sign",
        ),
        ("an older store", older, "schema 1"),
        (
            "another format",
            said("\"format\":1", "\"format\":2"),
            "format 2",
        ),
        ("another box", said("-arm64", "-amd64"), "another kind"),
        (
            "a version that is a path",
            said("\"0.2.0\"", "\"../../x\""),
            "no version",
        ),
        (
            "other chunks",
            said("\"chunk_bytes\":1048576", "\"chunk_bytes\":1"),
            "does not fit",
        ),
        (
            "chunks of nothing",
            said("\"chunk_bytes\":1048576", "\"chunk_bytes\":0"),
            "does not fit",
        ),
        (
            "nothing at all",
            said("\"bytes\":", "\"bytes\":0,\"_\":"),
            "does not fit",
        ),
        (
            "a byte more",
            said("\"bytes\":", "\"bytes\":9999999,\"_\":"),
            "does not fit",
        ),
        (
            "more than a slot",
            said(
                "\"bytes\":",
                &format!("\"bytes\":{},\"_\":", SLOT_BYTES + 1),
            ),
            "a slot holds",
        ),
        ("no manifest", said("{", "["), "cannot be read"),
        (
            "a manifest without end",
            with(&good, |bytes| bytes[8..12].fill(0xff)),
            "first bytes",
        ),
        (
            "a signature without end",
            with(&good, |bytes| bytes[12..16].fill(0xff)),
            "first bytes",
        ),
        (
            "a changed first chunk",
            with(&good, |bytes| bytes[head + 7] ^= 1),
            "damaged",
        ),
        ("half a manifest", good[..head / 2].to_vec(), "broke off"),
    ];
    for (what, bundle, why) in &cases {
        let answer = updater.install(bundle, None);
        let refused = answer["refused"]
            .as_str()
            .unwrap_or_else(|| panic!("{what}: {answer}"));
        assert!(
            refused.contains(why) && refused.ends_with('.'),
            "{what}: {refused}"
        );
        assert!(desk.card() == before, "{what}: the card has changed");
    }
    for told in [good.len() - 1, good.len() + 1, 17] {
        let answer = updater.install(&good, Some(told));
        assert!(answer["refused"].is_string(), "{told}: {answer}");
        assert!(desk.card() == before, "{told}: the card has changed");
    }
    // The same updater takes what is right.
    let answer = updater.install(&good, Some(good.len()));
    assert_eq!(answer["installed"], "0.2.0", "{answer}");
}

#[test]
fn a_bundle_of_another_signing_way_is_taken() {
    let desk = Desk::new();
    let bundle = saying(&desk, &desk.small("0.2.0"), "box", "0.2.0", "0.2.1");
    let updater = Updater::start(&desk, "a");
    assert_eq!(updater.install(&bundle, None)["installed"], "0.2.1");
}

#[test]
fn a_card_of_another_kind_is_left_alone() {
    let desk = Desk::new();
    let mut card = desk.card();
    card[446 + 16 + 8] ^= 1;
    std::fs::write(desk.at("card"), &card).unwrap();
    let mut command = crate::box_::exstreamtv();
    command
        .args(["board", "updater", "--slot", "a", "--socket"])
        .arg(desk.at("x.sock"));
    command
        .arg("--disk")
        .arg(desk.at("card"))
        .arg("--state")
        .arg(desk.at("memory"));
    let out = command.output().unwrap();
    assert!(!out.status.success());
    let words = String::from_utf8(out.stderr).unwrap();
    assert!(words.contains("not those of the box's card"), "{words}");
    assert!(desk.card() == card);
}

#[test]
fn what_is_no_question_is_refused_in_words() {
    let desk = Desk::new();
    let updater = Updater::start(&desk, "a");
    for line in ["{\"ask\":\"format\"}", "{}", "nonsense", ""] {
        let answer = updater.ask(line).remove(0);
        assert!(answer["refused"].is_string(), "{line}: {answer}");
    }
    assert!(updater.ask(&"x".repeat(9_000)).is_empty());
    assert_eq!(updater.status()["version"], "0.1.0");
}
