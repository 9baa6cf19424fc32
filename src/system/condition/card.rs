//! The memory card that the board starts from, as far as it tells about itself (the kernel's
//! `Documentation/driver-api/mmc/mmc-dev-attrs.rst`; JEDEC JESD84 for what wears).

use super::tree::Tree;

/// The card's folder.
const CARD: &str = "sys/block/mmcblk0/device";

/// The card. eMMC tells how worn it is; SD cards do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// What its maker calls it.
    pub name: Option<String>,
    /// The number of its maker, as the kernel writes it: `0x000003`.
    pub maker: Option<String>,
    /// When it was made: `05/2023`.
    pub made: Option<String>,
    /// How much of its life is used, in percent, rounded up to tens; more than 100 where it should
    /// have been replaced.
    pub used_percent: Option<u8>,
    /// How much is left of the blocks that replace worn ones.
    pub reserve: Option<Reserve>,
}

/// Blocks that replace worn ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserve {
    /// Enough.
    Normal,
    /// Four fifths are used.
    Low,
    /// Nine tenths are used.
    Urgent,
}

impl Card {
    /// What the kernel tells; `None` where there is no card.
    pub(super) fn read(tree: &Tree) -> Option<Self> {
        let told = |name: &str| tree.text(&format!("{CARD}/{name}"));
        let card = Self {
            name: told("name"),
            maker: told("manfid"),
            made: told("date"),
            used_percent: told("life_time").and_then(|text| used_percent(&text)),
            reserve: told("pre_eol_info").and_then(|text| match hex(&text)? {
                1 => Some(Reserve::Normal),
                2 => Some(Reserve::Low),
                3 => Some(Reserve::Urgent),
                _ => None,
            }),
        };
        (card.name.is_some() || card.used_percent.is_some()).then_some(card)
    }
}

/// The worse of the two kinds of memory in a card. Each is told in tenths: 1 is up to 10 % of its
/// life, 11 more than all of it.
fn used_percent(text: &str) -> Option<u8> {
    let tenths = text.split_whitespace().filter_map(hex);
    let worst = tenths.filter(|tenth| (1..=11).contains(tenth)).max()?;
    worst.checked_mul(10)
}

fn hex(text: &str) -> Option<u8> {
    u8::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}
