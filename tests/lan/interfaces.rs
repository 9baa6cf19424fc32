//! A box with several cables, one that is plugged in late, and an address that changes.

use super::demo::PATIENCE;
use super::discovery::{BROADCAST, Seeker, anything};
use super::frame::{BASE, LINEUP};
use super::home::Home;
use super::http::{exchange, lineup, tune};
use super::network::{BOX, CLIENT, FIRST, Host, Lan, SECOND, SECOND_BOX, SECOND_CLIENT};
use super::replay::reset;
use super::ssdp::Listener;
use std::net::Ipv4Addr;
use std::time::Instant;

/// On this host, everything that the box says leads to this address, and a channel can be tuned.
fn is_served(host: &Host, own: Ipv4Addr, at: Ipv4Addr) {
    host.within(|| {
        let found = Seeker::at(own).answer(&anything(), BROADCAST);
        let root = format!("http://{at}:80");
        assert_eq!(found.text(BASE), Some(root.as_str()));
        let lineup_url = format!("{root}/lineup.json");
        assert_eq!(found.text(LINEUP), Some(lineup_url.as_str()));
        let device = exchange("GET", &format!("{root}/discover.json"), &[]).json();
        assert_eq!(device["BaseURL"], format!("http://{at}"));
        assert_eq!(device["LineupURL"], format!("http://{at}/lineup.json"));
        let channels = lineup(&lineup_url, &[]);
        assert_eq!(channels.len(), 4);
        for (number, url) in &channels {
            assert_eq!(*url, format!("http://{at}:5004/auto/v{number}"));
        }
        reset(tune(&channels[0].1, &[]));
        let description = exchange("GET", &format!("{root}/device.xml"), &[]);
        let description = String::from_utf8(description.body).unwrap();
        let other = [BOX, SECOND_BOX]
            .into_iter()
            .find(|other| *other != at)
            .unwrap();
        assert!(!description.contains(&other.to_string()), "{description}");
    });
}

/// Waits until a question on this host is answered.
fn is_found(host: &Host, own: Ipv4Addr) {
    let begun = Instant::now();
    host.within(|| {
        while !Seeker::at(own).is_answered(&anything(), BROADCAST) {
            assert!(begun.elapsed() < PATIENCE, "the box is not found at {own}");
        }
    });
    println!("found at {own} after {:?}", begun.elapsed());
}

#[test]
fn on_two_lans_each_client_gets_urls_of_its_own() {
    let lan = Lan::new();
    let second = lan.second();
    let home = lan.client.within(|| Home::demo(&lan));
    for _ in 0..2 {
        is_served(&lan.client, CLIENT, BOX);
        is_served(&second, SECOND_CLIENT, SECOND_BOX);
    }
    home.stop();
}

#[test]
fn a_cable_that_comes_late_is_served_and_announced() {
    let lan = Lan::new();
    let home = lan.client.within(|| Home::demo(&lan));
    let second = Host::new("second");
    lan.box_host.plug(SECOND, &second);
    second.address(FIRST, &format!("{SECOND_CLIENT}/24"));
    second.multicast(FIRST);
    let listener = second.within(|| Listener::at(SECOND_CLIENT));
    let begun = Instant::now();
    lan.box_host.address(SECOND, &format!("{SECOND_BOX}/24"));
    listener.hears_of(&format!("http://{SECOND_BOX}:80/device.xml"));
    println!("announced after {:?}", begun.elapsed());
    is_found(&second, SECOND_CLIENT);
    is_served(&second, SECOND_CLIENT, SECOND_BOX);
    is_served(&lan.client, CLIENT, BOX);
    home.stop();
}

#[test]
fn an_address_that_changes_is_followed() {
    let lan = Lan::new();
    let home = lan.client.within(|| Home::demo(&lan));
    is_served(&lan.client, CLIENT, BOX);
    let listener = lan.client.within(|| Listener::at(CLIENT));
    let new = Ipv4Addr::new(10, 99, 0, 7);
    let begun = Instant::now();
    lan.box_host.without_address(FIRST, &format!("{BOX}/24"));
    lan.box_host.address(FIRST, &format!("{new}/24"));
    // The kernel forgets the route when the last address goes.
    lan.box_host.multicast(FIRST);
    listener.hears_of(&format!("http://{new}:80/device.xml"));
    println!("announced after {:?}", begun.elapsed());
    is_found(&lan.client, CLIENT);
    is_served(&lan.client, CLIENT, new);
    home.stop();
}
