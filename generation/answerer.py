"""Question in, checked and cited answer out: search, select evidence, compose, verify, cite; or refuse.

The answer opens with a sentence that the language model composes, if the evidence supports it, and goes on with the selected
evidence itself. A composed sentence that the check rejects is left out and recorded, never shown as if it were supported.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from corpus.documents import Language
from corpus.language import detect_language, to_simplified, to_traditional
from corpus.results import Answer, Citation, Hit, SearchResult, Sentence
from generation.checker import Checker
from generation.compose import build_prompt, compose
from generation.evidence import EvidenceSentence, EvidenceSettings, plain_sentence, select_evidence
from generation.language_model import LanguageModel
from generation.phrases import foreign_notes, refusal
from generation.verify import SUPPORTED, overlap, support
from retrieval.query import Query, analyse
from retrieval.retriever import HybridRetriever

_SUGGESTIONS = 3
# Given more, a small model opens with what is beside the point; a shorter prompt is also read faster.
_COMPOSED_FROM = 3
_SAME = 0.85  # share of a quotation's terms in an earlier sentence from which on it would only repeat that


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """How to answer.

    Attributes:
        min_relevance: below this calibrated relevance the question is refused, 0-1.
        prompt_tokens: most tokens of evidence in the prompt.
        evidence: how evidence is selected.
    """

    min_relevance: float = 0.4
    prompt_tokens: int = 600
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the earlier questions of its conversation, oldest first."""

    text: str
    history: tuple[str, ...] = ()


class Answerer(Runnable[Question, Answer]):
    """Answers questions over one snapshot of the notes; a LangChain Runnable."""

    def __init__(
        self, retriever: HybridRetriever, checker: Checker, model: LanguageModel | None, settings: AnswerSettings | None = None
    ) -> None:
        """`model` None quotes evidence only."""
        self.retriever = retriever
        self.checker = checker
        self.model = model
        self.settings = settings or AnswerSettings()

    def invoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: Any) -> Answer:
        """The whole answer at once."""
        return self.answer(input, self.retriever.search(input.text, history=input.history))

    def answer(self, question: Question, found: SearchResult) -> Answer:
        """The whole answer from a search for the question that was made already; its time counts."""
        *_, answer = self.events(question, found)
        assert isinstance(answer, Answer)  # noqa: S101 - `events` always ends with it
        return answer

    def events(self, question: Question, found: SearchResult | None = None) -> Iterator[Sentence | Answer]:
        """Each sentence as soon as it is checked, then the whole answer; searches unless `found` is given."""
        started = time.perf_counter() - (sum(found.seconds.values()) if found else 0.0)
        query = analyse(question.text, question.history)
        found = found or self.retriever.find(query)
        if found.relevance < self.settings.min_relevance or not found.hits:
            yield _refuse(query, found, started)
            return
        draft = _Draft(query, found, self.checker, started)
        evidence = self._select(query, found.hits)
        draft.notice = _notice(query.language, evidence)
        if self.model is not None:
            yield from self._composed(self.model, query, evidence, draft)
        for item in evidence:
            if sentence := draft.quote(item, self.retriever):
                yield sentence
        yield draft.finish(self.model)

    def _select(self, query: Query, hits: Sequence[Hit]) -> tuple[EvidenceSentence, ...]:
        return select_evidence(
            query.text,
            hits,
            embedder=self.retriever.embedder,
            bm25=self.retriever.snapshot.bm25,
            settings=self.settings.evidence,
            language=query.language,
        )

    def _composed(
        self, model: LanguageModel, query: Query, evidence: Sequence[EvidenceSentence], draft: _Draft
    ) -> Iterator[Sentence]:
        """The model's sentence, if it wrote one that the evidence supports."""
        if draft.notice:
            draft.left_out.append(f"no composed sentence: {model.name} does not translate; the evidence is quoted")
            return
        packed = _pack(evidence, model, self.settings.prompt_tokens, draft)
        if not packed:
            return
        prompt = build_prompt(to_simplified(query.text), [to_simplified(item.text) for item in packed], query.language)
        draft.tokens["prompt"] = model.count_tokens(prompt)
        pieces = []
        for piece in compose(model, prompt):
            draft.first_token()
            pieces.append(piece)
        text = "".join(pieces).strip()
        draft.tokens["completion"] = model.count_tokens(text)
        if sentence := draft.composed(text, packed, self.retriever):
            yield sentence


def _pack(evidence: Sequence[EvidenceSentence], model: LanguageModel, budget: int, draft: _Draft) -> tuple[EvidenceSentence, ...]:
    """The best evidence that fits the budget, in reading order; what would belong there and does not fit is recorded."""
    packed: set[int] = set()
    used = 0
    for i in sorted(range(len(evidence)), key=lambda i: -evidence[i].score)[:_COMPOSED_FROM]:
        size = model.count_tokens(evidence[i].text) + 5  # the number in brackets and the line end
        if used + size <= budget:
            packed.add(i)
            used += size
        else:
            draft.left_out.append(f"over the prompt's budget: {evidence[i].text[:60]}")
    return tuple(evidence[i] for i in sorted(packed))


