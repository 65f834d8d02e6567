"""Keeping an index in step with folders for as long as the process runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event

from corpus.errors import InterviewRagError
from ingest.pipeline import IngestSummary

# Saving a note writes several times within a moment; one sync takes them all.
_DEBOUNCE_MS = 600
_IDLE_MS = 1000


def watch(
    paths: Iterable[Path],
    sync: Callable[[], IngestSummary],
    *,
    on_sync: Callable[[IngestSummary], None],
    on_error: Callable[[InterviewRagError], None],
    stop: Event | None = None,
) -> None:
    """Sync now and after every change below some paths, until Ctrl-C.

    Args:
        paths: files and folders.
        sync: brings the index in step with them.
        on_sync: called after each sync.
        on_error: called when a sync failed; it is tried again a moment later if nothing else changes.
        stop: ends it when set, for callers without a keyboard.
    """
    from watchfiles import watch as changes

    # An editor replaces a file by another, which ends a watch on the file itself, and not one on its folder.
    folders = {path if path.is_dir() else path.parent for path in paths}

    def attempt() -> bool:
        try:
            summary = sync()
        except InterviewRagError as error:
            on_error(error)
            return False
        on_sync(summary)
        done.append(summary.interrupted)
        return True

    done: list[bool] = []
    attempt()
    due = True  # for changes between that sync and the start of the watch
    for changed in changes(
        *folders,
        debounce=_DEBOUNCE_MS,
        rust_timeout=_IDLE_MS,
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=False,
    ):
        if any(done):
            return
        if changed or due:
            due = not attempt()
