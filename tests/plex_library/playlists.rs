//! The owner's lists: in their order, read again when there is a reason to.

use super::plex::{Class, Group, Library, SectionKind};
use super::{DAY_MS, House};
use exstreamtv::model::{MediaItemId, Playlist};
use exstreamtv::store::Store;

const LIST: u64 = 7_000_001;

fn list(rating_key: u64, title: &str, items: Vec<u64>) -> Group {
    Group {
        rating_key,
        section: None,
        title: title.to_owned(),
        updated_at: Some(1_600_000_001),
        is_smart: false,
        items,
    }
}

/// A house, and the keys of titles that it knows.
async fn house() -> (House, Vec<u64>) {
    let house = House::with(Library::synthetic(2_000)).await;
    house.synced().await;
    let keys = (0..8).map(|at| house.rating_key(at * 200)).collect();
    (house, keys)
}

impl House {
    fn give_list(&self, group: Group) {
        self.standin
            .library(|library| library.playlists.push(group));
    }

    fn change_list(&self, change: impl FnOnce(&mut Group)) {
        self.standin
            .library(|library| change(&mut library.playlists[0]));
    }

    /// The requests for lists that one sync takes.
    async fn lists_asked(&self) -> u64 {
        self.standin.reset_counts();
        self.synced().await;
        self.requests(Class::Playlist)
    }

    fn lists(&self) -> Vec<Playlist> {
        self.catalog().playlists().to_vec()
    }

