"""What all browser sessions share: the models, and the index as of its last commit; one piece of work on them at a time."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from app.status import index_status
from corpus.documents import Chunk, Language
from corpus.errors import UsageError
from corpus.results import Sentence
from ingest.parsing.questions import is_question
from ingest.pipeline import IngestSummary, ingest

if TYPE_CHECKING:
    from app.session import Mode, Session
    from corpus.results import Answer, SearchResult
    from generation.answering import NotesAnswerer, Question
    from retrieval.weights import Progress

SUFFIXES = (".md", ".txt")
_EXAMPLES = 6
_LONGEST_EXAMPLE = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """What the index holds and what answers from it.

    Attributes:
        languages: documents by language.
        generator: the language model, or None where answers only quote.
        examples: questions that the notes answer, taken from their headings, languages taking turns.
    """

    generation: int
    documents: int
    chunks: int
    languages: dict[Language, int]
    embeddings: str
    generator: str | None
    examples: tuple[str, ...]


class Desk:
    """Answers questions and takes in notes for any number of browser sessions.

    A lock serialises all work on the models and the index: tokenizers and the decoder's cache are not safe to share between
    threads, and a page that was closed may leave a step running after the queue has let the next question in.
    """

    def __init__(self, session: Session, adapters: Sequence[Path] = ()) -> None:
        """Open the index and load the models; those of `adapters` when they are first asked.

        Raises:
            IndexNotFound: nothing has been ingested yet.
            AdapterNotFound, AdapterMismatch: a folder holds nothing that `finetune` made of the generator.
        """
        self._session = session
        self._lock = Lock()
        self.adapters = _by_name(adapters or ([session.settings.adapter] if session.settings.adapter else []))
        for folder in self.adapters.values():
            session.check_fine_tuned(folder)
        self._answerers: dict[tuple[Mode, Path | None], NotesAnswerer] = {("rag", None): session.answering("rag")}
        self._facts: Facts | None = None

    @property
    def notes_folder(self) -> Path:
        """Where added notes are kept: beside the index, so that it can be deleted and rebuilt from them."""
        return self._session.store.path.resolve().parent / "notes"

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The ways to answer; the fine-tuned ones need an adapter."""
        return ("rag", "long-context", *(("fine-tuned", "fine-tuned-rag") if self.adapters else ()))

    def events(self, question: Question, mode: Mode = "rag", adapter: str | None = None) -> Iterator[Sentence | Answer]:
        """The events of `NotesAnswerer.events`, over the index as of its last commit.

        Args:
            question: what is asked.
            mode: how it is answered.
            adapter: one of the names in `adapters`, for the fine-tuned modes; the first if not given.

        Raises:
            UsageError: there is no such adapter.
        """
        with self._lock:
            events = self._current(mode, self._folder(mode, adapter)).events(question)
        while True:
            with self._lock:
                event = next(events, None)
            if event is None:
                return
            yield event

    def answer(self, question: Question, mode: Mode = "rag") -> Answer:
        """The whole answer at once."""
        *_, answer = self.events(question, mode)
        assert not isinstance(answer, Sentence)  # noqa: S101 - `events` always ends with it
        return answer

    def search(self, question: Question, k: int | None = None) -> SearchResult:
        """The passages that fit a question best, `k` of them or as many as the settings say."""
        with self._lock:
            return self._current("rag").retriever.search(question.text, history=question.history, k=k)

    def status(self, *, files: bool = False) -> dict[str, Any]:
        """What the index holds now, as `index_status` tells it."""
        return index_status(self._session.store, files=files)

    def health(self) -> dict[str, Any]:
        """That questions are answered, by which version and models, and over which commit."""
        facts = self.facts()
        return {
            "status": "ok",
            "version": version("interview-rag"),
            "generation": facts.generation,
            "embeddings": facts.embeddings,
            "generator": facts.generator,
        }

    def facts(self) -> Facts:
        """What the index holds now; counted again only after a commit."""
        store = self._session.store
        if self._facts is None or self._facts.generation != store.current_generation():
            status = index_status(store)
            catalogue = store.catalogue()
            try:
                examples = pick_examples(catalogue.chunks())
            finally:
                catalogue.close()
            settings = self._session.settings
            self._facts = Facts(
                generation=status["generation"],
                documents=status["documents"],
                chunks=status["chunks"],
                languages=dict(sorted(status["languages"].items(), key=lambda item: -item[1])),
                embeddings=settings.embeddings,
                generator=settings.generator if settings.answering.compose else None,
                examples=examples,
            )
        return self._facts

    def add_notes(self, files: Sequence[Path], progress: Progress) -> IngestSummary:
        """Move files into the notes folder, in place of files of the same name, and bring the index in step.

        Raises:
            UsageError: a file is of another type, or the folder cannot be written to; nothing was added.
            IndexBusy: another process is writing; the files are kept for its next ingestion.
        """
        if wrong := next((file.name for file in files if file.suffix.lower() not in SUFFIXES), None):
            raise UsageError(reason=f"{wrong}: only {' / '.join(SUFFIXES)}")
        try:
            self.notes_folder.mkdir(parents=True, exist_ok=True)
            kept = [Path(shutil.move(file, self.notes_folder / file.name)) for file in files]
        except OSError as error:
            raise UsageError(reason=f"{self.notes_folder}: {error.strerror or error}") from error
        session = self._session
        budget = session.settings.ingestion.chunk_tokens
        with self._lock:
            return ingest(kept, session.store, session.embedder, budget=budget, progress=progress)

    def _folder(self, mode: Mode, adapter: str | None) -> Path | None:
        if not mode.startswith("fine-tuned"):
            return None
        name = adapter or next(iter(self.adapters), "")
        if name not in self.adapters:
            wrong = f"there is no adapter {name!r}" if name else "the fine-tuned modes need an adapter"
            raise UsageError(reason=f"{wrong}: start `interview-rag serve` with --adapter DIR")
        return self.adapters[name]

    def _current(self, mode: Mode, adapter: Path | None = None) -> NotesAnswerer:
        """What answers in a mode over the last commit, whichever process made it."""
        found = self._answerers.get((mode, adapter))
        if found is None or self._session.store.current_generation() != found.retriever.snapshot.number:
            # The old snapshot is not closed: a page that was closed in the middle of an answer may still read from it.
            found = self._answerers[mode, adapter] = self._session.answering(mode, adapter)
        return found


def _by_name(folders: Sequence[Path]) -> dict[str, Path]:
    """Folders by their own names; by their whole paths where two are called the same."""
    names = [folder.name for folder in folders]
    return {name if names.count(name) == 1 else str(folder): folder for name, folder in zip(names, folders, strict=True)}


def pick_examples(chunks: Iterator[Chunk]) -> tuple[str, ...]:
    """The first question heading of each document, the languages taking turns, at most six."""
    first: dict[str, tuple[Language, str]] = {}
    for chunk in chunks:
        heading = chunk.heading[-1] if chunk.heading else ""
        if chunk.path not in first and len(heading) <= _LONGEST_EXAMPLE and is_question(heading):
            first[chunk.path] = (chunk.language, heading)
    by_language: dict[Language, list[str]] = defaultdict(list)
    for language, heading in first.values():
        by_language[language].append(heading)
    turns = zip_longest(*(by_language[language] for language in sorted(by_language, reverse=True)))
    return tuple(dict.fromkeys(heading for turn in turns for heading in turn if heading))[:_EXAMPLES]
