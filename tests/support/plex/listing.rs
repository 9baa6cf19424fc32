//! Lists: what is in them, in which order, and which page of it.

use super::fault::Faults;
use super::item::{Item, Kind};
use super::library::{Facts, Library, Section};
use super::meta;
use super::node::Node;
use super::request::{Asked, Page};
use super::row::{self, Depth};

/// A list as it is paged. The rows are made for the page only.
pub(crate) struct List<'a> {
    container: Node,
    total: usize,
    page: Option<Page>,
    limit: usize,
    growth: usize,
    rows: Box<dyn Fn(usize) -> Node + 'a>,
}

impl<'a> List<'a> {
    pub(crate) fn new(
        container: Node,
        asked: &Asked,
        total: usize,
        rows: impl Fn(usize) -> Node + 'a,
    ) -> Self {
        Self {
            container,
            total,
            page: asked.page(),
            limit: asked
                .number("limit")
                .map_or(usize::MAX, |limit| limit as usize),
            growth: 0,
            rows: Box::new(rows),
        }
    }

    /// Which rows are given, with what the faults make of it.
    fn window(&self, faults: &Faults) -> std::ops::Range<usize> {
        let (start, mut size) = match self.page {
            Some(page) => (page.start.min(self.total), page.size),
            None => (0, self.total),
        };
        size = size
            .min(faults.short_page.unwrap_or(usize::MAX))
            .min(self.limit);
        start..start.saturating_add(size).min(self.total)
    }

    /// The container of the page, and the paging headers that go with it. `None` when the server
    /// breaks down over so many rows.
    pub(crate) fn answer(self, asked: &Asked, faults: &Faults) -> Option<(Node, Paging)> {
        let window = self.window(faults);
        let wanted = self.page.map_or(self.total, |page| page.size);
        if faults.listing_most_rows.is_some_and(|most| wanted > most) {
            return None;
        }
        let total = self.total + self.growth;
        let mut container = self.container.with("size", window.len());
        let mut paging = None;
        if self.page.is_some() {
            container.set("totalSize", total);
            container.set("offset", window.start);
            paging = Some((window.start, total));
        }
        let (fields, elements) = (asked.list("excludeFields"), asked.list("excludeElements"));
        let broken = |at: usize| {
            let every = faults.broken_row_every;
            every.is_some_and(|every| (at + 1).is_multiple_of(every))
        };
        let rows = window.map(|at| {
            let mut row = (self.rows)(at);
            row.strip(&fields, &elements);
            if broken(at) {
                row.strip(&["ratingKey"], &[]);
                row.set("title", at);
            }
            row
        });
        Some((container.children(rows), paging))
    }

    /// As if titles were added while it is read.
    pub(crate) fn grown_by(mut self, rows: usize) -> Self {
        self.growth = rows;
        self
    }
}

/// What the paging headers of an answer say: start and total.
pub(crate) type Paging = Option<(usize, usize)>;

/// Which rows are wanted. Dates may be asked for with `>>=`, and loosely with `>=`.
struct Filter<'a> {
    guid: Option<&'a str>,
    /// Part of the title, in lower case.
    title: Option<String>,
    updated: Bounds,
    added: Bounds,
}

/// After and before, both exclusive.
#[derive(Default)]
struct Bounds {
    after: Option<i64>,
    before: Option<i64>,
}

impl Bounds {
    fn of(asked: &Asked, field: &str) -> Self {
        // A query is split at its first `=`, so the operator's rest is part of the name. The name may
        // have a type in front: `episode.addedAt`.
        let number = |operator: &str| {
            let wanted = format!("{field}{operator}");
            let mut all = asked.query.iter();
            let found = all.find(|(name, _)| name.rsplit('.').next() == Some(&wanted));
            found.and_then(|(_, text)| text.parse::<i64>().ok())
        };
        let bound = |operator: &str, loose: &str, shift: i64| {
            number(operator).or_else(|| number(loose).map(|at| at + shift))
        };
        Self {
            after: bound(">>", ">", -1),
            before: bound("<<", "<", 1),
        }
    }

    fn admit(&self, at: Option<i64>) -> bool {
        match (self.after, self.before, at) {
            (None, None, _) => true,
            (_, _, None) => false,
            (after, before, Some(at)) => {
                after.is_none_or(|after| at > after) && before.is_none_or(|before| at < before)
            }
        }
    }
}

