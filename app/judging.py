"""The engine that judges claims, from what `--judge` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.errors import UsageError

if TYPE_CHECKING:
    from app.session import Session
    from eval.judge import Judge

OPENAI = "openai:"
WORDS = "words"


def judge_of(session: Session, name: str | None, url: str | None) -> Judge:
    """The checker if no name is given, `words` for words alone, or a language model: on this machine, or `openai:NAME`.

    Raises:
        UsageError: an address without a model behind it.
        MissingExtra: the client for such endpoints is not installed.
    """
    if url and not (name or "").startswith(OPENAI):
        raise UsageError(reason=f"--judge-url goes with --judge {OPENAI}NAME")
    if name in (None, WORDS):
        return _words() if name == WORDS else _checker(session)
    from eval.llm_judge import LanguageModelJudge, openai_model

    if name.startswith(OPENAI):
        return LanguageModelJudge(openai_model(name.removeprefix(OPENAI), url), name)
    from generation.models.language_model import Decoding
    from generation.models.model_loading import load_language_model

    settings = session.settings
    model = load_language_model(name, decoding=Decoding(max_tokens=8), device=settings.device, progress=session.progress)
    return LanguageModelJudge(model, name)


def _words() -> Judge:
    from eval.judge import ScoringJudge, WordChecker
    from generation.verify import SUPPORTED

    return ScoringJudge(WordChecker(), SUPPORTED, name=WORDS)


def _checker(session: Session) -> Judge:
    import hashlib

    from eval.judge import ScoringJudge
    from generation.checker import BUNDLED_CHECKER
    from retrieval.snapshot import file_sha256

    # Another adapter or another calibration is another judge: its verdicts are not mixed with those of this one.
    files = sorted(path for path in BUNDLED_CHECKER.iterdir() if path.suffix in (".safetensors", ".json"))
    version = hashlib.sha256("".join(map(file_sha256, files)).encode()).hexdigest()[:16]
    return ScoringJudge(session.checker, session.checker.threshold, name=f"checker:{version}")
