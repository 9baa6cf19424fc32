//! Reading a server's library: sections, pages of them, items by key, collections and playlists.

use super::{Page, Picture, Playlist, Section, Server, Since};
use crate::limits;
use crate::plex::item::is_own_path;
use crate::plex::list::List;
use crate::plex::row::{Row, is_key};
use crate::plex::wire::{Answer, Ask, Query};
use crate::plex::{Class, Events, Item, Kind, Result, Trouble};

/// What nobody needs and is most of a row.
const TOO_MUCH: &str = "Role,Director,Writer,Producer,Country,Image,UltraBlurColors";

impl Server {
    /// The sections of its library.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn sections(&self) -> Result<Vec<Section>> {
        self.others("/library/sections", Section::read).await
    }

    /// A page of a section: `size` rows of a kind from the row `start` on, in the order of their
    /// coming into the library.
    ///
    /// # Errors
    /// `Busy` where less should be asked for, and what else kept it from being read.
    pub async fn page(
        &self,
        section: &str,
        kind: Kind,
        start: usize,
        size: usize,
        since: Option<Since>,
    ) -> Result<Page> {
        let query = Query::default()
            .add("type", kind.number())
            .add("includeGuids", 1)
            .add("excludeElements", TOO_MUCH)
            .add("excludeFields", "tagline");
        let query = match since {
            None => query.add("sort", "addedAt"),
            Some(Since::Added(after_s)) => query.add("sort", "addedAt").add("addedAt>>", after_s),
            Some(Since::Updated(after_s)) => {
                query.add("sort", "updatedAt").add("updatedAt>>", after_s)
            }
        };
        let section = self.checked_key(section)?;
        let path = query.after(&format!("/library/sections/{section}/all"));
        self.rows(&path, Some((start, size))).await
    }

    /// Items by their keys, at most `limits::PLEX_KEYS`, with their streams. Those that are gone
    /// are missing.
    ///
    /// # Errors
    /// `Gone` where none is there.
    pub async fn items(&self, rating_keys: &[&str]) -> Result<Page> {
        let keys: Result<Vec<_>> = rating_keys
            .iter()
            .map(|key| self.checked_key(key))
            .collect();
        let keys = keys?;
        if keys.len() > limits::PLEX_KEYS || keys.is_empty() {
            let why = format!(
                "one to {} items can be asked for at once",
                limits::PLEX_KEYS
            );
            return Err(Trouble::new(
                Class::Refused,
                self.wire.subject("/library/metadata"),
                why,
            ));
        }
        self.rows(&format!("/library/metadata/{}", keys.join(",")), None)
            .await
    }

    /// One item, whose files the server has looked for on its disk. It may take as long as a disk
    /// that sleeps: for finding out about a part that is missing.
    ///
    /// # Errors
    /// `Gone` where it is not there.
    pub async fn checked(&self, rating_key: &str) -> Result<Item> {
        let key = self.checked_key(rating_key)?;
        let path = format!("/library/metadata/{key}?checkFiles=1");
        let page = self.rows(&path, None).await?;
        page.items.into_iter().next().ok_or_else(|| {
            let why = "it is not there, or cannot be understood";
            Trouble::new(Class::Gone, self.wire.subject(&path), why)
        })
    }

    /// Items by what they are anywhere (`plex://...`), in the whole library.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn by_guid(&self, guid: &str) -> Result<Page> {
        let query = Query::default().add("guid", guid).add("includeGuids", 1);
        self.rows(&query.after("/library/all"), Some((0, limits::PLEX_KEYS)))
            .await
    }

    /// The collections of a section.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn collections(&self, section: &str, start: usize, size: usize) -> Result<Page> {
        let section = self.checked_key(section)?;
        let path = format!("/library/sections/{section}/collections");
        self.rows(&path, Some((start, size))).await
    }

    /// The items of a collection, in its order.
    ///
    /// # Errors
    /// `Gone` where it is not there.
    pub async fn collection_items(&self, key: &str, start: usize, size: usize) -> Result<Page> {
        let key = self.checked_key(key)?;
        let path = format!("/library/collections/{key}/children");
        match self.rows(&path, Some((start, size))).await {
            // Servers of before collections had a place of their own.
            Err(trouble) if matches!(trouble.class, Class::Gone | Class::Refused) => {
                let path = format!("/library/metadata/{key}/children");
                self.rows(&path, Some((start, size))).await
            }
            other => other,
        }
    }

    /// The owner's lists of videos.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn playlists(&self) -> Result<Vec<Playlist>> {
        let path = "/playlists?playlistType=video";
        self.others(path, Playlist::read).await
    }

    /// The items of a list, in its order.
    ///
    /// # Errors
    /// `Gone` where it is not there.
    pub async fn playlist_items(&self, key: &str, start: usize, size: usize) -> Result<Page> {
        let key = self.checked_key(key)?;
        self.rows(&format!("/playlists/{key}/items"), Some((start, size)))
            .await
    }

    /// What the server says by itself, from now on.
    ///
    /// # Errors
    /// Where it says nothing.
    pub async fn events(&self) -> Result<Events> {
        Events::open(&self.wire).await
    }

    /// A picture (`thumb` or `art` of an item), made no larger than that.
    ///
    /// # Errors
    /// What kept it from being read.
    pub async fn picture(&self, path: &str, width: u32, height: u32) -> Result<Picture> {
        let refused = |why: &'static str| {
            Trouble::new(
                Class::Malformed,
                self.wire.subject("/photo/:/transcode"),
                why,
            )
        };
        if !is_own_path(path) {
            return Err(refused("the picture is not on this server"));
        }
        let query = Query::default()
            .add("url", path)
            .add("width", width)
            .add("height", height);
        let path = query.add("minSize", 1).after("/photo/:/transcode");
        let ask = Ask {
            most_bytes: limits::PLEX_PICTURE_BYTES,
            ..Ask::list(&path)
        };
        let answer = self.wire.ask(&ask).await?;
        if !answer.media_type.starts_with("image/") {
            return Err(refused("what came is no picture"));
        }
        Ok(Picture {
            media_type: answer.media_type,
            bytes: answer.body,
        })
    }

    /// Rows that are items.
    async fn rows(&self, path: &str, range: Option<(usize, usize)>) -> Result<Page> {
        let headers = match range {
            // Both, always: one without the other is ignored.
            Some((start, size)) => vec![
                ("X-Plex-Container-Start", start.to_string()),
                ("X-Plex-Container-Size", size.to_string()),
            ],
            None => Vec::new(),
        };
        let answer = self.listed(path, &headers).await?;
        Page::read(&answer.body)
            .map_err(|error| Trouble::malformed(&answer.subject, &answer.body, &error))
    }

    /// Rows that are something else.
    async fn others<T>(
        &self,
        path: &str,
        understand: impl Fn(Row<'_>) -> std::result::Result<T, &'static str>,
    ) -> Result<Vec<T>> {
        let answer = self.listed(path, &[]).await?;
        let list = List::of_container(&answer.body)
            .map_err(|error| Trouble::malformed(&answer.subject, &answer.body, &error))?;
        let (understood, dropped) = list.each(understand);
        if !dropped.is_empty() {
            log::warn!("{}: left out: {}", answer.subject, dropped.join(", "));
        }
        Ok(understood)
    }

    async fn listed(&self, path: &str, headers: &[(&'static str, String)]) -> Result<Answer> {
        let ask = Ask {
            headers,
            ..Ask::list(path)
        };
        self.wire.ask(&ask).await
    }

    /// A key that can stand in a path.
    fn checked_key<'a>(&self, key: &'a str) -> Result<&'a str> {
        if is_key(key) {
            return Ok(key);
        }
        let why = "what it is asked for has no key of Plex";
        Err(Trouble::new(Class::Gone, self.wire.subject(""), why))
    }
}