impl<'a> Filter<'a> {
    fn of(asked: &'a Asked) -> Self {
        Self {
            guid: asked.query("guid"),
            title: asked.query("title").map(str::to_lowercase),
            updated: Bounds::of(asked, "updatedAt"),
            added: Bounds::of(asked, "addedAt"),
        }
    }

    fn admits(&self, section: &Section, facts: &Facts) -> bool {
        let item = || section.item(facts.rating_key);
        let has_guid = |guid: &str| item().is_some_and(|item| item.guid == guid);
        let has_title = |part: &String| {
            item().is_some_and(|item| item.title.to_lowercase().contains(part.as_str()))
        };
        self.updated.admit(facts.updated_at)
            && self.added.admit(Some(facts.added_at))
            && self.guid.is_none_or(has_guid)
            && self.title.as_ref().is_none_or(has_title)
    }
}

/// The rows of a kind that the request wants, in the order that it wants.
fn wanted(section: &Section, kind: Kind, asked: &Asked) -> Vec<Facts> {
    let filter = Filter::of(asked);
    let all = section.facts(kind);
    let mut wanted: Vec<Facts> = all.filter(|facts| filter.admits(section, facts)).collect();
    let sort = asked.query("sort").unwrap_or_default();
    let mut words = sort.split(',').next().unwrap_or_default().split(':');
    let field = words.next().unwrap_or_default();
    let is_descending = words.any(|word| word == "desc");
    match field.rsplit('.').next().unwrap_or_default() {
        "addedAt" => wanted.sort_by_key(|facts| facts.added_at),
        // Those that do not say come last.
        "updatedAt" => wanted.sort_by_key(|facts| facts.updated_at.unwrap_or(i64::MAX)),
        "titleSort" | "title" => wanted.sort_by_cached_key(|facts| {
            let item = section.item(facts.rating_key);
            item.map(|item| item.title.to_lowercase())
        }),
        "ratingKey" | "id" => wanted.sort_by_key(|facts| facts.rating_key),
        _ => {}
    }
    if is_descending {
        wanted.reverse();
    }
    wanted
}

/// The kind that `type=` names.
fn kind_of(number: u64) -> Option<Kind> {
    let kinds = [
        Kind::Film,
        Kind::Show,
        Kind::Season,
        Kind::Episode,
        Kind::Clip,
        Kind::Collection,
    ];
    kinds.into_iter().find(|kind| kind.number() == number)
}

/// `/library/sections/{key}/all`. The section stands on the container, never on the rows.
pub(crate) fn section<'a>(
    library: &'a Library,
    section: &'a Section,
    asked: &'a Asked,
    otherwise: Kind,
) -> List<'a> {
    let kind = match asked.number("type") {
        Some(number) => kind_of(number),
        None => Some(otherwise),
    };
    let container = Node::container()
        .with("allowSync", true)
        .with("art", "/:/resources/movie-fanart.jpg")
        .with("content", "secondary")
        .with("identifier", "com.plexapp.plugins.library")
        .with("librarySectionID", section.key)
        .with("librarySectionTitle", &section.title)
        .with("librarySectionUUID", &section.uuid)
        .with("mediaTagPrefix", "/system/bundle/media/flags/")
        .with("mediaTagVersion", 1_700_000_000_u32)
        .with("thumb", "/:/resources/movie.png")
        .with("title1", &section.title)
        .with("title2", "All")
        .with("viewGroup", kind.unwrap_or(otherwise).name());
    let container = with_meta(container, section, asked);
    if kind == Some(Kind::Collection) {
        return collections(library, section, container, asked);
    }
    let wanted = kind.map_or(Vec::new(), |kind| wanted(section, kind, asked));
    let depth = Depth::listed(asked);
    List::new(container, asked, wanted.len(), move |at| {
        let item = section.item(wanted[at].rating_key).unwrap();
        row::row(&item, depth)
    })
}

fn collections<'a>(
    library: &'a Library,
    section: &Section,
    container: Node,
    asked: &Asked,
) -> List<'a> {
    let groups = library.collections.iter();
    let groups: Vec<_> = groups
        .filter(|group| group.section == Some(section.key))
        .collect();
    List::new(container, asked, groups.len(), move |at| {
        row::collection(groups[at])
    })
}

