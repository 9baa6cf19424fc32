//! Titles without a file, as many as wanted: rows that look like real ones, made when they are asked
//! for and the same each time. With the oddities of real libraries in about the proportions in
//! which they occur.

use super::item::{Item, Kind, Lineage, mixed};
use super::library::{Facts, Library, Section, SectionKind};
use super::made_media;
use std::collections::BTreeSet;

/// Episodes of a show, and of a season.
const SHOW_EPISODES: usize = 60;
const SEASON_EPISODES: usize = 12;
const SHOW_SEASONS: usize = SHOW_EPISODES / SEASON_EPISODES;

/// Rating keys: those of a section lie together, episodes or films first.
const SECTION_KEYS: u64 = 1_000_000;
const FIRST_SEASON: u64 = 600_000;
const FIRST_SHOW: u64 = 800_000;

/// The seven sections, and how many thousandths of the titles each one gets.
const SECTIONS: [(SectionKind, &str, usize); 7] = [
    (SectionKind::Films, "Films", 210),
    (SectionKind::Shows, "Shows", 430),
    (SectionKind::Films, "Kids Films", 55),
    (SectionKind::Films, "Documentaries", 90),
    (SectionKind::Shows, "Anime", 105),
    (SectionKind::Shows, "Classic Television", 90),
    (SectionKind::OtherVideos, "Home Videos", 20),
];

/// Sections are filled in steps of this many titles.
const STEP: usize = 500;

/// The titles of one section.
#[derive(Debug, Clone)]
pub(crate) struct Synthetic {
    section: u64,
    kind: SectionKind,
    titles: usize,
    /// Rating keys that are gone, or held elsewhere.
    pub(crate) hidden: BTreeSet<u64>,
}

/// Fills a library up to so many titles.
pub(super) fn fill(library: &mut Library, titles: usize) {
    let mut left = titles;
    for (at, (kind, title, share)) in SECTIONS.into_iter().enumerate() {
        let key = at as u64 + 1;
        if library.section(key).is_none() {
            library.sections.push(Section::new(key, kind, title));
        }
        let section = library.section_mut(key).unwrap();
        let is_last = at + 1 == SECTIONS.len();
        let share = titles * share / 1000;
        let even = if share >= STEP {
            share / STEP * STEP
        } else {
            share
        };
        let wanted = if is_last { left } else { even.min(left) };
        let leaf = section.leaf();
        let held = section.facts(leaf).count();
        section.made = Some(Synthetic {
            section: key,
            kind: section.kind,
            titles: wanted.saturating_sub(held),
            hidden: BTreeSet::new(),
        });
        left -= wanted.max(held).min(left);
    }
}

impl Section {
    /// What its titles are.
    fn leaf(&self) -> Kind {
        match self.kind {
            SectionKind::Shows => Kind::Episode,
            SectionKind::Films | SectionKind::OtherVideos => Kind::Film,
        }
    }
}

impl Synthetic {
    fn count(&self, kind: Kind) -> usize {
        match (self.kind, kind) {
            (SectionKind::Shows, Kind::Episode) => self.titles,
            (SectionKind::Shows, Kind::Season) => self.titles.div_ceil(SEASON_EPISODES),
            (SectionKind::Shows, Kind::Show) => self.titles.div_ceil(SHOW_EPISODES),
            (SectionKind::Films | SectionKind::OtherVideos, Kind::Film) => self.titles,
            _ => 0,
        }
    }

    fn key(&self, kind: Kind, index: usize) -> u64 {
        let first = match kind {
            Kind::Season => FIRST_SEASON,
            Kind::Show => FIRST_SHOW,
            _ => 0,
        };
        self.section * SECTION_KEYS + first + index as u64
    }

    /// What a rating key names, if this section has it.
    fn place(&self, rating_key: u64) -> Option<(Kind, usize)> {
        let offset = rating_key.checked_sub(self.section * SECTION_KEYS)?;
        let (kind, index) = match (self.kind, offset) {
            (_, SECTION_KEYS..) => return None,
            (SectionKind::Shows, FIRST_SHOW..) => (Kind::Show, offset - FIRST_SHOW),
            (SectionKind::Shows, FIRST_SEASON..) => (Kind::Season, offset - FIRST_SEASON),
            (SectionKind::Shows, _) => (Kind::Episode, offset),
            _ => (Kind::Film, offset),
        };
        let index = index as usize;
        let is_there = index < self.count(kind) && !self.hidden.contains(&rating_key);
        is_there.then_some((kind, index))
    }

    pub(crate) fn facts(&self, kind: Kind) -> impl Iterator<Item = Facts> {
        let keys = (0..self.count(kind)).map(move |index| self.key(kind, index));
        keys.filter(|key| !self.hidden.contains(key)).map(facts)
    }

