//! What can go wrong on purpose. Every switch can be turned while the server runs, by a test through
//! `Standin::faults` and by a person through `PUT /standin/faults`; bodies that are under way obey
//! at their next piece.

use serde::{Deserialize, Serialize};

/// What becomes of a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pin {
    Pending,
    Linked,
    Expired,
}

/// The switches. All of them off is a server as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Faults {
    /// Every request that needs a token is answered with 401.
    pub(crate) unauthorized: bool,
    /// So many requests that need a token are let through, those after them get 401.
    pub(crate) unauthorized_after: Option<u64>,
    /// Everything is answered with 503 and a note in XML; `/identity` too.
    pub(crate) maintenance: bool,
    /// `/identity` and `/` tell another machine.
    pub(crate) wrong_machine: bool,
    /// Everything but `/identity` is a web page with status 200.
    pub(crate) html: bool,
    /// What answers `/library/metadata/...`.
    pub(crate) metadata_status: Option<u16>,
    /// What answers listings.
    pub(crate) listing_status: Option<u16>,
    /// Listings of more rows than this are answered with 500.
    pub(crate) listing_most_rows: Option<usize>,
    /// Pages hold no more than so many rows, whatever was asked for.
    pub(crate) short_page: Option<usize>,
    /// `totalSize` grows by one with each page.
    pub(crate) growing_total: bool,
    /// Every nth row of a listing has no `ratingKey`, and a number for its title.
    pub(crate) broken_row_every: Option<usize>,
    /// Listings and metadata are answered so much later.
    pub(crate) metadata_delay_ms: u64,
    /// What answers playlists: their list, or what is in the one of this key.
    pub(crate) playlist_status: Option<(Option<u64>, u16)>,
    /// What answers pictures.
    pub(crate) image_status: Option<u16>,
    /// Pictures are answered so much later, or as soon as this is cleared.
    pub(crate) image_delay_ms: u64,
    /// The parts that the faults of parts concern, by id; all if there are none here.
    pub(crate) only_parts: Vec<u64>,
    /// What answers part requests.
    pub(crate) part_status: Option<u16>,
    /// The first byte of a part comes so much later.
    pub(crate) first_byte_delay_ms: u64,
    /// Parts stop at this byte of the file, for a request that begins before it; the connection
    /// stays.
    pub(crate) stall_at_byte: Option<u64>,
    /// Parts are cut off at this byte of the file by a reset, for a request that begins before it.
    pub(crate) reset_at_byte: Option<u64>,
    /// Parts send nothing at all.
    pub(crate) paused: bool,
    /// Parts are sent no faster than this, each.
    pub(crate) part_bytes_per_second: Option<u64>,
    /// As PMS 1.43 does: a part is given only to a session that was told to play it directly.
    pub(crate) require_decision: bool,
    /// What answers `decision`.
    pub(crate) decision_status: Option<u16>,
    /// `decision` refuses with this general code (2000, 4005 ...).
    pub(crate) decision_code: Option<u32>,
    /// What answers `start`.
    pub(crate) start_status: Option<u16>,
    /// Conversions come in segments only.
    pub(crate) segments_only: bool,
    /// The transcoder's first byte comes so much later.
    pub(crate) start_delay_ms: u64,
    /// Sessions of the transcoder at a time.
    pub(crate) transcode_limit: usize,
    /// What the owner does with a PIN.
    pub(crate) pin: Pin,
    /// What answers plex.tv's side (429, 401, 500 ...).
    pub(crate) account_status: Option<u16>,
    /// The server does not answer on the LAN.
    pub(crate) gdm_silent: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            unauthorized: false,
            unauthorized_after: None,
            maintenance: false,
            wrong_machine: false,
            html: false,
            metadata_status: None,
            listing_status: None,
            listing_most_rows: None,
            short_page: None,
            growing_total: false,
            broken_row_every: None,
            metadata_delay_ms: 0,
            playlist_status: None,
            image_status: None,
            image_delay_ms: 0,
            only_parts: Vec::new(),
            part_status: None,
            first_byte_delay_ms: 0,
            stall_at_byte: None,
            reset_at_byte: None,
            paused: false,
            part_bytes_per_second: None,
            require_decision: false,
            decision_status: None,
            decision_code: None,
            start_status: None,
            segments_only: false,
            start_delay_ms: 0,
            transcode_limit: 4,
            pin: Pin::Pending,
            account_status: None,
            gdm_silent: false,
        }
    }
}

impl Faults {
    /// As they are for this part.
    pub(crate) fn of_part(&self, id: u64) -> Self {
        if self.only_parts.is_empty() || self.only_parts.contains(&id) {
            return self.clone();
        }
        Self {
            part_status: None,
            first_byte_delay_ms: 0,
            stall_at_byte: None,
            reset_at_byte: None,
            paused: false,
            part_bytes_per_second: None,
            ..self.clone()
        }
    }

    /// With the switches that a JSON object names, and the others as they are.
    pub(crate) fn overlaid(&self, json: &[u8]) -> Result<Self, String> {
        let mut all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        let named: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        for (name, value) in named {
            all[name] = value;
        }
        serde_json::from_value(all).map_err(|error| error.to_string())
    }
}
