"""Memory and time of an answer, each way of answering in a process of its own; the parts that each needs; time of an ingestion.

python -m eval.comparison.footprint SPEC    one line of JSON; SPEC is JSON too, see `Spec`
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from generation.answering import NotesAnswerer
    from generation.checker import Checker
    from generation.models.language_model import LanguageModel
    from retrieval.retriever import HybridRetriever

Answering = Literal["closed", "long", "rag", "grounded"]
_SECONDS = 600
_LONG_TOKENS = 8192  # of prompt and answer with whole documents
_CHUNKS = 500  # of the notes, for the time of an ingestion


@dataclass(frozen=True)
class Spec:
    """What a process loads and answers.

    Attributes:
        mode: "closed" (the model alone), "long" (whole documents), "rag" or "grounded" (search, model, check).
        base, adapter: the model; base None answers by quoting alone.
        index, embeddings, reranker: where and with what the notes are searched; unused closed book.
        questions: asked one after the other.
    """

    mode: Answering
    base: str | None
    adapter: str | None
    index: str
    embeddings: str
    reranker: str | None
    questions: tuple[str, ...]


def measure(spec: Spec) -> dict[str, Any]:
    """Run a spec in a new process: `load_seconds`, `seconds` by question, and `bytes`, the most memory that it had.

    Raises:
        RuntimeError: the process failed.
    """
    # This very code, and nothing of the same names in the folder where the user happens to be.
    command = [sys.executable, "-P", "-m", "eval.comparison.footprint", json.dumps(asdict(spec))]
    where = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(  # noqa: S603 - ourselves
        command, capture_output=True, text=True, timeout=_SECONDS, check=False, env={**os.environ, "PYTHONPATH": where}
    )
    if done.returncode:
        raise RuntimeError(f"measuring {spec.mode} failed: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def parts(paths: Mapping[str, Path]) -> dict[str, int]:
    """Bytes on disk by part."""
    return {name: _size(path) for name, path in paths.items()}


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size


def _run(spec: Spec) -> dict[str, Any]:
    started = time.perf_counter()
    model = _model(spec.base, Path(spec.adapter) if spec.adapter else None) if spec.base else None
    answer = _closed(model) if spec.mode == "closed" else _searched(spec, model)
    loaded = time.perf_counter() - started
    return {"load_seconds": loaded, "seconds": _timed(answer, spec.questions), "bytes": _peak()}


def _model(base: str, adapter: Path | None) -> LanguageModel:
    from generation.models.language_model import Decoding
    from generation.models.model_loading import load_language_model

    return load_language_model(base, decoding=Decoding(max_tokens=96), adapter=adapter, chat=False)


def _timed(answer: Any, questions: Sequence[str]) -> list[float]:
    found = []
    for question in questions:
        started = time.perf_counter()
        answer(question)
        found.append(time.perf_counter() - started)
    return found


def _closed(model: Any) -> Any:
    from corpus.language import detect_language
    from generation.prompts import question_prompt

    def answer(question: str) -> str:
        prompt = question_prompt(question, chinese=detect_language(question).startswith("zh"))
        return "".join(model.stream(prompt, stop=["\n"]))

    return answer


def _searched(spec: Spec, model: Any) -> Any:
    from generation.answering import Question
    from generation.checker import load_checker
    from retrieval.embeddings import load_embeddings
    from retrieval.rerank import load_reranker
    from retrieval.retriever import HybridRetriever
    from retrieval.store import IndexStore

    snapshot = IndexStore(Path(spec.index)).snapshot(spec.embeddings)
    reranker = load_reranker(spec.reranker) if spec.reranker else None
    retriever = HybridRetriever(snapshot=snapshot, embedder=load_embeddings(spec.embeddings), reranker=reranker)
    answerer = _answerer(spec, retriever, load_checker(), model)
    return lambda question: answerer.invoke(Question(question))


def _answerer(spec: Spec, retriever: HybridRetriever, checker: Checker, model: LanguageModel) -> NotesAnswerer:
    from generation.answerer import Answerer
    from generation.finetuning.answering import FineTunedAnswerer, FineTunedSettings
    from generation.long_context import LongContextAnswerer, LongContextSettings

    if spec.mode == "grounded":
        return FineTunedAnswerer(model, retriever, checker, FineTunedSettings(grounded=True))
    if spec.mode == "long":
        return LongContextAnswerer(retriever, checker, lambda _tokens: model, LongContextSettings(_LONG_TOKENS))
    return Answerer(retriever, checker, model)


def ingest_seconds(retriever: HybridRetriever) -> dict[str, Any]:
    """Seconds to embed the notes and write an index of them, measured on the first `_CHUNKS` of their chunks.

    Returns:
        `seconds` for `chunks`, and `all_chunks`, how many the notes have.
    """
    from eval.scratch_index import scratch_snapshot

    chunks = list(retriever.snapshot.catalogue.chunks(indexed=True))
    started = time.perf_counter()
    with scratch_snapshot(chunks[:_CHUNKS], retriever.embedder):
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "chunks": len(chunks[:_CHUNKS]), "all_chunks": len(chunks)}


def _peak() -> int:
    """The most memory that this process had, in bytes.

    Linux hands the resource usage of a process on to what it starts, so what counts there is the peak of this program's own
    memory; elsewhere it is the resource usage, in bytes (macOS).
    """
    status = Path("/proc/self/status")
    if status.exists():
        (peak,) = (line.split()[1] for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:"))
        return 1024 * int(peak)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(_run(Spec(**{**arguments, "questions": tuple(arguments["questions"])}))) + "\n")
