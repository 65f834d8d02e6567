"""Notes change: how long until each arm says so, and what it still says that is no longer true.

RAG ingests the changed folder again. A fine-tuned model first learns the notes as they were, then is trained on with the notes as
they are, stage by stage, and is asked after each. A deleted fact has no right answer: it is stale while it is still preferred.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.catalogue import Catalogue
from eval.comparison.arms import load_scorer
from eval.comparison.invented import FACTS, Invented, sections_at, write_notes
from eval.comparison.means import Means
from eval.comparison.scoring import ChoiceScorer
from eval.comparison.settings import CompareSettings
from eval.comparison.written import said
from generation.answering import NotesAnswerer, Question
from generation.finetuning.card import Card
from generation.finetuning.examples import DataSettings
from generation.finetuning.finetune import finetune
from generation.finetuning.notes import NoteSection
from generation.finetuning.training import TrainSettings
from generation.prompts import answer_text, passages_prompt, question_prompt
from ingest.pipeline import ingest
from retrieval.retriever import HybridRetriever
from retrieval.snapshot import Snapshot
from retrieval.store import IndexStore

Record = dict[str, Any]
_OTHERS = 12  # documents of the user that lie beside the invented notes


@dataclass(frozen=True)
class UpdateTest:
    """What the test needs.

    Attributes:
        folder: where it works.
        means: models, and the retriever of the user's notes, for its settings and its reranker.
        adapter: the fine-tuned model that is trained on.
        settings: how long it is trained on.
    """

    folder: Path
    means: Means
    adapter: Path
    settings: CompareSettings

    def rag(self) -> Record:
        """Ingest, change, ingest again; then ask the base model with what the search finds, before and after."""
        shutil.rmtree(self.folder / "index", ignore_errors=True)
        notes, store, embedder = self.folder / "notes", self._store, self.means.retriever.embedder
        write_notes(notes, after=False)
        self._beside(notes)
        first = ingest([notes], store, embedder).seconds
        scorer = load_scorer(self.means.base, None)
        before = self._asked(scorer, after=False)
        write_notes(notes, after=True)
        started = time.perf_counter()
        ingest([notes], store, embedder, prune=True)
        seconds = time.perf_counter() - started
        return {"ingest_seconds": first, "seconds": seconds, "before": before, "after": self._asked(scorer, after=True)}

    def grounded(self) -> Record:
        """The same index, read by the fine-tuned model as it was before the change; run `rag` first."""
        return {"after": self._asked(load_scorer(self.means.base, self.adapter), after=True)}

    def untrained(self) -> Record:
        """What the base model prefers that never saw the facts: the floor for all others."""
        return {"asked": self._closed_book(None, after=True)}

    def learned(self) -> Record:
        """Teach the notes as they were: where the fine-tuned model stands before the change."""
        out = self._train("before", sections_at(after=False), self.adapter, 2)
        return {"seconds": out.seconds, "asked": self._closed_book(self.folder / "before", after=False)}

    def trained_on(self, stage: int) -> Record:
        """One more stage of training on the notes as they are."""
        out = self._train(f"stage-{stage}", sections_at(after=True), self.stage(stage - 1), 1)
        return {"seconds": out.seconds, "asked": self._closed_book(self.stage(stage), after=True)}

    def stage(self, number: int) -> Path:
        """The model after a stage; -1 is before the change."""
        return self.folder / (f"stage-{number}" if number >= 0 else "before")

    def rag_in_words(self) -> Record:
        """What `ask` says after the change; run `rag` first."""
        with closing(self._snapshot()) as snapshot:
            return _in_words(self.means.rag(self._retriever(snapshot)))

    def tuned_in_words(self, adapter: Path, *, grounded: bool) -> Record:
        """What `ask --mode fine-tuned` says after the change, or fine-tuned-rag; run `rag` first."""
        with closing(self._snapshot()) as snapshot:
            model = self.means.language_model(adapter)
            return _in_words(self.means.fine_tuned(model, self._retriever(snapshot), grounded=grounded))

    def _train(self, name: str, sections: Sequence[NoteSection], start: Path, times: int) -> Card:
        steps = times * self.settings.update_steps
        training = TrainSettings(steps=steps, warmup=0.2, points=1, batch=6, seed=self.settings.seed)
        data = DataSettings(paraphrases=4, statements=True, grounded=0.0, held_out=0.0)
        return finetune(self.means.load_base, sections, self.folder / name, data=data, training=training, start=start)

    def _closed_book(self, adapter: Path | None, *, after: bool) -> list[Record]:
        scorer = load_scorer(self.means.base, adapter)
        return [_judged(fact, scorer, "", after=after) for fact in FACTS]

    def _asked(self, scorer: ChoiceScorer, *, after: bool) -> list[Record]:
        with closing(self._snapshot()) as snapshot:
            retriever = self._retriever(snapshot)
            found = []
            for fact in FACTS:
                hits = retriever.search(fact.question, k=2).hits
                passages = passages_prompt([hit.chunk.text[:400] for hit in hits], chinese=fact.chinese)
                found.append(_judged(fact, scorer, passages, after=after))
            return found

    @property
    def _store(self) -> IndexStore:
        return IndexStore(self.folder / "index")

    def _snapshot(self) -> Snapshot:
        return self._store.snapshot(self.means.retriever.embedder.name)

    def _retriever(self, snapshot: Snapshot) -> HybridRetriever:
        return self.means.retriever.model_copy(update={"snapshot": snapshot})

    def _beside(self, notes: Path) -> None:
        """Some of the user's documents, as they were read, so that the search has something to confuse the facts with."""
        catalogue: Catalogue = self.means.retriever.snapshot.catalogue
        for number, stored in enumerate(catalogue.documents()[:_OTHERS]):
            text = catalogue.raw(stored.root, stored.path).text
            (notes / f"other-{number}.md").write_text(text, encoding="utf-8")


