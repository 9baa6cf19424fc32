//! Items of Plex servers: which file of which version, and under which session it is read.
//!
//! What the last sync has listed is tried first, so that a channel is tuned without asking the
//! server anything. Newer servers want to be asked before each playback; then the item is looked up
//! once and remembered, without host and token. Trouble with an item is never taken for trouble with
//! its server, nor the other way round.

use super::conversion::{self, Conversions, can_be, forms, transcode};
use super::{Plan, Source, Want};
use crate::catalog::{best_version, version_tracks};
use crate::error::{Error, Failure, Result};
use crate::limits;
use crate::media::Profile;
use crate::model::MediaItem;
use crate::plex::{self, Class, Decision, Item, Play, Server, Servers, Version, new_id};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long what was looked up is believed. It does not time out on the server; files are replaced.
const BELIEVED: Duration = Duration::from_secs(6 * 3_600);
/// What fails so soon after it was looked up does not get better by looking again.
const LATELY: Duration = Duration::from_secs(300);
/// How long an item is left alone that its server does not give, each time that happens again.
const LEFT_ALONE_S: [u64; 3] = [300, 900, 3_600];
/// The same for one that it does not convert: it may have had too much to do.
const UNCONVERTED_S: [u64; 3] = [30, 90, 300];
/// A refusal that has been over for so long does not make the next one longer.
const FORGOTTEN: Duration = Duration::from_secs(3_600);

/// What is remembered of the items of all servers.
#[derive(Debug)]
pub(super) struct OnPlex {
    servers: Arc<Servers>,
    conversions: Conversions,
    /// By machine identifier and rating key; at most `limits::RESOLVED`.
    entries: Mutex<HashMap<(String, String), Arc<Entry>>>,
}

/// What is remembered of one item.
#[derive(Debug)]
struct Entry {
    /// One permit: who holds it looks the item up, and the others then know.
    turn: Semaphore,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    file: Option<File>,
    /// It has failed in a way that asking first may help.
    ask_first: bool,
    /// What the sync has listed is not it any more.
    moved: bool,
    /// In which form it is to be converted, and how many there are; none for one that is not.
    form: Option<(usize, usize)>,
    refused: Option<Refused>,
    used: Instant,
}

/// A file of an item, as its server names it.
#[derive(Debug, Clone)]
struct File {
    rating_key: String,
    media_index: u32,
    part_key: String,
    looked_up: Instant,
    /// It was looked up because the one before did not do.
    again: bool,
    /// For which streams it was chosen, and whether it goes on air in them as it is, going by all of
    /// its tracks.
    profile: Profile,
    fits: bool,
}

impl File {
    fn play(&self, session: String) -> Play {
        Play {
            rating_key: self.rating_key.clone(),
            media_index: self.media_index,
            part_index: 0,
            session,
            audio_stream: None,
        }
    }
}

#[derive(Debug, Clone)]
struct Refused {
    why: Error,
    until: Instant,
    /// How often, one after the other.
    times: usize,
}

impl OnPlex {
    pub(super) fn new(servers: Arc<Servers>) -> Self {
        Self {
            servers,
            conversions: Conversions::new(),
            entries: Mutex::new(HashMap::new()),
        }
    }

    /// Where the item can be read, under a session of its own.
    pub(super) async fn find(
        &self,
        (machine, rating_key): (&str, &str),
        item: &MediaItem,
        want: Want<'_>,
    ) -> Result<Source> {
        let entry = self.entry(machine, rating_key);
        let _turn = entry.turn.acquire().await;
        if let Some(refused) = entry.refused() {
            return Err(refused);
        }
        let server = self.servers.server(machine).await?;
        let (mut file, ask_first, moved) = entry.remembered(want.profile);
        let ask_first = ask_first || server.version >= Version::DECIDES;
        let is_converted = want.plan != Plan::AsItIs;
        if file.is_none() && (ask_first || moved || is_converted) {
            let found = self
                .look_up(&server, &entry, (rating_key, item), want)
                .await?;
            file = Some(File {
                again: moved,
                ..found
            });
            entry.remember(file.clone());
        }
        if let Some(file) = file.as_ref().filter(|file| is_converted && !file.fits) {
            return self.convert(&server, &entry, file, want).await;
        }
        entry.known().form = None;
        let session = new_id()?;
        if let Some(file) = file.as_ref().filter(|_| ask_first) {
            self.ask(&server, file, &session).await?;
        }
        let part_key = file.as_ref().map_or(&item.part.path, |file| &file.part_key);
        Ok(Source::Http {
            url: server.part_url(part_key)?,
            headers: server.stream_headers(&session),
        })
    }

