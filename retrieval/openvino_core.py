"""OpenVINO's entry, one for the whole process and kept until its end."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def openvino_core() -> Any:
    """The process's only `ov.Core`.

    Its processor plugin gives the thread that loads it another stack for signals, and frees that when the last core goes. Where
    another thread dropped that core, the next Ctrl-C in the first one crashed the process.
    """
    import openvino as ov

    return ov.Core()
