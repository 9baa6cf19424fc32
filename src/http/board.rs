//! The board below, for people and for programs: what it is, how it is, and what should be done.
//!
//! On a machine that is no board of ours there is nothing to say to people; what is wrong is said
//! everywhere.

use super::House;
use super::answer::Answer;
use super::page::long;
use crate::system::condition::{Card, Condition, Power, Reserve, Sign, Space, TimeSource};
use crate::system::link::{Medium, State, Wire};
use crate::system::standing::Standing;
use serde_json::{Value, json};
use std::sync::Arc;

/// From here on a Raspberry Pi slows itself down.
const HOT_MILLICELSIUS: i32 = 80_000;

/// So much room the state folder should have; or, on a small disk, this part of it.
const ROOM_BYTES: u64 = 200_000_000;
const ROOM_PART: u64 = 20;

/// From here on a card should be replaced.
const WORN_PERCENT: u8 = 90;

/// The board, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    /// What the kernel tells.
    pub condition: Arc<Condition>,
    /// What the updater tells; `None` where there is none, or it does not answer.
    pub standing: Option<Standing>,
}

/// A line of the page's section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// The section's lines; none on a machine that is no board.
pub(super) fn rows(board: &Board) -> Vec<Row> {
    let condition = &board.condition;
    if condition.model.is_none() && condition.slot.is_none() && board.standing.is_none() {
        return Vec::new();
    }
    let texts = [
        ("Board", Some(model(condition))),
        ("System", system(board)),
        ("Power", power(condition.power)),
        ("Card", condition.card.as_ref().map(card)),
        ("Network", wires(&condition.wires)),
        ("Room", condition.space.map(room)),
        ("Clock", condition.time.map(|time| clock(time).to_owned())),
    ];
    let told = texts.into_iter();
    told.filter_map(|(name, text)| Some(Row { name, text: text? }))
        .collect()
}

/// What is wrong with the board, and what to do about it.
pub(super) fn troubles(board: &Board) -> Vec<String> {
    let condition = &board.condition;
    let troubles = [
        under_voltage(condition.power.under_voltage),
        heat(condition),
        condition.space.filter(|space| is_full(*space)).map(full),
        condition.card.as_ref().and_then(worn),
    ];
    troubles.into_iter().flatten().collect()
}

/// `/api/board`
pub(super) fn view(house: &House) -> Answer {
    let board = Arc::clone(&house.board_rx.borrow());
    Answer::json(&document(&board))
}

fn document(board: &Board) -> Value {
    let condition = &board.condition;
    let standing = board.standing.as_ref();
    let slots = standing.map(|standing| {
        json!({
            "running": standing.running,
            "order": standing.order,
            "trial": standing.trial,
            "left": standing.left,
            "versions": standing.slots,
        })
    });
    let wires = condition.wires.iter().map(|wire| {
        json!({
            "name": wire.name,
            "wireless": wire.medium == Medium::Air,
            "up": wire.state == State::Up,
            "mbps": wire.mbps,
        })
    });
    json!({
        "model": condition.model,
        "slot": slot(board),
        "boots": standing.map(|standing| standing.boots),
        "slots": slots,
        "temperature_celsius": condition.temperature_millicelsius.map(celsius),
        "under_voltage": sign(condition.power.under_voltage),
        "slowed": sign(condition.power.slowed),
        "card": condition.card.as_ref().map(|card| json!({
            "name": card.name,
            "maker": card.maker,
            "made": card.made,
            "used_percent": card.used_percent,
            "reserve": card.reserve.map(reserve),
        })),
        "network": wires.collect::<Vec<_>>(),
        "memory": condition.memory.map(|memory| json!({
            "total_bytes": memory.total_bytes,
            "available_bytes": memory.available_bytes,
        })),
        "uptime_s": condition.up_s,
        "state_folder": condition.space.map(|space| json!({
            "free_bytes": space.free_bytes,
            "total_bytes": space.total_bytes,
        })),
        "time_from_server": condition.time.map(|time| time == TimeSource::Server),
        "troubles": troubles(board),
    })
}

/// The slot that runs: as the boot loader has it, else as the updater has it.
pub(super) fn slot(board: &Board) -> Option<String> {
    let told = board.standing.as_ref().map(|standing| &standing.running);
    let booted = board.condition.slot.map(String::from);
    booted.or_else(|| told.cloned())
}

