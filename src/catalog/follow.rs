//! Libraries of Plex servers kept up to date by themselves: looked at now and then, which costs two
//! small requests each while nothing has changed, and soon after a server says that something has.
//!
//! What a server says by itself is a hint and nothing more: without any, everything works, a quarter
//! of an hour later.

use super::Librarian;
use crate::clock::Clock;
use crate::limits;
use crate::model::Origin;
use crate::plex::Servers;
use crate::shutdown::Shutdown;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How long a server says nothing more before its library is looked at.
const CALM: Duration = Duration::from_secs(10);
/// How long it is let go on before that.
const BUSY: Duration = Duration::from_secs(60);
/// How long after a server has ended its hints it is asked for more.
const LISTEN_AGAIN: Duration = Duration::from_secs(60);

impl Librarian {
    /// Looks at the Plex libraries every now and then, and when their servers hint at something,
    /// until the box stops. It waits for the date to be known: a list is compared by it.
    pub async fn keep_up(&self, clock: &dyn Clock, mut shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.stopped() => {}
            // A sync that is broken off keeps what it has found.
            () = self.keep_up_for_ever(clock) => {}
        }
    }

    async fn keep_up_for_ever(&self, clock: &dyn Clock) {
        let (hint_tx, mut hint_rx) = watch::channel(());
        let mut listening = JoinSet::new();
        let mut listened = BTreeSet::new();
        let mut catalog_rx = self.catalog();
        let every = Duration::from_millis(limits::PLEX_SYNC_MS);
        let mut next = Instant::now() + every;
        loop {
            for server in self.plex_servers() {
                if let Some(servers) = self.servers()
                    && listened.insert(server.clone())
                {
                    listening.spawn(listen(Arc::clone(servers), server, hint_tx.clone()));
                }
            }
            tokio::select! {
                () = sleep_until(next) => {}
                Ok(()) = catalog_rx.changed() => continue,
                Ok(()) = hint_rx.changed() => {
                    // More comes while a server works on its library.
                    let until = Instant::now() + BUSY;
                    while Instant::now() < until
                        && timeout(CALM, hint_rx.changed()).await.is_ok()
                    {}
                }
            }
            next = Instant::now() + every;
            if clock.is_known() && !listened.is_empty() {
                self.look_again(clock.epoch_ms()).await;
            }
        }
    }

    async fn look_again(&self, now_ms: i64) {
        let synced = match self.sync_plex(now_ms).await {
            Ok(synced) => synced,
            Err(error) => return log::warn!("the Plex libraries were not looked at: {error}"),
        };
        for (library, report) in synced {
            match report {
                Ok(report) if report.has_changed() => {
                    log::info!("library {}: {report}", library.name);
                }
                Ok(_) => {}
                Err(error) => log::warn!("library {} was not looked at: {error}", library.name),
            }
        }
    }

    /// The servers whose sections are libraries.
    fn plex_servers(&self) -> BTreeSet<String> {
        let catalog = self.catalog().borrow().clone();
        let origins = catalog.libraries().iter().map(|library| &library.origin);
        origins
            .filter_map(|origin| match origin {
                Origin::Plex { server, .. } => Some(server.clone()),
                Origin::Folder { .. } => None,
            })
            .collect()
    }
}

/// Passes on that a server has hinted at something.
async fn listen(servers: Arc<Servers>, machine: String, hint_tx: watch::Sender<()>) {
    loop {
        if let Ok(server) = servers.server(&machine).await
            && let Ok(mut events) = server.events().await
        {
            while let Ok(Some(_)) = events.next().await {
                hint_tx.send_replace(());
            }
        }
        sleep(LISTEN_AGAIN).await;
    }
}
