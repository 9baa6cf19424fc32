//! From the first byte of a file to its [`Movie`]: finds `moov`, then looks at as little media as
//! the facts need.

use super::boxes::{FourCc, TooLong, head};
use super::cursor::{Cursor, FragmentLayout, Layout};
use super::draft::Draft;
use super::entry::{Described, STREAM_HEAD_BYTES, Stream};
use super::file::{Attempt, File, Stop, Window};
use super::flat::Waymarks;
use super::index::Index;
use super::index_boxes::IndexReading;
use super::moov::{Moov, MoovReading, check_boxes};
use super::survey::{Findings, Survey, Walk};
use super::timeline::{Timeline, rescale};
use crate::demux::{Movie, MovieTrack, commentary};
use crate::error::Error;
use crate::limits;
use crate::media::{
    Container, Medium, Role, TICKS_PER_SECOND, Track, TrackId, TrackKind, VideoTrack,
};
use bytes::Bytes;

/// A track that can be started.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    pub(super) id: TrackId,
    pub(super) layout: Layout,
    pub(super) timeline: Timeline,
    /// Ticks to take from every decoding time.
    pub(super) shift: i64,
    /// Ticks at which its edit ends.
    pub(super) edit_end: i64,
}

/// All that playing needs, and that does not change.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) movie: Movie,
    pub(super) carried: Vec<Carried>,
    /// Where `moov` is, and how long that is.
    pub(super) index: Option<(u64, u64)>,
}

/// What is learnt of the tables, and of where fragments begin, while they are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Learnt {
    pub(super) index: Index,
    /// In the order of the carried tracks.
    pub(super) marks: Vec<Waymarks>,
}

/// A track while its facts are being gathered.
#[derive(Debug)]
struct Candidate {
    draft: Draft,
    described: Described,
    layout: Layout,
    found: Option<Findings>,
    marks: Waymarks,
}

impl Candidate {
    fn video(&self) -> Option<&VideoTrack> {
        match &self.described {
            Described::Fully(TrackKind::Video(video), _) => Some(video),
            _ => None,
        }
    }

    fn is_carried(&self) -> bool {
        !matches!(self.described, Described::Fully(TrackKind::Other { .. }, _))
    }

    /// Lists it as something that cannot be played.
    fn give_up(&mut self, error: Error) {
        let (medium, codec) = match &self.described {
            Described::Fully(TrackKind::Video(video), _) => {
                (Medium::Video, format!("{:?}", video.codec))
            }
            Described::Fully(TrackKind::Audio(audio), _) => {
                (Medium::Audio, format!("{:?}", audio.codec))
            }
            Described::Fully(TrackKind::Other { medium, codec, .. }, _) => (*medium, codec.clone()),
            Described::InStream(stream) => (stream.medium(), format!("{stream:?}")),
        };
        let kind = TrackKind::Other {
            medium,
            codec: codec.to_lowercase(),
            why: error.to_string(),
        };
        self.described = Described::Fully(kind, Bytes::new());
        self.draft.fault.get_or_insert(error);
    }
}

#[derive(Debug)]
enum Step {
    /// The next box of the file, and how many were passed.
    Boxes(u64, usize),
    /// In `moov`, which ends here.
    Moov(Box<MoovReading>, u64),
    /// The first sample of this candidate.
    FirstSample(usize, Option<Box<Cursor>>),
    Index(Box<IndexReading>),
    /// The times of this candidate.
    Survey(usize, Option<Box<Survey>>),
    Done,
}

/// A probing, as far as it has come.
#[derive(Debug)]
pub(super) struct Probe {
    step: Step,
    window: Window,
    moov: Moov,
    candidates: Vec<Candidate>,
    index: Index,
    first_fragment: u64,
    /// Where `moov` is, or what it must be in, and how long that is.
    place: Option<(u64, u64)>,
}

impl Probe {
    pub(super) fn new() -> Self {
        Self {
            step: Step::Boxes(0, 0),
            window: Window::new(STREAM_HEAD_BYTES),
            moov: Moov::default(),
            candidates: Vec::new(),
            index: Index::default(),
            first_fragment: 0,
            place: None,
        }
    }

    /// Where `moov` lies, and how long it is, once that is known: behind the media until it has
    /// been found.
    pub(super) fn place(&self) -> Option<(u64, u64)> {
        self.place
    }

