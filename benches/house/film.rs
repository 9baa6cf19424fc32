//! Films of any length: one coded minute, repeated. Made once, below `target/tmp/bench`.

use super::Outcome;
use exstreamtv::demux::{Demuxer, Pull, RECOGNISE_BYTES, recognise};
use exstreamtv::fetch::Reader;
use exstreamtv::model::Part;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a film is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picture {
    /// 8 Mb/s: 1280x720 of noise, AAC.
    Loud,
    /// As little as it takes, but as many pictures and as much sound: only its index is large.
    Quiet,
}

/// A film in the folder that the source serves.
#[derive(Debug, Clone)]
pub(crate) struct Film {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) minutes: u32,
}

/// Where films lie.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench")
}

/// A film of so many minutes.
pub(crate) fn film(picture: Picture, minutes: u32, extension: &str) -> Outcome<Film> {
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    let kind = match picture {
        Picture::Loud => "film",
        Picture::Quiet => "quiet",
    };
    let name = format!("{kind}-{minutes}.{extension}");
    let path = folder.join(&name);
    if !path.exists() {
        let minute = minute(picture, &folder)?;
        let times = minutes.saturating_sub(1).to_string();
        let mut command = Command::new("ffmpeg");
        command.args(["-stream_loop", &times, "-i"]).arg(minute);
        command.args(["-c", "copy"]);
        if extension == "front.mp4" {
            // Its index comes first.
            command.args(["-movflags", "+faststart"]);
        }
        make(&mut command, &path)?;
    }
    Ok(Film {
        name,
        path,
        minutes,
    })
}

/// The minute that films repeat.
fn minute(picture: Picture, folder: &Path) -> Outcome<PathBuf> {
    let (name, pictures, coded) = match picture {
        Picture::Loud => (
            "loud-minute.mp4",
            "testsrc2=s=1280x720:r=24000/1001,noise=alls=40:allf=t",
            "-b:v 8M -maxrate 8M -bufsize 8M -c:a aac -b:a 192k",
        ),
        Picture::Quiet => (
            "quiet-minute.mp4",
            "testsrc2=s=160x90:r=24000/1001",
            "-c:a aac -b:a 48k",
        ),
    };
    let path = folder.join(name);
    if !path.exists() {
        let mut command = Command::new("ffmpeg");
        command.args(["-f", "lavfi", "-i", pictures]);
        command.args(["-f", "lavfi", "-i", "sine=f=440:r=48000"]);
        command.args("-t 60 -c:v libx264 -preset ultrafast -g 48 -bf 2 -ac 2".split(' '));
        make(command.args(coded.split(' ')), &path)?;
    }
    Ok(path)
}

/// Makes a file that is either whole or not there.
fn make(command: &mut Command, path: &Path) -> Outcome<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let half = path.with_file_name(format!("half-{name}"));
    let status = command.args(["-v", "error", "-y"]).arg(&half).status()?;
    if !status.success() {
        return Err("ffmpeg could not make the film".into());
    }
    Ok(std::fs::rename(half, path)?)
}

impl Film {
    pub(crate) fn bytes(&self) -> Outcome<u64> {
        Ok(std::fs::metadata(&self.path)?.len())
    }

    /// Its facts as a library has them, with the place at which the box is to find it.
    pub(crate) fn part(&self, place: String) -> Outcome<Part> {
        Ok(Part {
            duration_ms: Some(u64::from(self.minutes) * 60_000),
            ..part(&self.path, place)?
        })
    }
}

/// The facts of a file as a library has them, with the place at which the box is to find it.
pub(crate) fn part(file: &Path, place: String) -> Outcome<Part> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut reader = Reader::open(file).await?;
        let container = recognise(&reader.read(0, RECOGNISE_BYTES).await?)?;
        let mut demuxer = Demuxer::new(container, reader.len());
        while let Pull::Need(span) = demuxer.pull()? {
            let bytes = reader.read(span.offset, span.len).await?;
            demuxer.push(span.offset, bytes)?;
        }
        let movie = demuxer.movie().cloned().ok_or("no film")?;
        Ok(Part {
            path: place,
            size_bytes: reader.len(),
            changed_ms: 0,
            container: Some(container),
            duration_ms: Some(u64::try_from((movie.duration_90k + 89) / 90)?),
            tracks: movie.tracks.into_iter().map(|track| track.track).collect(),
            problem: None,
        })
    })
}
