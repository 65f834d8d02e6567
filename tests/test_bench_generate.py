"""`bench generate`: every runtime that can run a model is measured, and llama.cpp's server beside them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import Run
from tiny_model import save_model

from app.presets import PRESETS, Preset
from app.settings import load_settings
from corpus.errors import EndpointUnavailable
from eval.bench.generate import measure
from eval.bench.llama_server import bench_llama_server

# As llama-server: `/health` fails until the model is loaded, `/completion` reports its own rates.
LLAMA_SERVER = """#!{python}
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
asked = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert open(asked["-m"], "rb").read(4) == b"GGUF"
health, runs = [503, 200], [10.0, 20.0, 40.0, 30.0]
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(health.pop(0)); self.end_headers()
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body["n_predict"] == 5 and not body["cache_prompt"]
        rate = runs.pop(0)
        content = json.dumps({{"timings": {{"prompt_per_second": 10 * rate, "predicted_per_second": rate}}}}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(content))); self.end_headers()
        self.wfile.write(content)
    def log_message(self, *_): pass
HTTPServer(("127.0.0.1", int(asked["--port"])), Handler).serve_forever()
"""


@pytest.mark.parametrize("runtime", ["openvino", "transformers"])
def test_a_runtime_is_measured(tmp_path: Path, runtime: str) -> None:
    row = measure(str(save_model(tmp_path / "tiny")), runtime, 1)  # type: ignore[arg-type]
    assert row.runtime == runtime
    assert row.prefill > 0
    assert row.first_token and row.load and row.memory  # noqa: PT018 -- all are there
    assert row.perplexity and row.perplexity > 1  # noqa: PT018
    assert row.not_kept == 0


@pytest.mark.slow
@pytest.mark.e2e
def test_the_command_measures_all_runtimes_in_processes_of_their_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERVIEW_RAG_GENERATOR", str(save_model(tmp_path / "tiny")))
    code, out, _ = run("bench", "generate", "--repeat", 1, "--json")
    assert code == 0
    found = json.loads(out)
    assert [row["runtime"] for row in found["rows"]] == ["openvino", "transformers"]
    assert (found["baseline"], found["ratios"]) == (None, {})


@pytest.mark.slow
@pytest.mark.e2e
def test_the_rates_of_llama_server_are_its_own(tmp_path: Path) -> None:
    binary = tmp_path / "llama-server"
    binary.write_text(LLAMA_SERVER.format(python=sys.executable))
    binary.chmod(0o755)
    assert bench_llama_server("bundled:smollm2-135m", binary, "text", 3, 5) == (400.0, 40.0)
    binary.write_text(f"#!{sys.executable}\nraise SystemExit(3)")
    with pytest.raises(EndpointUnavailable, match="ended with code 3"):
        bench_llama_server("bundled:smollm2-135m", binary, "text", 3, 5)


@pytest.mark.parametrize("preset", Preset)
def test_presets_are_settings_that_others_may_stand_beside(tmp_path: Path, preset: Preset) -> None:
    config = tmp_path / "config.toml"
    config.write_text('generator = "bundled:smollm2-135m"\n[decoding]\nseed = 7\nmax_tokens = 1\n')
    settings = load_settings(config, preset)
    assert settings.generator == PRESETS[preset].model
    assert (settings.decoding.seed, settings.decoding.max_tokens) == (7, PRESETS[preset].max_tokens)
    assert load_settings(config).generator == "bundled:smollm2-135m"


def test_an_unknown_preset_is_wrong_usage(run: Run) -> None:
    code, _, errors = run("status", "--preset", "huge")
    assert code == 2
    assert "small" in errors


def test_doctor_says_what_runs_the_generator(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERVIEW_RAG_GENERATOR", str(save_model(tmp_path / "tiny")))
    assert "run by openvino" in run("doctor")[1]
    monkeypatch.setenv("INTERVIEW_RAG_GENERATOR_RUNTIME", "transformers")
    assert "run by transformers" in run("doctor")[1]
    monkeypatch.setenv("INTERVIEW_RAG_ADAPTER", str(tmp_path))
    code, out, _ = run("doctor")
    assert code == 1
    assert "holds no PEFT adapter" in out
