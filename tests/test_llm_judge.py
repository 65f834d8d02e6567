"""A language model as the judge: replies read strictly, and an endpoint that speaks OpenAI's protocol, on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from conftest import Run
from hash_embedder import HashEmbedder

from corpus.errors import JudgeUnavailable
from eval.judge import Pair
from eval.llm_judge import LanguageModelJudge, openai_model, read_verdict
from generation.models.language_model import Decoding
from generation.models.model_loading import load_language_model
from ingest.pipeline import ingest
from retrieval.store import IndexStore


@pytest.mark.parametrize(
    ("reply", "supported"),
    [
        ("yes", True),
        (" Yes.\n", True),
        ("**No**, the number differs", False),
        ("Supported: yes", True),
        ("是的", True),
        ("不是", False),
        ("支持。", True),
        ("不支持", False),
        ("否", False),
        ("<think>The claim says no, so yes?</think>\nno", False),
        ("true", True),
        ("", None),
        ("The context says yes", None),  # a sentence is no verdict
        ("nothing", None),
        ("yesterday", None),
        ("42", None),
    ],
)
def test_replies_are_read_strictly(reply: str, supported: bool | None) -> None:
    verdict = read_verdict(reply)
    assert verdict.supported is supported
    assert verdict.status == ("judge-failed" if supported is None else "scored")
    assert verdict.score == (None if supported is None else float(supported))
    assert bool(verdict.reason) == (supported is None)


class Endpoint(ThreadingHTTPServer):
    """Chat completions by rule: "yes" if the context holds the claim; what `status` and `reply` say otherwise."""

    requests: list[dict[str, Any]]
    status: int = 200
    reply: str | None = None


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append({"path": self.path, "key": self.headers["Authorization"], **body})
        prompt = body["messages"][-1]["content"]
        context = prompt.rpartition("<context>")[2].partition("</context>")[0]
        claim = prompt.rpartition("<claim>")[2].partition("</claim>")[0]
        said = self.server.reply if self.server.reply is not None else "yes" if claim.rstrip("。.") in context else "no"
        message = {"role": "assistant", "content": said}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [
            {"index": 0, "message": message, "finish_reason": "stop"}]}  # fmt: skip
        if self.server.status != 200:
            answer = {"error": {"message": "the endpoint says no", "type": "test", "code": None, "param": None}}
        content = json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing: the test looks at what was asked."""


@contextmanager
def serving() -> Iterator[tuple[Endpoint, str]]:
    with Endpoint(("127.0.0.1", 0), Handler) as server:
        server.requests = []
        Thread(target=server.serve_forever, daemon=True).start()
        yield server, f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Endpoint, str]]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving() as found:
        yield found


PAIRS = (
    Pair("底数取 10000。", "RoPE 的底数取 10000。"),
    Pair("底数取 500。", "RoPE 的底数取 10000。"),
    Pair("", "x"),
    Pair("claim", ""),
)


def test_verdicts_of_an_endpoint(endpoint: tuple[Endpoint, str]) -> None:
    server, url = endpoint
    verdicts = LanguageModelJudge(openai_model("small", url), "openai:small").judge(PAIRS)
    assert [verdict.supported for verdict in verdicts] == [True, False, None, None]
    assert [verdict.status for verdict in verdicts] == ["scored", "scored", "not-scoreable", "not-scoreable"]
    assert len(server.requests) == 2  # what says nothing is not asked about
    assert (server.requests[0]["path"], server.requests[0]["model"]) == ("/v1/chat/completions", "small")
    assert server.requests[0]["temperature"] == 0


def test_the_key_is_that_of_the_environment(endpoint: tuple[Endpoint, str], monkeypatch: pytest.MonkeyPatch) -> None:
    server, url = endpoint
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    LanguageModelJudge(openai_model("small", url), "openai:small").judge(PAIRS[:1])
    assert server.requests[0]["key"] == "Bearer secret"


@pytest.mark.parametrize(
    ("status", "reply", "reason"),
    [(200, "perhaps", "neither yes nor no: perhaps"), (200, "", "neither yes nor no"), (400, None, "the endpoint says no")],
)
def test_what_cannot_be_read_is_a_failure_of_the_judge(
    endpoint: tuple[Endpoint, str], status: int, reply: str | None, reason: str
) -> None:
    server, url = endpoint
    server.status, server.reply = status, reply
    (verdict,) = LanguageModelJudge(openai_model("small", url), "openai:small").judge(PAIRS[:1])
    assert (verdict.status, verdict.score, verdict.supported) == ("judge-failed", None, None)
    assert reason in verdict.reason


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_endpoint_that_refuses_all_requests_ends_the_run(endpoint: tuple[Endpoint, str], status: int) -> None:
    server, url = endpoint
    server.status = status
    with pytest.raises(JudgeUnavailable, match="openai:small cannot be asked"):
        LanguageModelJudge(openai_model("small", url), "openai:small").judge(PAIRS)


def test_neither_address_nor_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(JudgeUnavailable, match="neither --judge-url nor OPENAI_API_KEY"):
        openai_model("small", None)


def test_a_run_judged_by_an_endpoint_goes_on_after_an_outage(
    run: Run, notes: Path, tmp_path: Path, endpoint: tuple[Endpoint, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, url = endpoint
    monkeypatch.setenv("INTERVIEW_RAG_ANSWERING__MIN_RELEVANCE", "0")
    ingest([notes], IndexStore(tmp_path / "index"), HashEmbedder())
    rows = [{"id": str(n), "question": q, "lang": "en"} for n, q in enumerate(("What is RoPE?", "What is PTQ?"))]
    path = tmp_path / "q.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    arguments = (
        "eval",
        "--questions",
        path,
        "--out",
        tmp_path / "out",
        "--arms",
        "quoted",
        "--judge",
        "openai:small",
        "--judge-url",
    )
    code, _, errors = run(*arguments, "http://127.0.0.1:9/v1")
    assert (code, errors.count("\n")) == (1, 1)
    assert "the judge openai:small cannot be asked" in errors
    assert run(*arguments, url)[0] == 0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    quoted = metrics["arms"]["quoted"]
    assert metrics["judge"] == "openai:small"
    assert quoted["groups"]["all"]["metrics"]["faithfulness"] == {"n": 2, "mean": 1, "low": 1, "high": 1}
    server.reply = "perhaps"
    assert run(*arguments, url, "--fresh")[0] == 0
    quoted = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))["arms"]["quoted"]
    assert "faithfulness" not in quoted["groups"]["all"]["metrics"]
    assert quoted["groups"]["all"]["outcomes"]["judge-failed"] == 2
    assert quoted["claims"]["judge-failed"] > 0


@pytest.mark.slow
def test_a_model_on_this_machine_judges() -> None:
    judge = LanguageModelJudge(load_language_model(decoding=Decoding(max_tokens=8)), "bundled:gemma-3-270m")
    verdicts = judge.judge(
        [Pair("Dropout is used in training.", "Dropout is used in training, not at inference."), Pair("x", "")]
    )
    assert verdicts[0].status in ("scored", "judge-failed")
    assert verdicts[1].status == "not-scoreable"
    assert verdicts == judge.judge(
        [Pair("Dropout is used in training.", "Dropout is used in training, not at inference."), Pair("x", "")]
    )
