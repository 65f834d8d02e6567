"""Question in, checked and cited answer out: search, select evidence, compose, verify, cite; or refuse.

The answer opens with a sentence that the language model composes, if the evidence supports it, and goes on with the selected
evidence itself. A composed sentence that the check rejects is left out and recorded, never shown as if it were supported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from corpus.language import to_simplified
from corpus.results import Answer, Hit, SearchResult, Sentence
from generation.answering import NotesAnswerer
from generation.checker import Checker
from generation.compose import build_prompt, compose
from generation.draft import Draft, notice, refuse
from generation.evidence import select_evidence
from generation.evidence_choice import EvidenceSettings
from generation.evidence_lines import EvidenceSentence, opening_of
from generation.language_model import LanguageModel
from retrieval.query import Query
from retrieval.retriever import HybridRetriever

# Given more, a small model opens with what is beside the point; a shorter prompt is also read faster.
_COMPOSED_FROM = 3


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


class Answerer(NotesAnswerer):
    """Answers with a composed sentence and the selected evidence."""

    def __init__(
        self, retriever: HybridRetriever, checker: Checker, model: LanguageModel | None, settings: AnswerSettings | None = None
    ) -> None:
        """`model` None quotes evidence only."""
        super().__init__(retriever, checker)
        self.model = model
        self.settings = settings or AnswerSettings()

    @property
    def min_relevance(self) -> float:
        """As set."""
        return self.settings.min_relevance

    def from_hits(self, query: Query, found: SearchResult, started: float) -> Iterator[Sentence | Answer]:
        """The composed sentence, then the lines of the evidence, then the whole answer."""
        draft = Draft(query, found, self.checker, self.retriever.snapshot.catalogue.source, started)
        evidence = self._select(query, found.hits)
        draft.notice = notice(query.language, evidence)
        if self.model is not None:
            yield from self._composed(self.model, query, evidence, draft)
        for item in evidence:
            if sentence := draft.quote(item):
                yield sentence
        if draft.sentences:
            yield draft.finish(self.model)
        else:
            yield refuse(query, found, started, draft.left_out)

    def _select(self, query: Query, hits: Sequence[Hit]) -> tuple[EvidenceSentence, ...]:
        """The evidence; where no line of the hits states anything by itself, the beginning of the best one."""
        found = select_evidence(
            query,
            hits,
            embedder=self.retriever.embedder,
            bm25=self.retriever.snapshot.bm25,
            settings=self.settings.evidence,
        )
        return found or opening_of(hits[0].chunk)

    def _composed(
        self, model: LanguageModel, query: Query, evidence: Sequence[EvidenceSentence], draft: Draft
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
        if sentence := draft.compose(text, packed):
            yield sentence


def _pack(evidence: Sequence[EvidenceSentence], model: LanguageModel, budget: int, draft: Draft) -> tuple[EvidenceSentence, ...]:
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
