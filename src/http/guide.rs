//! The lineup and its programmes for players that know nothing of HDHomeRun: a playlist and an
//! XMLTV guide.
//!
//! While the date is not known there is no guide: clients would keep the one of 1970.
//!
//! The guide of a big box is tens of megabytes, so it is made and sent piece by piece and ends
//! where the connection does.

use super::House;
use super::address::Roots;
use super::answer::{AGAIN_S, Answer, Kind, Sharing, raw_head};
use super::connection::write_in_time;
use super::head::Method;
use super::health::NO_DATE;
use super::{m3u, xmltv};
use crate::schedule::Lineup;
use tokio::io::AsyncWrite;

/// The channels as a playlist.
pub(super) fn playlist(lineup: &Lineup, roots: &Roots) -> Answer {
    Answer::new(200, Kind::Playlist, m3u::channels(lineup, &roots.web)).shared()
}

/// Sends the guide.
pub(super) async fn send<W>(house: &House, roots: &Roots, method: Method, writer: &mut W)
where
    W: AsyncWrite + Unpin,
{
    let Some(now_ms) = house.date_ms() else {
        return refuse(house.now_ms(), method, writer).await;
    };
    let head = raw_head(200, Kind::Xml, None, Sharing::Anyone, &[], now_ms);
    if write_in_time(writer, head.as_bytes()).await.is_err() || method == Method::Head {
        return;
    }
    for piece in xmltv::guide(house.lineup(), now_ms, &roots.web) {
        if write_in_time(writer, &piece).await.is_err() {
            return;
        }
    }
}

/// Says when to come again.
async fn refuse<W>(now_ms: i64, method: Method, writer: &mut W)
where
    W: AsyncWrite + Unpin,
{
    let length = Some(NO_DATE.len() + 1);
    let extra = [("Retry-After", AGAIN_S)];
    let mut answer = raw_head(503, Kind::Text, length, Sharing::Anyone, &extra, now_ms);
    if method != Method::Head {
        answer.push_str(NO_DATE);
        answer.push('\n');
    }
    let _ = write_in_time(writer, answer.as_bytes()).await;
}
