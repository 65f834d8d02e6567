"""From what a user typed to the question that is searched for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus.documents import Language
from corpus.language import detect_language, in_both_scripts
from corpus.results import Hit
from retrieval.analysis import concepts, fold
from retrieval.lexicon import bridge_terms

# Concepts that say what is asked about a subject; a question that names only these needs a subject from before.
ASPECTS = frozenset(
    """
    difference advantage disadvantage formula derivation implementation release evaluation stability memory latency training
    parameters training-data gradient weights token vector inference dynamic
    throughput gpu-memory gpu cpu accuracy llm language-model corpus time-complexity space-complexity quadratic big-o bandwidth
    benchmark flops loss-function generalization batch-size learning-rate hyperparameter test-set validation-set pytorch
    """.split()
)
# NF4, GPTQ, d_model: a name of the field that the glossary need not know.
_TECHNICAL_NAME = re.compile(r"\b(?=\w*[A-Z0-9_])(?=\w*[A-Za-z])\w*(?:[A-Z]\w*[A-Z0-9]|[A-Za-z]\w*[0-9_])\w*\b")
_POINTS_BACK = re.compile(
    r"它|他们|这个|这种|这些|这样|那个|那种|那些|那么|那它|(?<![尤极与])其(?![中他它余实次])|该方法|两者|二者|前者|后者|上面|刚才|还有呢"
    r"|\b(it|its|they|them|their|this|that|these|those|the former|the latter|the two|both|above|same)\b"
    r"|^(那|呢|and\b|what about|how about|why\b\W*$|为什么\W*$)"
)


# Words that make English of a line of names; the general words of the lexicon do too.
_ENGLISH = re.compile(
    r"\b(?:what|which|who|when|where|why|how|is|are|was|were|be|do|does|did|can|could|should|would|will|the|an?|of|in|on|at|to|for|with"
    r"|from|by|between|and|or|not|than|it|its|this|that|these|those|my|your|i|you|we|tell|give|list|show|explain|describe|define"
    r"|compare|works?|use[ds]?|using|means?|meaning|about|pros|cons|(?:dis)?advantages?|drawbacks?|benefits?|limitations?"
    r"|differences?|steps?)\b"
)
_LATIN_WORD = re.compile(r"[a-z][\w-]*")
_MOST_NAMES = 5
_BEST = 5  # hits whose language counts


@dataclass(frozen=True, slots=True)
class Query:
    """A question ready for search.

    Attributes:
        question: as the user asked it.
        text: standalone: what it takes from earlier turns is put in front.
        language: language and script of the question, and so of the answer.
        variants: other wordings, searched for beside `text`.
        drafts: passages that an answer might look like; their likes are searched for.
        names_only: it is in no language ("AWQ GPTQ"), and is answered in that of the notes.
        either_script: it is in Chinese that reads the same in both scripts, and is answered in that of the notes.
    """

    question: str
    text: str
    language: Language
    variants: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    names_only: bool = False
    either_script: bool = False


def analyse(question: str, history: Sequence[str] = ()) -> Query:
    """Make a question standalone and find its language.

    A follow-up ("它有什么缺点？") gets the latest earlier turn that names a subject put before it; a question that names a
    subject of its own and points to nothing is left alone. One that no word or character gives a language or script has that
    of the latest turn that has one.
    """
    question = question.strip()
    text = question
    if history and _needs_history(question):
        text = f"{_last_subject(history)} {question}"
    language, turns = _language_of(question, history), (question, *history)
    return Query(
        question,
        text,
        language,
        names_only=not history and _is_names_only(question),
        either_script=language.startswith("zh") and all(map(in_both_scripts, turns)),
    )


def in_language_of(query: Query, hits: Sequence[Hit]) -> Query:
    """The query, with the language, or the script, of most of the best hits if it has none of its own."""
    best = (hit.chunk.language for hit in hits[:_BEST])
    told = [language for language in best if language.startswith("zh") or (query.names_only and language != "other")]
    open_ended = query.names_only or query.either_script
    return replace(query, language=Counter(told).most_common(1)[0][0]) if open_ended and told else query


def _language_of(question: str, history: Sequence[str]) -> Language:
    own = detect_language(question)
    if _is_names_only(question):
        return next((detect_language(turn) for turn in reversed(history) if not _is_names_only(turn)), own)
    if own.startswith("zh") and in_both_scripts(question):
        earlier = (detect_language(turn) for turn in reversed(history) if not in_both_scripts(turn))
        return next((language for language in earlier if language.startswith("zh")), own)
    return own


def _is_names_only(question: str) -> bool:
    """Whether a question is a few names without a word of any language."""
    words = _LATIN_WORD.findall(fold(question))
    return (
        question.isascii()
        and 0 < len(words) <= _MOST_NAMES
        and not _ENGLISH.search(fold(question))
        and not bridge_terms(question)
    )


def points_back(question: str) -> bool:
    """Whether a question speaks of something without naming it."""
    return bool(_POINTS_BACK.search(fold(question)))


def _needs_history(question: str) -> bool:
    return points_back(question) or not names_subject(question)


def subjects_of(text: str) -> tuple[str, ...]:
    """The glossary's concepts that a text is about, in order; what only says how something is looked at is none."""
    return tuple(concept for concept in concepts(text) if concept not in ASPECTS)


def names_subject(text: str) -> bool:
    """Whether a text says what it is about, by a word of the glossary or a technical name."""
    return bool(subjects_of(text)) or bool(_TECHNICAL_NAME.search(text))


def _last_subject(history: Sequence[str]) -> str:
    return next((turn for turn in reversed(history) if names_subject(turn)), history[-1]).strip()
