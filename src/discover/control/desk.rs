//! What control clients have set on each tuner, and what follows from it.
//!
//! A desk holds what somebody has chosen there and the stream that is sent from it. A change is
//! understood first, then it stands on the desk, and then the stream is made what the desk says. The
//! tuner itself is held only while it sends: until then anybody may watch on it, unless it is locked.

use super::Request;
use super::change::Change;
use super::filter::Filter;
use super::target::{Order, Sending, Target};
use super::variable::{Knob, Variable};
use crate::clock::SharedClock;
use crate::limits;
use crate::model::ChannelNumber;
use crate::schedule::{Lineup, Schedule};
use crate::tuner::{Locked, Tuners, dial};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The desks of all tuners.
pub struct Desks {
    tuners: Arc<Tuners>,
    lineup_rx: watch::Receiver<Arc<Lineup>>,
    pub(super) clock: SharedClock,
    /// One for each tuner. The mutex is held for a few instructions, never across an await.
    desks: Mutex<Vec<Desk>>,
}

/// What is set on one tuner.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) tuned: Option<Tuned>,
    pub(super) program: Option<u16>,
    pub(super) filter: Filter,
    pub(super) target: Option<Target>,
    sending: Option<Sending>,
}

/// What a tuner was tuned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tuned {
    /// A frequency in Hz, in the client's words.
    Frequency(u32, String),
    /// A channel.
    Channel(ChannelNumber),
}

/// The ends of a control connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) peer: SocketAddr,
    /// The address of the box that was reached.
    pub(super) local: SocketAddr,
}

impl Client {
    /// The client's machine.
    pub(super) fn host(&self) -> IpAddr {
        self.peer.ip()
    }
}

/// Why a request is not done, in the words that clients know where there are such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denial {
    Malformed,
    Unknown,
    Locked(IpAddr),
    Refused(&'static str),
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("ERROR: malformed getset request"),
            Self::Unknown => f.write_str("ERROR: unknown getset variable"),
            Self::Locked(by) => write!(f, "ERROR: resource locked by {by}"),
            Self::Refused(why) => write!(f, "ERROR: {why}"),
        }
    }
}

impl From<Locked> for Denial {
    fn from(locked: Locked) -> Self {
        Self::Locked(locked.by)
    }
}

impl Denial {
    /// What was said is no value of this variable.
    pub(super) const NOT_A_VALUE: Self = Self::Refused("invalid value");
}

impl Desks {
    /// One for each tuner.
    #[must_use]
    pub fn new(
        tuners: Arc<Tuners>,
        lineup_rx: watch::Receiver<Arc<Lineup>>,
        clock: SharedClock,
    ) -> Self {
        let desks = std::iter::repeat_with(Desk::default);
        let desks = Mutex::new(desks.take(tuners.count()).collect());
        Self {
            tuners,
            lineup_rx,
            clock,
            desks,
        }
    }

    /// Reads or sets a variable; its value afterwards.
    pub(super) async fn answer(
        &self,
        request: &Request<'_>,
        client: Client,
    ) -> Result<String, Denial> {
        let variable = request.name.parse().map_err(|_| Denial::Unknown)?;
        let Variable::Tuner(index, knob) = variable else {
            return match (variable, request.value) {
                (Variable::Scan, Some(value @ ("start" | "abort"))) => Ok(value.to_owned()),
                (_, Some(_)) => Err(Denial::Malformed),
                (_, None) => Ok(self.device(variable)),
            };
        };
        if index >= self.tuners.count() {
            return Err(Denial::Unknown);
        }
        if let Some(value) = request.value {
            self.turn((index, knob), value, request.key, client).await?;
        }
        // Who speaks of a tuner that sends to it takes what is sent; tvheadend says no more than
        // that.
        self.hear_all(|sending, at| at == index && sending.target.host() == client.host());
        Ok(match (request.value, knob) {
            // Whoever sets these expects its own words.
            (Some("force"), Knob::LockKey) => "none".to_owned(),
            (Some(value), Knob::Channel | Knob::VirtualChannel | Knob::LockKey) => value.to_owned(),
            _ => {
                let mut status = self.tuners.status().into_iter();
                let status = status.nth(index).ok_or(Denial::Unknown)?;
                self.knob(&status, knob)
            }
        })
    }

    /// The receiver of a stream has said that it is there.
    pub(super) fn hear(&self, peer: SocketAddr) {
        self.hear_all(|sending, _| sending.target.is(peer));
    }

    /// Whether anything is sent to a machine; then it is taken to be there.
    pub(super) fn hear_host(&self, host: IpAddr) -> bool {
        self.hear_all(|sending, _| sending.target.host() == host)
    }

    /// Takes the receivers of some streams to be there; whether there is one.
    fn hear_all(&self, is_meant: impl Fn(&Sending, usize) -> bool) -> bool {
        let mut is_one = false;
        for (index, desk) in self.desks().iter().enumerate() {
            let live = desk.sending.as_ref().filter(|sending| !sending.is_over());
            if let Some(sending) = live.filter(|sending| is_meant(sending, index)) {
                sending.hear();
                is_one = true;
            }
        }
        is_one
    }

