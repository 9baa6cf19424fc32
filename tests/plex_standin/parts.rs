//! Parts by ranges.

use crate::client::{get_with, part_key, send, titled};
use crate::clips;
use crate::plex::Standin;
use std::path::Path;

/// A film's part, and its bytes as they are on the disk.
fn night_ferry(standin: &Standin) -> (String, Vec<u8>) {
    let key = part_key(&titled(standin, 1, 1, "Night Ferry"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("assets/demo/Films/Night Ferry (1968).mp4");
    (key, std::fs::read(file).unwrap())
}

#[test]
fn ranges_are_exact() {
    let standin = Standin::start(clips());
    let (key, file) = night_ferry(&standin);
    let total = file.len();
    let whole = get_with(&standin, &key, &[]);
    assert_eq!(whole.status, 200);
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert_eq!(whole.header("x-plex-protocol"), Some("1.0"));
    assert_eq!(whole.body().unwrap(), file);
    let cases = [
        ("bytes=0-0".to_owned(), 0..1),
        ("bytes=100-".to_owned(), 100..total),
        ("bytes=7-99".to_owned(), 7..100),
        ("bytes=-10".to_owned(), total - 10..total),
        (
            format!("bytes={}-{}", total - 1, total + 5),
            total - 1..total,
        ),
    ];
    for (range, expected) in cases {
        let reply = get_with(&standin, &key, &[("Range", &range)]);
        assert_eq!(reply.status, 206, "{range}");
        let said = format!("bytes {}-{}/{total}", expected.start, expected.end - 1);
        assert_eq!(reply.header("content-range"), Some(said.as_str()));
        assert_eq!(reply.body().unwrap(), file[expected], "{range}");
    }
    let beyond = get_with(&standin, &key, &[("Range", &format!("bytes={total}-"))]);
    assert_eq!(beyond.status, 416);
    let said = format!("bytes */{total}");
    assert_eq!(beyond.header("content-range"), Some(said.as_str()));
}

#[test]
fn a_part_has_one_name_only() {
    let standin = Standin::start(clips());
    let (key, file) = night_ferry(&standin);
    let parts: Vec<&str> = key.split('/').collect();
    let other_stamp = key.replace(parts[4], "1");
    let other_name = key.replace("file.mp4", "file.mkv");
    for wrong in [
        other_stamp,
        other_name,
        "/library/parts/1/1/file.mp4".to_owned(),
    ] {
        let reply = get_with(&standin, &wrong, &[("Accept", "application/json")]);
        assert_eq!(reply.status, 404, "{wrong}");
        assert_eq!(reply.header("content-type"), Some("text/html"));
    }
    let token = standin.token();
    let head = send("HEAD", &standin.url(), &key, &[("X-Plex-Token", &token)]);
    assert_eq!(head.status, 200);
    assert_eq!(
        head.header("content-length"),
        Some(file.len().to_string().as_str())
    );
    assert_eq!(send("GET", &standin.url(), &key, &[]).status, 401);
}