    /// Has the item converted, in the first form that the server agrees to.
    async fn convert(
        &self,
        server: &Server,
        entry: &Entry,
        file: &File,
        want: Want<'_>,
    ) -> Result<Source> {
        let permit = self.conversions.permit()?;
        let forms = forms(want.plan);
        let first = entry.known().form.map_or(0, |(form, _)| form);
        let mut why = "its server does not convert it".to_owned();
        let forms_left = forms.iter().enumerate().skip(first);
        for (at, form) in forms_left.filter(|(_, form)| can_be(**form, want)) {
            let transcode = transcode(file.play(new_id()?), *form, want);
            let decision = Decision::Transcode(transcode);
            let decided = match server.decision(&decision).await {
                Ok(decided) => decided,
                Err(trouble) if trouble.class.failure() == Failure::Item => {
                    why = trouble.to_string();
                    continue;
                }
                Err(trouble) => return Err(self.servers.told(&server.machine, trouble)),
            };
            if let (true, Decision::Transcode(transcode)) = (decided.is_transcode(), &decision) {
                entry.known().form = Some((at, forms.len()));
                return conversion::begin(server, (transcode, want.at_ms.max(0)), permit);
            }
            why = format!("its server does not convert it: {}", decided.text);
        }
        let refused = Error::unsupported("the item", why);
        entry.refuse(refused.clone(), &UNCONVERTED_S);
        Err(refused)
    }

    /// What was found could not be opened or read.
    pub(super) fn failed(&self, machine: &str, rating_key: &str, error: &Error) {
        let Error::Source { failure, .. } = error else {
            // The file is there; what is in it is another matter.
            return;
        };
        if *failure == Failure::Auth {
            return self.servers.refuse(machine);
        }
        let entry = self.entry(machine, rating_key);
        if !entry.convert_otherwise(error) {
            match failure {
                Failure::Item => entry.lose(error),
                _ => entry.known().ask_first = true,
            }
        }
        // It may also be that the server is gone, or another one answers there now.
        self.servers.doubt(machine);
    }

    /// Finds out which file it is now.
    async fn look_up(
        &self,
        server: &Server,
        entry: &Entry,
        (rating_key, item): (&str, &MediaItem),
        want: Want<'_>,
    ) -> Result<File> {
        let told = |trouble| self.servers.told(&server.machine, trouble);
        let found = match server.items(&[rating_key]).await {
            Ok(page) => page.items.into_iter().next(),
            Err(trouble) if trouble.class == Class::Gone => None,
            Err(trouble) => return Err(told(trouble)),
        };
        let found = match found {
            Some(found) => Some(found),
            None => elsewhere(server, item).await.map_err(told)?,
        };
        let file = found.and_then(|found| file_of(&found, want));
        let Some(file) = file else {
            let why = "its server has it no longer";
            let gone = Error::unsupported(item.title.clone(), why);
            entry.refuse(gone.clone(), &LEFT_ALONE_S);
            return Err(gone);
        };
        Ok(file)
    }

    /// Has the server decide that the part may be read under a session.
    async fn ask(&self, server: &Server, file: &File, session: &str) -> Result<()> {
        let play = file.play(session.to_owned());
        match server.decision(&Decision::Direct(play)).await {
            // A server that decides for converting may give the part all the same, as older ones do.
            Ok(_) => Ok(()),
            // Servers that know nothing of it give the part without.
            Err(trouble)
                if matches!(
                    trouble.class,
                    Class::Gone | Class::Malformed | Class::Refused
                ) =>
            {
                Ok(())
            }
            Err(trouble) => Err(self.servers.told(&server.machine, trouble)),
        }
    }

