"""Question in, checked and cited answer out: search, select evidence, compose, verify, cite; or refuse.

By default the selected evidence is quoted. A language model, if one is set, opens the answer with a sentence of its own, or, if
it has a chat form, writes it (`generation.composition`). What the check rejects is left out and recorded, never shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from corpus.results import Answer, Hit, SearchResult, Sentence
from generation.answering import NotesAnswerer
from generation.checker import Checker
from generation.composition import composed
from generation.draft import Draft
from generation.models.language_model import LanguageModel
from generation.reader import Reader
from generation.selection.answerable import SURELY_NOT, answerable, unmentioned
from generation.selection.evidence import Evidence, select_evidence, statement_by_parts
from generation.selection.evidence_choice import EvidenceSettings
from generation.selection.evidence_lines import EvidenceSentence, nearest_of, opening_of
from retrieval.query import Query
from retrieval.retriever import HybridRetriever


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """How to answer.

    Attributes:
        min_relevance: below this probability that the notes answer, the question is refused, 0-1.
        prompt_tokens: most tokens of evidence in the prompt.
        copy_only: a base model writes only tokens of the evidence and of the question.
        evidence: how evidence is selected.
    """

    min_relevance: float = 0.5
    prompt_tokens: int = 600
    copy_only: bool = False
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)


class Answerer(NotesAnswerer):
    """Answers with a composed sentence and the selected evidence."""

    def __init__(
        self,
        retriever: HybridRetriever,
        checker: Checker,
        model: LanguageModel | None,
        settings: AnswerSettings | None = None,
        *,
        reader: Reader | None = None,
    ) -> None:
        """`model` None quotes evidence only; `reader` None selects it without a language model."""
        super().__init__(retriever, checker)
        self.model = model
        self.reader = reader
        self.settings = settings or AnswerSettings()

    def over(self, retriever: HybridRetriever) -> Answerer:
        """The same over other notes."""
        return type(self)(retriever, self.checker, self.model, self.settings, reader=self.reader)

    @property
    def min_relevance(self) -> float:
        """As set, or what is surely not: the evidence is looked at before anything else is refused, if there is a reranker."""
        return min(SURELY_NOT, self.settings.min_relevance) if self.retriever.reranker else self.settings.min_relevance

    def from_hits(self, query: Query, found: SearchResult, started: float) -> Iterator[Sentence | Answer]:
        """What the model writes, if one is set, and the lines of the evidence, then the whole answer; or a refusal after all."""
        selected = self.select(query, found.hits)
        found = self.second_look(query, found, selected)
        draft = Draft(query, found, self.checker, self.retriever.snapshot.catalogue.source, started)
        if found.relevance < self.settings.min_relevance:
            if found.relevance >= self.min_relevance:
                for line in nearest_of(selected.lines):
                    draft.quote(line)
            yield draft.refused()
            return
        yield from self.write(query, selected.lines, draft)
        yield draft.finish(self.model) if draft.sentences else draft.refused()

    def write(self, query: Query, lines: Sequence[EvidenceSentence], draft: Draft) -> Iterator[Sentence]:
        """Each sentence of an answer from the lines of the evidence; they are collected in the draft."""
        chosen = self.settings
        if self.model is not None:
            yield from composed(self.model, query, lines, draft, prompt_tokens=chosen.prompt_tokens, copy_only=chosen.copy_only)
        if not (draft.sentences and self.model and self.model.chat):
            yield from draft.quoted(lines)

    def second_look(self, query: Query, found: SearchResult, selected: Evidence) -> SearchResult:
        """The search with the probability that the notes answer: none for a question about a name that no hit has.

        A question of parts is, without a reader, only doubted after each is looked for.
        """
        if unmentioned(query.text, found.hits):
            return replace(found, relevance=0.0)
        whole = answerable(found.relevance, selected.statement, selected.reading)
        if whole >= self.settings.min_relevance or selected.reading is not None:
            return replace(found, relevance=whole)
        by_parts = statement_by_parts(query, found.hits, reranker=self.retriever.reranker, settings=self.settings.evidence)
        likely = whole if by_parts is None else max(whole, answerable(found.relevance, by_parts))
        return replace(found, relevance=likely)

    def select(self, query: Query, hits: Sequence[Hit]) -> Evidence:
        """The evidence; where no line of the hits states anything by itself, the beginning of the best one."""
        found = select_evidence(
            query,
            hits,
            embedder=self.retriever.embedder,
            bm25=self.retriever.snapshot.bm25,
            reranker=self.retriever.reranker,
            reader=self.reader,
            settings=self.settings.evidence,
        )
        return found if found.lines else Evidence(opening_of(hits[0].chunk))
