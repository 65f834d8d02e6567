"""Settings: defaults, then the configuration file, then the environment, then the command line; later ones win.

The configuration file is TOML, by default `config.toml` in the user's configuration folder, with the names used here:

    generator = "bundled:gemma-3-270m"
    [retrieval]
    k = 8

In the environment the same are INTERVIEW_RAG_GENERATOR and INTERVIEW_RAG_RETRIEVAL__K.
"""

from __future__ import annotations

import locale
import math
import tomllib
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from app.presets import PRESETS, Preset
from corpus.errors import MessageLanguage, UsageError
from ingest.read_limits import ReadLimits

DEFAULT_CONFIG = Path(platformdirs.user_config_dir("interview-rag", appauthor=False)) / "config.toml"
DEFAULT_INDEX = Path(platformdirs.user_data_dir("interview-rag", appauthor=False)) / "index"


class Section(BaseModel):
    """A table of the configuration file; unknown names are errors, so that a typing mistake is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_READ = ReadLimits()


class Limits(Section):
    """How much a single input may ask of the machine; what is over a limit is skipped and reported."""

    file_bytes: int = Field(_READ.file_bytes, ge=1, description="largest file, on disk or inside an archive")
    text_characters: int = Field(_READ.text_characters, ge=1, description="longest text of one file")
    pages: int = Field(_READ.pages, ge=1, description="most pages of a document")
    folder_depth: int = Field(_READ.folder_depth, ge=1, description="how deep folders may lie in folders")
    archive_files: int = Field(_READ.archive_files, ge=1, description="most files in one archive")
    archive_bytes: int = Field(_READ.archive_bytes, ge=1, description="most bytes that an archive may expand to")
    archive_ratio: int = Field(_READ.archive_ratio, ge=1, description="largest ratio of expanded to packed size of a file")
    archive_depth: int = Field(_READ.archive_depth, ge=1, description="how deep archives may lie in archives")


class Ingestion(Section):
    """How notes are read and cut."""

    chunk_tokens: int = Field(320, ge=32, le=480, description="most tokens of a chunk, in the embedding model's tokens")
    limits: Limits = Limits()


class Retrieval(Section):
    """How notes are searched."""

    k: int = Field(8, ge=1, le=100, description="hits per question")
    pool: int = Field(100, ge=1, description="candidates taken from BM25 and from dense search before fusion")
    dense_weight: float = Field(0.4, ge=0, le=1, description="weight of the dense score in the fusion")
    rerank_pool: int = Field(8, ge=1, le=200, description="how many of the best candidates the reranker reads")
    rerank_weight: float = Field(0.5, ge=0, le=1, description="weight of the reranker against the fused score")
    diversity: float = Field(0.0, ge=0, le=1, description="how much hits that repeat earlier ones are put back")
    widen: int = Field(1, ge=0, le=10, description="chunks of the same section before and after a hit that come with it")
    expansion: Literal["none", "multi-query", "hyde"] = Field("none", description="have the generator reword or draft")
    flat_up_to: int = Field(50_000, ge=0, description="most chunks whose vectors are all compared; inverted lists beyond")
    probes: int = Field(64, ge=1, description="inverted lists that a dense search looks into; more find more, and take longer")
    use_gpu: bool = Field(True, description="search on a GPU where FAISS sees one")


class Answering(Section):
    """How questions are answered."""

    compose: bool = Field(False, description="have the language model open the answer; false quotes the notes only")
    reader: bool = Field(True, description="have the bundled language model judge the lines of the notes; false is faster")
    min_relevance: float = Field(
        0.5, ge=0, le=1, description="below this probability that the notes answer, a question is refused"
    )
    evidence_sentences: int = Field(7, ge=1, le=40, description="most sentences of the notes in an answer")
    prompt_tokens: int = Field(600, ge=64, description="most tokens of evidence in the prompt")
    copy_only: bool = Field(False, description="a base model that composes writes only tokens of the evidence and the question")
    long_context_tokens: int = Field(16_384, ge=512, description="most tokens of prompt and answer in the mode long-context")


class Rope(Section):
    """RoPE scaling of the generator, for prompts longer than its native window (docs/rope.md)."""

    method: Literal["auto", "none", "linear", "ntk", "dynamic", "yarn", "llama3", "longrope"] = Field(
        "auto", description="auto scales only prompts that are longer than the native window"
    )
    factor: float | Literal["auto"] = Field("auto", description="window over native window; auto takes what the prompt needs")

    @field_validator("factor", mode="before")
    @classmethod
    def _number_or_auto(cls, value: object) -> object:
        # One message for both alternatives; of a union pydantic would report the first only.
        try:
            number = None if value == "auto" else float(str(value))
        except ValueError:
            number = math.nan
        if number is not None and not 1 <= number < math.inf:
            raise ValueError(f"{value} is no window to scale to: give a number from 1 up, or auto")
        return value if number is None else number


class DecodingSettings(Section):
    """How the language model picks tokens."""

    max_tokens: int = Field(96, ge=1)
    temperature: float = Field(0.0, ge=0, description="0 decodes greedily")
    top_k: int | None = Field(None, ge=1)
    top_p: float | None = Field(None, gt=0, le=1)
    min_p: float | None = Field(None, ge=0, le=1)
    repetition_penalty: float = Field(1.0, gt=0)
    seed: int = 0
    stop: tuple[str, ...] = Field((), description="strings that end a text before themselves")


class Settings(BaseSettings):
    """All settings of one run."""

    model_config = SettingsConfigDict(
        env_prefix="INTERVIEW_RAG_", env_nested_delimiter="__", extra="forbid", frozen=True, protected_namespaces=()
    )

    index: Path = Field(DEFAULT_INDEX, description="folder of the index")
    embeddings: str = Field("bundled:multilingual-e5-small", description="bundled: name, local folder or Hugging Face id")
    generator: str = Field(
        "bundled:gemma-3-270m", description="bundled: name, local folder, GGUF file, Hugging Face id, or openai:NAME on a server"
    )
    generator_url: str | None = Field(None, description="server of an openai: generator, such as http://127.0.0.1:8000/v1")
    generator_seconds: float = Field(120.0, gt=0, description="longest wait for that server to answer")
    generator_runtime: Literal["auto", "openvino", "transformers"] = Field(
        "auto", description="what runs the generator; auto takes OpenVINO on a processor if it is installed and knows the model"
    )
    generator_bits: Literal[4, 8, 16] | None = Field(
        None, description="bits of its weights: 8 with OpenVINO, 16 with transformers, or 4 and 8 with bitsandbytes"
    )
    adapter: Path | None = Field(None, description="folder of a PEFT adapter for the generator, as `finetune` writes it")
    chat: bool | None = Field(None, description="whether the generator is instruction-tuned; found out if not given")
    reranker: str | None = Field(
        "bundled:interview-reranker", description="bundled: name, folder or Hugging Face id of a cross-encoder; empty for none"
    )
    device: str | None = Field(None, description="torch device; found out if not given")
    encoder: Literal["auto", "openvino", "torch"] = Field(
        "auto", description="what runs the bundled encoder; auto takes OpenVINO on a processor if it is installed"
    )
    messages: Literal["auto", "en", "zh"] = Field("auto", description="language of messages; auto follows the locale")
    ingestion: Ingestion = Ingestion()
    retrieval: Retrieval = Retrieval()
    answering: Answering = Answering()
    decoding: DecodingSettings = DecodingSettings()
    rope: Rope = Rope()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags over environment over file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(config: Path | None = None, preset: Preset | None = None, **flags: Any) -> Settings:
    """Read the settings; flags that are None count as not given, and a preset counts as flags.

    Raises:
        UsageError: the file does not exist or is no TOML, or a setting is unknown or out of range.
    """
    if config is not None and not config.is_file():
        raise UsageError(reason=f"no such configuration file: {config}")

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=config or DEFAULT_CONFIG)

    try:
        given = {name: value for name, value in flags.items() if value is not None}
        return FromFile(**(PRESETS[preset].settings() if preset else {}), **given)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(reason=f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (tomllib.TOMLDecodeError, SettingsError) as error:
        raise UsageError(reason=f"configuration {config or DEFAULT_CONFIG}: {error}") from error


def message_language(settings_value: str = "auto") -> MessageLanguage:
    """The language of messages: as set, or that of the locale, English unless it is Chinese."""
    if settings_value in ("en", "zh"):
        return "zh" if settings_value == "zh" else "en"
    name = locale.setlocale(locale.LC_MESSAGES) or ""
    return "zh" if name.lower().startswith(("zh", "chinese")) else "en"