    fn ids(&self, keys: &[u64]) -> Vec<MediaItemId> {
        let id = |key: &u64| self.item(*key).unwrap().id;
        keys.iter().map(id).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_keeps_its_order_and_what_comes_twice() {
    let (house, keys) = house().await;
    let order = [keys[5], keys[0], keys[5], keys[3]];
    house.give_list(list(LIST, "Late", order.to_vec()));
    assert_eq!(house.lists_asked().await, 2);
    let lists = house.lists();
    assert_eq!(lists.len(), 1);
    assert_eq!(lists[0].list.name, "Late");
    assert_eq!(*lists[0].list.items, *house.ids(&order));
    // Nobody reads again what is as it was.
    assert_eq!(house.lists_asked().await, 1);
    // It is there when the box starts again.
    let state = house._state.path();
    let store = Store::open(state).await.unwrap();
    assert_eq!(store.load().await.unwrap().playlists, lists);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_changed_is_read_again_and_one_that_is_gone_goes() {
    let (house, keys) = house().await;
    house.give_list(list(LIST, "Late", keys[..3].to_vec()));
    house.synced().await;
    let id = house.lists()[0].id;
    house.change_list(|list| {
        list.items.swap(0, 2);
        list.updated_at = list.updated_at.map(|at| at + 1);
    });
    assert_eq!(house.lists_asked().await, 2);
    let lists = house.lists();
    let order = [keys[2], keys[1], keys[0]];
    assert_eq!(
        (lists[0].id, lists[0].list.items.to_vec()),
        (id, house.ids(&order))
    );
    house.change_list(|list| list.title = "Later".to_owned());
    house.synced().await;
    assert_eq!(house.lists()[0].list.name, "Later");
    house.standin.library(|library| library.playlists.clear());
    assert_eq!(house.lists_asked().await, 1);
    assert!(house.lists().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_box_does_not_know_is_left_out_until_it_does() {
    let (mut house, keys) = house().await;
    let unknown = 9_000_002;
    house.give_list(list(LIST, "Late", vec![keys[1], unknown, keys[2]]));
    house.synced().await;
    assert_eq!(*house.lists()[0].list.items, *house.ids(&keys[1..3]));
    house.now_ms += 3_600_000;
    house.standin.library(|library| {
        let mut films = library.sections.iter_mut();
        let films = films.find(|section| section.kind == SectionKind::Films);
        let films = films.unwrap();
        let mut new = films.item(keys[0]).unwrap().into_owned();
        new.rating_key = unknown;
        new.guid = "plex://movie/00000000000000000000abcd".to_owned();
        let now_s = house.now_ms / 1_000;
        (new.added_at, new.updated_at) = (now_s, Some(now_s));
        films.items.push(new);
        films.content_changed_at += 1;
    });
    assert_eq!(house.lists_asked().await, 2);
    let order = [keys[1], unknown, keys[2]];
    assert_eq!(*house.lists()[0].list.items, *house.ids(&order));
    // One that is gone leaves the list before the list is read again.
    house.standin.library(|library| library.remove(unknown));
    for _ in 0..3 {
        house.now_ms += DAY_MS + 1;
        house.synced().await;
    }
    assert_eq!(*house.lists()[0].list.items, *house.ids(&keys[1..3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_made_again_once_a_day() {
    let (mut house, keys) = house().await;
    let mut search = list(LIST, "Unwatched", keys[..2].to_vec());
    search.is_smart = true;
    house.give_list(search);
    house.synced().await;
    house.change_list(|list| list.items[0] = keys[4]);
    assert_eq!(house.lists_asked().await, 1);
    house.now_ms += DAY_MS + 1;
    assert_eq!(house.lists_asked().await, 2);
    assert_eq!(
        *house.lists()[0].list.items,
        *house.ids(&[keys[4], keys[1]])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_comes_in_pages_and_three_hundred_in_one_request_each() {
    let (house, keys) = house().await;
    let all: Vec<u64> = (0..1_200).map(|at| house.rating_key(at)).collect();
    house.give_list(list(LIST, "Everything", all.clone()));
    for more in 1..312 {
        let name = format!("List {more}");
        house.give_list(list(LIST + more, &name, keys.clone()));
    }
    assert_eq!(house.lists_asked().await, 1 + 3 + 311);
    let lists = house.lists();
    assert_eq!(lists.len(), 312);
    assert_eq!(*lists[0].list.items, *house.ids(&all));
    assert_eq!(house.lists_asked().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_cannot_be_read_cost_no_library_and_stay() {
    let (house, keys) = house().await;
    house.give_list(list(LIST, "Late", keys[..3].to_vec()));
    house.synced().await;
    let before = house.lists();
    house
        .standin
        .faults(|faults| faults.playlist_status = Some((None, 500)));
    let report = house.synced().await;
    assert_eq!(report.unchanged, 2_000);
    assert_eq!(report.remarks.len(), 1, "{:?}", report.remarks);
    assert!(
        report.remarks[0].contains("playlists"),
        "{:?}",
        report.remarks
    );
    assert_eq!(house.lists(), before);
    house.standin.faults(|faults| faults.playlist_status = None);
    assert!(house.synced().await.remarks.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_a_server_fails_is_kept() {
    let (house, keys) = house().await;
    for at in 0..5 {
        house.give_list(list(LIST + at, &format!("List {at}"), keys.clone()));
    }
    let fail = |status: Option<u16>| {
        let status = status.map(|status| (Some(LIST + 3), status));
        house
            .standin
            .faults(|faults| faults.playlist_status = status);
    };
    // It has too much to do: it is asked for nothing more.
    fail(Some(503));
    let report = house.synced().await;
    assert_eq!(report.remarks.len(), 1, "{:?}", report.remarks);
    let names = || house.lists().into_iter().map(|one| one.list.name);
    assert_eq!(names().collect::<Vec<_>>(), ["List 0", "List 1", "List 2"]);
    // A list that is not there costs itself.
    fail(Some(404));
    assert_eq!(house.lists_asked().await, 1 + 2);
    assert_eq!(names().count(), 4);
    fail(None);
    assert_eq!(house.lists_asked().await, 1 + 1);
    assert_eq!(names().count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_which_the_server_says_too_little_is_read_again_and_not_written() {
    let (mut house, keys) = house().await;
    house.give_list(list(LIST, "Late", keys));
    house.change_list(|list| list.updated_at = None);
    house.synced().await;
    let log = house._state.path().join("exstreamtv.db-wal");
    let written = || std::fs::metadata(&log).unwrap().modified().unwrap();
    let before = written();
    house.now_ms += 1_000;
    assert_eq!(house.lists_asked().await, 2);
    assert_eq!(written(), before);
}
