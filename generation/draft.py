"""An answer on its way: its sentences, each with its citations and its support, and what did not come that far."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from corpus.documents import Language
from corpus.language import detect_language, in_script
from corpus.results import Answer, SearchResult, Sentence
from corpus.sentences import sentences
from generation.checker import Checker
from generation.grounding import STATES_NOTHING, Citations, Source, repeats
from generation.models.language_model import LanguageModel
from generation.phrases import foreign_notes, nearest_lines, refusal
from generation.selection.evidence_lines import EvidenceSentence, is_chinese
from generation.selection.passage_blocks import plain
from generation.verify import SUPPORTED, overlap, support
from retrieval.query import Query

_SUGGESTIONS = 3


class Draft:
    """Collects sentences, numbers their citations, keeps the times."""

    def __init__(self, query: Query, found: SearchResult, checker: Checker, source: Source, started: float) -> None:
        self.query, self.found, self.checker, self.started = query, found, checker, started
        self.citations = Citations(source)
        self.notice: str | None = None
        self.sentences: list[Sentence] = []
        self.left_out: list[str] = []
        self.tokens: dict[str, int] = {"prompt": 0, "completion": 0}
        self.timings = timings_of(found)

    def first_token(self) -> None:
        """Note the time, the first time."""
        self.timings.setdefault("first_token", time.perf_counter() - self.started)

    def compose(self, text: str, evidence: Sequence[EvidenceSentence]) -> Sentence | None:
        """Add the model's sentence with the one that supports it, or None if none does.

        One sentence has to carry all of it: a small model splices halves of several into something that none of them says.
        Its words have to follow that sentence too, since a small model is only trusted to shorten. The question said again, or a
        line that only leads to others, states nothing.
        """
        text = plain(text)
        if text.endswith(STATES_NOTHING):
            self.left_out.append(f"composed sentence that states nothing: {text}")
            return None
        scores = self.checker.score([(text, item.text) for item in evidence])
        score, _, best = max(
            ((s or 0.0, -n, item) for n, (s, item) in enumerate(zip(scores, evidence, strict=True))),
            key=lambda entry: entry[:2],
        )
        if score < self.checker.threshold or (support(text, [best.text]) or 0.0) < SUPPORTED:
            self.left_out.append(f"composed sentence without support ({score:.2f}): {text}")
            return None
        return self._add(Sentence(in_script(text, self.query.language), self.cite(best), score, "generated"))

    def is_foreign(self, evidence: Sequence[EvidenceSentence]) -> bool:
        """Whether most of the evidence is in another language than the question; listings are in none."""
        chinese = self.query.language.startswith("zh")
        told = [item for item in evidence if not item.stated.startswith("```")]
        return sum(is_chinese(item.text, item.chunk) != chinese for item in told) * 2 > len(told)

    def quoted(self, evidence: Sequence[EvidenceSentence]) -> Iterator[Sentence]:
        """Add the lines of the notes, under a line that says so if they are in another language."""
        if self.is_foreign(evidence):
            self.notice = foreign_notes(self.query.language)
        for item in evidence:
            if sentence := self.quote(item):
                yield sentence

    def quote(self, item: EvidenceSentence) -> Sentence | None:
        """Add a line of the notes, unless the composed sentence says the same, or its citation does not support it."""
        self.first_token()
        if repeats(item.text, [sentence for sentence in self.sentences if sentence.origin == "generated"]):
            return None
        numbers = self.cite(item)
        score = self._support(item)
        if score is not None and score < self.checker.threshold:
            self.left_out.append(f"quoted line without support ({score:.2f}): {item.text}")
            self.citations.forget_after(max((n for sentence in self.sentences for n in sentence.citations), default=0))
            return None
        shown = in_script(item.text, self.query.language)
        return self._add(Sentence(shown, numbers, score, "quoted", self._note_language(item, shown)))

    def _note_language(self, item: EvidenceSentence, shown: str) -> Language | None:
        """See `Sentence.note_language`; a line may be all formula, so the passage around it tells its language."""
        asked = self.query.language
        own = item.chunk.language if shown == item.text else detect_language(item.text)
        same = own == "other" or (shown == item.text and own.startswith("zh") == asked.startswith("zh"))
        return None if same or own == asked else own

    def _support(self, item: EvidenceSentence) -> float | None:
        """How far the notes support a line: as far as the weakest of its sentences.

        They are compared in the cleaned text: the source of a citation may hold markup and lines broken inside a word. What
        stands there word for word is supported, and so is a table row, which says what its cells say.
        """
        context = "\n".join(plain(item.chunk.text[start:end]) for start, end in ((item.start, item.end), *item.also))
        if _bare(item.stated) in _bare(context) or (item.also and overlap(item.stated, context) == 1.0):
            return 1.0
        scores = self.checker.score([(claim, context) for claim in sentences(item.stated)])
        return min((score for score in scores if score is not None), default=None)

    def _add(self, sentence: Sentence) -> Sentence:
        self.sentences.append(sentence)
        return sentence

    def cite(self, item: EvidenceSentence) -> tuple[int, ...]:
        """The numbers of a line's places, its own first."""
        spans = ((item.start, item.end), *item.also)
        return tuple(self.citations.cite(item.chunk, start, end).n for start, end in spans)

    def finish(self, model: LanguageModel | None) -> Answer:
        """The whole answer."""
        scores = [sentence.support for sentence in self.sentences if sentence.support is not None]
        lines = self._lines()
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
            citations=self.citations.all(),
            notice=self.notice,
            model=model.name if model else None,
            adapter=model.adapter if model else None,
            rope=model.rope if model else None,
            left_out=tuple(self.left_out),
            tokens=self.tokens,
        )
        return replace(answer, timings={**self.timings, "total": time.perf_counter() - self.started})

    def refused(self) -> Answer:
        """A refusal; the sentences, if any, are what the notes have that comes nearest, and the text says so."""
        answer = refuse(self.query, self.found, self.started, self.left_out)
        if not self.sentences:
            return answer
        notice = nearest_lines(self.query.language)
        text = "\n".join([answer.answer, notice, *self._lines()])
        return replace(answer, answer=text, notice=notice, sentences=tuple(self.sentences), citations=self.citations.all())

    def _lines(self) -> list[str]:
        """The sentences with the numbers of their citations behind them."""
        return [sentence.text + "".join(f"[{n}]" for n in sentence.citations) for sentence in self.sentences]


def _bare(text: str) -> str:
    """A text's letters and digits alone."""
    return "".join(filter(str.isalnum, text))


def timings_of(found: SearchResult) -> dict[str, float]:
    """The seconds of a search, with its stages always there."""
    return {"search": 0.0, "rerank": 0.0, **found.seconds}


def refuse(query: Query, found: SearchResult, started: float, left_out: Sequence[str] = ()) -> Answer:
    """The answer that says that the notes do not answer, with the nearest headings."""
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
        left_out=tuple(left_out),
        timings={**timings_of(found), "total": time.perf_counter() - started},
    )
