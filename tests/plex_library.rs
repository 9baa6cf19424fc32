//! Sections of a Plex server as libraries, read from a stand-in: all of a large one, what has
//! changed, and what a server does that is not as it should be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "plex_library/playlists.rs"]
mod playlists;
#[path = "support/plex/mod.rs"]
mod plex;

use exstreamtv::catalog::{Catalog, Librarian, sync::Report};
use exstreamtv::error::{Failure, Result};
use exstreamtv::model::{
    ChannelNumber, Library as Section, MediaItem, MediaItemId, NewChannel, Order, Origin,
};
use exstreamtv::plex::{Class, Credentials, KnownServer, Ownership, Secret, Servers};
use exstreamtv::schedule::{Wishes, suggest};
use exstreamtv::store::Store;
use plex::{Library, Standin};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

const DAY_MS: i64 = 24 * 3_600 * 1_000;
const NOW_MS: i64 = 1_800_000_000_000;

/// A box that is linked to a stand-in, with all of its sections as libraries.
struct House {
    _state: tempfile::TempDir,
    servers: Arc<Servers>,
    librarian: Librarian,
    standin: Standin,
    now_ms: i64,
}

impl House {
    async fn with(library: Library) -> Self {
        let standin = Standin::start(library);
        let state = tempfile::tempdir().unwrap();
        let servers = Arc::new(Servers::open(state.path(), "Test").unwrap());
        let token = Secret::new(&standin.token());
        servers.link_server(&standin.url(), &token).await.unwrap();
        let store = Store::open(state.path()).await.unwrap();
        let librarian = Librarian::open(store).await.unwrap();
        let librarian = librarian.reaching(Arc::clone(&servers));
        let server = servers.server(&standin.machine()).await.unwrap();
        for section in server.sections().await.unwrap() {
            let place = (standin.machine(), section.key);
            // One of music is refused.
            let added = librarian.add_section((&place.0, &place.1), None).await;
            assert_eq!(added.is_ok(), section.kind != exstreamtv::plex::Kind::Other);
        }
        standin.reset_counts();
        Self {
            _state: state,
            servers,
            librarian,
            standin,
            now_ms: NOW_MS,
        }
    }

    async fn sync(&self) -> Vec<(Section, Result<Report>)> {
        self.librarian.sync(self.now_ms, |_, _| ()).await.unwrap()
    }

