-- A database of version 1, with something in every table. It never changes: every later version
-- has to open it. New versions add a fixture of their own.
PRAGMA application_id = 1163424886;
PRAGMA user_version = 1;

CREATE TABLE library (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 512),
  kind TEXT NOT NULL CHECK (kind = 'folder'),
  path TEXT NOT NULL UNIQUE CHECK (length(path) >= 1)
) STRICT;
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
CREATE TABLE part (
  id INTEGER PRIMARY KEY,
  media_item_id INTEGER NOT NULL REFERENCES media_item (id) ON DELETE CASCADE,
  path TEXT NOT NULL CHECK (length(path) >= 1),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  changed_ms INTEGER NOT NULL,
  container TEXT CHECK (container IN ('mp4', 'matroska')),
  duration_ms INTEGER CHECK (duration_ms > 0),
  problem TEXT CHECK (length(problem) >= 1),
  CHECK (problem IS NOT NULL OR (container IS NOT NULL AND duration_ms IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX part_of_media_item ON part (media_item_id);
CREATE INDEX part_by_path ON part (path);
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
  why TEXT,
  PRIMARY KEY (part_id, position),
  CHECK (kind <> 'video' OR (codec IN ('h264', 'hevc', 'mpeg2')
    AND width IS NOT NULL AND height IS NOT NULL AND frame_duration_90k IS NOT NULL
    AND bit_depth IS NOT NULL AND is_chroma_420 IS NOT NULL)),
  CHECK (kind <> 'audio' OR (codec IN ('aac', 'ac3', 'eac3', 'mp2', 'mp3')
    AND sample_rate IS NOT NULL AND channels IS NOT NULL)),
  CHECK (kind <> 'other' OR why IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE TABLE channel (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  number TEXT NOT NULL UNIQUE
    CHECK (length(number) BETWEEN 1 AND 9 AND number GLOB '[1-9]*' AND number NOT GLOB '*[^0-9.]*'),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 512),
  epoch_ms INTEGER NOT NULL,
  shuffle_seed INTEGER
) STRICT;
CREATE TABLE channel_item (
  channel_id INTEGER NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  media_item_id INTEGER NOT NULL REFERENCES media_item (id) ON DELETE CASCADE,
  PRIMARY KEY (channel_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_item_of_media_item ON channel_item (media_item_id);
CREATE TABLE setting (
  key TEXT PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 512),
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO library VALUES (1, 'Films', 'folder', '/media/films');
INSERT INTO media_item VALUES (1, 1, 'Amélie', 2001, NULL, NULL, NULL);
INSERT INTO media_item VALUES (2, 1, 'Pilot', 2005, 'Show', 1, 1);
INSERT INTO media_item VALUES (3, 1, 'Old', NULL, NULL, NULL, NULL);
INSERT INTO part VALUES (1, 1, '/media/films/Amélie (2001).mkv', 1000, 1700000000000, 'matroska',
  7200001, NULL);
INSERT INTO part VALUES (2, 2, '/media/films/Show/s01e01.mp4', 2000, -5, 'mp4', 1320000, NULL);
INSERT INTO part VALUES (3, 3, '/media/films/Old.avi', 3000, 0, NULL, NULL,
  'AVI files need converting first');
INSERT INTO track VALUES (1, 0, 1, 'video', 'hevc', 'und', NULL, 'main', 1, 3840, 2160, 3754, 10,
  1, NULL, NULL, NULL);
INSERT INTO track VALUES (1, 1, 2, 'audio', 'eac3', 'fre', 'Surround', 'main', 1, NULL, NULL, NULL,
  NULL, NULL, 48000, 6, NULL);
INSERT INTO track VALUES (1, 2, -1, 'other', 'S_TEXT/UTF8', 'eng', NULL, 'commentary', 0, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, 'subtitles');
INSERT INTO track VALUES (2, 0, 1, 'video', 'h264', 'und', NULL, 'main', 1, 1920, 1080, 3600, 8, 1,
  NULL, NULL, NULL);
INSERT INTO track VALUES (2, 1, 2, 'other', 'A_DTS', 'eng', NULL, 'main', 1, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, 'audio: this codec is not carried');
INSERT INTO channel VALUES (1, '1984.1', 'Mixed', 1700000000000, -2);
INSERT INTO channel VALUES (2, '5', 'Films', 0, NULL);
INSERT INTO channel_item VALUES (1, 0, 2);
INSERT INTO channel_item VALUES (1, 1, 1);
INSERT INTO channel_item VALUES (1, 2, 2);
INSERT INTO setting VALUES ('device_id', '105A0F31');
