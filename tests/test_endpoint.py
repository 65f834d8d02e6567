"""A language model on a server: a process on this machine that speaks OpenAI's protocol, and llama-server if it is installed."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from corpus.errors import EndpointUnavailable, MissingExtra, UsageError
from generation.models.endpoint_model import EndpointLM, served_models
from generation.models.language_model import Decoding, LanguageModel
from generation.models.model_loading import load_language_model

pytestmark = pytest.mark.e2e
LLAMA_SERVER = shutil.which("llama-server")


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@contextmanager
def serving(owner: str) -> Iterator[str]:
    with process(sys.executable, str(Path(__file__).with_name("openai_server.py")), owner) as server:
        assert server.stdout
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("nobody") as address:
        yield address


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def log(url: str) -> list[dict[str, Any]]:
    with urlopen(url.removesuffix("/v1") + "/log") as reply:
        found: list[dict[str, Any]] = json.load(reply)
    return found


def wait_for(seen: Callable[[], bool]) -> None:
    for _ in range(100):
        if seen():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 5 seconds")


def model(url: str, name: str = "openai:counter", **decoding: Any) -> LanguageModel:
    return load_language_model(name, url=url, decoding=Decoding(**{"max_tokens": 8, **decoding}))


def test_a_reply_streams_in_pieces(url: str) -> None:
    counter = model(url)
    assert (counter.runtime, counter.chat) == ("openai", True)
    assert list(counter.stream("Count.")) == [f"{n} " for n in range(1, 9)]
    assert counter.invoke("Count.", stop=["5"]) == "1 2 3 4 "


def test_decoding_settings_reach_the_server(url: str) -> None:
    list(model(url, temperature=0.5, top_p=0.9, seed=7, stop=("END",)).stream("Count.", stop=["\n"]))
    asked = log(url)[-1]
    body = asked["body"]
    assert (body["temperature"], body["top_p"], body["seed"], body["max_tokens"]) == (0.5, 0.9, 7, 8)
    assert body["stop"] == ["END", "\n"]
    assert body["messages"] == [{"role": "user", "content": "Count."}]
    assert (asked["path"], asked["key"]) == ("/v1/chat/completions", "Bearer none")


def test_the_key_is_that_of_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    model(url).invoke("Count.")
    assert log(url)[-1]["key"] == "Bearer secret"


def test_the_server_stops_when_the_reader_leaves(url: str) -> None:
    stream = model(url, "openai:slow", max_tokens=200).stream("Count.")
    assert next(stream) == "1 "
    stream.close()  # type: ignore[attr-defined]
    wait_for(lambda: bool(log(url)[-1].get("gone")))
    assert log(url)[-1]["sent"] < 200


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        ("vllm", {"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.2}),
        ("sglang", {"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.2}),
        ("llamacpp", {"top_k": 5, "min_p": 0.1, "repeat_penalty": 1.2}),
    ],
)
def test_what_the_protocol_lacks_goes_to_servers_that_have_it(owner: str, names: dict[str, float]) -> None:
    with serving(owner) as address:
        model(address, top_k=5, min_p=0.1, repetition_penalty=1.2).invoke("Count.")
        assert log(address)[-1]["body"].items() >= names.items()
        assert served_models("openai:counter", address, 5.0) == {"counter": owner}


def test_other_servers_are_not_asked_for_what_they_would_ignore(url: str) -> None:
    with pytest.raises(UsageError, match="not known to honour top_k, repetition_penalty"):
        model(url, top_k=5, repetition_penalty=1.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_goes_wrong_is_one_clear_line(url: str) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/v1"
    for address, name, reason in (
        (nowhere, "openai:counter", "Connection"),
        (url, "openai:absent", "no model absent"),
        (url, "openai:broken", "the reply broke off"),
    ):
        with pytest.raises(EndpointUnavailable, match=reason) as caught:
            list(model(address, name).stream("Count."))
        assert address in str(caught.value)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_server_that_does_not_answer_in_time(url: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        started = time.perf_counter()
        with pytest.raises(EndpointUnavailable, match="timed out"):
            load_language_model("openai:counter", url=address, seconds=0.2).invoke("Count.")
        assert time.perf_counter() - started < 20


def test_neither_address_nor_key() -> None:
    with pytest.raises(EndpointUnavailable, match="neither generator_url nor OPENAI_API_KEY"):
        load_language_model("openai:counter")


def test_a_missing_client_names_its_extra(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_openai", None)
    with pytest.raises(MissingExtra, match=r"interview-rag\[openai\]"):
        load_language_model("openai:counter", url=url)


@pytest.mark.parametrize(("given", "what"), [({"adapter": Path("x")}, "an adapter"), ({"rope": str}, "RoPE scaling")])
def test_what_the_server_has_to_load_itself(url: str, given: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        load_language_model("openai:counter", url=url, **given)


@pytest.mark.parametrize(("text", "most"), [("", 0), ("注意力机制", 5), ("attention", 3), ("RoPE 编码", 4)])
def test_tokens_are_estimated_from_the_text(url: str, text: str, most: int) -> None:
    assert model(url).count_tokens(text) == most


@pytest.mark.slow
@pytest.mark.skipif(LLAMA_SERVER is None, reason="llama-server is not installed")
def test_llama_server(tmp_path: Path) -> None:
    from generation.models.bundled_gguf import gguf_bytes

    gguf, port = tmp_path / "model.gguf", free_port()
    gguf.write_bytes(gguf_bytes("bundled:smollm2-135m"))
    with process(str(LLAMA_SERVER), "-m", str(gguf), "--port", str(port), "--host", "127.0.0.1", "-c", "512"):
        address = f"http://127.0.0.1:{port}/v1"
        wait_for(lambda: _answers(address))
        llama = load_language_model("openai:smollm2", url=address, decoding=Decoding(max_tokens=16, top_k=40))
        assert isinstance(llama, EndpointLM)
        pieces = list(llama.stream("What is the capital of France?"))
        assert len(pieces) > 1
        assert "Paris" in "".join(pieces)


def _answers(address: str) -> bool:
    try:
        return bool(served_models("openai:x", address, 1.0))
    except EndpointUnavailable:
        return False
