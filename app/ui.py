"""The chat in the browser: ask, watch the answer come sentence by sentence, read the sources, add notes.

The same server answers programs. One request, one answer row of the contract (docs/architecture.md):

    curl -s http://127.0.0.1:7860/gradio_api/run/ask -H 'Content-Type: application/json' \\
         -d '{"data": ["什么是 RoPE？", []]}'          # {"data": [{"id": "1", "answer": ..., "citations": [...]}], ...}

or from Python, where requests wait in line with those of the browsers:

    Client("http://127.0.0.1:7860").predict(question="它有什么缺点？", history=["什么是 RoPE？"], api_name="/ask")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI

from app.console import Console
from app.session import Session
from app.ui_desk import Desk
from app.ui_html import (
    LATEX,
    Turn,
    added_html,
    answer_html,
    escape,
    head_html,
    question_html,
    sentence_html,
    sources_html,
    waiting_html,
)
from app.ui_server import OnlyThisOrigin, listen, serve, url_of
from app.ui_style import CSS, SCRIPT, theme
from app.ui_text import LABELS, browser_language
from corpus.errors import InterviewRagError, MessageLanguage, UsageError
from corpus.results import Answer, Sentence, answer_row
from generation.answerer import Question

Turns = tuple[Turn, ...]
Updates = dict[Any, Any]

# Everything that runs a model waits in one line, of which one at a time is served.
_MODELS = {"concurrency_id": "models", "concurrency_limit": 1}
_OURS = {"api_visibility": "private", "show_progress": "hidden"}
_SUFFIXES = (".md", ".txt")
_PROGRESS = gr.Progress()


def launch(session: Session, console: Console, *, host: str, port: int) -> None:
    """Serve the chat until interrupted; prints the address to open.

    Raises:
        UsageError: the port is taken.
        IndexNotFound: nothing has been ingested yet.
    """
    with listen(host, port) as listening:
        desk = Desk(session)
        page = ChatPage(desk, console.language, follow_browser=session.settings.messages == "auto")
        app = page.application()
        url = url_of(host, listening)
        if console.as_json:
            console.document({"url": url})
        console.say(f"chat at {url} (Ctrl-C stops it)", f"请在浏览器中打开 {url}（Ctrl-C 停止）")
        serve(app, listening)


class ChatPage:
    """The page and what happens on it; each browser session has its own conversation, in `turns`."""

    def __init__(self, desk: Desk, language: MessageLanguage, *, follow_browser: bool) -> None:
        self._desk = desk
        self._language = language
        self._follow_browser = follow_browser
        self.blocks = gr.Blocks(title="interview-rag", analytics_enabled=False, fill_width=True)
        with self.blocks:
            self._lay_out()
            self._connect()

    def application(self) -> OnlyThisOrigin:
        """The page as a web application."""
        app = FastAPI(openapi_url=None)
        gr.mount_gradio_app(
            app, self.blocks, path="/", theme=theme(), css=CSS, js=SCRIPT, footer_links=["api"], run_history=False,
            enable_monitoring=False, max_file_size="64mb", pwa=False, ssr_mode=False,
        )  # fmt: skip
        return OnlyThisOrigin(app)

    def _lay_out(self) -> None:
        self.turns: Any = gr.State(())
        self.pending: Any = gr.State("")
        labels = LABELS[self._language]
        with gr.Row(elem_id="ir-head"):
            self.head = gr.HTML(scale=1)
            self.language = gr.Radio([("中文", "zh"), ("EN", "en")], value=self._language, container=False, elem_id="ir-language")
        with gr.Row():
            with gr.Column(scale=3, min_width=340):
                self.chat = gr.Chatbot(elem_id="ir-chat", show_label=False, buttons=[], latex_delimiters=LATEX, allow_tags=False)
                with gr.Row(elem_id="ir-ask"):
                    self.question = gr.Textbox(
                        show_label=False, container=False, lines=1, max_lines=6, autofocus=True, elem_id="ir-question", scale=1
                    )
                    self.send = gr.Button(labels.send, variant="primary", elem_id="ir-send")
                    self.new = gr.Button(labels.new_chat, elem_id="ir-new")
            with gr.Column(scale=2, min_width=300, elem_id="ir-side"):
                self.sources = gr.HTML(elem_id="ir-sources")
                with gr.Accordion(labels.add_notes, open=False, elem_id="ir-add") as self.adding:
                    self.hint = gr.HTML()
                    self.upload = gr.UploadButton(file_count="multiple", file_types=list(_SUFFIXES), size="sm")
                    self.added = gr.HTML()

    def _connect(self) -> None:
        labelled = [self.head, self.chat, self.question, self.send, self.new, self.sources, self.adding, self.hint, self.upload]
        self.blocks.load(self.open, [self.turns], [self.language, *labelled], **_OURS)
        self.language.input(self.relabel, [self.language, self.turns], labelled, **_OURS)
        self.new.click(self.forget, [self.language], [self.turns, self.chat, self.sources], **_OURS)
        self.upload.upload(
            self.add, [self.upload, self.language], [self.added, self.head, self.chat], api_visibility="private", **_MODELS
        )
        asked = [self.pending, self.question, self.send, self.chat]
        seen = [self.turns, self.language]
        gr.api(self.ask, api_name="ask", **_MODELS)
        for trigger, start, given in (
            (self.question.submit, self.start, [self.question]),
            (self.send.click, self.start, [self.question]),
            (self.chat.example_select, self.start_selected, []),
            (self.chat.option_select, self.start_selected, []),
        ):
            answered = trigger(start, [*given, *seen], asked, queue=False, **_OURS).then(
                self.respond, [self.pending, *seen], [self.pending, self.turns, self.chat, self.sources, self.head], **_OURS, **_MODELS
            )
            answered.then(self.finish, [self.pending, *seen], asked, queue=False, **_OURS)

    def open(self, turns: Turns, request: gr.Request) -> Updates:
        """A page is opened: its language is the browser's, unless the settings name one."""
        accepted = request.headers.get("accept-language", "")
        language = browser_language(accepted) if self._follow_browser else self._language
        return {self.language: language, **self.relabel(language, turns)}

    def relabel(self, language: MessageLanguage, turns: Turns) -> Updates:
        """Every text of the page in a language; questions and answers stay in theirs."""
        labels = LABELS[language]
        return {
            self.head: self._head(language),
            self.chat: gr.Chatbot(_messages(turns, language), placeholder=f"<p>{escape(labels.welcome)}</p>", examples=self._examples()),
            self.question: gr.Textbox(placeholder=labels.ask_hint),
            self.send: gr.Button(labels.send),
            self.new: gr.Button(labels.new_chat),
            self.sources: sources_html(turns, labels),
            self.adding: gr.Accordion(label=labels.add_notes),
            self.hint: f"<p>{escape(labels.add_hint.format(folder=self._desk.notes_folder))}</p>",
            self.upload: gr.UploadButton(label=labels.choose_files),
        }

    def start(self, question: str, turns: Turns, language: MessageLanguage) -> Updates:
        """A question is sent: show it at once and take no other until it is answered."""
        pending = question.strip()
        if not pending:
            return {self.pending: ""}
        return {
            self.pending: pending,
            self.question: gr.Textbox("", interactive=False),
            self.send: gr.Button(interactive=False),
            self.chat: _messages(turns, language, pending),
        }

    def start_selected(self, turns: Turns, language: MessageLanguage, event: gr.EventData) -> Updates:
        """An example or a suggested heading is chosen: ask it."""
        value = event.value
        return self.start(value["text"] if isinstance(value, dict) else value, turns, language)

    def respond(self, pending: str, turns: Turns, language: MessageLanguage) -> Iterator[Updates]:
        """Answer the question that is pending, sentence by sentence."""
        shown: list[Sentence] = []
        if not pending:
            yield {}
            return
        try:
            for event in self._desk.events(Question(pending, tuple(turn.question for turn in turns))):
                if isinstance(event, Sentence):
                    shown.append(event)
                    yield {self.chat: _messages(turns, language, pending, shown)}
                else:
                    turns = (*turns, Turn(pending, event))
                    chat, sources = _messages(turns, language), sources_html(turns, LABELS[language])
                    yield {self.pending: "", self.turns: turns, self.chat: chat, self.sources: sources, self.head: self._head(language)}
        except InterviewRagError as error:
            raise _page_error(error, language) from error

    def finish(self, pending: str, turns: Turns, language: MessageLanguage) -> Updates:
        """Take questions again; one that failed is put back where it was typed."""
        return {
            self.pending: "",
            self.question: gr.Textbox(pending, interactive=True, autofocus=True),
            self.send: gr.Button(interactive=True),
            self.chat: _messages(turns, language),
        }

    def forget(self, language: MessageLanguage) -> Updates:
        """Begin a new conversation."""
        return {self.turns: (), self.chat: [], self.sources: sources_html((), LABELS[language])}

    def add(self, files: Sequence[str], language: MessageLanguage, progress: gr.Progress = _PROGRESS) -> Updates:
        """Add uploaded files to the notes and the index."""
        labels = LABELS[language]
        names = {"read": labels.reading, "embed": labels.embedding}
        paths = [Path(file) for file in files]
        try:
            for path in paths:
                if path.suffix.lower() not in _SUFFIXES:
                    raise UsageError(reason=labels.wrong_type.format(name=path.name))
            summary = self._desk.add_notes(paths, lambda stage, done, total: progress((done, total), desc=names.get(stage, stage)))
        except InterviewRagError as error:
            return {self.added: f'<p class="ir-added ir-problem">{escape(error.message(language))}</p>'}
        return {self.added: added_html(summary, labels), self.head: self._head(language), self.chat: gr.Chatbot(examples=self._examples())}

    def ask(self, question: str, history: list[str] | None = None, question_id: str = "1") -> dict[str, Any]:
        """Answer a question from the notes.

        Args:
            question: the question.
            history: earlier questions of the same conversation, oldest first.
            question_id: comes back as the row's "id".

        Returns:
            The answer row.
        """
        if not question.strip():
            raise gr.Error("the question is empty", print_exception=False)
        try:
            *_, answer = self._desk.events(Question(question, tuple(history or ())))
        except InterviewRagError as error:
            raise _page_error(error, self._language) from error
        assert isinstance(answer, Answer)  # noqa: S101 - `events` always ends with it
        return answer_row(answer, question_id)

    def _head(self, language: MessageLanguage) -> str:
        return head_html(self._desk.facts(), LABELS[language])

    def _examples(self) -> list[dict[str, str]]:
        return [{"text": question} for question in self._desk.facts().examples]


def _messages(turns: Turns, language: MessageLanguage, pending: str = "", shown: Sequence[Sentence] = ()) -> list[dict[str, Any]]:
    """The conversation as the chat shows it, ending with the question that is being answered, if any."""
    labels = LABELS[language]
    messages: list[dict[str, Any]] = []
    for number, turn in enumerate(turns):
        latest = number == len(turns) - 1 and not pending
        messages.append({"role": "user", "content": question_html(turn.question)})
        content = answer_html(turn.answer, number, labels, latest=latest)
        options = [{"value": heading.split(" › ")[-1], "label": heading} for heading in turn.answer.suggestions]
        messages.append({"role": "assistant", "content": content, "options": options if latest else []})
    if pending:
        messages.append({"role": "user", "content": question_html(pending)})
        answer = "\n\n".join(sentence_html(sentence, len(turns), labels) for sentence in shown) or waiting_html(labels)
        messages.append({"role": "assistant", "content": answer})
    return messages


def _page_error(error: InterviewRagError, language: MessageLanguage) -> gr.Error:
    """An error as one line of the page; its text may hold names of files, and the page would read it as HTML."""
    return gr.Error(escape(error.message(language)), print_exception=False)
