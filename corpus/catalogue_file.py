"""The catalogue's file: opened, brought up to date, written in transactions, and its damage named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus.catalogue_schema import MIGRATIONS, SCHEMA, SCHEMA_VERSION
from corpus.errors import CatalogueCorrupt, IndexNotFound, IndexOutdated, IndexTooNew


class CatalogueFile:
    """One open SQLite file with facts about the index; writers hold the index's lock, readers never block them."""

    def __init__(self, path: Path, *, writable: bool = False, migrate: bool = False) -> None:
        """Open, and create if `writable`; with `migrate`, bring an earlier schema up to date.

        Raises:
            CatalogueCorrupt: the file is damaged, or no catalogue.
            IndexNotFound: its writer was killed before it held anything.
            IndexOutdated: it has an earlier schema.
            IndexTooNew: it has a later schema.
        """
        self.path = path
        uri = f"{path.resolve().as_uri()}?mode={'rwc' if writable else 'ro'}"
        self._db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            with self._reading():
                self._db.execute("PRAGMA foreign_keys = ON")
                if writable:
                    self._db.execute("PRAGMA journal_mode = WAL")
                    self._db.execute("PRAGMA synchronous = FULL")
                    self._create()
                self._check_version(migrate=migrate)
                if not writable:
                    self._db.execute("BEGIN")  # pins the snapshot at the first read below
                    self.meta("generation")
        except BaseException:
            self._db.close()
            raise

    def _create(self) -> None:
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            self._db.executescript(f"BEGIN;{SCHEMA}")
            self.set_meta("schema", str(SCHEMA_VERSION))
            self._db.execute("COMMIT")

    def _check_version(self, *, migrate: bool) -> None:
        if not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise IndexNotFound(path=self.path.parent)
        found = self._number("schema")
        if found > SCHEMA_VERSION:
            raise IndexTooNew(path=self.path, stored=found, wanted=SCHEMA_VERSION)
        if found < SCHEMA_VERSION and not (migrate and found in MIGRATIONS):
            raise IndexOutdated(path=self.path, stored=found, wanted=SCHEMA_VERSION)
        for version in range(found, SCHEMA_VERSION):
            self._db.executescript(f"BEGIN;{MIGRATIONS[version]}")
            self.set_meta("schema", str(version + 1))
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self._db.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Name damage that SQLite or the decoding of a value meets.

        Raises:
            CatalogueCorrupt: the file is damaged.
        """
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            raise self._corrupt(str(error)) from error

    def _rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        with self._reading():
            yield from self._db.execute(sql, parameters)

    def _row(self, sql: str, parameters: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        with self._reading():
            row: tuple[Any, ...] | None = self._db.execute(sql, parameters).fetchone()
            return row

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside become visible at once, or none does."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk makes SQLite roll back by itself
                self._db.execute("ROLLBACK")
            raise

    def meta(self, key: str) -> str | None:
        """A fact about the whole index, such as its generation or embedding model."""
        row = self._row("SELECT value FROM meta WHERE key = ?", (key,))
        return row[0] if row else None

    @property
    def generation(self) -> int:
        """Number of the last commit; 0 before the first."""
        return self._number("generation")

    def _number(self, key: str) -> int:
        value = self.meta(key) or "0"
        if not value.isdecimal():
            raise self._corrupt(f"{key} is {value!r}")
        return int(value)

    def _corrupt(self, reason: str) -> CatalogueCorrupt:
        return CatalogueCorrupt(path=self.path, reason=reason, folder=self.path.parent)

    def set_meta(self, key: str, value: str) -> None:
        """Store a fact about the whole index."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether an SQLite error says that the file is damaged."""
    # The primary code is the lowest byte of an extended one. Text that is no UTF-8 comes without a code, and tables that no
    # longer have their names with a general one.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    named = ("decode to UTF-8", "no such table", "no such column", "malformed", "unsupported file format", "columns but")
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or any(part in str(error) for part in named)
