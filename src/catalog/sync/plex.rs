//! A section of a Plex server as a library: its list read page by page, and what has changed written
//! to the store.
//!
//! An item belongs to the library whose section was asked for; rows do not say so themselves. While
//! the section says that nothing has changed, nothing is read; when something has, only what is new
//! is, and once a day, or when the numbers do not agree, everything. Only a list that was seen whole
//! says that something is gone, and even then it is kept for a day: servers lose things and find
//! them again.

use super::title::title;
use super::{Report, is_same};
use crate::catalog::Catalog;
use crate::clock;
use crate::error::{Error, Result};
use crate::folder::Progress;
use crate::limits;
use crate::model::{About, Library, LibraryId, MediaItem, MediaItemId, NewItem};
use crate::plex::{Class, Item, Kind, Page, Section, Server, Servers, Since};
use crate::store::{Scan, Store};
use std::collections::{HashMap, HashSet};

/// Rows asked for at once, and the fewest that a busy server is asked for.
pub(super) const PAGE_ROWS: usize = 500;
const FEWEST_ROWS: usize = 50;
/// How long an item is kept that its server does not list any more.
const KEPT_MS: i64 = 24 * 3_600 * 1_000;
/// How long a list is trusted for which nothing was said to have changed.
pub(super) const TRUSTED_MS: i64 = 24 * 3_600 * 1_000;
/// What changed shortly before the last look is asked for again: clocks differ.
const OVERLAP_S: i64 = 600;
/// A section that loses more than a fifth of its titles, and so many, may just be unplugged: that
/// counts when the next whole look finds the same.
const MANY: usize = 20;
/// Rows that make no sense which a list may have beside one in a hundred.
const DROPPED: usize = 5;

/// Where the section is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) servers: &'a Servers,
    pub(super) server: &'a str,
    pub(super) section: &'a str,
}

/// Reads what has changed in the section since the last look.
pub(super) async fn run_once(
    store: &Store,
    catalog: &Catalog,
    (library, place): (&Library, Place<'_>),
    now_ms: i64,
    progress: impl FnMut(&Progress),
) -> Result<Report> {
    // Another server may have taken its address since it was found.
    place.servers.doubt(place.server);
    let server = place.servers.server(place.server).await?;
    let sections = server
        .sections()
        .await
        .map_err(|trouble| place.servers.told(place.server, trouble))?;
    let section = sections
        .into_iter()
        .find(|section| section.key == place.section)
        .ok_or_else(|| {
            let why = format!(
                "{} has no such section any more, or does not show it; its titles are kept",
                server.name
            );
            Error::invalid(format!("library '{}'", library.name), why)
        })?;
    let items = catalog.items().iter().map(AsRef::as_ref);
    let known: Vec<&MediaItem> = items.filter(|item| item.library == library.id).collect();
    let mark = Mark::read(store, library.id).await?;
    let state = state_of(&section);
    let is_as_before = mark.state == state;
    let trusted = now_ms.saturating_sub(mark.whole_ms) < TRUSTED_MS;
    let list = List {
        place,
        server: &server,
        section: &section,
    };
    let mut intake = Intake::new(store, library, &known, progress);
    intake.told.current.clone_from(&section.title);
    let news = if !trusted {
        News::Unclear
    } else if is_as_before {
        News::All
    } else {
        list.news(&mut intake, mark.seen_s).await?
    };
    let mut mark = Mark {
        state,
        seen_s: now_ms / 1_000,
        ..mark
    };
    match news {
        News::All if is_as_before => {
            // Nothing is written for nothing.
            intake.others_unchanged();
            return Ok(intake.report);
        }
        News::All => intake.others_unchanged(),
        News::Unclear => {
            intake.begin_again();
            // A board that has not been told the date yet cannot tell since when.
            let sure = list.read(&mut intake, None).await? && now_ms >= clock::BUILT_MS;
            mark.gone = intake.finish(sure, mark.gone, now_ms).await?;
            // One that is not whole is read again the next time.
            mark.whole_ms = if sure { now_ms } else { 0 };
        }
    }
    mark.write(store, library.id).await?;
    Ok(intake.report)
}

/// What the news of a section tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// All that has changed.
    All,
    /// Not all: the whole list has to be read.
    Unclear,
}

/// What a section says of itself that changes with its titles.
fn state_of(section: &Section) -> String {
    format!(
        "{:?} {:?} {:?} {:?}",
        section.uuid, section.scanned_at, section.updated_at, section.content_changed_at
    )
}

/// What is remembered of the last look at a section.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Mark {
    /// What the section said of itself.
    state: String,
    /// When it was last looked at, by the box, epoch seconds.
    seen_s: i64,
    /// When all of it was read last.
    whole_ms: i64,
    /// So many items were not listed then that it was taken for a mistake.
    gone: usize,
}

impl Mark {
    fn key(library: LibraryId) -> String {
        format!("plex_mark_{}", library.0)
    }

