//! One `TrackEntry` (RFC 9559 §5.1.4.1) as it stands in the file.
//!
//! Does not judge: what can be carried is `stream`'s business.

use super::ebml::{Child, Children, Halt, Step};
use super::id;
use bytes::Bytes;

/// Highest audio or video `TrackType` values that matter here.
const TYPE_VIDEO: u64 = 1;
const TYPE_AUDIO: u64 = 2;

/// What a track is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryType {
    Video,
    Audio,
    Other(u64),
}

/// A track as the file describes it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) entry_type: EntryType,
    pub(super) codec_id: String,
    pub(super) codec_private: Bytes,
    pub(super) language: Option<String>,
    pub(super) language_bcp47: Option<String>,
    pub(super) name: Option<String>,
    pub(super) default: bool,
    pub(super) enabled: bool,
    pub(super) aside: bool,
    pub(super) default_duration_ns: u64,
    pub(super) codec_delay_ns: u64,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) sample_rate: f64,
    pub(super) channels: u64,
    /// Bytes that were taken off the front of each frame (§5.1.4.1.31.6, algorithm 3).
    pub(super) stripped: Bytes,
    /// Why its frames cannot be read, where that is so.
    pub(super) sealed: Option<&'static str>,
}

impl Default for Entry {
    /// The values that the standard gives to what is not written.
    fn default() -> Self {
        Self {
            number: 0,
            entry_type: EntryType::Other(0),
            codec_id: String::new(),
            codec_private: Bytes::new(),
            language: None,
            language_bcp47: None,
            name: None,
            default: true,
            enabled: true,
            aside: false,
            default_duration_ns: 0,
            codec_delay_ns: 0,
            width: 0,
            height: 0,
            sample_rate: 8000.0,
            channels: 1,
            stripped: Bytes::new(),
            sealed: None,
        }
    }
}

impl Entry {
    /// Reads the body of a `TrackEntry`, which stands at `at` in the file.
    pub(super) fn parse(body: &Bytes, at: u64) -> Step<Self> {
        let mut entry = Self::default();
        for child in Children::new(body, at) {
            entry.take(child?)?;
        }
        if entry.number == 0 {
            return Err(Halt::Broken(at, "a track has no number"));
        }
        Ok(entry)
    }

    fn take(&mut self, child: Child<'_>) -> Step<()> {
        match child.id {
            id::TRACK_NUMBER => self.number = child.uint()?,
            id::TRACK_TYPE => {
                self.entry_type = match child.uint()? {
                    TYPE_VIDEO => EntryType::Video,
                    TYPE_AUDIO => EntryType::Audio,
                    other => EntryType::Other(other),
                }
            }
            id::CODEC_ID => self.codec_id = child.text(),
            id::CODEC_PRIVATE => self.codec_private = Bytes::copy_from_slice(child.body),
            id::LANGUAGE => self.language = Some(child.text()),
            id::LANGUAGE_BCP47 => self.language_bcp47 = Some(child.text()),
            id::NAME => self.name = Some(child.text()).filter(|name| !name.is_empty()),
            id::FLAG_DEFAULT => self.default = child.uint()? != 0,
            id::FLAG_ENABLED => self.enabled = child.uint()? != 0,
            id::FLAG_COMMENTARY | id::FLAG_VISUAL_IMPAIRED => self.aside |= child.uint()? != 0,
            id::DEFAULT_DURATION => self.default_duration_ns = child.uint()?,
            id::CODEC_DELAY => self.codec_delay_ns = child.uint()?,
            id::VIDEO | id::AUDIO => {
                for inner in child.children() {
                    self.take_facts(inner?)?;
                }
            }
            id::CONTENT_ENCODINGS => self.take_encodings(child)?,
            _ => {}
        }
        Ok(())
    }

    fn take_facts(&mut self, child: Child<'_>) -> Step<()> {
        match child.id {
            id::PIXEL_WIDTH => self.width = child.uint()?,
            id::PIXEL_HEIGHT => self.height = child.uint()?,
            id::SAMPLING_FREQUENCY => self.sample_rate = child.float()?,
            id::CHANNELS => self.channels = child.uint()?,
            _ => {}
        }
        Ok(())
    }

