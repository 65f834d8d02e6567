"""Labelled sets for the checker: claims with a context, and whether the context supports them.

    DIR/attributionbench/dev.jsonl        AttributionBench (Li et al. 2024, arXiv:2402.15089); citation marks are taken away
    DIR/ocnli/train.3k.json               OCNLI (Hu et al. 2020, arXiv:2010.05444); entailment against the rest
    DIR/csts/chinese_snli_dev.txt         SNLI in Chinese; entailment against the rest
    DIR/halueval/*_data.json              HaluEval's question answering (Li et al. 2023, arXiv:2305.11747), articles kept out only
    DIR/*.jsonl                           rows with "context", "claim" and "supported"; "lang" and "kind" if they have them

Our own sets are about sections of `corpus/notes`: `own`, `eval/data/claims.jsonl`, is written by hand, the wrong claims by one
change of a kind that language models make; `edited` is made of the notes' sentences by rule (`eval.edited_claims`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict

import corpus
from corpus.errors import DatasetNotFound, InvalidDataset, InvalidRow, UnknownDataset
from corpus.jsonl import numbered_lines, read_rows
from corpus.language import detect_language
from eval.edited_claims import edited_claims
from retrieval.training.datasets import part_of

OWN_CLAIMS = Path(__file__).with_name("data") / "claims.jsonl"
NOTES = Path(corpus.__file__).with_name("notes")
OWN = "own"
EDITED = "edited"

_CITATION_MARK = re.compile(r"\s*\[\d+\]")
_SECTION = re.compile(r"^## +(.+)$", re.MULTILINE)
_GLUED_SENTENCES = re.compile(r"(?<=[a-z0-9)\"])([.!?])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim, the context it is checked against, and the label; `kind` says where it comes from or how it was made wrong."""

    claim: str
    context: str
    supported: bool
    lang: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ClaimSet:
    """A labelled set under the name that it is chosen by."""

    name: str
    claims: tuple[LabelledClaim, ...]

    def choose(self, limit: int | None) -> ClaimSet:
        """That many of its claims, drawn the same way each time."""
        if limit is None or limit >= len(self.claims):
            return self
        places = sorted(Random(0).sample(range(len(self.claims)), limit))  # noqa: S311 - reproducible, not secret
        return replace(self, claims=tuple(self.claims[i] for i in places))


def read_claim_sets(folder: Path | None, names: Sequence[str] = ()) -> tuple[ClaimSet, ...]:
    """Our own sets and those of a folder.

    Args:
        folder: where others lie, if they are wanted.
        names: only these; the beginning of a name stands for all that begin so.

    Raises:
        DatasetNotFound: there is no such folder, or none in it.
        UnknownDataset: one of the names fits none.
        InvalidDataset, InvalidRow: a chosen file is malformed.
    """
    readers: dict[str, Reader] = {OWN: own_claims, EDITED: notes_edited}
    if folder is not None:
        found = dict(_readers(folder))
        if not found:
            raise DatasetNotFound(path=folder)
        readers |= found
    for name in names:
        if not any(known.startswith(name) for known in readers):
            raise UnknownDataset(name=name, known=", ".join(readers))
    return tuple(ClaimSet(name, tuple(read())) for name, read in readers.items() if not names or name.startswith(tuple(names)))


Reader = Callable[[], Iterator[LabelledClaim]]


def _readers(folder: Path) -> Iterator[tuple[str, Reader]]:
    known: dict[str, tuple[str, Callable[[Path], Iterator[LabelledClaim]]]] = {
        "attributionbench": ("attributionbench/dev.jsonl", _attributionbench),
        "ocnli": ("ocnli/train.3k.json", _ocnli),
        "csts": ("csts/chinese_snli_dev.txt", _csts),
        "halueval": ("halueval", _halueval),
    }
    for name, (path, read) in known.items():
        if (folder / path).exists():
            yield name, partial(read, folder / path)
    for file in sorted(folder.glob("*.jsonl")):
        yield file.stem, partial(_plain, file)


