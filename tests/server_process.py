"""A server process of ours over a small index, for tests that talk to it as its users do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

PROJECT = Path(__file__).parent.parent
QUOTES_ONLY = {"INTERVIEW_RAG_ANSWERING__COMPOSE": "false"}


def run(*arguments: str, extra: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the command line, with nothing from this machine's settings."""
    script = shutil.which("interview-rag", path=str(Path(sys.executable).parent))
    command = [script] if script else [sys.executable, "-c", "from app.cli import main; main()"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERVIEW_RAG_")}
    return subprocess.Popen(
        [*command, *arguments],
        cwd=PROJECT,
        env={**kept, **(extra or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ingest(folder: Path, index: Path) -> None:
    process = run("ingest", str(folder), "--index", str(index))
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors


@contextmanager
def serving(index: Path, extra: dict[str, str] | None = None, *options: str) -> Iterator[str]:
    """A server over an index; gives its address."""
    process = run("serve", "--index", str(index), "--port", "0", "--json", *options, extra=extra)
    watchdog = Timer(600, process.kill)
    watchdog.start()
    try:
        document = "".join(_document(process))
        watchdog.cancel()
        yield json.loads(document)["url"]
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _document(process: subprocess.Popen[str]) -> Iterator[str]:
    """The lines of the one JSON document that a server prints once it listens."""
    assert process.stdout
    for line in process.stdout:
        yield line
        if line.startswith("}"):
            return
    assert process.stderr
    pytest.fail(f"the server did not start: {process.stderr.read()}")