    fn take_encodings(&mut self, encodings: Child<'_>) -> Step<()> {
        let mut count = 0;
        for encoding in encodings.children() {
            let encoding = encoding?;
            if encoding.id == id::CONTENT_ENCODING {
                count += 1;
                self.take_encoding(encoding)?;
            }
        }
        if count > 1 {
            self.sealed = Some("its frames are packed more than once");
        }
        Ok(())
    }

    /// Reads a `ContentEncoding` (§5.1.4.1.31): what was done to the frames before they were
    /// stored.
    fn take_encoding(&mut self, encoding: Child<'_>) -> Step<()> {
        let (mut scope, mut kind, mut algorithm) = (1, 0, 0);
        let mut settings: &[u8] = &[];
        for child in encoding.children() {
            let child = child?;
            match child.id {
                id::CONTENT_ENCODING_SCOPE => scope = child.uint()?,
                id::CONTENT_ENCODING_TYPE => kind = child.uint()?,
                id::CONTENT_COMPRESSION => {
                    for inner in child.children() {
                        let inner = inner?;
                        match inner.id {
                            id::CONTENT_COMP_ALGO => algorithm = inner.uint()?,
                            id::CONTENT_COMP_SETTINGS => settings = inner.body,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let on_frames = scope & 1 != 0;
        let on_private = scope & 2 != 0;
        match (kind, algorithm) {
            (0, 3) if on_private => self.sealed = Some("its codec description is packed"),
            (0, 3) if on_frames => self.stripped = Bytes::copy_from_slice(settings),
            (0, 3) => {}
            (0, 0) => self.sealed = Some("its frames are compressed with zlib"),
            (0, 1) => self.sealed = Some("its frames are compressed with bzip2"),
            (0, 2) => self.sealed = Some("its frames are compressed with LZO"),
            (0, _) => self.sealed = Some("its frames are compressed in an unknown way"),
            _ => self.sealed = Some("it is encrypted"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(bytes: &[u8]) -> Entry {
        Entry::parse(&Bytes::copy_from_slice(bytes), 0).unwrap()
    }

    #[test]
    fn what_is_not_written_has_the_standards_default() {
        let entry = entry(&[0xD7, 0x81, 3, 0x83, 0x81, 2]);
        assert_eq!((entry.number, entry.entry_type), (3, EntryType::Audio));
        assert!(entry.default && entry.enabled && !entry.aside);
        assert_eq!(entry.language, None);
    }

    #[test]
    fn packing_that_cannot_be_undone_is_named() {
        let encoding = |inner: &[u8]| {
            let mut body = vec![0xD7, 0x81, 1];
            for id in [[0x6D, 0x80], [0x62, 0x40]] {
                body.extend(id);
                let rest = inner.len() + if id == [0x6D, 0x80] { 3 } else { 0 };
                body.push(0x80 | u8::try_from(rest).unwrap());
            }
            body.extend(inner);
            body
        };
        let zlib = entry(&encoding(&[0x50, 0x34, 0x84, 0x42, 0x54, 0x81, 0]));
        assert_eq!(zlib.sealed, Some("its frames are compressed with zlib"));
        let default = entry(&encoding(&[0x50, 0x34, 0x80]));
        assert_eq!(default.sealed, Some("its frames are compressed with zlib"));
        let cipher = entry(&encoding(&[0x50, 0x33, 0x81, 1]));
        assert_eq!(cipher.sealed, Some("it is encrypted"));
        let strip = entry(&encoding(&[
            0x50, 0x34, 0x89, 0x42, 0x54, 0x81, 3, 0x42, 0x55, 0x82, 0x0B, 0x77,
        ]));
        assert_eq!(
            (strip.sealed, &strip.stripped[..]),
            (None, &[0x0B, 0x77][..])
        );
    }
}