    fn desks(&self) -> MutexGuard<'_, Vec<Desk>> {
        // A panic elsewhere leaves what was chosen as good as it was.
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a desk, or changes it.
    pub(super) fn at<T: Default>(&self, index: usize, look: impl FnOnce(&mut Desk) -> T) -> T {
        let mut desks = self.desks();
        let Some(desk) = desks.get_mut(index) else {
            return T::default();
        };
        desk.tidy();
        look(desk)
    }

    pub(super) fn lineup(&self) -> Arc<Lineup> {
        Arc::clone(&self.lineup_rx.borrow())
    }

    pub(super) fn tuners(&self) -> &Tuners {
        &self.tuners
    }

    /// Sets a variable of a tuner.
    async fn turn(
        &self,
        (index, knob): (usize, Knob),
        value: &str,
        key: Option<u32>,
        client: Client,
    ) -> Result<(), Denial> {
        // Nobody takes a tuner from who gets its stream.
        let receiver = self.at(index, |desk| {
            desk.sending.as_ref().map(|sending| sending.target.host())
        });
        if let Some(other) = receiver.filter(|host| *host != client.host()) {
            return Err(Denial::Locked(other));
        }
        if knob == Knob::LockKey {
            return self.lock(index, value, key, client);
        }
        self.tuners.admit(index, key)?;
        let change = Change::read(knob, value, &self.lineup())?;
        if let Change::Target(Some(target)) = &change
            && target.host() != client.host()
        {
            let why = "streams are sent to whoever asks for them, to nobody else";
            return Err(Denial::Refused(why));
        }
        self.at(index, |desk| {
            // Where another machine wanted a stream that never came.
            if desk
                .target
                .is_some_and(|target| target.host() != client.host())
            {
                desk.target = None;
            }
            change.stand_on(desk);
        });
        self.settle(index, client).await
    }

    fn lock(
        &self,
        index: usize,
        value: &str,
        key: Option<u32>,
        client: Client,
    ) -> Result<(), Denial> {
        let before = self.tuners.status().into_iter().nth(index);
        let before = before.and_then(|status| status.locked_by);
        match value {
            "none" => {
                self.tuners.admit(index, key)?;
                self.tuners.unlock(index);
            }
            "force" => self.tuners.unlock(index),
            _ => {
                let new = value.parse().map_err(|_| Denial::NOT_A_VALUE)?;
                self.tuners.lock(index, (client.host(), new), key)?;
                if before == Some(client.host()) {
                    return Ok(());
                }
            }
        }
        // What the holder before has chosen to get is not the next one's choice.
        self.at(index, |desk| desk.filter = Filter::default());
        Ok(())
    }

    /// The channel that a tuner is to send.
    fn chosen(&self, index: usize) -> Option<Arc<Schedule>> {
        let lineup = self.lineup();
        let (tuned, program) = self.at(index, |desk| (desk.tuned.clone(), desk.program));
        match tuned? {
            Tuned::Channel(number) => lineup.schedule(number).cloned(),
            Tuned::Frequency(hertz, _) => dial::find(&lineup, hertz, program).cloned(),
        }
    }

    /// Has a tuner send what its desk says: where that is the same as before, without a seam.
    async fn settle(&self, index: usize, client: Client) -> Result<(), Denial> {
        let chosen = self.chosen(index);
        let number = chosen.as_ref().map(|schedule| schedule.channel().number);
        let (order, before) = self.at(index, |desk| {
            let sends = desk.sending.as_ref();
            let sends = sends.map(|sending| (sending.channel, sending.target));
            if let Some(sending) = &desk.sending
                && sends == number.zip(desk.target)
            {
                sending.filter(&desk.filter);
                return (None, None);
            }
            let order = chosen.zip(desk.target).map(|(schedule, target)| {
                let rate = schedule.bits_per_second();
                let rate = rate.saturating_mul(limits::TARGET_CATCH_UP);
                Order {
                    tuner: index,
                    channel: schedule.channel().number,
                    target,
                    client,
                    filter: desk.filter.clone(),
                    bits_per_second: rate.max(limits::TARGET_BITS_PER_SECOND),
                }
            });
            (order, desk.sending.take())
        });
        if let Some(before) = before {
            before.end().await;
        }
        let Some(order) = order else {
            return Ok(());
        };
        let target = order.target;
        match Sending::begin(order, Arc::clone(&self.tuners)).await {
            Ok(sending) => self.at(index, |desk| desk.sending = Some(sending)),
            Err(denial) => {
                self.at(index, |desk| {
                    if desk.sending.is_none() && desk.target == Some(target) {
                        desk.target = None;
                    }
                });
                return Err(denial);
            }
        }
        Ok(())
    }
}

impl Desk {
    /// Forgets a stream that has ended by itself, and where it went.
    fn tidy(&mut self) {
        if self.sending.as_ref().is_some_and(Sending::is_over) {
            self.sending = None;
            self.target = None;
        }
    }
}
