"""A small server that speaks OpenAI's chat protocol, streaming too; started as a process by tests. Prints its port, then serves.

The model `counter` counts: "1 2 3 ..." up to `max_tokens` numbers or a stop string. `slow` does so with pauses, `broken` breaks
off in the middle, `reader` writes what stands behind "[1]" in the user's message, anything else does not exist. GET /log tells
what was asked, and how many pieces were sent.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OWNER = sys.argv[1]
LOG: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/log":
            self._json(200, LOG)
        else:
            self._json(200, {"object": "list", "data": [{"id": "counter", "object": "model", "created": 0, "owned_by": OWNER}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        entry = {"path": self.path, "key": self.headers["Authorization"], "body": body, "sent": 0}
        LOG.append(entry)
        if body["model"] not in ("counter", "slow", "broken", "reader"):
            self._json(404, {"error": {"message": f"no model {body['model']}", "type": "x", "code": None, "param": None}})
            return
        numbers = [f"{n} " for n in range(1, body.get("max_tokens", 10) + 1)]
        if body["model"] == "reader":
            said = body["messages"][-1]["content"].partition("[1] ")[2].partition("\n")[0]
            numbers = [said[i : i + 7] for i in range(0, len(said), 7)]
        stop = body.get("stop") or []
        text = "".join(numbers)
        end = min((text.index(s) for s in stop if s in text), default=len(text))
        if not body.get("stream"):
            self._json(200, {**self._head(body, "chat.completion"), "choices": [
                {"index": 0, "message": {"role": "assistant", "content": text[:end]}, "finish_reason": "stop"}]})  # fmt: skip
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        length = 0
        try:
            for number in numbers:
                if length >= end:
                    break
                piece = number[: end - length]
                self._event({**self._head(body, "chat.completion.chunk"), "choices": [
                    {"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}]})  # fmt: skip
                length += len(piece)
                entry["sent"] += 1
                if body["model"] == "slow":
                    time.sleep(0.05)
                if body["model"] == "broken" and entry["sent"] == 3:
                    self.wfile.write(b"data: {half of an ev")
                    self.close_connection = True
                    return
            self._event(
                {**self._head(body, "chat.completion.chunk"), "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            )
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            entry["gone"] = True
        self.close_connection = True

    def _head(self, body: dict[str, Any], kind: str) -> dict[str, Any]:
        return {"id": "1", "object": kind, "created": 0, "model": body["model"]}

    def _event(self, content: Any) -> None:
        self.wfile.write(f"data: {json.dumps(content)}\n\n".encode())
        self.wfile.flush()

    def _json(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing: GET /log tells."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)  # noqa: T201 -- read by the test
        server.serve_forever()
