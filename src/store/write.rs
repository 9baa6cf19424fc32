//! Rows made of what the model holds. Each function runs inside a transaction of its caller.

use super::{refused, word};
use crate::error::{Error, Result};
use crate::limits;
use crate::media::{Track, TrackKind};
use crate::model::{
    About, ChannelNumber, Library, LibraryId, MediaItemId, NewChannel, NewItem, NewPlaylist, Order,
    Origin, Part, PlaylistId,
};
use rusqlite::{OptionalExtension, Transaction, named_params, params};

/// Adds a library, or gives the one that is of the same origin.
pub(super) fn add_library(tx: &Transaction<'_>, name: &str, origin: &Origin) -> Result<Library> {
    let (kind, path, server, section) = match origin {
        Origin::Folder { path } => ("folder", Some(path), None, None),
        Origin::Plex { server, section } => ("plex", None, Some(server), Some(section)),
    };
    let library = |id, name| Library {
        id: LibraryId(id),
        name,
        origin: origin.clone(),
    };
    let known = tx
        .query_row(
            "SELECT id, name FROM library
             WHERE path IS ?1 AND server IS ?2 AND section IS ?3",
            params![path, server, section],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .map_err(refused("add a library"))?;
    if let Some((id, name)) = known {
        return Ok(library(id, name));
    }
    tx.execute(
        "INSERT INTO library (name, kind, path, server, section) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![name, kind, path, server, section],
    )
    .map_err(refused("add a library"))?;
    Ok(library(tx.last_insert_rowid(), name.to_owned()))
}

/// Adds an item, or changes the one of this library that has the same rating key, or where there is
/// none the same path; its id stays.
pub(super) fn upsert(tx: &Transaction<'_>, library: LibraryId, item: &NewItem) -> Result<()> {
    let doing = "write a media item";
    let known = find(tx, library, item).map_err(refused(doing))?;
    let id = write_item(tx, library, item, known).map_err(refused(doing))?;
    write_about(tx, id, item).map_err(refused(doing))?;
    let size_bytes = i64::try_from(item.part.size_bytes).map_err(|_| too_large(item))?;
    let part = write_part(tx, id, &item.part, size_bytes).map_err(refused(doing))?;
    let tracks = item.part.tracks.iter().zip(0_i64..);
    for (track, position) in tracks {
        write_track(tx, part, position, track).map_err(refused("write a track"))?;
    }
    Ok(())
}

/// The item of a library that this one is.
fn find(tx: &Transaction<'_>, library: LibraryId, item: &NewItem) -> rusqlite::Result<Option<i64>> {
    // No join: SQLite would rather go through the whole library than by the name.
    let (sql, name) = match &item.rating_key {
        Some(rating_key) => (
            "SELECT media_item_id FROM plex_item WHERE rating_key = ?1
             AND (SELECT library_id FROM media_item WHERE id = media_item_id) = ?2",
            rating_key,
        ),
        None => (
            "SELECT media_item_id FROM part WHERE path = ?1
             AND (SELECT library_id FROM media_item WHERE id = media_item_id) = ?2",
            &item.part.path,
        ),
    };
    tx.prepare_cached(sql)?
        .query_row(params![name, library.0], |row| row.get(0))
        .optional()
}

/// Replaces what a server says about an item.
fn write_about(tx: &Transaction<'_>, id: i64, item: &NewItem) -> rusqlite::Result<()> {
    let Some(rating_key) = &item.rating_key else {
        return Ok(());
    };
    let nothing = About::default();
    let about = item.about.as_deref().unwrap_or(&nothing);
    tx.prepare_cached(
        "INSERT OR REPLACE INTO plex_item (media_item_id, rating_key, guid, summary, studio,
           content_rating, rating_percent, released, picture)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        id,
        rating_key,
        about.guid,
        about.summary,
        about.studio,
        about.content_rating,
        about.rating_percent,
        about.released,
        about.picture,
    ])?;
    tx.prepare_cached("DELETE FROM tag WHERE media_item_id = ?1")?
        .execute([id])?;
    for (kind, names) in [("genre", &about.genres), ("collection", &about.collections)] {
        for (name, position) in names.iter().zip(0_i64..) {
            tx.prepare_cached(
                "INSERT INTO tag (media_item_id, kind, position, name) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![id, kind, position, name])?;
        }
    }
    Ok(())
}

/// Gives an item of this library the key under which its server has it now.
pub(super) fn rename_item(
    tx: &Transaction<'_>,
    library: LibraryId,
    (item, rating_key): (MediaItemId, &str),
) -> Result<()> {
    tx.prepare_cached(
        "UPDATE plex_item SET rating_key = ?1 WHERE media_item_id = ?2
         AND (SELECT library_id FROM media_item WHERE id = ?2) = ?3",
    )
    .and_then(|mut update| update.execute(params![rating_key, item.0, library.0]))
    .map_err(refused("write a media item"))?;
    Ok(())
}

