-- From version 2 to 3: libraries may be sections of Plex servers.
CREATE TABLE sequence_before AS SELECT * FROM sqlite_sequence;
CREATE TABLE library_before AS SELECT * FROM library;
DROP TABLE library;
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
INSERT INTO library SELECT id, name, kind, path, NULL, NULL FROM library_before;
DROP TABLE library_before;
-- Ids are never used again, though the table was made anew.
DELETE FROM sqlite_sequence WHERE name = 'library';
INSERT INTO sqlite_sequence SELECT * FROM sequence_before WHERE name = 'library';
DROP TABLE sequence_before;

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
CREATE TABLE tag (
  media_item_id INTEGER NOT NULL REFERENCES media_item (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('genre', 'collection')),
  position INTEGER NOT NULL CHECK (position >= 0),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 512),
  PRIMARY KEY (media_item_id, kind, position)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE playlist_item (
  playlist_id INTEGER NOT NULL REFERENCES playlist (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  media_item_id INTEGER NOT NULL REFERENCES media_item (id) ON DELETE CASCADE,
  PRIMARY KEY (playlist_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX playlist_item_of_media_item ON playlist_item (media_item_id);

CREATE TABLE part_before AS SELECT * FROM part;
DROP TABLE part;
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
INSERT INTO part SELECT * FROM part_before;
DROP TABLE part_before;
CREATE UNIQUE INDEX part_of_media_item ON part (media_item_id);
CREATE INDEX part_by_path ON part (path);

-- Of a track that is not carried, what it is stood in the reason.
CREATE TABLE track_before AS SELECT * FROM track;
DROP TABLE track;
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
INSERT INTO track SELECT part_id, position, id, kind, codec, language, title, role, is_default, width,
    height, frame_duration_90k, bit_depth, is_chroma_420, sample_rate, channels,
    CASE WHEN kind <> 'other' THEN NULL WHEN why GLOB 'video*' THEN 'video'
      WHEN why GLOB 'audio*' THEN 'audio' ELSE 'neither' END,
    CASE WHEN why GLOB 'video: *' OR why GLOB 'audio: *' THEN substr(why, 8) ELSE why END
  FROM track_before;
DROP TABLE track_before;
