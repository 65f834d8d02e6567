"""How fast each runtime of the language model is, beside llama.cpp on the same weights, and what its rounding costs.

Each runtime is measured in a process of its own, so that the memory is its own. Prefill is the rate at which a prompt of about
512 tokens is read that shares nothing with earlier ones; decode the rate of the tokens after the first, of a short prompt. Both
are of the fastest run, since other work on the machine can only slow one down (docs.python.org/3/library/timeit.html). The first
token is that of the default prompt with three pieces of evidence, the median over questions, asked after another one as the
second question of a session is. Perplexity is over the beginnings of some of our notes, a text each.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from eval.bench.llama_server import bench_llama_server
from eval.claim_sets import NOTES

if TYPE_CHECKING:
    from generation.models.language_model import LanguageModel, Runtime
    from retrieval.weights import Progress

_PROMPT_TOKENS = 512
_NEW_TOKENS = 32
_NOTES = 6
_CHARACTERS = 800
# llama.cpp on bundled:gemma-3-270m, measured once on a machine of this kind: 2 cores with AVX-512, no GPU.
_REFERENCE = {"bundled:gemma-3-270m": (593.0, 63.0)}


@dataclass(frozen=True, slots=True)
class GenerateRow:
    """One runtime; rates in tokens per second, of the fastest run.

    Attributes:
        runtime: its name.
        prefill, decode: tokens per second.
        first_token: seconds until the first text of the default prompt.
        load: seconds of loading, once the weights are converted.
        memory: most memory the process had resident, in MB, files it maps included.
        perplexity: over the notes' beginnings.
        not_kept: share of their tokens that the runtime cannot generate, left out of the perplexity.
    """

    runtime: str
    prefill: float
    decode: float
    first_token: float | None = None
    load: float | None = None
    memory: float | None = None
    perplexity: float | None = None
    not_kept: float | None = None


@dataclass(frozen=True, slots=True)
class GenerateBench:
    """All runtimes of one model.

    Attributes:
        baseline: what the ratios are held against: "llama.cpp" measured in this run, "llama.cpp (earlier)", or None.
        ratios: (prefill, decode) of each runtime over the baseline's.
    """

    model: str
    rows: tuple[GenerateRow, ...]
    baseline: str | None
    ratios: dict[str, tuple[float, float]]
    repeat: int
    load: float
    cores: int

    def lines(self) -> Iterator[str]:
        """The result as lines of text."""
        yield f"{self.model}, best of {self.repeat}"
        yield f"{'runtime':20} {'prefill':>8} {'decode':>8} {'first':>7} {'load':>7} {'memory':>8} {'perplexity':>11}"
        for row in self.rows:
            rest = (
                f"{row.first_token or 0:6.2f}s {row.load or 0:6.1f}s {row.memory or 0:6.0f}MB {row.perplexity or 0:11.3f}"
                if row.load
                else ""
            )
            yield f"{row.runtime:20} {row.prefill:6.0f}/s {row.decode:6.1f}/s {rest}"
        for runtime, (prefill, decode) in self.ratios.items():
            yield f"{runtime} over {self.baseline}: prefill {prefill:.2f}, decode {decode:.2f}"
        yield f"load average {self.load:.1f} on {self.cores} cores"


def bench_generate(
    model: str, *, repeat: int = 3, llama_server: Path | None = None, progress: Progress | None = None
) -> GenerateBench:
    """Measure every runtime that can run the model here.

    Raises:
        ModelNotFound, WeightsMissing, WeightsMismatch: the model cannot be loaded.
        EndpointUnavailable: llama-server does not start.
    """
    rows, runtimes = [], _runtimes(model)
    for done, runtime in enumerate(runtimes, start=1):
        rows.append(_apart(model, runtime, repeat))
        if progress:
            progress(runtime, done, len(runtimes))
    reference = _REFERENCE.get(model)
    if llama_server:
        rows.append(GenerateRow("llama.cpp", *bench_llama_server(model, llama_server, _note_text(), repeat, _NEW_TOKENS)))
    elif reference:
        rows.append(GenerateRow("llama.cpp (earlier)", *reference))
    base = rows[-1] if llama_server or reference else None
    own = [row for row in rows if row is not base]
    return GenerateBench(
        model=model,
        rows=tuple(rows),
        baseline=base.runtime if base else None,
        ratios={r.runtime: (round(r.prefill / base.prefill, 2), round(r.decode / base.decode, 2)) for r in own} if base else {},
        repeat=repeat,
        load=round(os.getloadavg()[0], 2),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )


def _runtimes(model: str) -> tuple[Runtime, ...]:
    from generation.models.model_loading import choose_runtime
    from generation.models.model_source import find_model

    fastest = choose_runtime(find_model(model))
    return (fastest,) if fastest == "transformers" else (fastest, "transformers")


def _apart(model: str, runtime: Runtime, repeat: int) -> GenerateRow:
    """`measure` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, model, runtime, repeat).result()


