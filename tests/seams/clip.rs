//! The clips that meet each other: one profile, and everything that may differ within it. ffmpeg
//! makes them at test time, once for each recipe; the files stay below `target`.
//!
//! Every clip has a size of its own, and the upper half of its pictures a grey of its own, so that
//! any decoder's pictures can be told apart. Its sound is noise, so that no two frames are alike.

use super::support;
use super::truth::Truth;
use exstreamtv::model::MediaItem;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a clip is made, and how long the schedule believes it to be.
pub(crate) struct Recipe {
    /// The file, and what is special about it.
    name: &'static str,
    /// Pictures per second, and a filter for them.
    rate: &'static str,
    filter: &'static str,
    /// Seconds of pictures and of sound.
    pictures_s: f64,
    sound_s: f64,
    /// Options of the encoders and of the container.
    options: &'static str,
    then: Then,
    slot: Slot,
}

/// What happens to the file that was encoded.
#[derive(Clone, Copy, Hash)]
enum Then {
    Keep,
    /// Cut off after this many thousandths of its bytes.
    CutOff(usize),
    /// Copied without encoding, with these options before and after the input.
    Copy(&'static str, &'static str),
}

/// What the schedule has for it.
#[derive(Clone, Copy)]
enum Slot {
    Probed,
    /// So many milliseconds more than it lasts, or less.
    Off(i64),
}

const fn recipe(name: &'static str, rate: &'static str, options: &'static str) -> Recipe {
    Recipe {
        name,
        rate,
        filter: "null",
        pictures_s: 2.0,
        sound_s: 2.0,
        options,
        then: Then::Keep,
        slot: Slot::Probed,
    }
}

impl Recipe {
    const fn lasting(self, pictures_s: f64) -> Self {
        self.sounding(pictures_s, pictures_s)
    }

    const fn sounding(self, pictures_s: f64, sound_s: f64) -> Self {
        Self {
            pictures_s,
            sound_s,
            ..self
        }
    }

    const fn through(self, filter: &'static str) -> Self {
        Self { filter, ..self }
    }

    const fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    const fn slot(self, off_ms: i64) -> Self {
        Self {
            slot: Slot::Off(off_ms),
            ..self
        }
    }
}

