"""Labelled sets for retrieval: passages, questions, and which passages answer them, found in a folder.

    DIR/NAME/PART.json                                     SQuAD's format (Rajpurkar et al. 2016, arXiv:1606.05250)
    DIR/NAME/{corpus,queries}.jsonl, DIR/NAME/qrels/PART.tsv   BEIR's layout (Thakur et al. 2021, arXiv:2104.08663)

Either is called NAME/PART. Files of DIR itself count too. JSON of another shape is passed over.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corpus.errors import DatasetNotFound, InvalidDataset, InvalidRow, UnknownDataset
from corpus.jsonl import first_fault, read_rows, text_of
from retrieval.rerank import HeadedText
from retrieval.training.datasets import SPAN_SETS, Span, answer_spans, part_of

# What the bundled reranker was trained on: fair questions are those of the articles that were kept out.
_TRAINED_ON = frozenset(path.removesuffix(".json") for paths in SPAN_SETS.values() for path in paths)


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question with what answers it.

    Attributes:
        text: the question.
        relevant: grades (1 or more) of the passages that answer it, by position in the set.
        answers: spans of the answer in its passage, where the set says.
        article: what its passage was taken from.
    """

    text: str
    relevant: dict[int, int]
    answers: tuple[Span, ...] = ()
    article: str = ""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Passages to search, as (heading, text), and questions about them.

    Attributes:
        total: number of questions before `choose`.
        held_out: whether only questions about articles that no model was trained on are left.
    """

    name: str
    passages: tuple[HeadedText, ...]
    questions: tuple[LabelledQuestion, ...]
    total: int
    held_out: bool = False

    def choose(self, limit: int | None = None, *, all_questions: bool = False) -> LabelledSet:
        """The set with the questions to be asked; its passages stay.

        Args:
            limit: that many, drawn the same way each time.
            all_questions: also those about articles that the reranker was trained on.
        """
        held_out = self.name in _TRAINED_ON and not all_questions
        chosen = [q for q in self.questions if not held_out or part_of(q.article) == "held-out"]
        if limit is not None and limit < len(chosen):
            places = sorted(random.Random(0).sample(range(len(chosen)), limit))  # noqa: S311 - reproducible, not secret
            chosen = [chosen[i] for i in places]
        return replace(self, questions=tuple(chosen), held_out=held_out)


def read_labelled_sets(folder: Path, names: Sequence[str] = ()) -> tuple[LabelledSet, ...]:
    """The labelled sets of a folder, by name.

    Args:
        folder: where they lie.
        names: only these; the beginning of a name stands for all that begin so.

    Raises:
        DatasetNotFound: there is no such folder, or none in it.
        UnknownDataset: one of the names fits none.
        InvalidDataset, InvalidRow: a chosen file is malformed.
    """
    readers = dict(sorted(_readers(folder)))
    found = _read(readers, lambda name: not names or name.startswith(tuple(names)))
    if not found and not names:
        raise DatasetNotFound(path=folder)
    for name in names:
        if not any(known.startswith(name) for known in found):
            raise UnknownDataset(name=name, known=", ".join(_read(readers, lambda _: True)) or "-")
    return tuple(found.values())


Reader = Callable[[], LabelledSet | None]


def _read(readers: Mapping[str, Reader], is_wanted: Callable[[str], bool]) -> dict[str, LabelledSet]:
    read = {name: reader() for name, reader in readers.items() if is_wanted(name)}
    return {name: labelled for name, labelled in read.items() if labelled is not None}


def _readers(folder: Path) -> Iterator[tuple[str, Reader]]:
    for path in (*folder.glob("*.json"), *folder.glob("*/*.json")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        yield name, partial(_read_squad, name, path)
    for corpus in (*folder.glob("corpus.jsonl"), *folder.glob("*/corpus.jsonl")):
        for judgements in corpus.parent.glob("qrels/*.tsv"):
            name = (corpus.parent.relative_to(folder) / judgements.stem).as_posix()
            yield name, partial(_read_beir, name, corpus.parent, judgements)


# --- SQuAD ---


class _Answer(BaseModel):
    text: str
    answer_start: int


class _Asked(BaseModel):
    question: str
    answers: list[_Answer] = []
    is_impossible: bool = False


class _Paragraph(BaseModel):
    context: str
    qas: list[_Asked]


class _Article(BaseModel):
    title: str = ""
    paragraphs: list[_Paragraph]


class _Articles(BaseModel):
    data: list[_Article]


def _read_squad(name: str, path: Path) -> LabelledSet | None:
    """The set of a file, None if it is JSON of another shape; a passage is a context, however often it occurs."""
    content = _json(path)
    if not _looks_like_squad(content):
        return None
    try:
        articles = _Articles.model_validate(content)
    except ValidationError as error:
        raise InvalidDataset(path=path, reason=first_fault(error)) from error
    passages: dict[str, int] = {}
    questions: list[LabelledQuestion] = []
    for article in articles.data:
        for paragraph in article.paragraphs:
            number = passages.setdefault(paragraph.context, len(passages))
            for asked in paragraph.qas:
                spans = tuple(answer_spans(paragraph.context, ((a.text, a.answer_start) for a in asked.answers)))
                if not asked.is_impossible:
                    questions.append(LabelledQuestion(asked.question.strip(), {number: 1}, spans, article.title))
    if not questions:
        raise InvalidDataset(path=path, reason="no questions / 没有问题")
    return LabelledSet(name, tuple(("", text) for text in passages), tuple(questions), len(questions))


def _looks_like_squad(content: Any) -> bool:
    data = content.get("data") if isinstance(content, dict) else None
    return isinstance(data, list) and any(isinstance(article, dict) and "paragraphs" in article for article in data)


def _json(path: Path) -> Any:
    """The content of a JSON file; None for JSON Lines."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDataset(path=path, reason=str(error)) from error
    try:
        return json.loads(text)
    except ValueError as error:
        if _is_json(text.split("\n", 1)[0]):
            return None
        raise InvalidDataset(path=path, reason=f"JSON: {error}") from error


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


