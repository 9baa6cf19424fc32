//! What plays is what the guide says.

use super::among_others;
use super::clip;
use super::demo::{Demo, now_ms, sleep_until_ms, text};
use super::guide::{self, Programme, programmes};
use super::viewer::Viewer;
use std::time::Duration;

const CHANNEL: &str = "1984";

/// A programme is not looked at this close to its beginning or end: the guide counts whole seconds.
const MARGIN_MS: i64 = 1_500;

/// How far times may be rounded on their way: to milliseconds, and to whole frames.
const ROUNDED_MS: f64 = 50.0;

/// Waits for a moment in the middle of a programme, and gives the guide from that programme on.
fn in_mid_programme(demo: &Demo) -> Vec<Programme> {
    loop {
        let mut guide = programmes(demo, CHANNEL);
        let now_ms = now_ms();
        let on = guide.iter().position(|programme| programme.is_on(now_ms));
        guide.drain(..on.expect("the guide says what is on now"));
        let (start_ms, stop_ms) = (guide[0].start_ms, guide[0].stop_ms);
        if now_ms < start_ms + MARGIN_MS {
            sleep_until_ms(start_ms + MARGIN_MS);
        } else if now_ms >= stop_ms - MARGIN_MS {
            sleep_until_ms(stop_ms + MARGIN_MS);
        } else {
            return guide;
        }
    }
}

/// Tunes in the middle of a programme and holds every picture against the guide.
fn look(demo: &Demo) {
    let told = in_mid_programme(demo);
    let programme = &told[0];
    let asked_ms = now_ms();
    let mut viewer = Viewer::tune(demo.stream(), CHANNEL);
    let tuned_ms = now_ms();
    // The API counts milliseconds: there is nothing to be rounded in what it says.
    let on = &demo.channel(CHANNEL)["now"];
    viewer.watch(Duration::from_secs(1));

    assert_eq!(on["title"], programme.title.as_str());
    let start_ms = on["start_ms"].as_i64().unwrap();
    let rounded_ms = programme.start_ms - start_ms;
    assert!((0..1_000).contains(&rounded_ms), "{rounded_ms} ms");

    let own = clip::pictures(&programme.clip());
    let seen = clip::prints(&viewer.bytes);
    let first = seen.first().expect("a second of stream has a picture");
    let at = own.iter().position(|picture| picture.print == *first);
    let at = at.unwrap_or_else(|| panic!("the first picture is none of {programme:?}"));

    let keys = clip::key_frames(&programme.clip());
    let key = keys.iter().position(|picture| picture.print == *first);
    let key = key.expect("the first picture is a key frame");
    let end = own.last().unwrap().at_ms;
    let next_ms = keys.get(key + 1).map_or(end, |picture| picture.at_ms);
    let distance_ms = next_ms - own[at].at_ms + ROUNDED_MS;

    let offset_ms = |since_ms: i64| (tuned_ms - since_ms) as f64 - own[at].at_ms;
    let (by_guide_ms, exactly_ms) = (offset_ms(programme.start_ms), offset_ms(start_ms));
    let took_ms = (tuned_ms - asked_ms) as f64;
    println!(
        "{}: joined at its picture of {:.0} ms, which the guide has {by_guide_ms:.0} ms earlier \
         and the schedule {exactly_ms:.0} ms; tuned in {took_ms} ms",
        programme.title, own[at].at_ms
    );
    assert!(by_guide_ms.abs() <= distance_ms + took_ms);
    assert!((-ROUNDED_MS..=distance_ms + took_ms).contains(&exactly_ms));

    guide::assert_shown(&told, &viewer.bytes);
}

#[test]
fn what_plays_is_what_the_guide_says() {
    let _shared = among_others();
    let state = tempfile::tempdir().unwrap();
    let arguments = ["--state", text(state.path())];
    let demo = Demo::start(&arguments);
    for _ in 0..3 {
        let next_ms = now_ms() + 10_000;
        look(&demo);
        sleep_until_ms(next_ms);
    }

    // The plug is not pulled, but nobody waits for the programme's end either.
    let before = in_mid_programme(&demo);
    let mut viewer = Viewer::tune(demo.stream(), CHANNEL);
    assert!(viewer.sees_packets());
    demo.stop();
    viewer.rest();

    let demo = Demo::start(&arguments);
    let after = programmes(&demo, CHANNEL);
    let same = after.iter().position(|programme| *programme == before[0]);
    let same = same.expect("what was on is still in the guide");
    assert_eq!(after[same..][..100], before[..100], "the schedule moved");
    look(&demo);
    demo.stop();
}
