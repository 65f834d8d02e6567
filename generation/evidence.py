"""From hits to evidence: the sentences of the passages that answer the question, in reading order.

A small model copies well and judges badly, so finding the evidence is the encoder's job, and the language model
sees only what was selected here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpus.documents import Chunk, Language
from corpus.results import Hit
from corpus.sentences import sentence_spans
from retrieval.analysis import fold, terms
from retrieval.bm25 import BM25Index
from retrieval.embedder import Embedder
from retrieval.fusion import standardise

FloatVector = NDArray[np.float32]

# What states nothing: table rules and lone symbols, bibliographic entries, announcements of what follows.
_NO_STATEMENT = re.compile(
    r"[\W\d_]+$|\W*(?:参考|參考|References)\W|.{0,60}arXiv:\s*\d{4}\.\d{4,5}\W*$|(?:下面|以下|接下来|接下來)[^，,]*[。：:]?$|.*[：:]$",
    re.IGNORECASE,
)
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s")
_LIST_MARK = re.compile(r"^(?:[-*+•·]|\d+[.)、．])\s+")
# A short line without a sentence end, a colon or a list mark is a heading that its author did not mark as one.
_BARE_HEADING = re.compile(r"(?![-*+•·|>$`]|\d+[.)、．]\s+\S+[：:])[^。！；!;.：:]{1,28}$")


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """How much evidence, and what counts.

    Attributes:
        sentences: most sentences to select.
        hits: best hits to read.
        lexical_weight: weight of shared terms against the encoder's similarity, 0-1.
        trained_weight: weight of the reranker's sentence scores against both together, 0-1, where it gave any.
        hit_weight: how much the hit's own score adds, in standard deviations.
        same_language: what a sentence in the question's language gains, in standard deviations.
        opening: what the first sentence of a passage gains, in standard deviations: it tends to answer its heading.
    """

    sentences: int = 6
    hits: int = 5
    lexical_weight: float = 0.5
    trained_weight: float = 0.5
    hit_weight: float = 0.4
    same_language: float = 1.0
    opening: float = 0.8


@dataclass(frozen=True, slots=True)
class EvidenceSentence:
    """A sentence of a chunk: `text` is clean and without list marks, `[start, end)` its span in the chunk's text."""

    chunk: Chunk
    start: int
    end: int
    text: str
    score: float

    def source_span(self) -> tuple[int, int]:
        """The span in the document's source."""
        return self.chunk.source_span(self.start, self.end)


def candidate_sentences(chunk: Chunk) -> tuple[tuple[int, int], ...]:
    """Spans of a chunk's sentences that state something."""
    return tuple((a, b) for a, b in sentence_spans(chunk.text) if _states_something(chunk.text[a:b]))


def _states_something(sentence: str) -> bool:
    if len(sentence) < 4 or sentence[-1] in "?？":
        return False
    return not any(pattern.match(sentence) for pattern in (_NO_STATEMENT, _MARKDOWN_HEADING, _BARE_HEADING))


def plain_sentence(sentence: str) -> str:
    """A sentence without its list mark and Markdown emphasis, as it reads in an answer."""
    return re.sub(r"\*\*(.+?)\*\*", r"\1", _LIST_MARK.sub("", sentence)).strip()


def select_evidence(
    question: str,
    hits: Sequence[Hit],
    *,
    embedder: Embedder,
    bm25: BM25Index,
    settings: EvidenceSettings,
    language: Language,
) -> tuple[EvidenceSentence, ...]:
    """The sentences that best answer a question, by section and then in reading order; repeats are dropped.

    A sentence's score is the standardised similarity of "heading sentence" with the question, plus standardised term overlap,
    plus its hit's score, plus what the settings add.
    """
    places = [(hit, a, b) for hit in hits[: settings.hits] for a, b in candidate_sentences(hit.chunk)]
    if not places:
        return ()
    texts = [_in_context(hit.chunk, a, b) for hit, a, b in places]
    cosine = embedder.encode_passages(texts) @ embedder.encode_query(question)[0]
    overlap = _overlap(question, texts, bm25)
    own = (1 - settings.lexical_weight) * standardise(cosine) + settings.lexical_weight * standardise(overlap)
    if any(hit.sentences for hit, _, _ in places):
        own = (1 - settings.trained_weight) * own + settings.trained_weight * standardise(_trained(places))
    hit_scores = standardise(np.array([hit.score for hit, _, _ in places], dtype=np.float32))
    chinese = language.startswith("zh")
    familiar = np.array([hit.chunk.language.startswith("zh") == chinese for hit, _, _ in places], dtype=np.float32)
    opens = np.array([hit.chunk.text[:a].strip() == "" for hit, a, _ in places], dtype=np.float32)
    scores = own + settings.hit_weight * hit_scores + settings.same_language * familiar + settings.opening * opens
    chosen = _take(np.argsort(-scores, kind="stable"), [fold(t) for t in texts], settings.sentences)
    return _in_reading_order([_evidence(places[i], float(scores[i])) for i in sorted(chosen)])


def _in_reading_order(evidence: Sequence[EvidenceSentence]) -> tuple[EvidenceSentence, ...]:
    """Sections in the order of their best hit, and each section's sentences as its author ordered them."""
    sections: dict[tuple[str, ...], list[EvidenceSentence]] = {}
    for item in evidence:
        sections.setdefault((item.chunk.path, *item.chunk.heading), []).append(item)
    return tuple(e for group in sections.values() for e in sorted(group, key=lambda item: (item.chunk.ordinal, item.start)))


def _in_context(chunk: Chunk, start: int, end: int) -> str:
    """The sentence under its own heading, which often names the subject that the sentence leaves out."""
    heading = chunk.heading[-1] if chunk.heading else ""
    return f"{heading} {plain_sentence(chunk.text[start:end])}"


def _trained(places: Sequence[tuple[Hit, int, int]]) -> FloatVector:
    """The reranker's scores of the sentences, on the scale of logits, where neither end is squeezed together."""
    known = {(hit.rank, s.start, s.end): s.score for hit, _, _ in places for s in hit.sentences}
    scores = np.array([known.get((hit.rank, a, b), 0.0) for hit, a, b in places], dtype=np.float32).clip(1e-4, 1 - 1e-4)
    return np.asarray(np.log(scores / (1 - scores)), dtype=np.float32)


def _overlap(question: str, texts: Sequence[str], bm25: BM25Index) -> FloatVector:
    wanted = {term: max(bm25.idf_of(term), 0.0) for term in terms(question)}
    return np.array([sum(wanted[t] for t in set(terms(text)) & wanted.keys()) for text in texts], dtype=np.float32)


def _take(order: NDArray[np.int64], texts: Sequence[str], count: int) -> list[int]:
    chosen: dict[str, int] = {}
    for i in order:
        chosen.setdefault(texts[i], int(i))
        if len(chosen) == count:
            break
    return list(chosen.values())


def _evidence(place: tuple[Hit, int, int], score: float) -> EvidenceSentence:
    hit, start, end = place
    return EvidenceSentence(hit.chunk, start, end, plain_sentence(hit.chunk.text[start:end]), score)