    /// A mark that cannot be understood is as good as none.
    async fn read(store: &Store, library: LibraryId) -> Result<Self> {
        let text = store.setting(&Self::key(library)).await?;
        let mark = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(mark.unwrap_or_default())
    }

    async fn write(&self, store: &Store, library: LibraryId) -> Result<()> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::invalid("the mark of a section", error.to_string()))?;
        store.set_setting(&Self::key(library), &text).await
    }
}

/// The list of a section.
struct List<'a> {
    place: Place<'a>,
    server: &'a Server,
    section: &'a Section,
}

impl List<'_> {
    /// Reads what was changed or added after `since_s`.
    async fn news<P: FnMut(&Progress)>(
        &self,
        intake: &mut Intake<'_, P>,
        since_s: i64,
    ) -> Result<News> {
        let since_s = since_s.saturating_sub(OVERLAP_S);
        for since in [Since::Updated(since_s), Since::Added(since_s)] {
            if !self.read(intake, Some(since)).await? {
                return Ok(News::Unclear);
            }
        }
        // What was moved or taken away is in no news.
        let total = self.page(0, &mut 0, None).await?.total;
        let agree = intake.moved.is_empty() && total == Some(intake.listed());
        Ok(if agree { News::All } else { News::Unclear })
    }

    /// Reads all of the list, or what is new of it. False where something may have been missed.
    ///
    /// # Errors
    /// The server failed, or so many rows make no sense that it is better left.
    async fn read<P: FnMut(&Progress)>(
        &self,
        intake: &mut Intake<'_, P>,
        since: Option<Since>,
    ) -> Result<bool> {
        let (mut start, mut dropped) = (0_usize, 0_usize);
        let (mut rows, mut first_total) = (PAGE_ROWS, None);
        loop {
            let page = self.page(start, &mut rows, since).await?;
            start = start.saturating_add(page.returned);
            dropped = dropped.saturating_add(page.dropped.len());
            let total = page.total.unwrap_or(start);
            let is_steady = *first_total.get_or_insert(total) == total;
            for why in page.dropped {
                intake.report.remark(format!("left out: {why}"));
            }
            intake.take(page.items).await?;
            if page.returned > 0 && start < total {
                continue;
            }
            intake.flush().await?;
            if dropped > start / 100 + DROPPED {
                let why = format!("{dropped} of {start} titles of its list make no sense");
                return Err(Error::invalid(self.section.title.clone(), why));
            }
            return Ok(is_steady && start >= total);
        }
    }

    /// A page of it. From a busy server a smaller one, and `rows` are fewer from then on.
    async fn page(&self, start: usize, rows: &mut usize, since: Option<Since>) -> Result<Page> {
        let kind = match self.section.kind {
            // The titles themselves, not shows and seasons.
            Kind::Show => Kind::Episode,
            kind => kind,
        };
        let key = &self.section.key;
        loop {
            match self.server.page(key, kind, start, *rows, since).await {
                Err(trouble) if trouble.class == Class::Busy && *rows > FEWEST_ROWS => {
                    *rows = (*rows / 2).max(FEWEST_ROWS);
                }
                page => {
                    let Place {
                        servers, server, ..
                    } = self.place;
                    return page.map_err(|trouble| servers.told(server, trouble));
                }
            }
        }
    }
}

/// What was looked at, on its way to the store.
struct Intake<'a, P> {
    store: &'a Store,
    library: LibraryId,
    known: &'a [&'a MediaItem],
    by_key: HashMap<&'a str, &'a MediaItem>,
    by_guid: HashMap<&'a str, MediaItemId>,
    met: HashSet<MediaItemId>,
    /// The keys of new ones: the news of what was changed and of what was added both have them.
    met_new: HashSet<String>,
    /// Waiting to be written, at most a batch.
    upserts: Vec<NewItem>,
    /// New ones that may be known ones under another key: those are not met then.
    moved: Vec<(MediaItemId, NewItem)>,
    report: Report,
    progress: P,
    told: Progress,
}

