//! What `moov` says of one track, as it comes in box by box.

use super::boxes::{Fields, FourCc};
use super::entry::{Described, describe};
use super::flat::{SizeTable, Tables};
use super::language::in_media_header;
use super::table::Extent;
use super::timeline::Edit;
use crate::error::{Error, Result};
use crate::media::language;
use bytes::Bytes;

const STTS: &str = "moov/trak/mdia/minf/stbl/stts";
const STSC: &str = "moov/trak/mdia/minf/stbl/stsc";
const STCO: &str = "moov/trak/mdia/minf/stbl/stco";

/// What `moov` says of one track.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) id: u32,
    pub(super) enabled: bool,
    pub(super) timescale: u32,
    pub(super) language: Option<String>,
    pub(super) handler: Option<FourCc>,
    /// The muxer's name for it, which may mean nothing.
    pub(super) handler_name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) role: Option<String>,
    pub(super) edit: Edit,
    pub(super) stsd: Option<Bytes>,
    pub(super) durations: Option<Extent>,
    pub(super) offsets: Option<Extent>,
    pub(super) sizes: Option<(SizeTable, u64)>,
    pub(super) chunks: Option<Extent>,
    pub(super) chunk_offsets: Option<Extent>,
    pub(super) sync_points: Option<Extent>,
    pub(super) partial_sync_points: Option<Extent>,
    /// Why it cannot be used.
    pub(super) fault: Option<Error>,
}

impl Draft {
    /// What it carries.
    pub(super) fn described(&self) -> Described {
        let handler = self.handler.unwrap_or(FourCc(*b"none"));
        describe(&self.stsd.clone().unwrap_or_default(), handler)
    }

    /// Where its samples are; none where `moov` lists none.
    pub(super) fn tables(&self) -> Result<Option<Tables>> {
        let Some((sizes, samples)) = self.sizes.filter(|(_, samples)| *samples > 0) else {
            return Ok(None);
        };
        let need = |extent: Option<Extent>, what, missing: &'static str| {
            let there = extent.filter(|extent| extent.entries > 0);
            there.ok_or_else(|| Error::malformed(what, extent.map_or(0, |at| at.at), missing))
        };
        Ok(Some(Tables {
            samples,
            durations: need(self.durations, STTS, "it is missing or empty")?,
            offsets: self.offsets,
            sizes,
            chunks: need(self.chunks, STSC, "it is missing or empty")?,
            chunk_offsets: need(self.chunk_offsets, STCO, "it is missing or empty")?,
            // Sound can begin anywhere.
            sync_points: self
                .sync_points
                .filter(|_| self.handler != Some(FourCc(*b"soun"))),
            partial_sync_points: self.partial_sync_points,
        }))
    }
}

impl Draft {
    pub(super) fn read_header(&mut self, mut fields: Fields<'_>) -> Option<()> {
        let (version, flags) = fields.version_flags()?;
        fields.wide(version)?;
        fields.wide(version)?;
        self.id = fields.u32()?;
        self.enabled = flags & 1 == 1;
        Some(())
    }

    pub(super) fn read_media_header(&mut self, mut fields: Fields<'_>) -> Option<()> {
        let (version, _) = fields.version_flags()?;
        fields.wide(version)?;
        fields.wide(version)?;
        self.timescale = fields.u32()?;
        fields.wide(version)?;
        let language = in_media_header(fields.u16()?);
        self.language = self.language.take().or(language);
        Some(())
    }

    pub(super) fn read_language(&mut self, mut fields: Fields<'_>) -> Option<()> {
        fields.version_flags()?;
        let tag = text(fields.rest())?;
        self.language = language::code(&tag).or(self.language.take());
        Some(())
    }

    pub(super) fn read_handler(&mut self, mut fields: Fields<'_>) -> Option<()> {
        fields.version_flags()?;
        fields.u32()?;
        self.handler = Some(FourCc(fields.array()?));
        fields.take(12)?;
        let name = fields.rest();
        // QuickTime counts its characters in front, the standard ends them with a zero.
        let counted = |(len, rest): (&u8, _)| usize::from(*len) == <[u8]>::len(rest);
        let name = match name.split_first() {
            Some((len, rest)) if counted((len, rest)) => rest,
            _ => name,
        };
        self.handler_name = text(name);
        Some(())
    }

    pub(super) fn read_user_text(&mut self, kind: FourCc, mut fields: Fields<'_>) -> Option<()> {
        match &kind.0 {
            b"name" => self.title = text(fields.rest()).or(self.title.take()),
            b"kind" => {
                fields.version_flags()?;
                let rest = fields.rest();
                let value = rest
                    .iter()
                    .position(|byte| *byte == 0)
                    .and_then(|at| rest.get(at + 1..));
                self.role = value.and_then(text);
            }
            _ => {
                let len = usize::from(fields.u16()?);
                fields.u16()?;
                let name = fields.take(len.min(fields.rest().len()))?;
                self.title = text(name).or(self.title.take());
            }
        }
        Some(())
    }

    pub(super) fn read_edits(&mut self, mut fields: Fields<'_>) -> Option<()> {
        let (version, _) = fields.version_flags()?;
        let count = fields.u32()?;
        let mut edit = Edit::default();
        for n in 0..count {
            let duration = i64::try_from(fields.wide(version)?).unwrap_or(0);
            let media_time = if version == 0 {
                i64::from(fields.i32()?)
            } else {
                i64::from_be_bytes(fields.array()?)
            };
            let _rate = fields.u32()?;
            if media_time < 0 {
                edit.delay = edit.delay.saturating_add(duration);
                continue;
            }
            edit.media_time = media_time.min(i64::MAX / 4);
            let only = n.saturating_add(1) == count;
            edit.shown = Some(duration).filter(|duration| only && *duration > 0);
            break;
        }
        edit.delay = edit.delay.min(i64::MAX / 4);
        self.edit = edit;
        Some(())
    }
}

/// Text up to the first zero; none where nothing is left.
fn text(bytes: &[u8]) -> Option<String> {
    let text = bytes.split(|byte| *byte == 0).next()?;
    let text = String::from_utf8_lossy(text);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
