"""What an ingestion has to do: every file is looked at, and those that are new or changed are read, cleaned, parsed and cut.

A document is what its bytes say: its size and time are only a shortcut past reading it again.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from corpus.catalogue import FileStamp, StoredDocument
from corpus.documents import Chunk, Document, RawDocument
from ingest.chunk import chunk
from ingest.clean import clean
from ingest.parse import parse
from ingest.read import STANDARD_INPUT, discover, read_file, source_file
from ingest.read_errors import FileDamaged, FileEmpty, FileSkipped, printable
from ingest.read_limits import ReadLimits

log = logging.getLogger(__name__)

# A file written this shortly before it was read may be written again within one tick of the file system's clock; what Git calls
# a racy entry (https://git-scm.com/docs/racy-git).
_RACY_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not ingested, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A document that is to be stored."""

    document: Document
    chunks: tuple[Chunk, ...]
    stamp: FileStamp


@dataclass
class Plan:
    """What is to be done, filled while files are looked at.

    Attributes:
        pending: new and changed documents.
        touched: documents whose file has a new time and the same content.
        unchanged: number of documents that are as they were.
        gone: documents whose file is no longer there.
        emptied: documents in whose file nothing is left.
        skipped: files that are not ingested.
        interrupted: whether Ctrl-C stopped the look at the files; `gone` is unknown then.
    """

    pending: list[Pending] = field(default_factory=list)
    touched: list[tuple[str, FileStamp]] = field(default_factory=list)
    unchanged: int = 0
    gone: tuple[StoredDocument, ...] = ()
    emptied: list[StoredDocument] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    interrupted: bool = False


def prepare(raw: RawDocument, count_tokens: Callable[[str], int], budget: int) -> tuple[Document, tuple[Chunk, ...]]:
    """Clean a document and cut it into chunks; there are none if nothing in it is a note."""
    document = clean(raw)
    counted = lru_cache(maxsize=None)(count_tokens)  # cutting asks for many pieces twice
    return document, chunk(document, parse(document), count_tokens=counted, budget=budget)


class Planner:
    """Looks at files and fills a `Plan`."""

    def __init__(
        self, known: Iterable[StoredDocument], count_tokens: Callable[[str], int], budget: int, limits: ReadLimits
    ) -> None:
        """Take in what the index holds.

        Args:
            known: its documents.
            count_tokens: length of a text in tokens of the embedding model.
            budget: most tokens of a chunk.
            limits: what is still read.
        """
        self.plan = Plan()
        self._known = {(stored.root, stored.path): stored for stored in known}
        self._names = {Path(root) / path: (Path(root), path) for root, path in self._known}
        self._roots = {Path(root) for root, _ in self._known}
        self._count_tokens = count_tokens
        self._budget = budget
        self._limits = limits
        self._unopened: set[Path] = set()

    def look(self, paths: Iterable[Path | str], report: Callable[[str, int, int], None]) -> Plan:
        """Look at every file below some paths.

        Raises:
            UsageError: a path does not exist.
        """
        plan = self.plan
        wanted = [Path(path) if str(path) == STANDARD_INPUT else Path(path).resolve() for path in paths]
        seen: set[tuple[str, str]] = set()
        try:
            files = discover(wanted, on_skip=self._skip, limits=self._limits)
            for done, found in enumerate(files, 1):
                root, relative = self._names.get(found[0] / found[1]) or self._known_root(*found)
                seen.add((str(root), relative))
                self._look_at(root, relative)
                report("read", done, len(files))
        except KeyboardInterrupt:
            plan.interrupted = True
            return plan
        plan.gone = tuple(stored for key, stored in self._known.items() if key not in seen and self._is_gone(stored, wanted))
        return plan

    def _skip(self, skip: FileSkipped) -> None:
        self.plan.skipped.append(Skipped(printable(skip.path), skip.reason))
        if skip.place is not None:
            self._unopened.add(skip.place)

    def _known_root(self, root: Path, relative: str) -> tuple[Path, str]:
        """Name a file below a folder that was ingested before the way it was named then."""
        for known in sorted(self._roots & {root, *root.parents}, key=lambda path: len(path.parts)):
            return known, (root / relative).relative_to(known).as_posix()
        return root, relative

    def _is_gone(self, stored: StoredDocument, paths: Sequence[Path]) -> bool:
        """Whether a document lies below one of the paths and its file, or its place in an archive, is no longer there."""
        root = Path(stored.root)
        place = root / stored.path
        if not any(place.is_relative_to(path) for path in paths):
            return False
        if not self._unopened.isdisjoint((place, *place.parents)):
            return False  # a folder or an archive that could not be opened has lost nothing
        try:
            source_file(root, stored.path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return source_file(root, stored.path) != place

    def _look_at(self, root: Path, relative: str) -> None:
        stored = self._known.get((str(root), relative))
        try:
            self._examine(root, relative, stored)
        except FileSkipped as skip:
            self._skip(skip)
            if stored and isinstance(skip, FileEmpty):
                self.plan.emptied.append(stored)
        except Exception as error:  # a fault of ours in one file must not keep a thousand others out
            log.exception("%s", relative)
            reason = f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            self.plan.skipped.append(Skipped(printable(relative), reason))

    def _examine(self, root: Path, relative: str, stored: StoredDocument | None) -> None:
        stamp = _stamp(root, relative)
        if stored and stamp and (stored.bytes, stored.mtime_ns) == (stamp.bytes, stamp.mtime_ns) and stamp.mtime_ns:
            self.plan.unchanged += 1
            return
        if stored and stamp and stored.bytes == stamp.bytes and _digest(root, relative) == stored.sha256:
            self._keep(relative, stored, stamp)
            return
        raw = read_file(root, relative, limits=self._limits)
        stamp = stamp or FileStamp(str(root), len(raw.text.encode()), 0)
        if stored and stored.sha256 == raw.sha256:
            self._keep(relative, stored, stamp)
            return
        document, chunks = prepare(raw, self._count_tokens, self._budget)
        if not chunks:
            raise FileEmpty(relative, why=" after cleaning")
        self.plan.pending.append(Pending(document, chunks, stamp))

    def _keep(self, relative: str, stored: StoredDocument, stamp: FileStamp) -> None:
        self.plan.unchanged += 1
        if stored.mtime_ns != stamp.mtime_ns:
            self.plan.touched.append((relative, stamp))


def _stamp(root: Path, relative: str) -> FileStamp | None:
    """Size and time of the file that holds a document, time 0 if it may still change unseen; None for standard input."""
    if relative == STANDARD_INPUT:
        return None
    try:
        facts = source_file(root, relative).stat()
    except OSError as error:  # a dangling link, or removed since it was listed
        raise FileDamaged(relative, why=error.strerror or type(error).__name__) from error
    settled = facts.st_mtime_ns < time.time_ns() - _RACY_NS
    return FileStamp(str(root), facts.st_size, facts.st_mtime_ns if settled else 0)


def _digest(root: Path, relative: str) -> str | None:
    """SHA-256 of a file, found without decoding it; None for a file inside an archive."""
    file = source_file(root, relative)
    if file != root / relative:
        return None
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileDamaged(relative, why=error.strerror or type(error).__name__) from error