impl<'a, P: FnMut(&Progress)> Intake<'a, P> {
    fn new(store: &'a Store, library: &Library, known: &'a [&'a MediaItem], progress: P) -> Self {
        let by_key = known.iter().filter_map(|item| {
            let key = item.rating_key.as_deref()?;
            Some((key, *item))
        });
        let by_guid = known
            .iter()
            .filter_map(|item| Some((guid(item.about.as_deref())?, item.id)));
        Self {
            store,
            library: library.id,
            known,
            by_key: by_key.collect(),
            by_guid: by_guid.collect(),
            met: HashSet::with_capacity(known.len()),
            met_new: HashSet::new(),
            upserts: Vec::new(),
            moved: Vec::new(),
            report: Report::default(),
            progress,
            told: Progress::default(),
        }
    }

    /// What follows is a whole look. What was written already stands.
    fn begin_again(&mut self) {
        self.met.clear();
        self.met_new.clear();
        self.moved.clear();
        self.report = Report::default();
        self.told.seen = 0;
        self.told.unplayable = 0;
    }

    async fn take(&mut self, items: Vec<Item>) -> Result<()> {
        for item in items {
            self.told.seen += 1;
            self.item(title(item));
            if self.upserts.len() >= limits::STORE_BATCH_ITEMS {
                self.flush().await?;
            }
        }
        (self.progress)(&self.told);
        Ok(())
    }

    fn item(&mut self, item: NewItem) {
        let key = item.rating_key.as_deref();
        let known = key.and_then(|key| self.by_key.get(key)).copied();
        let is_first = match known {
            Some(known) => self.met.insert(known.id),
            None => self.met_new.insert(key.unwrap_or_default().to_owned()),
        };
        if !is_first {
            // A list that changes while it is read gives some twice.
            return;
        }
        let unplayable = usize::from(item.part.problem.is_some());
        self.report.unplayable += unplayable;
        self.told.unplayable += unplayable;
        match known {
            Some(known) if is_same(known, &item) => self.report.unchanged += 1,
            Some(_) => {
                self.report.updated += 1;
                self.upserts.push(item);
            }
            None => {
                let before = guid(item.about.as_deref());
                match before.and_then(|guid| self.by_guid.get(guid)) {
                    Some(before) => self.moved.push((*before, item)),
                    None => self.add(item),
                }
            }
        }
    }

    fn add(&mut self, item: NewItem) {
        self.report.added += 1;
        self.upserts.push(item);
    }

    async fn flush(&mut self) -> Result<()> {
        let upserts = std::mem::take(&mut self.upserts);
        self.apply(Scan {
            upserts,
            ..Scan::default()
        })
        .await
    }

    /// How many the server should list, by what is known and the news of it.
    fn listed(&self) -> usize {
        let known = self.known.iter().filter(|item| item.missing_ms.is_none());
        known.count().saturating_add(self.report.added)
    }

    /// Ends a whole look; if it is `sure` that it missed nothing, what it has not met is missing, and
    /// gone when it is so for a day. Gives how many those are where that may be a mistake; `before`
    /// is what the look before this one gave.
    async fn finish(&mut self, sure: bool, before: usize, now_ms: i64) -> Result<usize> {
        let mut renamed = Vec::new();
        for (known, item) in std::mem::take(&mut self.moved) {
            if self.met.insert(known) {
                renamed.extend(item.rating_key.clone().map(|key| (known, key)));
                self.report.updated += 1;
                self.upserts.push(item);
            } else {
                self.add(item);
            }
        }
        self.apply(Scan {
            renamed,
            ..Scan::default()
        })
        .await?;
        self.flush().await?;
        if !sure {
            let why = "its list changed while it was read; nothing is taken for gone this time";
            self.report.remark(why.to_owned());
            return Ok(0);
        }
        let met = &self.met;
        let missed = self.known.iter().filter(|item| !met.contains(&item.id));
        let (fresh, long): (Vec<&MediaItem>, Vec<_>) =
            missed.copied().partition(|item| item.missing_ms.is_none());
        let (lost, listed) = (fresh.len(), self.known.len() - long.len());
        let many = lost >= MANY && lost.saturating_mul(5) > listed;
        if lost != before && (many || (lost > 0 && lost == listed)) {
            let why = format!(
                "its server does not list {lost} of {listed} titles; if it is so the next time \
                 too, they are taken for gone"
            );
            self.report.remark(why);
            return Ok(lost);
        }
        let kept = |since_ms: i64| now_ms.saturating_sub(since_ms) < KEPT_MS;
        let gone = long
            .iter()
            .filter(|item| !item.missing_ms.is_some_and(kept));
        let gone: Vec<MediaItemId> = gone.map(|item| item.id).collect();
        self.report.missing = lost;
        self.report.removed = gone.len();
        self.apply(Scan {
            missing: fresh.iter().map(|item| (item.id, now_ms)).collect(),
            gone,
            ..Scan::default()
        })
        .await?;
        Ok(0)
    }

    async fn apply(&self, scan: Scan) -> Result<()> {
        self.store.apply_scan(self.library, scan).await
    }

    /// What was not listed among the news is as it was.
    fn others_unchanged(&mut self) {
        let known = self.known.iter();
        for item in known.filter(|item| !self.met.contains(&item.id)) {
            self.report.unchanged += 1;
            self.report.unplayable += usize::from(item.part.problem.is_some());
        }
        self.told.seen = self.known.len();
        (self.progress)(&self.told);
    }
}

/// What an item is wherever it is; `None` where that is only what this server made up.
fn guid(about: Option<&About>) -> Option<&str> {
    let guid = about?.guid.as_deref()?;
    let made_up = guid.starts_with("local://") || guid.contains("none://");
    (!made_up).then_some(guid)
}
