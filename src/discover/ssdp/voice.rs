//! What is said on one interface without being asked, and when: that a box of this name has gone,
//! in case it had not been able to say so, that it is there, and from then on that it still is.

use super::message::{Notice, Sought};
use crate::discover::dice::Dice;
use crate::system::network::Interface;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use tokio::time::Instant;

/// Who is told: the groups of UPnP, of the link and of the site.
pub(super) const GROUPS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(239, 255, 255, 250)),
    IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xc)),
    IpAddr::V6(Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 0xc)),
];

/// What is said first. The last of it is said again and again.
const ROUNDS: [Notice; 4] = [Notice::ByeBye, Notice::ByeBye, Notice::Alive, Notice::Alive];

/// Notices of one round.
const ROUND: usize = Sought::ALL.len() * GROUPS.len();

/// Between two notices.
const PAUSE: Duration = Duration::from_millis(21);

/// Between two rounds, once all has been said: a minute, give or take a tenth of it.
const AGAIN: (Duration, Duration) = (Duration::from_secs(54), Duration::from_secs(66));

/// One thing that is said to one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) notice: Notice,
    pub(super) target: Sought,
    pub(super) group: IpAddr,
}

/// What is said on one interface.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    /// The interface as it is announced.
    pub(super) interface: Interface,
    /// Lines that have been said since the beginning.
    said: usize,
    due: Instant,
}

impl Voice {
    /// A voice that begins now.
    pub(super) fn new(interface: Interface, now: Instant) -> Self {
        Self {
            interface,
            said: 0,
            due: now,
        }
    }

    /// The same at once for an interface that has other addresses now. Nobody is told that the box
    /// has gone: it has moved.
    pub(super) fn tell_again(&mut self, interface: Interface, now: Instant) {
        self.interface = interface;
        self.said = self.said.min(ROUND * 2);
        self.due = now;
    }

    /// When the next line is due.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// The line that is due.
    pub(super) fn next(&mut self, now: Instant, dice: &mut Dice) -> Option<Line> {
        if self.due > now {
            return None;
        }
        let notice = ROUNDS.get(self.said / ROUND).copied();
        let line = round(notice.unwrap_or(Notice::Alive)).nth(self.said % ROUND);
        self.said += 1;
        self.due = now + PAUSE;
        if self.said >= ROUND * ROUNDS.len() {
            self.said -= ROUND;
            self.due = now + dice.between(AGAIN.0, AGAIN.1);
        }
        line
    }
}

/// One round: each target to each group.
pub(super) fn round(notice: Notice) -> impl Iterator<Item = Line> {
    Sought::ALL.into_iter().flat_map(move |target| {
        GROUPS.into_iter().map(move |group| Line {
            notice,
            target,
            group,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, Line, Voice};
    use crate::discover::dice::Dice;
    use crate::discover::ssdp::message::{Notice, Sought};
    use crate::discover::tests::interface;
    use crate::system::network::Reach;
    use std::time::Duration;
    use tokio::time::{Instant, sleep_until};

    #[tokio::test(start_paused = true)]
    async fn a_box_that_moves_is_told_of_again_at_once() {
        let (now, mut dice) = (Instant::now(), Dice::seeded(7));
        let mut voice = Voice::new(interface(2, Reach::Lan, &["10.0.0.5"]), now);
        for _ in 0..36 {
            voice.next(voice.due(), &mut dice).unwrap();
        }
        let moved = interface(2, Reach::Lan, &["10.0.0.6"]);
        voice.tell_again(moved.clone(), now);
        assert_eq!((voice.due(), &voice.interface), (now, &moved));
        for _ in 0..18 {
            assert!(voice.due() < now + Duration::from_secs(1));
            let line = voice.next(voice.due(), &mut dice).unwrap();
            assert_eq!(line.notice, Notice::Alive);
        }
        assert!(voice.due() > now + Duration::from_secs(50));
    }

    #[tokio::test(start_paused = true)]
    async fn it_has_gone_twice_then_is_there_twice_and_then_every_minute() {
        let began = Instant::now();
        let mut dice = Dice::seeded(7);
        let mut voice = Voice::new(interface(2, Reach::Lan, &["10.0.0.5"]), began);
        let mut said: Vec<(Duration, Line)> = Vec::new();
        while began.elapsed() < Duration::from_secs(600) {
            sleep_until(voice.due()).await;
            said.push((
                began.elapsed(),
                voice.next(Instant::now(), &mut dice).unwrap(),
            ));
            assert_eq!(voice.next(Instant::now(), &mut dice), None);
        }

        let rounds: Vec<_> = said.chunks(9).collect();
        let notices: Vec<_> = rounds.iter().map(|round| round[0].1.notice).collect();
        assert_eq!(notices[..2], [Notice::ByeBye; 2]);
        assert!(notices[2..].iter().all(|notice| *notice == Notice::Alive));
        for round in &rounds[..rounds.len() - 1] {
            for target in Sought::ALL {
                for group in GROUPS {
                    let told = |(_, line): &&(Duration, Line)| {
                        line.target == target && line.group == group
                    };
                    assert_eq!(round.iter().filter(told).count(), 1);
                }
            }
        }
        assert!(said[35].0 < Duration::from_millis(800), "{:?}", said[35].0);
        for pair in rounds[3..].windows(2) {
            let pause = pair[1][0].0 - pair[0][0].0;
            let minute = Duration::from_millis(54_000)..Duration::from_millis(66_400);
            assert!(minute.contains(&pause), "{pause:?}");
        }
    }
}
