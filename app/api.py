"""The HTTP API beside the chat page: JSON in, the rows of the contract out (docs/api.md).

    POST /api/search   a question row, "k"?         -> the row of `search --json`
    POST /api/ask      a question row, "mode"?, "stream"?  -> the row of `ask --json`, or server-sent events, a sentence each
    GET  /api/status   ?files=true                  -> the document of `status --json`
    GET  /api/health                                -> whether questions are answered, and by which version

Requests of pages of another origin are refused: a question must come as `application/json`, which browsers only send to another
origin with its leave, and none is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any, cast, get_args
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from app.batch import question_of
from app.session import Mode
from app.ui_text import browser_language
from corpus import errors
from corpus.errors import InterviewRagError, MessageLanguage, UsageError
from corpus.results import Answer, Row, Sentence, answer_row, search_row
from generation.answering import Question

if TYPE_CHECKING:
    from starlette.requests import Request

    from app.ui_desk import Desk

_MAX_BODY = 1 << 20  # bytes
_MAX_HITS = 100
_STATUS = {
    errors.IndexNotFound: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IndexBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EndpointUnavailable: HTTPStatus.BAD_GATEWAY,
    errors.DocumentNotFound: HTTPStatus.NOT_FOUND,
    errors.StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
}


def api(desk: Desk, language: MessageLanguage) -> Starlette:
    """The API as an application to mount.

    Args:
        desk: answers.
        language: of messages to clients that ask for none.
    """
    endpoints = _Endpoints(desk, language)
    routes = [
        Route("/search", endpoints.search, methods=["POST"]),
        Route("/ask", endpoints.ask, methods=["POST"]),
        Route("/status", endpoints.status),
        Route("/health", endpoints.health),
    ]

    async def fail(request: Request, error: Exception) -> Response:
        return _failure(error, _language(request, language))

    return Starlette(routes=routes, exception_handlers={InterviewRagError: fail, HTTPException: fail, Exception: fail})


class _Endpoints:
    def __init__(self, desk: Desk, default: MessageLanguage) -> None:
        self._desk = desk
        self._default = default

    async def search(self, request: Request) -> Response:
        fields = await _fields(request)
        asked, k = question_of({"id": "1", **fields}), _number_of_hits(fields)
        found = await run_in_threadpool(self._desk.search, Question(asked.question, asked.history), k)
        return JSONResponse(search_row(asked.id, found))

    async def ask(self, request: Request) -> Response:
        fields = await _fields(request)
        asked = question_of({"id": "1", **fields})
        question_id = asked.id if "id" in fields else None
        question, mode = Question(asked.question, asked.history), _mode(fields)
        if fields.get("stream") not in (None, True, False):
            raise UsageError(reason='the field "stream" must be true or false')
        if not fields.get("stream"):
            return JSONResponse(answer_row(await run_in_threadpool(self._desk.answer, question, mode), question_id))
        events = self._desk.events(question, mode)
        first = await run_in_threadpool(next, events)  # what goes wrong before it has a status of its own
        stream = _events(chain((first,), events), question_id, _language(request, self._default))
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    async def status(self, request: Request) -> Response:
        files = request.query_params.get("files", "") in ("1", "true")
        return JSONResponse(await run_in_threadpool(self._desk.status, files=files))

    async def health(self, _request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._desk.health))


def _events(events: Iterator[Sentence | Answer], question_id: str | None, language: MessageLanguage) -> Iterator[str]:
    """Server-sent events: each sentence as it is checked, the whole row at the end, or what went wrong."""
    try:
        for event in events:
            if isinstance(event, Sentence):
                yield _event("sentence", asdict(event))
            else:
                yield _event("answer", answer_row(event, question_id))
    except InterviewRagError as error:
        yield _event("error", _message(error, language))


def _event(name: str, row: Row) -> str:
    return f"event: {name}\ndata: {json.dumps(row, ensure_ascii=False)}\n\n"


async def _fields(request: Request) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        HTTPException: it comes from a page of another origin, is of another type, or too long.
        UsageError: it is no JSON object.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(HTTPStatus.FORBIDDEN, f"requests of pages of another origin are refused: {origin}")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the question as application/json")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_BODY:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request is over {_MAX_BODY} bytes")
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise UsageError(reason=f"no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise UsageError(reason="a JSON object is wanted")
    return fields


def _number_of_hits(fields: dict[str, Any]) -> int | None:
    k = fields.get("k")
    if k is not None and (not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= _MAX_HITS):
        raise UsageError(reason=f'the field "k" must be a whole number from 1 to {_MAX_HITS}')
    return k


def _mode(fields: dict[str, Any]) -> Mode:
    mode = fields.get("mode", "rag")
    if mode not in get_args(Mode):
        raise UsageError(reason=f'the field "mode" must be one of {", ".join(get_args(Mode))}')
    return cast("Mode", mode)


def _language(request: Request, default: MessageLanguage) -> MessageLanguage:
    accepted = request.headers.get("accept-language", "")
    return browser_language(accepted) if accepted not in ("", "*") else default


def _message(error: InterviewRagError, language: MessageLanguage) -> Row:
    return {"error": error.message(language), "kind": type(error).__name__}


def _failure(error: Exception, language: MessageLanguage) -> Response:
    """An error as one line of JSON with its status."""
    if isinstance(error, InterviewRagError):
        failed = HTTPStatus.BAD_REQUEST if error.exit_code == 2 else HTTPStatus.INTERNAL_SERVER_ERROR
        return JSONResponse(_message(error, language), _STATUS.get(type(error), failed))
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail, "kind": "HTTPException"}, error.status_code, error.headers)
    detail = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return JSONResponse({"error": detail, "kind": "InternalError"}, HTTPStatus.INTERNAL_SERVER_ERROR)
