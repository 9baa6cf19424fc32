//! Keeping a snapshot of the network true, on one task.

use super::change::Changes;
use super::{Interface, Network, Reach, look};
use crate::error::Error;
use crate::limits;
use crate::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// Follows the network until the box stops: looks again whenever the kernel says that something has
/// changed, and now and then without being told. Sends only what is different from before.
pub async fn follow(network_tx: watch::Sender<Arc<Network>>, mut shutdown: Shutdown) {
    let mut changes = Changes::listen().map_err(|error| untold(&error)).ok();
    loop {
        // What has changed before the kernel was listened to is seen at once.
        refresh(&network_tx).await;
        tokio::select! {
            () = next(&mut changes) => {}
            () = shutdown.stopped() => return,
        }
    }
}

/// Looks at the network once. What it cannot see it leaves as it was.
pub async fn refresh(network_tx: &watch::Sender<Arc<Network>>) {
    let network = match spawn_blocking(look)
        .await
        .unwrap_or(Err(Error::ShuttingDown))
    {
        Ok(network) => network,
        Err(error) => return log::debug!("network: {error}"),
    };
    let mut words = Vec::new();
    network_tx.send_if_modified(|known| {
        let changed = **known != network;
        if changed {
            words = told(known, &network);
            *known = Arc::new(network);
        }
        changed
    });
    for sentence in words {
        log::info!("network: {sentence}");
    }
}

/// Waits until the network should be looked at again. A socket that fails is not listened to any
/// more.
async fn next(changes: &mut Option<Changes>) {
    let Some(listening) = changes else {
        return sleep(Duration::from_millis(limits::NETWORK_POLL_MS)).await;
    };
    let longest = Duration::from_millis(limits::NETWORK_LOOK_MS);
    if let Ok(Err(error)) = timeout(longest, listening.next()).await {
        untold(&error);
        *changes = None;
    }
}

/// Says that the kernel does not tell of changes.
fn untold(error: &std::io::Error) {
    log::warn!(
        "network: the kernel does not tell of changes ({error}); they are looked for every {} s",
        limits::NETWORK_POLL_MS / 1_000
    );
}

/// What has changed, in a sentence for each interface that leads somewhere, and one for the domains.
fn told(before: &Network, now: &Network) -> Vec<String> {
    let abroad = |one: &&Interface| one.reach != Reach::Loopback;
    let mut words = Vec::new();
    for one in now.interfaces.iter().filter(abroad) {
        if before.interface(one.index) != Some(one) {
            let addresses: Vec<_> = one.addresses.iter().map(ToString::to_string).collect();
            words.push(format!("{} has {}", one.name, listed(&addresses)));
        }
    }
    for one in before.interfaces.iter().filter(abroad) {
        if now.interface(one.index).is_none() {
            words.push(format!("{} has no address any more", one.name));
        }
    }
    if before.domains != now.domains {
        words.push(match now.domains.as_slice() {
            [] => "it is in no domain any more".to_owned(),
            domains => format!("it is in {}", listed(domains)),
        });
    }
    words
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{follow, next, refresh, told};
    use crate::shutdown;
    use crate::system::network::change::Changes;
    use crate::system::network::{Interface, Network, Reach, look};
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::sync::watch;
    use tokio::time::{Instant, timeout};

    fn network(all: &[(&str, u32, &[&str])]) -> Network {
        let interfaces = all.iter().map(|(name, index, addresses)| Interface {
            name: (*name).to_owned(),
            index: *index,
            reach: match *name {
                "lo" => Reach::Loopback,
                _ => Reach::Lan,
            },
            addresses: addresses.iter().map(|one| one.parse().unwrap()).collect(),
            subnets: Vec::new(),
        });
        Network {
            interfaces: interfaces.collect(),
            domains: Vec::new(),
        }
    }

    #[test]
    fn each_change_is_told_in_a_sentence() {
        let lo = ("lo", 1, ["127.0.0.1"].as_slice());
        let none = Network::default();
        let one = network(&[lo, ("eth0", 2, &["10.0.0.5", "fd99::1"])]);
        let three = ["10.0.0.5", "fd99::1", "fd99::2"];
        let two = network(&[lo, ("eth0", 2, &three), ("wlan0", 3, &["10.0.1.5"])]);
        assert_eq!(told(&none, &one), ["eth0 has 10.0.0.5 and fd99::1"]);
        assert_eq!(
            told(&one, &two),
            [
                "eth0 has 10.0.0.5, fd99::1 and fd99::2",
                "wlan0 has 10.0.1.5"
            ]
        );
        assert_eq!(
            told(&two, &network(&[lo])),
            [
                "eth0 has no address any more",
                "wlan0 has no address any more"
            ]
        );
        assert_eq!(told(&network(&[lo]), &none), [""; 0]);
        let named = Network {
            domains: vec!["fritz.box".to_owned(), "lan".to_owned()],
            ..one.clone()
        };
        assert_eq!(told(&one, &named), ["it is in fritz.box and lan"]);
        assert_eq!(told(&named, &one), ["it is in no domain any more"]);
    }

    #[tokio::test]
    async fn only_changes_are_sent() {
        let (network_tx, mut network_rx) = watch::channel(Arc::default());
        refresh(&network_tx).await;
        assert!(network_rx.has_changed().unwrap());
        assert_eq!(**network_rx.borrow_and_update(), look().unwrap());
        refresh(&network_tx).await;
        assert!(!network_rx.has_changed().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_kernels_word_it_is_looked_every_few_seconds() {
        let begun = Instant::now();
        next(&mut None).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(5));
        let mut changes = Some(Changes::listen().unwrap());
        next(&mut changes).await;
        // Something may change on the machine that tests.
        assert!(begun.elapsed() <= Duration::from_secs(36));
        assert!(changes.is_some());
    }

    #[tokio::test]
    async fn following_begins_with_a_look_and_ends_when_the_box_stops() {
        let (network_tx, mut network_rx) = watch::channel(Arc::default());
        let (stopper, shutdown) = shutdown::channel();
        let following = tokio::spawn(follow(network_tx, shutdown));
        let soon = Duration::from_secs(10);
        timeout(soon, network_rx.changed()).await.unwrap().unwrap();
        stopper.stop();
        timeout(soon, following).await.unwrap().unwrap();
    }
}
