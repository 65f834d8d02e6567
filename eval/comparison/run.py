"""Runs a comparison, unit by unit: each finished one is a record on disk, and is not done again.

A unit is an arm's question, a training, a stage of the update test, a footprint. Trainings keep checkpoints of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, TypeVar

from corpus.documents import Chunk
from corpus.errors import NotesTooFew, UsageError
from eval.answer_metrics import Means as MetricMeans
from eval.comparison.arms import BASE, BASE_ARMS, MAIN, PLAIN, PLAIN_ARMS, TUNED_ARMS, Arm, Scorers
from eval.comparison.choices import Choice, make_choices
from eval.comparison.contexts import CLOSED, LONG, Contexts
from eval.comparison.footprint import Answering, Spec, ingest_seconds, measure, parts
from eval.comparison.forgetting import general_skill
from eval.comparison.invented import FACTS
from eval.comparison.means import Means
from eval.comparison.settings import CompareSettings
from eval.comparison.update import UpdateTest, share
from eval.comparison.written import answered, unanswerable
from eval.judge import ScoringJudge
from eval.run_files import RunFolder
from generation.answering import NotesAnswerer
from generation.finetuning.examples import build_data, lead
from generation.finetuning.finetune import finetune
from generation.finetuning.notes import NoteSection, note_sections
from generation.finetuning.wordings import paraphrases
from generation.prompts import answer_text, question_prompt
from retrieval.weights import Progress

Record = dict[str, Any]
T = TypeVar("T")
# With fewer sections there are no three others to take wrong options from.
MIN_SECTIONS = 8
_FOOTPRINT_QUESTIONS = 3


class Comparison:
    """One run over one set of notes, in one folder."""

    def __init__(self, means: Means, settings: CompareSettings, folder: RunFolder, progress: Progress | None = None) -> None:
        """Read the notes and make the questions.

        Raises:
            NotesTooFew: they have fewer than `MIN_SECTIONS` sections.
            UsageError: no question can be made.
        """
        self.means, self.settings, self.folder, self.progress = means, settings, folder, progress
        self.everything = note_sections(means.retriever.snapshot.catalogue.chunks(indexed=True))
        if len(self.everything) < MIN_SECTIONS:
            raise NotesTooFew(found=len(self.everything), needed=MIN_SECTIONS)
        self.sections = spread(self.everything, settings.sections)
        tokens = settings.data().answer_tokens
        self.choices = make_choices(
            self.sections, self.everything, settings.questions, means.count_tokens, answer_tokens=tokens, seed=settings.seed
        )
        if not self.choices:
            raise UsageError(
                reason="no multiple-choice question can be made from these notes: no section has enough plain sentences"
            )
        shares = [f"fine-tuned-{round(100 * part)}%" for part in settings.shares]
        self.adapters = {name: folder.path / "models" / name for name in (MAIN, PLAIN, *shares)}
        self.scorers = Scorers(means.base, self.adapters, progress)
        self._done = {record["unit"]: record for record in folder.records}
        self._found: dict[str, tuple[Chunk, ...]] = {}
        self._answering: tuple[str, NotesAnswerer] | None = None

    def run(self) -> Sequence[Record]:
        """Do what is not done yet; returns all records."""
        total = sum(1 for _ in self._units())
        # Not a list: whether another stage of the update test is needed shows only after the one before.
        for done, (name, work) in enumerate(self._units(), 1):
            if name not in self._done:
                started = time.perf_counter()
                record = work()
                self._done[name] = {"unit": name, **record, "unit_seconds": time.perf_counter() - started}
                self.folder.append(self._done[name])
            if self.progress:
                self.progress("compare", done, total)
        return tuple(self.folder.records)

    def _units(self) -> Iterator[tuple[str, Callable[[], Record]]]:
        """Names and work, in order; what most depends on comes first."""
        for arm in BASE_ARMS:
            yield from self._asked(arm)
        yield f"train/{MAIN}", lambda: self._train(MAIN, self.sections, self.settings.paraphrases)
        for arm in TUNED_ARMS:
            yield from self._asked(arm)
        for model in (BASE, MAIN):
            yield f"general/{model}", lambda model=model: general_skill(self.scorers.scorer(model))  # type: ignore[misc]
        yield from self._written()
        yield from self._update()
        yield from self._footprints()
        yield f"train/{PLAIN}", lambda: self._train(PLAIN, self.sections, 0)
        for arm in PLAIN_ARMS:
            yield from self._asked(arm)
        for name, part in zip(list(self.adapters)[2:], self.settings.shares, strict=True):
            chosen = spread(self.sections, max(4, round(part * len(self.sections))))
            yield f"train/{name}", lambda n=name, c=chosen: self._train(n, c, self.settings.paraphrases)  # type: ignore[misc]
            yield from self._asked(Arm(name, name, CLOSED))

    def _asked(self, arm: Arm) -> Iterator[tuple[str, Callable[[], Record]]]:
        limit = self.settings.long_questions if arm.context == LONG else None
        chosen = spread(self.choices, limit)
        if arm.context == LONG:  # questions about one document after the other: its prompt is computed once
            chosen = tuple(sorted(chosen, key=lambda choice: self.contexts.sections[choice.section].path))
        for choice in chosen:
            yield f"choice/{arm.name}/{choice.id}", lambda choice=choice: self._ask(arm, choice)  # type: ignore[misc]

    def _ask(self, arm: Arm, choice: Choice) -> Record:
        question = self._reworded(choice) if arm.reworded else choice.question
        if question not in self._found and arm.context != CLOSED:
            self._found[question] = self.contexts.found(question)
        before = self.contexts.text(arm.context, choice, self._found.get(question, ()))
        options = [answer_text(option, chinese=choice.chinese) for option in choice.options]
        prompt = question_prompt(question, chinese=choice.chinese)
        started = time.perf_counter()
        if arm.context == LONG:
            scores = self.scorers.scorer(arm.model).score(before, prompt, options)
        else:
            scores = self.scorers.scorer(arm.model).score("", before + prompt, options)
        right = float(all(scores[0] > other for other in scores[1:]))
        return {
            "arm": arm.name,
            "choice": asdict(choice),
            "asked": question,
            "scores": scores,
            "right": right,
            "seconds": time.perf_counter() - started,
        }

    def _reworded(self, choice: Choice) -> str:
        """The wording that is held out of all trainings."""
        section = self.contexts.sections[choice.section]
        return paraphrases(section.title, self.settings.paraphrases + 1, chinese=section.chinese)[-1]

    @cached_property
    def contexts(self) -> Contexts:
        """What stands before questions."""
        by_id = {section.id: section for section in self.everything}
        return Contexts(self.means.retriever, by_id, self.means.count_tokens, self.settings.long_tokens)

    def _train(self, name: str, sections: Sequence[NoteSection], paraphrases: int) -> Record:
        """A training; the one without paraphrases has as many steps as the main one."""
        data = self.settings.data(paraphrases=paraphrases)
        like = self.settings.data() if name == PLAIN else data
        examples = len(build_data(sections, self.means.count_tokens, like).train)
        training = self.settings.training(examples)
        out = self.adapters[name]
        out.parent.mkdir(exist_ok=True)
        self.scorers.drop()
        self._answering = None
        card = finetune(self.means.load_base, sections, out, data=data, training=training, progress=self.progress)
        return {"card": asdict(card), "sections": len(sections)}

    def _written(self) -> Iterator[tuple[str, Callable[[], Record]]]:
        tokens = self.settings.data().answer_tokens
        retriever = self.means.retriever
        for name in ("base", "rag", "fine-tuned", "fine-tuned-rag"):
            for section in spread(self.sections, self.settings.generated):
                expected = lead(section, self.means.count_tokens, tokens)
                yield (
                    f"answer/{name}/{section.id}",
                    lambda n=name, s=section, e=expected: {  # type: ignore[misc]
                        "arm": n,
                        **answered(self._answers(n), s, e, retriever, self._judged_with),
                    },
                )
            for fact in FACTS:
                yield (
                    f"no-answer/{name}/{fact.id}",
                    lambda n=name, f=fact: {  # type: ignore[misc]
                        "arm": n,
                        **unanswerable(self._answers(n), f, retriever, self._judged_with),
                    },
                )

    def _answers(self, name: str) -> NotesAnswerer:
        """A way of answering; only the last one is kept in memory."""
        if self._answering is None or self._answering[0] != name:
            self._answering = None
            self._answering = (name, self._loaded(name))
        return self._answering[1]

    def _loaded(self, name: str) -> NotesAnswerer:
        means = self.means
        if name == "rag":
            return means.rag(means.retriever)
        model = means.language_model(self.adapters[MAIN] if name.startswith(MAIN) else None)
        return means.fine_tuned(model, means.retriever, grounded=name.endswith("rag"))

    @cached_property
    def _judged_with(self) -> MetricMeans:
        checker, retriever = self.means.load_checker(), self.means.retriever
        return MetricMeans(ScoringJudge(checker, checker.threshold), retriever.embedder, retriever.reranker)

    def _update(self) -> Iterator[tuple[str, Callable[[], Record]]]:
        test = UpdateTest(self.folder.path / "update", self.means, self.adapters[MAIN], self.settings)
        yield "update/rag", test.rag
        yield "update/fine-tuned-rag", test.grounded
        yield "update/untrained", test.untrained
        yield "update/before", test.learned
        stages = 0
        while stages < self.settings.update_stages and not self._all_is_known(stages - 1):
            yield f"update/stage-{stages}", lambda stage=stages: test.trained_on(stage)  # type: ignore[misc]
            stages += 1
        yield "update-words/rag", test.rag_in_words
        yield "update-words/fine-tuned", lambda: test.tuned_in_words(test.stage(stages - 1), grounded=False)
        yield "update-words/fine-tuned-rag", lambda: test.tuned_in_words(self.adapters[MAIN], grounded=True)

    def _all_is_known(self, stage: int) -> bool:
        """Whether training on has brought all that can be brought."""
        last = self._done.get(f"update/stage-{stage}")
        return bool(last and share(last["asked"], "right") == 1.0 and not share(last["asked"], "stale"))

    def _footprints(self) -> Iterator[tuple[str, Callable[[], Record]]]:
        sections = spread(self.sections, _FOOTPRINT_QUESTIONS)
        questions = tuple(choice.question for section in sections for choice in self.choices if choice.section == section.id)
        adapter, means = str(self.adapters[MAIN]), self.means
        modes: dict[str, Answering] = {
            "base": "closed", "rag": "rag", "long-context": "long", "fine-tuned": "closed", "fine-tuned-rag": "grounded"
        }  # fmt: skip
        for name, mode in modes.items():
            folder = adapter if name.startswith(MAIN) else None
            base = means.base if mode != "rag" or means.composes else None
            spec = Spec(mode, base, folder, str(means.index), means.embeddings, means.reranker, questions[:_FOOTPRINT_QUESTIONS])
            yield f"footprint/{name}", lambda spec=spec: measure(spec)  # type: ignore[misc]
        yield "ingest", lambda: ingest_seconds(means.retriever)
        files = {**means.files, "index": means.index, "adapter": self.adapters[MAIN]}
        yield "parts", lambda: {"bytes": parts(files)}


def spread(items: Sequence[T], limit: int | None) -> tuple[T, ...]:
    """So many items, the same ones each time and from all parts; all without a limit."""
    count = min(limit or len(items), len(items))
    return tuple(items[i * len(items) // count] for i in range(count))
