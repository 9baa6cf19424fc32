//! How much the crate's thread remembers of what strangers have said. The crate has no bound of its
//! own: it keeps every record of a response without a PTR record, for the time to live that its
//! sender chose.

use crate::limits;
use mdns_sd::{Metrics, ServiceDaemon};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often the thread is asked.
const LOOK: Duration = Duration::from_millis(100);

/// How long it may take to answer. It does not before it has read all that has come in.
const PATIENCE: Duration = Duration::from_secs(1);

/// The records that it remembers, as it calls them.
const RECORDS: [&str; 6] = [
    "cached-ptr",
    "cached-srv",
    "cached-address",
    "cached-txt",
    "cached-nsec",
    "cached-subtype",
];

/// The times at which it looks at them again, several for each.
const TIMERS: &str = "timer";

/// The first time for which it stays away, and the longest. It doubles each time in between.
const AWAY: Duration = Duration::from_secs(5);
const AWAY_LONGEST: Duration = Duration::from_secs(320);

/// Waits until the thread remembers too much, or has too much to read to say so. It never ends for a
/// thread that has ended, which is seen elsewhere.
pub(super) async fn filled(daemon: &ServiceDaemon) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        // Where there is no room for the question, others wait for an answer.
        let Ok(told_rx) = daemon.get_metrics() else {
            continue;
        };
        match timeout(PATIENCE, told_rx.recv_async()).await {
            Ok(Ok(metrics)) if !is_too_much(&metrics) => {}
            Ok(Err(_)) => {}
            Ok(Ok(_)) | Err(_) => return,
        }
    }
}

fn is_too_much(metrics: &Metrics) -> bool {
    let count = |name: &str| metrics.get(name).copied().unwrap_or_default();
    let records: i64 = RECORDS.into_iter().map(count).sum();
    records > limits::MDNS_RECORDS || count(TIMERS) > limits::MDNS_TIMERS
}

/// For how long the thread stays away that has stayed away for so long the last time, and has run
/// for so long since.
pub(super) fn away(last: Option<Duration>, ran: Duration) -> Duration {
    match last {
        Some(last) if ran < AWAY_LONGEST => AWAY_LONGEST.min(last * 2),
        _ => AWAY,
    }
}

#[cfg(test)]
mod tests {
    use super::{AWAY, AWAY_LONGEST, away, is_too_much};
    use crate::limits;
    use mdns_sd::Metrics;
    use std::time::Duration;

    #[test]
    fn records_of_all_kinds_are_too_much_together() {
        let records = |address, srv, timers| {
            Metrics::from([
                ("cached-address".to_owned(), address),
                ("cached-srv".to_owned(), srv),
                ("timer".to_owned(), timers),
                ("respond".to_owned(), i64::MAX),
            ])
        };
        let half = limits::MDNS_RECORDS / 2;
        assert!(!is_too_much(&Metrics::new()));
        assert!(!is_too_much(&records(half, half, limits::MDNS_TIMERS)));
        assert!(is_too_much(&records(half, half + 1, 0)));
        assert!(is_too_much(&records(0, 0, limits::MDNS_TIMERS + 1)));
    }

    #[test]
    fn a_thread_that_is_flooded_again_and_again_stays_away_for_longer() {
        let (mut last, mut all) = (None, Vec::new());
        for _ in 0..9 {
            let next = away(last, Duration::from_secs(1));
            all.push(next.as_secs());
            last = Some(next);
        }
        assert_eq!(all, [5, 10, 20, 40, 80, 160, 320, 320, 320]);
        assert_eq!(away(last, AWAY_LONGEST), AWAY);
    }
}
