"""The chat in the browser: ask, watch the answer come sentence by sentence, read the sources, add notes.

The same server answers programs: a question and the earlier questions of its conversation in, an answer row of the contract
(docs/architecture.md) out, as the only item of "data":

    curl http://127.0.0.1:7860/gradio_api/run/ask --json '{"data": ["它有什么缺点？", ["什么是 ALiBi？"]]}'

or through Gradio's client, which would take the "path" of a citation for a file to fetch if it were not told otherwise:

    client = gradio_client.Client("http://127.0.0.1:7860", download_files=False)
    row = client.predict(question="它有什么缺点？", history=["什么是 ALiBi？"], api_name="/ask")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI

from app.api import api
from app.console import Console
from app.session import Mode, Session
from app.ui_desk import SUFFIXES, Desk
from app.ui_html import LATEX, Turn, added_html, conversation, escape, head_html, problem_html, sources_html
from app.ui_server import OnlyThisOrigin, listen, serve, url_of
from app.ui_style import CSS, FOCUS, SCRIPT, theme
from app.ui_text import LABELS, browser_language
from corpus.errors import InterviewRagError, MessageLanguage
from corpus.results import Sentence, answer_row
from generation.answering import Question

Turns = tuple[Turn, ...]
Updates = dict[Any, Any]

# Everything that runs a model waits in one line, of which one at a time is served.
_MODELS = {"concurrency_id": "models", "concurrency_limit": 1}
_INNER = {"api_visibility": "private", "show_progress": "hidden"}
_PROGRESS = gr.Progress()
_API = (
    "Answers a question from the notes, with every sentence cited; `history` holds the earlier questions of the conversation. "
    "Give the Python client `download_files=False`, or it takes the path of a citation for a file to fetch."
)


def launch(session: Session, console: Console, *, host: str, port: int, adapters: Sequence[Path] = ()) -> None:
    """Serve the chat until interrupted; prints the address to open.

    Raises:
        UsageError: the port is taken.
        AdapterNotFound, AdapterMismatch: a folder holds nothing that `finetune` made of the generator.
        IndexNotFound: nothing has been ingested yet.
    """
    with listen(host, port) as listening:
        page = ChatPage(Desk(session, adapters), console.language, follow_browser=session.settings.messages == "auto")
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
        """The page as a web application, the HTTP API beside it."""
        app = FastAPI(openapi_url=None)
        app.mount("/api", api(self._desk, self._language))
        gr.mount_gradio_app(
            app, self.blocks, path="/", theme=theme(), css=CSS, js=SCRIPT, footer_links=["api"], run_history=False,
            enable_monitoring=False, max_file_size="64mb", pwa=False, ssr_mode=False,
        )  # fmt: skip
        return OnlyThisOrigin(app)

    def _lay_out(self) -> None:
        self.turns, self.pending = gr.State(()), gr.State(None)
        with gr.Row(elem_id="ir-head"):
            self.head = gr.HTML()
            self.language = gr.Radio([("中文", "zh"), ("EN", "en")], value=self._language, container=False, elem_id="ir-language")
        with gr.Row():
            with gr.Column(scale=3, min_width=340):
                self.chat = gr.Chatbot(elem_id="ir-chat", show_label=False, buttons=[], latex_delimiters=LATEX, allow_tags=False)
                with gr.Row(elem_id="ir-how"):  # of the next question
                    self.mode = gr.Radio(value="rag", container=False, elem_id="ir-mode")
                    names = list(self._desk.adapters)
                    self.adapter = gr.Dropdown(
                        names, value=next(iter(names), None), container=False, visible=False, elem_id="ir-adapter"
                    )
                with gr.Row(elem_id="ir-ask"):
                    # Takes questions from `open` on: before that, the page does not know its language.
                    self.question = gr.Textbox(container=False, max_lines=6, interactive=False, scale=1, elem_id="ir-question")
                    self.send = gr.Button(variant="primary", elem_id="ir-send")
                    self.new = gr.Button(elem_id="ir-new")
            with gr.Column(scale=2, min_width=300, elem_id="ir-side"):
                self.sources = gr.HTML(elem_id="ir-sources")
                with gr.Accordion(open=False, elem_id="ir-add") as self.adding:
                    self.hint = gr.HTML()
                    self.upload = gr.UploadButton(file_count="multiple", file_types=list(SUFFIXES), size="sm")
                    self.added = gr.HTML(min_height=60)

    def _connect(self) -> None:
        labelled = [
            self.head,
            self.chat,
            self.mode,
            self.question,
            self.send,
            self.new,
            self.sources,
            self.adding,
            self.hint,
            self.upload,
        ]
        self.blocks.load(self.open, [self.turns], [self.language, *labelled], **_INNER)
        self.language.input(self.relabel, [self.language, self.turns], labelled, **_INNER)
        self.mode.change(self.choose, [self.mode], [self.adapter], queue=False, **_INNER)
        self.new.click(self.forget, [self.language], [self.turns, self.chat, self.sources], **_INNER)
        added = [self.added, self.head, self.chat]
        self.upload.upload(
            self.add, [self.upload, self.language], added, api_visibility="private", show_progress_on=self.added, **_MODELS
        )
        gr.api(self.ask, api_name="ask", api_description=_API, **_MODELS)

        seen = [self.pending, self.turns, self.language]
        asked = [self.pending, self.question, self.send, self.chat]
        answered = [self.pending, self.turns, self.chat, self.sources, self.head]
        for sent, start, given in (
            (self.question.submit, self.start, [self.question, self.turns, self.language]),
            (self.send.click, self.start, [self.question, self.turns, self.language]),
            (self.chat.example_select, self.start_selected, [self.turns, self.language]),
            (self.chat.option_select, self.start_selected, [self.turns, self.language]),
        ):
            started = sent(start, given, asked, queue=False, **_INNER)
            done = started.then(self.respond, [*seen, self.mode, self.adapter], answered, **_INNER, **_MODELS)
            done.then(self.finish, [self.pending], asked, queue=False, **_INNER).then(None, js=FOCUS, **_INNER)
            done.failure(self.recover, seen, asked, queue=False, **_INNER)

    def open(self, turns: Turns, request: gr.Request) -> Updates:
        """A page is opened: its language is the browser's, unless the settings name one."""
        accepted = request.headers.get("accept-language", "")
        language = browser_language(accepted) if self._follow_browser else self._language
        ready = gr.Textbox(placeholder=LABELS[language].ask_hint, interactive=True, autofocus=True)
        return {self.language: language, **self.relabel(language, turns), self.question: ready}

    def relabel(self, language: MessageLanguage, turns: Turns) -> Updates:
        """Every text of the page in a language; questions and answers stay in theirs."""
        labels = LABELS[language]
        welcome = f"<p>{escape(labels.welcome)}</p>"
        return {
            self.head: head_html(self._desk.facts(), labels),
            self.chat: gr.Chatbot(conversation(turns, labels), placeholder=welcome, examples=self._examples()),
            self.mode: gr.Radio([(labels.modes[mode], mode) for mode in self._desk.modes], label=labels.mode),
            self.question: gr.Textbox(placeholder=labels.ask_hint),
            self.send: gr.Button(labels.send),
            self.new: gr.Button(labels.new_chat),
            self.sources: sources_html(turns, labels),
            self.adding: gr.Accordion(label=labels.add_notes),
            self.hint: f"<p>{escape(labels.add_hint.format(folder=self._desk.notes_folder))}</p>",
            self.upload: gr.UploadButton(labels.choose_files),
        }

    def choose(self, mode: Mode) -> gr.Dropdown:
        """A mode is chosen: the fine-tuned ones have adapters to choose from."""
        return gr.Dropdown(visible=bool(self._desk.adapters) and mode.startswith("fine-tuned"))

    def start(self, question: str, turns: Turns, language: MessageLanguage) -> Updates:
        """A question is sent: it follows the earlier ones of its conversation."""
        return self._started(Question(question.strip(), tuple(turn.question for turn in turns)), turns, language)

    def start_selected(self, turns: Turns, language: MessageLanguage, event: gr.EventData) -> Updates:
        """An example or a suggested heading is chosen: ask it as it stands in the notes, where nothing comes before it."""
        value = event.value
        return self._started(Question(value["text"] if isinstance(value, dict) else value), turns, language)

    def _started(self, question: Question, turns: Turns, language: MessageLanguage) -> Updates:
        """Show a question at once and take no other until it is answered."""
        if not question.text:
            return {self.pending: None}
        return {
            self.pending: question,
            self.question: gr.Textbox("", interactive=False),
            self.send: gr.Button(interactive=False),
            self.chat: conversation(turns, LABELS[language], question.text),
        }

    def respond(
        self, pending: Question | None, turns: Turns, language: MessageLanguage, mode: Mode = "rag", adapter: str | None = None
    ) -> Iterator[Updates]:
        """Answer the question that is pending, sentence by sentence."""
        if pending is None:
            yield {}
            return
        labels = LABELS[language]
        shown: list[Sentence] = []
        try:
            for event in self._desk.events(pending, mode, adapter):
                if isinstance(event, Sentence):
                    shown.append(event)
                    yield {self.chat: conversation(turns, labels, pending.text, shown)}
                else:
                    turns = (*turns, Turn(pending.text, event, mode))
                    yield {self.pending: None, self.turns: turns, **self._turned(turns, language)}
        except InterviewRagError as error:
            yield {self.chat: conversation(turns, labels, pending.text, problem=error.message(language))}

    def _turned(self, turns: Turns, language: MessageLanguage) -> Updates:
        labels = LABELS[language]
        return {
            self.chat: conversation(turns, labels),
            self.sources: sources_html(turns, labels),
            self.head: head_html(self._desk.facts(), labels),
        }

    def finish(self, pending: Question | None) -> Updates:
        """Take questions again; one that could not be answered is put back where it was typed."""
        return {
            self.pending: None,
            self.question: gr.Textbox(pending.text if pending else "", interactive=True),
            self.send: gr.Button(interactive=True),
        }

    def recover(self, pending: Question | None, turns: Turns, language: MessageLanguage) -> Updates:
        """After an error of ours, which the page shows by itself: `finish`, without the answer that was begun."""
        return {**self.finish(pending), self.chat: conversation(turns, LABELS[language])}

    def forget(self, language: MessageLanguage) -> Updates:
        """Begin a new conversation."""
        return {self.turns: (), self.chat: [], self.sources: sources_html((), LABELS[language])}

    def add(self, files: Sequence[str], language: MessageLanguage, progress: gr.Progress = _PROGRESS) -> Updates:
        """Add uploaded files to the notes and the index."""
        labels = LABELS[language]
        stages = {"read": labels.reading, "embed": labels.embedding}

        def report(stage: str, done: int, total: int) -> None:
            progress((done, total), desc=stages.get(stage, stage))

        try:
            summary = self._desk.add_notes([Path(file) for file in files], report)
        except InterviewRagError as error:
            return {self.added: problem_html(error.message(language))}
        return {
            self.added: added_html(summary, labels),
            self.head: head_html(self._desk.facts(), labels),
            self.chat: gr.Chatbot(examples=self._examples()),
        }

    def ask(self, question: str, history: list[str] | None = None) -> dict[str, Any]:
        """Answer a question from the notes.

        Args:
            question: the question.
            history: earlier questions of the same conversation, oldest first.

        Returns:
            The answer row.
        """
        if not isinstance(question, str) or not question.strip():
            raise gr.Error("the question must be a text that is not empty", print_exception=False)
        if not isinstance(history, list | None) or not all(isinstance(turn, str) for turn in history or ()):
            raise gr.Error("the history must be a list of texts", print_exception=False)
        try:
            return answer_row(self._desk.answer(Question(question, tuple(history or ()))), "1")
        except InterviewRagError as error:
            # Pages read the text of an error as HTML.
            raise gr.Error(escape(error.message(self._language)), print_exception=False) from error

    def _examples(self) -> list[dict[str, str]]:
        return [{"text": question} for question in self._desk.facts().examples]
