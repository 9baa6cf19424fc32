//! Reading a library.

use crate::plex::{Class, Library, Standin};
use crate::server;
use exstreamtv::limits;
use exstreamtv::plex::{Item, Kind, Page, Section, Server, Since, StreamKind};
use std::collections::BTreeSet;

const TITLES: usize = 28_949;
const PAGE: usize = 500;

/// The kind of what is on air from a section.
fn leaf(section: &Section) -> Kind {
    match section.kind {
        Kind::Show => Kind::Episode,
        kind => kind,
    }
}

/// All rows of a section, and how many requests they took.
async fn all(server: &Server, section: &Section) -> (Vec<Item>, Vec<String>, usize) {
    let (mut items, mut dropped, mut start, mut requests) = (Vec::new(), Vec::new(), 0, 0);
    loop {
        let page = server
            .page(&section.key, leaf(section), start, PAGE, None)
            .await
            .unwrap();
        requests += 1;
        start += page.returned;
        let done = page.returned == 0 || page.total.is_some_and(|total| start >= total);
        items.extend(page.items);
        dropped.extend(page.dropped);
        if done {
            return (items, dropped, requests);
        }
    }
}

#[tokio::test]
async fn a_library_of_28949_titles_is_read_whole_in_58_pages() {
    let standin = Standin::start(Library::synthetic(TITLES));
    let server = server(&standin).await;
    let sections = server.sections().await.unwrap();
    assert_eq!(sections.len(), 7);
    standin.reset_counts();
    let (mut keys, mut requests, mut without_file) = (BTreeSet::new(), 0, 0);
    for section in &sections {
        let (items, dropped, asked) = all(&server, section).await;
        assert_eq!(dropped, [""; 0], "{}", section.title);
        requests += asked;
        for item in items {
            assert_eq!(item.kind, leaf(section), "{}", item.rating_key);
            assert_eq!(item.episode.is_some(), item.kind == Kind::Episode);
            without_file += usize::from(item.versions.iter().all(|one| one.parts.is_empty()));
            keys.insert(item.rating_key);
        }
    }
    assert_eq!((keys.len(), requests), (TITLES, 58));
    assert_eq!(standin.counts().of(Class::Listing), 58);
    assert!(
        without_file < TITLES / 50,
        "{without_file} titles without a file"
    );
    let gzip = |header: Option<&str>| header.is_some_and(|value| value.contains("gzip"));
    assert!(
        standin
            .log()
            .iter()
            .all(|one| gzip(one.header("accept-encoding")))
    );
}

#[tokio::test]
async fn a_broken_row_costs_that_row() {
    let standin = Standin::start(Library::synthetic(2_000));
    let server = server(&standin).await;
    let sections = server.sections().await.unwrap();
    standin.faults(|faults| faults.broken_row_every = Some(10));
    let page = server
        .page(&sections[0].key, Kind::Movie, 0, 100, None)
        .await
        .unwrap();
    assert_eq!(
        (page.returned, page.items.len(), page.dropped.len()),
        (100, 90, 10)
    );
    assert!(page.dropped[0].contains("has no key"), "{:?}", page.dropped);
}

#[tokio::test]
async fn pages_end_where_the_library_does() {
    let standin = Standin::start(Library::synthetic(300));
    let server = server(&standin).await;
    let section = &server.sections().await.unwrap()[0];
    let page = async |start, size| {
        server
            .page(&section.key, Kind::Movie, start, size, None)
            .await
    };
    let total = page(0, 0).await.unwrap().total.unwrap();
    assert!(total > 10, "{total}");
    let beyond = page(total, 50).await.unwrap();
    assert_eq!((beyond.returned, beyond.total), (0, Some(total)));
    assert_eq!(beyond.items, []);
    standin.faults(|faults| faults.short_page = Some(7));
    assert_eq!(page(0, 50).await.unwrap().returned, 7);
    standin.faults(|faults| faults.listing_most_rows = Some(20));
    let trouble = page(0, 50).await.unwrap_err();
    assert_eq!(trouble.class, exstreamtv::plex::Class::Busy);
    assert!(trouble.why.contains("too much at once"), "{trouble}");
}

#[tokio::test]
async fn what_changed_lately_is_a_part_of_the_whole() {
    let standin = Standin::start(Library::synthetic(2_000));
    let server = server(&standin).await;
    let section = &server.sections().await.unwrap()[0];
    let (items, _, _) = all(&server, section).await;
    let mut times: Vec<_> = items.iter().filter_map(|item| item.updated_at_s).collect();
    times.sort_unstable();
    assert!(times.len() < items.len(), "some rows were never changed");
    let after = times[times.len() - 20];
    let since = async |since| -> Page {
        let page = server
            .page(&section.key, Kind::Movie, 0, PAGE, Some(since))
            .await;
        page.unwrap()
    };
    let changed = since(Since::Updated(after)).await;
    assert!(!changed.items.is_empty() && changed.items.len() <= 20);
    assert!(
        changed
            .items
            .iter()
            .all(|item| item.updated_at_s >= Some(after))
    );
    let mut added: Vec<_> = items.iter().filter_map(|item| item.added_at_s).collect();
    added.sort_unstable();
    let after = added[added.len() - 20];
    let added = since(Since::Added(after)).await;
    assert!(!added.items.is_empty() && added.items.len() <= 20);
}

#[tokio::test]
async fn items_come_by_key_with_their_streams_and_by_guid() {
    let standin = Standin::start(Library::synthetic(500));
    let server = server(&standin).await;
    let section = &server.sections().await.unwrap()[0];
    let (listed, _, _) = all(&server, section).await;
    let keys: Vec<_> = listed.iter().map(|item| item.rating_key.as_str()).collect();
    standin.reset_counts();
    let page = server.items(&keys[..limits::PLEX_KEYS]).await.unwrap();
    assert_eq!(standin.counts().of(Class::Metadata), 1);
    assert_eq!(
        (page.items.len(), page.dropped.len()),
        (limits::PLEX_KEYS, 0)
    );
    let parts = page
        .items
        .iter()
        .flat_map(|item| &item.versions)
        .flat_map(|one| &one.parts);
    let (mut video, mut audio) = (0, 0);
    for stream in parts.flat_map(|part| &part.streams) {
        match &stream.kind {
            StreamKind::Video { width, .. } => video += usize::from(width.is_some()),
            StreamKind::Audio { channels, .. } => audio += usize::from(channels.is_some()),
            _ => {}
        }
    }
    assert!(
        video >= limits::PLEX_KEYS / 2 && audio >= video,
        "{video} {audio}"
    );
    assert!(
        page.items
            .iter()
            .all(|item| item.section.as_deref() == Some(&section.key))
    );
    let first = &page.items[0];
    let found = server
        .by_guid(first.guid.as_deref().unwrap())
        .await
        .unwrap();
    assert_eq!(found.items[0].rating_key, first.rating_key);
    let some = server.items(&[keys[0], "999999999"]).await.unwrap();
    assert_eq!(some.items.len(), 1);
    let none = server.items(&["999999999"]).await.unwrap_err();
    assert_eq!(none.class, exstreamtv::plex::Class::Gone);
}
