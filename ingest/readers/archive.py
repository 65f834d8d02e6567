"""Zip archives of notes, walked like folders, archives inside archives included."""

from __future__ import annotations

from pathlib import PurePosixPath

from ingest.read_errors import FileDamaged, FileTooLarge
from ingest.read_limits import ReadLimits
from ingest.readers.zipped import extract, names, open_zip


def is_archive(name: str) -> bool:
    """Whether a file name is that of an archive."""
    return PurePosixPath(name).suffix.lower() == ".zip"


def list_members(data: bytes, path: str, limits: ReadLimits, depth: int = 1) -> list[str]:
    """The paths of the files in an archive, those of inner archives below their names.

    Raises:
        FileDamaged: the archive or one in it is broken.
        FileTooLarge: over a limit on size, number, or nesting.
    """
    if depth > limits.archive_depth:
        raise FileTooLarge(path, what="nesting of archives", size=depth, limit=limits.archive_depth)
    members: list[str] = []
    with open_zip(data, path, limits) as archive:
        for name, entry in sorted(names(archive).items()):
            if not is_archive(name):
                members.append(name)
                continue
            inner = extract(archive, entry, f"{path}/{name}", limits)
            members += [f"{name}/{member}" for member in list_members(inner, f"{path}/{name}", limits, depth + 1)]
    if len(members) > limits.archive_files:
        raise FileTooLarge(path, what="number of files", size=len(members), limit=limits.archive_files)
    return members


def read_member(data: bytes, member: str, path: str, limits: ReadLimits, depth: int = 1) -> bytes:
    """The bytes of one file in an archive.

    Args:
        data: the archive.
        member: path inside it, as `list_members` gives it.
        path: full path, for error messages.
        limits: what is still read.
        depth: how many archives this one lies in, itself included.

    Raises:
        FileDamaged: broken, or no such file in it.
        FileTooLarge: over a limit.
    """
    if depth > limits.archive_depth:
        raise FileTooLarge(path, what="nesting of archives", size=depth, limit=limits.archive_depth)
    with open_zip(data, path, limits) as archive:
        entries = names(archive)
        if member in entries:
            return extract(archive, entries[member], path, limits)
        for name, entry in entries.items():
            if is_archive(name) and member.startswith(f"{name}/"):
                inner = extract(archive, entry, path, limits)
                return read_member(inner, member[len(name) + 1 :], path, limits, depth + 1)
    raise FileDamaged(path, why="no longer in its archive")
