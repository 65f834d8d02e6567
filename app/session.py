"""What a command works with: the settings, the index, and the models, each loaded when first used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from corpus.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.settings import Settings
    from generation.answerer import Answerer, AnswerSettings
    from generation.answering import NotesAnswerer
    from generation.checker import Checker
    from generation.finetuning.answering import FineTunedAnswerer
    from generation.long_context import LongContextAnswerer
    from generation.models.language_model import LanguageModel
    from generation.models.rope import RopeScale, RopeSettings
    from generation.reader import Reader
    from generation.selection.evidence_choice import EvidenceSettings
    from retrieval.embedder import LazyEmbedder
    from retrieval.embeddings import SentenceTransformerEmbeddings
    from retrieval.encoder import Runtime
    from retrieval.query import Query
    from retrieval.rerank import Reranker
    from retrieval.retriever import HybridRetriever, RetrievalSettings
    from retrieval.store import IndexStore
    from retrieval.weights import Progress


# What the model reads: selected evidence, whole documents, nothing once fine-tuned, or the hits.
Mode = Literal["rag", "long-context", "fine-tuned", "fine-tuned-rag"]


class Placed(TypedDict):
    """What all loaders of encoders take."""

    device: str | None
    progress: Progress | None
    runtime: Runtime | None


class Session:
    """Everything a command needs, made from the settings on demand."""

    def __init__(self, settings: Settings, progress: Progress | None = None) -> None:
        self.settings = settings
        self.progress = progress
        self._models: dict[RopeScale | None, LanguageModel] = {}
        self._tuned: dict[Path, LanguageModel] = {}

    @cached_property
    def store(self) -> IndexStore:
        """The index folder."""
        from retrieval.store import IndexStore

        return IndexStore(self.settings.index.expanduser(), flat_up_to=self.settings.retrieval.flat_up_to)

    @cached_property
    def embedder(self) -> SentenceTransformerEmbeddings:
        """The embedding model."""
        from retrieval.embeddings import load_embeddings

        return load_embeddings(self.settings.embeddings, **self._placed)

    @cached_property
    def reranker(self) -> Reranker | None:
        """The reranker, or None if the settings name none."""
        from retrieval.rerank import load_reranker

        name = self.settings.reranker
        return load_reranker(name, **self._placed) if name else None

    @cached_property
    def checker(self) -> Checker:
        """What says how far a context supports a claim."""
        from generation.checker import load_checker

        return load_checker(**self._placed)

    @cached_property
    def reader(self) -> Reader | None:
        """What says how well each unit of the notes answers, or None if the settings want none."""
        from generation.reader import load_reader

        return load_reader(device=self.settings.device, progress=self.progress) if self.settings.answering.reader else None

    @property
    def runtime(self) -> Runtime | None:
        """What is to run the bundled encoder; None takes what there is."""
        return None if self.settings.encoder == "auto" else self.settings.encoder

    @property
    def _placed(self) -> Placed:
        """Where and how encoders are loaded."""
        return {"device": self.settings.device, "progress": self.progress, "runtime": self.runtime}

    @cached_property
    def lazy_embedder(self) -> LazyEmbedder:
        """The embedding model, loaded when it is first needed: a sync that finds nothing new does without."""
        from retrieval.embedder import LazyEmbedder

        return LazyEmbedder(self.settings.embeddings, lambda: self.embedder)

    @property
    def model(self) -> LanguageModel:
        """The language model for short prompts."""
        return self.model_for(0)

    @property
    def composing_adapter(self) -> Path | None:
        """The adapter of the model that writes answers: as set; without one, the bundled model's own for that."""
        from generation.models.adapter import BUNDLED_COMPOSER
        from generation.models.language_model import BUNDLED_GENERATOR

        own = self.settings.adapter is None and self.settings.generator == BUNDLED_GENERATOR
        return BUNDLED_COMPOSER if own else self.settings.adapter

    @cached_property
    def composer(self) -> LanguageModel:
        """What writes answers from evidence: the language model with `composing_adapter`."""
        adapter = self.composing_adapter
        if adapter == self.settings.adapter:
            return self.model
        return self._other_model(adapter=adapter)

    def _other_model(self, **changed: Any) -> LanguageModel:
        """A language model by other settings than these, which continues prompts."""
        return Session(self.settings.model_copy(update={**changed, "chat": False}), self.progress).model

    def model_for(self, tokens: int) -> LanguageModel:
        """The language model for a prompt and an answer of so many tokens, scaled as the settings say; loaded once a scaling."""
        from generation.models.language_model import OPENAI, Decoding
        from generation.models.model_loading import load_language_model

        chosen = self.settings
        served = chosen.generator.startswith(OPENAI)  # by a server, which does its own scaling
        if served and chosen.rope.method not in ("auto", "none"):
            raise UsageError(reason="a server scales RoPE itself: set rope.method to auto or none, and the scaling where it runs")
        scale = None if served else self.rope.scaling(self.native_window, tokens)
        if scale not in self._models:
            self._models[scale] = load_language_model(
                chosen.generator,
                decoding=Decoding(**chosen.decoding.model_dump()),
                device=chosen.device,
                runtime=None if chosen.generator_runtime == "auto" else chosen.generator_runtime,
                bits=chosen.generator_bits,
                adapter=chosen.adapter.expanduser() if chosen.adapter else None,
                chat=chosen.chat,
                rope=scale.apply if scale else None,
                url=chosen.generator_url,
                seconds=chosen.generator_seconds,
                progress=self.progress,
            )
        return self._models[scale]

    @property
    def rope(self) -> RopeSettings:
        """RoPE scaling as set."""
        from generation.models.rope import RopeSettings

        return RopeSettings(self.settings.rope.method, self.settings.rope.factor)

    @cached_property
    def native_window(self) -> int:
        """Tokens that the generator can be given as it is; of a server, which does not tell, the longest that is wanted."""
        from generation.models.language_model import OPENAI
        from generation.models.rope import native_window, read_config

        if self.settings.generator.startswith(OPENAI):
            return self.settings.answering.long_context_tokens
        return native_window(read_config(self.settings.generator, self.progress))

    @property
    def expand(self) -> Callable[[Query], Query] | None:
        """What adds wordings to a question, or None."""
        from generation.expand import hyde, multi_query

        expansions = {"multi-query": multi_query, "hyde": hyde}
        chosen = self.settings.retrieval.expansion
        return None if chosen == "none" else expansions[chosen](self.model)

    @property
    def retrieval_settings(self) -> RetrievalSettings:
        """How the retriever searches."""
        from retrieval.retriever import RetrievalSettings

        chosen = self.settings.retrieval
        return RetrievalSettings(
            k=chosen.k,
            pool=chosen.pool,
            dense_weight=chosen.dense_weight,
            rerank_pool=chosen.rerank_pool,
            rerank_weight=chosen.rerank_weight,
            diversity=chosen.diversity,
            widen=chosen.widen,
        )

    @property
    def evidence_settings(self) -> EvidenceSettings:
        """How the answerer selects evidence."""
        from generation.selection.evidence_choice import EvidenceSettings

        return EvidenceSettings(sentences=self.settings.answering.evidence_sentences)

    def retriever(self, *, k: int | None = None) -> HybridRetriever:
        """A retriever over the index as it is now.

        Raises:
            IndexNotFound: before any model is loaded.
        """
        from retrieval.retriever import HybridRetriever

        chosen = self.settings.retrieval
        snapshot = self.store.snapshot(self.settings.embeddings, use_gpu=chosen.use_gpu, probes=chosen.probes)
        settings = replace(self.retrieval_settings, k=k) if k else self.retrieval_settings
        return HybridRetriever(
            snapshot=snapshot, embedder=self.embedder, reranker=self.reranker, settings=settings, expand=self.expand
        )

    def answering(self, mode: Mode, adapter: Path | None = None) -> NotesAnswerer:
        """What answers in a mode over the index as it is now; `adapter` is for the fine-tuned ones."""
        if mode.startswith("fine-tuned"):
            return self.fine_tuned(adapter, grounded=mode == "fine-tuned-rag")
        return self.long_context() if mode == "long-context" else self.answerer()

    def answerer(self, *, compose: bool | None = None) -> Answerer:
        """Answers over the index as it is now; `compose` None does as the settings say."""
        from generation.answerer import Answerer

        retriever = self.retriever()
        composes = self.settings.answering.compose if compose is None else compose
        with ThreadPoolExecutor(1) as beside:
            # The language model's weights are made ready outside the interpreter's lock, so the checker loads meanwhile.
            models = beside.submit(lambda: (self.composer if composes else None, self.reader))
            checker = self.checker
            model, reader = models.result()
            return Answerer(retriever, checker, model, self.answer_settings, reader=reader)

    def long_context(self) -> LongContextAnswerer:
        """Answers from whole documents of the index as it is now."""
        from generation.long_context import LongContextAnswerer, LongContextSettings

        retriever = self.retriever()
        wanted = self.settings.answering.long_context_tokens
        window = self.rope.scaling(self.native_window, wanted).window(self.native_window)
        settings = LongContextSettings(min(wanted, window), self.answer_settings)
        return LongContextAnswerer(retriever, self.checker, self.model_for, settings, reader=lambda: self.reader)

    @property
    def answer_settings(self) -> AnswerSettings:
        """How the answerer answers."""
        from generation.answerer import AnswerSettings

        chosen = self.settings.answering
        return AnswerSettings(
            min_relevance=chosen.min_relevance,
            prompt_tokens=chosen.prompt_tokens,
            copy_only=chosen.copy_only,
            evidence=self.evidence_settings,
        )

    def fine_tuned(self, adapter: Path | None, *, grounded: bool) -> FineTunedAnswerer:
        """Answers of the model that `finetune` wrote into a folder, closed book or with passages to read.

        Raises:
            UsageError: no folder is given here nor in the settings.
            AdapterNotFound, AdapterMismatch: there is no adapter, or one of another model.
        """
        from generation.finetuning.answering import FineTunedAnswerer, FineTunedSettings

        settings = FineTunedSettings(grounded=grounded, min_relevance=self.settings.answering.min_relevance)
        return FineTunedAnswerer(self._tuned_model(adapter), self.retriever(), self.checker, settings)

    def _tuned_model(self, adapter: Path | None) -> LanguageModel:
        """The model of a folder; loaded once for both modes."""
        folder = adapter or self.settings.adapter
        if folder is None:
            raise UsageError(reason="name the folder that `finetune` wrote: --adapter DIR, or adapter in the settings")
        if folder not in self._tuned:
            generator, lora = self.check_fine_tuned(folder)
            self._tuned[folder] = self._other_model(generator=generator, adapter=lora)
        return self._tuned[folder]

    def check_fine_tuned(self, folder: Path) -> tuple[str, Path | None]:
        """The base and the adapter that a folder stands for, nothing loaded yet.

        Raises:
            AdapterNotFound, AdapterMismatch: there is no adapter, or one of another model.
        """
        from generation.finetuning.loading import base_and_adapter

        return base_and_adapter(self.settings.generator, folder.expanduser())
