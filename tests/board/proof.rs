//! Each check shown to fail: the real box, with somebody between it and who wants proof.

use crate::between::{Fate, PACKET_BYTES, found_as, repacked, retold};
use crate::program::{Running, get, json};
use crate::prove::{Place, furnished};
use exstreamtv::reliability::{Finding, Outcome, Target};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

fn target(running: &Running) -> Target {
    let at = |door: &str| running.at(door).parse().unwrap();
    Target {
        web: at("web"),
        stream: at("stream"),
        device: Some(at("device")),
        discovery: Some(at("discovery")),
        control: PathBuf::from(running.at("control")),
        tune: Duration::from_secs(3),
    }
}

/// What fails, and what was seen there.
async fn failing(target: &Target) -> Vec<(&'static str, String)> {
    let findings = target.look().await;
    let failing = findings
        .into_iter()
        .filter(|one| one.outcome == Outcome::Fails);
    failing
        .map(|Finding { name, saw, .. }| (name, saw))
        .collect()
}

fn box_on_air() -> (Place, Running) {
    let place = Place::new();
    let running = place.demo();
    furnished(&running);
    (place, running)
}

#[tokio::test]
async fn doors_that_show_different_devices_or_none_are_noticed() {
    let (_place, running) = box_on_air();
    let honest = target(&running);
    assert_eq!(failing(&honest).await, []);
    let id = json(&get(running.at("web"), "/discover.json"))["DeviceID"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = || ("1251129F".to_owned(), "device 1251129F at");

    let (to, told) = other();
    let stream = retold(running.at("stream"), id.clone(), to);
    let seen = failing(&Target {
        stream,
        ..honest.clone()
    })
    .await;
    assert_eq!(seen[0].0, "stream door");
    assert!(seen[0].1.starts_with(told), "{seen:?}");

    let (to, _) = other();
    let device = Some(retold(running.at("device"), id.clone(), to));
    let seen = failing(&Target {
        device,
        ..honest.clone()
    })
    .await;
    assert!(matches!(&seen[..], [("device door", _)]), "{seen:?}");

    // The first door is the one that lies: all others show something else.
    let (to, _) = other();
    let web = retold(running.at("web"), id.clone(), to);
    let seen = failing(&Target {
        web,
        ..honest.clone()
    })
    .await;
    let names: Vec<_> = seen.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["stream door", "device door", "discovery"]);

    let web = retold(
        running.at("web"),
        "DeviceID".to_owned(),
        "Device".to_owned(),
    );
    let seen = failing(&Target { web, ..honest }).await;
    assert!(seen[0].1.ends_with("names no DeviceID"), "{seen:?}");
    running.stop();
}

#[tokio::test]
async fn a_box_that_is_not_found_or_not_controlled_is_noticed() {
    let (_place, running) = box_on_air();
    let honest = target(&running);
    let mute = Some(found_as(Vec::new()));
    let seen = failing(&Target {
        discovery: mute,
        ..honest.clone()
    })
    .await;
    let [("discovery", search), ("control", control)] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert!(search.contains("timed out"), "{search}");
    assert!(control.contains("no answer within 5 s"), "{control}");

    // Another device, a frame with a broken checksum, and no frame at all.
    let mut strange = vec![
        0, 3, 0, 14, 1, 4, 0, 0, 0, 1, 2, 4, 0x12, 0x51, 0x12, 0x9F, 0x2A, 0,
    ];
    strange.extend(crc32fast::hash(&strange).to_le_bytes());
    let mut broken = strange.clone();
    broken[12] ^= 1;
    for (frame, told) in [
        (strange, "device 1251129F found"),
        (broken, "invalid data"),
        (b"hello".to_vec(), "invalid data"),
    ] {
        let discovery = Some(found_as(frame));
        let seen = failing(&Target {
            discovery,
            ..honest.clone()
        })
        .await;
        assert_eq!(seen[0].0, "discovery");
        assert!(seen[0].1.contains(told), "{seen:?}");
    }

    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let seen = failing(&Target {
        discovery: Some(nobody),
        ..honest
    })
    .await;
    let names: Vec<_> = seen.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["discovery", "control"], "{seen:?}");
    running.stop();
}

fn pid(packet: &[u8; PACKET_BYTES]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1F, packet[2]])
}

