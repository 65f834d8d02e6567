"""What `doctor` says of models that are not in place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.doctor import examine
from app.session import Session
from app.settings import Answering, Settings
from generation.models import bundled_gguf
from generation.models.language_model import BUNDLED_GENERATOR
from retrieval import weights


@pytest.mark.parametrize(("reader", "fine"), [(True, False), (False, True)])
def test_the_reader_needs_its_weights_whatever_composes(
    reader: bool, fine: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(tmp_path / "cache"))  # where nothing is converted yet
    model = bundled_gguf.MODELS[BUNDLED_GENERATOR]
    nowhere = replace(model, pin=replace(model.pin, distribution="weights-that-nobody-installed"))
    monkeypatch.setitem(bundled_gguf.MODELS, BUNDLED_GENERATOR, nowhere)
    settings = Settings(index=tmp_path / "index", generator="bundled:smollm2-135m", answering=Answering(reader=reader))
    found = {finding.name: finding for finding in examine(Session(settings))}
    assert found[BUNDLED_GENERATOR].detail.startswith("weights missing")
    assert found[BUNDLED_GENERATOR].ok is fine
    assert found["reader"].ok
