//! Channels of a Plex library on air, from a stand-in: what a tune asks the server for, and what a
//! viewer sees while the server fails in each of its ways.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss
)]

#[path = "support/plex/mod.rs"]
mod plex;
#[path = "plex_air/segments.rs"]
mod segments;
#[path = "support/mod.rs"]
mod support;
mod ts_judge;

use exstreamtv::catalog::Librarian;
use exstreamtv::clock::{Clock, SharedClock, TokioClock};
use exstreamtv::model::{ChannelNumber, NewChannel, Order};
use exstreamtv::playout::ORIGIN_90K;
use exstreamtv::plex::{Class as Trouble, Secret, Servers};
use exstreamtv::resolver::Resolver;
use exstreamtv::schedule::{Lineup, Wishes};
use exstreamtv::store::Store;
use exstreamtv::tuner::{Lease, Tuners, Want};
use plex::{Class, Library, Settings, Standin};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::{EPOCH_MS, lateness, long_clip};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// A box with one channel, which loops over the films of a stand-in.
struct House {
    _state: tempfile::TempDir,
    _lineup_tx: watch::Sender<Arc<Lineup>>,
    servers: Arc<Servers>,
    tuners: Tuners,
    standin: Standin,
    clock: Arc<TokioClock>,
}

impl House {
    /// On the films of a folder, behind a server of this version.
    async fn new(folder: &Path, version: &str) -> Self {
        let settings = Settings {
            version: version.to_owned(),
            ..Settings::default()
        };
        let standin = Standin::start_with(Library::from_folder(folder), settings);
        let state = tempfile::tempdir().unwrap();
        let servers = Arc::new(Servers::open(state.path(), "Test").unwrap());
        let token = Secret::new(&standin.token());
        servers.link_server(&standin.url(), &token).await.unwrap();
        let store = Store::open(state.path()).await.unwrap();
        let librarian = Librarian::open(store).await.unwrap();
        let librarian = librarian.reaching(Arc::clone(&servers));
        let machine = standin.machine();
        librarian
            .add_section((&machine, "Films"), None)
            .await
            .unwrap();
        librarian
            .sync(EPOCH_MS, |_, _| ())
            .await
            .unwrap()
            .remove(0)
            .1
            .unwrap();
        let items = librarian
            .catalog()
            .borrow()
            .items()
            .iter()
            .map(|item| item.id)
            .collect();
        let channel = NewChannel {
            number: number(),
            name: "Films".to_owned(),
            epoch_ms: EPOCH_MS,
            order: Order::Listed,
            items,
        };
        librarian.add_channels(vec![channel]).await.unwrap();
        let catalog = Arc::clone(&librarian.catalog().borrow());
        let lineup = Arc::new(Lineup::build(catalog, &Wishes::default()));
        let schedule = lineup.schedule(number()).unwrap();
        assert!(schedule.left_out().is_empty(), "{:?}", schedule.left_out());
        let (lineup_tx, lineup_rx) = watch::channel(lineup);
        let clock = Arc::new(TokioClock::starting_at(EPOCH_MS + 5_000));
        let shared: SharedClock = Arc::<TokioClock>::clone(&clock);
        let tuners =
            Tuners::new(4, lineup_rx, shared).resolving(Resolver::reaching(Arc::clone(&servers)));
        standin.reset_counts();
        Self {
            _state: state,
            _lineup_tx: lineup_tx,
            servers,
            tuners,
            standin,
            clock,
        }
    }

    async fn tune(&self) -> Lease {
        let peer = "127.0.0.1:1000".parse().unwrap();
        self.tuners.lease(number(), Want::Any, peer).await.unwrap()
    }

    fn asked(&self, class: Class) -> u64 {
        self.standin.counts().of(class)
    }
}

fn number() -> ChannelNumber {
    "7".parse().unwrap()
}

