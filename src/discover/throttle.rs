//! How often askers are answered: each a few times a second, and all of them together not much more
//! often. Who floods the box, with whatever addresses, costs it a look at each datagram.

use heapless::LinearMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// Answers to one asker in a second. `hdhomerun_config` looks for the box before each variable that it
/// reads, and a script reads them all, one after the other.
const EACH: u32 = 200;

/// Askers that are answered in a second.
const ASKERS: usize = 32;

const SECOND: Duration = Duration::from_secs(1);

/// Counts answers.
#[derive(Debug)]
pub(super) struct Throttle {
    since: Instant,
    answers: LinearMap<IpAddr, u32, ASKERS>,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            answers: LinearMap::new(),
        }
    }

    /// Whether an asker is answered once more.
    pub(super) fn admits(&mut self, asker: IpAddr) -> bool {
        if self.since.elapsed() >= SECOND {
            *self = Self::new();
        }
        match self.answers.get_mut(&asker) {
            Some(answers) if *answers >= EACH => false,
            Some(answers) => {
                *answers += 1;
                true
            }
            None => self.answers.insert(asker, 1).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ASKERS, EACH, SECOND, Throttle};
    use std::net::{IpAddr, Ipv4Addr};
    use tokio::time::advance;

    fn asker(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_all_the_time_keeps_nobody_else_from_an_answer() {
        let mut throttle = Throttle::new();
        for _ in 0..EACH {
            assert!(throttle.admits(asker(1)));
        }
        assert!(!throttle.admits(asker(1)) && throttle.admits(asker(2)));
        advance(SECOND).await;
        assert!(throttle.admits(asker(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn many_addresses_get_no_more_than_a_few() {
        let mut throttle = Throttle::new();
        let answered = (0..10_000)
            .filter(|number| throttle.admits(asker(*number)))
            .count();
        assert_eq!(answered, ASKERS);
        advance(SECOND).await;
        assert!(throttle.admits(asker(10_000)));
    }
}
