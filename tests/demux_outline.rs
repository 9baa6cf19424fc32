//! What is known of a file is kept: a demuxer that goes on from an outline gives just what a fresh
//! one gives, wherever it is started, and asks for nothing but tables and media.

#[path = "support/film.rs"]
mod film;

use bytes::Bytes;
use exstreamtv::demux::{Demuxer, Outline, Pull, RECOGNISE_BYTES, Span, likely_index, recognise};
use exstreamtv::limits;
use exstreamtv::media::{Sample, TrackId};
use film::Minute;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Samples that are compared at each place: more than any window of a table tells.
const SAMPLES: usize = 2_500;

/// Places, in thousandths of the film.
const PLACES: [i64; 7] = [500, 0, 731, 732, 100, 999, 1_000];

/// A demuxer with its film, and what it has asked for.
struct Reading {
    demuxer: Demuxer,
    file: File,
    asked: Vec<Span>,
}

impl Reading {
    fn fresh(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        let mut head = [0; RECOGNISE_BYTES];
        file.read_exact_at(&mut head, 0).unwrap();
        let bytes = file.metadata().unwrap().len();
        let demuxer = Demuxer::for_air(recognise(&head).unwrap(), bytes);
        let mut reading = Self {
            demuxer,
            file,
            asked: Vec::new(),
        };
        assert_eq!(reading.pull(), Pull::Ready);
        reading
    }

    fn resumed(path: &Path, outline: &Outline) -> Self {
        Self {
            demuxer: Demuxer::resume(outline),
            file: File::open(path).unwrap(),
            asked: Vec::new(),
        }
    }

    fn pull(&mut self) -> Pull {
        loop {
            let span = match self.demuxer.pull().unwrap() {
                Pull::Need(span) => span,
                other => return other,
            };
            let mut answer = vec![0; span.len];
            self.file.read_exact_at(&mut answer, span.offset).unwrap();
            self.asked.push(span);
            self.demuxer.push(span.offset, Bytes::from(answer)).unwrap();
        }
    }

    fn tracks(&self) -> (TrackId, Option<TrackId>) {
        let movie = self.demuxer.movie().unwrap();
        let tracks = || movie.tracks.iter().map(|track| &track.track);
        let video = tracks().find(|track| track.video().is_some()).unwrap().id;
        let audio = tracks().find(|track| track.audio().is_some());
        (video, audio.map(|track| track.id))
    }

    fn start(&mut self, place: i64) {
        let (video, audio) = self.tracks();
        let time_90k = self.demuxer.movie().unwrap().duration_90k / 1000 * place;
        self.demuxer.start(video, audio, time_90k).unwrap();
        self.asked.clear();
    }

    fn play(&mut self, place: i64, most: usize) -> Vec<Sample> {
        self.start(place);
        let mut samples = Vec::new();
        while samples.len() < most {
            match self.pull() {
                Pull::Sample(sample) => samples.push(sample),
                Pull::End => break,
                other => panic!("{other:?}"),
            }
        }
        samples
    }

    fn learn(&mut self) {
        let (video, audio) = self.tracks();
        let tracks: Vec<_> = std::iter::once(video).chain(audio).collect();
        self.demuxer.learn(&tracks);
        assert_eq!(self.pull(), Pull::Ready);
    }

    fn outline(&self) -> Outline {
        self.demuxer.outline().unwrap()
    }
}

/// Two hours, in every container.
fn films(folder: &Path) -> Vec<PathBuf> {
    let minute = Minute::new(folder, "64x36", "-crf 50 -b:a 24k");
    let film = |name, how| minute.film(120, name, how);
    let fragments = "-movflags frag_keyframe+empty_moov";
    vec![
        film("front.mp4", "-movflags +faststart"),
        film("behind.mp4", ""),
        film("silent.mp4", "-an"),
        film("fragments.mp4", fragments),
        film("film.mkv", ""),
        film("no_cues.mkv", "-live 1"),
        film("film.ts", ""),
    ]
}