/// `/library/sections/{key}/collections`.
pub(crate) fn section_collections<'a>(
    library: &'a Library,
    section: &Section,
    asked: &Asked,
) -> List<'a> {
    let container = Node::container()
        .with("librarySectionID", section.key)
        .with("librarySectionTitle", &section.title)
        .with("librarySectionUUID", &section.uuid);
    let container = with_meta(container, section, asked);
    collections(library, section, container, asked)
}

fn with_meta(container: Node, section: &Section, asked: &Asked) -> Node {
    let meta = asked.is_on("includeMeta").then(|| meta::node(section));
    container.children(meta)
}

/// `/library/all`: the whole server; here the rows do tell their section.
pub(crate) fn everything<'a>(library: &'a Library, asked: &'a Asked) -> List<'a> {
    let kinds: Vec<Kind> = match asked.number("type") {
        Some(number) => kind_of(number).into_iter().collect(),
        None => vec![Kind::Film, Kind::Show, Kind::Season, Kind::Episode],
    };
    let mut found = Vec::new();
    for section in &library.sections {
        for kind in &kinds {
            let wanted = wanted(section, *kind, asked).into_iter();
            found.extend(wanted.map(|facts| (section, facts.rating_key)));
        }
    }
    let container = Node::container()
        .with("allowSync", true)
        .with("identifier", "com.plexapp.plugins.library");
    let depth = Depth::listed(asked);
    List::new(container, asked, found.len(), move |at| {
        let (section, key) = found[at];
        let item = section.item(key).unwrap();
        row::row(&item, depth)
            .with("librarySectionID", section.key)
            .with("librarySectionTitle", &section.title)
    })
}

/// `/library/metadata/{key}/children`. A show also has a row that stands for all of its episodes,
/// unless that is asked to be left out; it has no key of its own.
pub(crate) fn children<'a>(
    section: &'a Section,
    rating_key: u64,
    asked: &'a Asked,
) -> Option<List<'a>> {
    let parent = section.item(rating_key)?;
    let rows = section.children(rating_key);
    let has_all = parent.kind == Kind::Show && !asked.is_on("excludeAllLeaves") && !rows.is_empty();
    let container = below(section, &parent).with("title2", &parent.title);
    let depth = Depth::listed(asked);
    let leaves = parent.leaf_count;
    let first = usize::from(has_all);
    Some(List::new(
        container,
        asked,
        rows.len() + first,
        move |at| match at.checked_sub(first) {
            Some(at) => row::row(&rows[at], depth),
            None => all_episodes(rating_key, leaves),
        },
    ))
}

fn all_episodes(show: u64, leaves: u64) -> Node {
    Node::named("Metadata", "Directory")
        .with("key", format!("/library/metadata/{show}/allLeaves"))
        .with("type", "season")
        .with("title", "All episodes")
        .with("leafCount", leaves)
        .with("viewedLeafCount", 0_u32)
}

/// `/library/metadata/{key}/allLeaves`.
pub(crate) fn leaves<'a>(
    section: &'a Section,
    rating_key: u64,
    asked: &'a Asked,
) -> Option<List<'a>> {
    let parent = section.item(rating_key)?;
    let mut rows = Vec::new();
    for child in section.children(rating_key) {
        if child.kind == Kind::Season {
            rows.extend(section.children(child.rating_key));
        } else {
            rows.push(child);
        }
    }
    let container = below(section, &parent);
    let depth = Depth::listed(asked);
    Some(List::new(container, asked, rows.len(), move |at| {
        row::row(&rows[at], depth)
    }))
}

fn below(section: &Section, parent: &Item) -> Node {
    Node::container()
        .with("allowSync", true)
        .with("identifier", "com.plexapp.plugins.library")
        .with("key", parent.rating_key.to_string())
        .with("librarySectionID", section.key)
        .with("librarySectionTitle", &section.title)
        .with("librarySectionUUID", &section.uuid)
        .with("parentTitle", &parent.title)
        .with("title1", &section.title)
}

/// The members of a collection or a playlist, as they are listed, whatever they are.
pub(crate) fn members<'a>(
    library: &'a Library,
    container: Node,
    items: &'a [u64],
    asked: &'a Asked,
) -> List<'a> {
    let found = items.iter().filter_map(|key| library.item(*key));
    let found: Vec<_> = found.collect();
    let depth = Depth::listed(asked);
    List::new(container, asked, found.len(), move |at| {
        let (item, section) = &found[at];
        let row = row::row(item, depth);
        row.maybe("librarySectionID", section.map(|section| section.key))
    })
}
