//! What control clients have set on each tuner, and what they are told.
//!
//! A desk holds what somebody has chosen there and the stream that is sent from it. The tuner itself
//! is held only while it sends: until then anybody may watch on it, unless it is locked.

use super::Request;
use super::filter::Filter;
use super::signal::{Signal, hertz, station, stream_info, tuned};
use super::target::{Sending, Target};
use super::variable::{Knob, Variable, help};
use crate::clock::SharedClock;
use crate::limits;
use crate::model::{ChannelNumber, FIRMWARE, FIRMWARE_VERSION, MODEL};
use crate::schedule::{Lineup, Schedule};
use crate::tuner::dial::{self, CHANNEL_MAP};
use crate::tuner::{Locked, Refusal, TunerStatus, Tuners, Viewer, Want};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The desks of all tuners.
pub struct Desks {
    tuners: Arc<Tuners>,
    lineup_rx: watch::Receiver<Arc<Lineup>>,
    clock: SharedClock,
    /// One for each tuner. The mutex is held for a few instructions, never across an await.
    desks: Mutex<Vec<Desk>>,
}

/// What is set on one tuner.
#[derive(Default)]
struct Desk {
    tuned: Option<Tuned>,
    program: Option<u16>,
    filter: Filter,
    sending: Option<Sending>,
}

/// What a tuner was tuned to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tuned {
    /// A frequency in Hz, in the client's words.
    Frequency(u32, String),
    /// A channel.
    Channel(ChannelNumber),
}

/// Who asks, and the address of the box that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) peer: IpAddr,
    pub(super) local: IpAddr,
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

