//! `/api/media/{id}/picture?width=`: the picture of a title, through the box.

use super::House;
use super::answer::{Answer, Kind};
use super::gallery::{Lack, Wanted};
use super::head::Head;
use crate::catalog::Catalog;
use crate::model::{MediaItemId, Origin};

/// The widths that are given. Few, so that they can be kept.
const WIDTHS: [u32; 4] = [120, 240, 480, 720];
/// What the guide's readers get, who do not ask for one.
const USUAL_WIDTH: u32 = 480;
/// The width for the box's own page: a small one on a screen with two dots for one.
pub(super) const SMALL: &str = "?width=120";

/// The item whose picture is at an address; `None` for an address that is none of a picture.
pub(super) fn asked(path: &str) -> Option<MediaItemId> {
    let id = path.strip_prefix("/api/media/")?.strip_suffix("/picture")?;
    id.parse().ok().map(MediaItemId)
}

/// Where the picture of an item is, on this box.
pub(super) fn address(id: MediaItemId) -> String {
    format!("/api/media/{}/picture", id.0)
}

/// Gives it.
pub(super) async fn answer(house: &House, head: &Head, id: MediaItemId) -> Answer {
    let width = match head.argument("width") {
        None | Some("") => Some(USUAL_WIDTH),
        Some(digits) => digits.parse().ok().filter(|width| WIDTHS.contains(width)),
    };
    let Some(width) = width else {
        let words = format!("The argument width may be one of {WIDTHS:?}.");
        return Answer::words(400, &words);
    };
    let wanted = wanted(house.lineup().catalog(), id, width);
    let Some(wanted) = wanted else {
        return missing();
    };
    let found = house.pictures.picture(house.plex.servers(), &wanted).await;
    match found {
        Ok(picture) => {
            Answer::new(200, Kind::Picture(picture.form), picture.bytes).good_for_a_day()
        }
        Err(Lack::Gone) => missing(),
        Err(Lack::Away) => {
            let words = "The server that has this picture does not give it just now.";
            Answer::words(503, words).again_later()
        }
    }
}

fn missing() -> Answer {
    Answer::words(404, "There is no picture of this.")
}

/// What has to be asked of which server; `None` where there is no picture.
fn wanted(catalog: &Catalog, id: MediaItemId, width: u32) -> Option<Wanted> {
    let item = catalog.item(id)?;
    let path = item.about.as_ref()?.picture.clone()?;
    let Origin::Plex { server, .. } = &catalog.library(item.library)?.origin else {
        return None;
    };
    Some(Wanted {
        machine: server.clone(),
        path: path.into(),
        width,
    })
}
