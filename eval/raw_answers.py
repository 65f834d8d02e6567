"""What a language model makes of the evidence by itself: shown as written, checked by nobody. Only evaluations ask for it.

It is what answers would be without the checker, and the floor that composing and quoting are compared with.
"""

from __future__ import annotations

from collections.abc import Iterator

from corpus.language import in_script
from corpus.results import Answer, SearchResult, Sentence
from corpus.sentences import sentences
from generation.answerer import Answerer
from generation.composition import written
from generation.draft import Draft, refuse
from retrieval.query import Query


class RawAnswerer(Answerer):
    """Answers with what the model writes from the evidence; each sentence cites all that the model read."""

    def from_hits(self, query: Query, found: SearchResult, started: float) -> Iterator[Sentence | Answer]:
        """Each sentence of the model, then the whole answer; refused as ever, and where the model writes nothing."""
        assert self.model is not None  # noqa: S101 - made with one
        selected = self.select(query, found.hits)
        found = self.second_look(query, found, selected.statement)
        if found.relevance < self.settings.min_relevance:
            yield refuse(query, found, started)
            return
        draft = Draft(query, found, self.checker, self.retriever.snapshot.catalogue.source, started)
        text, read = written(self.model, query, selected.lines, draft, prompt_tokens=self.settings.prompt_tokens)
        numbers = tuple(n for item in read for n in draft.cite(item))
        draft.sentences += [Sentence(in_script(part, query.language), numbers, None, "generated") for part in sentences(text)]
        yield from draft.sentences
        yield draft.finish(self.model) if draft.sentences else refuse(query, found, started, draft.left_out)
