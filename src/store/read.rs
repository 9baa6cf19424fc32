//! Rows read back into the model. A row that makes no sense costs that row and a warning, never
//! the box.

use super::{Contents, refused, word};
use crate::error::Result;
use crate::media::{AudioTrack, Track, TrackId, TrackKind, VideoTrack};
use crate::model::{
    About, Channel, ChannelId, Edition, Episode, Library, LibraryId, MediaItem, MediaItemId,
    NewPlaylist, Order, Origin, Part, Playlist, PlaylistId,
};
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Params, Row};
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// Everything that a catalog is made of, in the order of the ids. Items that are as they were in
/// `before`, which is sorted by id, are the same allocation.
pub(super) fn load(connection: &Connection, before: &[Arc<MediaItem>]) -> Result<Contents> {
    let doing = "read the library";
    let load = || {
        // One view of the file, even while another program writes.
        let tx = connection.unchecked_transaction()?;
        let libraries = rows(&tx, "library", LIBRARIES, [], library)?;
        let shared = Shared::default();
        let items = rows(&tx, "media item", ITEMS, [], |row| {
            let item = item(&tx, row, &shared)?;
            let same = before.binary_search_by_key(&item.id, |old| old.id);
            let same = same.ok().and_then(|at| before.get(at));
            Ok(match same.filter(|old| ***old == item) {
                Some(old) => Arc::clone(old),
                None => Arc::new(item),
            })
        })?;
        let channels = rows(&tx, "channel", CHANNELS, [], |row| channel(&tx, row))?;
        let playlists = rows(&tx, "playlist", PLAYLISTS, [], |row| playlist(&tx, row))?;
        Ok(Contents {
            libraries,
            items,
            channels,
            playlists,
        })
    };
    load().map_err(refused(doing))
}

pub(super) fn setting(connection: &Connection, key: &str) -> Result<Option<String>> {
    connection
        .query_row("SELECT value FROM setting WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()
        .map_err(refused("read a setting"))
}

const LIBRARIES: &str = "SELECT id, name, kind, path, server, section FROM library ORDER BY id";

const ITEMS: &str = "SELECT media_item.id, library_id, title, year, show, season, number,
    part.id AS part_id, path, size_bytes, changed_ms, container, duration_ms, problem,
    rating_key, guid, summary, studio, content_rating, rating_percent, released, picture, missing_ms
  FROM media_item JOIN part ON part.media_item_id = media_item.id
    LEFT JOIN plex_item ON plex_item.media_item_id = media_item.id
  ORDER BY media_item.id";

const TAGS: &str = "SELECT media_item_id, kind, name FROM tag WHERE media_item_id = ?1
  ORDER BY kind, position";

const TRACKS: &str = "SELECT part_id, id, kind, codec, language, title, role, is_default, width,
    height, frame_duration_90k, bit_depth, is_chroma_420, sample_rate, channels, medium, why
  FROM track WHERE part_id = ?1 ORDER BY position";

const CHANNELS: &str = "SELECT id, number, name, epoch_ms, shuffle_seed FROM channel ORDER BY id";

const CHANNEL_ITEMS: &str = "SELECT channel_id, media_item_id FROM channel_item
  WHERE channel_id = ?1 ORDER BY position";

const PLAYLISTS: &str = "SELECT id, name, server, rating_key, changed_s, titles, read_ms
  FROM playlist ORDER BY id";

const PLAYLIST_ITEMS: &str = "SELECT playlist_id, media_item_id FROM playlist_item
  WHERE playlist_id = ?1 ORDER BY position";

/// All rows that can be read, in a vector without room to spare.
fn rows<T>(
    connection: &Connection,
    what: &str,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut all = Vec::new();
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        match read(row) {
            Ok(value) => all.push(value),
            Err(error) => {
                let id: i64 = row.get(0).unwrap_or_default();
                log::warn!("store: {what} {id} is damaged and left out: {error}");
            }
        }
    }
    all.shrink_to_fit();
    Ok(all)
}

fn library(row: &Row<'_>) -> rusqlite::Result<Library> {
    let kind: String = row.get("kind")?;
    Ok(Library {
        id: LibraryId(row.get("id")?),
        name: row.get("name")?,
        origin: match kind.as_str() {
            "plex" => Origin::Plex {
                server: row.get("server")?,
                section: row.get("section")?,
            },
            _ => Origin::Folder {
                path: row.get("path")?,
            },
        },
    })
}

/// What many items share, each kept once.
#[derive(Default)]
struct Shared {
    words: RefCell<HashSet<Arc<str>>>,
    lists: RefCell<HashSet<Arc<[Arc<str>]>>>,
    tracks: RefCell<HashSet<Arc<[Track]>>>,
}

impl Shared {
    fn word(&self, word: String) -> Arc<str> {
        same(&self.words, word.as_str(), || word.as_str().into())
    }

