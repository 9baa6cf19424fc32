//! The servers that the box may use, and the way to each: found when somebody needs it, kept while it
//! is good, and left alone for a while when it is not.
//!
//! Trouble is kept apart by whom it concerns. A token that is not taken stops everything that is
//! asked of its server, until the owner signs in again: 28,949 titles are not bad because of it. A
//! server that does not answer is asked again after 1, 2, 4 ... 30 s, whoever wants it.

use super::{
    Account, Class, Credentials, Identity, KnownServer, Ownership, Reach, Result, Secret, Server,
    ServerEntry, Trouble, Wishes, find, gdm,
};
use crate::error::{self, Error};
use crate::limits;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The longest that a server which does not answer is left alone.
const AWAY_S: u64 = 30;
/// The same for one that says that it is starting.
const STARTING_S: u64 = 60;
/// What fails so soon after it was found does not get better by looking again.
const LATELY: Duration = Duration::from_secs(60);
/// A token that was not taken is tried again so much later: an owner can repair that elsewhere.
const RECHECK: Duration = Duration::from_secs(3_600);

/// All servers that the box is linked to.
#[derive(Debug)]
pub struct Servers {
    state: PathBuf,
    identity: Identity,
    plex_tv: String,
    /// One permit: who holds it writes the credentials.
    saving: Semaphore,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    credentials: Credentials,
    ways: HashMap<String, Way>,
    /// By machine, each with one permit: who holds it looks for that server, and the others then know.
    turns: HashMap<String, Arc<Semaphore>>,
}

/// The way to a server.
#[derive(Debug, Clone)]
enum Way {
    Open {
        server: Box<Server>,
        since: Instant,
        /// Something of it could not be read: it is asked first whether it is still there.
        doubted: bool,
    },
    Closed {
        trouble: Trouble,
        /// Failures one after the other.
        times: u32,
        until: Instant,
    },
}

/// How a server is, for pages and health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its machine identifier.
    pub machine: String,
    /// What its owner calls it.
    pub name: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// What is wrong with it; `None` while nothing is known to be.
    pub trouble: Option<Trouble>,
}

impl Servers {
    /// Those in the state folder's credentials.
    ///
    /// # Errors
    /// The file with the credentials cannot be read or understood; it is left as it is.
    pub fn open(state: &Path, device_name: &str) -> error::Result<Self> {
        let credentials = Credentials::load(state)?;
        Ok(Self {
            identity: Identity::new(&credentials.client_id, device_name),
            state: state.to_owned(),
            plex_tv: "https://plex.tv".to_owned(),
            saving: Semaphore::new(1),
            known: Mutex::new(Known {
                credentials,
                ways: HashMap::new(),
                turns: HashMap::new(),
            }),
        })
    }

    /// Asks at another address than plex.tv's.
    #[must_use]
    pub fn asking(mut self, plex_tv: &str) -> Self {
        plex_tv.clone_into(&mut self.plex_tv);
        self
    }

    /// plex.tv, for linking the box.
    ///
    /// # Errors
    /// The system gives no means to connect.
    pub fn account(&self) -> Result<Account> {
        Account::at(&self.plex_tv, &self.identity)
    }