/// What a viewer has seen.
struct Seen {
    stream: Vec<u8>,
    longest: Duration,
    /// What the tuner said was wrong, each once.
    troubles: Vec<String>,
}

/// Watches what is converted, two titles of it at least, and leaves: nothing may be wrong, and no
/// conversion goes on for nobody.
async fn watch_conversions(house: &House, mut lease: Lease, time: Duration) -> Seen {
    let seen = watch_for(house, &mut lease, time).await;
    println!(
        "{} conversions, silence of {} ms, {:?}",
        house.standin.started_conversions(),
        seen.longest.as_millis(),
        seen.troubles
    );
    assert!(seen.troubles.is_empty(), "{:?}", seen.troubles);
    assert!(seen.longest < seconds(0.5));
    assert!(house.standin.started_conversions() >= 2);
    drop(lease);
    let begun = Instant::now();
    while house.standin.live_conversions() > 0 {
        assert!(
            begun.elapsed() < seconds(10.0),
            "a conversion goes on for nobody"
        );
        tokio::time::sleep(seconds(0.05)).await;
    }
    seen
}

/// Takes what comes for so long.
async fn watch_for(house: &House, lease: &mut Lease, length: Duration) -> Seen {
    let end = Instant::now() + length;
    let mut seen = Seen {
        stream: Vec::new(),
        longest: Duration::ZERO,
        troubles: Vec::new(),
    };
    let mut last = Instant::now();
    while let Ok(packets) = timeout_at(end, lease.next()).await {
        seen.longest = seen.longest.max(last.elapsed());
        last = Instant::now();
        seen.stream.extend_from_slice(&packets);
        for tuner in house.tuners.status() {
            let trouble = tuner.viewer.and_then(|viewer| viewer.trouble);
            if let Some(trouble) = trouble.filter(|trouble| !seen.troubles.contains(trouble)) {
                seen.troubles.push(trouble);
            }
        }
    }
    seen
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A folder with one film of 80 s.
fn film() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = tempfile::tempdir().unwrap();
    let clip = long_clip(made.path(), 80, 8_000);
    std::fs::create_dir(folder.path().join("Films")).unwrap();
    let extension = Path::new(&clip.part.path)
        .extension()
        .unwrap()
        .to_str()
        .unwrap();
    let name = format!("Films/A Film (2001).{extension}");
    std::fs::copy(&clip.part.path, folder.path().join(name)).unwrap();
    folder
}

/// A server that gives parts without being asked before, and one that does not.
const OLD: &str = "1.41.3.9314-a0bfb8370";
const NEW: &str = "1.43.2.10687-563d026ea";

