//! From nothing to a server that is found: PINs, the account, its servers, the LAN.

use crate::identity;
use crate::plex::{Class as Asked, Library, Pin, Settings, Standin};
use exstreamtv::plex::{
    Account, Class, Identity, Ownership, PinState, Reach, Secret, TokenState, Wishes, find, gdm,
};
use std::time::Duration;

fn account(standin: &Standin) -> Account {
    Account::at(&standin.account_url(), &identity()).unwrap()
}

#[tokio::test]
async fn a_box_is_linked_by_code_or_by_form() {
    let standin = Standin::start(Library::default());
    let account = account(&standin);
    let pin = account
        .begin_link(Some("http://tv.lan/libraries?a=b"))
        .await
        .unwrap();
    assert_eq!(pin.code.len(), 4);
    let form = pin.form.as_ref().unwrap();
    assert_ne!(form.id, pin.id);
    let (start, parameters) = form.url.split_once("#?").unwrap();
    assert_eq!(start, "https://app.plex.tv/auth");
    assert!(parameters.contains("clientID=5f1c0a3e-") && !parameters.contains(&pin.code));
    assert!(parameters.ends_with("forwardUrl=http%3A%2F%2Ftv.lan%2Flibraries%3Fa%3Db"));
    assert_eq!(account.poll(&pin).await, PinState::Pending);
    for status in [429, 500, 503] {
        standin.faults(|faults| faults.account_status = Some(status));
        assert_eq!(account.poll(&pin).await, PinState::Pending, "{status}");
    }
    standin.heal();
    standin.faults(|faults| faults.pin = Pin::Linked);
    let linked = PinState::Linked(Secret::new(&standin.account_token()));
    assert_eq!(account.poll(&pin).await, linked);
    standin.faults(|faults| faults.pin = Pin::Expired);
    assert_eq!(account.poll(&pin).await, PinState::Expired);
}

#[tokio::test]
async fn a_pin_belongs_to_who_has_asked_for_it() {
    let standin = Standin::start(Library::default());
    let pin = account(&standin).begin_link(None).await.unwrap();
    standin.faults(|faults| faults.pin = Pin::Linked);
    let other = Identity::new("somebody-else", "Cellar");
    let other = Account::at(&standin.account_url(), &other).unwrap();
    assert_eq!(other.poll(&pin).await, PinState::Expired);
}

#[tokio::test]
async fn only_a_clear_no_makes_a_token_bad() {
    let standin = Standin::start(Library::default());
    let account = account(&standin);
    let good = Secret::new(&standin.account_token());
    assert_eq!(account.check(&good).await, TokenState::Good);
    assert_eq!(
        account.check(&Secret::new("another")).await,
        TokenState::Bad
    );
    for status in [403, 429, 500] {
        standin.faults(|faults| faults.account_status = Some(status));
        assert_eq!(account.check(&good).await, TokenState::Unknown, "{status}");
    }
    let trouble = account.servers(&good).await.unwrap_err();
    assert_eq!(trouble.class, Class::Busy);
    standin.heal();
    let trouble = account.servers(&Secret::new("another")).await.unwrap_err();
    assert_eq!(trouble.class, Class::Auth);
    assert!(trouble.why.contains("sign in to Plex again"), "{trouble}");
}

#[tokio::test]
async fn a_listed_server_is_found_past_dead_and_wrong_addresses() {
    let standin = Standin::start(Library::default());
    let token = Secret::new(&standin.account_token());
    let servers = account(&standin).servers(&token).await.unwrap();
    let [entry] = servers.as_slice() else {
        panic!("a telephone is no server: {servers:?}")
    };
    assert_eq!(
        (&entry.machine, entry.ownership),
        (&standin.machine(), Ownership::Owned)
    );
    assert_eq!(entry.connections.len(), 6);
    let server = find(entry, &identity(), &Wishes::default()).await.unwrap();
    assert_eq!(
        (server.base(), server.reach),
        (standin.url().as_str(), Reach::Local)
    );
    assert_eq!(server.name, "Stand-in");
    assert_eq!(standin.counts().of(Asked::Root), 1);
    standin.faults(|faults| faults.unauthorized = true);
    let trouble = find(entry, &identity(), &Wishes::default())
        .await
        .unwrap_err();
    assert_eq!(trouble.class, Class::Auth);
    standin.go_down();
    let trouble = find(entry, &identity(), &Wishes::default())
        .await
        .unwrap_err();
    assert_eq!(
        trouble.class,
        Class::WrongServer,
        "only the impostor answers"
    );
}

#[tokio::test]
async fn the_lan_is_asked_for_servers() {
    let standin = Standin::start_with(
        Library::default(),
        Settings {
            name: "Küche".to_owned(),
            ..Settings::default()
        },
    );
    let patience = Duration::from_millis(500);
    let found = gdm(&[standin.gdm_address()], patience).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].machine, found[0].name.as_str()),
        (&standin.machine(), "Küche")
    );
    assert_eq!(found[0].port, standin.address().port());
    standin.faults(|faults| faults.gdm_silent = true);
    assert_eq!(gdm(&[standin.gdm_address()], patience).await.unwrap(), []);
}
