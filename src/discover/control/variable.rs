//! The variables of a device: their names, and what those mean. Pure.

use crate::tuner;
use std::str::FromStr;

/// A variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// `help`: which ones there are.
    Help,
    /// `/sys/model`: the firmware.
    Model,
    /// `/sys/hwmodel`: the hardware.
    Hardware,
    /// `/sys/version`: the firmware's version.
    Version,
    /// `/sys/copyright`: whose it is.
    Copyright,
    /// `/sys/features`: what the tuners can do.
    Features,
    /// `/sys/debug`: the state of the whole.
    Debug,
    /// `/lineup/scan`: the search for channels.
    Scan,
    /// `/lineup/location`: where the antenna is.
    Location,
    /// `/tuner<n>/…`: one of a tuner's.
    Tuner(usize, Knob),
}

/// A variable of a tuner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    /// Frequency, signal and rate in one line.
    Status,
    /// The programs at the frequency.
    StreamInfo,
    /// The frequency.
    Channel,
    /// The table of frequencies.
    ChannelMap,
    /// The channel by its number.
    VirtualChannel,
    /// The program at the frequency.
    Program,
    /// The PIDs that are sent.
    Filter,
    /// Where they are sent.
    Target,
    /// Who has locked the tuner.
    LockKey,
    /// The state of all its parts.
    Debug,
}

/// The variables of the device itself, by name.
const DEVICE: [(&str, Variable); 9] = [
    ("/lineup/location", Variable::Location),
    ("/lineup/scan", Variable::Scan),
    ("/sys/copyright", Variable::Copyright),
    ("/sys/debug", Variable::Debug),
    ("/sys/features", Variable::Features),
    ("/sys/hwmodel", Variable::Hardware),
    ("/sys/model", Variable::Model),
    ("/sys/version", Variable::Version),
    ("help", Variable::Help),
];

/// The variables of a tuner, by name, with the form of a new value where there can be one.
const TUNER: [(&str, &str, Knob); 10] = [
    ("channel", " <modulation>:<freq|ch>", Knob::Channel),
    ("channelmap", " <channelmap>", Knob::ChannelMap),
    ("debug", "", Knob::Debug),
    ("filter", " \"0x<nnnn>-0x<nnnn> [...]\"", Knob::Filter),
    ("lockkey", "", Knob::LockKey),
    ("program", " <program number>", Knob::Program),
    ("status", "", Knob::Status),
    ("streaminfo", "", Knob::StreamInfo),
    ("target", " <ip>:<port>", Knob::Target),
    ("vchannel", " <vchannel>", Knob::VirtualChannel),
];

/// What `help` says.
pub(super) fn help() -> String {
    let device = DEVICE
        .iter()
        .filter(|(_, variable)| *variable != Variable::Help);
    let device = device.map(|(name, _)| format!("{name}\n"));
    let tuner = TUNER
        .iter()
        .map(|(name, form, _)| format!("/tuner<n>/{name}{form}\n"));
    let heading = "Supported configuration options:\n".to_owned();
    std::iter::once(heading)
        .chain(device)
        .chain(tuner)
        .collect()
}

/// There is no such variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

impl FromStr for Variable {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        let of_device = DEVICE.iter().find(|(known, _)| *known == name);
        if let Some((_, variable)) = of_device {
            return Ok(*variable);
        }
        let rest = name.strip_prefix("/tuner").ok_or(Unknown)?;
        let (index, name) = rest.split_once('/').ok_or(Unknown)?;
        let index = tuner::index(index).ok_or(Unknown)?;
        let knob = TUNER.iter().find(|(known, ..)| *known == name);
        knob.map(|(.., knob)| Self::Tuner(index, *knob))
            .ok_or(Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::{DEVICE, Knob, TUNER, Unknown, Variable, help};

    #[test]
    fn every_variable_of_the_help_is_known() {
        for line in help().lines().skip(1) {
            let name = line.split(' ').next().unwrap().replace("<n>", "1");
            assert!(name.parse::<Variable>().is_ok(), "{name}");
        }
        assert_eq!(help().lines().count(), DEVICE.len() + TUNER.len());
    }

    #[test]
    fn variables_are_known_by_their_whole_names() {
        let status = Variable::Tuner(12, Knob::Status);
        assert_eq!("/tuner12/status".parse(), Ok(status));
        assert_eq!("/sys/model".parse(), Ok(Variable::Model));
        for name in [
            "",
            "/",
            "/sys",
            "/sys/model/",
            "/SYS/model",
            "/tuner/status",
            "/tuner-1/status",
            "/tuner0",
            "/tuner0/",
            "/tuner0/status/",
            "/tuner+1/status",
            "/tuner99999/status",
            "/tuner0x/status",
            "/oob/status",
        ] {
            assert_eq!(name.parse::<Variable>(), Err(Unknown), "{name}");
        }
    }
}
