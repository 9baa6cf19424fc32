//! The judge on trial: good streams of every kind pass it, and so they pass the second opinion.

#[cfg(test)]
mod ts_fault;
mod ts_judge;

use ts_fault::{AAC, H264, Recipe, Stream, good};
use ts_judge::{Arrival, Rule, judge, judge_live, second_opinion};

const HEVC: &[&str] = &[
    "-c:v",
    "libx265",
    "-preset",
    "veryfast",
    "-g",
    "30",
    "-x265-params",
    "log-level=error",
];

fn clean(recipe: &Recipe<'_>) -> ts_judge::Facts {
    let bytes = Stream::make(recipe).bytes();
    let verdict = judge(&bytes);
    verdict.assert_clean();
    assert_eq!(second_opinion(&bytes), Vec::<String>::new());
    verdict.facts
}

#[test]
fn good_h264_with_aac_passes_and_its_facts_are_counted() {
    let verdict = judge(&good().bytes());
    verdict.assert_clean();
    let facts = verdict.facts;
    assert_eq!(facts.video.access_units, 180);
    assert_eq!(facts.video.random_access_points, 6);
    let audio = facts.audio.expect("audio");
    // Six seconds and the encoder's run-in, in frames of 1024 samples.
    assert_eq!((audio.frames, audio.samples), (283, 283 * 1024));
    assert_eq!(audio.sample_rate, 48_000);
    assert!((5.9..6.0).contains(&facts.seconds), "{facts:?}");
    assert!(
        facts.pcr_interval_ms < 33.4 && facts.pat_interval_ms < 110.0,
        "{facts:?}"
    );
    assert_eq!(facts.discontinuities, 0);
}

#[test]
fn good_h264_with_ac3_at_a_constant_rate_passes() {
    let facts = clean(&Recipe {
        seconds: 4,
        rate: "30000/1001",
        video: H264,
        audio: &["-c:a", "ac3", "-ac", "6", "-b:a", "224k"],
        mux: &["-muxrate", "1200k"],
    });
    assert_eq!(facts.audio.map(|audio| audio.stream_type), Some(0x81));
    assert!((0.1..0.9).contains(&facts.null_share), "{facts:?}");
}

#[test]
fn good_hevc_with_eac3_passes() {
    let audio = &["-c:a", "eac3", "-ac", "2", "-b:a", "96k"];
    let facts = clean(&Recipe {
        seconds: 4,
        rate: "50",
        video: HEVC,
        audio,
        mux: &[],
    });
    assert_eq!(facts.video.stream_type, 0x24);
    assert_eq!(
        facts.audio.map(|audio| (audio.stream_type, audio.frames)),
        Some((0x87, 125))
    );
}

#[test]
fn good_hevc_with_open_groups_passes() {
    let video = &[
        "-c:v",
        "libx265",
        "-preset",
        "veryfast",
        "-x265-params",
        "log-level=error:open-gop=1:keyint=25:min-keyint=25:scenecut=0:bframes=3",
    ];
    let facts = clean(&Recipe {
        seconds: 4,
        rate: "25",
        video,
        audio: AAC,
        mux: &[],
    });
    assert_eq!(facts.video.random_access_points, 4);
}

#[test]
fn good_mpeg2_with_layer_two_passes() {
    let video = &["-c:v", "mpeg2video", "-g", "15", "-bf", "2"];
    let audio = &["-c:a", "mp2", "-ac", "2", "-b:a", "128k"];
    let facts = clean(&Recipe {
        seconds: 4,
        rate: "25",
        video,
        audio,
        mux: &[],
    });
    assert_eq!(
        (facts.video.stream_type, facts.video.access_units),
        (0x02, 100)
    );
}

#[test]
fn good_layer_three_passes() {
    let audio = &[
        "-c:a",
        "libmp3lame",
        "-ac",
        "2",
        "-ar",
        "44100",
        "-b:a",
        "128k",
    ];
    let facts = clean(&Recipe {
        seconds: 4,
        rate: "25",
        video: H264,
        audio,
        mux: &[],
    });
    assert_eq!(facts.audio.map(|audio| audio.sample_rate), Some(44_100));
}

#[test]
fn good_interlaced_h264_passes() {
    let video = &[
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-g",
        "25",
        "-flags",
        "+ildct+ilme",
        "-x264-params",
        "tff=1",
    ];
    clean(&Recipe {
        seconds: 4,
        rate: "25",
        video,
        audio: AAC,
        mux: &[],
    });
}

#[test]
fn the_wrap_of_the_clock_is_no_fault() {
    // 2^33 ticks are 95443.7 s.
    let mux = &["-output_ts_offset", "95440"];
    let facts = clean(&Recipe {
        seconds: 6,
        rate: "30",
        video: H264,
        audio: AAC,
        mux,
    });
    assert!(facts.video.pts_90k.1 > 1 << 33, "{facts:?}");
}

/// Arrivals of a stream of constant rate: a burst at once, then this speed, 64 kB at a time.
fn arrivals(bytes: usize, seconds: f64, burst_s: f64, speed: f64) -> Vec<Arrival> {
    let ends = (1..)
        .map(|chunk| chunk * 21_808)
        .take_while(|&end| end <= bytes);
    ends.map(|end| {
        let media_s = seconds * end as f64 / bytes as f64;
        Arrival {
            end,
            at_ms: (media_s - burst_s).max(0.0) / speed * 1000.0,
        }
    })
    .collect()
}

#[test]
fn the_speed_after_the_burst_is_measured() {
    let recipe = Recipe {
        seconds: 30,
        rate: "30",
        video: H264,
        audio: AAC,
        mux: &["-muxrate", "1200k"],
    };
    let bytes = Stream::make(&recipe).bytes();
    let arrived = |speed| judge_live(&bytes, &arrivals(bytes.len(), 30.0, 5.5, speed));
    let verdict = arrived(1.0);
    verdict.assert_clean();
    let pace = verdict.facts.pace.expect("a pace");
    assert!((5.0..6.0).contains(&pace.burst_s), "{pace:?}");
    assert!((5.0..6.0).contains(&pace.lead_s), "{pace:?}");
    assert!((pace.speed - 1.0).abs() < 0.002, "{pace:?}");
    for speed in [0.99, 1.01, 50.0] {
        let verdict = arrived(speed);
        assert_eq!(verdict.rules(), [Rule::Speed], "at {speed}: {verdict}");
    }
}

/// `TS_FILE=capture.ts cargo test --test judge -- --ignored --nocapture`
#[test]
#[ignore = "judges the capture that TS_FILE names"]
fn a_capture_is_clean() {
    let path = std::env::var_os("TS_FILE").expect("TS_FILE names a capture");
    let bytes = std::fs::read(path).expect("the capture");
    let verdict = judge(ts_judge::whole_packets(&bytes));
    let others = second_opinion(&bytes);
    println!("{verdict}\n  second opinion: {others:#?}");
    assert!(verdict.problems.is_empty() && others.is_empty());
}
