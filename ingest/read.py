"""From paths to decoded documents: what to read, and reading it.

A file is named by a root and a POSIX path relative to it, so that an index does not depend on where the notes lie. A
folder is its own root; a single file's root is the folder it lies in. A file inside an archive is named as if the
archive were a folder: `notes.zip/rag/rope.md`. Standard input is `-` under the root `-`.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

from corpus.documents import RawDocument
from corpus.errors import UsageError
from ingest.read_errors import FileDamaged, FileEmpty, FileHidden, FileSkipped, FileTooLarge, FormatUnknown, NameUndecodable
from ingest.read_limits import ReadLimits
from ingest.readers import FORMATS, sniff
from ingest.readers.archive import is_archive, list_members, read_member

STANDARD_INPUT = "-"
_SURROGATE = re.compile("[\ud800-\udfff]")

OnSkip = Callable[[FileSkipped], None]


def discover(
    paths: Iterable[Path | str], *, on_skip: OnSkip | None = None, limits: ReadLimits | None = None
) -> list[tuple[Path, str]]:
    """List the files under some paths that can be read.

    Args:
        paths: files, folders, archives, or `-`; folders and archives are walked recursively.
        on_skip: called for each hidden entry, file of an unknown type, and archive that cannot be opened.
        limits: what is still read; the defaults of `ReadLimits` if not given.

    Returns:
        Pairs (root, POSIX path relative to it), sorted, each file once.

    Raises:
        UsageError: a path does not exist.
    """
    walk = _Walk(on_skip or (lambda _: None), limits or ReadLimits())
    return sorted({pair for path in paths for pair in walk.under(Path(path))})


def read_file(root: Path, relative: str, *, limits: ReadLimits | None = None) -> RawDocument:
    """Read one file that `discover` found.

    Args:
        root: folder that the path is relative to.
        relative: POSIX path of the file.
        limits: what is still read; the defaults of `ReadLimits` if not given.

    Raises:
        FileSkipped: the file is not read; the subclass tells why.
    """
    limits = limits or ReadLimits()
    if str(root) == relative == STANDARD_INPUT:
        data = sys.stdin.buffer.read(limits.file_bytes + 1)
        _check_size(relative, len(data), limits)
        return read_bytes(data, relative, limits=limits)
    file = source_file(root, relative)
    data = _load(file, relative, limits)
    inside = PurePosixPath(relative).parts[len(file.relative_to(root).parts) :]
    if inside:
        data = read_member(data, "/".join(inside), relative, limits)
    return read_bytes(data, relative, limits=limits)


def source_file(root: Path, relative: str) -> Path:
    """The file on disk that holds a document: itself, or the archive that it lies in."""
    file = root
    for part in PurePosixPath(relative).parts:
        file /= part
        if is_archive(file.name) and file.is_file():
            break
    return file


def read_bytes(data: bytes, relative: str, *, limits: ReadLimits | None = None) -> RawDocument:
    """Decode a file's bytes; the format follows from its suffix, or from the bytes if it has none.

    Raises:
        FileSkipped: the file is not read; the subclass tells why.
    """
    limits = limits or ReadLimits()
    suffix = PurePosixPath(relative).suffix.lower() or sniff(data)
    found = FORMATS.get(suffix)
    if found is None:
        raise FormatUnknown(relative, suffix=suffix)
    extract = found.reader(data, relative, limits)
    text = _SURROGATE.sub("\ufffd", extract.text)  # halves of characters, which JSON and fonts can hold and no file can
    if not text.strip():
        raise FileEmpty(relative, why="")
    if len(text) > limits.text_characters:
        raise FileTooLarge(relative, what="length", size=len(text), limit=limits.text_characters)
    digest = hashlib.sha256(data).hexdigest()
    return RawDocument(relative, text, digest, found.media_type, extract.encoding, extract.page_starts, dropped=extract.dropped)


def _load(file: Path, relative: str, limits: ReadLimits) -> bytes:
    try:
        if not is_archive(file.name):
            _check_size(relative, file.stat().st_size, limits)
        return file.read_bytes()
    except OSError as error:
        raise FileDamaged(relative, why=error.strerror or type(error).__name__) from error


def _check_size(relative: str, size: int, limits: ReadLimits) -> None:
    if size > limits.file_bytes:
        raise FileTooLarge(relative, what="size", size=size, limit=limits.file_bytes)


def _is_accessible(path: Path) -> bool:
    """Whether the folders above a path let it be looked at."""
    try:
        path.stat()
    except PermissionError:
        return False
    except OSError:
        pass  # the walk tells what is wrong
    return True


class _Walk:
    """A walk over folders and archives that reports what it passes over."""

    def __init__(self, report: OnSkip, limits: ReadLimits) -> None:
        self._report = report
        self._limits = limits

    def under(self, path: Path) -> Iterator[tuple[Path, str]]:
        if str(path) == STANDARD_INPUT:
            yield path, STANDARD_INPUT
        elif not _is_accessible(path):
            self._report(FileDamaged(path.name, place=path, why="permission denied"))
        elif path.is_file():
            yield from self._file(path.parent, path)
        elif path.is_dir():
            yield from self._folder(path, path)
        else:
            raise UsageError(reason=f"no such file or folder: {path}")

    def _folder(self, root: Path, folder: Path) -> Iterator[tuple[Path, str]]:
        """Files below a folder; links to folders are not followed, for they can form loops.

        A folder that cannot be opened is reported, and the walk goes on beside it.
        """
        name = folder.relative_to(root).as_posix()
        depth = len(folder.relative_to(root).parts)
        if depth > self._limits.folder_depth:
            limit = self._limits.folder_depth
            self._report(FileTooLarge(name, place=folder, what="nesting of folders", size=depth, limit=limit))
            return
        try:
            with os.scandir(folder) as entries:
                found = sorted((entry.name, entry.is_dir(), entry.is_symlink()) for entry in entries)
        except OSError as error:
            self._report(FileDamaged(name, place=folder, why=error.strerror or type(error).__name__))
            return
        for child, is_folder, is_link in found:
            entry = folder / child
            if child.startswith("."):
                self._report(FileHidden(entry.relative_to(root).as_posix()))
            elif not is_folder:
                yield from self._file(root, entry)
            elif not is_link:
                yield from self._folder(root, entry)

    def _file(self, root: Path, file: Path) -> Iterator[tuple[Path, str]]:
        relative = file.relative_to(root).as_posix()
        if not is_archive(file.name):
            yield from self._known(root, relative)
            return
        try:
            members = list_members(_load(file, relative, self._limits), relative, self._limits)
        except FileSkipped as skip:
            skip.place = file
            self._report(skip)
            return
        for member in members:
            if any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(member).parts):
                self._report(FileHidden(f"{relative}/{member}"))
            else:
                yield from self._known(root, f"{relative}/{member}")

    def _known(self, root: Path, relative: str) -> Iterator[tuple[Path, str]]:
        suffix = PurePosixPath(relative).suffix.lower()
        if _SURROGATE.search(relative):
            self._report(NameUndecodable(relative))
        elif suffix in FORMATS:
            yield root, relative
        else:
            self._report(FormatUnknown(relative, suffix=suffix or "(none)"))
