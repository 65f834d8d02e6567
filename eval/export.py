"""The index as files that other tools read: its passages as JSON Lines, or a BEIR folder for retrieval benchmarks.

    OUT/corpus.jsonl      {"_id", "title", "text", "metadata"}
    OUT/queries.jsonl     {"_id", "text", "metadata"}, from gold questions
    OUT/qrels/test.tsv    query-id, corpus-id, score, under these headings

Source of the layout: Thakur et al., "BEIR" (2021), arXiv:2104.08663.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Any, Literal

from corpus.catalogue import Catalogue
from corpus.documents import Chunk
from corpus.errors import UsageError
from eval.gold import GoldQuestion, read_gold
from eval.metrics import is_gold

Format = Literal["jsonl", "beir"]


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """How many rows were written, and the files they are in."""

    chunks: int
    queries: int
    judgements: int
    files: tuple[str, ...]


def export(catalogue: Catalogue, out: Path, form: Format = "jsonl", questions: Path | None = None) -> ExportSummary:
    """Write all passages of an index.

    Args:
        catalogue: what the index holds.
        out: a file for "jsonl", a folder for "beir".
        form: the layout.
        questions: gold file whose questions become BEIR's queries and judgements.

    Raises:
        UsageError: `out` cannot be written, or questions were given for "jsonl".
        InvalidRow: a gold question is malformed.
    """
    if form == "jsonl" and questions:
        raise UsageError(reason="--questions goes with --format beir")
    gold = read_gold(questions) if questions else ()
    chunks = tuple(catalogue.chunks())
    try:
        return _write_rows(out, chunks) if form == "jsonl" else _write_beir(out, chunks, gold)
    except OSError as error:
        raise UsageError(reason=f"cannot write {out}: {error.strerror or error}") from error


def _write_rows(out: Path, chunks: tuple[Chunk, ...]) -> ExportSummary:
    _write(out, (dumps(_row(chunk), ensure_ascii=False) for chunk in chunks))
    return ExportSummary(len(chunks), 0, 0, (str(out),))


def _write_beir(out: Path, chunks: tuple[Chunk, ...], gold: tuple[GoldQuestion, ...]) -> ExportSummary:
    # A file under two ingested roots makes two chunks of one id.
    unique = {chunk.id: chunk for chunk in chunks}
    passages = (
        {
            "_id": chunk.id,
            "title": " › ".join(chunk.heading),
            "text": chunk.text,
            "metadata": {"path": chunk.path, "start": chunk.start, "end": chunk.end, "language": chunk.language},
        }
        for chunk in unique.values()
    )
    _write(out / "corpus.jsonl", (dumps(passage, ensure_ascii=False) for passage in passages))
    files = [out / "corpus.jsonl"]
    judgements: list[str] = []
    if gold:
        judgements = list(_judgements(unique.values(), gold))
        queries = ({"_id": q.id, "text": q.question, "metadata": {"lang": q.lang, "kind": q.kind}} for q in gold)
        _write(out / "queries.jsonl", (dumps(query, ensure_ascii=False) for query in queries))
        _write(out / "qrels" / "test.tsv", ("query-id\tcorpus-id\tscore", *judgements))
        files += [out / "queries.jsonl", out / "qrels" / "test.tsv"]
    return ExportSummary(len(unique), len(gold), len(judgements), tuple(map(str, files)))


def _judgements(chunks: Iterable[Chunk], gold: tuple[GoldQuestion, ...]) -> Iterator[str]:
    """The passages of each answerable question's gold sections, or of its gold files where it names no section."""
    chunks = tuple(chunks)
    for question in gold:
        if question.answerable:
            yield from (f"{question.id}\t{chunk.id}\t1" for chunk in chunks if is_gold(chunk, question))


def _row(chunk: Chunk) -> dict[str, Any]:
    return {
        "id": chunk.id,
        "path": chunk.path,
        "heading": list(chunk.heading),
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "language": chunk.language,
        "tokens": chunk.tokens,
    }


def _write(path: Path, lines: Iterable[str]) -> None:
    """Write a file that takes its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            stream.writelines(line + "\n" for line in lines)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
