//! `/metrics`: the figures of the box and of its board, in Prometheus' text format 0.0.4.
//! `docs/metrics.md` lists them.
//!
//! A figure that nobody tells is left out, never made up.

use super::answer::{Answer, Kind};
use super::board::{Board, celsius, slot};
use super::{House, memory};
use crate::schedule::Lineup;
use crate::store::Figures;
use crate::system::condition::{Sign, TimeSource};
use std::fmt::{Display, Write};

/// The text, as it grows.
#[derive(Default)]
struct Text(String);

/// What a figure does over time.
#[derive(Clone, Copy)]
enum Kin {
    /// It goes up and down.
    Gauge,
    /// It only grows.
    Counter,
}

/// Names and values that tell figures of one name apart.
type Labels<'a> = &'a [(&'a str, &'a str)];

/// All of them.
pub(super) fn metrics(house: &House, lineup: &Lineup) -> Answer {
    let mut text = Text::default();
    of_box(&mut text, house, lineup);
    of_store(&mut text, &house.librarian.figures());
    let board = std::sync::Arc::clone(&house.board_rx.borrow());
    of_board(&mut text, &board);
    of_slots(&mut text, &board);
    Answer::new(200, Kind::Metrics, text.0)
}

fn of_box(text: &mut Text, house: &House, lineup: &Lineup) {
    let tuners = house.tuners.status();
    let used = tuners.iter().filter(|one| one.viewer.is_some()).count();
    text.one(
        "exstreamtv_info",
        "The version that runs.",
        &[("version", house.version)],
        Some(1),
    );
    text.figure(
        "exstreamtv_uptime_seconds",
        "Time since the box was started.",
        Some(house.up_ms() / 1_000),
    );
    text.figure(
        "exstreamtv_resident_memory_bytes",
        "Memory that the process holds.",
        memory::resident_bytes(),
    );
    let channels = lineup.schedules().len();
    text.figure(
        "exstreamtv_channels",
        "Channels of the lineup.",
        Some(channels),
    );
    text.figure("exstreamtv_tuners", "Tuners.", Some(tuners.len()));
    text.figure(
        "exstreamtv_tuners_in_use",
        "Tuners on which somebody watches.",
        Some(used),
    );
}

fn of_store(text: &mut Text, figures: &Figures) {
    text.figure(
        "exstreamtv_store_waiting",
        "Requests that wait for the store.",
        Some(figures.waiting),
    );
    for (name, help, value) in [
        (
            "requests",
            "Requests that the store has answered.",
            figures.requests,
        ),
        (
            "refusals",
            "Requests that the store has refused.",
            figures.refusals,
        ),
        (
            "commits",
            "Transactions that were written.",
            figures.commits,
        ),
        (
            "batches",
            "Batches that syncs have written.",
            figures.batches,
        ),
        (
            "batch_items",
            "What was in these batches.",
            figures.batch_items,
        ),
    ] {
        text.counter(&format!("exstreamtv_store_{name}_total"), help, value);
    }
    text.counter(
        "exstreamtv_store_commit_seconds_total",
        "How long the transactions took together.",
        seconds(figures.commits_us),
    );
    text.figure(
        "exstreamtv_store_commit_seconds_longest",
        "How long the longest of them took.",
        Some(seconds(figures.longest_commit_us)),
    );
}

/// Microseconds as seconds.
fn seconds(microseconds: u64) -> String {
    format!(
        "{}.{:06}",
        microseconds / 1_000_000,
        microseconds % 1_000_000
    )
}