def _judged(fact: Invented, scorer: ChoiceScorer, passages: str, *, after: bool) -> Record:
    """Which value the model prefers."""
    current, former = (fact.after, fact.before) if after else (fact.before, "")
    values = [value for value in dict.fromkeys((current, former, *fact.wrong)) if value]
    options = [answer_text(fact.statement(value), chinese=fact.chinese) for value in values]
    scores = scorer.score("", passages + question_prompt(fact.question, chinese=fact.chinese), options)
    chosen = values[max(range(len(values)), key=lambda i: scores[i])]
    return {
        "id": fact.id,
        "change": fact.change,
        "chosen": chosen,
        "right": chosen == current if current else None,
        "stale": chosen == former if former else None,
    }


def _in_words(answerer: NotesAnswerer) -> Record:
    """Which value each answer states after the change; of a deleted fact the right answer is none."""
    asked = []
    for fact in FACTS:
        answer = answerer.invoke(Question(fact.question))
        text = said(answer)
        asked.append(
            {
                "id": fact.id,
                "change": fact.change,
                "answer": text,
                "refused": answer.refused,
                "right": states_value(text, fact.after) if fact.after else answer.refused,
                "stale": states_value(text, fact.before) if fact.before else None,
                "seconds": answer.timings["total"],
            }
        )
    return {"asked": asked}


def states_value(text: str, value: str) -> bool:
    """Whether a text names a value, not as a part of a longer number or word."""
    return bool(re.search(rf"(?<![A-Za-z0-9.,]){re.escape(value)}(?![A-Za-z0-9]|[.,][0-9])", text))


def share(asked: Sequence[Record], name: str) -> float | None:
    """Share of the facts that are "right" or "stale", of those of which it can be said."""
    known = [record[name] for record in asked if record[name] is not None]
    return sum(known) / len(known) if known else None
