"""What comes out: hits of a search and checked, cited answers, with their JSON rows.

The rows are the command contract (docs/architecture.md): CLI, UI and evaluation all show the same objects. `answer_row` and
`answer_from_row` are inverse to each other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from corpus.documents import Chunk, ChunkId, Language

Origin = Literal["generated", "quoted"]
Outcome = Literal["answered", "quoted", "refused"]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one hit, higher is better; None where a stage did not run.

    Attributes:
        bm25: BM25 score, unbounded.
        dense: cosine similarity of the embeddings.
        fused: standardised weighted sum of the two.
        rerank: relevance given by the reranker, 0-1.
    """

    bm25: float | None = None
    dense: float | None = None
    fused: float | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """A sentence `text[start:end]` of a passage and the calibrated probability that it answers the question."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found for a question.

    Attributes:
        rank: from 1.
        chunk: what was found.
        score: the score that decided the rank.
        scores: the score of each stage.
        sentences: the chunk's sentences as the reranker scored them, in order; empty without one.
        duplicates: chunks elsewhere in the notes that say nearly the same; this one stands for them in the search.
        neighbours: chunks of the same section just before and after, in reading order, that are not hits themselves.
    """

    rank: int
    chunk: Chunk
    score: float
    scores: Scores
    sentences: tuple[SentenceScore, ...] = ()
    duplicates: tuple[Chunk, ...] = ()
    neighbours: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits for a question, best first.

    Attributes:
        query: the standalone question that was searched for.
        relevance: calibrated probability that the hits can answer the question, 0-1.
        seconds: wall-clock time by stage.
    """

    query: str
    hits: tuple[Hit, ...]
    relevance: float
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer.

    Attributes:
        text: as it is shown.
        citations: the numbers of its citations.
        support: how far they support it, 0-1; None: not scoreable.
        origin: written by a model, or quoted.
        note_language: language and script of the note that it is quoted from, if these are not the answer's: Chinese was
            converted to the answer's script then, and anything else stands as it is in the note; None if they are the same.
    """

    text: str
    citations: tuple[int, ...]
    support: float | None
    origin: Origin
    note_language: Language | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in the notes: source offsets of the quoted characters, which `quote` holds as their author wrote them.

    `page` counts from 1 where the document has pages.
    """

    n: int
    chunk_id: ChunkId
    path: str
    heading: tuple[str, ...]
    start: int
    end: int
    quote: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, or a refusal, to one question.

    Attributes:
        question: as the user asked it.
        query: the standalone question that was searched for.
        answer: the text shown: the refusal, if it is one, the notice, if any, and the sentences joined.
        notice: a line of ours before the sentences, such as that the notes are in another language.
        language: language and script of `answer`.
        refused: whether the notes were judged not to answer the question.
        outcome: "answered" if the model wrote part of it, "quoted" if all of it is quoted, or "refused".
        support: mean support of the sentences; None if none is scoreable.
        relevance: calibrated probability that the notes answer the question, 0-1.
        sentences: of the answer; of a refusal in doubt, what the notes have that comes nearest.
        suggestions: nearest headings, given with a refusal.
        model, adapter, rope: what generated; None if no model ran.
        left_out: what was dropped on the way and why, one line each.
        tokens: "prompt" and "completion" counts of the model.
        timings: seconds: "search", "rerank", "first_token", "total".
    """

    question: str
    query: str
    answer: str
    language: Language
    refused: bool
    outcome: Outcome
    support: float | None
    relevance: float
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    notice: str | None = None
    suggestions: tuple[str, ...] = ()
    model: str | None = None
    adapter: str | None = None
    rope: str | None = None
    left_out: tuple[str, ...] = ()
    tokens: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)


def hit_row(hit: Hit) -> Row:
    """The contract's JSON form of a hit."""
    chunk = hit.chunk
    row: Row = {
        "rank": hit.rank,
        "chunk_id": chunk.id,
        "path": chunk.path,
        "heading": list(chunk.heading),
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "score": hit.score,
        "scores": asdict(hit.scores),
    }
    if chunk.page is not None:
        row["page"] = chunk.page
    if hit.duplicates:
        row["duplicates"] = [
            {"path": copy.path, "heading": list(copy.heading), "start": copy.start, "end": copy.end} for copy in hit.duplicates
        ]
    if hit.neighbours:
        row["neighbours"] = [
            {"chunk_id": near.id, "start": near.start, "end": near.end, "text": near.text} for near in hit.neighbours
        ]
    return row


def search_row(question_id: str, result: SearchResult) -> Row:
    """The contract's JSON form of a search."""
    return {
        "id": question_id,
        "query": result.query,
        "relevance": result.relevance,
        "seconds": round(sum(result.seconds.values()), 4),
        "hits": [hit_row(hit) for hit in result.hits],
    }


def answer_row(answer: Answer, question_id: str | None = None) -> Row:
    """The contract's JSON form of an answer."""
    row = asdict(answer)
    return row if question_id is None else {"id": question_id, **row}


def answer_from_row(row: Row) -> Answer:
    """The answer that `answer_row` wrote, lists turned back into tuples; an "id" is ignored."""
    fields = {key: value for key, value in row.items() if key != "id"}
    fields["sentences"] = tuple(Sentence(**{**s, "citations": tuple(s["citations"])}) for s in row["sentences"])
    fields["citations"] = tuple(Citation(**{**c, "heading": tuple(c["heading"])}) for c in row["citations"])
    fields["suggestions"], fields["left_out"] = tuple(row["suggestions"]), tuple(row["left_out"])
    return Answer(**fields)