/// Notes since when an item is missing on its server.
pub(super) fn miss_item(
    tx: &Transaction<'_>,
    library: LibraryId,
    (item, missing_ms): (MediaItemId, i64),
) -> Result<()> {
    tx.prepare_cached(
        "UPDATE plex_item SET missing_ms = ?1 WHERE media_item_id = ?2
         AND (SELECT library_id FROM media_item WHERE id = ?2) = ?3",
    )
    .and_then(|mut update| update.execute(params![missing_ms, item.0, library.0]))
    .map_err(refused("write a media item"))?;
    Ok(())
}

fn write_item(
    tx: &Transaction<'_>,
    library: LibraryId,
    item: &NewItem,
    known: Option<i64>,
) -> rusqlite::Result<i64> {
    let episode = item.episode.as_ref();
    tx.prepare_cached(
        "INSERT INTO media_item (id, library_id, title, year, show, season, number)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, year = excluded.year,
           show = excluded.show, season = excluded.season, number = excluded.number",
    )?
    .execute(params![
        known,
        library.0,
        item.title,
        item.year,
        episode.map(|episode| &episode.show),
        episode.map(|episode| episode.season),
        episode.map(|episode| episode.number),
    ])?;
    Ok(known.unwrap_or_else(|| tx.last_insert_rowid()))
}

/// Replaces the item's part, and with it the tracks.
fn write_part(
    tx: &Transaction<'_>,
    item: i64,
    part: &Part,
    size_bytes: i64,
) -> rusqlite::Result<i64> {
    tx.prepare_cached("DELETE FROM part WHERE media_item_id = ?1")?
        .execute([item])?;
    let container = part.container.map(|it| word::of(word::CONTAINERS, it));
    // A duration that does not fit is none that a file has; the schema wants a problem with it.
    let duration_ms = part.duration_ms.and_then(|ms| i64::try_from(ms).ok());
    tx.prepare_cached(
        "INSERT INTO part (media_item_id, path, size_bytes, changed_ms, container, duration_ms,
           problem) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        item,
        part.path,
        size_bytes,
        part.changed_ms,
        container,
        duration_ms,
        part.problem,
    ])?;
    Ok(tx.last_insert_rowid())
}

fn write_track(
    tx: &Transaction<'_>,
    part: i64,
    position: i64,
    track: &Track,
) -> rusqlite::Result<()> {
    let (kind, codec) = match &track.kind {
        TrackKind::Video(video) => ("video", word::of(word::VIDEO_CODECS, video.codec)),
        TrackKind::Audio(audio) => ("audio", word::of(word::AUDIO_CODECS, audio.codec)),
        TrackKind::Other { codec, .. } => ("other", codec.as_str()),
    };
    let (medium, why) = match &track.kind {
        TrackKind::Other { medium, why, .. } => (Some(word::of(word::MEDIA, *medium)), Some(why)),
        TrackKind::Video(_) | TrackKind::Audio(_) => (None, None),
    };
    let (video, audio) = (track.video(), track.audio());
    tx.prepare_cached(
        "INSERT INTO track (part_id, position, id, kind, codec, language, title, role, is_default,
           width, height, frame_duration_90k, bit_depth, is_chroma_420, sample_rate, channels,
           medium, why)
         VALUES (:part, :position, :id, :kind, :codec, :language, :title, :role, :default,
           :width, :height, :frame_duration_90k, :bit_depth, :chroma_420, :sample_rate, :channels,
           :medium, :why)",
    )?
    .execute(named_params! {
        ":part": part,
        ":position": position,
        ":id": track.id.0.cast_signed(),
        ":kind": kind,
        ":codec": codec,
        ":language": track.language,
        ":title": track.title,
        ":role": word::of(word::ROLES, track.role),
        ":default": track.default,
        ":width": video.map(|video| video.width),
        ":height": video.map(|video| video.height),
        ":frame_duration_90k": video.map(|video| video.frame_duration_90k),
        ":bit_depth": video.map(|video| video.bit_depth),
        ":chroma_420": video.map(|video| video.chroma_420),
        ":sample_rate": audio.map(|audio| audio.sample_rate),
        ":channels": audio.map(|audio| audio.channels),
        ":medium": medium,
        ":why": why,
    })?;
    Ok(())
}

/// Removes a library with its items, and the channels that show nothing else.
pub(super) fn remove_library(tx: &Transaction<'_>, library: LibraryId) -> Result<()> {
    let remove = || {
        // Others lose its items, as they do when a file is gone.
        tx.execute(
            "DELETE FROM channel WHERE id IN (
               SELECT channel_id FROM channel_item
               JOIN media_item ON media_item.id = media_item_id
               GROUP BY channel_id HAVING min(library_id = ?1) = 1)",
            [library.0],
        )?;
        tx.execute("DELETE FROM library WHERE id = ?1", [library.0])
    };
    remove().map_err(refused("remove a library"))?;
    Ok(())
}

/// Removes an item of this library; one that is gone already is no error.
pub(super) fn remove_item(
    tx: &Transaction<'_>,
    library: LibraryId,
    item: MediaItemId,
) -> Result<()> {
    tx.prepare_cached("DELETE FROM media_item WHERE id = ?1 AND library_id = ?2")
        .and_then(|mut delete| delete.execute(params![item.0, library.0]))
        .map_err(refused("remove a media item"))?;
    Ok(())
}

