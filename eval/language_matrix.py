"""Recall by language of question and language of notes, each language's notes searched by themselves.

Notes that exist in one Chinese script only are searched in the other too, as converted copies: which script an author wrote in
should not matter. A cell counts the questions whose answer stands in notes of its column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from corpus.documents import Chunk, Language
from corpus.language import to_simplified, to_traditional
from eval.gold import GoldQuestion
from eval.metrics import Estimate, mean_with_interval, recall_at
from eval.scratch_index import scratch_snapshot
from retrieval.embedder import Embedder
from retrieval.retriever import HybridRetriever
from retrieval.weights import Progress

LANGUAGES: tuple[Language, ...] = ("zh-Hans", "zh-Hant", "en")
_K = 5
_SCRIPTS: dict[str, Callable[[str], str]] = {"zh-Hans": to_simplified, "zh-Hant": to_traditional}


@dataclass(frozen=True, slots=True)
class Cell:
    """Recall@5 of `n` questions in one language over notes in one language; None without questions."""

    questions: Language
    notes: Language
    n: int
    recall: Estimate | None


def language_matrix(
    gold: Sequence[GoldQuestion], retriever: HybridRetriever, embedder: Embedder, progress: Progress | None = None
) -> tuple[Cell, ...]:
    """The nine cells, by notes and then by question.

    Args:
        gold: the questions; those without an answer are not asked.
        retriever: searches the notes that the questions are about, and is copied for each language of them.
        embedder: its embedder, or one that caches its vectors.
        progress: called with "embed" or "search", how much is done, and how much there is.
    """
    cells = []
    for notes in LANGUAGES:
        chunks = tuple(_notes(retriever, notes))
        asked = [q for question in gold if (q := _within(question, chunks, notes)) is not None]
        recalls = _recalls(asked, chunks, retriever, embedder, progress) if asked else {}
        for language in LANGUAGES:
            values = [recalls[q.id] for q in asked if q.lang == language]
            cells.append(Cell(language, notes, len(values), mean_with_interval(values) if values else None))
    return tuple(cells)


def _notes(retriever: HybridRetriever, language: Language) -> Iterator[Chunk]:
    """The chunks of all notes of a language; Chinese ones in its script."""
    catalogue = retriever.snapshot.catalogue
    written = {stored.path: stored.language for stored in catalogue.documents()}
    for chunk in catalogue.chunks():
        own = written[chunk.path]
        if own == language:
            yield chunk
        elif own in _SCRIPTS and language in _SCRIPTS:
            convert = _SCRIPTS[language]
            yield replace(
                chunk, heading=tuple(map(convert, chunk.heading)), text=convert(chunk.text), language=_script(chunk, language)
            )


def _script(chunk: Chunk, language: Language) -> Language:
    return language if chunk.language in _SCRIPTS else chunk.language


def _within(question: GoldQuestion, chunks: Sequence[Chunk], language: Language) -> GoldQuestion | None:
    """A question as it is answered from these chunks; None if they do not answer it, or not all of it."""
    paths = {chunk.path for chunk in chunks}
    files = tuple(path for path in question.gold_files if path in paths)
    if not question.answerable or not files or (question.gold_mode == "all" and len(files) < len(question.gold_files)):
        return None
    headings = {(chunk.path, heading) for chunk in chunks for heading in chunk.heading}
    convert = _SCRIPTS.get(language, str)
    places = (place for place in question.gold_sections if place.path in paths)
    # Notes that are in the column's script already keep their headings as they are.
    sections = tuple(
        place if (place.path, place.heading) in headings else place.model_copy(update={"heading": convert(place.heading)})
        for place in places
    )
    return question.model_copy(update={"gold_files": files, "gold_sections": sections})


def _recalls(
    asked: Sequence[GoldQuestion],
    chunks: Sequence[Chunk],
    retriever: HybridRetriever,
    embedder: Embedder,
    progress: Progress | None,
) -> dict[str, float]:
    report = progress or (lambda _stage, _done, _total: None)
    recalls = {}
    on_gpu = retriever.snapshot.dense.device == "gpu"
    with scratch_snapshot(chunks, embedder, use_gpu=on_gpu, progress=progress) as snapshot:
        searcher = retriever.model_copy(update={"snapshot": snapshot, "embedder": embedder})
        for done, question in enumerate(asked, 1):
            found = searcher.search(question.question, history=question.history, k=max(_K, searcher.settings.k))
            recalls[question.id] = recall_at(_K, [hit.chunk for hit in found.hits], question)
            report("search", done, len(asked))
    return recalls
