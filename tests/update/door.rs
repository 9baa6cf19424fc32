//! Who is let in at the box's door.

use crate::box_::{Served, Updater};
use crate::card::Desk;
use crate::over_the_air::paired;
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

const CODE: &str = "correct horse battery";

/// Shows knowledge of a code, as a client in another language does.
fn proof(asked: &Value, code: &str) -> String {
    let program = "import hashlib, hmac, sys\n\
        code, salt, rounds, nonce = sys.argv[1:]\n\
        key = hashlib.pbkdf2_hmac('sha256', code.encode(), bytes.fromhex(salt), int(rounds))\n\
        print(hmac.new(key, b'exstreamtv update ' + nonce.encode(), 'sha256').hexdigest(), end='')";
    let nonce = asked["nonce"].as_str().unwrap();
    let out = Command::new("python3")
        .args(["-c", program, code, asked["salt"].as_str().unwrap()])
        .args([&asked["rounds"].to_string(), nonce])
        .output()
        .unwrap();
    let proof = String::from_utf8(out.stdout).unwrap();
    format!("Authorization: Pairing nonce={nonce}, proof={proof}")
}

fn send(served: &Served, authorization: &str, bundle: &[u8]) -> (u16, String) {
    let length = bundle.len();
    let head = format!("POST /api/update HTTP/1.1\r\n{authorization}\r\nContent-Length: {length}");
    served.say(&head, bundle)
}

#[test]
fn only_who_knows_the_code_gets_in_and_once_for_each_nonce() {
    let desk = Desk::new();
    let bundle = std::fs::read(desk.small("0.2.0")).unwrap();
    let (updater, served) = paired(&desk);
    let before = desk.card();
    let asked = served.update();
    assert_eq!(
        (&asked["available"], &asked["authorised"]),
        (&true.into(), &true.into())
    );
    assert_eq!(
        (&asked["rounds"], &asked["version"]),
        (&100_000.into(), &"0.1.0".into())
    );
    let right = proof(&asked, CODE);
    let zeros = "0".repeat(64);
    let nonce = asked["nonce"].as_str().unwrap();
    for authorization in [
        "Accept: */*".to_owned(),
        "Authorization: Basic abc".to_owned(),
        "Authorization: Pairing".to_owned(),
        proof(&asked, "wrong horse battery"),
        format!("Authorization: Pairing nonce={nonce}, proof={zeros}"),
        format!("Authorization: Pairing nonce={zeros}, proof={zeros}"),
        right.replace(nonce, &nonce.to_uppercase()),
    ] {
        let (status, words) = send(&served, &authorization, &bundle);
        assert_eq!(status, 401, "{authorization}: {words}");
        assert!(words.ends_with(".\n"), "{words}");
        assert!(desk.card() == before, "{authorization}");
    }
    let (status, words) = send(&served, &right, &bundle);
    assert_eq!(status, 200, "{words}");
    let last: Value = serde_json::from_str(words.lines().last().unwrap()).unwrap();
    assert_eq!(last["installed"], "0.2.0");
    let (status, words) = send(&served, &right, &bundle);
    assert_eq!(status, 401, "a nonce was taken twice: {words}");
    let (status, _) = served.say("POST /api/update/restart HTTP/1.1", b"");
    assert_eq!(status, 401);
    assert!(!desk.at("restarted").exists());
    assert_eq!(updater.status()["order"], "b");
}

#[test]
fn wrong_proofs_are_slowed_to_one_a_second() {
    let desk = Desk::new();
    let (_updater, served) = paired(&desk);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let tries: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| send(&served, &proof(&served.update(), "wrong code"), b"")))
            .collect();
        for one in tries {
            assert_eq!(one.join().unwrap().0, 401);
        }
    });
    assert!(
        begun.elapsed() >= Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn lengths_are_told_and_bounded() {
    let desk = Desk::new();
    let (_updater, served) = paired(&desk);
    let right = proof(&served.update(), CODE);
    for (length, code) in [
        ("Accept: */*", 411),
        ("Content-Length: 101711873", 413),
        ("Content-Length: 99999999999999999999999", 411),
        ("Content-Length: 5\r\nContent-Length: 6", 411),
        ("Transfer-Encoding: chunked", 411),
    ] {
        let head = format!("POST /api/update HTTP/1.1\r\n{right}\r\n{length}");
        let (status, words) = served.say(&head, b"");
        assert_eq!(status, code, "{length}: {words}");
    }
}

#[test]
fn a_box_without_a_code_or_without_an_updater_says_what_to_do() {
    let desk = Desk::new();
    let updater = Updater::start(&desk, "a");
    let served = Served::start(&desk.at("no-code"), Some(&updater.socket));
    let asked = served.update();
    assert_eq!(
        (&asked["available"], &asked["authorised"]),
        (&true.into(), &false.into())
    );
    assert_eq!(asked["nonce"], Value::Null);
    let (status, words) = send(&served, "Accept: */*", b"x");
    assert!(status == 401 && words.contains("pairing_code"), "{words}");
    let served = Served::start(&desk.at("no-updater"), None);
    assert_eq!(served.update()["available"], false);
    assert_eq!(send(&served, "Accept: */*", b"x").0, 503);
    assert!(served.get("/").contains("EXStreamTV"));
    // One that does not answer keeps nobody waiting for long.
    let silent = std::os::unix::net::UnixListener::bind(desk.at("silent.sock")).unwrap();
    let served = Served::start(&desk.at("silent"), Some(&desk.at("silent.sock")));
    let begun = Instant::now();
    assert!(served.get("/").contains("EXStreamTV"));
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
    drop(silent);
}

#[test]
fn the_code_and_its_key_stand_in_no_answer_and_no_log() {
    let desk = Desk::new();
    let (_updater, served) = paired(&desk);
    let file = std::fs::read_to_string(desk.at("state/pairing.json")).unwrap();
    let kept: Value = serde_json::from_str(&file).unwrap();
    let key = kept["key"].as_str().unwrap();
    for target in ["/api/update", "/", "/api/health/detailed"] {
        let answer = served.get(target);
        assert!(!answer.contains(key) && !answer.contains(CODE), "{target}");
    }
}
