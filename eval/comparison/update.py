"""Notes change: how long until each arm says so, and what it still says that is no longer true.

RAG ingests the changed folder again. A fine-tuned model first learns the notes as they were, then is trained on with the notes as
they are, stage by stage, and is asked after each. A deleted fact has no right answer: it is stale while it is still preferred.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.catalogue import Catalogue
from eval.comparison.arms import load_scorer
from eval.comparison.invented import FACTS, Invented, sections_at, write_notes
from eval.comparison.scoring import ChoiceScorer
from eval.comparison.settings import CompareSettings
from generation.finetuning.card import Card
from generation.finetuning.examples import DataSettings
from generation.finetuning.finetune import Base, finetune
from generation.finetuning.notes import NoteSection
from generation.finetuning.prompts import answer_text, passages_prompt, question_prompt
from generation.finetuning.training import TrainSettings
from ingest.pipeline import ingest
from retrieval.embedder import Embedder
from retrieval.retriever import HybridRetriever
from retrieval.store import IndexStore

Record = dict[str, Any]
_OTHERS = 12  # documents of the user that lie beside the invented notes


@dataclass(frozen=True)
class UpdateTest:
    """What the test needs.

    Attributes:
        folder: where it works.
        base: name of the base model.
        load_base: loads it for training.
        adapter: the fine-tuned model that is trained on.
        embedder: for ingestion.
        retriever: of the user's notes, for its settings and its reranker.
    """

    folder: Path
    base: str
    load_base: Callable[[], Base]
    adapter: Path
    embedder: Embedder
    retriever: HybridRetriever
    settings: CompareSettings

    def rag(self) -> Record:
        """Ingest, change, ingest again; then ask the base model with what the search finds, before and after."""
        shutil.rmtree(self.folder / "index", ignore_errors=True)
        notes, store = self.folder / "notes", IndexStore(self.folder / "index")
        write_notes(notes, after=False)
        self._beside(notes)
        first = ingest([notes], store, self.embedder).seconds
        scorer = load_scorer(self.base, None)
        before = self._asked(scorer, store, after=False)
        write_notes(notes, after=True)
        started = time.perf_counter()
        ingest([notes], store, self.embedder, prune=True)
        seconds = time.perf_counter() - started
        return {"ingest_seconds": first, "seconds": seconds, "before": before, "after": self._asked(scorer, store, after=True)}

    def grounded(self) -> Record:
        """The same index, read by the fine-tuned model as it was before the change; run `rag` first."""
        store = IndexStore(self.folder / "index")
        return {"after": self._asked(load_scorer(self.base, self.adapter), store, after=True)}

    def learned(self) -> Record:
        """Teach the notes as they were: where the fine-tuned model stands before the change."""
        out = self._train("before", sections_at(after=False), self.adapter, 2)
        return {"seconds": out.seconds, "asked": self._closed_book(self.folder / "before", after=False)}

    def trained_on(self, stage: int) -> Record:
        """One more stage of training on the notes as they are."""
        start = self.folder / (f"stage-{stage - 1}" if stage else "before")
        out = self._train(f"stage-{stage}", sections_at(after=True), start, 1)
        return {"seconds": out.seconds, "asked": self._closed_book(self.folder / f"stage-{stage}", after=True)}

    def _train(self, name: str, sections: Sequence[NoteSection], start: Path, times: int) -> Card:
        steps = times * self.settings.update_steps
        training = TrainSettings(steps=steps, warmup=0.2, points=1, batch=6, seed=self.settings.seed)
        data = DataSettings(paraphrases=4, statements=True, grounded=0.0, held_out=0.0)
        return finetune(self.load_base, sections, self.folder / name, data=data, training=training, start=start)

    def _closed_book(self, adapter: Path, *, after: bool) -> list[Record]:
        scorer = load_scorer(self.base, adapter)
        return [_judged(fact, scorer, "", after=after) for fact in FACTS]

    def _asked(self, scorer: ChoiceScorer, store: IndexStore, *, after: bool) -> list[Record]:
        with closing(store.snapshot(self.embedder.name)) as snapshot:
            retriever = self.retriever.model_copy(update={"snapshot": snapshot, "embedder": self.embedder})
            found = []
            for fact in FACTS:
                hits = retriever.search(fact.question, k=2).hits
                passages = passages_prompt([hit.chunk.text[:400] for hit in hits], chinese=fact.chinese)
                found.append(_judged(fact, scorer, passages, after=after))
            return found

    def _beside(self, notes: Path) -> None:
        """Some of the user's documents, as they were read, so that the search has something to confuse the facts with."""
        catalogue: Catalogue = self.retriever.snapshot.catalogue
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


def share(asked: Sequence[Record], name: str) -> float | None:
    """Share of the facts that are "right" or "stale", of those of which it can be said."""
    known = [record[name] for record in asked if record[name] is not None]
    return sum(known) / len(known) if known else None
