"""What a language model makes of the evidence by itself: shown as written, checked by nobody. Only evaluations ask for it.

It is what answers would be without the checker, and the floor that composing and quoting are compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus.language import in_script
from corpus.results import Sentence
from corpus.sentences import sentences
from generation.answerer import Answerer
from generation.composition import written
from generation.draft import Draft
from generation.selection.evidence_lines import EvidenceSentence
from retrieval.query import Query


class RawAnswerer(Answerer):
    """Answers with what the model writes from the evidence; each sentence cites all that the model read."""

    def write(self, query: Query, lines: Sequence[EvidenceSentence], draft: Draft) -> Iterator[Sentence]:
        """Each sentence of the model; none, which refuses the question, where it writes nothing."""
        assert self.model is not None  # noqa: S101 - made with one
        text, read = written(self.model, query, lines, draft, prompt_tokens=self.settings.prompt_tokens)
        numbers = tuple(n for item in read for n in draft.cite(item))
        draft.sentences += [Sentence(in_script(part, query.language), numbers, None, "generated") for part in sentences(text)]
        yield from draft.sentences