#[tokio::test(flavor = "multi_thread")]
async fn a_tune_asks_an_old_server_for_nothing_but_the_file() {
    let folder = film();
    let house = House::new(folder.path(), OLD).await;
    for round in 0..2 {
        house.standin.reset_counts();
        let mut lease = house.tune().await;
        lease.next().await;
        println!("round {round}: {:?}", house.standin.counts());
        assert_eq!(house.asked(Class::Metadata), 0);
        assert_eq!(house.asked(Class::Decision), 0);
        // The second time its tables are read piece by piece, which is few bytes.
        let most = if round == 0 { 6 } else { 9 };
        assert!(house.standin.counts().requests() <= most);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_server_is_asked_once_for_each_playback() {
    let folder = film();
    let house = House::new(folder.path(), NEW).await;
    house
        .standin
        .faults(|faults| faults.require_decision = true);
    for round in 0..3 {
        house.standin.reset_counts();
        let mut lease = house.tune().await;
        lease.next().await;
        println!("round {round}: {:?}", house.standin.counts());
        assert_eq!(house.asked(Class::Metadata), u64::from(round == 0));
        assert_eq!(house.asked(Class::Decision), 1);
        // The second time its tables are read piece by piece, which is few bytes.
        let most = if round == 0 { 6 } else { 9 };
        assert!(house.standin.counts().requests() <= most);
        assert!(
            house.tuners.status()[0]
                .viewer
                .as_ref()
                .unwrap()
                .trouble
                .is_none()
        );
    }
    // A token is a header, and never part of an address.
    let token = house.standin.token();
    for asked in house.standin.log() {
        assert!(!asked.target.contains(&token), "{}", asked.target);
    }
}

/// The key of the first film of a folder's library.
const KEY: u64 = 101;

/// What happens, how long, and what the owner is told.
struct Scene {
    name: &'static str,
    fault: fn(&Standin),
    seconds: f64,
    /// Requests that it may cost.
    requests: u64,
    /// What is said of the server while it lasts.
    standing: Option<Trouble>,
    /// Its item is left alone for minutes.
    left_alone: bool,
}

/// Each fault begins while a viewer watches, and ends again.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_over_each_fault_of_its_server() {
    let folder = film();
    let scenes = [
        Scene {
            name: "parts refused with 401",
            fault: |standin| standin.faults(|faults| faults.unauthorized = true),
            seconds: 12.0,
            requests: 12,
            standing: Some(Trouble::Auth),
            left_alone: false,
        },
        Scene {
            name: "part gone",
            fault: |standin| standin.faults(|faults| faults.part_status = Some(404)),
            seconds: 12.0,
            requests: 12,
            standing: None,
            left_alone: true,
        },
        Scene {
            name: "parts refused with 503",
            fault: |standin| standin.faults(|faults| faults.part_status = Some(503)),
            seconds: 12.0,
            requests: 30,
            standing: None,
            left_alone: false,
        },
        Scene {
            name: "maintenance",
            fault: |standin| standin.faults(|faults| faults.maintenance = true),
            seconds: 12.0,
            requests: 30,
            standing: Some(Trouble::Starting),
            left_alone: false,
        },
        Scene {
            name: "a web page",
            fault: |standin| standin.faults(|faults| faults.html = true),
            seconds: 12.0,
            requests: 30,
            standing: None,
            left_alone: false,
        },
        Scene {
            name: "the server is restarted",
            fault: Standin::go_down,
            seconds: 8.0,
            requests: 0,
            standing: Some(Trouble::Unreachable),
            left_alone: false,
        },
        Scene {
            name: "another server at its address",
            fault: |standin| {
                standin.faults(|faults| {
                    faults.wrong_machine = true;
                    faults.part_status = Some(404);
                });
            },
            seconds: 8.0,
            requests: 12,
            standing: Some(Trouble::WrongServer),
            left_alone: false,
        },
        Scene {
            name: "the file is replaced",
            fault: |standin| standin.library(|library| library.replace_file(KEY)),
            seconds: 8.0,
            requests: 30,
            standing: None,
            left_alone: false,
        },
        Scene {
            name: "a trickle",
            fault: |standin| standin.faults(|faults| faults.part_bytes_per_second = Some(50_000)),
            seconds: 12.0,
            requests: 20,
            standing: None,
            left_alone: false,
        },
        Scene {
            name: "nothing is sent",
            fault: |standin| standin.faults(|faults| faults.paused = true),
            seconds: 12.0,
            requests: 30,
            standing: None,
            left_alone: false,
        },
    ];
    // All of them first: what it takes to make one must not disturb the others.
    let mut houses = Vec::new();
    for _ in &scenes {
        houses.push(House::new(folder.path(), NEW).await);
    }
    let mut scenes = houses.into_iter().zip(scenes).peekable();
    // As many at once as a small machine plays without a stutter.
    while scenes.peek().is_some() {
        let few = scenes.by_ref().take(4);
        let running: Vec<_> = few
            .map(|(house, scene)| tokio::spawn(play(house, scene)))
            .collect();
        for scene in running {
            scene.await.unwrap();
        }
    }
}

async fn play(house: House, scene: Scene) {
    let Scene { name, .. } = scene;
    let mut lease = house.tune().await;
    let before = watch_for(&house, &mut lease, seconds(3.0)).await;
    assert!(before.troubles.is_empty(), "{name}: {:?}", before.troubles);
    house.standin.reset_counts();
    (scene.fault)(&house.standin);
    house.standin.cut();
    let during = watch_for(&house, &mut lease, seconds(scene.seconds)).await;
    let asked = house.standin.counts().requests();
    let standing = house.servers.standings().remove(0).trouble;
    house.standin.heal();
    house.standin.come_up();
    if standing
        .as_ref()
        .is_some_and(|trouble| trouble.class == Trouble::Auth)
    {
        let token = Secret::new(&house.standin.token());
        house
            .servers
            .link_server(&house.standin.url(), &token)
            .await
            .unwrap();
    }
    let after = watch_for(&house, &mut lease, seconds(14.0)).await;
    println!(
        "{name}: {asked} requests, silence of {} ms, {:?}, {:?}",
        during.longest.max(after.longest).as_millis(),
        during.troubles,
        standing.as_ref().map(|trouble| trouble.class)
    );
    assert!(during.longest.max(after.longest) < seconds(0.5), "{name}");
    assert!(!during.troubles.is_empty(), "{name}: nothing was said");
    assert!(asked <= scene.requests, "{name}: {asked} requests");
    assert_eq!(
        standing.map(|trouble| trouble.class),
        scene.standing,
        "{name}"
    );
    let whole = [before.stream, during.stream, after.stream].concat();
    // Others still watch.
    let judging = tokio::task::spawn_blocking(move || ts_judge::judge(&whole).assert_clean());
    judging.await.unwrap();
    let viewer = house.tuners.status().remove(0).viewer.unwrap();
    assert_eq!(viewer.trouble.is_some(), scene.left_alone, "{name}");
}

/// Makes a clip of 12 s whose picture is `video` and whose sound is `sound`.
fn clip(path: &Path, hue: u32, video: &[&str], sound: &[&str]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let picture = format!("testsrc2=size=320x180:rate=25:duration=12,hue=h={hue}");
    let done = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &picture])
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=500:duration=12:sample_rate=48000",
        ])
        .args(["-pix_fmt", "yuv420p", "-g", "25", "-ac", "2"])
        .args(video)
        .args(sound)
        .arg(path)
        .status()
        .unwrap();
    assert!(done.success());
}

