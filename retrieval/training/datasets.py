"""Labelled questions over passages, from the sets that may be trained on, split by article.

CMRC 2018 (Cui et al. 2019, arXiv:1810.07366), DRCD (Shao et al. 2018, arXiv:1806.00920), HaluEval's question answering part
(Li et al. 2023, arXiv:2305.11747), UHGEval's headlines (Liang et al. 2024, arXiv:2311.15296), the sections of our own notes
under their headings, and passages written for training, whose questions are asked in both languages.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Part = Literal["train", "calibrate", "held-out"]
Span = tuple[int, int]

# Topics of our notes that no model sees: with both languages of each, about a fifth of the sections.
HELD_OUT_TOPICS = frozenset({"quantization", "sampling"})

# The sets in SQuAD's format, by path below the folder of labelled data.
SPAN_SETS = {"cmrc": ("cmrc2018/dev.json", "cmrc2018/trial.json"), "drcd": ("drcd/dev.json",)}

_SECTION = re.compile(r"^## +(.+)$", re.MULTILINE)
_GLUED_SENTENCES = re.compile(r"(?<=[a-z0-9)\"])([.!?])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a collection.

    Attributes:
        article: what the split keeps together.
        heading: title or headings.
        text: the passage itself.
        part: what it may be used for.
        topics: what it is about, where several articles are about the same and may answer the same questions.
    """

    article: str
    heading: str
    text: str
    part: Part
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the passage that answers it.

    Attributes:
        text: the question.
        passage: position of its passage in the collection.
        answers: spans of the answer in the passage's text; empty where the set does not say.
    """

    text: str
    passage: int
    answers: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Collection:
    """Passages to search and the questions about them; no question leaves its own collection."""

    name: str
    passages: tuple[Passage, ...]
    questions: tuple[Question, ...]

    def part(self, part: Part) -> tuple[Question, ...]:
        """The questions of one part of the split."""
        return tuple(q for q in self.questions if self.passages[q.passage].part == part)


def part_of(article: str) -> Part:
    """A fifth of the articles is held out and a twentieth calibrates, by a hash of the name, so that no seed can move one."""
    bucket = int(hashlib.sha256(article.encode()).hexdigest(), 16) % 20
    return "held-out" if bucket < 4 else "calibrate" if bucket == 4 else "train"


def read_span_set(name: str, paths: Iterable[Path]) -> Collection:
    """A set in SQuAD's format: CMRC 2018 and DRCD."""
    passages: list[Passage] = []
    questions: list[Question] = []
    for path in paths:
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            title = str(article["title"])
            for paragraph in article["paragraphs"]:
                text = paragraph["context"]
                passages.append(Passage(title, title, text, part_of(title)))
                questions += [
                    Question(qa["question"].strip(), len(passages) - 1, spans)
                    for qa in paragraph["qas"]
                    if (spans := tuple(answer_spans(text, ((a["text"], a["answer_start"]) for a in qa["answers"]))))
                ]
    return Collection(name, tuple(passages), tuple(questions))


def answer_spans(text: str, answers: Iterable[tuple[str, int]]) -> Iterator[Span]:
    """Where the answers, given as (words, start), stand; CMRC gives some offsets that are off by a few characters."""
    for words, given in answers:
        start = given if text.startswith(words, given) else text.find(words, max(0, given - 20))
        if words and start >= 0:
            yield start, start + len(words)


def read_halueval(folder: Path) -> Collection:
    """HaluEval's English questions, whose knowledge lies in sentences glued together; only answers found in it are kept."""
    passages: list[Passage] = []
    questions: list[Question] = []
    seen: set[str] = set()
    for path in sorted(folder.glob("*_data.json")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            text = _GLUED_SENTENCES.sub(r"\1 ", row["knowledge"].strip())
            spans = tuple(m.span() for m in re.finditer(re.escape(row["right_answer"]), text))
            if not spans or row["question"] in seen:
                continue
            seen.add(row["question"])
            passages.append(Passage(text[:80], "", text, part_of(text[:80])))
            questions.append(Question(row["question"].strip(), len(passages) - 1, spans))
    return Collection("halueval", tuple(passages), tuple(questions))


def read_uhgeval(path: Path) -> Collection:
    """UHGEval's headlines as questions for the beginnings of their news."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    passages = tuple(Passage(row["id"], "", row["newsBeginning"].strip(), part_of(row["headLine"])) for row in rows)
    return Collection("uhgeval", passages, tuple(Question(row["headLine"], i) for i, row in enumerate(rows)))


def read_notes(folder: Path, translations: Path) -> Collection:
    """The sections of our notes; the questions are their headings, as written and translated (headings.tsv)."""
    translated = dict(line.split("\t") for line in translations.read_text(encoding="utf-8").splitlines())
    passages: list[Passage] = []
    questions: list[Question] = []
    for path in sorted(folder.glob("*/*.md")):
        pieces = _SECTION.split(path.read_text(encoding="utf-8"))
        for heading, body in zip(pieces[1::2], pieces[2::2], strict=True):
            part: Part = "held-out" if path.stem in HELD_OUT_TOPICS else "train"
            topics = frozenset(path.stem.split("-"))
            passages.append(Passage(path.relative_to(folder).as_posix(), heading, body.strip(), part, topics))
            asked = (heading, translated[heading]) if heading in translated else (heading,)
            questions += [Question(text, len(passages) - 1) for text in asked]
    return Collection("notes", tuple(passages), tuple(questions))


def read_written(paths: Iterable[Path]) -> Collection:
    """The passages of corpus/training with their questions in Chinese and English, split by topic."""
    passages: list[Passage] = []
    questions: list[Question] = []
    for path in sorted(paths):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            text = row["text"]
            passages.append(Passage(row["topic"], row["heading"], text, part_of(row["topic"])))
            for asked in row["questions"]:
                start = text.index(asked["answer"])
                questions.append(Question(asked["text"], len(passages) - 1, ((start, start + len(asked["answer"])),)))
    return Collection("written", tuple(passages), tuple(questions))


def read_all(data: Path, notes: Path) -> tuple[Collection, ...]:
    """Every collection that may be trained on; `data` holds the folders cmrc2018, drcd, halueval and uhgeval.

    The passages written for training lie beside the folder of notes.
    """
    return (
        *(read_span_set(name, [data / path for path in paths]) for name, paths in SPAN_SETS.items()),
        read_halueval(data / "halueval"),
        read_uhgeval(data / "uhgeval" / "dataset_uhgeval_concise.jsonl"),
        read_notes(notes, Path(__file__).with_name("headings.tsv")),
        read_written(notes.with_name("training").glob("passages-*.jsonl")),
    )