class _Own(BaseModel):
    path: str
    heading: str
    claim: str
    supported: bool
    lang: str
    kind: str


def own_claims() -> Iterator[LabelledClaim]:
    """Claims about the sections of our notes; the context is the section's body.

    Raises:
        InvalidRow: a row is malformed, or its section is gone.
    """
    for number, row in read_rows(OWN_CLAIMS, _Own):
        context = _sections(row.path).get(row.heading)
        if context is None:
            raise InvalidRow(path=OWN_CLAIMS, line=number, reason=f"no section {row.heading!r} in {row.path}")
        yield LabelledClaim(row.claim, context, row.supported, row.lang, row.kind)


def notes_edited() -> Iterator[LabelledClaim]:
    """Sentences of our notes and what one change makes of them; the context is the section's body."""
    rng = Random(0)  # noqa: S311 - reproducible, not secret
    for path in sorted(NOTES.rglob("*.md")):
        bodies = list(_sections(str(path.relative_to(NOTES))).values())
        for body in bodies:
            for made in edited_claims(body, [other for other in bodies if other is not body], rng):
                yield LabelledClaim(made.claim, body, made.supported, made.lang, made.kind)


@cache
def _sections(path: str) -> dict[str, str]:
    """Bodies of a note's sections by heading."""
    try:
        pieces = _SECTION.split((NOTES / path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidDataset(path=OWN_CLAIMS, reason=f"{path}: {error.strerror}") from error
    return {heading: body.strip() for heading, body in zip(pieces[1::2], pieces[2::2], strict=True)}


class _Plain(BaseModel):
    context: str
    claim: str
    supported: bool
    lang: str = ""
    kind: str = ""


def _plain(path: Path) -> Iterator[LabelledClaim]:
    for _, row in read_rows(path, _Plain):
        yield LabelledClaim(row.claim, row.context, row.supported, row.lang or detect_language(row.claim), row.kind)


class _Attribution(BaseModel):
    claim: str
    references: list[str]
    attribution_label: Literal["attributable", "not attributable"]
    src_dataset: str


def _attributionbench(path: Path) -> Iterator[LabelledClaim]:
    for _, row in read_rows(path, _Attribution):
        claim = _CITATION_MARK.sub("", row.claim)
        supported = row.attribution_label == "attributable"
        yield LabelledClaim(claim, "\n".join(row.references), supported, "en", row.src_dataset)


class _Inference(BaseModel):
    sentence1: str
    sentence2: str
    label: Literal["entailment", "neutral", "contradiction", "-"]


def _ocnli(path: Path) -> Iterator[LabelledClaim]:
    for _, row in read_rows(path, _Inference):
        if row.label != "-":  # the annotators did not agree
            yield LabelledClaim(row.sentence2, row.sentence1, row.label == "entailment", "zh-Hans", row.label)


def _csts(path: Path) -> Iterator[LabelledClaim]:
    for number, line in numbered_lines(path):
        fields = line.rstrip("\r").split("\t")
        if len(fields) != 3:
            raise InvalidRow(path=path, line=number, reason="premise, hypothesis, label?")
        yield LabelledClaim(fields[1], fields[0], fields[2] == "entailment", "zh-Hans", fields[2])


class _Answered(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    knowledge: str
    question: str
    right_answer: str
    hallucinated_answer: str


def _halueval(folder: Path) -> Iterator[LabelledClaim]:
    """Question and answer as one claim; only articles that no model here was trained on, each question once."""
    seen: set[str] = set()
    for path in sorted(folder.glob("*_data.json")):
        for _, row in read_rows(path, _Answered):
            context = _GLUED_SENTENCES.sub(r"\1 ", row.knowledge.strip())
            if row.question not in seen and part_of(context[:80]) == "held-out":
                yield LabelledClaim(f"{row.question} {row.right_answer}", context, True, "en", "right")
                yield LabelledClaim(f"{row.question} {row.hallucinated_answer}", context, False, "en", "hallucinated")
            seen.add(row.question)
