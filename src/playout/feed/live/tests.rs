//! Streams over real sockets, against the same bytes as a file; and those of the stand-in for Plex.

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "it belongs to the tests, where they are allowed"
)]
#[path = "../../../../tests/support/plex/mod.rs"]
mod plex;
#[path = "../../../../tests/support/source.rs"]
mod source;

use crate::error::{Failure, Result};
use crate::media::{AudioCodec, AudioProfile, Profile, Sample, Sync, VideoCodec};
use crate::model::Part;
use crate::playout::Outlines;
use crate::playout::feed::{Feed, Join, Opening};
use crate::playout::outlines::Key;
use crate::resolver::{Form, Source, Times};
use plex::{Library, Standin};
use source::{Answer, SourceServer};
use std::any::Any;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Pictures with a key frame every two seconds, some of which are shown before theirs.
const CODED: &str = "-c:v libx264 -preset veryfast -g 50 -keyint_min 50 -sc_threshold 0 -bf 2 \
                     -x264-params open-gop=1 -pix_fmt yuv420p -ac 2";
const SECOND: i64 = 90_000;

/// Films in a folder, and a server that makes them while they are read.
struct House {
    folder: TempDir,
    server: SourceServer,
    outlines: Outlines,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = SourceServer::start(folder.path());
        server.answer(Answer::Made {
            chunk_bytes: 5_000,
            first_after: Duration::ZERO,
            most: u64::MAX,
        });
        Self {
            folder,
            server,
            outlines: Outlines::default(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Twelve seconds of film with this sound.
    fn film(&self, name: &str, sound: &str) {
        let inputs = "-f lavfi -i testsrc2=s=160x90:r=25 -f lavfi -i sine=r=48000 -t 12";
        let out = self.path(name);
        ffmpeg(&format!("{inputs} {CODED} -c:a {sound} {out}"));
    }

    /// The same as a converter would send it through a pipe.
    fn pipe(&self, from: &str, name: &str, before: &str, behind: &str) {
        let file = std::fs::File::create(self.path(name)).unwrap();
        let format = if name.ends_with(".ts") {
            "mpegts"
        } else {
            "matroska -live 1"
        };
        let from = self.path(from);
        let options = format!("{before} -i {from} -c copy {behind} -f {format} pipe:1");
        let done = Command::new("ffmpeg")
            .args(["-v", "error"])
            .args(options.split_whitespace())
            .stdin(Stdio::null())
            .stdout(file)
            .status();
        assert!(done.unwrap().success(), "{options}");
    }

    /// One that was asked for from its beginning on, as the box asks for its sort.
    fn live(&self, name: &str) -> (Source, Arc<dyn Any + Send + std::marker::Sync>) {
        let times = if name.ends_with(".ts") {
            Times::Counted
        } else {
            Times::Kept
        };
        self.live_from(name, (0, times))
    }

    fn live_from(
        &self,
        name: &str,
        (begins_ms, times): (i64, Times),
    ) -> (Source, Arc<dyn Any + Send + std::marker::Sync>) {
        let guard: Arc<dyn Any + Send + std::marker::Sync> = Arc::new(());
        let source = Source::Live {
            url: self.server.url(name),
            headers: Vec::new(),
            begins_ms,
            times,
            form: Form::Whole,
            guard: Arc::clone(&guard),
        };
        (source, guard)
    }

    /// Opens it under the profile of its sound.
    async fn open(
        &self,
        source: &Source,
        sound: AudioCodec,
        place: (i64, Join),
    ) -> Result<Option<Feed>> {
        let profile = Profile {
            video: VideoCodec::H264,
            audio: AudioProfile {
                codec: sound,
                sample_rate: 48_000,
                channels: 2,
            },
        };
        let part = part();
        let opening = Opening {
            part: &part,
            source,
            profile: &profile,
            language: "eng",
            outlines: &self.outlines,
        };
        Box::pin(Feed::open(opening, place)).await
    }

    /// The same bytes, as a file and as a stream of which all was asked for.
    async fn both(&self, name: &str, sound: AudioCodec, place: (i64, Join)) -> [Feed; 2] {
        let file = Source::File(self.path(name).into());
        let file = self.open(&file, sound, place).await.unwrap().unwrap();
        let (live, _guard) = self.live(name);
        let live = self.open(&live, sound, place).await.unwrap().unwrap();
        [file, live]
    }
}

fn part() -> Part {
    Part {
        path: "/library/parts/1/file.avi".to_owned(),
        size_bytes: 1,
        changed_ms: 1,
        container: None,
        duration_ms: Some(12_000),
        tracks: [].into(),
        problem: None,
    }
}

fn ffmpeg(options: &str) {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(options.split_whitespace())
        .status();
    let done = done.expect("ffmpeg is needed: scripts/test installs it");
    assert!(done.success(), "ffmpeg {options}");
}

/// All that is left: pictures and sound.
async fn rest(feed: &mut Feed) -> (Vec<Sample>, Vec<Sample>) {
    let mut all = Vec::new();
    while let Some(sample) = feed.sample().await.unwrap() {
        all.push(sample);
    }
    let video = feed.video();
    all.into_iter().partition(|sample| sample.track == video)
}

/// Sound that ends before the first picture is of no use.
fn heard(sound: Vec<Sample>, from_90k: i64) -> Vec<Sample> {
    let ends = |one: &Sample| one.pts_90k + i64::from(one.duration_90k);
    sound
        .into_iter()
        .filter(|one| ends(one) > from_90k + 90)
        .collect()
}

/// Times from `from_90k` on, kinds and payloads; decoding times behind a join are made anew.
fn told(samples: &[Sample], from_90k: i64) -> Vec<(i64, Sync, &[u8])> {
    let told = |one: &Sample| (one.pts_90k - from_90k, one.sync);
    let all = samples.iter().map(|one| (told(one), &one.data[..]));
    all.map(|((pts_90k, sync), data)| (pts_90k, sync, data))
        .collect()
}

#[tokio::test]
async fn a_stream_gives_what_its_file_gives_from_wherever_it_is_joined() {
    let house = House::new();
    for (film, sound, codec) in [
        ("a.mkv", "ac3", AudioCodec::Ac3),
        ("b.mkv", "aac", AudioCodec::Aac),
    ] {
        house.film(film, sound);
        for name in ["live.mkv", "live.ts"] {
            house.pipe(film, name, "", "");
            for after_ms in [0, 30, 3_990, 4_030, 9_000] {
                println!("{name} with {sound} from {after_ms} ms");
                let place = (after_ms * 90, Join::After);
                let [mut file, mut live] = house.both(name, codec, place).await;
                let [from_90k, live_90k] = [file.begins_90k(), live.begins_90k()];
                assert!(live_90k >= after_ms * 90);
                // The stream's own times count what an encoder puts before the sound.
                assert!((0..=23 * 90).contains(&(live_90k - from_90k)), "{live_90k}");
                let (pictures, sound) = rest(&mut file).await;
                let (seen, sounded) = rest(&mut live).await;
                assert!(told(&seen, live_90k) == told(&pictures, from_90k));
                let (heard, expected) = (heard(sounded, live_90k), heard(sound, from_90k));
                assert!(told(&heard, live_90k) == told(&expected, from_90k));
                assert!(seen.len() >= 49 && heard.len() > 50);
            }
        }
    }
}

#[tokio::test]
async fn it_reads_on_and_never_back() {
    let house = House::new();
    house.film("film.mkv", "ac3");
    house.pipe("film.mkv", "live.mkv", "", "");
    let [mut file, mut live] = house
        .both("live.mkv", AudioCodec::Ac3, (0, Join::Before))
        .await;
    let second = |feed: &Feed| feed.begins_90k() / SECOND;
    // It stands at its first picture; nothing was passed.
    assert!(live.go_to(-9 * SECOND, Join::Before).await.unwrap());
    assert!(live.go_to(0, Join::After).await.unwrap());
    assert_eq!(second(&live), 0);
    // Past what was given, to the next one that comes.
    for _ in 0..80 {
        live.sample().await.unwrap().unwrap();
    }
    assert!(live.go_to(SECOND, Join::Before).await.unwrap());
    assert_eq!(second(&live), 2);
    assert!(live.go_to(7 * SECOND, Join::After).await.unwrap());
    assert_eq!(second(&live), 8);
    // What follows is what follows in the file.
    file.go_to(7 * SECOND, Join::After).await.unwrap();
    let [from_90k, live_90k] = [file.begins_90k(), live.begins_90k()];
    let (seen, _) = rest(&mut live).await;
    let (pictures, _) = rest(&mut file).await;
    assert!(told(&seen, live_90k) == told(&pictures, from_90k));
    let error = live.go_to(5 * SECOND, Join::Before).await.unwrap_err();
    assert!(error.to_string().contains("cannot go back"), "{error}");
    assert!(!live.go_to(20 * SECOND, Join::After).await.unwrap());
    // Where no such picture comes, there is none.
    let (source, _guard) = house.live("live.mkv");
    let none = house
        .open(&source, AudioCodec::Ac3, (11 * SECOND, Join::After))
        .await;
    assert!(none.unwrap().is_none());
}

/// A server that copies pictures begins at the key frame before the time it was asked for.
#[tokio::test]
async fn a_stream_is_where_its_times_say_or_where_it_was_asked_for() {
    let house = House::new();
    // A transport stream that is cut out of open groups has no parameter sets.
    house.film("film.mkv", "ac3 -x264-params open-gop=0");
    let film = Source::File(house.path("film.mkv").into());
    let whole = house.open(&film, AudioCodec::Ac3, (0, Join::Before)).await;
    let (film, _) = rest(&mut whole.unwrap().unwrap()).await;
    let (kept, counted) = (Times::Kept, Times::Counted);
    let far = "-output_ts_offset 50000";
    // What a server does, what it was asked for, and where the first picture stands then.
    for (name, (before, behind), (asked_ms, times), begins_ms) in [
        ("kept.mkv", ("-copyts -ss 7", ""), (7_000, kept), 6_000),
        ("begun.mkv", ("-copyts", ""), (8_000, kept), 0),
        ("early.mkv", ("-copyts -ss 5", ""), (12_000, kept), 4_000),
        ("late.mkv", ("-copyts -ss 7", ""), (5_500, kept), 6_000),
        ("ignored.mkv", ("-ss 7", ""), (67_000, kept), 67_000),
        ("anew.mkv", ("-ss 7", ""), (7_000, counted), 7_000),
        ("anew.ts", ("-ss 7", ""), (7_000, counted), 7_000),
        ("two.ts", ("-ss 7", ""), (2_000, counted), 2_000),
        ("elsewhere.mkv", ("-ss 7", far), (7_000, kept), 7_000),
        ("elsewhere.ts", ("-ss 7", far), (7_000, counted), 7_000),
        ("kept.ts", ("-ss 7", far), (50_007_000, counted), 50_000_400),
    ] {
        house.pipe("film.mkv", name, before, behind);
        let (source, _guard) = house.live_from(name, (asked_ms, times));
        let place = (asked_ms * 90, Join::Before);
        let feed = house.open(&source, AudioCodec::Ac3, place).await;
        let mut feed = feed.unwrap().unwrap();
        let begins_90k = feed.begins_90k();
        let late_ms = begins_90k / 90 - begins_ms;
        // By as much as the film's sound begins before its pictures.
        assert!((0..=150).contains(&late_ms), "{name}: {late_ms} ms");
        let (seen, _) = rest(&mut feed).await;
        // The film's own pictures from there on, which is where the last key frame was.
        let own = &film[film.len() - seen.len()..];
        assert_eq!(seen.len() % 50, 0, "{name}");
        for (seen, one) in seen.iter().zip(own) {
            let since_90k = one.pts_90k - own[0].pts_90k;
            assert!(
                (seen.pts_90k - begins_90k - since_90k).abs() <= 90,
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn who_makes_it_does_so_until_it_is_left() {
    let house = House::new();
    house.film("film.mkv", "ac3");
    house.pipe("film.mkv", "live.mkv", "", "");
    let (source, guard) = house.live("live.mkv");
    let feed = house
        .open(&source, AudioCodec::Ac3, (0, Join::Before))
        .await;
    drop(source);
    assert_eq!(Arc::strong_count(&guard), 2);
    let mut feed = feed.unwrap().unwrap();
    rest(&mut feed).await;
    assert_eq!(Arc::strong_count(&guard), 2);
    drop(feed);
    assert_eq!(Arc::strong_count(&guard), 1);
    // What is made anew each time has nothing that could be kept.
    assert!(house.outlines.get(&Key::new(&part())).is_none());
}

#[tokio::test]
async fn what_breaks_off_is_the_servers_and_what_is_no_stream_is_told() {
    let house = House::new();
    house.film("film.mkv", "ac3");
    house.film("film.mp4", "ac3");
    house.pipe("film.mkv", "live.mkv", "", "");
    let made = |most| Answer::Made {
        chunk_bytes: 5_000,
        first_after: Duration::from_millis(300),
        most,
    };
    house.server.answer(made(100_000));
    let (source, _guard) = house.live("live.mkv");
    let begun = Instant::now();
    let feed = house
        .open(&source, AudioCodec::Ac3, (0, Join::Before))
        .await;
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let mut feed = feed.unwrap().unwrap();
    let mut given = 0;
    let error = loop {
        match feed.sample().await {
            Ok(sample) => given += sample.map_or_else(|| panic!("no end"), |_| 1),
            Err(error) => break error,
        }
    };
    assert!(given > 50, "{given}");
    assert_eq!(error.failure(), Failure::Connection);
    // Before it is ready, and in the middle of its head.
    for most in [50, 2_000] {
        house.server.answer(made(most));
        let feed = house
            .open(&source, AudioCodec::Ac3, (0, Join::Before))
            .await;
        assert_eq!(feed.unwrap_err().failure(), Failure::Connection);
    }
    house.server.answer(made(u64::MAX));
    let (source, _guard) = house.live("film.mp4");
    let refused = house
        .open(&source, AudioCodec::Ac3, (0, Join::Before))
        .await;
    let words = refused.unwrap_err().to_string();
    assert!(
        words.contains("cannot be played while it is made"),
        "{words}"
    );
}

/// A GET; the status.
fn ask(standin: &Standin, path: &str) -> String {
    let url = standin.url();
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let token = standin.token();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Plex-Token: {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn what_the_stand_in_converts_is_played_from_where_it_was_asked_for() {
    let house = House::new();
    house.film("film.mkv", "dca -strict -2 -x264-params open-gop=0");
    let titled = house.path("With Dts (2001).mkv");
    std::fs::rename(house.path("film.mkv"), titled).unwrap();
    let standin = Standin::start(Library::from_folder(house.folder.path()));
    let listed = ask(&standin, "/library/sections/1/all?type=1");
    let key = listed.split("ratingKey=\"").nth(1).unwrap();
    let key = key.split('"').next().unwrap();
    for (name, container, keeps) in [
        ("start.mkv", "matroska", 0),
        ("start.mkv", "matroska", 1),
        ("start.ts", "mpegts", 0),
    ] {
        let session = format!("{container}-{keeps}");
        let query = format!(
            "?path=%2Flibrary%2Fmetadata%2F{key}&mediaIndex=0&partIndex=0&session={session}\
             &X-Plex-Session-Identifier={session}&X-Plex-Client-Identifier=box\
             &X-Plex-Platform=Generic&directPlay=0&directStream=1&directStreamAudio=1&protocol=http\
             &offset=5&copyts={keeps}&X-Plex-Client-Profile-Extra=add-transcode-target(type%3D\
             videoProfile%26context%3Dstreaming%26protocol%3Dhttp%26container%3D{container}\
             %26videoCodec%3Dh264%26audioCodec%3Dac3)"
        );
        let path = "/video/:/transcode/universal/";
        let decided = ask(&standin, &format!("{path}decision{query}"));
        assert!(decided.contains("1001"), "{decided}");
        let source = Source::Live {
            url: format!("{}{path}{name}{query}", standin.url()),
            headers: vec![("X-Plex-Token".to_owned(), standin.token())],
            begins_ms: 5_000,
            times: if keeps == 1 {
                Times::Kept
            } else {
                Times::Counted
            },
            form: Form::Whole,
            guard: Arc::new(()),
        };
        let place = (5 * SECOND, Join::Before);
        let feed = house.open(&source, AudioCodec::Ac3, place).await;
        let mut feed = feed.unwrap().unwrap();
        // Its pictures are copied from the fourth second on; only times that are kept say so.
        let begins_90k = SECOND * if keeps == 1 { 4 } else { 5 };
        let late_ms = (feed.begins_90k() - begins_90k) / 90;
        assert!((0..=150).contains(&late_ms), "{session}: {late_ms} ms");
        let (seen, heard) = rest(&mut feed).await;
        assert_eq!(seen.len(), 200, "{session}");
        let last_90k = seen.iter().map(|one| one.pts_90k).max().unwrap();
        let length_ms = (last_90k - feed.begins_90k()) / 90;
        assert!((7_950..=7_970).contains(&length_ms), "{length_ms}");
        // Its sound is made, from the fifth second on, in frames of 32 ms.
        assert!((218..=220).contains(&heard.len()), "{}", heard.len());
        assert!(heard[0].data.starts_with(&[0x0B, 0x77]));
    }
}