    /// The keys directly below a show or a season.
    pub(crate) fn children(&self, rating_key: u64) -> impl Iterator<Item = u64> {
        let (kind, index, each) = match self.place(rating_key) {
            Some((Kind::Show, index)) => (Kind::Season, index, SHOW_SEASONS),
            Some((Kind::Season, index)) => (Kind::Episode, index, SEASON_EPISODES),
            _ => (Kind::Film, 0, 0),
        };
        let to = ((index + 1) * each).min(self.count(kind));
        (index * each..to).map(move |index| self.key(kind, index))
    }

    pub(crate) fn item(&self, rating_key: u64) -> Option<Item> {
        let (kind, index) = self.place(rating_key)?;
        let dice = mixed(rating_key);
        let facts = facts(rating_key);
        let mut item = Item::bare(rating_key, kind, &title(kind, index, dice));
        item.added_at = facts.added_at;
        item.updated_at = facts.updated_at;
        item.summary = summary(dice);
        match kind {
            Kind::Episode => self.make_episode(&mut item, index),
            Kind::Season => self.make_season(&mut item, index),
            Kind::Show => self.make_show(&mut item, index),
            _ => make_film(&mut item, dice),
        }
        if matches!(kind, Kind::Film | Kind::Episode) {
            item.media = made_media::media(&item, &self.path(&item));
        }
        if self.kind == SectionKind::OtherVideos {
            item.more.push(("subtype", "clip".into()));
            item.guid = format!("local://{rating_key}");
            item.guids.clear();
        }
        Some(item)
    }

    fn make_episode(&self, item: &mut Item, index: usize) {
        let season = index / SEASON_EPISODES;
        let show = index / SHOW_EPISODES;
        item.index = Some((index % SEASON_EPISODES) as u32 + 1);
        item.duration_ms = Some(1_260_000 + mixed(item.rating_key) % 1_500_000);
        let dice = mixed(item.rating_key + 7);
        item.originally_available_at = Some(date(1975 + (show % 45) as u32, dice));
        item.year = (!dice.is_multiple_of(50)).then_some(1975 + (show % 45) as u32);
        item.content_rating = Some("TV-PG".to_owned());
        item.rating = Some(4.0 + (dice % 60) as f64 / 10.0);
        item.guids = elsewhere(item.rating_key);
        item.directors = vec![name(dice)];
        item.roles = (0..3).map(|n| name(dice >> n)).collect();
        let mut of_season = Item::bare(
            self.key(Kind::Season, season),
            Kind::Season,
            &format!("Season {}", season % SHOW_SEASONS + 1),
        );
        of_season.index = Some((season % SHOW_SEASONS) as u32 + 1);
        item.lineage = Some(Lineage {
            season: Some(of_season.above()),
            show: self.bare_show(show).above(),
        });
    }

    fn make_season(&self, item: &mut Item, index: usize) {
        let number = index % SHOW_SEASONS + 1;
        item.title = format!("Season {number}");
        item.index = Some(number as u32);
        let first = index * SEASON_EPISODES;
        item.leaf_count = SEASON_EPISODES.min(self.titles - first) as u64;
        item.lineage = Some(Lineage {
            season: None,
            show: self.bare_show(index / SHOW_SEASONS).above(),
        });
    }

    fn make_show(&self, item: &mut Item, index: usize) {
        let dice = mixed(item.rating_key);
        item.index = Some(1);
        item.year = Some(1975 + (index % 45) as u32);
        item.originally_available_at = item.year.map(|year| date(year, dice));
        item.leaf_count = SHOW_EPISODES.min(self.titles - index * SHOW_EPISODES) as u64;
        item.child_count = item.leaf_count.div_ceil(SEASON_EPISODES as u64);
        item.duration_ms = Some(1_800_000);
        item.studio = Some(format!("{} Television", name(dice >> 3)));
        item.content_rating = Some("TV-PG".to_owned());
        item.rating = Some(4.0 + (dice % 60) as f64 / 10.0);
        item.genres = genres(dice);
        item.roles = (0..6).map(|n| name(dice >> n)).collect();
        item.guids = elsewhere(item.rating_key);
    }

    fn bare_show(&self, index: usize) -> Item {
        let key = self.key(Kind::Show, index);
        let mut show = Item::bare(key, Kind::Show, &title(Kind::Show, index, mixed(key)));
        show.index = Some(1);
        show
    }