impl Page {
    /// Takes an answer apart, row by row.
    ///
    /// # Errors
    /// What is around the rows is broken.
    pub fn read(answer: &[u8]) -> serde_json::Result<Self> {
        let list = List::of_container(answer)?;
        let (items, dropped) = list.each(Item::read);
        Ok(Self {
            items,
            dropped,
            returned: list.len(),
            total: list.total,
        })
    }
}

impl Section {
    fn read(row: Row<'_>) -> std::result::Result<Self, &'static str> {
        let agent = row.line("agent").unwrap_or_default();
        let kind = row.line("type").unwrap_or_default();
        Ok(Self {
            key: row.key("key").ok_or("has no key")?,
            title: row.line("title").ok_or("has no title")?,
            kind: match kind.as_str() {
                "movie" if agent.ends_with(".none") => Kind::Clip,
                "movie" => Kind::Movie,
                "show" => Kind::Show,
                _ => Kind::Other,
            },
            agent,
            uuid: row.name("uuid"),
            scanned_at: row.number("scannedAt"),
            updated_at: row.number("updatedAt"),
            content_changed_at: row.number("contentChangedAt"),
        })
    }
}

impl Playlist {
    fn read(row: Row<'_>) -> std::result::Result<Self, &'static str> {
        Ok(Self {
            rating_key: row.key("ratingKey").ok_or("has no key")?,
            title: row.line("title").ok_or("has no title")?,
            smart: row.flag("smart").unwrap_or(false),
            count: row.number("leafCount"),
            updated_at_s: row.number("updatedAt"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Playlist, Row, Section};
    use serde_json::json;

    #[test]
    fn sections_say_what_they_hold() {
        for (kind, agent, expected) in [
            ("movie", "tv.plex.agents.movie", Kind::Movie),
            ("movie", "com.plexapp.agents.none", Kind::Clip),
            ("movie", "tv.plex.agents.none", Kind::Clip),
            ("show", "tv.plex.agents.series", Kind::Show),
            ("artist", "tv.plex.agents.music", Kind::Other),
        ] {
            let value = json!({"key": "7", "type": kind, "title": "Kids", "agent": agent,
                "uuid": "aa-bb", "scannedAt": "12", "contentChangedAt": 345});
            let section = Section::read(Row::of(&value).unwrap()).unwrap();
            assert_eq!((section.kind, section.key.as_str()), (expected, "7"));
            assert_eq!((section.scanned_at, section.updated_at), (Some(12), None));
        }
        let value = json!({"key": "../7", "type": "movie", "title": "Kids"});
        assert!(Section::read(Row::of(&value).unwrap()).is_err());
    }

    #[test]
    fn playlists_count_and_may_be_smart() {
        let value = json!({"ratingKey": "4", "title": "Late", "smart": 1, "leafCount": "12"});
        let playlist = Playlist::read(Row::of(&value).unwrap()).unwrap();
        assert_eq!((playlist.smart, playlist.count), (true, Some(12)));
    }
}
