"""Zip containers, opened with care: an archive of a few kilobytes can claim to hold terabytes."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import PurePosixPath

from ingest.read_errors import FileDamaged, FileTooLarge
from ingest.read_limits import MEBIBYTE, ReadLimits

_UTF8_NAME = 0x800
_ENCRYPTED = 0x1


def open_zip(data: bytes, path: str, limits: ReadLimits) -> zipfile.ZipFile:
    """Open an archive whose directory keeps to the limits.

    Raises:
        FileDamaged: not a zip archive.
        FileTooLarge: too many files, or too much in them.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileDamaged(path, why="not a zip archive, or a broken one") from error
    entries = archive.infolist()
    if len(entries) > limits.archive_files:
        raise FileTooLarge(path, what="number of files", size=len(entries), limit=limits.archive_files)
    total = sum(entry.file_size for entry in entries)
    if total > limits.archive_bytes:
        raise FileTooLarge(path, what="expanded size", size=total, limit=limits.archive_bytes)
    return archive


def names(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by their names; entries that point out of the archive are left out.

    Names without the UTF-8 flag are GBK in archives made on Chinese Windows; zipfile reads them as code page 437.
    """
    found = {}
    for entry in archive.infolist():
        name = entry.filename if entry.flag_bits & _UTF8_NAME else _legacy_name(entry.filename)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not entry.is_dir() and parts and parts[0] != "/" and ".." not in parts:
            found["/".join(parts)] = entry
    return found


def _legacy_name(name: str) -> str:
    try:
        data = name.encode("cp437")
    except UnicodeEncodeError:
        return name
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name


def extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str, limits: ReadLimits) -> bytes:
    """The bytes of one file of an archive; what its directory says of their number is not trusted.

    Raises:
        FileTooLarge: over the size limit, or packed too densely to be text.
        FileDamaged: encrypted or corrupt.
    """
    if entry.flag_bits & _ENCRYPTED:
        raise FileDamaged(path, why="it is encrypted")
    try:
        with archive.open(entry) as file:
            data = file.read(limits.file_bytes + 1)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise FileDamaged(path, why="corrupt inside its archive") from error
    if len(data) > limits.file_bytes:
        raise FileTooLarge(path, what="size", size=f"over {limits.file_bytes}", limit=limits.file_bytes)
    if len(data) > MEBIBYTE and len(data) > limits.archive_ratio * max(entry.compress_size, 1):
        ratio = len(data) // max(entry.compress_size, 1)
        raise FileTooLarge(path, what="compression ratio", size=ratio, limit=limits.archive_ratio)
    return data