    fn entry(&self, machine: &str, rating_key: &str) -> Arc<Entry> {
        let mut entries = locked(&self.entries);
        let key = (machine.to_owned(), rating_key.to_owned());
        if !entries.contains_key(&key) && entries.len() >= limits::RESOLVED {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.known().used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                entries.remove(&oldest);
            }
        }
        let entry = entries.entry(key).or_insert_with(|| Arc::new(Entry::new()));
        entry.known().used = Instant::now();
        Arc::clone(entry)
    }
}

impl Entry {
    fn new() -> Self {
        Self {
            turn: Semaphore::new(1),
            known: Mutex::new(Known {
                file: None,
                ask_first: false,
                moved: false,
                form: None,
                refused: None,
                used: Instant::now(),
            }),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        locked(&self.known)
    }

    /// Why it is left alone for now.
    fn refused(&self) -> Option<Error> {
        let known = self.known();
        let refused = known.refused.as_ref()?;
        (Instant::now() < refused.until).then(|| refused.why.clone())
    }

    /// The file that is believed in, whether the server has to be asked, and whether it has to be
    /// looked up.
    fn remembered(&self, profile: &Profile) -> (Option<File>, bool, bool) {
        let known = self.known();
        let file = known.file.as_ref().filter(|file| file.profile == *profile);
        let file = file.filter(|file| file.looked_up.elapsed() < BELIEVED);
        (file.cloned(), known.ask_first, known.moved)
    }

    fn remember(&self, file: Option<File>) {
        self.known().file = file;
    }

    /// What was believed is not so.
    fn lose(&self, why: &Error) {
        let lately = {
            let mut known = self.known();
            known.moved = true;
            let file = known.file.take();
            file.is_some_and(|file| file.again && file.looked_up.elapsed() < LATELY)
        };
        if lately {
            self.refuse(why.clone(), &LEFT_ALONE_S);
        }
    }

    /// A conversion failed: the next form is tried, and after the last one it is left alone. False
    /// where it was none.
    fn convert_otherwise(&self, why: &Error) -> bool {
        let next = {
            let mut known = self.known();
            let Some((form, forms)) = known.form else {
                return false;
            };
            known.form = Some((form.saturating_add(1), forms));
            form.saturating_add(1) < forms
        };
        if !next {
            self.refuse(why.clone(), &UNCONVERTED_S);
        }
        true
    }

    /// Leaves it alone for a while, for longer each time. After that everything is tried anew.
    fn refuse(&self, why: Error, waits_s: &[u64]) {
        let mut known = self.known();
        let before = known.refused.as_ref();
        let before = before.filter(|before| before.until.elapsed() < FORGOTTEN);
        let times = before.map_or(0, |before| before.times);
        let wait_s = waits_s.get(times).or(waits_s.last()).copied();
        known.form = None;
        known.refused = Some(Refused {
            why,
            until: Instant::now() + Duration::from_secs(wait_s.unwrap_or(0)),
            times: times.saturating_add(1),
        });
    }
}

/// The same title under another key: libraries are made anew, and files move between them.
async fn elsewhere(server: &Server, item: &MediaItem) -> plex::Result<Option<Item>> {
    let guid = item.about.as_ref().and_then(|about| about.guid.as_deref());
    let Some(guid) = guid.filter(|guid| guid.starts_with("plex://")) else {
        return Ok(None);
    };
    let found = match server.by_guid(guid).await {
        Ok(page) => page.items,
        Err(trouble) if trouble.class == Class::Gone => return Ok(None),
        Err(trouble) => return Err(trouble),
    };
    Ok(found.into_iter().find(|item| best_version(item).is_some()))
}

/// The file of an item that goes on air: one that can do so as it is, else the best.
fn file_of(item: &Item, want: Want<'_>) -> Option<File> {
    let fitting = item
        .versions
        .iter()
        .enumerate()
        .find(|(_, version)| version.parts.len() == 1 && (want.fits)(&version_tracks(version)));
    let (index, version) = fitting.or_else(|| best_version(item))?;
    let part = version.parts.first()?;
    Some(File {
        rating_key: item.rating_key.clone(),
        media_index: u32::try_from(index).ok()?,
        part_key: part.key.clone(),
        looked_up: Instant::now(),
        again: false,
        profile: *want.profile,
        fits: fitting.is_some(),
    })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in it is ever half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
