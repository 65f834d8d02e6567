"""How well questions find their passages, and sentences their place within them, on labelled sets.

Each set becomes an index of its own, one passage a context, and is searched by the retriever as it is configured. Questions of
one passage resemble each other, so the intervals, which take them as independent, are a little narrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpus.documents import Chunk, SourceMap
from corpus.language import detect_language
from eval.embedding_cache import CachedEmbedder
from eval.gold import read_gold
from eval.labelled_sets import LabelledSet
from eval.language_matrix import language_matrix
from eval.metrics import Estimate, mean_with_interval
from eval.ranking import METRICS, ranking_metrics, reciprocal_rank_fusion
from eval.scratch_index import scratch_snapshot
from eval.sentence_ranking import SentenceRanker
from retrieval.analysis import terms
from retrieval.embedder import Embedder
from retrieval.query import Query, analyse
from retrieval.rerank import Reranker
from retrieval.retriever import HybridRetriever, RetrievalSettings
from retrieval.snapshot import Snapshot
from retrieval.weights import Progress

Report = dict[str, Any]
# Passages of a ranking that are looked at; one that is found later counts as not found.
DEPTH = 100


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """What one method reached on `n` questions: means with intervals, by metric."""

    method: str
    n: int
    metrics: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class SetFigures:
    """What was measured on one set.

    Attributes:
        passages: size of the collection.
        questions, asked: how many the set has, and how many of them were asked.
        held_out: whether only questions about articles that the reranker was not trained on were asked.
        ranking: passages within the collection: recall@1, 5 and 10, mrr@10, ndcg@10, map.
        sentences: sentences within the right passage: top1 and top3, where the set says which words are the answer.
    """

    name: str
    passages: int
    questions: int
    asked: int
    held_out: bool
    ranking: tuple[MethodFigures, ...]
    sentences: tuple[MethodFigures, ...]


def measure_sets(
    sets: Sequence[LabelledSet],
    vectors: Path,
    *,
    embedder: Embedder,
    reranker: Reranker | None,
    settings: RetrievalSettings,
    use_gpu: bool = True,
    progress: Progress | None = None,
) -> Report:
    """The figures of all sets, with what they were measured with, ready for JSON; `vectors` is the file that keeps vectors.

    See `measure_set` for the rest.
    """
    with closing(CachedEmbedder(embedder, vectors)) as cached:
        figures = [
            measure_set(
                labelled,
                embedder=cached,
                reranker=reranker,
                settings=settings,
                use_gpu=use_gpu,
                progress=progress,
            )
            for labelled in sets
        ]
    made_with = _made_with(embedder, reranker, settings)
    return {**made_with, "sets": [asdict(figure) for figure in figures]}


def measure_languages(questions: Path, retriever: HybridRetriever, vectors: Path, progress: Progress | None = None) -> Report:
    """The matrix of languages for a gold file, with what it was measured with, ready for JSON."""
    gold = read_gold(questions)
    with closing(CachedEmbedder(retriever.embedder, vectors)) as cached:
        cells = language_matrix(gold, retriever, cached, progress)
    made_with = _made_with(retriever.embedder, retriever.reranker, retriever.settings)
    return {**made_with, "languages": [asdict(cell) for cell in cells]}


def _made_with(embedder: Embedder, reranker: Reranker | None, settings: RetrievalSettings) -> Report:
    return {
        "embeddings": embedder.name,
        "reranker": reranker.name if reranker else None,
        "settings": asdict(settings),
    }


def measure_set(
    labelled: LabelledSet,
    *,
    embedder: Embedder,
    reranker: Reranker | None,
    settings: RetrievalSettings,
    use_gpu: bool = True,
    progress: Progress | None = None,
) -> SetFigures:
    """Ask all questions of a set.

    Args:
        labelled: the set, with the questions chosen.
        embedder: embeds passages, sentences and questions.
        reranker: without one, the methods that need it are left out.
        settings: how the retriever searches.
        use_gpu: search on a GPU where FAISS sees one.
        progress: called with "embed", "search" or "sentences", how much is done, and how much there is.
    """
    report = progress or (lambda _stage, _done, _total: None)
    chunks = [_chunk(number, *passage, embedder) for number, passage in enumerate(labelled.passages)]
    with scratch_snapshot(chunks, embedder, use_gpu=use_gpu, progress=progress) as snapshot:
        retriever = HybridRetriever(snapshot=snapshot, embedder=embedder, reranker=reranker, settings=settings)
        rankings: dict[str, dict[str, Sequence[str]]] = {}
        for done, question in enumerate(labelled.questions, 1):
            for method, found in rank_passages(question.text, retriever).items():
                rankings.setdefault(method, {})[str(done)] = found
            report("search", done, len(labelled.questions))
        relevant = {
            str(number): {_path(passage): grade for passage, grade in question.relevant.items()}
            for number, question in enumerate(labelled.questions, 1)
        }
        return SetFigures(
            labelled.name,
            len(labelled.passages),
            labelled.total,
            len(labelled.questions),
            labelled.held_out,
            tuple(_figures(method, ranking_metrics(found, relevant)) for method, found in rankings.items()),
            _sentences(labelled, chunks, snapshot, embedder, reranker, report),
        )


def rank_passages(question: str, retriever: HybridRetriever) -> dict[str, Sequence[str]]:
    """Paths of the passages that each method finds, best first: at most `DEPTH`.

    "rrf" fuses "bm25" and "dense" by rank, as many pipelines do, for comparison. The reranker reads as many passages as in a
    search; those that it does not read follow in the order of "fused".
    """
    query = analyse(question)
    lexical, dense = _searches(query, retriever.snapshot, retriever.embedder)
    first_stage = retriever.model_copy(update={"reranker": None})
    fused = [hit.chunk.path for hit in first_stage.find(query, k=DEPTH).hits]
    found: dict[str, Sequence[str]] = {
        "bm25": lexical,
        "dense": dense,
        "rrf": reciprocal_rank_fusion(lexical, dense)[:DEPTH],
        "fused": fused,
    }
    if retriever.reranker:
        read = max(retriever.settings.k, retriever.settings.rerank_pool)
        best = [hit.chunk.path for hit in retriever.find(query, k=read).hits]
        found["reranked"] = [*best, *(path for path in fused if path not in set(best))]
    return found


def _searches(query: Query, snapshot: Snapshot, embedder: Embedder) -> tuple[list[str], list[str]]:
    """What each of the two searches finds by itself; BM25 finds only what shares a term with the question."""
    lexical, _ = snapshot.bm25.search(terms(query.text), DEPTH)
    near, _ = snapshot.dense.search(embedder.encode_query(query.text), DEPTH)
    # Chunks lie in the order of their paths, which are their numbers.
    return [_path(int(row)) for row in lexical], [_path(int(row)) for row in near]


def _path(number: int) -> str:
    return f"{number:09d}"


def _chunk(number: int, heading: str, text: str, embedder: Embedder) -> Chunk:
    headings = (heading,) if heading else ()
    tokens = embedder.count_tokens(text)
    return Chunk(_path(number), 0, headings, text, 0, len(text), SourceMap(), detect_language(text), tokens)


def _figures(method: str, questions: Mapping[str, Mapping[str, float]]) -> MethodFigures:
    values = {name: [metrics[name] for metrics in questions.values()] for name in METRICS}
    return MethodFigures(method, len(questions), {name: mean_with_interval(sample) for name, sample in values.items()})


def _sentences(
    labelled: LabelledSet,
    chunks: Sequence[Chunk],
    snapshot: Snapshot,
    embedder: Embedder,
    reranker: Reranker | None,
    report: Progress,
) -> tuple[MethodFigures, ...]:
    """Whether a sentence that holds the answer is first, or among the first three, in the passage that is known to hold it."""
    asked = [question for question in labelled.questions if question.answers]
    if not asked:
        return ()
    ranker = SentenceRanker(chunks, snapshot.bm25, embedder, reranker)
    right: dict[str, list[list[bool]]] = {}
    for done, question in enumerate(asked, 1):
        (passage,) = question.relevant
        for method, order in ranker.rank(question.text, passage).items():
            right.setdefault(method, []).append([_holds(span, question.answers) for span in order])
        report("sentences", done, len(asked))
    return tuple(
        MethodFigures(
            method, len(orders), {f"top{k}": mean_with_interval([float(any(order[:k])) for order in orders]) for k in (1, 3)}
        )
        for method, orders in right.items()
    )


def _holds(sentence: tuple[int, int], answers: Sequence[tuple[int, int]]) -> bool:
    """Whether a sentence holds a part of an answer."""
    return any(sentence[0] < end and start < sentence[1] for start, end in answers)