# --- BEIR ---


class _Passage(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str = Field(alias="_id")
    title: str = ""
    text: str


class _Query(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str = Field(alias="_id")
    text: str


def _read_beir(name: str, folder: Path, judgements: Path) -> LabelledSet:
    """A folder in BEIR's layout with one of its files of judgements; questions without a relevant passage are left out."""
    if missing := next((name for name in ("corpus.jsonl", "queries.jsonl") if not (folder / name).is_file()), None):
        raise InvalidDataset(path=folder, reason=f"no {missing}")
    rows = tuple(row for _, row in read_rows(folder / "corpus.jsonl", _Passage))
    place = {row.id: number for number, row in enumerate(rows)}
    texts = {row.id: row.text for _, row in read_rows(folder / "queries.jsonl", _Query)}
    relevant: dict[str, dict[int, int]] = {}
    for line, query, passage, grade in _judgements(judgements):
        for known, wanted in ((texts, query), (place, passage)):
            if wanted not in known:
                raise InvalidRow(path=judgements, line=line, reason=f"{wanted!r}?")
        if grade > 0:
            relevant.setdefault(query, {})[place[passage]] = grade
    if not relevant:
        raise InvalidDataset(path=judgements, reason="no questions / 没有问题")
    questions = tuple(LabelledQuestion(texts[query].strip(), grades) for query, grades in relevant.items())
    return LabelledSet(name, tuple((row.title, row.text) for row in rows), questions, len(questions))


def _judgements(path: Path) -> Iterator[tuple[int, str, str, int]]:
    """Line, query, passage and grade; the first line holds the headings."""
    for line, fields in enumerate(csv.reader(text_of(path).split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE), 1):
        if line == 1 or not fields:
            continue
        try:
            query, passage, grade = fields
            yield line, query, passage, int(grade)
        except ValueError as error:
            raise InvalidRow(path=path, line=line, reason="query-id, corpus-id, score?") from error