    /// How each server is.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let known = self.known();
        let servers = known.credentials.servers.iter();
        servers
            .map(|server| Standing {
                machine: server.machine.clone(),
                name: server.name.clone(),
                ownership: server.ownership,
                trouble: match known.ways.get(&server.machine) {
                    Some(Way::Closed { trouble, .. }) => Some(trouble.clone()),
                    _ => None,
                },
            })
            .collect()
    }

    /// Whether the box is linked to an account or a server.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        let known = self.known();
        known.credentials.account.is_some() || !known.credentials.servers.is_empty()
    }

    /// Whether the box is linked to a server at this address, with this token.
    #[must_use]
    pub fn is_linked_to(&self, url: &str, token: &Secret) -> bool {
        let known = self.known();
        let mut servers = known.credentials.servers.iter();
        servers.any(|one| one.url.as_deref() == Some(url) && one.token == *token)
    }

    /// Links the box to a server at an address that the owner names.
    ///
    /// # Errors
    /// The server cannot be used, or the credentials cannot be written.
    pub async fn link_server(&self, url: &str, token: &Secret) -> error::Result<Server> {
        let server = Server::at(url, token, &self.identity).await?;
        self.keep(KnownServer {
            machine: server.machine.clone(),
            name: server.name.clone(),
            ownership: Ownership::Owned,
            token: token.clone(),
            url: Some(url.to_owned()),
            last_good: None,
        })
        .await?;
        self.open_way(&server);
        Ok(server)
    }

    /// Links the box to an account, and so to its servers.
    ///
    /// # Errors
    /// plex.tv does not take the token or cannot be asked, or the credentials cannot be written.
    pub async fn link_account(&self, token: &Secret) -> error::Result<Vec<Standing>> {
        let entries = self.account()?.servers(token).await?;
        let listed = entries.into_iter().map(|entry| KnownServer {
            machine: entry.machine,
            name: entry.name,
            ownership: entry.ownership,
            token: entry.token,
            url: None,
            last_good: None,
        });
        {
            let mut known = self.known();
            known.credentials.account = Some(token.clone());
            known.credentials.list(listed);
            // Signing in again is a new beginning for all of them.
            known.ways.clear();
        }
        self.save().await?;
        Ok(self.standings())
    }

    /// The way to a server: the one that is open, or the one that is found now.
    ///
    /// # Errors
    /// The box is not linked to it, or what kept it from being used the last time, while that is too
    /// short ago.
    pub async fn server(&self, machine: &str) -> Result<Server> {
        if let Some(known) = self.way(machine) {
            return known;
        }
        let turn = self.turn(machine);
        let _turn = turn.acquire().await;
        // Somebody else may have found it meanwhile.
        if let Some(known) = self.way(machine) {
            return known;
        }
        let found = match self.doubted(machine) {
            Some(server) => match server.verify().await {
                Ok(()) => Ok(server),
                Err(_) => self.look_for(machine).await,
            },
            None => self.look_for(machine).await,
        };
        match &found {
            Ok(server) => self.open_way(server),
            Err(trouble) => self.close_way(machine, trouble.clone()),
        }
        found
    }

    /// Somebody had trouble with a server. What concerns all of it has the way to it looked for
    /// anew, once; if that was done a moment ago, the server is left alone for a while.
    pub fn tell(&self, machine: &str, trouble: &Trouble) {
        let concerns_all = matches!(
            trouble.class,
            Class::Auth | Class::Unreachable | Class::WrongServer | Class::Starting
        );
        if !concerns_all {
            return;
        }
        let found_long_ago = match self.known().ways.get(machine) {
            Some(Way::Open { since, .. }) => since.elapsed() > LATELY,
            _ => false,
        };
        if found_long_ago && trouble.class != Class::Starting {
            log::warn!("{trouble}");
            self.known().ways.remove(machine);
        } else {
            self.close_way(machine, trouble.clone());
        }
    }

    /// As [`Self::tell`], for who passes the trouble on.
    pub fn told(&self, machine: &str, trouble: Trouble) -> Error {
        self.tell(machine, &trouble);
        trouble.into()
    }

    /// A server has not taken the box's token, for a part or a conversion.
    pub fn refuse(&self, machine: &str) {
        let name = {
            let known = self.known();
            let server = known.credentials.server(machine);
            server.map_or_else(|| "Plex".to_owned(), |server| server.name.clone())
        };
        let why = "the server does not take this box's token; sign in again with `exstreamtv link`";
        self.tell(machine, &Trouble::new(Class::Auth, name, why));
    }

    /// Something of a server could not be read, and it may be the server's fault: who needs it next
    /// asks first whether it is still there.
    pub fn doubt(&self, machine: &str) {
        if let Some(Way::Open { doubted, .. }) = self.known().ways.get_mut(machine) {
            *doubted = true;
        }
    }

    /// Who holds its permit looks for this server.
    fn turn(&self, machine: &str) -> Arc<Semaphore> {
        let mut known = self.known();
        let turn = known.turns.entry(machine.to_owned());
        Arc::clone(turn.or_insert_with(|| Arc::new(Semaphore::new(1))))
    }

    /// The server that is to be asked whether it is still there.
    fn doubted(&self, machine: &str) -> Option<Server> {
        match self.known().ways.get(machine)? {
            Way::Open { server, .. } => Some(Server::clone(server)),
            Way::Closed { .. } => None,
        }
    }

    /// What is known of the way now; `None` where it has to be found, or asked.
    fn way(&self, machine: &str) -> Option<Result<Server>> {
        match self.known().ways.get(machine)? {
            Way::Open { doubted: true, .. } => None,
            Way::Open { server, .. } => Some(Ok(Server::clone(server))),
            Way::Closed { trouble, until, .. } => {
                (Instant::now() < *until).then(|| Err(trouble.clone()))
            }
        }
    }

    fn open_way(&self, server: &Server) {
        let mut known = self.known();
        let since = match known.ways.get(&server.machine) {
            Some(Way::Open { since, .. }) => *since,
            _ => Instant::now(),
        };
        let way = Way::Open {
            server: Box::new(server.clone()),
            since,
            doubted: false,
        };
        known.ways.insert(server.machine.clone(), way);
    }

    fn close_way(&self, machine: &str, trouble: Trouble) {
        let mut known = self.known();
        let times = match known.ways.get(machine) {
            // Several may meet the same trouble: it counts once.
            Some(Way::Closed { until, .. }) if Instant::now() < *until => return,
            Some(Way::Closed { times, .. }) => times.saturating_add(1),
            _ => 1,
        };
        log::warn!("{trouble}");
        let until = Instant::now() + left_alone(trouble.class, times);
        let way = Way::Closed {
            trouble,
            times,
            until,
        };
        known.ways.insert(machine.to_owned(), way);
    }

    async fn look_for(&self, machine: &str) -> Result<Server> {
        let (server, account) = {
            let known = self.known();
            let server = known.credentials.server(machine).cloned();
            (server, known.credentials.account.clone())
        };
        let Some(known) = server else {
            let why = "the box is not linked to this server; run `exstreamtv link`";
            return Err(Trouble::new(Class::Auth, "Plex", why));
        };
        let (server, token) = match (&known.url, account) {
            (Some(url), _) => {
                let again = Server::again(url, machine, &known.token, &self.identity);
                (again.await?, known.token.clone())
            }
            (None, Some(account)) => self.by_account(&known, &account).await?,
            (None, None) => {
                let why = "the box is not signed in any more; run `exstreamtv link`";
                return Err(Trouble::new(Class::Auth, known.name, why));
            }
        };
        // Neither a relay nor an address in clear is where it is looked for first the next time.
        let is_good = server.reach != Reach::Relay && server.base().starts_with("https://");
        let found = KnownServer {
            token,
            last_good: is_good
                .then(|| server.base().to_owned())
                .or_else(|| known.last_good.clone()),
            ..known.clone()
        };
        if found != known
            && let Err(error) = self.keep(found).await
        {
            // It is found all the same; the next start has to look a little longer.
            log::warn!("{error}");
        }
        Ok(server)
    }

    /// Finds a server of the account at any of its addresses, the last good one first. Gives it with
    /// the token that it takes now.
    async fn by_account(&self, known: &KnownServer, account: &Secret) -> Result<(Server, Secret)> {
        if let Some(url) = &known.last_good
            && let Ok(server) =
                Server::again(url, &known.machine, &known.token, &self.identity).await
        {
            return Ok((server, known.token.clone()));
        }
        let listed = self.account()?.servers(account).await;
        let listed = listed.map(|entries| {
            let mut entries = entries.into_iter();
            entries.find(|entry| entry.machine == known.machine)
        });
        // Where plex.tv cannot be asked, or does not list it just now, the LAN may know it.
        let (entry, unlisted) = match listed {
            Ok(Some(entry)) => (entry, None),
            Ok(None) => {
                let why = "it is no longer among the servers of the account";
                let gone = Trouble::new(Class::Unreachable, known.name.clone(), why);
                (ServerEntry::unlisted(known), Some(gone))
            }
            Err(trouble) => (ServerEntry::unlisted(known), Some(trouble)),
        };
        let patience = Duration::from_millis(limits::PLEX_LAN_MS);
        // A network where nobody answers is as good as none.
        let announced = gdm(&[], patience).await.unwrap_or_default();
        let wishes = Wishes {
            last_good: known.last_good.clone(),
            announced,
            ..Wishes::default()
        };
        match (find(&entry, &self.identity, &wishes).await, unlisted) {
            (Ok(server), _) => Ok((server, entry.token)),
            (Err(trouble), Some(why)) if trouble.class == Class::Unreachable => Err(why),
            (Err(trouble), _) => Err(trouble),
        }
    }

    /// Keeps what is known of a server.
    async fn keep(&self, server: KnownServer) -> error::Result<()> {
        self.known().credentials.keep(server);
        self.save().await
    }

    /// Writes the credentials, beside the runtime: a card may take its time.
    async fn save(&self) -> error::Result<()> {
        let _turn = self.saving.acquire().await;
        let (credentials, state) = (self.known().credentials.clone(), self.state.clone());
        let saved = tokio::task::spawn_blocking(move || credentials.save(&state)).await;
        saved.unwrap_or(Err(Error::ShuttingDown))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing in it is ever half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a server is left alone after it has failed so often.
fn left_alone(class: Class, times: u32) -> Duration {
    let doubled_s = 1_u64
        .checked_shl(times.saturating_sub(1))
        .unwrap_or(u64::MAX);
    match class {
        Class::Auth => RECHECK,
        Class::Starting => Duration::from_secs(doubled_s.saturating_mul(5).min(STARTING_S)),
        _ => Duration::from_secs(doubled_s.min(AWAY_S)),
    }
}
