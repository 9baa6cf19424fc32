//! Placeholder until the demuxer lands.
use super::{Movie, Pull};
use crate::error::{Error, Result};
use crate::media::TrackId;
use bytes::Bytes;

/// One open file.
#[derive(Debug)]
pub struct Matroska {
    _file_bytes: u64,
}

/// Whether this is the head of one.
#[must_use]
pub fn recognise(_head: &[u8]) -> bool {
    false
}

impl Matroska {
    pub(super) fn new(file_bytes: u64) -> Self {
        Self {
            _file_bytes: file_bytes,
        }
    }
    pub(super) fn pull(&mut self) -> Result<Pull> {
        Err(Error::ShuttingDown)
    }
    pub(super) fn push(&mut self, _offset: u64, _bytes: Bytes) -> Result<()> {
        Err(Error::ShuttingDown)
    }
    pub(super) fn movie(&self) -> Option<&Movie> {
        None
    }
    pub(super) fn start(&mut self, _v: TrackId, _a: Option<TrackId>, _t: i64) -> Result<()> {
        Err(Error::ShuttingDown)
    }
}
