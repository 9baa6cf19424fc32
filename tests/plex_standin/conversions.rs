//! The transcoder: judged by ffprobe, which reads what comes out.

use crate::client::{Reply, container, get, rows, send, titled};
use crate::decisions::{Viewer, target};
use crate::plex::{Library, Standin};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const COPY: &str = "&directPlay=0&directStream=1&directStreamAudio=1&protocol=http";

/// Twelve seconds of film with DTS, and the same as people had it in 2004.
fn library() -> (tempfile::TempDir, Library) {
    let folder = tempfile::tempdir().unwrap();
    let clip = |name: &str, codecs: &[&str]| {
        let made = Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=320x180:rate=25",
            ])
            .args(["-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "12"])
            .args(codecs)
            .arg(folder.path().join(name))
            .status()
            .unwrap();
        assert!(made.success());
    };
    let h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"];
    let dts = ["-pix_fmt", "yuv420p", "-c:a", "dca", "-strict", "-2"];
    clip("With Dts (2001).mkv", &[h264.as_slice(), &dts].concat());
    let old = ["-c:v", "mpeg4", "-g", "25", "-c:a", "libmp3lame"];
    clip("With Avi (2004).avi", &old);
    let library = Library::from_folder(folder.path());
    (folder, library)
}

/// What ffprobe says about the streams: codec, and the time of each one's first packet.
fn probed(bytes: &[u8]) -> Vec<(String, f64)> {
    let mut probe = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "stream=codec_name,start_time",
        ])
        .args(["-of", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = probe.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    // It may have read enough before all is written.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
    let told = probe.wait_with_output().unwrap();
    writer.join().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let streams = told["streams"].as_array().unwrap().iter();
    let said = streams.map(|stream| {
        let start = stream["start_time"].as_str().unwrap_or("0").parse();
        (
            stream["codec_name"].as_str().unwrap().to_owned(),
            start.unwrap(),
        )
    });
    said.collect()
}

fn codecs(bytes: &[u8]) -> Vec<String> {
    probed(bytes).into_iter().map(|(codec, _)| codec).collect()
}

/// Seconds of the picture.
fn length(bytes: &[u8], from: &str) -> f64 {
    let file = tempfile::Builder::new().suffix(from).tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let told = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-count_packets"])
        .args(["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"])
        .arg(file.path())
        .output()
        .unwrap();
    let count = String::from_utf8(told.stdout).unwrap();
    // A transport stream's are told twice, by its program too.
    let count = count.split(['\n', ',']).next().unwrap();
    let count: f64 = count.parse().unwrap();
    count / 25.0
}

/// Waits for something that another thread does.
fn soon(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < Duration::from_secs(10), "not within 10 s");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn dts_becomes_ac3_and_the_picture_is_copied() {
    let (_folder, library) = library();
    let standin = Standin::start(library);
    let row = titled(&standin, 1, 1, "With Dts");
    assert_eq!(row["Media"][0]["audioCodec"], "dca");
    for (session, name, container, kind) in [
        ("a", "start.mkv", "matroska", "video/x-matroska"),
        ("b", "start.ts", "mpegts", "video/mp2t"),
    ] {
        let viewer = Viewer {
            standin: &standin,
            session,
        };
        let profile = target("http", container, "ac3");
        let told = viewer.decide(&row, &profile, COPY);
        let streams = &told["Metadata"][0]["Media"][0]["Part"][0]["Stream"];
        assert_eq!(streams[0]["decision"], "copy");
        assert_eq!(streams[1]["decision"], "transcode");
        assert_eq!(streams[1]["codec"], "ac3");
        let reply = viewer.start(name, &row, &profile, COPY);
        assert_eq!(reply.header("content-type"), Some(kind));
        let bytes = reply.body().unwrap();
        assert_eq!(codecs(&bytes), ["h264", "ac3"]);
        let seconds = length(&bytes, container);
        assert!((11.9..12.1).contains(&seconds), "{seconds}");
    }
    soon(|| standin.live_conversions() == 0);
    assert_eq!(standin.started_conversions(), 2);
}

#[test]
fn an_avi_becomes_a_stream_that_begins_at_the_offset() {
    let (_folder, library) = library();
    let standin = Standin::start(library);
    let row = titled(&standin, 1, 1, "With Avi");
    assert_eq!(row["Media"][0]["container"], "avi");
    let viewer = Viewer {
        standin: &standin,
        session: "a",
    };
    let profile = target("http", "matroska", "aac");
    let more = format!("{COPY}&offset=8&copyts=0");
    let told = viewer.decide(&row, &profile, &more);
    assert_eq!(told["Metadata"][0]["Media"][0]["videoCodec"], "h264");
    let bytes = viewer.start("start.mkv", &row, &profile, &more).body();
    let bytes = bytes.unwrap();
    // A live Matroska: the segment's size is unknown.
    let segment = bytes.windows(4).position(|w| w == [0x18, 0x53, 0x80, 0x67]);
    let size = &bytes[segment.unwrap() + 4..][..8];
    assert_eq!(size, [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let cues = bytes.windows(4).any(|w| w == [0x1c, 0x53, 0xbb, 0x6b]);
    assert!(!cues, "a live stream has no index");
    assert_eq!(codecs(&bytes), ["h264", "aac"]);
    let seconds = length(&bytes, ".mkv");
    assert!((3.9..4.1).contains(&seconds), "{seconds}");
    assert!(probed(&bytes).iter().all(|(_, start)| *start < 0.3));
}

/// A conversion that would run for long, of which little was read.
fn begin(viewer: &Viewer<'_>, row: &Value) -> Reply {
    let profile = target("http", "matroska", "ac3");
    viewer.decide(row, &profile, COPY);
    let mut reply = viewer.start("start.mkv", row, &profile, COPY);
    assert_eq!(reply.status, 200);
    assert!(reply.chunk().unwrap().is_some());
    reply
}

/// A film that fills every buffer on the way: an hour, at 4 Mb/s.
fn long_library() -> (tempfile::TempDir, Library) {
    let folder = tempfile::tempdir().unwrap();
    let short = folder.path().join("short.mkv");
    let run = |arguments: &[&str]| {
        let all = ["-v", "error"].iter().chain(arguments);
        assert!(Command::new("ffmpeg").args(all).status().unwrap().success());
    };
    let noise = "nullsrc=size=320x180:rate=25,geq=random(1)*255:128:128";
    let tone = "sine=sample_rate=48000";
    let short = short.to_str().unwrap();
    let inputs = [
        "-f", "lavfi", "-i", noise, "-f", "lavfi", "-i", tone, "-t", "2",
    ];
    let codecs = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-b:v",
        "6M",
        "-g",
        "25",
    ];
    let sound = ["-pix_fmt", "yuv420p", "-c:a", "dca", "-strict", "-2", short];
    run(&[inputs.as_slice(), &codecs, &sound].concat());
    let long = folder.path().join("Long (2010).mkv");
    run(&[
        "-stream_loop",
        "60",
        "-i",
        short,
        "-map",
        "0",
        "-c",
        "copy",
        long.to_str().unwrap(),
    ]);
    std::fs::remove_file(short).unwrap();
    let library = Library::from_folder(folder.path());
    (folder, library)
}

/// Converters that read a file of this folder.
fn converters(folder: &tempfile::TempDir) -> usize {
    let wanted = folder.path().to_str().unwrap().as_bytes().to_vec();
    let all = std::fs::read_dir("/proc").unwrap();
    let lines = all.filter_map(|process| std::fs::read(process.ok()?.path().join("cmdline")).ok());
    let is_meant = |line: &Vec<u8>| {
        line.starts_with(b"ffmpeg") && line.windows(wanted.len()).any(|part| part == wanted)
    };
    lines.filter(is_meant).count()
}

#[test]
fn a_conversion_ends_when_it_is_stopped_left_or_taken_over() {
    let (folder, library) = long_library();
    let standin = Standin::start(library);
    let row = titled(&standin, 1, 1, "Long");
    let viewer = |session| Viewer {
        standin: &standin,
        session,
    };
    // Left.
    let reply = begin(&viewer("left"), &row);
    assert_eq!((standin.live_conversions(), converters(&folder)), (1, 1));
    let seen = container(&standin, "/transcode/sessions")["TranscodeSession"].take();
    assert_eq!(seen[0]["key"], "left");
    assert_eq!(seen[0]["videoDecision"], "copy");
    assert_eq!(seen[0]["sourceAudioCodec"], "dca");
    assert_eq!(rows(&standin, "/status/sessions").len(), 1);
    drop(reply);
    soon(|| standin.live_conversions() == 0 && converters(&folder) == 0);
    // Stopped.
    let reply = begin(&viewer("stopped"), &row);
    let path = "/video/:/transcode/universal/stop?session=stopped";
    assert_eq!(get(&standin, path).status, 200);
    assert!(reply.body().is_err(), "the answer breaks off");
    soon(|| converters(&folder) == 0);
    // Taken over.
    let first = begin(&viewer("taken"), &row);
    let second = begin(&viewer("taken"), &row);
    assert!(first.body().is_err(), "one reader per session");
    soon(|| converters(&folder) == 1);
    assert_eq!(standin.live_conversions(), 1);
    drop(second);
    soon(|| standin.live_conversions() == 0 && converters(&folder) == 0);
    // Into segments, where no pipe breaks: stopped by its other name.
    let segments = viewer("segments");
    let profile = target("hls", "mpegts", "aac");
    let more = COPY.replace("http", "hls");
    segments.decide(&row, &profile, &more);
    let started = segments.start("start.m3u8", &row, &profile, &more);
    assert_eq!(started.status, 200);
    // A process has its name a moment after it has begun.
    soon(|| converters(&folder) == 1);
    let path = "/transcode/sessions/segments";
    let token = standin.token();
    let headers = [("X-Plex-Token", token.as_str())];
    assert_eq!(send("DELETE", &standin.url(), path, &headers).status, 200);
    soon(|| converters(&folder) == 0);
}

#[test]
fn conversions_are_limited_in_number() {
    let (_folder, library) = long_library();
    let standin = Standin::start(library);
    standin.faults(|faults| faults.transcode_limit = 1);
    let row = titled(&standin, 1, 1, "Long");
    let profile = target("http", "matroska", "ac3");
    let second = Viewer {
        standin: &standin,
        session: "second",
    };
    // Both may be decided as long as none runs.
    assert_eq!(
        second.decide(&row, &profile, COPY)["generalDecisionCode"],
        1001
    );
    let first = Viewer {
        standin: &standin,
        session: "first",
    };
    let running = begin(&first, &row);
    assert_eq!(second.start("start.mkv", &row, &profile, COPY).status, 503);
    let third = Viewer {
        standin: &standin,
        session: "third",
    };
    let told = third.decide(&row, &profile, COPY);
    assert_eq!(told["generalDecisionCode"], 2000);
    assert_eq!(told["transcodeDecisionCode"], 4000);
    drop(running);
    soon(|| standin.live_conversions() == 0);
    standin.faults(|faults| faults.start_status = Some(400));
    assert_eq!(second.start("start.mkv", &row, &profile, COPY).status, 400);
}

#[test]
fn a_dying_stand_in_takes_its_converters_with_it() {
    let (folder, library) = long_library();
    let standin = Standin::start(library);
    let row = titled(&standin, 1, 1, "Long");
    let viewer = Viewer {
        standin: &standin,
        session: "a",
    };
    let _reply = begin(&viewer, &row);
    assert_eq!(converters(&folder), 1);
    drop(standin);
    soon(|| converters(&folder) == 0);
}

#[test]
fn segments_are_waited_for_and_join_to_the_whole() {
    let (_folder, library) = library();
    let standin = Standin::start(library);
    let row = titled(&standin, 1, 1, "With Dts");
    let viewer = Viewer {
        standin: &standin,
        session: "a",
    };
    let profile = target("hls", "mpegts", "aac");
    let more = COPY.replace("http", "hls");
    viewer.decide(&row, &profile, &more);
    let master = viewer.start("start.m3u8", &row, &profile, &more).text();
    let index = master.lines().last().unwrap();
    assert_eq!(index, "session/a/base/index.m3u8");
    let base = "/video/:/transcode/universal/session/a/base";
    let playlist = get(&standin, &format!("{base}/index.m3u8")).text();
    assert!(playlist.ends_with("#EXT-X-ENDLIST\n"));
    let mut whole = Vec::new();
    for name in playlist.lines().filter(|line| !line.starts_with('#')) {
        let reply = get(&standin, &format!("{base}/{name}"));
        assert_eq!(reply.status, 200, "{name}");
        let segment = reply.body().unwrap();
        assert_eq!(segment[0], 0x47);
        whole.extend(segment);
    }
    assert_eq!(codecs(&whole), ["h264", "aac"]);
    let seconds = length(&whole, ".ts");
    assert!((11.9..12.1).contains(&seconds), "{seconds}");
    get(&standin, "/video/:/transcode/universal/stop?session=a");
    assert_eq!(get(&standin, &format!("{base}/00000.ts")).status, 404);
}
