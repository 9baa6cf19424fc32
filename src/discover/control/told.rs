//! What control clients are told: the variables of the device and of its tuners, as they are.

use super::desk::{Desks, Tuned};
use super::signal::{Signal, stream_info, tuned_to};
use super::variable::{Knob, Variable, help};
use crate::model::{FIRMWARE, FIRMWARE_VERSION, MODEL};
use crate::schedule::Lineup;
use crate::tuner::dial::{self, CHANNEL_MAP};
use crate::tuner::{TunerStatus, Viewer};

impl Desks {
    /// A variable of the device itself.
    pub(super) fn device(&self, variable: Variable) -> String {
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
                let tuners = self.tuners().status().into_iter();
                let watched = tuners.filter(|tuner| tuner.viewer.is_some()).count();
                format!("tuners: watched={watched}\n")
            }
            // A scan is over before it can be asked about.
            Variable::Scan => "complete".to_owned(),
            Variable::Location => "disabled".to_owned(),
            Variable::Tuner(..) => String::new(),
        }
    }

    /// A variable of a tuner.
    pub(super) fn knob(&self, status: &TunerStatus, knob: Knob) -> String {
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
                let fetching = viewer.filter(|viewer| viewer.fetches());
                let holder = fetching.map(|viewer| viewer.peer.ip()).or(status.locked_by);
                holder.map_or_else(none, |holder| holder.to_string())
            }
        }
    }

    /// Where a tuner's stream goes, or is to go once it is tuned.
    fn target(&self, status: &TunerStatus) -> Option<String> {
        match status.viewer.as_ref().filter(|viewer| viewer.fetches()) {
            Some(viewer) => Some(format!("http://{}", viewer.peer)),
            None => self.at(status.index, |desk| {
                desk.target.map(|target| target.to_string())
            }),
        }
    }

    /// Where a tuner is on the dial, and how it came there, in words.
    fn dialled(&self, lineup: &Lineup, status: &TunerStatus) -> Option<(u32, String)> {
        let tuned = self.at(status.index, |desk| desk.tuned.clone());
        let number = match (&status.viewer, tuned) {
            (Some(viewer), _) => viewer.channel,
            (None, Some(Tuned::Channel(number))) => number,
            (None, Some(Tuned::Frequency(hertz, words))) => return Some((hertz, words)),
            (None, None) => return None,
        };
        let station = dial::station_of(lineup, number)?;
        Some((station.hertz, tuned_to(station)))
    }

    /// What a tuner receives.
    fn signal(&self, status: &TunerStatus) -> Signal {
        let lineup = self.lineup();
        let Some((hertz, channel)) = self.dialled(&lineup, status) else {
            return Signal::none();
        };
        let now_ms = self.clock.epoch_ms();
        let rate = |viewer: &Viewer| viewer.bits_per_second_until(now_ms);
        Signal {
            channel,
            found: dial::stations(&lineup, hertz).next().is_some(),
            bits_per_second: status.viewer.as_ref().map_or(0, rate),
        }
    }

    fn stream_info(&self, status: &TunerStatus) -> String {
        let lineup = self.lineup();
        // No station is at 0 Hz.
        let hertz = self.dialled(&lineup, status).map_or(0, |(hertz, _)| hertz);
        stream_info(dial::stations(&lineup, hertz))
    }
}
