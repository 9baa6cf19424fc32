//! Backups, for the control socket alone: `GET /api/store/backup` gives one, `POST
//! /api/store/restore` takes one in and says what it would change, with `?apply` changes it.
//!
//! Neither names a file: whoever asks may see other folders than the box does.

use super::House;
use super::answer::{Answer, Kind, Sharing, raw_head, raw_words};
use super::connection::write_in_time;
use super::control::refused;
use super::head::Head;
use crate::clock::stamp;
use crate::error::{Error, Result};
use crate::limits;
use crate::store::{Arriving, When};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::fs::File;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Sends a backup, which is as long as its head says or was broken off.
pub(super) async fn send<W>(house: &House, writer: &mut W)
where
    W: AsyncWrite + Unpin,
{
    match sent(house, writer).await {
        Ok(()) => {}
        // Nothing of the answer has gone out.
        Err(Unsent::Refused(error)) => {
            log::warn!("no backup is given: {error}");
            let words = raw_words(500, &format!("{error}."), house.now_ms());
            let _ = write_in_time(writer, words.as_bytes()).await;
        }
        Err(Unsent::BrokenOff(error)) => log::info!("a backup was not taken: {error}"),
    }
}

/// Why a backup did not get to who asked for it.
enum Unsent {
    Refused(Error),
    BrokenOff(std::io::Error),
}

async fn sent<W>(house: &House, writer: &mut W) -> std::result::Result<(), Unsent>
where
    W: AsyncWrite + Unpin,
{
    let file = house.librarian.backup().await.map_err(Unsent::Refused)?;
    let mut file = tokio::fs::File::from_std(file);
    let about = file.metadata().await.map_err(Unsent::BrokenOff)?;
    let length = usize::try_from(about.len()).ok();
    let now_ms = house.now_ms();
    let head = raw_head(200, Kind::Database, length, Sharing::SameSite, &[], now_ms);
    let write = async {
        write_in_time(writer, head.as_bytes()).await?;
        let mut piece = vec![0; limits::CHUNK_BYTES];
        loop {
            let read = file.read(&mut piece).await?;
            match piece.get(..read) {
                None | Some([]) => return Ok(()),
                Some(bytes) => write_in_time(writer, bytes).await?,
            }
        }
    };
    write.await.map_err(Unsent::BrokenOff)
}

/// Takes a backup in.
pub(super) async fn restore(
    house: &House,
    head: &Head,
    body: Incoming,
) -> std::result::Result<Answer, Answer> {
    let apply = head.query.iter().any(|(name, _)| name == "apply");
    let restored = async {
        let (arriving, file) = house.librarian.arriving()?;
        take_in(&arriving, file, body).await?;
        if !apply {
            return house.librarian.weigh(&arriving).await;
        }
        let (librarian, when) = (Arc::clone(&house.librarian), now(house));
        // Whoever asked may go; everybody has to see what was restored all the same.
        let work = async move { librarian.restore(&arriving, &when).await };
        tokio::spawn(work).await.unwrap_or(Err(Error::ShuttingDown))
    };
    let change = restored.await.map_err(|error| refused(&error))?;
    if change.applied {
        log::info!("a backup was restored: {} titles", change.titles.then);
    }
    Ok(Answer::json(&change))
}

fn now(house: &House) -> When {
    let stamp = stamp(house.now_ms());
    let day = house.date_ms().and_then(|_| stamp.get(..10));
    When {
        day: day.map(str::to_owned),
        stamp,
    }
}

/// Writes what comes in to its file.
async fn take_in(arriving: &Arriving, file: File, mut body: Incoming) -> Result<()> {
    let shown = || arriving.path().display().to_string();
    let mut file = tokio::fs::File::from_std(file);
    let mut got = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Error::invalid("the backup", error.to_string()))?;
        let Some(bytes) = frame.data_ref() else {
            continue;
        };
        got = got.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if got > limits::BACKUP_BYTES {
            return Err(Error::OverLimit {
                what: "length of the backup in bytes",
                got,
                limit: limits::BACKUP_BYTES,
            });
        }
        file.write_all(bytes)
            .await
            .map_err(|error| Error::io("write", shown(), &error))?;
    }
    file.flush()
        .await
        .map_err(|error| Error::io("write", shown(), &error))
}
