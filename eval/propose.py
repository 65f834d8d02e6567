"""Questions proposed from a person's own notes, for them to accept or edit: rows in the format of gold files.

A section whose heading asks something gives that question; for the others the language model writes one. What the search does not
lead back to its section is dropped: round-trip consistency (Alberti et al., 2019, arXiv:1906.05416), which filters questions that
fit many sections, or none.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from langchain_core.language_models.llms import BaseLLM

from corpus.documents import Chunk
from corpus.language import detect_language
from eval.gold import GoldQuestion, Place, normalised
from retrieval.retriever import HybridRetriever
from retrieval.weights import Progress

ROUND_TRIP = 3  # the section has to be among so many hits
_SHOWN = 500  # characters of a section that the model reads
_SHORTEST = 20  # characters: what is shorter answers nothing
_ASKS = re.compile(r"[?？]\s*$")
_PROMPTS = {
    "zh": """读资料，写一个资料能回答的问题，用一句话，以问号结尾。

资料：Dropout 在训练时以概率 p 随机将神经元置零，相当于对大量子网络做集成，因此能减轻过拟合。
问题：Dropout 为什么能减轻过拟合？

资料：AdamW 把权重衰减从梯度更新中解耦出来，默认的衰减系数是 0.01。
问题：AdamW 怎样处理权重衰减？

资料：{text}
问题：""",
    "en": """Read the passage and write one question that it answers, ending with a question mark.

Passage: Dropout sets neurons to zero with probability p during training, like an ensemble of many sub-networks, which reduces overfitting.
Question: Why does dropout reduce overfitting?

Passage: AdamW decouples weight decay from the gradient update; its default decay is 0.01.
Question: How does AdamW handle weight decay?

Passage: {text}
Question:""",  # noqa: E501 - a passage is one line
}


@dataclass(frozen=True, slots=True)
class NoteSection:
    """A section by its own heading, with its text, subsections left out."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Proposals:
    """Rows to edit, and how many sections gave none, by reason."""

    rows: tuple[GoldQuestion, ...]
    dropped: dict[str, int]


def propose(
    retriever: HybridRetriever, model: BaseLLM | None, *, count: int | None = None, progress: Progress | None = None
) -> Proposals:
    """Questions from the notes of an index, spread over them.

    Args:
        retriever: searches the notes.
        model: writes questions for sections without one; None takes headings that ask only.
        count: most questions to propose; all if None.
        progress: called with "propose", how many sections were read, and how many there are.
    """
    sections = spread_sections(retriever.snapshot.catalogue.chunks())
    rows: dict[str, GoldQuestion] = {}
    dropped: Counter[str] = Counter()
    for done, section in enumerate(sections, 1):
        if count is not None and len(rows) >= count:
            break
        question = question_of(section, model)
        if question is None:
            dropped["no question"] += 1
        elif normalised(question) in rows:
            dropped["asked already"] += 1
        elif not _leads_back(question, section, retriever):
            dropped["not found again"] += 1
        else:
            rows[normalised(question)] = _row(question, section)
        if progress:
            progress("propose", done, len(sections))
    return Proposals(tuple(rows.values()), dict(dropped))


def spread_sections(chunks: Iterable[Chunk]) -> list[NoteSection]:
    """The sections of notes that say enough, the first of each file, then the second of each, and so on."""
    texts: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for chunk in chunks:
        if chunk.heading:
            texts.setdefault((chunk.path, chunk.heading), []).append(chunk.text)
    nth: Counter[str] = Counter()
    ordered: list[tuple[int, NoteSection]] = []
    for (path, heading), parts in texts.items():
        text = "\n".join(parts)
        if len(text.strip()) >= _SHORTEST:
            ordered.append((nth[path], NoteSection(Place(path=path, heading=heading[-1]), text)))
            nth[path] += 1
    return [section for _, section in sorted(ordered, key=lambda entry: entry[0])]


def question_of(section: NoteSection, model: BaseLLM | None) -> str | None:
    """The question of a section: its heading if that ends as one, or what the model writes if that does."""
    heading = section.place.heading.strip()
    if _ASKS.search(heading):
        return heading
    if model is None:
        return None
    language = "zh" if detect_language(section.text).startswith("zh") else "en"
    shown = " ".join(f"{heading} {section.text}".split())[:_SHOWN]
    written = model.invoke(_PROMPTS[language].format(text=shown), stop=["\n"]).strip()
    return written if _ASKS.search(written) and len(written) > 4 else None


def _leads_back(question: str, section: NoteSection, retriever: HybridRetriever) -> bool:
    hits: Sequence[Chunk] = [hit.chunk for hit in retriever.search(question, k=ROUND_TRIP).hits]
    return any(hit.path == section.place.path and section.place.heading in hit.heading for hit in hits)


def _row(question: str, section: NoteSection) -> GoldQuestion:
    name = hashlib.sha256(f"{section.place.path}\0{section.place.heading}\0{question}".encode()).hexdigest()[:8]
    return GoldQuestion(
        id=f"new-{name}",
        question=question,
        lang=detect_language(question),
        gold_files=(section.place.path,),
        gold_sections=(section.place,),
        answerable=True,
        split="dev",
    )


def as_lines(rows: Iterable[GoldQuestion]) -> Iterator[dict[str, object]]:
    """Rows as they are written: every field that a person may want to fill in is there."""
    return (row.model_dump(mode="json") for row in rows)