    fn list(&self, words: &[Arc<str>]) -> Arc<[Arc<str>]> {
        same(&self.lists, words, || words.into())
    }

    fn tracks(&self, tracks: &[Track]) -> Arc<[Track]> {
        same(&self.tracks, tracks, || tracks.into())
    }
}

/// The one that is known to be the same, or else this one from now on.
fn same<T: ?Sized + Eq + Hash>(
    known: &RefCell<HashSet<Arc<T>>>,
    wanted: &T,
    make: impl FnOnce() -> Arc<T>,
) -> Arc<T> {
    let mut known = known.borrow_mut();
    if let Some(same) = known.get(wanted) {
        return Arc::clone(same);
    }
    let made = make();
    known.insert(Arc::clone(&made));
    made
}

/// What its server says about an item.
fn about(connection: &Connection, row: &Row<'_>, shared: &Shared) -> rusqlite::Result<About> {
    let word = |column: &str| -> rusqlite::Result<Option<Arc<str>>> {
        let word: Option<String> = row.get(column)?;
        Ok(word.map(|word| shared.word(word)))
    };
    let tags = rows(
        connection,
        "a tag of media item",
        TAGS,
        [row.get::<_, i64>("id")?],
        |tag| Ok((tag.get::<_, String>("kind")?, tag.get::<_, String>("name")?)),
    )?;
    let of_kind = |kind: &str| {
        let names = tags.iter().filter(|(of, _)| of == kind);
        let names: Vec<_> = names.map(|(_, name)| shared.word(name.clone())).collect();
        shared.list(&names)
    };
    Ok(About {
        guid: row.get("guid")?,
        summary: row.get("summary")?,
        genres: of_kind("genre"),
        collections: of_kind("collection"),
        studio: word("studio")?,
        content_rating: word("content_rating")?,
        rating_percent: row.get("rating_percent")?,
        released: row.get("released")?,
        picture: row.get("picture")?,
    })
}

fn item(connection: &Connection, row: &Row<'_>, shared: &Shared) -> rusqlite::Result<MediaItem> {
    let episode = match row.get::<_, Option<String>>("show")? {
        Some(show) => Some(Episode {
            show,
            season: row.get("season")?,
            number: row.get("number")?,
        }),
        None => None,
    };
    let rating_key: Option<String> = row.get("rating_key")?;
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
        about: match &rating_key {
            Some(_) => Some(Box::new(about(connection, row, shared)?)),
            None => None,
        },
        rating_key,
        missing_ms: row.get("missing_ms")?,
        part: Part {
            path: row.get("path")?,
            size_bytes: unsigned(row, "size_bytes")?,
            changed_ms: row.get("changed_ms")?,
            container,
            duration_ms: match row.get::<_, Option<i64>>("duration_ms")? {
                Some(_) => Some(unsigned(row, "duration_ms")?),
                None => None,
            },
            tracks: shared.tracks(&rows(
                connection,
                "a track of part",
                TRACKS,
                [row.get::<_, i64>("part_id")?],
                track,
            )?),
            problem: row.get("problem")?,
        },
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
        _ => {
            let medium: String = row.get("medium")?;
            TrackKind::Other {
                medium: known(&medium, word::value(word::MEDIA, &medium))?,
                codec,
                why: row.get("why")?,
            }
        }
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

fn channel(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Channel> {
    let id: i64 = row.get("id")?;
    let number: String = row.get("number")?;
    Ok(Channel {
        id: ChannelId(id),
        number: known(&number, number.parse().ok())?,
        name: row.get("name")?,
        epoch_ms: row.get("epoch_ms")?,
        order: match row.get::<_, Option<i64>>("shuffle_seed")? {
            Some(seed) => Order::Shuffled {
                seed: seed.cast_unsigned(),
            },
            None => Order::Listed,
        },
        items: rows(
            connection,
            "an item of channel",
            CHANNEL_ITEMS,
            [id],
            |row| Ok(MediaItemId(row.get("media_item_id")?)),
        )?,
    })
}

fn playlist(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Playlist> {
    let id: i64 = row.get("id")?;
    let items = rows(
        connection,
        "an item of playlist",
        PLAYLIST_ITEMS,
        [id],
        |row| Ok(MediaItemId(row.get("media_item_id")?)),
    )?;
    let edition = match row.get::<_, Option<i64>>("changed_s")? {
        Some(changed_s) => Some(Edition {
            changed_s,
            titles: row.get("titles")?,
            read_ms: row.get("read_ms")?,
        }),
        None => None,
    };
    Ok(Playlist {
        id: PlaylistId(id),
        list: NewPlaylist {
            name: row.get("name")?,
            server: row.get("server")?,
            rating_key: row.get("rating_key")?,
            edition,
            items: items.into(),
        },
    })
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
