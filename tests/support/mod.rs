//! What the tests of the stream share: a library made of files, a lineup of it, a viewer in
//! simulated time, and ffmpeg as the judge of pictures.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use exstreamtv::catalog::Catalog;
use exstreamtv::clock::{SharedClock, TokioClock};
use exstreamtv::demux::{Demuxer, Pull, RECOGNISE_BYTES, recognise};
use exstreamtv::media::{AudioCodec, AudioProfile, Profile, Track, VideoCodec};
use exstreamtv::model::{
    Channel, ChannelId, ChannelNumber, Library, LibraryId, MediaItem, MediaItemId, Order, Origin,
    Part,
};
use exstreamtv::schedule::{Fit, Lineup, Wishes, fit};
use exstreamtv::tuner::{Lease, Tuners, Want};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// The instant at which the channels' loops begin.
pub(crate) const EPOCH_MS: i64 = 1_700_000_000_000;

/// The folder of the clips that come with the program.
pub(crate) fn demo_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo")
}

/// Every file below a folder, in order of their paths.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    found
}

/// A media item of a file, probed by the project's own demuxers.
pub(crate) fn item(id: i64, path: &Path) -> MediaItem {
    let bytes = std::fs::read(path).unwrap();
    let container = recognise(&bytes[..RECOGNISE_BYTES.min(bytes.len())]).unwrap();
    let mut demuxer = Demuxer::new(container, bytes.len() as u64);
    while let Pull::Need(span) = demuxer.pull().unwrap() {
        let from = usize::try_from(span.offset).unwrap();
        let wanted = bytes[from..from + span.len].to_vec();
        demuxer.push(span.offset, wanted.into()).unwrap();
    }
    let movie = demuxer.movie().unwrap();
    let tracks: Vec<Track> = movie
        .tracks
        .iter()
        .map(|track| track.track.clone())
        .collect();
    MediaItem {
        rating_key: None,
        about: None,
        missing_ms: None,
        id: MediaItemId(id),
        library: LibraryId(1),
        title: path.file_stem().unwrap().to_string_lossy().into_owned(),
        year: None,
        episode: None,
        part: Part {
            path: path.to_str().unwrap().to_owned(),
            size_bytes: bytes.len() as u64,
            changed_ms: 0,
            container: Some(container),
            duration_ms: Some(u64::try_from((movie.duration_90k + 89) / 90).unwrap()),
            tracks: tracks.into(),
            problem: None,
        },
    }
}

/// All clips that come with the program.
pub(crate) fn demo_items() -> Vec<MediaItem> {
    let paths = files(&demo_folder());
    paths
        .iter()
        .enumerate()
        .map(|(at, path)| item(at as i64 + 1, path))
        .collect()
}

/// A profile with audio at 48 kHz.
pub(crate) fn profile(video: VideoCodec, audio: AudioCodec) -> Profile {
    Profile {
        video,
        audio: AudioProfile {
            codec: audio,
            sample_rate: 48_000,
            channels: 2,
        },
    }
}

/// The items that go on air under a profile as they are.
pub(crate) fn of_profile(items: &[MediaItem], profile: &Profile) -> Vec<MediaItem> {
    let direct =
        |item: &&MediaItem| matches!(fit(&item.part.tracks, profile, "eng"), Fit::Direct { .. });
    items.iter().filter(direct).cloned().collect()
}

/// A lineup of one channel, number 1, that shows these in order.
pub(crate) fn lineup(items: Vec<MediaItem>) -> Arc<Lineup> {
    let order = items.iter().map(|item| item.id).collect();
    listed(items, order)
}

/// A lineup of one channel, number 1, that shows some of these in any order.
pub(crate) fn listed(items: Vec<MediaItem>, order: Vec<MediaItemId>) -> Arc<Lineup> {
    let library = Library {
        id: LibraryId(1),
        name: "Test".to_owned(),
        origin: Origin::Folder {
            path: "/".to_owned(),
        },
    };
    let channel = Channel {
        id: ChannelId(1),
        number: number(),
        name: "One".to_owned(),
        epoch_ms: EPOCH_MS,
        order: Order::Listed,
        items: order,
    };
    let catalog = Catalog::new(vec![library], items, vec![channel]);
    Arc::new(Lineup::build(Arc::new(catalog), &Wishes::default()))
}

