//! Clients that quarrel over one tuner, over every way that there is.

use super::control::Control;
use super::discovery::UNICAST;
use super::home::Home;
use super::http::send;
use super::network::{BOX, CLIENT, Lan};
use super::replay::reset;
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

const LASTS: Duration = Duration::from_secs(8);

/// Has the tuner send a channel, again and again; how often that was done.
fn wants(channel: &str, end: Instant) -> u32 {
    let mut control = Control::to(UNICAST);
    let socket = UdpSocket::bind((CLIENT, 0)).unwrap();
    let target = format!("udp://{}", socket.local_addr().unwrap());
    let mut done = 0;
    while Instant::now() < end {
        let tuned = control.set("/tuner0/vchannel", channel, None);
        let sent = control.set("/tuner0/target", &target, None);
        done += u32::from(tuned.is_ok() && sent.is_ok());
        if done % 3 == 0 {
            let _ = control.set("/tuner0/target", "none", None);
        }
    }
    done
}

#[test]
fn a_quarrel_leaves_the_tuner_free() {
    let lan = Lan::new();
    lan.client.within(|| {
        let home = Home::with_tuners(&lan, 1);
        let (client, end) = (&lan.client, Instant::now() + LASTS);
        let done: Vec<u32> = thread::scope(|scope| {
            let wanting = ["1984", "1984.1", "2"]
                .map(|channel| scope.spawn(move || client.within(|| wants(channel, end))));
            while Instant::now() < end {
                let viewer = send("GET", &format!("http://{BOX}:5004/auto/v1984"), &[]);
                thread::sleep(Duration::from_millis(30));
                reset(viewer);
            }
            wanting.map(|one| one.join().unwrap()).to_vec()
        });
        println!("done: {done:?}");
        assert!(done.iter().all(|times| *times > 0), "{done:?}");
        let mut control = Control::to(UNICAST);
        let set = control.set("/tuner0/target", "none", None);
        assert_eq!(set.as_deref(), Ok("none"));
        assert_eq!(control.get("/tuner0/lockkey").as_deref(), Ok("none"));
        println!("free after {:?}", home.until_free());
        home.stop();
    });
}
