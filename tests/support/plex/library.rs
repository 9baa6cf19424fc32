//! The library: sections with titles that are held and titles that are made when asked for,
//! collections and playlists.

use super::folder;
use super::item::{Item, Kind};
use super::synthetic::Synthetic;
use std::borrow::Cow;
use std::path::Path;

/// What a section is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SectionKind {
    Films,
    Shows,
    /// Home videos: films that are called clips.
    OtherVideos,
}

impl SectionKind {
    /// What is listed when nothing is said.
    pub(crate) fn rows(self) -> Kind {
        match self {
            Self::Films | Self::OtherVideos => Kind::Film,
            Self::Shows => Kind::Show,
        }
    }
}

/// Everything that the server has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Library {
    pub(crate) sections: Vec<Section>,
    pub(crate) collections: Vec<Group>,
    pub(crate) playlists: Vec<Group>,
    /// What only playlists know: tracks, photos.
    pub(crate) loose: Vec<Item>,
}

/// One library of the server.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) key: u64,
    pub(crate) kind: SectionKind,
    pub(crate) title: String,
    pub(crate) uuid: String,
    pub(crate) path: String,
    pub(crate) scanned_at: i64,
    /// Raised with each change.
    pub(crate) content_changed_at: u64,
    pub(crate) items: Vec<Item>,
    pub(crate) made: Option<Synthetic>,
}

/// A collection or a playlist.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) rating_key: u64,
    /// The section of a collection.
    pub(crate) section: Option<u64>,
    pub(crate) title: String,
    pub(crate) updated_at: Option<i64>,
    /// Whether it is a search, or a list.
    pub(crate) is_smart: bool,
    pub(crate) items: Vec<u64>,
}

/// What a row is looked up by, without the row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) rating_key: u64,
    pub(crate) added_at: i64,
    pub(crate) updated_at: Option<i64>,
}

impl Library {
    /// The videos of a folder as a library of films (section 1) and one of shows (section 2), with
    /// a collection and two playlists of them.
    pub(crate) fn from_folder(folder: &Path) -> Self {
        folder::library(folder)
    }

    /// So many titles in seven sections, no file behind any of them.
    pub(crate) fn synthetic(titles: usize) -> Self {
        Self::default().with_synthetic(titles)
    }

    /// Filled up to so many titles, in seven sections. All sections but the last hold a multiple of
    /// 500 titles if there are enough of them, so that pages of 500 come out even.
    pub(crate) fn with_synthetic(mut self, titles: usize) -> Self {
        super::synthetic::fill(&mut self, titles);
        self
    }

    /// Films and episodes in all sections.
    pub(crate) fn titles(&self) -> usize {
        let kinds = [Kind::Film, Kind::Episode];
        let sections = self.sections.iter();
        sections
            .flat_map(|section| kinds.map(|kind| section.facts(kind).count()))
            .sum()
    }

    pub(crate) fn section(&self, key: u64) -> Option<&Section> {
        self.sections.iter().find(|section| section.key == key)
    }

    pub(crate) fn section_mut(&mut self, key: u64) -> Option<&mut Section> {
        self.sections.iter_mut().find(|section| section.key == key)
    }

    /// A row and the section that it is in, if it is in one.
    pub(crate) fn item(&self, rating_key: u64) -> Option<(Cow<'_, Item>, Option<&Section>)> {
        let mut sections = self.sections.iter();
        let found = sections.find_map(|section| Some((section.item(rating_key)?, Some(section))));
        found.or_else(|| {
            let loose = self.loose.iter();
            let mut loose = loose.filter(|item| item.rating_key == rating_key);
            loose.next().map(|item| (Cow::Borrowed(item), None))
        })
    }

    /// A title that is held. One that was made becomes held, so that it can be changed.
    pub(crate) fn item_mut(&mut self, rating_key: u64) -> Option<&mut Item> {
        let sections = self.sections.iter_mut();
        let mut having = sections.filter(|section| section.item(rating_key).is_some());
        having.next()?.hold(rating_key)
    }

    /// The file was replaced: its parts get another change stamp, and its rows tell when.
    pub(crate) fn replace_file(&mut self, rating_key: u64) {
        let item = self.item_mut(rating_key).unwrap();
        for part in item.parts_mut() {
            part.change_stamp += 1;
        }
        item.updated_at = item.updated_at.map(|at| at + 1);
        self.touch(rating_key);
    }

    /// The title was removed and found again: another key, the same guid.
    pub(crate) fn move_item(&mut self, from: u64, to: u64) {
        self.item_mut(from).unwrap().rating_key = to;
        let groups = self.collections.iter_mut().chain(&mut self.playlists);
        for key in groups.flat_map(|group| &mut group.items) {
            *key = if *key == from { to } else { *key };
        }
        self.touch(to);
    }

    /// The title is gone.
    pub(crate) fn remove(&mut self, rating_key: u64) {
        self.touch(rating_key);
        for section in &mut self.sections {
            section.items.retain(|item| item.rating_key != rating_key);
            if let Some(made) = &mut section.made {
                made.hidden.insert(rating_key);
            }
        }
    }

    /// Says that the section of this title has changed.
    fn touch(&mut self, rating_key: u64) {
        let sections = self.sections.iter_mut();
        for section in sections.filter(|section| section.item(rating_key).is_some()) {
            section.content_changed_at += 1;
            section.scanned_at += 1;
        }
    }
}

impl Section {
    pub(crate) fn new(key: u64, kind: SectionKind, title: &str) -> Self {
        let uuid = super::item::mixed(key);
        Self {
            key,
            kind,
            title: title.to_owned(),
            uuid: format!("{:08x}-0000-4000-8000-{key:012x}", uuid >> 32),
            path: format!("/data/{}", title.to_lowercase().replace(' ', "-")),
            scanned_at: 1_700_000_000,
            content_changed_at: 1000 + key,
            items: Vec::new(),
            made: None,
        }
    }

    /// All rows of a kind.
    pub(crate) fn facts(&self, kind: Kind) -> impl Iterator<Item = Facts> {
        let held = self.items.iter().filter(move |item| item.kind == kind);
        let held = held.map(|item| Facts {
            rating_key: item.rating_key,
            added_at: item.added_at,
            updated_at: item.updated_at,
        });
        let made = self.made.iter().flat_map(move |made| made.facts(kind));
        held.chain(made)
    }

    pub(crate) fn item(&self, rating_key: u64) -> Option<Cow<'_, Item>> {
        let mut held = self.items.iter();
        match held.find(|item| item.rating_key == rating_key) {
            Some(item) => Some(Cow::Borrowed(item)),
            None => Some(Cow::Owned(self.made.as_ref()?.item(rating_key)?)),
        }
    }

    /// The rows directly below this one, in order.
    pub(crate) fn children(&self, rating_key: u64) -> Vec<Cow<'_, Item>> {
        let held = self.items.iter();
        let held = held.filter(|item| item.parent() == Some(rating_key));
        let mut all: Vec<_> = held.map(Cow::Borrowed).collect();
        if let Some(made) = &self.made {
            let keys = made.children(rating_key);
            all.extend(keys.filter_map(|key| made.item(key)).map(Cow::Owned));
        }
        all.sort_by_key(|item| item.index);
        all
    }

    fn hold(&mut self, rating_key: u64) -> Option<&mut Item> {
        let held = |item: &Item| item.rating_key == rating_key;
        if !self.items.iter().any(held) {
            let made = self.made.as_mut()?;
            self.items.push(made.item(rating_key)?);
            made.hidden.insert(rating_key);
        }
        self.items.iter_mut().find(|item| held(item))
    }
}
