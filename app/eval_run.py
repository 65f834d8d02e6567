"""What `interview-rag eval` runs: the arms that were asked for, over one index, with one judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from corpus.errors import UsageError

if TYPE_CHECKING:
    from app.session import Session
    from eval.gold import GoldQuestion
    from eval.judge import Judge
    from eval.run import Subject
    from generation.answerer import Answerer

RETRIEVAL, QUOTED, COMPOSED, COPIED, RAW, GOLD_CONTEXT = "retrieval", "quoted", "composed", "copied", "raw", "gold-context"
_ARMS = (RETRIEVAL, QUOTED, COMPOSED, COPIED, RAW, GOLD_CONTEXT)
# Settings that no number depends on.
_NO_MATTER = {"index", "messages", "device", "ingestion"}


def chosen_arms(text: str | None, *, compose: bool) -> tuple[str, ...]:
    """The arms of `--arms`, in order; without it the way in which questions are answered by the settings.

    Raises:
        UsageError: there is no such arm.
    """
    if text is None:
        return (COMPOSED if compose else QUOTED,)
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in _ARMS]
    if unknown or not names:
        raise UsageError(reason=f"--arms takes {', '.join(_ARMS)}, not {', '.join(unknown) or 'nothing'}")
    return names


def subject_of(session: Session, arms: Sequence[str], judge: Judge) -> Subject:
    """What is measured: one search, and an answerer for each way of answering."""
    from eval.answer_metrics import Means
    from eval.run import Subject

    answerers = {arm: _answerer(session, arm) for arm in arms if arm != RETRIEVAL}
    means = Means(judge, session.embedder, session.reranker) if answerers else None
    return Subject(session.retriever(), answerers, means, with_gold=frozenset({GOLD_CONTEXT}))


def _answerer(session: Session, arm: str) -> Answerer:
    """Quoted and composed as set; `copied` composes in the words of the evidence, `raw` shows what the bare model writes."""
    from eval.raw_answers import RawAnswerer

    answerer = session.answerer(compose=arm in (COMPOSED, COPIED))
    if arm != COMPOSED:
        answerer.settings = replace(answerer.settings, copy_only=arm == COPIED)
    if arm == RAW:
        return RawAnswerer(answerer.retriever, answerer.checker, session.model, answerer.settings, reader=answerer.reader)
    return answerer


def facts_of(session: Session, gold: Sequence[GoldQuestion], subject: Subject, judge: Judge) -> dict[str, Any]:
    """What decides the numbers of a run, as JSON values by name."""
    from eval.run_files import fingerprint
    from retrieval.manifest import fingerprints

    settings = session.settings.model_dump(mode="json", exclude=_NO_MATTER)
    chunks = subject.retriever.snapshot.catalogue.chunks()
    index = {"chunks": fingerprint([(chunk.path, chunk.id) for chunk in chunks]), **fingerprints(session.settings.embeddings)}
    return {
        "questions": fingerprint([question.model_dump(mode="json") for question in gold]),
        "settings": settings,
        "index": index,
        "judge": judge.name,
        "arms": list(subject.answerers),
    }