/// Adds a playlist, or replaces the one that has the same key on its server; its id stays. What was
/// removed from the store meanwhile is left out.
pub(super) fn upsert_playlist(tx: &Transaction<'_>, playlist: &NewPlaylist) -> Result<()> {
    let write = || {
        let edition = playlist.edition;
        let id: i64 = tx
            .prepare_cached(
                "INSERT INTO playlist (name, server, rating_key, changed_s, titles, read_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (server, rating_key) DO UPDATE SET name = excluded.name,
                   changed_s = excluded.changed_s, titles = excluded.titles,
                   read_ms = excluded.read_ms
                 RETURNING id",
            )?
            .query_row(
                params![
                    playlist.name,
                    playlist.server,
                    playlist.rating_key,
                    edition.map(|edition| edition.changed_s),
                    edition.map(|edition| edition.titles),
                    edition.map(|edition| edition.read_ms),
                ],
                |row| row.get(0),
            )?;
        tx.prepare_cached("DELETE FROM playlist_item WHERE playlist_id = ?1")?
            .execute([id])?;
        let mut insert = tx.prepare_cached(
            "INSERT INTO playlist_item (playlist_id, position, media_item_id)
             SELECT ?1, ?2, id FROM media_item WHERE id = ?3",
        )?;
        for (item, position) in playlist.items.iter().zip(0_i64..) {
            insert.execute(params![id, position, item.0])?;
        }
        Ok(())
    };
    write().map_err(refused("write a playlist"))
}

pub(super) fn remove_playlist(tx: &Transaction<'_>, playlist: PlaylistId) -> Result<()> {
    tx.prepare_cached("DELETE FROM playlist WHERE id = ?1")
        .and_then(|mut delete| delete.execute([playlist.0]))
        .map_err(refused("remove a playlist"))?;
    Ok(())
}

pub(super) fn add_channels(tx: &Transaction<'_>, channels: &[NewChannel]) -> Result<()> {
    let doing = "add channels";
    for channel in channels {
        let taken = tx
            .prepare_cached("SELECT name FROM channel WHERE number = ?1")
            .and_then(|mut find| {
                find.query_row([channel.number.to_string()], |row| row.get::<_, String>(0))
                    .optional()
            })
            .map_err(refused(doing))?;
        if let Some(name) = taken {
            return Err(Error::invalid(
                format!("channel {}", channel.number),
                format!("this number is in use by '{name}'"),
            ));
        }
        add_channel(tx, channel)?;
    }
    let count: i64 = tx
        .query_row("SELECT count(*) FROM channel", [], |row| row.get(0))
        .map_err(refused(doing))?;
    over_limit(
        "channels",
        u64::try_from(count).unwrap_or(0),
        limits::CHANNELS,
    )
}

fn add_channel(tx: &Transaction<'_>, channel: &NewChannel) -> Result<()> {
    let doing = "add a channel";
    let items = u64::try_from(channel.items.len()).unwrap_or(u64::MAX);
    over_limit("items of a channel", items, limits::SCHEDULE_ENTRIES)?;
    let seed = match channel.order {
        Order::Listed => None,
        Order::Shuffled { seed } => Some(seed.cast_signed()),
    };
    tx.prepare_cached(
        "INSERT INTO channel (number, name, epoch_ms, shuffle_seed) VALUES (?1, ?2, ?3, ?4)",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            channel.number.to_string(),
            channel.name,
            channel.epoch_ms,
            seed
        ])
    })
    .map_err(refused(doing))?;
    let id = tx.last_insert_rowid();
    let mut insert = tx
        .prepare_cached(
            "INSERT INTO channel_item (channel_id, position, media_item_id)
             SELECT ?1, ?2, id FROM media_item WHERE id = ?3",
        )
        .map_err(refused(doing))?;
    for (item, position) in channel.items.iter().zip(0_i64..) {
        let added = insert
            .execute(params![id, position, item.0])
            .map_err(refused(doing))?;
        if added == 0 {
            return Err(Error::invalid(
                format!("channel {}", channel.number),
                format!("media item {} is not in the library", item.0),
            ));
        }
    }
    Ok(())
}

pub(super) fn remove_channel(tx: &Transaction<'_>, number: ChannelNumber) -> Result<()> {
    let removed = tx
        .execute(
            "DELETE FROM channel WHERE number = ?1",
            [number.to_string()],
        )
        .map_err(refused("remove a channel"))?;
    if removed == 0 {
        return Err(Error::invalid(
            format!("channel {number}"),
            "there is none with this number",
        ));
    }
    Ok(())
}

pub(super) fn set_setting(tx: &Transaction<'_>, key: &str, value: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO setting (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [key, value],
    )
    .map_err(refused("write a setting"))?;
    Ok(())
}

fn over_limit(what: &'static str, got: u64, limit: usize) -> Result<()> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    if got > limit {
        return Err(Error::OverLimit { what, got, limit });
    }
    Ok(())
}

fn too_large(item: &NewItem) -> Error {
    Error::invalid(item.part.path.clone(), "no file is that large")
}