    /// Goes on until all is known.
    pub(super) fn run(&mut self, file: &mut File) -> Attempt<(Contents, Learnt)> {
        loop {
            match &mut self.step {
                Step::Boxes(at, passed) => {
                    let (at, passed) = (*at, *passed);
                    self.find_moov(file, at, passed)?;
                }
                Step::Moov(reading, end) => {
                    self.moov = reading.run(file)?;
                    self.first_fragment = *end;
                    self.gather();
                    self.step = Step::FirstSample(0, None);
                }
                Step::FirstSample(..) => self.first_samples(file)?,
                Step::Index(reading) => {
                    reading.run(file, &mut self.index)?;
                    self.step = Step::Survey(0, None);
                }
                Step::Survey(..) => self.survey(file)?,
                Step::Done => return Ok(self.contents()?),
            }
        }
    }

    fn find_moov(&mut self, file: &mut File, at: u64, passed: usize) -> Attempt<()> {
        let end = file.bytes();
        let Some(found) = head(&mut self.window, file, "file", at, end, TooLong::Clip)? else {
            let why = "it ends without a moov box, so it may not have been copied whole";
            return Err(Error::malformed("file", at, why).into());
        };
        if &found.kind.0 != b"moov" {
            check_boxes(passed)?;
            if &found.kind.0 == b"mdat" && found.end < end {
                self.place = Some((found.end, end.saturating_sub(found.end)));
            }
            self.step = Step::Boxes(found.end, passed.saturating_add(1));
        } else if found.cut {
            let why = "the file ends inside it, so it may not have been copied whole";
            return Err(Error::malformed("moov", found.at, why).into());
        } else {
            self.place = Some((found.at, found.end.saturating_sub(found.at)));
            self.step = Step::Moov(Box::new(MoovReading::new(&found)), found.end);
        }
        Ok(())
    }

    /// Makes candidates of what `moov` says.
    fn gather(&mut self) {
        for mut draft in std::mem::take(&mut self.moov.tracks) {
            if self.moov.fragmented {
                // Written before the fragments were known.
                draft.edit.shown = None;
            }
            let described = draft.described();
            let tables = draft.tables();
            let defaults = self
                .moov
                .defaults
                .iter()
                .find(|(track, _)| *track == draft.id);
            let fragments = self.moov.fragmented.then(|| FragmentLayout {
                first_box: self.first_fragment,
                defaults: defaults.map(|(_, defaults)| *defaults).unwrap_or_default(),
            });
            let layout = Layout {
                track: draft.id,
                tables: tables.as_ref().ok().copied().flatten(),
                // Frames of sound have small table entries, and last as long as a picture.
                window_bytes: match draft.handler {
                    Some(FourCc([b's', b'o', b'u', b'n'])) => limits::TABLE_WINDOW_BYTES / 2,
                    _ => limits::TABLE_WINDOW_BYTES,
                },
                fragments,
            };
            let fault = draft.fault.clone().or(tables.err()).or_else(|| {
                let what = || format!("track {}", draft.id);
                if draft.timescale == 0 {
                    Some(Error::unsupported(what(), "it has no timescale"))
                } else if self
                    .candidates
                    .iter()
                    .any(|other| other.draft.id == draft.id)
                {
                    Some(Error::unsupported(
                        what(),
                        "another track has the same number",
                    ))
                } else if layout.tables.is_none() && fragments.is_none() {
                    Some(Error::unsupported(what(), "it has no samples"))
                } else {
                    None
                }
            });
            let mut candidate = Candidate {
                draft,
                described,
                layout,
                found: None,
                marks: Waymarks::default(),
            };
            if let Some(fault) = fault.filter(|_| candidate.is_carried()) {
                candidate.give_up(fault);
            }
            self.candidates.push(candidate);
        }
    }

    /// Reads facts off the first samples of tracks that do not say them elsewhere.
    fn first_samples(&mut self, file: &mut File) -> Attempt<()> {
        while let Step::FirstSample(n, cursor) = &mut self.step {
            let Some(candidate) = self.candidates.get_mut(*n) else {
                self.begin_survey();
                break;
            };
            if let Described::InStream(stream) = candidate.described {
                let cursor = cursor.get_or_insert_with(|| {
                    Box::new(Cursor::new(&candidate.layout, &Waymarks::default()))
                });
                match stream_facts(file, &mut self.window, cursor, stream) {
                    Ok(kind) => candidate.described = Described::Fully(kind, Bytes::new()),
                    Err(Stop::Failed(error)) => candidate.give_up(error),
                    Err(need) => return Err(need),
                }
            }
            self.step = Step::FirstSample(n.saturating_add(1), None);
        }
        Ok(())
    }

