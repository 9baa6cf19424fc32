//! Bodies of the small tables around the Clusters: EBML head, SeekHead, Info, and Cues found
//! without being told of.

use super::ebml::{self, Children, Halt, Step, widen};
use super::id;
use super::layout::Layout;
use crate::error::Error;
use crate::limits;

/// Positions in the file that SeekHeads tell, each until it has been used.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) seek_head: Option<u64>,
    pub(super) info: Option<u64>,
    pub(super) tracks: Option<u64>,
    pub(super) cues: Option<u64>,
}

/// Reads the body of a SeekHead (RFC 9559 §5.1.1), which counts positions from `base`.
pub(super) fn seek_head(body: &[u8], at: u64, base: u64, told: &mut Told) -> Step<()> {
    for seek in Children::new(body, at) {
        let seek = seek?;
        if seek.id != id::SEEK {
            continue;
        }
        let (mut target, mut position) = (0, None);
        for child in seek.children() {
            let child = child?;
            match child.id {
                id::SEEK_ID => target = child.uint()?,
                id::SEEK_POSITION => position = base.checked_add(child.uint()?),
                _ => {}
            }
        }
        let place = match u32::try_from(target) {
            Ok(id::SEEK_HEAD) => &mut told.seek_head,
            Ok(id::INFO) => &mut told.info,
            Ok(id::TRACKS) => &mut told.tracks,
            Ok(id::CUES) => &mut told.cues,
            _ => continue,
        };
        *place = place.or(position);
    }
    Ok(())
}

/// Reads the body of Info (RFC 9559 §5.1.2).
pub(super) fn info(body: &[u8], at: u64, layout: &mut Layout) -> Step<()> {
    for child in Children::new(body, at) {
        let child = child?;
        match child.id {
            id::TIMESTAMP_SCALE => {
                layout.timeline.scale_ns = child.uint()?;
                if layout.timeline.scale_ns == 0 {
                    return Err(Halt::Broken(child.at, "TimestampScale is 0"));
                }
            }
            id::DURATION => {
                layout.duration_ticks = Some(child.float()?).filter(|ticks| *ticks > 0.0);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks the body of the EBML head: what kind of document this is, and for which readers.
pub(super) fn check_head(body: &[u8], at: u64) -> Step<()> {
    let mut doc_type = None;
    let highest = |child: &ebml::Child<'_>, most: u64, why: &'static str| {
        if child.uint()? > most {
            return Err(Halt::Fail(Error::unsupported("this Matroska file", why)));
        }
        Ok(())
    };
    for child in Children::new(body, at) {
        let child = child?;
        match child.id {
            id::EBML_READ_VERSION => highest(&child, 1, "its EBML version is not known")?,
            id::EBML_MAX_ID_LENGTH => highest(&child, 4, "its element IDs are too long")?,
            id::EBML_MAX_SIZE_LENGTH => highest(&child, 8, "its element sizes are too long")?,
            id::DOC_TYPE_READ_VERSION => highest(&child, 4, "it is of a later version")?,
            id::DOC_TYPE => doc_type = Some(child.text()),
            _ => {}
        }
    }
    match doc_type.as_deref() {
        Some("matroska" | "webm") => Ok(()),
        Some(other) => Err(Halt::Fail(Error::unsupported(
            "this file",
            format!("it is an EBML document of the type {other:?}, not Matroska"),
        ))),
        None => Err(Halt::Broken(
            at,
            "it does not say what kind of document this is",
        )),
    }
}

/// Cues in the last bytes of a Segment, which stand at `at`: an element of that name behind which
/// other elements follow up to the very end. Where their body begins and ends.
pub(super) fn cues_in(tail: &[u8], at: u64) -> Option<(u64, u64)> {
    let pattern = id::CUES.to_be_bytes();
    let mut places = (0..tail.len()).filter(|place| {
        tail.get(*place..)
            .is_some_and(|rest| rest.starts_with(&pattern))
    });
    places.find_map(|place| {
        let mut rest = tail.get(place..)?;
        let mut rest_at = at.saturating_add(widen(place));
        let cues = ebml::head(rest, rest_at).ok()?;
        for _ in 0..limits::NESTING {
            if rest.is_empty() {
                return Some((cues.body, cues.end()?));
            }
            let element = ebml::head(rest, rest_at).ok()?;
            let len = usize::try_from(element.end()?.checked_sub(rest_at)?).ok()?;
            rest = rest.get(len..)?;
            rest_at = element.end()?;
        }
        None
    })
}
