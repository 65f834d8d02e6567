"""The HTTP API: its rows are the command line's, its errors are one line of JSON with a status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_process import QUOTES_ONLY, ingest, run, serving
from starlette.testclient import TestClient

from app.api import api
from corpus.errors import IndexBusy, IndexNotFound, InterviewRagError, StorageFull
from corpus.results import Answer, Sentence
from generation.answering import Question

NOTE = """# ALiBi

## 什么是 ALiBi？

ALiBi 不使用位置向量，而是在注意力分数上加一个与距离成正比的负偏置。它的斜率按注意力头取几何级数。

## ALiBi 有什么缺点？

ALiBi 的缺点是距离越远惩罚越大，模型难以利用很远的上下文。
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api")
    (folder / "notes").mkdir()
    (folder / "notes" / "alibi.md").write_text(NOTE, encoding="utf-8")
    ingest(folder / "notes", folder / "index")
    return folder / "index"


@pytest.fixture(scope="module")
def client(index: Path) -> Iterator[httpx.Client]:
    with serving(index, QUOTES_ONLY) as url, httpx.Client(base_url=url, timeout=90) as opened:
        yield opened


def printed(index: Path, *arguments: str) -> dict[str, Any]:
    process = run(*arguments, "--index", str(index), "--json", extra=QUOTES_ONLY)
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    document: dict[str, Any] = json.loads(out)
    return document


def timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("seconds", "timings")}


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    pairs = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in pairs]


@pytest.mark.e2e
def test_rows_are_those_of_the_command_line(client: httpx.Client, index: Path) -> None:
    question = "什么是 ALiBi？"
    found = client.post("/api/search", json={"question": question, "k": 1})
    assert found.status_code == 200
    assert timeless(found.json()) == timeless(printed(index, "search", question, "-k", "1"))
    answered = client.post("/api/ask", json={"question": question})
    assert timeless(answered.json()) == timeless(printed(index, "ask", question))
    assert client.get("/api/status?files=true").json() == printed(index, "status", "--files")
    health = client.get("/api/health").json()
    assert (health["status"], health["generation"], health["generator"]) == ("ok", 1, None)


@pytest.mark.e2e
def test_a_follow_up_streams_its_sentences_and_then_the_whole_row(client: httpx.Client) -> None:
    asked = {"id": 7, "question": "它有什么缺点？", "history": ["什么是 ALiBi？"]}
    with client.stream("POST", "/api/ask", json={**asked, "stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = events_of(response.read().decode())
    *sentences, (name, row) = events
    assert [kind for kind, _ in sentences] == ["sentence"] * len(row["sentences"])
    assert name == "answer"
    assert [sentence for _, sentence in sentences] == row["sentences"]
    assert row["id"] == "7"
    assert "很远的上下文" in row["answer"]
    assert timeless(row) == timeless(client.post("/api/ask", json=asked).json())


@pytest.mark.e2e
def test_pages_of_this_origin_may_ask_and_others_may_not(client: httpx.Client) -> None:
    origin = f"{client.base_url.scheme}://{client.base_url.netloc.decode()}"
    asked = {"question": "什么是 ALiBi？"}
    own = client.post("/api/search", json=asked, headers={"origin": origin})
    assert own.status_code == 200
    assert "default-src 'self'" in own.headers["content-security-policy"]
    foreign = client.post("/api/search", json=asked, headers={"origin": "https://example.org"})
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers


class FailingDesk:
    """Answers nothing, and fails as it is told to, at once or after a sentence."""

    def __init__(self, error: Exception, sentences: int = 0) -> None:
        self._error, self._sentences = error, sentences

    def events(self, _question: Question, _mode: str) -> Iterator[Sentence | Answer]:
        for _ in range(self._sentences):
            yield Sentence("One.", (1,), 1.0, "quoted")
        raise self._error

    def answer(self, _question: Question, _mode: str) -> Answer:
        raise self._error


def failing(error: Exception, sentences: int = 0) -> TestClient:
    return TestClient(api(FailingDesk(error, sentences), "en"), raise_server_exceptions=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (IndexNotFound(path="/x"), 503),
        (IndexBusy(path="/x"), 503),
        (StorageFull(path="/x"), 507),
        (InterviewRagError(reason="broken"), 500),
        (ZeroDivisionError("of ours"), 500),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_one_line_with_a_status(error: Exception, status: int, stream: bool) -> None:
    response = failing(error).post("/ask", json={"question": "Why?", "stream": stream})
    assert response.status_code == status
    body = response.json()
    assert body["error"]
    assert "\n" not in body["error"]
    if isinstance(error, InterviewRagError):
        assert body == {"error": error.message("en"), "kind": type(error).__name__}


def test_messages_follow_the_language_of_the_client() -> None:
    error = IndexNotFound(path="/x")
    body = failing(error).post("/ask", json={"question": "Why?"}, headers={"accept-language": "zh-CN,zh;q=0.9"}).json()
    assert body["error"] == error.message("zh")


def test_an_error_in_the_middle_of_an_answer_is_the_last_event() -> None:
    error = IndexBusy(path="/x")
    response = failing(error, sentences=1).post("/ask", json={"question": "Why?", "stream": True})
    assert response.status_code == 200
    assert [name for name, _ in events_of(response.text)] == ["sentence", "error"]
    assert events_of(response.text)[-1][1]["error"] == error.message("en")


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "words"),
    [
        ("POST", "/ask", {"content": b"{", "headers": {"content-type": "application/json"}}, 400, "no JSON"),
        ("POST", "/ask", {"json": ["Why?"]}, 400, "a JSON object"),
        ("POST", "/ask", {"json": {"question": " "}}, 400, '"question"'),
        ("POST", "/ask", {"json": {"question": "Why?", "history": "How?"}}, 400, '"history"'),
        ("POST", "/ask", {"json": {"question": "Why?", "stream": "yes"}}, 400, '"stream"'),
        ("POST", "/ask", {"json": {"question": "Why?", "mode": "guess"}}, 400, "long-context"),
        ("POST", "/search", {"json": {"question": "Why?", "k": 0}}, 400, '"k"'),
        ("POST", "/search", {"json": {"question": "Why?", "k": True}}, 400, '"k"'),
        ("POST", "/ask", {"content": b"{}", "headers": {"content-type": "text/plain"}}, 415, "application/json"),
        ("POST", "/search", {"json": {"question": "x" * (1 << 20)}}, 413, "bytes"),
        ("GET", "/ask", {}, 405, "Method Not Allowed"),
        ("GET", "/nothing", {}, 404, "Not Found"),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_understood(method: str, path: str, sent: dict[str, Any], status: int, words: str) -> None:
    response = failing(ZeroDivisionError()).request(method, path, **sent)
    assert response.status_code == status
    assert words in response.json()["error"]
