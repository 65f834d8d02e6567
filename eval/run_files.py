"""The folder of a run: what was run, and a record for each question as it is done, so that a run goes on where it was cut off.

run.json        what decides the numbers (questions, settings, index, judge, arms), each with a fingerprint
records.jsonl   a record a question, appended; a last line that was cut off is dropped
metrics.json    metrics with intervals
report.html     the same to look at
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus.errors import OtherRun, UsageError

Record = dict[str, Any]
RUN, RECORDS, METRICS, REPORT = "run.json", "records.jsonl", "metrics.json", "report.html"


def fingerprint(value: object) -> str:
    """A short digest of a JSON value."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]


class RunFolder:
    """The records of one run, on disk."""

    def __init__(self, path: Path, facts: Mapping[str, object], *, fresh: bool = False) -> None:
        """Open the folder, or make it.

        Args:
            path: the folder.
            facts: what decides the numbers, as JSON values by name.
            fresh: forget what lies there.

        Raises:
            OtherRun: another run lies there.
            UsageError: it cannot be written.
        """
        self.path = path
        prints = {name: fingerprint(value) for name, value in facts.items()}
        try:
            path.mkdir(parents=True, exist_ok=True)
            if fresh:
                for name in (RUN, RECORDS, METRICS, REPORT):
                    (path / name).unlink(missing_ok=True)
            self._check(prints)
            self.records = list(_whole_records(path / RECORDS))
            _write(path / RUN, {"fingerprints": prints, **facts})
            lines = "".join(map(_line, self.records))
            (path / RECORDS).write_text(lines, encoding="utf-8")
        except OSError as error:
            raise UsageError(reason=f"cannot write to {path}: {error.strerror or error}") from error

    def _check(self, prints: Mapping[str, str]) -> None:
        if not (self.path / RECORDS).exists():
            return
        stored = read_json(self.path / RUN).get("fingerprints", {}) if (self.path / RUN).exists() else {}
        if changed := [name for name in prints if stored.get(name) != prints[name]]:
            raise OtherRun(path=self.path, parts=", ".join(changed))

    def append(self, record: Record) -> None:
        """Keep a record, on disk too."""
        self.records.append(record)
        with (self.path / RECORDS).open("a", encoding="utf-8") as stream:
            stream.write(_line(record))

    def languages(self) -> list[Record] | None:
        """The language matrix of a run that was finished before: searching again would find the same."""
        path = self.path / METRICS
        found: list[Record] | None = read_json(path).get("languages") if path.exists() else None
        return found

    def finish(self, metrics: Record) -> None:
        """Write the metrics."""
        _write(self.path / METRICS, metrics)


def read_records(folder: Path) -> tuple[Record, ...]:
    """The records of a run.

    Raises:
        UsageError: the folder holds none.
    """
    try:
        found = tuple(_whole_records(folder / RECORDS))
    except OSError as error:
        raise UsageError(reason=f"{folder} holds no run: {error.strerror or error}") from error
    if not found:
        raise UsageError(reason=f"{folder} holds no run: no {RECORDS} with records in it")
    return found


def _whole_records(path: Path) -> list[Record]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    # A record is whole once its line end is written: what follows the last line end was cut off.
    try:
        return [json.loads(line) for line in lines[:-1] if line]
    except ValueError as error:
        raise UsageError(reason=f"{path} is damaged: {error}; --fresh starts the run again") from error


def read_json(path: Path) -> Record:
    """A JSON file of a run.

    Raises:
        UsageError: it is damaged.
    """
    try:
        value: Record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(reason=f"{path} is damaged: {error}; --fresh starts the run again") from error
    return value


def _line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _write(path: Path, value: object) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