    fn begin_survey(&mut self) {
        let video = self.first_video().and_then(|n| self.candidates.get(n));
        self.step = match video {
            Some(video) if self.moov.fragmented => {
                let Draft { id, timescale, .. } = video.draft;
                let reading = IndexReading::new(id, timescale, self.first_fragment);
                Step::Index(Box::new(reading))
            }
            _ => Step::Survey(0, None),
        };
    }

    /// The track that the item's time counts from: the first video that is switched on, or else
    /// the first.
    fn first_video(&self) -> Option<usize> {
        let video = |candidate: &Candidate| candidate.video().is_some();
        self.candidates
            .iter()
            .position(|candidate| video(candidate) && candidate.draft.enabled)
            .or_else(|| self.candidates.iter().position(video))
    }

    /// Looks at the times of the video tracks.
    fn survey(&mut self, file: &mut File) -> Attempt<()> {
        let first_video = self.first_video();
        while let Step::Survey(n, survey) = &mut self.step {
            let Some(candidate) = self.candidates.get_mut(*n) else {
                self.step = Step::Done;
                break;
            };
            if candidate.video().is_some() {
                let walk = if self.moov.fragment_duration > 0 || Some(*n) != first_video {
                    Walk::FromIndexOnly
                } else {
                    Walk::All
                };
                let survey = survey.get_or_insert_with(|| {
                    let Draft {
                        edit, timescale, ..
                    } = candidate.draft;
                    let movie_timescale = self.moov.timescale;
                    Box::new(Survey::new(
                        candidate.layout,
                        &edit,
                        timescale,
                        movie_timescale,
                    ))
                });
                match survey.run(file, &mut self.index, walk) {
                    Ok(found) => {
                        candidate.found = Some(found);
                        candidate.marks = survey.marks();
                    }
                    Err(Stop::Failed(error)) => candidate.give_up(error),
                    Err(need) => return Err(need),
                }
            }
            self.step = Step::Survey(n.saturating_add(1), None);
        }
        Ok(())
    }

    fn contents(&mut self) -> Result<(Contents, Learnt), Error> {
        let video = self.first_video().and_then(|n| self.candidates.get(n));
        let Some((video, found)) = video.and_then(|video| Some((video, video.found?))) else {
            // What is wrong with a broken track says more than that there is none.
            let fault = self
                .candidates
                .iter_mut()
                .find_map(|track| track.draft.fault.take());
            let none = || Error::unsupported("this file", "it has no video that can be carried");
            return Err(fault.unwrap_or_else(none));
        };
        let timescale = video.draft.timescale;
        let timeline = Timeline::of_first_frame(timescale, found.first_shown);
        let duration_90k = match found.end {
            Some(end) => timeline.time_90k(end),
            None => self.movie_90k(i64::try_from(self.moov.fragment_duration).unwrap_or(0)),
        };
        // Where the movie begins on a line whose 0 is the first frame shown.
        let edit = video.draft.edit;
        let into_edit = found.first_shown.saturating_sub(edit.media_time);
        let into_edit_90k = rescale(into_edit, TICKS_PER_SECOND, timescale);
        let movie_start_90k = self.movie_90k(edit.delay).saturating_add(into_edit_90k);
        let primary = video.draft.id;
        let (mut carried, mut marks) = (Vec::new(), Vec::new());
        let mut tracks = Vec::new();
        for candidate in &self.candidates {
            if candidate.is_carried() {
                let edit = candidate.draft.edit;
                let start_90k = self.movie_90k(edit.delay).saturating_sub(movie_start_90k);
                let own = Timeline::of_edit(candidate.draft.timescale, &edit, start_90k);
                let timeline = if candidate.draft.id == primary {
                    timeline
                } else {
                    own
                };
                carried.push(self.carried(candidate, timeline));
                marks.push(candidate.marks.clone());
            }
            tracks.push(described_track(candidate));
        }
        let movie = Movie {
            container: Container::Mp4,
            duration_90k: duration_90k.max(0),
            tracks,
        };
        let index = std::mem::take(&mut self.index);
        let contents = Contents {
            movie,
            carried,
            index: self.place,
        };
        Ok((contents, Learnt { index, marks }))
    }

