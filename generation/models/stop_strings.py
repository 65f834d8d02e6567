"""Ending a text at a stop string while it is still being written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def until_stop(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """Pass pieces on up to the stop string that is complete first, holding back what could be the beginning of one."""
    held = ""
    for piece in pieces:
        held += piece
        if found := [(held.index(s) + len(s), held.index(s)) for s in stop if s in held]:
            held = held[: min(found)[1]]
            break
        ready = len(held) - _begun(held, stop)
        if ready:
            yield held[:ready]
            held = held[ready:]
    if held:
        yield held


def _begun(text: str, stop: Sequence[str]) -> int:
    """Characters at the end of `text` that a stop string may begin with."""
    longest = max((len(s) for s in stop), default=1) - 1
    return next((n for n in range(min(longest, len(text)), 0, -1) if any(s.startswith(text[-n:]) for s in stop)), 0)