/// The number of `lineup`'s channel.
pub(crate) fn number() -> ChannelNumber {
    "1".parse().unwrap()
}

/// Tuners for the lineup, at `at_ms`. Needs a runtime whose time is paused.
pub(crate) fn tuners(lineup: &Arc<Lineup>, at_ms: i64) -> (Tuners, watch::Sender<Arc<Lineup>>) {
    let clock: SharedClock = Arc::new(TokioClock::starting_at(at_ms));
    let (lineup_tx, lineup_rx) = watch::channel(Arc::clone(lineup));
    (Tuners::new(16, lineup_rx, clock), lineup_tx)
}

/// A viewer of the lineup's channel.
pub(crate) async fn viewer(tuners: &Tuners) -> Lease {
    let peer = ([127, 0, 0, 1], 9).into();
    tuners.lease(number(), Want::Any, peer).await.unwrap()
}

/// What a viewer gets in the next `seconds`.
pub(crate) async fn stay(lease: &mut Lease, seconds: f64) -> Vec<u8> {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut stream = Vec::new();
    while let Ok(packets) = timeout_at(end, lease.next()).await {
        stream.extend_from_slice(&packets);
    }
    stream
}

/// A viewer of the lineup's channel, who tunes at `at_ms`. Needs a runtime whose time is paused.
pub(crate) async fn tune(lineup: &Arc<Lineup>, at_ms: i64) -> (Lease, watch::Sender<Arc<Lineup>>) {
    let (tuners, lineup_tx) = tuners(lineup, at_ms);
    (viewer(&tuners).await, lineup_tx)
}

/// What a viewer gets who tunes at `at_ms` and stays for `seconds`, in simulated time.
pub(crate) fn watch(lineup: &Arc<Lineup>, at_ms: i64, seconds: u64) -> Vec<u8> {
    simulated(async {
        let (mut lease, _lineup_tx) = tune(lineup, at_ms).await;
        stay(&mut lease, seconds as f64).await
    })
}

/// Runs on a runtime whose time goes by itself whenever there is nothing to do.
pub(crate) fn simulated<T>(task: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(task)
}

/// A fingerprint of every decoded picture of a file, in order shown. Each file is decoded once.
pub(crate) fn pictures(path: &Path) -> Vec<String> {
    static DECODED: Mutex<BTreeMap<PathBuf, Vec<String>>> = Mutex::new(BTreeMap::new());
    if let Some(known) = DECODED.lock().unwrap().get(path) {
        return known.clone();
    }
    let decoded = decode(path);
    DECODED
        .lock()
        .unwrap()
        .insert(path.to_owned(), decoded.clone());
    decoded
}

/// The pictures of all items that are on within a window, in the order of the guide.
pub(crate) fn scheduled_pictures(lineup: &Lineup, from_ms: i64, to_ms: i64) -> Vec<String> {
    let schedule = lineup.schedule(number()).unwrap();
    let airings = schedule.airings(from_ms, to_ms);
    let paths = airings.map(|one| PathBuf::from(&lineup.item(&one).unwrap().part.path));
    paths.flat_map(|path| pictures(&path)).collect()
}

/// The pictures of a viewer's stream. It broke off in the middle of a picture, so the last ones are
/// not looked at.
pub(crate) fn pictures_of(stream: &[u8]) -> Vec<String> {
    let mut seen = decode(keep(stream).path());
    seen.truncate(seen.len().saturating_sub(4));
    seen
}

fn decode(path: &Path) -> Vec<String> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args([
            "-map",
            "0:v:0",
            "-fps_mode",
            "passthrough",
            "-autoscale",
            "0",
        ])
        .args(["-pix_fmt", "yuv420p", "-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg is needed: scripts/test installs it");
    let text = String::from_utf8(out.stdout).unwrap();
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    frames
        .map(|line| line.rsplit(',').next().unwrap().trim().to_owned())
        .collect()
}

