//! What carrying costs: CPU time per gigabyte from a file to packets, as fast as it goes, beside
//! ffmpeg, in turns. `scripts/bench` runs it; methods and figures are in `docs/benchmarks.md`.

mod house;

use exstreamtv::demux::{Demuxer, Pull, RECOGNISE_BYTES, recognise};
use exstreamtv::fetch::Reader;
use exstreamtv::media::{AudioCodec, AudioProfile, Profile, TrackKind, VideoCodec};
use exstreamtv::remux::{Pictures, Remuxer, Segment, Service, Sound};
use house::Outcome;
use house::film::{Film, Picture, film};
use house::report::{Report, median};
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Turns of the box and its peer.
const TURNS: usize = 5;

const PROFILE: Profile = Profile {
    video: VideoCodec::H264,
    audio: AudioProfile {
        codec: AudioCodec::Aac,
        sample_rate: 48_000,
        channels: 2,
    },
};

fn main() -> Outcome<()> {
    // As a process of its own, since what a process has taken is told for all of it.
    if let [_, how, path] = std::env::args().collect::<Vec<_>>().as_slice()
        && how == CARRY
    {
        return carry(path);
    }
    house::run(&[("unpaced", beside_ffmpeg)])
}

/// The argument with which this program carries one film and ends.
const CARRY: &str = "--carry";

fn beside_ffmpeg(report: &mut Report) -> Outcome<()> {
    for extension in ["mp4", "mkv"] {
        let film = film(Picture::Loud, 20, extension)?;
        let gigabytes = film.bytes()? as f64 / 1e9;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let mut command = Command::new(std::env::current_exe()?);
            ours.push(cpu_of(command.arg(CARRY).arg(&film.path))?.as_secs_f64() / gigabytes);
            theirs.push(cpu_of(&mut copying(&film))?.as_secs_f64() / gigabytes);
        }
        let (our, their) = (median(&ours), median(&theirs));
        report.say(format_args!(
            "{extension}: the box {our:.3} s/GB, ffmpeg {their:.3} s/GB"
        ))?;
        report.keep(
            extension,
            json!({ "box_s_per_gb": ours, "ffmpeg_s_per_gb": theirs }),
        );
        let what = format!("CPU per GB beside ffmpeg, {extension}");
        report.limit(&what, our / their, 1.0, "x")?;
    }
    Ok(())
}

fn copying(film: &Film) -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-nostdin", "-y", "-i"])
        .arg(&film.path);
    command.args(["-map", "0", "-c", "copy", "-f", "mpegts", "/dev/null"]);
    command
}

/// User and system time of a program, from start to end.
fn cpu_of(command: &mut Command) -> Outcome<Duration> {
    let before = children_cpu()?;
    let status = command.stdin(Stdio::null()).status()?;
    if !status.success() {
        return Err("it failed".into());
    }
    Ok(children_cpu()?.saturating_sub(before))
}

/// User and system time of all children that have ended: the fields 16 and 17 of proc(5)'s `stat`.
fn children_cpu() -> Outcome<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit(')').next().unwrap_or_default();
    let mut ticks = 0;
    for field in fields.split_whitespace().skip(13).take(2) {
        ticks += field.parse::<u64>()?;
    }
    Ok(Duration::from_millis(ticks * 10))
}

/// Takes a film apart and makes a stream of it, which goes nowhere.
fn carry(path: &str) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut reader = Reader::open(path.as_ref()).await?;
        let container = recognise(&reader.read(0, RECOGNISE_BYTES).await?)?;
        let mut demuxer = Demuxer::new(container, reader.len());
        let mut remuxer = Remuxer::new(
            &PROFILE,
            &Service {
                name: "One".to_owned(),
                language: "und".to_owned(),
            },
        )?;
        let mut sent = 0;
        loop {
            match demuxer.pull()? {
                Pull::Need(span) => {
                    let bytes = reader.read(span.offset, span.len).await?;
                    demuxer.push(span.offset, bytes)?;
                }
                Pull::Ready => remuxer.begin(begin(&mut demuxer)?),
                Pull::Sample(sample) => {
                    remuxer.push(sample)?;
                    while let Some(chunk) = remuxer.pull() {
                        sent += chunk.bytes.len() as u64;
                    }
                }
                Pull::End => break,
            }
        }
        if sent > reader.len() {
            Ok(())
        } else {
            Err("the stream is too short".into())
        }
    })
}

/// Starts the film with its pictures and its sound.
fn begin(demuxer: &mut Demuxer) -> Outcome<Segment> {
    let movie = demuxer.movie().ok_or("no film")?;
    let found = |wanted: fn(&TrackKind) -> bool| {
        movie
            .tracks
            .iter()
            .find(|track| wanted(&track.track.kind))
            .ok_or("no such track")
    };
    let video = found(|kind| matches!(kind, TrackKind::Video(_)))?;
    let audio = found(|kind| matches!(kind, TrackKind::Audio(_)))?;
    let segment = Segment {
        zero_90k: 900_000,
        end_90k: i64::MAX,
        video: video.track.id,
        pictures: Pictures::new(PROFILE.video, &video.config)?,
        audio: Some((
            audio.track.id,
            Sound::new(PROFILE.audio.codec, &audio.config)?,
        )),
    };
    let (video, audio) = (video.track.id, audio.track.id);
    demuxer.start(video, Some(audio), 0)?;
    Ok(segment)
}
