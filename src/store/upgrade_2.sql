-- From version 1 to 2: transport streams can be played.
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
  CHECK (problem IS NOT NULL OR (container IS NOT NULL AND duration_ms IS NOT NULL))
) STRICT;
INSERT INTO part SELECT * FROM part_before;
DROP TABLE part_before;
CREATE UNIQUE INDEX part_of_media_item ON part (media_item_id);
CREATE INDEX part_by_path ON part (path);
-- Those that were refused are looked at again.
UPDATE part SET changed_ms = 0 WHERE problem = 'MPEG-TS files cannot be read yet';