/// The sound of a file's first audio track as ffmpeg decodes it, mixed to one channel at 48 kHz.
pub(crate) fn sound(path: &Path) -> Vec<i16> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-ac", "1", "-f", "s16le", "-"])
        .output()
        .expect("ffmpeg is needed: scripts/test installs it");
    let (samples, _) = out.stdout.as_chunks();
    samples.iter().copied().map(i16::from_le_bytes).collect()
}

/// Keeps a stream as a file for ffmpeg.
pub(crate) fn keep(stream: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".ts").tempfile().unwrap();
    std::fs::write(file.path(), stream).unwrap();
    file
}

/// A decoded picture: when it is shown, and its fingerprint.
pub(crate) type Shown = (i64, String);

/// Every decoded picture of a file with its time, in 1/90000 s as the file has it.
pub(crate) fn timed_pictures(path: &Path) -> Vec<Shown> {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-copyts", "-i"])
        .arg(path)
        .args(["-map", "0:v:0", "-fps_mode", "passthrough"])
        .args(["-autoscale", "0", "-enc_time_base", "1:90000"])
        .args(["-pix_fmt", "yuv420p", "-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg is needed: scripts/test installs it");
    let text = String::from_utf8(out.stdout).unwrap();
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    let picture = |line: &str| {
        let mut columns = line.split(',').map(str::trim);
        let pts_90k = columns.nth(2).unwrap().parse().unwrap();
        (pts_90k, columns.next_back().unwrap().to_owned())
    };
    frames.map(picture).collect()
}

/// By how much each picture of an item is shown later than its schedule says, in milliseconds, with
/// the time of the stream at which it is. `zero_90k` is where the schedule has the item's first
/// picture on the stream's timeline.
pub(crate) fn lateness(stream: &[u8], item: &Path, zero_90k: i64) -> Vec<(i64, i64)> {
    static DECODED: Mutex<BTreeMap<PathBuf, Vec<Shown>>> = Mutex::new(BTreeMap::new());
    let known = DECODED.lock().unwrap().get(item).cloned();
    let own = known.unwrap_or_else(|| timed_pictures(item));
    DECODED.lock().unwrap().insert(item.to_owned(), own.clone());
    let first_90k = own[0].0;
    let own: BTreeMap<_, _> = own
        .into_iter()
        .map(|(pts, picture)| (picture, pts))
        .collect();
    let mut seen = timed_pictures(keep(stream).path());
    // The stream breaks off in the middle of a picture.
    seen.truncate(seen.len().saturating_sub(4));
    let late = |(pts_90k, picture): &Shown| {
        let scheduled_90k = zero_90k + own.get(picture)? - first_90k;
        Some((*pts_90k, (pts_90k - scheduled_90k) / 90))
    };
    seen.iter().filter_map(late).collect()
}

/// A clip of `seconds` whose pictures all differ, with a key frame every two seconds, at about
/// `kilobits` per second (0: as few as it takes).
pub(crate) fn long_clip(folder: &Path, seconds: u32, kilobits: u32) -> MediaItem {
    let file = folder.join(format!("{seconds}-{kilobits}.mp4"));
    let (picture, rate) = if kilobits == 0 {
        ("testsrc2=s=160x90:r=25".to_owned(), Vec::new())
    } else {
        let rate = format!("{kilobits}k");
        let noise = "testsrc2=s=640x360:r=25,noise=alls=60:allf=t".to_owned();
        (
            noise,
            vec![
                "-b:v".to_owned(),
                rate.clone(),
                "-maxrate".to_owned(),
                rate.clone(),
                "-bufsize".to_owned(),
                rate,
            ],
        )
    };
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture])
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine=r=48000",
            "-t",
            &seconds.to_string(),
        ])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"])
        .args(["-g", "50", "-keyint_min", "50", "-sc_threshold", "0"])
        .args(&rate)
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2"])
        .arg(&file)
        .status();
    let made = made.expect("ffmpeg is needed: scripts/test installs it");
    assert!(made.success());
    item(100, &file)
}
