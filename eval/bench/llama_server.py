"""llama.cpp's server as a peer: started on the bundled weights, asked for a completion, its own timings read.

Its `/completion` reports the rates itself (github.com/ggml-org/llama.cpp, tools/server/README.md), so no request overhead counts.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from corpus.errors import EndpointUnavailable

_START_SECONDS = 60.0


def bench_llama_server(model: str, binary: Path, text: str, repeat: int, tokens: int) -> tuple[float, float]:
    """Tokens per second of prefill and of decoding, of the fastest run; a first one does not count.

    Raises:
        EndpointUnavailable: the server does not start.
        WeightsMissing, WeightsMismatch: the model's weight file is not installed or damaged.
        ModelNotFound: it is not a bundled model: there is no GGUF file of it.
    """
    prefill, decode = [], []
    with _serving(model, binary) as url:
        for run in range(repeat + 1):
            body = {"prompt": f"{run} {text}"[:1500], "n_predict": tokens, "temperature": 0, "cache_prompt": False}
            timings = _post(f"{url}/completion", body)["timings"]
            prefill.append(float(timings["prompt_per_second"]))
            decode.append(float(timings["predicted_per_second"]))
    return round(max(prefill[1:]), 1), round(max(decode[1:]), 1)


@contextmanager
def _serving(model: str, binary: Path) -> Iterator[str]:
    from generation.models.bundled_gguf import gguf_bytes

    with TemporaryDirectory() as folder, socket.socket() as probe:
        file = Path(folder) / "model.gguf"
        file.write_bytes(gguf_bytes(model))
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [str(binary), "-m", str(file), "--host", "127.0.0.1", "--port", str(port), "-c", "2048"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:  # noqa: S603
            try:
                _await(model, server, f"http://127.0.0.1:{port}")
                yield f"http://127.0.0.1:{port}"
            finally:
                server.kill()


def _await(model: str, server: subprocess.Popen[bytes], url: str) -> None:
    """Until the server says that the model is loaded."""
    for _ in range(int(_START_SECONDS / 0.2)):
        if server.poll() is not None:
            raise EndpointUnavailable(name=model, url=url, reason=f"llama-server ended with code {server.returncode}")
        try:
            with urlopen(f"{url}/health", timeout=2):  # noqa: S310 -- always http on this machine
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise EndpointUnavailable(name=model, url=url, reason=f"llama-server did not load it within {_START_SECONDS:.0f} s")


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310 -- as above
    with urlopen(request, timeout=120) as reply:  # noqa: S310
        found: dict[str, Any] = json.load(reply)
    return found