    /// A time of the movie's timescale. Without one there is nothing that could be meant.
    fn movie_90k(&self, ticks: i64) -> i64 {
        rescale(ticks, TICKS_PER_SECOND, self.moov.timescale)
    }

    /// Bytes that it holds.
    pub(super) fn held_bytes(&self) -> usize {
        self.window.held_bytes() + self.index.held_bytes()
    }

    fn carried(&self, candidate: &Candidate, timeline: Timeline) -> Carried {
        let Draft {
            id,
            timescale,
            edit,
            ..
        } = candidate.draft;
        Carried {
            id: TrackId(u64::from(id)),
            layout: candidate.layout,
            timeline,
            shift: candidate.found.map_or(0, |found| found.shift),
            edit_end: edit.end_ticks(timescale, self.moov.timescale),
        }
    }
}

/// The facts at the start of the first sample.
fn stream_facts(
    file: &mut File,
    window: &mut Window,
    cursor: &mut Cursor,
    stream: Stream,
) -> Attempt<TrackKind> {
    let Some(entry) = cursor.peek(file)? else {
        return Err(Error::unsupported("track", "it has no samples").into());
    };
    let len = usize::try_from(entry.size)
        .unwrap_or(STREAM_HEAD_BYTES)
        .min(STREAM_HEAD_BYTES);
    let end = entry.offset.saturating_add(u64::from(entry.size));
    let bytes = window.read(file, "mdat", entry.offset, len, end)?;
    Ok(stream.facts(&bytes)?)
}

fn described_track(candidate: &Candidate) -> MovieTrack {
    let draft = &candidate.draft;
    let (mut kind, config) = match &candidate.described {
        Described::Fully(kind, config) => (kind.clone(), config.clone()),
        // Never left over: facts have been read, or the track has been given up.
        Described::InStream(stream) => {
            let kind = TrackKind::Other {
                medium: stream.medium(),
                codec: format!("{stream:?}"),
                why: "nothing is known of it".to_owned(),
            };
            (kind, Bytes::new())
        }
    };
    if let TrackKind::Video(video) = &mut kind
        && let Some(frame) = candidate
            .found
            .map(|found| found.frame)
            .filter(|frame| *frame > 0)
    {
        let half = u64::from(draft.timescale) / 2;
        let ticks = u64::from(frame).saturating_mul(TICKS_PER_SECOND.unsigned_abs());
        let duration = ticks
            .saturating_add(half)
            .checked_div(u64::from(draft.timescale));
        let duration = duration.and_then(|duration| u32::try_from(duration).ok());
        video.frame_duration_90k = duration.unwrap_or(video.frame_duration_90k);
    }
    let title = draft.title.clone().or_else(|| {
        let name = draft.handler_name.clone();
        name.filter(|name| is_title(name))
    });
    let title = title.map(|title| {
        title
            .chars()
            .take(limits::TEXT_BYTES / 4)
            .collect::<String>()
    });
    MovieTrack {
        track: Track {
            id: TrackId(u64::from(draft.id)),
            kind,
            language: draft.language.clone().unwrap_or_else(|| "und".to_owned()),
            role: role(title.as_deref(), draft.role.as_deref()),
            title,
            default: draft.enabled,
        },
        config,
    }
}

/// Whether the name of a handler says something about the track, not about its muxer.
fn is_title(name: &str) -> bool {
    const MUXERS: [&str; 8] = [
        "handle",
        "gpac",
        "mainconcept",
        "l-smash",
        "core media",
        "isomedia",
        "bento4",
        "media -",
    ];
    let name = name.to_lowercase();
    !MUXERS.iter().any(|muxer| name.contains(muxer))
}

fn role(title: Option<&str>, role: Option<&str>) -> Role {
    let by_title = title.is_some_and(commentary::is_named);
    let by_role = matches!(role, Some("commentary" | "description"));
    if by_title || by_role {
        Role::Commentary
    } else {
        Role::Main
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_muxers_are_no_titles() {
        for name in ["SoundHandler", "Core Media Audio", "GPAC ISO Video Handler"] {
            assert!(!is_title(name), "{name}");
        }
        assert!(is_title("Stereo"));
    }

    #[test]
    fn commentary_is_told_by_its_title_or_its_kind() {
        assert_eq!(role(Some("Director's Commentary"), None), Role::Commentary);
        assert_eq!(role(None, Some("commentary")), Role::Commentary);
        assert_eq!(role(Some("Stereo"), Some("main")), Role::Main);
    }
}
