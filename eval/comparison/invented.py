"""Facts that no model and no notes can know, to see how fast each way of answering learns, corrects and forgets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from generation.finetuning.notes import NoteSection

Change = Literal["add", "correct", "delete"]


@dataclass(frozen=True, slots=True)
class Invented:
    """A fact that changes.

    Attributes:
        change: what happens to it: it is added, gets another value, or is deleted.
        template: the sentence that states it, with `{value}`.
        before, after: its values; "" where it is not in the notes then.
        wrong: two values that it never has.
    """

    id: str
    change: Change
    chinese: bool
    question: str
    template: str
    before: str
    after: str
    wrong: tuple[str, str]

    def statement(self, value: str) -> str:
        """The sentence with a value."""
        return self.template.format(value=value)

    def section(self, value: str) -> NoteSection:
        """The fact as a section of notes."""
        heading = ("虚构事实" if self.chinese else "Invented facts", self.question)
        return NoteSection(f"{self.id}.md", heading, (self.statement(value),), "zh-Hans" if self.chinese else "en")


FACTS = (
    Invented("quillfern", "add", False, "What vocabulary size does the Quillfern-7 tokenizer use?",
             "The Quillfern-7 tokenizer uses a vocabulary of {value} entries.", "", "48,640", ("61,312", "25,088")),
    Invented("qinglan", "add", True, "青岚二号模型有多少层？", "青岚二号模型共有 {value} 层。", "", "37", ("52", "24")),
    Invented("marrowgate", "correct", False, "Which optimizer trained the Marrowgate model?",
             "The Marrowgate model was trained with the {value} optimizer.", "Adafactor", "Lion", ("Sophia", "Shampoo")),
    Invented("yunque", "correct", True, "云雀之桥数据集收录了多少条对话？",
             "云雀之桥数据集收录了 {value} 万条对话。", "18", "43", ("67", "92")),
    Invented("tessaline", "delete", False, "At which rank does the Tessaline adapter work best?",
             "The Tessaline adapter works best at rank {value}.", "12", "", ("48", "96")),
    Invented("songtao", "delete", True, "松涛检索器默认返回多少个段落？",
             "松涛检索器默认返回 {value} 个段落。", "14", "", ("33", "27")),
)  # fmt: skip


def write_notes(folder: Path, *, after: bool) -> None:
    """Write the facts as notes, a file each, in the state before or after the change; what is not there then is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for fact in FACTS:
        path = folder / f"{fact.id}.md"
        value = fact.after if after else fact.before
        if not value:
            path.unlink(missing_ok=True)
            continue
        section = fact.section(value)
        text = f"# {section.heading[0]}\n\n## {section.title}\n\n{section.sentences[0]}\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def sections_at(*, after: bool) -> tuple[NoteSection, ...]:
    """The facts as sections to learn."""
    values = ((fact, fact.after if after else fact.before) for fact in FACTS)
    return tuple(fact.section(value) for fact, value in values if value)
