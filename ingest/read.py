"""From paths to decoded documents: what to read, and reading it.

A file is named by a root and a POSIX path relative to it, so that an index does not depend on where the notes lie. A folder
is its own root; a single file's root is the folder it lies in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from corpus.documents import RawDocument
from corpus.errors import UsageError
from ingest.read_errors import FileDamaged, FileEmpty, FileHidden, FileSkipped, FileTooLarge, FormatUnknown
from ingest.read_limits import ReadLimits
from ingest.readers.text import decode

MEDIA_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".mdx": "text/markdown",
    ".txt": "text/plain",
    ".text": "text/plain",
}

OnSkip = Callable[[FileSkipped], None]


def discover(paths: Iterable[Path | str], *, on_skip: OnSkip | None = None) -> list[tuple[Path, str]]:
    """List the files under some paths that can be read.

    Args:
        paths: files and folders; folders are walked recursively.
        on_skip: called for each hidden entry and each file of an unknown type, in the order of the walk.

    Returns:
        Pairs (root, POSIX path relative to it), sorted, each file once.

    Raises:
        UsageError: a path does not exist.
    """
    report = on_skip or (lambda _: None)
    found = {pair for path in paths for pair in _under(Path(path), report)}
    return sorted(found)


def _under(path: Path, report: OnSkip) -> Iterator[tuple[Path, str]]:
    if not path.exists():
        raise UsageError(reason=f"no such file or folder: {path}")
    if path.is_file():
        yield path.parent, path.name
        return
    for file in _walk(path, path, report):
        yield path, file.relative_to(path).as_posix()


def _walk(root: Path, folder: Path, report: OnSkip) -> Iterator[Path]:
    """Files below a folder; links to folders are not followed, for they can form loops."""
    for entry in sorted(folder.iterdir()):
        relative = entry.relative_to(root).as_posix()
        if entry.name.startswith("."):
            report(FileHidden(relative))
        elif entry.is_dir():
            if not entry.is_symlink():
                yield from _walk(root, entry, report)
        elif entry.suffix.lower() in MEDIA_TYPES:
            yield entry
        else:
            report(FormatUnknown(relative, suffix=entry.suffix or "(none)"))


def read_file(root: Path, relative: str, *, limits: ReadLimits | None = None) -> RawDocument:
    """Read one file.

    Args:
        root: folder that the path is relative to.
        relative: POSIX path of the file.
        limits: sizes that are still read; the defaults of `ReadLimits` if not given.

    Raises:
        FileSkipped: the file is not read; the subclass tells why.
    """
    limits = limits or ReadLimits()
    data = _load(root / relative, relative, limits)
    media_type = MEDIA_TYPES.get(Path(relative).suffix.lower())
    if media_type is None:
        raise FormatUnknown(relative, suffix=Path(relative).suffix or "(none)")
    text, encoding = decode(data, relative)
    if not text.strip():
        raise FileEmpty(relative, why="")
    return RawDocument(relative, text, hashlib.sha256(data).hexdigest(), media_type, encoding)


def _load(file: Path, relative: str, limits: ReadLimits) -> bytes:
    try:
        size = file.stat().st_size
        if size > limits.file_bytes:
            raise FileTooLarge(relative, what="size", size=size, limit=limits.file_bytes)
        return file.read_bytes()
    except OSError as error:
        raise FileDamaged(relative, why=error.strerror or type(error).__name__) from error
