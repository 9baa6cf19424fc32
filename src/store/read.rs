//! Rows read back into the model. A row that makes no sense costs that row and a warning, never
//! the box.

use super::{Contents, refused, word};
use crate::error::Result;
use crate::media::{AudioTrack, Track, TrackId, TrackKind, VideoTrack};
use crate::model::{
    Channel, ChannelId, Episode, Library, LibraryId, MediaItem, MediaItemId, Order, Origin, Part,
};
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row};

/// Everything that a catalog is made of, in the order of the ids.
pub(super) fn load(connection: &Connection) -> Result<Contents> {
    let doing = "read the library";
    // One view of the file, even while another program writes.
    let tx = connection.unchecked_transaction().map_err(refused(doing))?;
    let mut items = rows(&tx, "media item", ITEMS, item).map_err(refused(doing))?;
    attach_tracks(&tx, &mut items).map_err(refused(doing))?;
    let mut channels = rows(&tx, "channel", CHANNELS, channel).map_err(refused(doing))?;
    attach_items(&tx, &mut channels).map_err(refused(doing))?;
    Ok(Contents {
        libraries: rows(&tx, "library", LIBRARIES, library).map_err(refused(doing))?,
        items,
        channels,
    })
}

pub(super) fn setting(connection: &Connection, key: &str) -> Result<Option<String>> {
    connection
        .query_row("SELECT value FROM setting WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()
        .map_err(refused("read a setting"))
}

const LIBRARIES: &str = "SELECT id, name, path FROM library ORDER BY id";

const ITEMS: &str = "SELECT media_item.id, library_id, title, year, show, season, number,
    path, size_bytes, changed_ms, container, duration_ms, problem
  FROM media_item JOIN part ON media_item_id = media_item.id ORDER BY media_item.id";

const TRACKS: &str = "SELECT media_item_id, track.id, kind, codec, language, title, role,
    is_default, width, height, frame_duration_90k, bit_depth, is_chroma_420, sample_rate, channels,
    why
  FROM part JOIN track ON part_id = part.id ORDER BY media_item_id, position";

const CHANNELS: &str = "SELECT id, number, name, epoch_ms, shuffle_seed FROM channel ORDER BY id";

const CHANNEL_ITEMS: &str =
    "SELECT channel_id, media_item_id FROM channel_item ORDER BY channel_id, position";

/// All rows that can be read.
fn rows<T>(
    connection: &Connection,
    what: &str,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut all = Vec::new();
    each(connection, what, sql, |row| {
        all.push(read(row)?);
        Ok(())
    })?;
    all.shrink_to_fit();
    Ok(all)
}

/// Gives every row to `read`; warns about those that it refuses.
fn each(
    connection: &Connection,
    what: &str,
    sql: &str,
    mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = read(row) {
            let id: i64 = row.get(0).unwrap_or_default();
            log::warn!("store: {what} {id} is damaged and left out: {error}");
        }
    }
    Ok(())
}

fn library(row: &Row<'_>) -> rusqlite::Result<Library> {
    Ok(Library {
        id: LibraryId(row.get("id")?),
        name: row.get("name")?,
        origin: Origin::Folder {
            path: row.get("path")?,
        },
    })
}

fn item(row: &Row<'_>) -> rusqlite::Result<MediaItem> {
    let episode = match row.get::<_, Option<String>>("show")? {
        Some(show) => Some(Episode {
            show,
            season: row.get("season")?,
            number: row.get("number")?,
        }),
        None => None,
    };
    let container = match row.get::<_, Option<String>>("container")? {
        Some(name) => Some(known(&name, word::value(word::CONTAINERS, &name))?),
        None => None,
    };
    Ok(MediaItem {
        id: MediaItemId(row.get("id")?),
        library: LibraryId(row.get("library_id")?),
        title: row.get("title")?,
        year: row.get("year")?,
        episode,
        part: Part {
            path: row.get("path")?,
            size_bytes: unsigned(row, "size_bytes")?,
            changed_ms: row.get("changed_ms")?,
            container,
            duration_ms: match row.get::<_, Option<i64>>("duration_ms")? {
                Some(_) => Some(unsigned(row, "duration_ms")?),
                None => None,
            },
            tracks: Vec::new(),
            problem: row.get("problem")?,
        },
    })
}

