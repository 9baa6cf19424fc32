//! Where channels lie for clients that turn a dial instead of naming one: on the frequencies of
//! American broadcast television (47 CFR 73.603 and 73.682, channels 2 to 36), one after another in
//! the order of the lineup, and from the first again where there are more.

use crate::model::ChannelNumber;
use crate::schedule::{Lineup, Schedule};
use std::sync::Arc;

/// The name of the dial.
pub const CHANNEL_MAP: &str = "us-bcast";

/// The first and the last place of each band, and the middle of its first one's 6 MHz, in MHz.
const BANDS: [(u32, u32, u32); 4] = [(2, 4, 57), (5, 6, 79), (7, 13, 177), (14, 36, 473)];

/// Width of a place.
const STEP_MHZ: u32 = 6;

/// What is less is no frequency.
const LEAST_HERTZ: u32 = 1_000;

/// Places on the dial.
const PLACES: usize = 35;

/// A station: a place on the dial, and which of the programs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Station {
    /// The middle of the place, in Hz.
    pub hertz: u32,
    /// The program's number there, from 1 on.
    pub program: u16,
}

/// Where the channel at this place of the lineup is.
#[must_use]
pub fn station(index: usize) -> Station {
    let place = u32::try_from(index % PLACES).unwrap_or(0);
    Station {
        hertz: hertz(FIRST_PLACE + place).unwrap_or(0),
        program: u16::try_from(index / PLACES + 1).unwrap_or(u16::MAX),
    }
}

/// Where the channel with this number is; `None` where the lineup has none.
#[must_use]
pub fn station_of(lineup: &Lineup, number: ChannelNumber) -> Option<Station> {
    let mut schedules = lineup.schedules().iter();
    let index = schedules.position(|schedule| schedule.channel().number == number)?;
    Some(station(index))
}

/// The lowest number on the dial.
const FIRST_PLACE: u32 = 2;

/// The middle of the place with this number, in Hz.
fn hertz(place: u32) -> Option<u32> {
    let band = BANDS
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&place));
    let (first, _, mhz) = band?;
    Some((mhz + (place - first) * STEP_MHZ) * 1_000_000)
}

/// The frequency that a number means, in Hz: one that no frequency can be is a place on the dial.
/// `None` where there is no such place.
#[must_use]
pub fn frequency(number: u32) -> Option<u32> {
    if number < LEAST_HERTZ {
        hertz(number)
    } else {
        Some(number)
    }
}

/// The channels at a frequency, with their program numbers, in order of them.
pub fn stations(lineup: &Lineup, hertz: u32) -> impl Iterator<Item = (u16, &Arc<Schedule>)> {
    let all = lineup.schedules().iter().enumerate();
    all.filter_map(move |(index, schedule)| {
        let station = station(index);
        (station.hertz == hertz).then_some((station.program, schedule))
    })
}

/// The channel at a frequency with this program number; the first one there where none is said.
#[must_use]
pub fn find(lineup: &Lineup, hertz: u32, program: Option<u16>) -> Option<&Arc<Schedule>> {
    let mut there = stations(lineup, hertz);
    let found = there.find(|(number, _)| program.is_none_or(|program| program == *number));
    found.map(|(_, schedule)| schedule)
}

#[cfg(test)]
mod tests {
    use super::{BANDS, FIRST_PLACE, PLACES, hertz, station};
    use std::collections::BTreeSet;

    #[test]
    fn every_place_has_its_frequency() {
        for (place, mhz) in [
            (2, 57),
            (4, 69),
            (5, 79),
            (6, 85),
            (7, 177),
            (13, 213),
            (36, 605),
        ] {
            assert_eq!(hertz(place), Some(mhz * 1_000_000), "{place}");
        }
        assert_eq!((hertz(1), hertz(37)), (None, None));
        let places: u32 = BANDS.iter().map(|(first, last, _)| last - first + 1).sum();
        assert_eq!(usize::try_from(places).unwrap(), PLACES);
        assert_eq!(BANDS[0].0, FIRST_PLACE);
    }

    #[test]
    fn no_two_channels_share_a_station() {
        let stations: BTreeSet<_> = (0..480)
            .map(|index| (station(index).hertz, station(index).program))
            .collect();
        assert_eq!(stations.len(), 480);
        assert!(stations.iter().all(|(hertz, _)| *hertz > 0));
        assert_eq!(station(34).program, 1);
        assert_eq!(station(35).program, 2);
        assert_eq!(station(35).hertz, station(0).hertz);
    }
}
