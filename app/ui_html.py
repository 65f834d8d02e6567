"""Answers as HTML for the chat page: pure functions from the contract's objects to markup.

Notes are data. Every character of theirs that HTML, Markdown or a template could take for its own goes out as a numeric
entity, so that a browser shows it and nothing on the way interprets it. Only formulas are handed on as formulas, in the
delimiters of LATEX, so that a lone dollar sign stays one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from app.ui_text import LABELS, Labels
from corpus.results import Answer, Citation, Sentence
from generation.phrases import refusal

if TYPE_CHECKING:
    from app.session import Mode
    from app.ui_desk import Facts
    from ingest.pipeline import IngestSummary

LATEX = [{"left": r"\[", "right": r"\]", "display": True}, {"left": r"\(", "right": r"\)", "display": False}]

# Everything in ASCII that is no letter, digit or plain punctuation; a line break would end the HTML block in Markdown.
_ENTITIES = {code: f"&#{code};" for code in map(ord, "&<>\"'`$%{}[]()*_~#|\\\n\r")}
# As Pandoc reads them: `$` opens before and closes after a character that is no space, and "$5 and $6" is money.
_FORMULA = re.compile(
    r"\$\$(?P<display>.+?)\$\$|\\\[(?P<bracket>.+?)\\\]|\\\((?P<paren>.+?)\\\)"
    r"|(?<![\\$])\$(?=[^\s$])(?P<inline>[^$\n]*?[^\s$\\])\$(?![\d$])",
    re.DOTALL,
)
# A listing that the notes hold is cited as one sentence.
_FENCED = re.compile(r"```[^\n`]*\n(.*?)\n?```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of the conversation and its answer."""

    question: str
    answer: Answer
    mode: Mode = "rag"


def escape(text: str) -> str:
    """Text that shows as itself, whatever it contains."""
    return text.translate(_ENTITIES)


def escape_with_formulas(text: str) -> str:
    """Text that shows as itself, except that its formulas are set."""
    parts = []
    at = 0
    for match in _FORMULA.finditer(text):
        parts.append(escape(text[at : match.start()]))
        display = match["display"] or match["bracket"]
        inline = match["paren"] or match["inline"]
        parts.append(rf"\[{escape(display)}\]" if display else rf"\({escape(inline)}\)")
        at = match.end()
    return "".join([*parts, escape(text[at:])])


def question_html(question: str) -> str:
    """The user's own message."""
    return f'<p class="ir-question">{escape_with_formulas(question)}</p>'


def waiting_html(labels: Labels) -> str:
    """What stands where the answer will be, until its first sentence is checked."""
    return f'<p class="ir-waiting">{escape(labels.waiting)}</p>'


def sentence_html(sentence: Sentence, turn: int, labels: Labels) -> str:
    """A sentence with links to its sources and a bar for its support."""
    links = "".join(f'<a class="ir-cite" href="#{source_id(turn, n)}">[{n}]</a>' for n in sentence.citations)
    origin = labels.generated if sentence.origin == "generated" else labels.quoted
    if sentence.support is None:
        support, width = labels.unsupported_scale, 0
    else:
        support, width = labels.support.format(value=f"{sentence.support:.2f}"), round(sentence.support * 100)
    bar = f'<span class="ir-support" title="{escape(support)}"><i style="width:{width}%"></i></span>'
    code = _FENCED.fullmatch(sentence.text.strip())
    text = f'<code class="ir-code">{escape(code[1])}</code>' if code else escape_with_formulas(sentence.text)
    unfounded = "" if sentence.citations else f'<span class="ir-unfounded">{escape(labels.unfounded)}</span>'
    marks = f'<span class="ir-marks">{links}{unfounded}{bar}</span>'
    return f'<p class="ir-sentence ir-{sentence.origin}" title="{escape(origin)}">{text}{marks}</p>'


def answer_html(answer: Answer, turn: int, labels: Labels, *, latest: bool = True, mode: Mode = "rag") -> str:
    """A whole answer or refusal; the suggestions of the `latest` refusal are buttons of the chat instead."""
    blocks = []
    if answer.query != answer.question.strip():
        blocks.append(f'<p class="ir-aside">{escape(labels.searched_for.format(query=answer.query))}</p>')
    if answer.refused:
        blocks.append(f'<p class="ir-refusal">{escape(refusal(answer.language))}</p>')
    if answer.notice:
        blocks.append(f'<p class="ir-aside">{escape(answer.notice)}</p>')
    blocks += [sentence_html(sentence, turn, labels) for sentence in answer.sentences]
    # A blank line between blocks keeps those of the earlier sentences on the page unchanged while later ones arrive.
    return "\n\n".join([*blocks, _facts(answer, labels, mode), *_nearest(answer, labels, listed=not latest)])


def _nearest(answer: Answer, labels: Labels, *, listed: bool) -> list[str]:
    if not answer.suggestions:
        return []
    lead = f'<p class="ir-aside">{escape(labels.nearest)}</p>'
    items = "".join(f"<li>{escape(heading)}</li>" for heading in answer.suggestions)
    return [lead, f'<ul class="ir-nearest">{items}</ul>'] if listed else [lead]