def measure(name: str, runtime: Runtime, repeat: int) -> GenerateRow:
    """One runtime, in this process."""
    from generation.models.language_model import Decoding
    from generation.models.model_loading import load_language_model

    started = time.perf_counter()
    model = load_language_model(name, runtime=runtime, chat=False, decoding=Decoding(max_tokens=_NEW_TOKENS))
    load = time.perf_counter() - started
    prefill, decode = _rates(model, repeat)
    first_token = _first_token(model, repeat)
    memory = round(_resident(), 1)
    perplexity, not_kept = _perplexity(model)
    return GenerateRow(runtime, prefill, decode, first_token, round(load, 2), memory, perplexity, not_kept)


def _rates(model: LanguageModel, repeat: int) -> tuple[float, float]:
    """Tokens per second of prefill and of decoding; a first run, which compiles kernels, does not count."""
    short = model.model_copy(update={"decoding": replace(model.decoding, max_tokens=1)})
    prompt = _cut(model, _note_text())
    prefill, decode = [], []
    for run in range(repeat + 1):
        # Another number at the beginning, another prompt: nothing of it is in a cache.
        text = f"{run} {prompt}"
        read, _ = _timed(short, text)
        prefill.append(model.count_tokens(text) / read)
        few = f"{run} {prompt[:100]}"
        first, _ = _timed(short, few)
        whole, written = _timed(model, few)
        decode.append((model.count_tokens(written) - 1) / max(whole - first, 1e-9))
    return round(max(prefill[1:]), 1), round(max(decode[1:]), 1)


def _timed(model: LanguageModel, prompt: str) -> tuple[float, str]:
    started = time.perf_counter()
    text = model.invoke(prompt)
    return time.perf_counter() - started, text


def _first_token(model: LanguageModel, repeat: int) -> float:
    from generation.compose import build_prompt

    seconds = []
    for path in sorted((NOTES / "zh").glob("*.md"))[: repeat + 1]:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if len(line) > 40][:3]
        stream = model.stream(build_prompt(path.stem, lines, "zh-Hans"))
        started = time.perf_counter()
        next(stream)
        seconds.append(time.perf_counter() - started)
    return round(statistics.median(seconds[1:]), 3)


def _perplexity(model: LanguageModel) -> tuple[float, float]:
    import numpy as np

    found = [model.log_probabilities(text) for text in _beginnings()]  # type: ignore[attr-defined]
    joined = np.concatenate(found)
    kept = np.isfinite(joined)
    return round(float(np.exp(-joined[kept].mean())), 3), round(float(1 - kept.mean()), 5)


def _beginnings() -> list[str]:
    paths = [path for language in ("zh", "en") for path in sorted((NOTES / language).glob("*.md"))[: _NOTES // 2]]
    return [path.read_text(encoding="utf-8")[:_CHARACTERS] for path in paths]


def _note_text() -> str:
    return "\n".join(_beginnings())


def _cut(model: LanguageModel, text: str) -> str:
    """The beginning of a text, about as long as the prompt is to be."""
    return text[: len(text) * _PROMPT_TOKENS // model.count_tokens(text)]


def _resident() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