    /// Where its file would be.
    fn path(&self, item: &Item) -> String {
        let section = self.section;
        let title = &item.title;
        match (&item.lineage, item.year) {
            (Some(lineage), _) => {
                let show = &lineage.show.title;
                let season = lineage.season.as_ref().map_or(0, |season| season.index);
                let episode = item.index.unwrap_or(0);
                format!(
                    "/data/{section}/{show}/Season {season:02}/{show} - S{season:02}E{episode:02}"
                )
            }
            (None, Some(year)) => format!("/data/{section}/{title} ({year})/{title} ({year})"),
            (None, None) => format!("/data/{section}/{title}/{title}"),
        }
    }
}

/// Rows are added one after the other; one of eleven does not say when it was changed.
fn facts(rating_key: u64) -> Facts {
    let added_at = 1_500_000_000 + (mixed(rating_key) % 200_000_000) as i64;
    Facts {
        rating_key,
        added_at,
        updated_at: (!rating_key.is_multiple_of(11)).then_some(added_at + 86_400),
    }
}

fn make_film(item: &mut Item, dice: u64) {
    let year = 1930 + (dice % 95) as u32;
    item.year = (!dice.is_multiple_of(97)).then_some(year);
    item.originally_available_at = Some(date(year, dice));
    item.duration_ms = Some(4_500_000 + dice % 5_000_000);
    item.studio = Some(format!("{} Pictures", name(dice >> 9)));
    let ratings = ["G", "PG", "PG-13", "R", "gb/12A", "nl/14"];
    item.content_rating = Some(ratings[(dice % 6) as usize].to_owned());
    item.rating = Some((dice % 100) as f64 / 10.0);
    item.genres = genres(dice);
    item.directors = vec![name(dice >> 5)];
    item.roles = (0..3).map(|n| name(dice >> n)).collect();
    item.guids = elsewhere(item.rating_key);
}

fn date(year: u32, dice: u64) -> String {
    let (month, day) = (dice % 12 + 1, dice / 12 % 28 + 1);
    format!("{year}-{month:02}-{day:02}")
}

fn elsewhere(rating_key: u64) -> Vec<String> {
    vec![
        format!("imdb://tt{rating_key:07}"),
        format!("tmdb://{}", rating_key % 900_000),
        format!("tvdb://{}", rating_key % 400_000),
    ]
}

const FIRST_WORDS: [&str; 16] = [
    "Silent", "Crimson", "Northern", "Paper", "Glass", "Hollow", "Golden", "Last", "Distant",
    "Broken", "Winter", "Electric", "Hidden", "Little", "Endless", "Blue",
];
const SECOND_WORDS: [&str; 16] = [
    "Harbour", "Orchard", "Signal", "Lantern", "Ferry", "Clock", "Garden", "Bridge", "Letter",
    "Station", "River", "Mirror", "Summer", "Compass", "Theatre", "Window",
];
const GENRES: [&str; 12] = [
    "Action",
    "Adventure",
    "Animation",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Family",
    "Mystery",
    "Science Fiction",
    "Thriller",
    "Western",
];
const GIVEN: [&str; 12] = [
    "Ada", "Bela", "Chiara", "Dario", "Edda", "Femi", "Greta", "Hugo", "Imke", "Jonas", "Keiko",
    "Lorenz",
];
const FAMILY: [&str; 12] = [
    "Arnold",
    "Brandt",
    "Castell",
    "Dumont",
    "Eriksen",
    "Falk",
    "Grimaldi",
    "Holm",
    "Ibarra",
    "Jansen",
    "Kowal",
    "Lindqvist",
];

fn title(kind: Kind, index: usize, dice: u64) -> String {
    let first = FIRST_WORDS[(dice % 16) as usize];
    let second = SECOND_WORDS[(dice / 16 % 16) as usize];
    match kind {
        Kind::Film => format!("The {first} {second} {index}"),
        Kind::Show => format!("{first} {second} {index}"),
        _ => format!("{first} {second}"),
    }
}

fn summary(dice: u64) -> String {
    let line = |n: u64| {
        let dice = mixed(dice + n);
        let who = name(dice);
        let first = FIRST_WORDS[(dice >> 8) as usize % 16].to_lowercase();
        let second = SECOND_WORDS[(dice >> 12) as usize % 16].to_lowercase();
        format!("{who} finds a {first} {second}, and nobody in the town will speak of it again.")
    };
    (0..4).map(line).collect::<Vec<_>>().join(" ")
}

fn genres(dice: u64) -> Vec<String> {
    let count = dice % 3 + 1;
    let at = |n: u64| GENRES[((dice >> 4) + n * 5) as usize % GENRES.len()].to_owned();
    (0..count).map(at).collect()
}

fn name(dice: u64) -> String {
    let given = GIVEN[(dice % 12) as usize];
    let family = FAMILY[(dice / 12 % 12) as usize];
    format!("{given} {family}")
}