/// What a new value has to be.
const NOT_A_VALUE: Denial = Denial::Refused("invalid value");

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
        caller: Caller,
    ) -> Result<String, Denial> {
        let variable = request.name.parse().map_err(|_| Denial::Unknown)?;
        if let Variable::Tuner(index, knob) = variable {
            let mut status = self.tuners.status().into_iter();
            let status = status.nth(index).ok_or(Denial::Unknown)?;
            return match request.value {
                None => Ok(self.knob(&status, knob)),
                Some(value) => self.turn((index, knob), value, request.key, caller).await,
            };
        }
        match (variable, request.value) {
            (Variable::Scan, Some(value @ ("start" | "abort"))) => Ok(value.to_owned()),
            (_, Some(_)) => Err(Denial::Malformed),
            (_, None) => Ok(self.device(variable)),
        }
    }

    /// The receiver of a stream has said that it is there.
    pub(super) fn hear(&self, peer: SocketAddr) {
        let desks = self.desks();
        let mut sendings = desks.iter().filter_map(|desk| desk.sending.as_ref());
        if let Some(sending) = sendings.find(|one| one.target.to == peer) {
            sending.hear();
        }
    }

    fn desks(&self) -> MutexGuard<'_, Vec<Desk>> {
        // A panic elsewhere leaves what was chosen as good as it was.
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a desk, or changes it.
    fn at<T: Default>(&self, index: usize, look: impl FnOnce(&mut Desk) -> T) -> T {
        self.desks().get_mut(index).map_or_else(T::default, look)
    }

    fn lineup(&self) -> Arc<Lineup> {
        Arc::clone(&self.lineup_rx.borrow())
    }

    /// A variable of the device itself.
    fn device(&self, variable: Variable) -> String {
        match variable {
            Variable::Help => help(),
            Variable::Model => FIRMWARE.to_owned(),
            Variable::Hardware => MODEL.to_owned(),
            Variable::Version => FIRMWARE_VERSION.to_owned(),
            Variable::Copyright => "EXStreamTV, MIT licence".to_owned(),
            Variable::Features => {
                format!("channelmap: {CHANNEL_MAP}\nmodulation: 8vsb\nauto-modulation: auto\n")
            }
            Variable::Debug => {
                let tuners = self.tuners.status().into_iter();
                let watched = tuners.filter(|tuner| tuner.viewer.is_some()).count();
                format!("loop: pkt=0\ntuners: watched={watched}\n")
            }
            // A scan is over before it can be asked about.
            Variable::Scan => "complete".to_owned(),
            Variable::Location => "disabled".to_owned(),
            Variable::Tuner(..) => String::new(),
        }
    }

    /// A variable of a tuner.
    fn knob(&self, status: &TunerStatus, knob: Knob) -> String {
        let none = || "none".to_owned();
        let viewer = status.viewer.as_ref();
        let index = status.index;
        match knob {
            Knob::Status => self.signal(status).to_string(),
            Knob::Debug => self.signal(status).debug(),
            Knob::Channel => self.signal(status).channel,
            Knob::ChannelMap => CHANNEL_MAP.to_owned(),
            Knob::StreamInfo => self.stream_info(status),
            Knob::VirtualChannel => {
                let named = self.at(index, |desk| match &desk.tuned {
                    Some(Tuned::Channel(number)) => Some(*number),
                    _ => None,
                });
                let number = viewer.map(|viewer| viewer.channel).or(named);
                number.map_or_else(none, |number| number.to_string())
            }
            Knob::Program => {
                let program = self.at(index, |desk| desk.program);
                program.map_or_else(none, |program| program.to_string())
            }
            Knob::Filter => self.at(index, |desk| desk.filter.to_string()),
            Knob::Target => self.target(status).unwrap_or_else(none),
            Knob::LockKey => {
                let watched_by = viewer
                    .filter(|viewer| !matches!(viewer.want, Want::Controlled(_)))
                    .map(|viewer| viewer.peer.ip());
                let holder = watched_by.or(status.locked_by);
                holder.map_or_else(none, |holder| holder.to_string())
            }
        }
    }

    /// Where a tuner's stream goes.
    fn target(&self, status: &TunerStatus) -> Option<String> {
        let viewer = status.viewer.as_ref()?;
        let sent = self.at(status.index, |desk| {
            let sending = desk.sending.as_ref().filter(|sending| !sending.is_over());
            sending.map(|sending| sending.target.to_string())
        });
        match viewer.want {
            Want::Controlled(_) => sent,
            Want::Any | Want::Tuner(_) => Some(format!("http://{}", viewer.peer)),
        }
    }

    /// What a tuner receives.
    fn signal(&self, status: &TunerStatus) -> Signal {
        let lineup = self.lineup();
        let at = |number, bits_per_second| {
            let station = lineup
                .schedule(number)
                .and_then(|one| station(&lineup, one));
            station.map(|station| Signal {
                channel: tuned(station),
                found: true,
                bits_per_second,
            })
        };
        let signal = match (
            &status.viewer,
            self.at(status.index, |desk| desk.tuned.clone()),
        ) {
            (Some(viewer), _) => at(viewer.channel, self.rate(viewer)),
            (None, Some(Tuned::Channel(number))) => at(number, 0),
            (None, Some(Tuned::Frequency(hertz, words))) => Some(Signal {
                channel: words,
                found: dial::stations(&lineup, hertz).next().is_some(),
                bits_per_second: 0,
            }),
            (None, None) => None,
        };
        signal.unwrap_or_else(Signal::none)
    }

    /// Bits per second that a viewer has got, on average since the tune.
    fn rate(&self, viewer: &Viewer) -> u64 {
        let since_ms = self.clock.epoch_ms().saturating_sub(viewer.since_ms).max(1);
        viewer.sent_bytes.saturating_mul(8_000) / since_ms.unsigned_abs()
    }

    fn stream_info(&self, status: &TunerStatus) -> String {
        let lineup = self.lineup();
        let of = |number| {
            let schedule = lineup.schedule(number)?;
            station(&lineup, schedule).map(|station| station.hertz)
        };
        let hertz = match (
            &status.viewer,
            self.at(status.index, |desk| desk.tuned.clone()),
        ) {
            (Some(viewer), _) => of(viewer.channel),
            (None, Some(Tuned::Channel(number))) => of(number),
            (None, Some(Tuned::Frequency(hertz, _))) => Some(hertz),
            (None, None) => None,
        };
        // No station is at 0 Hz.
        stream_info(dial::stations(&lineup, hertz.unwrap_or(0)))
    }

    /// Sets a variable of a tuner; its value afterwards.
    async fn turn(
        &self,
        (index, knob): (usize, Knob),
        value: &str,
        key: Option<u32>,
        caller: Caller,
    ) -> Result<String, Denial> {
        if knob == Knob::LockKey {
            return self.lock(index, value, key, caller);
        }
        if matches!(knob, Knob::Status | Knob::StreamInfo | Knob::Debug) {
            return Err(Denial::Malformed);
        }
        self.tuners.admit(index, key)?;
        match knob {
            Knob::Channel => self.tune(index, frequency(value)?, caller).await?,
            Knob::VirtualChannel => {
                let channel = self.named(value)?;
                self.tune(index, channel, caller).await?;
            }
            Knob::Program => {
                let program = program(value)?;
                self.at(index, |desk| desk.program = program);
                self.send_anew(index, caller).await?;
            }
            Knob::Filter => {
                let filter: Filter = value.parse().map_err(|_| NOT_A_VALUE)?;
                self.at(index, |desk| desk.filter = filter);
                self.send_anew(index, caller).await?;
            }
            Knob::ChannelMap if value == CHANNEL_MAP => {}
            Knob::Target => match value {
                "none" => self.stop(index).await,
                _ => {
                    let target: Target = value.parse().map_err(|_| NOT_A_VALUE)?;
                    self.send(index, target, caller).await?;
                }
            },
            _ => return Err(NOT_A_VALUE),
        }
        let mut status = self.tuners.status().into_iter();
        let status = status.nth(index).ok_or(Denial::Unknown)?;
        Ok(match knob {
            // Whoever sets these expects its own words.
            Knob::Channel | Knob::VirtualChannel => value.to_owned(),
            _ => self.knob(&status, knob),
        })
    }

    fn lock(
        &self,
        index: usize,
        value: &str,
        key: Option<u32>,
        caller: Caller,
    ) -> Result<String, Denial> {
        match value {
            "none" => {
                self.tuners.admit(index, key)?;
                self.tuners.unlock(index);
            }
            "force" => self.tuners.unlock(index),
            _ => {
                let new = value.parse().map_err(|_| NOT_A_VALUE)?;
                self.tuners.lock(index, (caller.peer, new), key)?;
                return Ok(value.to_owned());
            }
        }
        Ok("none".to_owned())
    }

    /// The channel that a value of `/tuner<n>/vchannel` names: `13.1`, `v13.1`, `none`.
    fn named(&self, value: &str) -> Result<Option<Tuned>, Denial> {
        let mut words = value.split(' ');
        let number = words.next().unwrap_or_default();
        if words.any(|word| word != "transcode=none") {
            return Err(Denial::Refused("unknown transcode profile"));
        }
        if number == "none" {
            return Ok(None);
        }
        let number = number.strip_prefix('v').unwrap_or(number);
        let number = number.parse().map_err(|_| NOT_A_VALUE)?;
        let known = self.lineup().schedule(number).is_some();
        let unknown = Denial::Refused(Refusal::UnknownChannel.code());
        if known {
            Ok(Some(Tuned::Channel(number)))
        } else {
            Err(unknown)
        }
    }

    /// Tunes a tuner. A stream that it sends goes on with what is there.
    async fn tune(&self, index: usize, tuned: Option<Tuned>, caller: Caller) -> Result<(), Denial> {
        let off = tuned.is_none();
        self.at(index, |desk| {
            desk.tuned = tuned;
            desk.program = None;
        });
        if off {
            self.stop(index).await;
            return Ok(());
        }
        self.send_anew(index, caller).await
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

    /// Sends what a tuner is at now to where it sends already, if it does.
    async fn send_anew(&self, index: usize, caller: Caller) -> Result<(), Denial> {
        let target = self.at(index, |desk| {
            let sending = desk.sending.as_ref().filter(|sending| !sending.is_over());
            sending.map(|sending| sending.target)
        });
        match target {
            Some(target) => self.send(index, target, caller).await,
            None => Ok(()),
        }
    }

    /// Sends what a tuner is at to the client.
    async fn send(&self, index: usize, target: Target, caller: Caller) -> Result<(), Denial> {
        if target.to.ip().to_canonical() != caller.peer {
            return Err(Denial::Refused(
                "streams are sent to whoever asks for them, to nobody else",
            ));
        }
        let schedule = self
            .chosen(index)
            .ok_or(Denial::Refused("no channel is tuned"))?;
        self.stop(index).await;
        let number = schedule.channel().number;
        let want = Want::Controlled(index);
        let lease = self.tuners.lease(number, want, target.to).await;
        let lease = lease.map_err(|refusal| Denial::Refused(refusal.code()))?;
        let rate = schedule
            .bits_per_second()
            .saturating_mul(limits::TARGET_CATCH_UP);
        let rate = rate.max(limits::TARGET_BITS_PER_SECOND);
        let filter = self.at(index, |desk| desk.filter.clone());
        let sending = Sending::begin(lease, (caller.local, target), filter, rate).await;
        let sending = sending.map_err(|error| {
            log::warn!("tuner{index}: cannot send to {target}: {error}");
            Denial::Refused("there is no way to this target")
        })?;
        self.at(index, |desk| desk.sending = Some(sending));
        Ok(())
    }

    /// Ends what a tuner sends.
    async fn stop(&self, index: usize) {
        if let Some(sending) = self.at(index, |desk| desk.sending.take()) {
            sending.end().await;
        }
    }
}

/// The frequency that a value of `/tuner<n>/channel` names.
fn frequency(value: &str) -> Result<Option<Tuned>, Denial> {
    if value == "none" {
        return Ok(None);
    }
    let hertz = hertz(value).ok_or(NOT_A_VALUE)?;
    Ok(Some(Tuned::Frequency(hertz, value.to_owned())))
}

/// The program that a value of `/tuner<n>/program` names.
fn program(value: &str) -> Result<Option<u16>, Denial> {
    if matches!(value, "none" | "0") {
        return Ok(None);
    }
    value.parse().map(Some).map_err(|_| NOT_A_VALUE)
}