/// Reads the tracks in the order of the items and gives each item its own, without room to spare.
fn attach_tracks(connection: &Connection, items: &mut [MediaItem]) -> rusqlite::Result<()> {
    let mut items = items.iter_mut().peekable();
    each(connection, "a track of media item", TRACKS, |row| {
        let owner = MediaItemId(row.get("media_item_id")?);
        while items.next_if(|item| item.id < owner).is_some() {}
        if let Some(item) = items.peek_mut().filter(|item| item.id == owner) {
            item.part.tracks.reserve_exact(1);
            item.part.tracks.push(track(row)?);
        }
        Ok(())
    })
}

fn track(row: &Row<'_>) -> rusqlite::Result<Track> {
    let codec: String = row.get("codec")?;
    let kind: String = row.get("kind")?;
    let kind = match kind.as_str() {
        "video" => TrackKind::Video(VideoTrack {
            codec: known(&codec, word::value(word::VIDEO_CODECS, &codec))?,
            width: row.get("width")?,
            height: row.get("height")?,
            frame_duration_90k: row.get("frame_duration_90k")?,
            bit_depth: row.get("bit_depth")?,
            chroma_420: row.get("is_chroma_420")?,
        }),
        "audio" => TrackKind::Audio(AudioTrack {
            codec: known(&codec, word::value(word::AUDIO_CODECS, &codec))?,
            sample_rate: row.get("sample_rate")?,
            channels: row.get("channels")?,
        }),
        _ => TrackKind::Other {
            why: row.get("why")?,
            codec,
        },
    };
    let role: String = row.get("role")?;
    Ok(Track {
        id: TrackId(row.get::<_, i64>("id")?.cast_unsigned()),
        kind,
        language: row.get("language")?,
        title: row.get("title")?,
        role: known(&role, word::value(word::ROLES, &role))?,
        default: row.get("is_default")?,
    })
}

fn channel(row: &Row<'_>) -> rusqlite::Result<Channel> {
    let number: String = row.get("number")?;
    Ok(Channel {
        id: ChannelId(row.get("id")?),
        number: known(&number, number.parse().ok())?,
        name: row.get("name")?,
        epoch_ms: row.get("epoch_ms")?,
        order: match row.get::<_, Option<i64>>("shuffle_seed")? {
            Some(seed) => Order::Shuffled {
                seed: seed.cast_unsigned(),
            },
            None => Order::Listed,
        },
        items: Vec::new(),
    })
}

/// Gives each channel its items; both come in the order of the channels' ids.
fn attach_items(connection: &Connection, channels: &mut [Channel]) -> rusqlite::Result<()> {
    let mut all = channels.iter_mut().peekable();
    each(connection, "an item of channel", CHANNEL_ITEMS, |row| {
        let owner = ChannelId(row.get("channel_id")?);
        while all.next_if(|channel| channel.id < owner).is_some() {}
        if let Some(channel) = all.peek_mut().filter(|channel| channel.id == owner) {
            channel.items.push(MediaItemId(row.get("media_item_id")?));
        }
        Ok(())
    })?;
    for channel in channels {
        channel.items.shrink_to_fit();
    }
    Ok(())
}

/// A number that is never negative.
fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| FromSqlError::OutOfRange(value).into())
}

/// A word that has a meaning.
fn known<T>(word: &str, meaning: Option<T>) -> rusqlite::Result<T> {
    meaning.ok_or_else(|| {
        let why = format!("'{}' means nothing here", word.escape_debug());
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, why.into())
    })
}
