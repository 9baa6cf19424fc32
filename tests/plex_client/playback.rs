//! Playing: decisions, parts, conversions, events.

use crate::plex::{Library, Standin};
use crate::server;
use exstreamtv::error::Failure;
use exstreamtv::fetch::Reader;
use exstreamtv::media::{AudioCodec, VideoCodec};
use exstreamtv::plex::{
    Bounds, Class, Decision, Hint, Item, Kind, PartDecision, Pictures, Play, Server, Transcode,
    Wrap, new_id,
};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Two films of three seconds, of which one has sound that nobody takes.
fn films() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, sound) in [
        ("Quiet Harbour (1961).mp4", "aac"),
        ("Loud Harbour (1962).mkv", "dca"),
    ] {
        let made = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
            .args([
                "testsrc2=size=320x180:rate=25",
                "-f",
                "lavfi",
                "-i",
                "sine=sample_rate=48000",
            ])
            .args([
                "-t",
                "3",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-pix_fmt",
                "yuv420p",
            ])
            .args(["-ac", "2", "-c:a", sound, "-strict", "-2"])
            .arg(folder.path().join(name))
            .status();
        assert!(made.unwrap().success());
    }
    folder
}

async fn film(server: &Server, title: &str) -> Item {
    let page = server.page("1", Kind::Movie, 0, 50, None).await.unwrap();
    let item = page
        .items
        .iter()
        .find(|item| item.title.starts_with(title))
        .unwrap();
    let mut page = server.items(&[&item.rating_key]).await.unwrap();
    page.items.remove(0)
}

fn play(item: &Item) -> Play {
    Play {
        rating_key: item.rating_key.clone(),
        media_index: 0,
        part_index: 0,
        session: new_id().unwrap(),
        audio_stream: None,
    }
}

fn to_ac3(item: &Item, container: Wrap) -> Transcode {
    Transcode {
        play: play(item),
        offset_s: 0.0,
        container,
        video: Pictures::Copy,
        video_codecs: vec![VideoCodec::H264],
        audio_codecs: vec![AudioCodec::Ac3],
        bounds: Bounds::default(),
    }
}

async fn open(server: &Server, item: &Item, session: &str) -> exstreamtv::error::Result<Reader> {
    let url = server.part_url(&item.versions[0].parts[0].key).unwrap();
    Reader::http(&url, &server.stream_headers(session)).await
}

#[tokio::test]
async fn a_part_is_given_to_the_session_that_was_decided_about() {
    let folder = films();
    let standin = Standin::start(Library::from_folder(folder.path()));
    let server = server(&standin).await;
    standin.faults(|faults| faults.require_decision = true);
    for (title, name) in [
        ("Quiet", "Quiet Harbour (1961).mp4"),
        ("Loud", "Loud Harbour (1962).mkv"),
    ] {
        let item = film(&server, title).await;
        let refused = open(&server, &item, &new_id().unwrap()).await.unwrap_err();
        assert_eq!(refused.failure(), Failure::Connection, "{refused}");
        let play = play(&item);
        let decided = server
            .decision(&Decision::Direct(play.clone()))
            .await
            .unwrap();
        assert!(
            decided.is_direct() && decided.code == 1_000,
            "{title}: {decided:?}"
        );
        let mut reader = open(&server, &item, &play.session).await.unwrap();
        let whole = std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!(reader.len(), u64::try_from(whole.len()).unwrap());
        let part = &item.versions[0].parts[0];
        assert_eq!(part.size_bytes, Some(reader.len()));
        assert_eq!(
            reader.read(1_000, 5_000).await.unwrap(),
            whole[1_000..6_000]
        );
    }
}

/// What a server sends for as long as it does, without the head; asked by nobody's HTTP.
fn whole(url: &str, headers: &[(String, String)]) -> Vec<u8> {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let mut head = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    assert!(answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200"));
    answer.split_off(end + 4)
}

/// Codecs of a file, as ffprobe names them; of a transport stream it tells each one twice.
fn codecs(file: &Path) -> BTreeSet<String> {
    let probe = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "stream=codec_name",
            "-of",
            "csv=p=0",
        ])
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(probe.stdout).unwrap();
    text.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn sound_that_nobody_takes_is_converted_and_the_pictures_copied() {
    let folder = films();
    let standin = Standin::start(Library::from_folder(folder.path()));
    let server = server(&standin).await;
    let item = film(&server, "Loud").await;
    for (container, name) in [(Wrap::Matroska, "out.mkv"), (Wrap::MpegTs, "out.ts")] {
        let transcode = to_ac3(&item, container);
        let decided = server
            .decision(&Decision::Transcode(transcode.clone()))
            .await
            .unwrap();
        assert!(
            decided.is_transcode() && decided.code == 1_001,
            "{decided:?}"
        );
        let words = (decided.video.as_deref(), decided.audio.as_deref());
        assert_eq!(words, (Some("copy"), Some("transcode")));
        let session = transcode.play.session.clone();
        let url = server.transcode_url(&transcode).unwrap();
        assert!(!url.contains(&standin.token()), "{url}");
        let headers = server.stream_headers(&session);
        let bytes = tokio::task::spawn_blocking(move || whole(&url, &headers))
            .await
            .unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let expected = ["ac3", "h264"].map(str::to_owned);
        assert_eq!(codecs(&file), BTreeSet::from(expected), "{name}");
        server.stop(&session).await.unwrap();
        server.stop("never-started").await.unwrap();
    }
    assert_eq!(
        (standin.started_conversions(), standin.live_conversions()),
        (2, 0)
    );
}