    /// The sums of a sync that went well everywhere.
    async fn synced(&self) -> Report {
        let mut sum = Report::default();
        for (_, report) in self.sync().await {
            let report = report.unwrap();
            sum.added += report.added;
            sum.updated += report.updated;
            sum.removed += report.removed;
            sum.missing += report.missing;
            sum.unchanged += report.unchanged;
            sum.unplayable += report.unplayable;
            sum.remarks.extend(report.remarks);
        }
        sum
    }

    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.librarian.catalog().borrow())
    }

    /// What became of an item, by the key that it has now.
    fn item(&self, rating_key: u64) -> Option<Arc<MediaItem>> {
        let key = rating_key.to_string();
        let catalog = self.catalog();
        let mut items = catalog.items().iter();
        let found = items.find(|item| item.rating_key.as_deref() == Some(&key));
        found.cloned()
    }

    fn rating_key(&self, at: usize) -> u64 {
        let key = self.catalog().items()[at].rating_key.clone();
        key.unwrap().parse().unwrap()
    }

    fn requests(&self, class: plex::Class) -> u64 {
        self.standin.counts().of(class)
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_of_28949_titles_comes_in_58_requests_and_each_title_has_its_library() {
    let house = House::with(Library::synthetic(28_949)).await;
    let (before, began) = (resident_bytes(), std::time::Instant::now());
    let report = house.synced().await;
    println!(
        "{} titles in {:?}, {} kB more than before",
        report.added,
        began.elapsed(),
        resident_bytes().saturating_sub(before) / 1024
    );
    assert_eq!(report.added, 28_949);
    assert_eq!(report.remarks, [""; 0]);
    assert_eq!(house.requests(plex::Class::Listing), 58);
    assert_eq!(house.requests(plex::Class::Metadata), 0);
    let catalog = house.catalog();
    let mut counts = BTreeMap::new();
    for item in catalog.items() {
        let library = catalog.library(item.library).unwrap();
        assert!(matches!(&library.origin, Origin::Plex { server, .. }
            if *server == house.standin.machine()));
        *counts.entry(library.name.clone()).or_insert(0_usize) += 1;
    }
    println!("{counts:?}");
    assert_eq!(counts.len(), 7);

    house.standin.reset_counts();
    let began = std::time::Instant::now();
    let again = house.synced().await;
    println!("again in {:?}", began.elapsed());
    assert_eq!(again.unchanged, 28_949);
    assert_eq!(house.requests(plex::Class::Listing), 0);
    assert_eq!(house.requests(plex::Class::Sections), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_of_28949_titles_becomes_twenty_to_forty_channels_that_differ() {
    let house = House::with(Library::synthetic(28_949)).await;
    house.synced().await;
    let catalog = house.catalog();
    let began = std::time::Instant::now();
    let suggested = suggest(&catalog, &Wishes::default(), NOW_MS);
    let took = began.elapsed();
    let hours = |channel: &NewChannel| {
        let durations = channel
            .items
            .iter()
            .map(|id| catalog.item(*id).unwrap().part.duration_ms.unwrap());
        durations.sum::<u64>() / 3_600_000
    };
    for channel in &suggested {
        println!(
            "{:>4} {:32} {:5} titles {:5} h",
            channel.number.to_string(),
            channel.name,
            channel.items.len(),
            hours(channel)
        );
    }
    println!("{} channels in {took:?}", suggested.len());
    assert!((20..=40).contains(&suggested.len()));
    assert!(took.as_secs() < 20, "{took:?}");
    assert!(suggested.iter().all(|channel| hours(channel) >= 8));
    assert_eq!(suggested, suggest(&catalog, &Wishes::default(), NOW_MS));

    let mut times: HashMap<MediaItemId, usize> = HashMap::new();
    let sets: Vec<BTreeSet<_>> = suggested
        .iter()
        .map(|channel| channel.items.iter().copied().collect())
        .collect();
    for (at, one) in sets.iter().enumerate() {
        assert_eq!(one.len(), suggested[at].items.len(), "nothing twice");
        one.iter()
            .for_each(|id| *times.entry(*id).or_default() += 1);
        for (other, name) in sets.iter().zip(&suggested).take(at) {
            let shared = one.intersection(other).count();
            let together = one.union(other).count();
            let names = (&suggested[at].name, &name.name);
            assert!(shared * 3 <= together, "{names:?}: {shared} of {together}");
        }
    }
    let most = times.values().max();
    println!("{} titles, each on at most {most:?}", times.len());
    assert!(most <= Some(&5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_changed_is_read_and_nothing_else() {
    let mut house = House::with(Library::synthetic(2_000)).await;
    house.synced().await;
    let key = house.rating_key(700);
    let before = house.item(key).unwrap();
    house.now_ms += 3_600_000;
    house.standin.library(|library| {
        library.item_mut(key).unwrap().title = "Another title".to_owned();
        library.item_mut(key).unwrap().updated_at = Some(NOW_MS / 1_000 + 60);
        library.replace_file(key);
    });
    house.standin.reset_counts();
    let report = house.synced().await;
    assert_eq!((report.updated, report.added, report.removed), (1, 0, 0));
    assert_eq!(report.unchanged, 1_999);
    // What was changed, what was added, and how many there are now.
    assert_eq!(house.requests(plex::Class::Listing), 3);
    let after = house.item(key).unwrap();
    assert_eq!(
        (after.id, after.title.as_str()),
        (before.id, "Another title")
    );
    assert_ne!(after.part.path, before.part.path);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_title_is_news_and_no_reason_to_read_the_whole_list() {
    let mut house = House::with(Library::synthetic(2_000)).await;
    house.synced().await;
    let key = house.rating_key(10);
    house.now_ms += 3_600_000;
    house.standin.library(|library| {
        let sections = library.sections.iter_mut();
        let mut having = sections.filter(|section| section.item(key).is_some());
        let section = having.next().unwrap();
        let mut new = section.item(key).unwrap().into_owned();
        new.rating_key = 9_000_002;
        new.guid = "plex://movie/00000000000000000000abcd".to_owned();
        (new.added_at, new.updated_at) = (NOW_MS / 1_000 + 60, Some(NOW_MS / 1_000 + 60));
        section.items.push(new);
        section.content_changed_at += 1;
    });
    house.standin.reset_counts();
    let report = house.synced().await;
    assert_eq!((report.added, report.unchanged), (1, 2_000));
    assert_eq!(house.requests(plex::Class::Listing), 3);
    assert!(house.item(9_000_002).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_plex_tv_gives_anew_is_kept() {
    let standin = Standin::start(Library::synthetic(10));
    let state = tempfile::tempdir().unwrap();
    let known = KnownServer {
        machine: standin.machine(),
        name: "Stand-in".to_owned(),
        ownership: Ownership::Owned,
        token: Secret::new("an-old-one"),
        url: None,
        last_good: None,
    };
    let mut credentials = Credentials::load(state.path()).unwrap();
    credentials.account = Some(Secret::new(&standin.account_token()));
    credentials.keep(known);
    credentials.save(state.path()).unwrap();
    let servers = Servers::open(state.path(), "Test").unwrap();
    let servers = servers.asking(&standin.account_url());
    let server = servers.server(&standin.machine()).await.unwrap();
    assert!(server.sections().await.is_ok());
    let kept = Credentials::load(state.path()).unwrap();
    let kept = kept.server(&standin.machine()).unwrap();
    assert_eq!(kept.token, Secret::new(&standin.token()));
    // It was found in clear, which is not where to look first.
    assert_eq!(kept.last_good, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_that_comes_back_under_another_key_keeps_its_channel() {
    let mut house = House::with(Library::synthetic(2_000)).await;
    house.synced().await;
    let key = house.rating_key(10);
    let before = house.item(key).unwrap();
    let channel = NewChannel {
        number: "5".parse::<ChannelNumber>().unwrap(),
        name: "Five".to_owned(),
        epoch_ms: 0,
        order: Order::Listed,
        items: vec![before.id],
    };
    house.librarian.add_channels(vec![channel]).await.unwrap();
    house.now_ms += 3_600_000;
    house.standin.library(|library| {
        library.move_item(key, 9_000_001);
        library.item_mut(9_000_001).unwrap().added_at = NOW_MS / 1_000 + 60;
    });
    house.synced().await;
    assert!(house.item(key).is_none());
    let after = house.item(9_000_001).unwrap();
    assert_eq!(after.id, before.id);
    assert_eq!(house.catalog().channels()[0].items, [before.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_kept_for_a_day() {
    let mut house = House::with(Library::synthetic(2_000)).await;
    house.synced().await;
    let key = house.rating_key(10);
    house.standin.library(|library| library.remove(key));
    house.now_ms += 3_600_000;
    let report = house.synced().await;
    assert_eq!(report.removed, 0);
    assert!(house.item(key).unwrap().missing_ms.is_some());
    let since_ms = house.item(key).unwrap().missing_ms;
    // Another one goes, so that the whole list is read once more within the day.
    let other = house.rating_key(11);
    house.standin.library(|library| library.remove(other));
    house.now_ms += DAY_MS - 60_000;
    let report = house.synced().await;
    assert_eq!((report.removed, report.missing), (0, 1));
    assert_eq!(house.item(key).unwrap().missing_ms, since_ms);
    house.now_ms += DAY_MS + 60_000;
    assert_eq!(house.synced().await.removed, 2);
    assert!(house.item(key).is_none());
    assert_eq!(house.catalog().items().len(), 1_998);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_is_suddenly_empty_is_not_believed_at_once() {
    let mut house = House::with(Library::synthetic(2_000)).await;
    house.synced().await;
    let sections = house
        .standin
        .library(|library| std::mem::take(&mut library.sections));
    let emptied = sections.iter().cloned().map(|mut section| {
        section.items.clear();
        section.made = None;
        section.scanned_at += 1;
        section
    });
    let emptied = emptied.collect();
    house.standin.library(|library| library.sections = emptied);
    house.now_ms += 3_600_000;
    let report = house.synced().await;
    assert_eq!(report.remarks.len(), 7);
    assert!(
        report.remarks[0].contains("does not list"),
        "{:?}",
        report.remarks
    );
    assert!(
        house
            .catalog()
            .items()
            .iter()
            .all(|item| item.missing_ms.is_none())
    );
    house.standin.library(|library| library.sections = sections);
    house.now_ms += DAY_MS;
    assert_eq!(house.synced().await.unchanged, 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_is_one_clear_state_and_no_title_is_bad_for_it() {
    let house = House::with(Library::synthetic(2_000)).await;
    house.synced().await;
    house.standin.faults(|faults| faults.unauthorized = true);
    for _ in 0..3 {
        for (_, report) in house.sync().await {
            let error = report.unwrap_err();
            assert_eq!(error.failure(), Failure::Auth, "{error}");
            assert!(!error.to_string().contains(&house.standin.token()));
        }
    }
    let standings = house.servers.standings();
    assert_eq!(standings[0].trouble.as_ref().unwrap().class, Class::Auth);
    let asked = house.standin.counts().requests();
    assert!(asked < 40, "a storm of {asked} requests");
    assert_eq!(house.catalog().items().len(), 2_000);
    assert!(
        house
            .catalog()
            .items()
            .iter()
            .all(|item| item.missing_ms.is_none())
    );

    house.standin.heal();
    let token = Secret::new(&house.standin.token());
    house
        .servers
        .link_server(&house.standin.url(), &token)
        .await
        .unwrap();
    assert_eq!(house.synced().await.unchanged, 2_000);
    assert_eq!(house.servers.standings()[0].trouble, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_answer_oddly_lose_nothing() {
    let mut house = House::with(Library::synthetic(2_000)).await;
    // A page that is too large for it is asked for in halves.
    house
        .standin
        .faults(|faults| faults.listing_most_rows = Some(130));
    assert_eq!(house.synced().await.added, 2_000);
    for (name, odd) in [
        (
            "short pages",
            (|faults| faults.short_page = Some(70)) as fn(&mut plex::Faults),
        ),
        ("a total that grows", |faults| faults.growing_total = true),
        ("rows without sense", |faults| {
            faults.broken_row_every = Some(300)
        }),
        ("a web page", |faults| faults.html = true),
        ("no lists", |faults| faults.listing_status = Some(500)),
        ("maintenance", |faults| faults.maintenance = true),
        ("another server", |faults| faults.wrong_machine = true),
    ] {
        house.standin.heal();
        house.standin.faults(odd);
        // The whole list is read again, once it is asked at all.
        house.now_ms += 2 * DAY_MS;
        for (section, report) in house.sync().await {
            match report {
                Ok(report) => println!("{name}: {}: {:?}", section.name, report.remarks),
                Err(error) => println!("{name}: {}: {error}", section.name),
            }
        }
        let catalog = house.catalog();
        let there = catalog
            .items()
            .iter()
            .filter(|item| item.missing_ms.is_none());
        let missing = 2_000 - there.count();
        // A row that makes no sense is a title that is not listed: it is kept for a day.
        let most = if name == "rows without sense" { 10 } else { 0 };
        assert!(missing <= most, "{name}: {missing} are missing");
        assert_eq!(catalog.items().len(), 2_000, "{name}");
        house.standin.heal();
        house.now_ms += 2 * DAY_MS;
        let token = Secret::new(&house.standin.token());
        let url = house.standin.url();
        house.servers.link_server(&url, &token).await.unwrap();
        let whole = house.synced().await;
        assert_eq!(whole.unchanged + whole.updated, 2_000, "{name}");
    }
}
