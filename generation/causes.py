"""What a sentence says is the cause of what, Chinese and English, by its conjunction or verb."""

from __future__ import annotations

import re

# Groups `cause` and `effect`.
CAUSES: tuple[str, ...] = (
    r"(?:由于|因为)(?P<cause>[^，,。；]{3,40})[，,](?:所以|因此)?(?P<effect>[^，,。；]{3,40})",
    r"(?P<cause>[^，,。；]{4,40})[，,](?:因此|所以|从而|于是)(?P<effect>[^，,。；]{3,40})",
    r"(?P<cause>[^，,。；的]{3,30})(?:导致|造成|引起|使得)了?(?P<effect>[^，,。；]{3,30})",
    r"(?P<effect>[A-Z][^,.;]{8,90}) because (?P<cause>[^,.;]{8,90})",
    r"(?P<cause>[A-Z][^,.;]{4,60}) (?:causes|leads to|results in) (?P<effect>[^,.;]{4,60})",
)


def cause_and_effect(text: str) -> tuple[str, str] | None:
    """The first cause that a text in simplified script names, and its effect; None if it names none."""
    for pattern in CAUSES:
        if m := re.search(pattern, text):
            return m["cause"], m["effect"]
    return None
