"""Is everything in order? Versions, processors, models and the index, one finding a line."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from app.presets import describe_presets
from app.session import Session
from corpus.errors import CatalogueCorrupt, InterviewRagError
from retrieval.store import IndexStore

if TYPE_CHECKING:
    from generation.models.language_model import Runtime

_PACKAGES = ("torch", "transformers", "sentence-transformers", "peft", "langchain", "rank-bm25", "gradio")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `ok` unless it is broken; what is merely not there yet is no fault."""

    name: str
    detail: str
    ok: bool = True


def examine(session: Session) -> tuple[Finding, ...]:
    """Look at everything that the commands need; loads no model."""
    return (*_versions(), *_processors(), *_encoder(session), *_models(session), *_index(session))


def _versions() -> Iterator[Finding]:
    yield Finding("interview-rag", f"{importlib.metadata.version('interview-rag')} on Python {platform.python_version()}")
    yield Finding("packages", ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES))


def _processors() -> Iterator[Finding]:
    import torch

    gpus = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())) or "none"
    yield Finding("processors", f"{torch.get_num_threads()} CPU threads, GPUs: {gpus}")
    try:
        from retrieval.dense import faiss

        module = faiss()
    except InterviewRagError as error:
        yield Finding("faiss", str(error), ok=False)
        return
    build = next((name for name in _faiss_builds()), "unknown build")
    yield Finding(
        "faiss",
        f"{module.__version__} ({build}), GPUs: {module.get_num_gpus() if hasattr(module, 'get_num_gpus') else 0}",
    )


def _encoder(session: Session) -> Iterator[Finding]:
    from retrieval.encoder import choose_runtime, describe_runtime

    try:
        yield Finding("encoder", describe_runtime(choose_runtime(session.settings.device, session.runtime)))
    except InterviewRagError as error:
        yield Finding("encoder", str(error), ok=False)


def _faiss_builds() -> Iterator[str]:
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"] or ""
        if name.startswith("faiss"):
            yield name


def _models(session: Session) -> Iterator[Finding]:
    from generation.models import bundled_gguf
    from generation.models.language_model import BUNDLED_GENERATOR
    from retrieval import bundled_e5

    settings = session.settings
    used = {settings.embeddings, settings.generator} | ({BUNDLED_GENERATOR} if settings.answering.reader else set())
    for state in (bundled_e5.state(), *(bundled_gguf.state(name) for name in bundled_gguf.MODELS)):
        broken = state.status == "damaged" or (state.status == "weights missing" and state.name in used)
        yield Finding(state.name, f"{state.status}, sha256 {state.sha256[:12]}, {state.path}", ok=not broken)
    if not settings.embeddings.startswith("bundled:"):
        yield Finding(settings.embeddings, "configured; loaded on first use")
    yield from _generator(session)
    yield from _reader(session)
    yield from _rope(session)
    yield Finding("presets", describe_presets())


def _generator(session: Session) -> Iterator[Finding]:
    """What answers are composed with, as far as it can be told without loading it."""
    settings = session.settings
    name = settings.generator
    adapter = session.composing_adapter if settings.answering.compose else settings.adapter
    try:
        if adapter:
            from generation.models.adapter import check_base

            check_base(adapter.expanduser(), name)
        parts = [_runtime_of_generator(session), f"adapter {adapter}" if adapter else ""]
        yield Finding("generator", ", ".join(filter(None, (name, *parts))))
    except InterviewRagError as error:
        yield Finding("generator", str(error), ok=False)


def _reader(session: Session) -> Iterator[Finding]:
    """What judges the lines of the notes, if anything does."""
    from generation.models.adapter import BUNDLED_READER
    from generation.models.language_model import BUNDLED_GENERATOR

    if not session.settings.answering.reader:
        yield Finding("reader", "none (answering.reader = false)")
        return
    runs = _runtime_of(BUNDLED_GENERATOR, session.settings.device)
    yield Finding("reader", f"{BUNDLED_GENERATOR}, adapter {BUNDLED_READER.name}, {runs}")


def _runtime_of_generator(session: Session) -> str:
    """What runs it; of a server, whether it answers and has the model."""
    from generation.models.language_model import OPENAI

    settings = session.settings
    if settings.generator.startswith(OPENAI):
        from generation.models.endpoint_model import served_models

        models = served_models(settings.generator, settings.generator_url, min(settings.generator_seconds, 5.0))
        known = "" if settings.generator.removeprefix(OPENAI) in models else f", which lists {', '.join(models) or 'no model'}"
        return f"served at {settings.generator_url}{known}"
    wanted = None if settings.generator_runtime == "auto" else settings.generator_runtime
    return _runtime_of(settings.generator, settings.device, wanted, settings.generator_bits)


def _runtime_of(name: str, device: str | None, wanted: Runtime | None = None, bits: int | None = None) -> str:
    """What runs a model on this machine; converts no weights."""
    from generation.models import bundled_gguf
    from generation.models.model_loading import choose_runtime
    from generation.models.model_source import find_model

    ready = bundled_gguf.state(name).status == "ready" if name.startswith("bundled:") else Path(name).expanduser().exists()
    return f"run by {choose_runtime(find_model(name), device, wanted, bits)}" if ready else "loaded on first use"


def _rope(session: Session) -> Iterator[Finding]:
    """The window of the generator, for short prompts and for the longest that the settings allow; converts no weights."""
    from generation.models import bundled_gguf
    from generation.models.language_model import OPENAI
    from generation.models.rope import native_window, read_config

    name = session.settings.generator
    if name.startswith(OPENAI) or (name in bundled_gguf.MODELS and bundled_gguf.state(name).status != "ready"):
        return
    longest = session.settings.answering.long_context_tokens
    try:
        native = native_window(read_config(name))
        short, long = (session.rope.scaling(native, n).apply(read_config(name)) for n in (0, longest))
    except InterviewRagError as error:
        yield Finding("generator", str(error), ok=False)
        return
    yield Finding(
        "generator", f"{name}: native window {native} tokens; RoPE scaling {short}, for prompts of {longest} tokens {long}"
    )


def _index(session: Session) -> Iterator[Finding]:
    store = session.store
    if not store.exists:
        yield Finding("index", f"none at {store.path} yet: run `interview-rag ingest PATH`")
        return
    try:
        yield from _catalogue(store)
        damaged = store.damaged_files()
        store.snapshot(session.settings.embeddings, use_gpu=False).close()
    except InterviewRagError as error:
        yield Finding("index", str(error), ok=False)
        return
    if damaged:
        yield Finding("index", f"{store.path}: wrong checksum of {', '.join(damaged)}: run `interview-rag reindex`", ok=False)
        return
    catalogue = store.catalogue()
    try:
        documents = catalogue.documents()
    finally:
        catalogue.close()
    chunks = sum(document.chunks for document in documents)
    yield Finding(
        "index",
        f"{store.path}: generation {store.current_generation()}, {len(documents)} documents, {chunks} chunks, checksums right",
    )


def _catalogue(store: IndexStore) -> Iterator[Finding]:
    """Whatever is wrong with the catalogue itself, found by reading all of it."""
    catalogue = store.catalogue()
    try:
        damage = list(islice(catalogue.damage(), 3))
    finally:
        catalogue.close()
    if damage:
        yield Finding(
            "catalogue", str(CatalogueCorrupt(path=catalogue.path, reason="; ".join(damage), folder=store.path)), ok=False
        )