/// Degrees, from thousandths of them.
pub(super) fn celsius(millicelsius: i32) -> f64 {
    f64::from(millicelsius) / 1_000.0
}

/// A sign as a program reads it; `null` where nobody tells.
fn sign(sign: Sign) -> Value {
    match sign {
        Sign::Untold => Value::Null,
        Sign::Never => json!({ "now": false, "since_boot": false }),
        Sign::Now => json!({ "now": true, "since_boot": true }),
        Sign::Past(at) => json!({
            "now": false,
            "since_boot": true,
            "seconds_ago": at.map(|at| at.elapsed().as_secs()),
        }),
    }
}

/// The model and how warm it is: `Raspberry Pi 4 Model B Rev 1.4, 51 °C, up 2 days 3 h`.
fn model(condition: &Condition) -> String {
    let name = condition.model.as_deref().unwrap_or("Unknown");
    let warm = condition
        .temperature_millicelsius
        .map(|warm| format!("{} °C", warm / 1_000));
    let up = condition.up_s.map(|up_s| {
        let up_ms = i64::try_from(up_s.saturating_mul(1_000));
        format!("up {}", long(up_ms.unwrap_or(i64::MAX)))
    });
    let pieces = [Some(name.to_owned()), warm, up];
    pieces.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The slots: `Slot a, 0.1.0, on trial; slot b holds 0.2.0; started 12 times`.
fn system(board: &Board) -> Option<String> {
    let running = slot(board)?;
    let Some(standing) = &board.standing else {
        return Some(format!("Slot {running}"));
    };
    let mut text = format!("Slot {running}");
    if let Some(version) = &standing.version {
        text.push_str(&format!(", {version}"));
    }
    if standing.trial.as_ref() == Some(&running) {
        text.push_str(", on trial");
    }
    for (other, version) in standing.slots.iter().filter(|(one, _)| **one != running) {
        match version {
            Some(version) => text.push_str(&format!("; slot {other} holds {version}")),
            None => text.push_str(&format!("; slot {other} is empty")),
        }
    }
    let boots = match standing.boots {
        1 => "; started once".to_owned(),
        boots => format!("; started {boots} times"),
    };
    Some(text + &boots)
}

fn power(power: Power) -> Option<String> {
    let voltage = told(power.under_voltage, "power supply too weak: under-voltage");
    let slowed = told(power.slowed, "slowed down");
    let signs: Vec<_> = [voltage, slowed].into_iter().flatten().collect();
    let is_told = [power.under_voltage, power.slowed]
        .iter()
        .any(|sign| *sign != Sign::Untold);
    match signs.as_slice() {
        [] => is_told.then(|| "As it should be".to_owned()),
        signs => Some(capital(&signs.join(", "))),
    }
}

/// What a sign means, with when it was; `None` for what never was.
fn told(sign: Sign, what: &str) -> Option<String> {
    match sign {
        Sign::Untold | Sign::Never => None,
        Sign::Now => Some(format!("{what} now")),
        Sign::Past(None) => Some(format!("{what} since it was started")),
        Sign::Past(Some(at)) => Some(match at.elapsed().as_secs() / 60 {
            0 => format!("{what} less than a minute ago"),
            1 => format!("{what} a minute ago"),
            minutes @ 2..60 => format!("{what} {minutes} minutes ago"),
            minutes => {
                let ago_ms = i64::try_from(minutes.saturating_mul(60_000));
                format!("{what} {} ago", long(ago_ms.unwrap_or(i64::MAX)))
            }
        }),
    }
}

fn card(card: &Card) -> String {
    let name = card.name.as_deref().unwrap_or("Unknown").to_owned();
    let made = card.made.as_ref().map(|made| format!("made {made}"));
    let used = card
        .used_percent
        .map(|used| format!("up to {used} % of its life used"));
    let pieces = [Some(name), made, used];
    pieces.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn wires(wires: &[Wire]) -> Option<String> {
    let told = wires.iter().map(|wire| match (wire.state, wire.mbps) {
        (State::Down, _) => format!("{} not connected", wire.name),
        (State::Up, Some(mbps)) => format!("{} {mbps} Mb/s", wire.name),
        (State::Up, None) => format!("{} connected", wire.name),
    });
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn room(space: Space) -> String {
    let (free, total) = (size(space.free_bytes), size(space.total_bytes));
    format!("{free} of {total} are free for what the box keeps")
}

fn clock(time: TimeSource) -> &'static str {
    match time {
        TimeSource::Server => "Set by a time server",
        TimeSource::Itself => "Not yet set by a time server",
    }
}

fn under_voltage(sign: Sign) -> Option<String> {
    let when = told(sign, "under-voltage")?;
    Some(format!(
        "The power supply of the board is too weak: {when}. Pictures then stop and the card may be \
         damaged. Use the supply that is made for this board, with a short, thick cable; a drive \
         may need a supply of its own."
    ))
}

fn heat(condition: &Condition) -> Option<String> {
    let warm = condition.temperature_millicelsius;
    if let Some(warm) = warm.filter(|warm| *warm > HOT_MILLICELSIUS) {
        return Some(format!(
            "The board is too hot, {} °C, and slows itself down. Give it air, or a heat sink.",
            warm / 1_000
        ));
    }
    (condition.power.slowed == Sign::Now && condition.power.under_voltage != Sign::Now).then(|| {
        "The board slows itself down, because it is or was too hot. Give it air, or a heat sink."
            .to_owned()
    })
}

fn is_full(space: Space) -> bool {
    space.free_bytes < ROOM_BYTES.min(space.total_bytes / ROOM_PART)
}

fn full(space: Space) -> String {
    format!(
        "The disk of the state folder is nearly full: {} are left. When nothing is left, changes \
         are not kept. Remove what does not belong to the box, or give it a larger disk.",
        size(space.free_bytes)
    )
}

fn worn(card: &Card) -> Option<String> {
    let used = card.used_percent.filter(|used| *used >= WORN_PERCENT);
    let low = matches!(card.reserve, Some(Reserve::Low | Reserve::Urgent));
    (used.is_some() || low).then(|| {
        "The memory card is nearly worn out. Write the image to a new card soon, and restore what \
         the box keeps from a backup."
            .to_owned()
    })
}

fn reserve(reserve: Reserve) -> &'static str {
    match reserve {
        Reserve::Normal => "normal",
        Reserve::Low => "low",
        Reserve::Urgent => "urgent",
    }
}

/// Bytes in the unit that leaves one digit behind the point.
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
        _ => (1_000_000_000_000, "TB"),
    };
    let tenths = bytes / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::{Board, rows, size, told, troubles};
    use crate::system::condition::{Condition, Sign, Space};
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::time::Instant;

    fn board(condition: Condition) -> Board {
        Board {
            condition: Arc::new(condition),
            standing: None,
        }
    }

    #[test]
    fn a_machine_that_is_no_board_has_nothing_to_say() {
        let space = Space {
            free_bytes: 1_000_000_000,
            total_bytes: 10_000_000_000,
        };
        let machine = board(Condition {
            temperature_millicelsius: Some(45_000),
            space: Some(space),
            ..Condition::default()
        });
        assert_eq!(rows(&machine), []);
        assert_eq!(troubles(&machine), Vec::<String>::new());
    }

    #[test]
    fn what_was_is_told_with_its_time() {
        let ago = |seconds| Sign::Past(Instant::now().checked_sub(Duration::from_secs(seconds)));
        for (sign, words) in [
            (Sign::Now, Some("slow now")),
            (Sign::Never, None),
            (Sign::Untold, None),
            (Sign::Past(None), Some("slow since it was started")),
            (ago(5), Some("slow less than a minute ago")),
            (ago(65), Some("slow a minute ago")),
            (ago(185), Some("slow 3 minutes ago")),
            (ago(3_720), Some("slow 1 h 2 min ago")),
        ] {
            assert_eq!(told(sign, "slow").as_deref(), words);
        }
    }

    #[test]
    fn little_room_is_a_trouble_and_a_small_disk_is_none() {
        for (free_bytes, total_bytes, count) in [
            (199_000_000, 30_000_000_000, 1),
            (201_000_000, 30_000_000_000, 0),
            (9_000_000, 100_000_000, 0),
            (4_000_000, 100_000_000, 1),
            (0, 0, 0),
        ] {
            let space = Some(Space {
                free_bytes,
                total_bytes,
            });
            let machine = board(Condition {
                space,
                ..Condition::default()
            });
            assert_eq!(troubles(&machine).len(), count, "{free_bytes}");
        }
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(12_345_678), "12.3 MB");
        assert_eq!(size(29_870_000_000), "29.8 GB");
        assert_eq!(size(2_000_000_000_000), "2.0 TB");
    }
}
