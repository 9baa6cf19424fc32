//! What control clients change on a desk: understood first, so that what cannot be leaves everything
//! as it was. Pure.

use super::desk::{Denial, Desk, Tuned};
use super::filter::Filter;
use super::signal::hertz;
use super::target::Target;
use super::variable::Knob;
use crate::schedule::Lineup;
use crate::tuner::Refusal;
use crate::tuner::dial::CHANNEL_MAP;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Tuned(Option<Tuned>),
    Program(Option<u16>),
    Filter(Filter),
    Target(Option<Target>),
    /// What is set is so already.
    Nothing,
}

impl Change {
    /// What a new value of a knob means.
    pub(super) fn read(knob: Knob, value: &str, lineup: &Lineup) -> Result<Self, Denial> {
        let is_none = value == "none";
        Ok(match knob {
            Knob::Channel | Knob::VirtualChannel if is_none => Self::Tuned(None),
            Knob::Channel => {
                let hertz = hertz(value).ok_or(Denial::NOT_A_VALUE)?;
                Self::Tuned(Some(Tuned::Frequency(hertz, value.to_owned())))
            }
            Knob::VirtualChannel => Self::Tuned(Some(named(value, lineup)?)),
            Knob::Program if is_none || value == "0" => Self::Program(None),
            Knob::Program => Self::Program(Some(value.parse().map_err(|_| Denial::NOT_A_VALUE)?)),
            Knob::Filter => Self::Filter(value.parse().map_err(|_| Denial::NOT_A_VALUE)?),
            Knob::Target if is_none => Self::Target(None),
            Knob::Target => Self::Target(Some(value.parse().map_err(|_| Denial::NOT_A_VALUE)?)),
            Knob::ChannelMap if value == CHANNEL_MAP => Self::Nothing,
            Knob::ChannelMap | Knob::LockKey => return Err(Denial::NOT_A_VALUE),
            Knob::Status | Knob::StreamInfo | Knob::Debug => return Err(Denial::Malformed),
        })
    }

    /// Puts it on the desk. Who tunes begins anew: what was chosen of the channel before is not what
    /// is wanted of this one.
    pub(super) fn stand_on(self, desk: &mut Desk) {
        match self {
            Self::Tuned(tuned) => {
                if tuned.is_none() {
                    desk.target = None;
                }
                desk.tuned = tuned;
                desk.program = None;
                desk.filter = Filter::default();
            }
            Self::Program(program) => desk.program = program,
            Self::Filter(filter) => desk.filter = filter,
            Self::Target(target) => desk.target = target,
            Self::Nothing => {}
        }
    }
}

/// The channel in `13.1`, `v13.1` or `13.1 transcode=none`.
fn named(value: &str, lineup: &Lineup) -> Result<Tuned, Denial> {
    let mut words = value.split(' ');
    let number = words.next().unwrap_or_default();
    if words.any(|word| word != "transcode=none") {
        return Err(Denial::Refused("unknown transcode profile"));
    }
    let number = number.strip_prefix('v').unwrap_or(number);
    let number = number.parse().map_err(|_| Denial::NOT_A_VALUE)?;
    if lineup.schedule(number).is_none() {
        return Err(Denial::Refused(Refusal::UnknownChannel.code()));
    }
    Ok(Tuned::Channel(number))
}
