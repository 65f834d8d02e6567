"""What a command prints: one JSON document on standard output, or text for a person; messages and progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corpus.errors import InterviewRagError, MessageLanguage

if TYPE_CHECKING:
    from retrieval.weights import Progress

_STAGES: dict[MessageLanguage, dict[str, str]] = {
    "en": {
        "verify": "Checking weights",
        "convert": "Preparing model",
        "read": "Reading",
        "embed": "Embedding",
        "ask": "Answering",
        "search": "Searching",
        "sentences": "Ranking sentences",
        "check": "Checking",
        "propose": "Proposing questions",
        "train": "Training",
        "compare": "Comparing",
    },
    "zh": {
        "verify": "校验权重",
        "convert": "准备模型",
        "read": "读取",
        "embed": "计算向量",
        "ask": "回答",
        "search": "检索",
        "sentences": "句子排序",
        "check": "核查",
        "propose": "拟定问题",
        "train": "训练",
        "compare": "对比",
    },
}


@dataclass(frozen=True, slots=True)
class Console:
    """Where a command's output goes, and in which language its messages are."""

    as_json: bool
    language: MessageLanguage
    debug: bool = False

    def document(self, value: Any) -> None:
        """The command's one JSON document."""
        print(json.dumps(value, ensure_ascii=False, indent=2))

    def text(self, line: str = "", *, end: str = "\n") -> None:
        """Text for a person; nothing under `--json`."""
        if not self.as_json:
            print(line, end=end, flush=True)

    def say(self, english: str, chinese: str) -> None:
        """A message for a person, in their language."""
        self.text(chinese if self.language == "zh" else english)

    def error(self, error: InterviewRagError) -> None:
        """One line on standard error."""
        label = "错误：" if self.language == "zh" else "error: "
        print(label + " ".join(error.message(self.language).split()), file=sys.stderr)

    def interrupted(self) -> None:
        """One line on standard error after Ctrl-C."""
        print("已中断" if self.language == "zh" else "interrupted", file=sys.stderr)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Progress bars with rate and remaining time, one a stage, on a terminal's standard error; they go when all are done."""
        if not sys.stderr.isatty():
            yield lambda _stage, _done, _total: None
            return
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Task) -> Text:
                speed = task.finished_speed or task.speed
                return Text(f"{speed:.1f}/s" if speed else "")

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
        # Standard output stays as it is: it carries the answer while bars run.
        bars = Bars(*columns, console=RichConsole(stderr=True), transient=True, redirect_stdout=False)
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(_STAGES[self.language].get(stage, stage))
            bars.update(tasks[stage], completed=done, total=total)
            bars.stop() if bars.finished else bars.start()

        try:
            yield report
        finally:
            if tasks:  # stopping bars that never started would print an empty line
                bars.stop()