def _facts(answer: Answer, labels: Labels, mode: Mode) -> str:
    """One small line of figures below an answer, and what was left out."""
    facts = []
    if answer.citations:
        facts.append(labels.citations.format(count=len(answer.citations)))
    if answer.support is not None:
        facts.append(labels.support.format(value=f"{answer.support:.2f}"))
    facts.append(labels.relevance.format(value=f"{answer.relevance:.2f}"))
    facts.append(labels.seconds.format(value=f"{answer.timings['total']:.1f}"))
    if answer.outcome == "answered" and answer.model:
        facts.append(f"✦ {model_name(answer.model)}")  # the mark that its sentences carry
    if mode != "rag":
        facts.append(labels.modes[mode])
    if answer.adapter:
        facts.append(labels.adapter.format(name=PurePath(answer.adapter).name))
    if answer.rope and answer.rope != "none":
        facts.append(f"RoPE {answer.rope}")
    line = "".join(f"<span>{escape(fact)}</span>" for fact in facts)
    if answer.left_out:
        items = "".join(f"<li>{escape(reason)}</li>" for reason in answer.left_out)
        summary = escape(labels.left_out.format(count=len(answer.left_out)))
        line += f"<details><summary>{summary}</summary><ul>{items}</ul></details>"
    return f'<div class="ir-facts" title="{escape(labels.legend)}">{line}</div>'


def source_id(turn: int, n: int) -> str:
    """The element that shows citation `n` of an answer."""
    return f"ir-source-{turn}-{n}"


def sources_html(turns: Sequence[Turn], labels: Labels) -> str:
    """The sources of every answer; those of the latest are shown, a click on a citation shows another's."""
    if not turns:
        return f'<p class="ir-empty">{escape(labels.no_sources)}</p>'
    sections = []
    for number, turn in enumerate(turns):
        shown = " ir-shown" if number == len(turns) - 1 else ""
        groups = groupby(turn.answer.citations, key=lambda citation: (citation.path, citation.page, citation.heading))
        body = "".join(_source_group(number, list(items), labels) for _, items in groups)
        body = body or f'<p class="ir-empty">{escape(labels.refused_sources)}</p>'
        sections.append(f'<section class="ir-turn{shown}"><h3>{escape(turn.question)}</h3>{body}</section>')
    return "".join(sections)


def _source_group(turn: int, citations: Sequence[Citation], labels: Labels) -> str:
    """Citations of one section of a note, which share its path, page and heading."""
    quotes = "".join(
        f'<div class="ir-source" id="{source_id(turn, c.n)}"><span class="ir-number" title="{c.start}-{c.end}">{c.n}</span>'
        f'<div class="ir-quote">{escape(c.quote)}</div></div>'
        for c in citations
    )
    first = citations[0]
    place = " › ".join(first.heading)
    path = first.path if first.page is None else f"{first.path} · {labels.page.format(page=first.page)}"
    return (
        f'<article class="ir-note"><div class="ir-path">{escape(path)}</div>'
        f'<div class="ir-heading">{escape(place)}</div>{quotes}</article>'
    )


def model_name(name: str) -> str:
    """A model's name without the prefix that says where its weights come from."""
    return name.removeprefix("bundled:")


def head_html(facts: Facts, labels: Labels) -> str:
    """The page's title, what the index holds, and which models are in force."""
    languages = "，" if labels is LABELS["zh"] else ", "
    counts = languages.join(f"{labels.language_names[name]} {count}" for name, count in facts.languages.items())
    generator = model_name(facts.generator) if facts.generator else labels.no_generator
    lines = (
        labels.holds.format(documents=facts.documents, chunks=facts.chunks),
        counts,
        labels.models.format(embeddings=model_name(facts.embeddings), generator=generator),
    )
    spans = "".join(f"<span>{escape(line)}</span>" for line in lines if line)
    return (
        f'<div class="ir-title"><h1>{escape(labels.title)}</h1><span class="ir-subtitle">{escape(labels.subtitle)}</span></div>'
        f'<div class="ir-holds">{spans}</div>'
    )


def added_html(summary: IngestSummary, labels: Labels) -> str:
    """What adding notes did, and one line for each file that was skipped."""
    line = labels.added.format(
        added=summary.added,
        changed=summary.changed,
        unchanged=summary.unchanged,
        documents=summary.documents,
        chunks=summary.chunks,
        seconds=f"{summary.seconds:.1f}",
    )
    skipped = "".join(problem_html(labels.skipped.format(path=skip.path, reason=skip.reason)) for skip in summary.skipped)
    return f'<div class="ir-added">{escape(line)}</div>{skipped}'


def problem_html(line: str) -> str:
    """A line that says what went wrong."""
    return f'<div class="ir-added ir-problem">{escape(line)}</div>'


def conversation(
    turns: Sequence[Turn], labels: Labels, pending: str = "", shown: Sequence[Sentence] = (), problem: str = ""
) -> list[dict[str, Any]]:
    """The conversation as the chat shows it.

    Args:
        turns: what was asked and answered.
        labels: the page's texts.
        pending: the question that is being answered, if any.
        shown: the sentences of its answer so far.
        problem: why it cannot be answered, if so.
    """
    messages: list[dict[str, Any]] = []
    for number, turn in enumerate(turns):
        latest = number == len(turns) - 1 and not pending
        messages.append({"role": "user", "content": question_html(turn.question)})
        content = answer_html(turn.answer, number, labels, latest=latest, mode=turn.mode)
        options = [{"value": heading.split(" › ")[-1], "label": heading} for heading in turn.answer.suggestions]
        messages.append({"role": "assistant", "content": content, "options": options if latest else []})
    if pending:
        messages.append({"role": "user", "content": question_html(pending)})
        blocks = [sentence_html(sentence, len(turns), labels) for sentence in shown]
        if problem:
            blocks.append(f'<p class="ir-problem">{escape(problem)}</p>')
        messages.append({"role": "assistant", "content": "\n\n".join(blocks) or waiting_html(labels)})
    return messages