fn of_board(text: &mut Text, board: &Board) {
    let condition = &board.condition;
    let model = condition.model.as_deref();
    text.one(
        "exstreamtv_board_info",
        "The board, and the slot that it was booted from.",
        &[
            ("model", model.unwrap_or_default()),
            ("slot", &slot(board).unwrap_or_default()),
        ],
        model.map(|_| 1),
    );
    text.figure(
        "exstreamtv_board_uptime_seconds",
        "Time since the machine was started.",
        condition.up_s,
    );
    text.figure(
        "exstreamtv_board_temperature_celsius",
        "The warmest sensor of the board.",
        condition.temperature_millicelsius.map(celsius),
    );
    for (name, what, sign) in [
        (
            "under_voltage",
            "the board gets less voltage than it needs",
            condition.power.under_voltage,
        ),
        (
            "slowed",
            "the board slows itself down",
            condition.power.slowed,
        ),
    ] {
        let told = sign != Sign::Untold;
        text.figure(
            &format!("exstreamtv_board_{name}"),
            &format!("1 while {what}."),
            told.then(|| u8::from(sign == Sign::Now)),
        );
        text.figure(
            &format!("exstreamtv_board_{name}_since_boot"),
            &format!("1 once {what}, until the next boot."),
            told.then(|| u8::from(sign != Sign::Never)),
        );
    }
    let memory = condition.memory;
    text.figure(
        "exstreamtv_board_memory_bytes",
        "Memory of the machine.",
        memory.map(|memory| memory.total_bytes),
    );
    text.figure(
        "exstreamtv_board_memory_available_bytes",
        "Memory that programs may still take.",
        memory.and_then(|memory| memory.available_bytes),
    );
    text.figure(
        "exstreamtv_state_size_bytes",
        "Size of the state folder's disk.",
        condition.space.map(|space| space.total_bytes),
    );
    text.figure(
        "exstreamtv_state_free_bytes",
        "Room that is left there.",
        condition.space.map(|space| space.free_bytes),
    );
    let used = condition.card.as_ref().and_then(|card| card.used_percent);
    text.figure(
        "exstreamtv_board_card_used_ratio",
        "How much of its card's life is used, at most.",
        used.map(|percent| f64::from(percent) / 100.0),
    );
    text.figure(
        "exstreamtv_board_clock_synchronised",
        "1 while the clock follows a time server.",
        condition
            .time
            .map(|time| u8::from(time == TimeSource::Server)),
    );
    text.each(
        "exstreamtv_board_link_bits_per_second",
        "What an interface carries.",
        Kin::Gauge,
        condition.wires.iter().filter_map(|wire| {
            let rate = u64::from(wire.mbps?) * 1_000_000;
            Some((vec![("interface", wire.name.as_str())], rate))
        }),
    );
}

fn of_slots(text: &mut Text, board: &Board) {
    let Some(standing) = &board.standing else {
        return;
    };
    text.each(
        "exstreamtv_board_boots_total",
        "Boots of the card, ever.",
        Kin::Counter,
        [(Vec::new(), standing.boots)].into_iter(),
    );
    text.each(
        "exstreamtv_slot_info",
        "The version in a slot, and whether it runs.",
        Kin::Gauge,
        standing.slots.iter().filter_map(|(slot, version)| {
            let running = if *slot == standing.running {
                "true"
            } else {
                "false"
            };
            let labels = vec![
                ("slot", slot.as_str()),
                ("version", version.as_deref()?),
                ("running", running),
            ];
            Some((labels, 1))
        }),
    );
    text.each(
        "exstreamtv_slot_boots_left",
        "Boots that a slot has until it is left.",
        Kin::Gauge,
        standing
            .left
            .iter()
            .map(|(slot, left)| (vec![("slot", slot.as_str())], *left)),
    );
}

impl Text {
    /// A gauge without labels.
    fn figure(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        self.one(name, help, &[], value);
    }

    /// A counter without labels.
    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        let sample = std::iter::once((Vec::new(), value));
        self.each(name, help, Kin::Counter, sample);
    }

    /// A gauge.
    fn one(&mut self, name: &str, help: &str, labels: Labels<'_>, value: Option<impl Display>) {
        let sample = value.map(|value| (labels.to_vec(), value));
        self.each(name, help, Kin::Gauge, sample.into_iter());
    }

    /// Figures of one name; nothing where there is none.
    fn each<'a>(
        &mut self,
        name: &str,
        help: &str,
        kin: Kin,
        samples: impl Iterator<Item = (Vec<(&'a str, &'a str)>, impl Display)>,
    ) {
        let kin = match kin {
            Kin::Gauge => "gauge",
            Kin::Counter => "counter",
        };
        for (at, (labels, value)) in samples.enumerate() {
            if at == 0 {
                self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kin}"));
            }
            let labels: Vec<_> = labels
                .iter()
                .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
                .collect();
            match labels.as_slice() {
                [] => self.line(format_args!("{name} {value}")),
                labels => self.line(format_args!("{name}{{{}}} {value}", labels.join(","))),
            }
        }
    }

    fn line(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

/// A label's value, in which three characters mean something else.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