/// All clips.
pub(crate) const RECIPES: &[Recipe] = &[
    recipe("film.mp4", "24000/1001", "-g 24 -bf 3 -movflags +faststart").lasting(2.2),
    recipe("baseline.mp4", "24", "-g 12 -profile:v baseline"),
    recipe("main.mkv", "25", "-g 25 -bf 2 -profile:v main").lasting(2.4),
    recipe(
        "open.mp4",
        "30000/1001",
        "-bf 3 -x264-params open-gop=1:keyint=15:b-pyramid=normal:b-adapt=0",
    )
    .lasting(2.3),
    recipe(
        "open.mkv",
        "30",
        "-bf 2 -x264-params open-gop=1:keyint=20:b-adapt=0",
    ),
    recipe(
        "pieces.mp4",
        "50",
        "-g 25 -bf 2 -movflags +frag_keyframe+empty_moov+default_base_moof",
    )
    .lasting(1.8),
    recipe("fast.mkv", "60", "-g 60 -bf 3").lasting(1.6),
    recipe(
        "fields.mp4",
        "25",
        "-g 25 -bf 3 -flags +ilme+ildct -x264-params tff=1",
    ),
    recipe(
        "fields.mkv",
        "30000/1001",
        "-g 30 -bf 2 -flags +ilme+ildct -x264-params bff=1",
    )
    .lasting(2.1),
    recipe("uneven.mkv", "30", "-g 30 -bf 2 -fps_mode passthrough")
        .through("select=not(eq(mod(n\\,7)\\,3))"),
    recipe("uneven.mp4", "24", "-g 20 -bf 3 -fps_mode passthrough")
        .through("select=gt(mod(n\\,5)\\,1)"),
    recipe("short-sound.mp4", "25", "-g 25 -bf 2").sounding(2.6, 1.6),
    recipe("long-sound.mp4", "25", "-g 25 -bf 2").sounding(2.0, 2.6),
    recipe("long-sound.mkv", "24", "-g 24 -bf 3").sounding(2.0, 2.5),
    recipe("late-sound.mkv", "25", "-itsoffset 0.7 -g 25 -bf 2").sounding(2.4, 1.7),
    recipe("late-sound.mp4", "30", "-itsoffset 0.4 -g 30 -bf 3").sounding(2.0, 1.6),
    recipe("early-sound.mp4", "25", "-itsoffset -0.3 -g 25 -bf 2").sounding(2.0, 2.3),
    recipe(
        "broken.mp4",
        "25",
        "-g 12 -bf 3 -movflags +frag_keyframe+empty_moov+default_base_moof",
    )
    .lasting(3.0)
    .then(Then::CutOff(730)),
    recipe("broken.mkv", "24000/1001", "-g 24 -bf 3")
        .lasting(3.0)
        .then(Then::CutOff(700)),
    recipe("open-end.mp4", "25", "-g 50 -bf 3 -x264-params b-adapt=0")
        .lasting(3.0)
        .then(Then::Copy("", "-t 1.63")),
    recipe("slot-short.mp4", "24", "-g 24 -bf 3")
        .lasting(2.8)
        .slot(-890),
    recipe("slot-hole.mp4", "30000/1001", "-g 30 -bf 2")
        .lasting(1.7)
        .slot(150),
    recipe("slot-long.mkv", "25", "-g 25 -bf 0")
        .lasting(1.6)
        .slot(1_230),
    recipe("ac3.mkv", "25", "-g 25 -bf 2 -c:a ac3 -b:a 96k"),
    recipe("mute.mp4", "50", "-g 50 -bf 1 -an").lasting(1.5),
    recipe(
        "delimited.mp4",
        "25",
        "-g 25 -bf 2 -maxrate 90k -bufsize 90k -b:v 90k -x264-params aud=1:nal-hrd=cbr:filler=1",
    ),
    // Its edit list begins in the middle of a group of pictures.
    recipe("edited.mp4", "25", "-g 25 -bf 2")
        .lasting(3.0)
        .then(Then::Copy("-ss 0.52", "")),
];

/// A clip, ready to be shown.
pub(crate) struct Clip {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) item: MediaItem,
    is_cut_off: bool,
}

impl Clip {
    /// What it holds.
    pub(crate) fn truth(&self) -> Truth {
        if self.is_cut_off {
            Truth::of_cut_off(&self.path)
        } else {
            Truth::of(&self.path)
        }
    }
}

/// Makes a clip, or finds it made.
pub(crate) fn clip(at: usize, recipe: &Recipe) -> Clip {
    let path = made(at, recipe);
    let mut item = support::item(at as i64 + 1, &path);
    if let Slot::Off(off_ms) = recipe.slot {
        let lasts_ms = item.part.duration_ms.unwrap();
        item.part.duration_ms = lasts_ms.checked_add_signed(off_ms);
    }
    Clip {
        name: recipe.name,
        path,
        item,
        is_cut_off: matches!(recipe.then, Then::CutOff(_)),
    }
}

/// All clips, in the order of their recipes.
pub(crate) fn clips() -> Vec<Clip> {
    let numbered = RECIPES.iter().enumerate();
    numbered.map(|(at, recipe)| clip(at, recipe)).collect()
}

/// A clip broken off at so many places, from a third of it on; the files are in `folder`. A clip in
/// fragments is not broken off inside their tables, which ffprobe does not read either.
pub(crate) fn broken_off(whole: &Clip, places: usize, folder: &Path) -> Vec<Clip> {
    let bytes = std::fs::read(&whole.path).unwrap();
    let kept = (0..places).map(|place| bytes.len() / 3 + bytes.len() * 2 / 3 * place / places);
    let kept =
        kept.filter(|kept| !whole.name.ends_with(".mp4") || box_of(&bytes, *kept) == b"mdat");
    let broken = kept.map(|kept| {
        let path = folder.join(format!("{kept}-{}", whole.name));
        std::fs::write(&path, &bytes[..kept]).unwrap();
        Clip {
            name: whole.name,
            item: support::item(whole.item.id.0 * 1_000_000 + kept as i64, &path),
            path,
            is_cut_off: true,
        }
    });
    broken.collect()
}