/// What no channel carries is converted by its server: sound alone where that will do.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_carried_is_converted_and_nobody_notices() {
    let folder = tempfile::tempdir().unwrap();
    let h264 = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2"];
    let film = |name: &str| folder.path().join("Films").join(name);
    clip(&film("A Plain (2001).mp4"), 0, &h264, &["-c:a", "aac"]);
    clip(
        &film("B Surround (2002).mkv"),
        90,
        &h264,
        &["-c:a", "dca", "-strict", "-2"],
    );
    clip(
        &film("C Old (2003).avi"),
        180,
        &["-c:v", "mpeg4", "-q:v", "3"],
        &["-c:a", "libmp3lame"],
    );
    clip(&film("D Plain (2004).mkv"), 270, &h264, &["-c:a", "aac"]);
    let house = House::new(folder.path(), NEW).await;
    house
        .standin
        .faults(|faults| faults.require_decision = true);
    let lease = house.tune().await;
    let seen = watch_conversions(&house, lease, seconds(50.0)).await;
    let judging = tokio::task::spawn_blocking(move || {
        ts_judge::judge(&seen.stream).assert_clean();
        support::pictures_of(&seen.stream)
    });
    let pictures = judging.await.unwrap();
    // The pictures of what was not made anew are those of the files.
    let kept = ["B Surround (2002).mkv", "D Plain (2004).mkv"];
    for name in kept {
        let own = support::pictures(&film(name));
        let found = own
            .iter()
            .filter(|picture| pictures.contains(picture))
            .count();
        println!("{name}: {found} of {} pictures", own.len());
        assert!(found + 3 >= own.len(), "{name}: {found} of {}", own.len());
    }
    // Twelve seconds were made anew.
    println!("{} pictures in all", pictures.len());
    assert!(pictures.len() > 48 * 25);
}

