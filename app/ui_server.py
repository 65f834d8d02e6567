"""The web server below the chat page: a socket bound before anything is loaded, and a page that may only talk to it."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from corpus.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio compiles its templates in the browser, hence 'unsafe-eval'; nothing may be fetched from or sent to another origin.
_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; form-action 'self'"
)
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only told apart, not listened on


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        UsageError: the port is taken, or the address is none of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        # `create_server` repeats the address in its text; a name that is not resolved has a code of its own.
        number = error.errno or 0
        cause = os.strerror(number) if number > 0 else error.strerror
        reason = f"cannot listen on {host} port {port} ({cause}): choose another --port; 0 takes a free one"
        raise UsageError(reason=reason) from error


def url_of(host: str, listening: socket.socket) -> str:
    """The address to open in a browser."""
    name = _ANY_ADDRESS.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{listening.getsockname()[1]}/"


class OnlyThisOrigin:
    """Tells browsers to refuse any request of the page to another origin, whatever a note or a library asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the policy added to each response."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"content-security-policy", _POLICY)]
            await send(message)

        await self.app(scope, receive, send_with_policy)


def serve(app: Any, listening: socket.socket) -> None:
    """Answer requests until interrupted."""
    import uvicorn

    # Open pages hold a connection each, which would keep the process alive after Ctrl-C.
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
    server.run(sockets=[listening])