#[tokio::test]
async fn a_refusal_is_a_code_and_an_old_server_is_told_apart() {
    let folder = films();
    let standin = Standin::start(Library::from_folder(folder.path()));
    let server = server(&standin).await;
    let item = film(&server, "Loud").await;
    let ask = async || {
        server
            .decision(&Decision::Transcode(to_ac3(&item, Wrap::Matroska)))
            .await
    };
    standin.faults(|faults| faults.decision_code = Some(4_005));
    let refused = ask().await.unwrap();
    assert_eq!(
        (refused.code, refused.part),
        (4_005, Some(PartDecision::Refused))
    );
    assert!(!refused.is_transcode() && !refused.is_direct());
    standin.heal();
    for (status, class) in [
        (400, Class::Refused),
        (404, Class::Gone),
        (503, Class::Busy),
        (509, Class::Bandwidth),
    ] {
        standin.faults(|faults| faults.decision_status = Some(status));
        assert_eq!(ask().await.unwrap_err().class, class, "{status}");
    }
    standin.heal();
    let mut gone = to_ac3(&item, Wrap::Matroska);
    gone.play.rating_key = "999999999".to_owned();
    let trouble = server
        .decision(&Decision::Transcode(gone))
        .await
        .unwrap_err();
    assert_eq!(trouble.class, Class::Gone);
}

#[tokio::test]
async fn a_server_tells_what_has_changed() {
    let standin = Standin::start(Library::default());
    let server = server(&standin).await;
    let mut events = server.events().await.unwrap();
    let entry = |state: u8| {
        format!(
            "{{\"TimelineEntry\":{{\"identifier\":\"com.plexapp.plugins.library\",\
             \"sectionID\":\"1\",\"itemID\":7,\"state\":{state}}}}}"
        )
    };
    for state in [3, 5, 9] {
        standin.push("timeline", &entry(state));
    }
    let mut next = async || {
        let next = tokio::time::timeout(Duration::from_secs(5), events.next()).await;
        next.unwrap()
    };
    let (rating_key, section) = ("7".to_owned(), Some("1".to_owned()));
    let changed = Hint::Changed {
        rating_key: rating_key.clone(),
        section: section.clone(),
    };
    assert_eq!(next().await.unwrap(), Some(changed));
    let deleted = Hint::Deleted {
        rating_key,
        section,
    };
    assert_eq!(next().await.unwrap(), Some(deleted));
    standin.go_down();
    let ended = next().await;
    assert!(!matches!(ended, Ok(Some(_))), "{ended:?}");
}

#[tokio::test]
async fn collections_and_playlists_keep_their_order() {
    let folder = films();
    let standin = Standin::start(Library::from_folder(folder.path()));
    let server = server(&standin).await;
    let collections = server.collections("1", 0, 50).await.unwrap();
    let collection = &collections.items[0];
    assert_eq!(collection.kind, Kind::Collection);
    let held = server
        .collection_items(&collection.rating_key, 0, 50)
        .await
        .unwrap();
    assert_eq!(
        collection.children,
        Some(u64::try_from(held.items.len()).unwrap())
    );
    let playlists = server.playlists().await.unwrap();
    assert!(!playlists.is_empty());
    for playlist in playlists {
        let page = server
            .playlist_items(&playlist.rating_key, 0, 50)
            .await
            .unwrap();
        assert_eq!(page.returned, page.items.len() + page.dropped.len());
        assert!(!page.items.is_empty(), "{}", playlist.title);
    }
    let thumb = film(&server, "Quiet").await.thumb;
    if let Some(thumb) = thumb {
        let picture = server.picture(&thumb, 300, 450).await.unwrap();
        assert!(picture.media_type.starts_with("image/") && !picture.bytes.is_empty());
    }
}
