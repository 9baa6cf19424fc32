//! Which program of the file is played: PAT and PMTs (ISO/IEC 13818-1 §2.4.4.3, §2.4.4.8). Of
//! several the first one that has video, in the order of the PAT.

use super::listing::{self, Kind, Listing};
use super::packet::Packet;
use super::section::Sections;
use crate::limits;
use crate::media::Medium;

const PAT_PID: u16 = 0;
const PAT: u8 = 0x00;
const PMT: u8 = 0x02;

/// A program of the PAT.
#[derive(Debug, Clone)]
struct Program {
    number: u16,
    pid: u16,
    sections: Sections,
    /// The check sum of the PMT that was read last.
    check: u32,
    streams: Option<Vec<Listing>>,
}

/// The tables of a file, as far as they were seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Programs {
    pat: Sections,
    version: Option<u8>,
    /// Check sums of the PAT's sections of that version.
    checks: Vec<u32>,
    all: Vec<Program>,
    /// The one that is played.
    chosen: Option<usize>,
}

impl Programs {
    /// Takes a packet; says whether the streams that are played may have changed.
    pub(super) fn push(&mut self, packet: &Packet<'_>) -> bool {
        if packet.pid == PAT_PID {
            return self.push_pat(packet);
        }
        let mut changed = false;
        for program in &mut self.all {
            if program.pid == packet.pid {
                changed |= program.push(packet);
            }
        }
        if changed {
            self.choose(Patience::Waiting);
        }
        changed
    }

    fn push_pat(&mut self, packet: &Packet<'_>) -> bool {
        let mut news = Vec::new();
        let Self {
            pat,
            version,
            checks,
            ..
        } = self;
        pat.push(packet, |section| {
            if section.table_id != PAT || checks.contains(&section.check) {
                return;
            }
            if version.replace(section.version) != Some(section.version) || checks.len() > 16 {
                checks.clear();
            }
            news.push((checks.is_empty(), entries(section.body)));
            checks.push(section.check);
        });
        let changed = !news.is_empty();
        for (is_new_table, entries) in news {
            self.list(is_new_table, entries);
        }
        if changed {
            self.choose(Patience::Waiting);
        }
        changed
    }

    /// Adds programs; of those that are listed again, what is known stays known.
    fn list(&mut self, is_new_table: bool, entries: Vec<(u16, u16)>) {
        let played = self.chosen.and_then(|at| self.all.get(at)).map(key);
        let known = if is_new_table {
            std::mem::take(&mut self.all)
        } else {
            Vec::new()
        };
        for (number, pid) in entries {
            let is_listed = self.all.iter().any(|one| key(one) == (number, pid));
            if is_listed || self.all.len() >= limits::TRACKS {
                continue;
            }
            let before = known.iter().find(|one| key(one) == (number, pid)).cloned();
            self.all.push(before.unwrap_or_else(|| Program {
                number,
                pid,
                sections: Sections::default(),
                check: 0,
                streams: None,
            }));
        }
        self.chosen = played.and_then(|played| self.all.iter().position(|one| key(one) == played));
    }

    /// Chooses a program, if none is played. Those before it in the PAT are waited for.
    pub(super) fn choose(&mut self, patience: Patience) {
        if self.chosen.is_some() {
            return;
        }
        for (at, program) in self.all.iter().enumerate() {
            match &program.streams {
                Some(streams) if streams.iter().any(Listing::is_video) => {
                    self.chosen = Some(at);
                    return;
                }
                None if patience == Patience::Waiting => return,
                _ => {}
            }
        }
    }

    /// The streams of the program that is played.
    pub(super) fn streams(&self) -> Option<&[Listing]> {
        self.all.get(self.chosen?)?.streams.as_deref()
    }

    /// Bytes that they hold.
    pub(super) fn held_bytes(&self) -> usize {
        let program = |one: &Program| {
            let streams = one.streams.as_ref().map_or(0, Vec::len);
            size_of::<Program>() + one.sections.held_bytes() + streams * size_of::<Listing>()
        };
        self.pat.held_bytes() + self.all.iter().map(program).sum::<usize>()
    }

    /// Why there is none, once the search is over.
    pub(super) fn why_none(&self) -> String {
        if self.all.is_empty() {
            return "it has no table of its programs (PAT)".to_owned();
        }
        let mut all = self.all.iter().filter_map(|one| one.streams.as_ref());
        if all.clone().next().is_none() {
            return "it does not say what its program is made of (PMT)".to_owned();
        }
        let refused = all.find_map(|streams| streams.iter().find_map(Listing::refused_video));
        let refused = refused.map_or_else(String::new, |(codec, why)| format!(" ({codec}: {why})"));
        format!("it has no video that can be carried{refused}")
    }
}

/// Whether programs whose PMT has not come are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    Waiting,
    Over,
}

impl Program {
    fn push(&mut self, packet: &Packet<'_>) -> bool {
        let mut changed = false;
        let Self {
            number,
            sections,
            check,
            streams,
            ..
        } = self;
        sections.push(packet, |section| {
            let is_ours = section.table_id == PMT && section.extension == *number;
            if !is_ours || (streams.is_some() && section.check == *check) {
                return;
            }
            if let Some(mut listed) = listing::streams(section.body) {
                listed.truncate(limits::TRACKS);
                *streams = Some(listed);
                *check = section.check;
                changed = true;
            }
        });
        changed
    }
}

fn key(program: &Program) -> (u16, u16) {
    (program.number, program.pid)
}

/// Numbers and PMT PIDs of a PAT section; 0 is not a program but the network's table.
fn entries(body: &[u8]) -> Vec<(u16, u16)> {
    let (entries, _) = body.as_chunks::<4>();
    let all = entries.iter().map(|[high, low, pid_high, pid_low]| {
        let number = u16::from_be_bytes([*high, *low]);
        (number, u16::from_be_bytes([pid_high & 0x1F, *pid_low]))
    });
    all.filter(|(number, _)| *number != 0).collect()
}

impl Listing {
    /// Whether it is video that may be carried.
    pub(super) fn is_video(&self) -> bool {
        matches!(self.kind, Kind::Video(_))
    }

    fn refused_video(&self) -> Option<(&'static str, &'static str)> {
        match self.kind {
            Kind::Other(Medium::Video, codec, why) => Some((codec, why)),
            Kind::Other(..) | Kind::Video(_) | Kind::Audio(_) => None,
        }
    }
}