#[test]
fn a_resumed_demuxer_gives_the_samples_of_a_fresh_one() {
    let folder = tempfile::tempdir().unwrap();
    for path in films(folder.path()) {
        let name = path.file_name().unwrap().display();
        let mut fresh = Reading::fresh(&path);
        let mut outlines = vec![("when it was ready", fresh.outline())];
        let truth = PLACES.map(|place| {
            let samples = fresh.play(place, SAMPLES);
            assert!(!samples.is_empty(), "{name} from {place}");
            samples
        });
        outlines.push(("after it was played", fresh.outline()));
        let mut reading = Reading::fresh(&path);
        reading.learn();
        outlines.push(("after it was learnt", reading.outline()));
        for (when, outline) in outlines {
            assert!(outline.held_bytes() < 100_000, "{name}: {outline:?}");
            let mut resumed = Reading::resumed(&path, &outline);
            assert_eq!(resumed.pull(), Pull::Ready);
            assert_eq!(resumed.demuxer.movie(), fresh.demuxer.movie());
            assert!(resumed.asked.is_empty(), "{name} asks to be ready");
            for (place, truth) in PLACES.iter().zip(&truth) {
                let samples = resumed.play(*place, SAMPLES);
                assert!(samples == *truth, "{name} from {place}, outline {when}");
                // Each place also by a demuxer that was nowhere else before.
                let mut resumed = Reading::resumed(&path, &outline);
                let samples = resumed.play(*place, SAMPLES);
                assert!(samples == *truth, "{name} at once from {place}, {when}");
            }
        }
    }
}

#[test]
fn what_a_learnt_film_asks_for_was_foreseen() {
    let folder = tempfile::tempdir().unwrap();
    for path in films(folder.path()).iter().take(3) {
        let name = path.file_name().unwrap().display();
        let mut reading = Reading::fresh(path);
        reading.learn();
        let outline = reading.outline();
        println!("{name}: an outline of {} bytes", outline.held_bytes());
        for place in (0..1000).step_by(7) {
            let mut resumed = Reading::resumed(path, &outline);
            resumed.start(place);
            let foreseen = resumed.demuxer.foresee();
            let bytes: usize = foreseen.iter().map(|span| span.len).sum();
            assert!(
                bytes <= limits::SOURCE_FORESEEN_BYTES && foreseen.len() <= limits::SOURCE_FORESEEN,
                "{foreseen:?}"
            );
            let Pull::Sample(_) = resumed.pull() else {
                panic!("{name} has nothing at {place}");
            };
            let end = |span: &Span| span.offset + span.len as u64;
            let known = |asked: &Span| {
                let holds = |span: &Span| span.offset <= asked.offset && end(asked) <= end(span);
                foreseen.iter().any(holds)
            };
            let others: Vec<_> = resumed.asked.iter().filter(|one| !known(one)).collect();
            // The film itself: pictures, and sound if it lies apart.
            assert!(
                others.len() <= 2,
                "{name} at {place}: {others:?}, {foreseen:?}"
            );
        }
    }
}

/// What is asked for before a film can be started lies in what is looked at first, or in a place that
/// was guessed.
#[test]
fn where_an_index_may_lie_is_guessed_by_what_a_library_knows() {
    let folder = tempfile::tempdir().unwrap();
    let minute = Minute::new(folder.path(), "160x90", "-b:v 300k -b:a 96k");
    for (name, how) in [
        ("end.mp4", ""),
        ("front.mp4", "-movflags +faststart"),
        ("film.mkv", ""),
    ] {
        let path = minute.film(60, name, how);
        let reading = Reading::fresh(&path);
        let movie = reading.demuxer.movie().unwrap().clone();
        let tracks: Vec<_> = movie.tracks.iter().map(|one| one.track.clone()).collect();
        let bytes = std::fs::metadata(&path).unwrap().len();
        let guessed = likely_index(movie.container, bytes, 3_600_000, &tracks);
        let guessed = guessed.iter().map(|span| place(span.offset, span.len));
        let guessed: Vec<_> = guessed.collect();
        let opening = 0..limits::SOURCE_OPENING_BYTES as u64;
        // The index of an MP4, or else all that was read before it was ready.
        let needed = match reading.demuxer.index() {
            Some((offset, len)) => vec![place(offset, len as usize)],
            None => {
                let all = reading.asked.iter();
                all.map(|span| place(span.offset, span.len)).collect()
            }
        };
        let is_in = |inner: &Range<u64>, outer: &Range<u64>| {
            outer.start <= inner.start && inner.end <= outer.end
        };
        let has_come = |needed: &Range<u64>| {
            let behind = needed.start.max(opening.end)..needed.end.max(opening.end);
            is_in(needed, &opening) || guessed.iter().any(|guess| is_in(&behind, guess))
        };
        assert!(
            needed.iter().any(|needed| !is_in(needed, &opening)),
            "{name}"
        );
        for needed in needed {
            assert!(
                has_come(&needed),
                "{name}: {needed:?} of {bytes} is not in {guessed:?}"
            );
        }
    }
}

fn place(offset: u64, len: usize) -> Range<u64> {
    offset..offset + len as u64
}
