"""Answers of a fine-tuned model: closed book, checked against the notes afterwards, or with passages to read, as in RAG.

A closed-book answer comes out of the weights, so nothing says that it is right. Each of its sentences is looked up: what the
notes support is cited like a quotation, what they do not is shown without a citation and named in `left_out`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from corpus.documents import Chunk
from corpus.results import Answer, SearchResult, Sentence
from corpus.sentences import sentence_spans, sentences
from generation.answering import NotesAnswerer, Question
from generation.checker import Checker
from generation.draft import refuse, timings_of
from generation.grounding import Citations, verify_draft
from generation.models.language_model import LanguageModel
from generation.phrases import unsupported
from generation.prompts import passages_prompt, question_prompt
from generation.verify import overlap
from retrieval.query import Query
from retrieval.retriever import HybridRetriever

# Places that a sentence of a closed-book answer is checked against.
_LOOKED_UP = 3


@dataclass(frozen=True, slots=True)
class FineTunedSettings:
    """How a fine-tuned model answers.

    Attributes:
        grounded: whether it reads passages; closed book otherwise.
        passages: how many it reads.
        passage_tokens: most tokens of each.
        min_relevance: below this relevance of the search a grounded question is refused; a closed-book one never is.
    """

    grounded: bool = False
    passages: int = 3
    passage_tokens: int = 130
    min_relevance: float = 0.5


class FineTunedAnswerer(NotesAnswerer):
    """Answers with a fine-tuned model."""

    def __init__(
        self,
        model: LanguageModel,
        retriever: HybridRetriever,
        checker: Checker,
        settings: FineTunedSettings | None = None,
    ) -> None:
        super().__init__(retriever, checker)
        self.model = model
        self.settings = settings or FineTunedSettings()

    @property
    def min_relevance(self) -> float:
        """As set."""
        return self.settings.min_relevance

    def events(self, question: Question, found: SearchResult | None = None) -> Iterator[Sentence | Answer]:
        """Each sentence as soon as it is checked, then the whole answer; closed book nothing is searched before."""
        if self.settings.grounded:
            yield from super().events(question, found)
        else:
            yield from self._closed_book(self.retriever.analyse(question.text, question.history), time.perf_counter())

    def _closed_book(self, query: Query, started: float) -> Iterator[Sentence | Answer]:
        prompt = question_prompt(query.text, chinese=query.language.startswith("zh"))
        text, first = self._write(prompt, started)
        found = SearchResult(query.text, (), 0.0, {})
        citations = Citations(self.retriever.snapshot.catalogue.source)
        shown: list[Sentence] = []
        for part in sentences(text):
            looked = self.retriever.search(part, k=_LOOKED_UP)
            found = replace(found, seconds=_added(found.seconds, looked.seconds))
            shown.append(self._looked_up(part, [hit.chunk for hit in looked.hits], citations))
            yield shown[-1]
        left_out = [f"not supported by the notes ({s.support or 0.0:.2f}): {s.text}" for s in shown if not s.citations]
        yield self._finish(query, found, shown, citations, left_out, (prompt, text, first, started))

    def from_hits(self, query: Query, found: SearchResult, started: float) -> Iterator[Sentence | Answer]:
        """Each sentence that the passages support, as soon as all are checked, then the whole answer."""
        chunks = [hit.chunk for hit in found.hits[: self.settings.passages]]
        passages = [trimmed(self.model, chunk, self.settings.passage_tokens) for chunk in chunks]
        chinese = query.language.startswith("zh")
        prompt = passages_prompt(passages, chinese=chinese) + question_prompt(query.text, chinese=chinese)
        text, first = self._write(prompt, started)
        citations = Citations(self.retriever.snapshot.catalogue.source)
        verified = verify_draft(text, chunks, self.checker, language=query.language, citations=citations)
        if not verified.sentences:
            yield refuse(query, found, started, verified.left_out)
            return
        yield from verified.sentences
        yield self._finish(query, found, verified.sentences, citations, verified.left_out, (prompt, text, first, started))

    def _write(self, prompt: str, started: float) -> tuple[str, float]:
        """What the model writes, up to the end of the line, and when it began."""
        first, pieces = 0.0, []
        for piece in self.model.stream(prompt, stop=["\n"]):
            first = first or time.perf_counter() - started
            pieces.append(piece)
        return "".join(pieces).strip(), first

    def _looked_up(self, text: str, chunks: Sequence[Chunk], citations: Citations) -> Sentence:
        """A sentence with the place that supports it best, if one does."""
        scores = self.checker.score([(text, chunk.text) for chunk in chunks])
        known = [(score, -n) for n, score in enumerate(scores) if score is not None]
        if not known:
            return Sentence(text, (), None, "generated")
        score, n = max(known)
        if score < self.checker.threshold:
            return Sentence(text, (), score, "generated")
        chunk = chunks[-n]
        start, end = max(sentence_spans(chunk.text), key=lambda span: overlap(text, chunk.text[slice(*span)]))
        return Sentence(text, (citations.cite(chunk, start, end).n,), score, "generated")

    def _finish(
        self,
        query: Query,
        found: SearchResult,
        shown: Sequence[Sentence],
        citations: Citations,
        left_out: Sequence[str],
        written: tuple[str, str, float, float],
    ) -> Answer:
        prompt, text, first, started = written
        known = [sentence.support for sentence in shown if sentence.support is not None]
        mark = unsupported(query.language)
        lines = [s.text + ("".join(f"[{n}]" for n in s.citations) or mark) for s in shown]
        return Answer(
            question=query.question,
            query=query.text,
            answer="\n".join(lines),
            language=query.language,
            refused=False,
            outcome="answered",
            support=sum(known) / len(known) if known else None,
            relevance=found.relevance,
            sentences=tuple(shown),
            citations=citations.all(),
            model=self.model.name,
            adapter=self.model.adapter,
            left_out=tuple(left_out),
            tokens={"prompt": self.model.count_tokens(prompt), "completion": self.model.count_tokens(text)},
            timings={**timings_of(found), "first_token": first, "total": time.perf_counter() - started},
        )


def trimmed(model: LanguageModel, chunk: Chunk, budget: int) -> str:
    """The beginning of a chunk within a budget of the model's tokens, its heading before it."""
    text = f"{chunk.heading[-1]}: {chunk.text}" if chunk.heading else chunk.text
    while (size := model.count_tokens(text)) > budget:
        text = text[: max(1, min(len(text) - 1, len(text) * budget // size))]
    return " ".join(text.split())


def _added(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}