/// The kind of the MP4 box in which a byte of the file lies.
fn box_of(mut file: &[u8], mut place: usize) -> &[u8] {
    loop {
        let bytes = u32::from_be_bytes(*file.first_chunk().unwrap());
        let bytes = usize::try_from(bytes).unwrap();
        if bytes > place {
            return &file[4..8];
        }
        place -= bytes;
        file = &file[bytes..];
    }
}

/// Width and height of a clip's pictures; no two clips have the same.
pub(crate) fn size(at: usize) -> (usize, usize) {
    (64 + 8 * at, [48, 64, 96][at % 3])
}

fn made(at: usize, recipe: &Recipe) -> PathBuf {
    let words = encoding(at, recipe);
    let mut key = DefaultHasher::new();
    (&words, recipe.then).hash(&mut key);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seams");
    let path = folder.join(format!("{:016x}-{}", key.finish(), recipe.name));
    if path.exists() {
        return path;
    }
    std::fs::create_dir_all(&folder).unwrap();
    // Whoever else makes the same clip at the same time moves the same file to the same place.
    let own = tempfile::tempdir_in(&folder).unwrap();
    let encoded = own.path().join(recipe.name);
    ffmpeg(words.iter().map(String::as_str), &encoded);
    let ready = match recipe.then {
        Then::Keep => encoded,
        Then::CutOff(thousandths) => {
            let bytes = std::fs::read(&encoded).unwrap();
            std::fs::write(&encoded, &bytes[..bytes.len() * thousandths / 1000]).unwrap();
            encoded
        }
        Then::Copy(before, after) => {
            let copy = own.path().join(format!("copy-{}", recipe.name));
            let input = ["-i", encoded.to_str().unwrap(), "-c", "copy"];
            let words = before.split_whitespace().chain(input);
            ffmpeg(words.chain(after.split_whitespace()), &copy);
            copy
        }
    };
    std::fs::rename(ready, &path).unwrap();
    path
}

/// ffmpeg's arguments, the output aside.
fn encoding(at: usize, recipe: &Recipe) -> Vec<String> {
    let (width, height) = size(at);
    let (grey, seed) = (24 + 8 * at, at + 1);
    let picture = format!(
        "color=s={width}x{height}:r={},geq=lum='if(lt(Y,H/2),{grey},16+mod(X*3+Y*5+N*7,200))'\
         :cb=128:cr=128,{}",
        recipe.rate, recipe.filter
    );
    let sound = format!("anoisesrc=seed={seed}:r=48000:a=0.3");
    // An offset belongs before its input; the sound is the second one.
    let mut options: Vec<&str> = recipe.options.split_whitespace().collect();
    let offset = if options.first() == Some(&"-itsoffset") {
        options.drain(..2).collect()
    } else {
        Vec::new()
    };
    let (pictures_s, sound_s) = (recipe.pictures_s.to_string(), recipe.sound_s.to_string());
    let mut words = vec!["-t", &pictures_s, "-f", "lavfi", "-i", &picture];
    words.extend(offset);
    words.extend(["-t", &sound_s, "-f", "lavfi", "-i", &sound]);
    words.extend(["-map", "0:v", "-map", "1:a", "-pix_fmt", "yuv420p"]);
    words.extend(["-c:v", "libx264", "-preset", "veryfast", "-threads", "1"]);
    words.extend(["-c:a", "aac", "-ac", "2", "-b:a", "40k"]);
    words.extend(options);
    words.into_iter().map(str::to_owned).collect()
}

fn ffmpeg<'a>(words: impl Iterator<Item = &'a str>, to: &Path) {
    let words: Vec<&str> = words.collect();
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(&words)
        .arg(to)
        .output()
        .expect("ffmpeg is needed: scripts/test installs it");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{words:?}: {said}");
}