/// A server that does not convert, or fails at it, is asked in each form and then left alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_is_refused_ends_in_the_slate_and_costs_few_requests() {
    let folder = tempfile::tempdir().unwrap();
    let h264 = ["-c:v", "libx264", "-preset", "veryfast"];
    let film = |name: &str| folder.path().join("Films").join(name);
    clip(
        &film("A Plain (2001).mkv"),
        0,
        &h264,
        &["-c:a", "aac", "-t", "6"],
    );
    clip(
        &film("B Surround (2002).mkv"),
        90,
        &h264,
        &["-c:a", "dca", "-strict", "-2"],
    );
    type Turn = fn(&mut plex::Faults);
    let faults: [(&str, Turn); 3] = [
        ("refused", |faults| faults.decision_code = Some(2_000)),
        ("fails to start", |faults| faults.start_status = Some(400)),
        ("has too much to do", |faults| faults.transcode_limit = 0),
    ];
    let mut running = Vec::new();
    for (name, fault) in faults {
        let house = House::new(folder.path(), NEW).await;
        running.push(tokio::spawn(async move {
            house.standin.faults(fault);
            let mut lease = house.tune().await;
            house.standin.reset_counts();
            let seen = watch_for(&house, &mut lease, seconds(12.0)).await;
            let asked = house.standin.counts();
            println!(
                "{name}: {asked:?}, silence of {} ms, {:?}",
                seen.longest.as_millis(),
                seen.troubles
            );
            assert!(seen.longest < seconds(0.5), "{name}");
            assert!(!seen.troubles.is_empty(), "{name}: nothing was said");
            let tries = asked.of(Class::Decision) + asked.of(Class::Transcode);
            assert!(tries <= 14, "{name}: {asked:?}");
            assert_eq!(house.standin.live_conversions(), 0, "{name}");
            assert_eq!(house.servers.standings()[0].trouble, None, "{name}");
        }));
    }
    for scene in running {
        scene.await.unwrap();
    }
}

/// A conversion that is joined in its middle shows each picture when the guide says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_is_joined_at_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Films/A Surround (2002).mkv");
    // A key frame every four seconds, so that the offset lies between two.
    let coded = [
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-g",
        "100",
        "-keyint_min",
        "100",
    ];
    clip(
        &file,
        0,
        &coded,
        &["-c:a", "dca", "-strict", "-2", "-sc_threshold", "0"],
    );
    let house = House::new(folder.path(), NEW).await;
    let tuned_ms = house.clock.epoch_ms();
    let mut lease = house.tune().await;
    let took_ms = house.clock.epoch_ms() - tuned_ms;
    // With the lead that is nearly to the end of the film, which is shown again then.
    let seen = watch_for(&house, &mut lease, seconds(0.7)).await;
    assert!(seen.troubles.is_empty(), "{:?}", seen.troubles);
    assert!(house.standin.started_conversions() > 0);
    let zero_90k = ORIGIN_90K - (tuned_ms - EPOCH_MS) * 90;
    let judging = tokio::task::spawn_blocking(move || lateness(&seen.stream, &file, zero_90k));
    let late: Vec<i64> = judging
        .await
        .unwrap()
        .iter()
        .map(|(_, late)| *late)
        .collect();
    let (least, most) = (late.iter().min().unwrap(), late.iter().max().unwrap());
    println!(
        "{} pictures, {least} to {most} ms late; tuned in {took_ms} ms",
        late.len()
    );
    assert!(late.len() > 100, "{}", late.len());
    // What the tuning took is not known to the millisecond.
    assert!(
        *least >= -100 - took_ms && *most <= 100 + took_ms,
        "{least} to {most}"
    );
}
