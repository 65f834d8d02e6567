"""The stamp of a converted model: which weights it came from, and the hash of every file as it was written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError

STAMP_FILE = "complete.json"
BLOCK_BYTES = 1 << 22


class FileStamp(BaseModel, frozen=True):
    """One file; `size` and `mtime_ns` tell cheaply that it was not touched since it was hashed."""

    sha256: str
    size: int
    mtime_ns: int


class Stamp(BaseModel, frozen=True):
    """The content of `complete.json`.

    Attributes:
        name: the model, such as `bundled:multilingual-e5-small`.
        sha256: of the weight file it was converted from.
        converter: version of the conversion.
        files: by path below the folder, with forward slashes.
    """

    name: str
    sha256: str
    converter: int
    files: dict[str, FileStamp]


def read_stamp(folder: Path) -> Stamp | None:
    """The folder's stamp; None where it has none that can be read."""
    try:
        return Stamp.model_validate_json((folder / STAMP_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def seal(folder: Path, *, name: str, sha256: str, converter: int) -> None:
    """Brings every file below `folder` to the disk, and only then writes the stamp that lists them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        sync(path)
    stamps = {path.relative_to(folder).as_posix(): _stamp_file(path) for path in files}
    stamp = Stamp(name=name, sha256=sha256, converter=converter, files=stamps)
    (folder / STAMP_FILE).write_text(stamp.model_dump_json(indent=2), encoding="utf-8")
    sync(folder / STAMP_FILE)
    for path in (*filter(Path.is_dir, folder.rglob("*")), folder):
        sync(path)


def files_match(folder: Path, stamp: Stamp, *, rehash: bool) -> bool:
    """Whether every listed file is as it was written; files of the same size and time are hashed only if `rehash`."""
    return all(_matches(folder / name, expected, rehash=rehash) for name, expected in stamp.files.items())


def hash_files(paths: tuple[Path, ...]) -> str:
    """SHA-256, in lowercase hex, of the files one after the other."""
    digest = hashlib.sha256()
    for block in read_blocks(paths):
        digest.update(block)
    return digest.hexdigest()


def read_blocks(paths: tuple[Path, ...]) -> Iterator[bytes]:
    """The content of the files one after the other, in pieces that fit in memory."""
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block


def sync(path: Path) -> None:
    """Waits until the file's content, or the folder's list of names, is on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder, and keeps its names without being asked
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stamp_file(path: Path) -> FileStamp:
    status = path.stat()
    return FileStamp(sha256=hash_files((path,)), size=status.st_size, mtime_ns=status.st_mtime_ns)


def _matches(path: Path, expected: FileStamp, *, rehash: bool) -> bool:
    if not path.is_file():
        return False
    status = path.stat()
    untouched = (status.st_size, status.st_mtime_ns) == (expected.size, expected.mtime_ns)
    return (untouched and not rehash) or hash_files((path,)) == expected.sha256
