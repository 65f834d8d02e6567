"""The catalogue's tables, and the steps that bring those of an earlier version up to date."""

from __future__ import annotations

SCHEMA_VERSION = 2

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    root TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, title TEXT NOT NULL, language TEXT NOT NULL,
    media_type TEXT NOT NULL, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, source TEXT NOT NULL,
    encoding TEXT NOT NULL DEFAULT '', page_starts TEXT NOT NULL DEFAULT '[]', crc INTEGER,
    PRIMARY KEY (root, path)
) WITHOUT ROWID;
CREATE TABLE chunks (
    root TEXT NOT NULL, path TEXT NOT NULL, ordinal INTEGER NOT NULL, id TEXT NOT NULL, heading TEXT NOT NULL,
    text TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, source_map TEXT NOT NULL, language TEXT NOT NULL,
    tokens INTEGER NOT NULL, page INTEGER, repeat INTEGER NOT NULL, crc INTEGER, duplicate_of TEXT,
    PRIMARY KEY (root, path, ordinal),
    FOREIGN KEY (root, path) REFERENCES documents (root, path) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX chunks_by_id ON chunks (id);
CREATE INDEX chunks_by_original ON chunks (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE TABLE derived (
    kind TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""

# From each version to the next. What version 1 wrote carries no checksum: its vectors are computed again.
MIGRATIONS = {
    1: """
ALTER TABLE documents ADD COLUMN encoding TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN page_starts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE documents ADD COLUMN crc INTEGER;
ALTER TABLE chunks ADD COLUMN crc INTEGER;
ALTER TABLE chunks ADD COLUMN duplicate_of TEXT;
CREATE INDEX chunks_by_original ON chunks (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE TABLE derived (
    kind TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
DROP TABLE embeddings;
""",
}
