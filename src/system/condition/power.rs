//! Whether the board gets the power that it needs, and whether it has to slow itself down.
//!
//! Raspberry Pi's own kernel tells all of it in one file, now and since the boot (its
//! `get_throttled`: bit 0 under-voltage, 1 to 3 slowed down, the same from bit 16 on for what has
//! been). Debian's kernel has the driver `raspberrypi-hwmon`, which tells of under-voltage alone,
//! and of what is now.

use super::tree::Tree;
use tokio::time::Instant;

/// The firmware's word, in hexadecimal.
const FIRMWARE: &str = "sys/devices/platform/soc/soc:firmware/get_throttled";

/// The chip's name of the driver that watches the voltage.
const VOLTAGE: &str = "rpi_volt";

/// Under-voltage, among the firmware's flags.
const UNDER_VOLTAGE: u32 = 1;

/// Frequency capped, throttled, or the soft limit of the temperature reached.
const SLOWED: u32 = 0b1110;

/// How the power is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Power {
    /// The board gets less voltage than it needs.
    pub under_voltage: Sign,
    /// The board runs slower than it could, because of heat or voltage.
    pub slowed: Sign,
}

/// Something that is not as it should be, in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sign {
    /// Nobody tells.
    #[default]
    Untold,
    /// Not since the boot.
    Never,
    /// At this moment.
    Now,
    /// It was so, and was seen last then; `None` where that was before anybody looked.
    Past(Option<Instant>),
}

impl Power {
    /// What the kernel tells.
    pub(super) fn read(tree: &Tree) -> Self {
        let told = tree.text(FIRMWARE);
        let flags = told.and_then(|hex| u32::from_str_radix(hex.trim_start_matches("0x"), 16).ok());
        match flags {
            Some(flags) => Self {
                under_voltage: Sign::of(flags, UNDER_VOLTAGE),
                slowed: Sign::of(flags, SLOWED),
            },
            None => Self {
                under_voltage: alarm(tree),
                slowed: Sign::Untold,
            },
        }
    }

    /// The same, with what was seen `before`, a look ago.
    pub(super) fn after(self, before: Self, now: Instant) -> Self {
        Self {
            under_voltage: self.under_voltage.after(before.under_voltage, now),
            slowed: self.slowed.after(before.slowed, now),
        }
    }
}

impl Sign {
    fn of(flags: u32, mask: u32) -> Self {
        if flags & mask != 0 {
            Self::Now
        } else if (flags >> 16) & mask != 0 {
            Self::Past(None)
        } else {
            Self::Never
        }
    }

    fn after(self, before: Self, now: Instant) -> Self {
        match (self, before) {
            // It ended, or came and went, since the last look.
            (Self::Never | Self::Past(None), Self::Now) | (Self::Past(None), Self::Never) => {
                Self::Past(Some(now))
            }
            (Self::Never | Self::Past(None), Self::Past(at)) => Self::Past(at),
            (sign, _) => sign,
        }
    }
}

/// What the driver of the voltage says; it knows nothing of what was.
fn alarm(tree: &Tree) -> Sign {
    let chips = tree.list("sys/class/hwmon", "hwmon");
    let mut volts = chips
        .iter()
        .filter(|chip| tree.text(&format!("{chip}/name")).as_deref() == Some(VOLTAGE));
    let told = volts.find_map(|chip| tree.number(&format!("{chip}/in0_lcrit_alarm")));
    match told {
        None => Sign::Untold,
        Some(0_u8) => Sign::Never,
        Some(_) => Sign::Now,
    }
}

#[cfg(test)]
mod tests {
    use super::Sign::{Never, Now, Past, Untold};
    use tokio::time::Instant;

    #[test]
    fn what_was_is_remembered_with_its_time() {
        let then = Instant::now();
        let now = Instant::now();
        for (sign, before, after) in [
            (Never, Untold, Never),
            (Now, Never, Now),
            (Never, Now, Past(Some(now))),
            (Past(None), Now, Past(Some(now))),
            (Never, Past(Some(then)), Past(Some(then))),
            (Past(None), Past(Some(then)), Past(Some(then))),
            (Past(None), Untold, Past(None)),
            // It came and went between two looks.
            (Past(None), Never, Past(Some(now))),
            (Untold, Now, Untold),
        ] {
            assert_eq!(sign.after(before, now), after, "{sign:?} after {before:?}");
        }
    }
}