def _notice(language: Language, evidence: Sequence[EvidenceSentence]) -> str | None:
    """A lead line where most of the evidence is in another language than the question."""
    chinese = language.startswith("zh")
    foreign = sum(detect_language(item.text).startswith("zh") != chinese for item in evidence)
    return foreign_notes(language) if evidence and foreign * 2 > len(evidence) else None


def _refuse(query: Query, found: SearchResult, started: float) -> Answer:
    headings = dict.fromkeys(" › ".join(hit.chunk.heading) for hit in found.hits if hit.chunk.heading)
    return Answer(
        question=query.question,
        query=query.text,
        answer=refusal(query.language),
        language=query.language,
        refused=True,
        outcome="refused",
        support=None,
        relevance=found.relevance,
        suggestions=tuple(headings)[:_SUGGESTIONS],
        timings={**_timings(found), "total": time.perf_counter() - started},
    )


def _timings(found: SearchResult) -> dict[str, float]:
    return {"search": 0.0, "rerank": 0.0, **found.seconds}


def in_script(text: str, language: Language) -> str:
    """Chinese text in the script of the question; other text as it is."""
    if language == "zh-Hans":
        return to_simplified(text)
    return to_traditional(text) if language == "zh-Hant" else text


class _Draft:
    """An answer on its way: collects sentences, numbers their citations, keeps the times."""

    def __init__(self, query: Query, found: SearchResult, checker: Checker, started: float) -> None:
        self.query, self.found, self.checker, self.started = query, found, checker, started
        self.notice: str | None = None
        self.sentences: list[Sentence] = []
        self.citations: dict[tuple[str, int, int], Citation] = {}
        self.left_out: list[str] = []
        self.tokens: dict[str, int] = {"prompt": 0, "completion": 0}
        self.timings = _timings(found)

    def first_token(self) -> None:
        self.timings.setdefault("first_token", time.perf_counter() - self.started)

    def composed(self, text: str, evidence: Sequence[EvidenceSentence], retriever: HybridRetriever) -> Sentence | None:
        """The model's sentence with the one that supports it, or None if none does.

        One sentence has to carry all of it: a small model splices halves of several into something that none of them says.
        Its words have to follow that sentence too, since a small model is only trusted to shorten.
        """
        supports = self.checker.score([(text, item.text) for item in evidence])
        score, _, best = max(
            ((s or 0.0, -n, item) for n, (s, item) in enumerate(zip(supports, evidence, strict=True))),
            key=lambda entry: entry[:2],
        )
        if score < self.checker.threshold or (support(text, [best.text]) or 0.0) < SUPPORTED:
            self.left_out.append(f"composed sentence without support ({score:.2f}): {text}")
            return None
        number = self._cite(best, retriever)
        return self._add(Sentence(in_script(text, self.query.language), (number,), score, "generated"))

    def quote(self, item: EvidenceSentence, retriever: HybridRetriever) -> Sentence | None:
        """A sentence of the notes, unless the composed sentence says the same."""
        self.first_token()
        if any(overlap(item.text, sentence.text) >= _SAME for sentence in self.sentences):
            return None
        number = self._cite(item, retriever)
        quote = next(c.quote for c in self.citations.values() if c.n == number)
        text = in_script(item.text, self.query.language)
        (score,) = self.checker.score([(text, plain_sentence(quote))])
        return self._add(Sentence(text, (number,), score, "quoted"))

    def _add(self, sentence: Sentence) -> Sentence:
        self.sentences.append(sentence)
        return sentence

    def _cite(self, item: EvidenceSentence, retriever: HybridRetriever) -> int:
        start, end = item.source_span()
        key = (item.chunk.id, start, end)
        if key not in self.citations:
            quote = retriever.snapshot.catalogue.source(item.chunk.id, start, end)
            self.citations[key] = Citation(
                len(self.citations) + 1, item.chunk.id, item.chunk.path, item.chunk.heading, start, end, quote
            )
        return self.citations[key].n

    def finish(self, model: LanguageModel | None) -> Answer:
        scores = [sentence.support for sentence in self.sentences if sentence.support is not None]
        lines = [sentence.text + "".join(f"[{n}]" for n in sentence.citations) for sentence in self.sentences]
        composed = any(sentence.origin == "generated" for sentence in self.sentences)
        answer = Answer(
            question=self.query.question,
            query=self.query.text,
            answer="\n".join([self.notice, *lines] if self.notice else lines),
            language=self.query.language,
            refused=False,
            outcome="answered" if composed else "quoted",
            support=sum(scores) / len(scores) if scores else None,
            relevance=self.found.relevance,
            sentences=tuple(self.sentences),
            citations=tuple(self.citations.values()),
            notice=self.notice,
            model=model.name if model else None,
            left_out=tuple(self.left_out),
            tokens=self.tokens,
        )
        return replace(answer, timings={**self.timings, "total": time.perf_counter() - self.started})