/// Whether a packet carries the clock.
fn has_clock(packet: &[u8; PACKET_BYTES]) -> bool {
    packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x10 != 0
}

#[tokio::test]
async fn a_stream_that_is_not_as_it_should_be_is_noticed() {
    let (_place, running) = box_on_air();
    let honest = target(&running);
    type Change = Box<dyn Fn(u64, &mut [u8; PACKET_BYTES]) -> Fate + Send + Sync>;
    let faults: Vec<(&str, Change)> = vec![
        (
            "the counter of PID",
            Box::new(|number, packet| {
                let content = packet[3] & 0x10 != 0 && pid(packet) != 0x1FFF;
                // One packet with content is lost; its neighbours may be of other PIDs.
                if (500..520).contains(&number) && content {
                    Fate::Vanishes
                } else {
                    Fate::Passes
                }
            }),
        ),
        (
            "it does not begin with 0x47",
            Box::new(|number, packet| {
                if number == 700 {
                    packet.rotate_left(1);
                }
                Fate::Passes
            }),
        ),
        (
            "the clock goes from",
            Box::new(|number, packet| {
                if number > 800 && has_clock(packet) {
                    packet[6] ^= 0x10;
                }
                Fate::Passes
            }),
        ),
        (
            "no PAT came",
            Box::new(|_, packet| match pid(packet) {
                0 => Fate::Vanishes,
                _ => Fate::Passes,
            }),
        ),
        (
            "table 0 is broken",
            Box::new(|number, packet| {
                if number > 100 && pid(packet) == 0 {
                    packet[13] ^= 1;
                }
                Fate::Passes
            }),
        ),
        (
            "the stream ended after",
            Box::new(|number, _| {
                if number < 900 {
                    Fate::Passes
                } else {
                    Fate::End
                }
            }),
        ),
        (
            "nothing came for 3 s",
            Box::new(|number, _| {
                if number < 900 {
                    Fate::Passes
                } else {
                    Fate::Silence
                }
            }),
        ),
    ];
    for (told, change) in faults {
        let stream = repacked(running.at("stream"), move |number, packet| {
            change(number, packet)
        });
        let tune = Duration::from_secs(6);
        let seen = failing(&Target {
            stream,
            tune,
            ..honest.clone()
        })
        .await;
        // Documents have no packets: the door itself cannot be read through this.
        let channel = seen.iter().find(|(name, _)| *name == "channel");
        let (_, saw) = channel.unwrap_or_else(|| panic!("{told}: {seen:?}"));
        assert!(saw.contains(told), "{told}: {saw}");
    }
    running.stop();
}

#[tokio::test]
async fn a_stream_that_comes_too_slowly_is_noticed() {
    let (_place, running) = box_on_air();
    let stream = repacked(running.at("stream"), |number, _| {
        // The demo's clips have some 100 packets a second; these are 25.
        if number > 20 {
            std::thread::sleep(Duration::from_millis(40));
        }
        Fate::Passes
    });
    let tune = Duration::from_secs(5);
    let seen = failing(&Target {
        stream,
        tune,
        ..target(&running)
    })
    .await;
    let channel = seen.iter().find(|(name, _)| *name == "channel").unwrap();
    assert!(channel.1.contains("too slow"), "{seen:?}");
    running.stop();
}

#[tokio::test]
async fn a_box_whose_viewers_have_all_its_tuners_can_tune() {
    let (_place, running) = box_on_air();
    let channels = json(&get(running.at("web"), "/lineup.json"));
    let number = channels[0]["GuideNumber"].as_str().unwrap();
    let count = json(&get(running.at("web"), "/discover.json"))["TunerCount"]
        .as_u64()
        .unwrap();
    let viewers: Vec<_> = (0..count)
        .map(|_| crate::program::ask(running.at("stream"), &format!("/auto/v{number}")))
        .collect();
    for mut viewer in &viewers {
        std::io::Read::read_exact(&mut viewer, &mut [0; 100_000]).unwrap();
    }
    let findings = target(&running).look().await;
    let channel = findings.iter().find(|one| one.name == "channel").unwrap();
    assert_eq!(channel.outcome, Outcome::Holds, "{channel}");
    assert!(channel.saw.contains("tuners are in use"), "{channel}");
    drop(viewers);
    running.stop();
}
