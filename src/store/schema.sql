-- The newest schema, as a new file gets it. Older files come here by src/store/upgrade.rs, and a
-- test holds that both ways end with the same tables. The CHECKs mirror src/model and src/media.

-- A place where titles come from.
CREATE TABLE library (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 512),
  kind TEXT NOT NULL CHECK (kind IN ('folder', 'plex')),
  path TEXT UNIQUE CHECK (length(path) >= 1),
  server TEXT CHECK (length(server) BETWEEN 1 AND 512),
  section TEXT CHECK (length(section) BETWEEN 1 AND 512),
  UNIQUE (server, section),
  CHECK ((kind = 'folder') = (path IS NOT NULL)),
  CHECK ((kind = 'plex') = (server IS NOT NULL) AND (server IS NULL) = (section IS NULL))
) STRICT;

-- A catalogued title. There is none without a library: 28,949 of them once were.
-- Ids are never used again (AUTOINCREMENT), so that whoever still holds one meets nothing else.
CREATE TABLE media_item (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  library_id INTEGER NOT NULL REFERENCES library (id) ON DELETE CASCADE,
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 512),
  year INTEGER CHECK (year BETWEEN 1 AND 9999),
  show TEXT CHECK (length(show) BETWEEN 1 AND 512),
  season INTEGER CHECK (season BETWEEN 0 AND 65535),
  number INTEGER CHECK (number BETWEEN 0 AND 65535),
  CHECK ((show IS NULL) = (season IS NULL) AND (show IS NULL) = (number IS NULL))
) STRICT;
CREATE INDEX media_item_of_library ON media_item (library_id);

-- What a Plex server says of an item, for each that comes from one.
CREATE TABLE plex_item (
  media_item_id INTEGER PRIMARY KEY REFERENCES media_item (id) ON DELETE CASCADE,
  rating_key TEXT NOT NULL CHECK (length(rating_key) BETWEEN 1 AND 512),
  guid TEXT,
  summary TEXT,
  studio TEXT,
  content_rating TEXT,
  rating_percent INTEGER CHECK (rating_percent BETWEEN 0 AND 100),
  released TEXT,
  picture TEXT,
  missing_ms INTEGER
) STRICT;
CREATE INDEX plex_item_by_rating_key ON plex_item (rating_key);

-- Words that group items, in the order of the server.
CREATE TABLE tag (
  media_item_id INTEGER NOT NULL REFERENCES media_item (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('genre', 'collection')),
  position INTEGER NOT NULL CHECK (position >= 0),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 512),
  PRIMARY KEY (media_item_id, kind, position)
) STRICT, WITHOUT ROWID;

-- A file that holds it. It can be played, or it says why not.
CREATE TABLE part (
  id INTEGER PRIMARY KEY,
  media_item_id INTEGER NOT NULL REFERENCES media_item (id) ON DELETE CASCADE,
  path TEXT NOT NULL CHECK (length(path) >= 1),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  changed_ms INTEGER NOT NULL,
  container TEXT CHECK (container IN ('mp4', 'matroska', 'mpegts')),
  duration_ms INTEGER CHECK (duration_ms > 0),
  problem TEXT CHECK (length(problem) >= 1),
  CHECK (problem IS NOT NULL OR duration_ms IS NOT NULL)
) STRICT;
-- One file each, for now.
CREATE UNIQUE INDEX part_of_media_item ON part (media_item_id);
CREATE INDEX part_by_path ON part (path);

-- An elementary stream of a file. `id` is the container's own number, its 64 bits read as signed.
CREATE TABLE track (
  part_id INTEGER NOT NULL REFERENCES part (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('video', 'audio', 'other')),
  codec TEXT NOT NULL,
  language TEXT NOT NULL,
  title TEXT,
  role TEXT NOT NULL CHECK (role IN ('main', 'commentary')),
  is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
  width INTEGER CHECK (width BETWEEN 0 AND 4294967295),
  height INTEGER CHECK (height BETWEEN 0 AND 4294967295),
  frame_duration_90k INTEGER CHECK (frame_duration_90k BETWEEN 0 AND 4294967295),
  bit_depth INTEGER CHECK (bit_depth BETWEEN 0 AND 255),
  is_chroma_420 INTEGER CHECK (is_chroma_420 IN (0, 1)),
  sample_rate INTEGER CHECK (sample_rate BETWEEN 0 AND 4294967295),
  channels INTEGER CHECK (channels BETWEEN 0 AND 255),
  medium TEXT CHECK (medium IN ('video', 'audio', 'neither')),
  why TEXT,
  PRIMARY KEY (part_id, position),
  CHECK (kind <> 'video' OR (codec IN ('h264', 'hevc', 'mpeg2')
    AND width IS NOT NULL AND height IS NOT NULL AND frame_duration_90k IS NOT NULL
    AND bit_depth IS NOT NULL AND is_chroma_420 IS NOT NULL)),
  CHECK (kind <> 'audio' OR (codec IN ('aac', 'ac3', 'eac3', 'mp2', 'mp3')
    AND sample_rate IS NOT NULL AND channels IS NOT NULL)),
  CHECK (kind <> 'other' OR (medium IS NOT NULL AND why IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- A line of the lineup. Its number is text: 1984 is not 1984.0, and 5.1 is not 5.10.
CREATE TABLE channel (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  number TEXT NOT NULL UNIQUE
    CHECK (length(number) BETWEEN 1 AND 9 AND number GLOB '[1-9]*' AND number NOT GLOB '*[^0-9.]*'),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 512),
  epoch_ms INTEGER NOT NULL,
  -- 64 bits read as signed; NULL shows the items as listed.
  shuffle_seed INTEGER
) STRICT;

-- What a channel shows, in order.
CREATE TABLE channel_item (
  channel_id INTEGER NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  media_item_id INTEGER NOT NULL REFERENCES media_item (id) ON DELETE CASCADE,
  PRIMARY KEY (channel_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_item_of_media_item ON channel_item (media_item_id);

-- A list of titles that the owner made on a Plex server. The last three are what the server said of
-- it when it was read; without them it has to be read again.
CREATE TABLE playlist (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 512),
  server TEXT NOT NULL CHECK (length(server) BETWEEN 1 AND 512),
  rating_key TEXT NOT NULL CHECK (length(rating_key) BETWEEN 1 AND 512),
  changed_s INTEGER,
  titles INTEGER CHECK (titles BETWEEN 0 AND 4294967295),
  read_ms INTEGER,
  UNIQUE (server, rating_key),
  CHECK ((changed_s IS NULL) = (titles IS NULL) AND (changed_s IS NULL) = (read_ms IS NULL))
) STRICT;

-- What is in it of the libraries that the box has, in its order.
CREATE TABLE playlist_item (
  playlist_id INTEGER NOT NULL REFERENCES playlist (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  media_item_id INTEGER NOT NULL REFERENCES media_item (id) ON DELETE CASCADE,
  PRIMARY KEY (playlist_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX playlist_item_of_media_item ON playlist_item (media_item_id);

-- Whatever has one value for the whole box.
CREATE TABLE setting (
  key TEXT PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 512),
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
