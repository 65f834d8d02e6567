"""Telling a full disk from other failures: each library says it in its own way."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

# EFBIG: a limit on the size of files (RLIMIT_FSIZE) is to a writer what a full disk is.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# SQLite answers a page of shared memory that finds no place, and a write cut short, with codes of their own.
_WRITE_FAILED = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_FSYNC})
_RESERVE = 1 << 20


def is_disk_full(error: BaseException, path: Path) -> bool:
    """Whether writing below `path` failed for want of space."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return code == sqlite3.SQLITE_FULL or code in _WRITE_FAILED
    if isinstance(error, OSError):  # NumPy counts the items it could not write, and forgets the reason
        return "written" in str(error) or _has_no_space(path)
    return isinstance(error, RuntimeError) and ("write error" in str(error) or _has_no_space(path))  # FAISS


def _has_no_space(path: Path) -> bool:
    return shutil.disk_usage(path).free < _RESERVE
