//! The clips that the channels show, and how their pictures are known again in a stream.

use super::house::{Outcome, film};
use super::ts_judge;
use exstreamtv::model::{Episode, NewItem};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the clips are like: seconds, container, size, pictures per second, B pictures.
const RECIPES: [(u32, &str, &str, &str, u32); 12] = [
    (10, "mp4", "320x180", "25", 2),
    (15, "mkv", "352x288", "24000/1001", 3),
    (20, "mp4", "320x180", "30", 0),
    (25, "mkv", "426x240", "25", 2),
    (30, "mp4", "320x240", "30000/1001", 2),
    (40, "mkv", "320x180", "24", 0),
    (45, "mp4", "426x240", "50", 3),
    (60, "mkv", "320x180", "25", 2),
    (75, "mp4", "352x288", "24000/1001", 2),
    (90, "mkv", "320x180", "60", 1),
    (120, "mp4", "320x180", "25", 2),
    (180, "mkv", "426x240", "24", 3),
];

/// All clips of the channels.
pub(crate) struct Clips {
    pub(crate) clips: Vec<Clip>,
    /// The ends of pictures, with the clip and the time in it, in milliseconds. Ends that several
    /// pictures have are not among them.
    known: HashMap<Vec<u8>, Option<(usize, f64)>>,
}

pub(crate) struct Clip {
    pub(crate) item: NewItem,
    pub(crate) duration_ms: i64,
}

/// Where the clips lie.
pub(crate) fn folder() -> PathBuf {
    film::folder().join("endurance")
}

impl Clips {
    /// Makes what is missing, and reads them; `url` says where the box is to find a file.
    pub(crate) fn make(url: impl Fn(&str) -> String) -> Outcome<Self> {
        std::fs::create_dir_all(folder())?;
        let mut all = Self {
            clips: Vec::new(),
            known: HashMap::new(),
        };
        for (at, recipe) in RECIPES.into_iter().enumerate() {
            let file = folder().join(format!("clip-{}.{}", recipe.0, recipe.1));
            if !file.exists() {
                make(recipe, &file)?;
            }
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let part = film::part(&file, url(&name))?;
            let duration_ms = i64::try_from(part.duration_ms.unwrap_or(0))?;
            let episode = Episode {
                show: "Endurance".to_owned(),
                season: 1,
                number: u16::try_from(at)? + 1,
            };
            let item = NewItem {
                rating_key: None,
                about: None,
                title: format!("{} Seconds", recipe.0),
                year: None,
                episode: Some(episode),
                part,
            };
            all.clips.push(Clip { item, duration_ms });
            all.know(at, &file)?;
        }
        Ok(all)
    }

    /// Reads a clip's pictures out of what ffmpeg copies of it.
    fn know(&mut self, at: usize, file: &Path) -> Outcome<()> {
        let copied = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(file)
            .args(["-map", "0:v", "-c", "copy", "-f", "mpegts", "-"])
            .output()?;
        let pictures = ts_judge::pictures(&copied.stdout);
        let first_90k = pictures.iter().map(|one| one.pts_90k).min();
        let first_90k = first_90k.ok_or("a clip without pictures")?;
        for picture in pictures {
            let time_ms = (picture.pts_90k - first_90k) as f64 / 90.0;
            self.known
                .entry(picture.tail)
                .and_modify(|one| *one = None)
                .or_insert(Some((at, time_ms)));
        }
        Ok(())
    }

    /// Which clip a picture is of, and where in it.
    pub(crate) fn find(&self, tail: &[u8]) -> Option<(usize, f64)> {
        *self.known.get(tail)?
    }
}

fn make(
    (seconds, _, size, rate, reordered): (u32, &str, &str, &str, u32),
    file: &Path,
) -> Outcome<()> {
    // Another hue for each, so that no two clips have a picture in common.
    let picture = format!("testsrc2=s={size}:r={rate},hue=h={seconds},noise=alls=12:allf=t");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture])
        .args(["-f", "lavfi", "-i", "sine=f=440:r=48000"])
        .args([
            "-t",
            &seconds.to_string(),
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
        ])
        .args(["-b:v", "400k", "-maxrate", "500k", "-bufsize", "500k"])
        .args([
            "-bf",
            &reordered.to_string(),
            "-force_key_frames",
            "expr:gte(t,n_forced*2)",
        ])
        .args([
            "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-ac", "2",
        ])
        .arg(file)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("ffmpeg could not make a clip".into())
    }
}
