//! What a server tells about a title beyond its name.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the guide and the making of channels know of a title from its server. A folder tells
/// nothing of this.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// What it is on its server, in words that outlive it being added anew; `None` where the server
    /// has not recognised it.
    pub guid: Option<Box<str>>,
    /// What happens in it.
    pub summary: Option<Box<str>>,
    /// What kind of thing it is, in the server's words, the most fitting first. Shared by all titles
    /// that have the same.
    pub genres: Arc<[Arc<str>]>,
    /// The collections of its library that it is in.
    pub collections: Arc<[Arc<str>]>,
    /// Who made it.
    pub studio: Option<Arc<str>>,
    /// For whom it is, such as `PG-13` or `de/12`.
    pub content_rating: Option<Arc<str>>,
    /// How good it is said to be, 0 to 100.
    pub rating_percent: Option<u8>,
    /// When it was shown first, `YYYY-MM-DD`.
    pub released: Option<Box<str>>,
    /// Where its server has a picture for it: a path without host and token.
    pub picture: Option<Box<str>>,
}
