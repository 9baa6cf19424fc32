//! The lineup and its programmes for players that know nothing of HDHomeRun: a playlist and an
//! XMLTV guide.
//!
//! The guide of a big box is tens of megabytes, so it is made and sent piece by piece and ends
//! where the connection does.

use super::House;
use super::address::Roots;
use super::answer::{Answer, Kind, Sharing, raw_head};
use super::connection::write_in_time;
use super::head::Method;
use super::{m3u, xmltv};
use crate::schedule::Lineup;
use tokio::io::AsyncWrite;

/// The channels as a playlist.
pub(super) fn playlist(lineup: &Lineup, roots: &Roots) -> Answer {
    Answer::new(200, Kind::Playlist, m3u::channels(lineup, &roots.web)).shared()
}

/// Sends the guide.
pub(super) async fn send<W>(house: &House, method: Method, writer: &mut W)
where
    W: AsyncWrite + Unpin,
{
    let now_ms = house.now_ms();
    let head = raw_head(200, Kind::Xml, None, Sharing::Anyone, &[], now_ms);
    if write_in_time(writer, head.as_bytes()).await.is_err() || method == Method::Head {
        return;
    }
    for piece in xmltv::guide(house.lineup(), now_ms) {
        if write_in_time(writer, &piece).await.is_err() {
            return;
        }
    }
}
