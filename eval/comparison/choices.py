"""Multiple-choice questions from notes: the right option is a sentence of a section, three others are wrong.

Two kinds: "fact" options are the same sentence with a number changed, which fluency does not give away; "statement" options are
sentences of the sections that are nearest by their headings, of about the same length. Which option a model thinks likeliest
needs no generation and no judge (Ovadia et al., 2023, arXiv:2312.05934, section 4).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from generation.finetuning.examples import CountTokens, lead
from generation.finetuning.notes import NoteSection, plain_sentences
from generation.finetuning.wordings import question_of
from generation.training.perturb import Edit, change_number
from retrieval.analysis import STOP_WORDS, terms

_OPTIONS = 4
_SHORTEST, _LONGEST = 8, 48  # tokens of an option
_LATIN = re.compile(r"[a-z]")
# Formulas and references are no statements that one could know.
_NO_STATEMENT = re.compile(r"\$|arXiv|et al\.")


@dataclass(frozen=True, slots=True)
class Choice:
    """A question with four options, the first of which is right.

    Attributes:
        id: unique in a comparison.
        section: id of the section that it is about.
        kind: "fact" or "statement".
        popularity: how many sections of all notes name its subject.
    """

    id: str
    section: str
    question: str
    options: tuple[str, ...]
    kind: str
    popularity: int
    chinese: bool


def make_choices(
    sections: Sequence[NoteSection],
    everything: Sequence[NoteSection],
    count: int,
    count_tokens: CountTokens,
    *,
    answer_tokens: int,
    seed: int = 0,
) -> tuple[Choice, ...]:
    """At most `count` questions about sections, spread over them, kinds in turn where both can be made.

    Args:
        sections: what is asked about.
        everything: all sections, from which wrong options and popularity come.
        count: how many.
        count_tokens: length of a text in the model's tokens.
        answer_tokens: only sentences of a section's first so many tokens are asked about: what a fine-tuned model is taught.
        seed: what draws.
    """
    frequency = Counter(term for section in everything for term in set(_subject_terms(section)))
    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    found: list[Choice] = []
    asked: set[tuple[str, str]] = set()
    for turn in range(2):
        for at, section in enumerate(sections):
            kinds = ("fact", "statement") if (at + turn) % 2 else ("statement", "fact")
            taught = plain_sentences(lead(section, count_tokens, answer_tokens).replace("。", "。\n"))
            fitting = [s for s in taught if _fits(s, count_tokens)]
            for kind in kinds:
                options = (_facts if kind == "fact" else _statements)(section, fitting, everything, count_tokens, rng)
                if options and (section.id, kind) not in asked:
                    asked.add((section.id, kind))
                    question = question_of(section.title, chinese=section.chinese)
                    popularity = _popularity(section, frequency)
                    found.append(Choice(f"{section.id}/{kind}", section.id, question, options, kind, popularity, section.chinese))
                    break
            if len(found) == count:
                return tuple(found)
    return tuple(found)


def _facts(
    section: NoteSection, fitting: Sequence[str], everything: Sequence[NoteSection], count_tokens: CountTokens, rng: Random
) -> tuple[str, ...] | None:
    """A sentence and three that differ from it in one number."""
    others = [other for other in everything if other.chinese == section.chinese and other.id != section.id]
    context = "\n".join(" ".join(other.sentences) for other in rng.sample(others, min(8, len(others))))
    for sentence in fitting:
        wrong: dict[str, None] = {}
        for _ in range(12):
            edit = change_number(sentence, context, rng)
            if edit and edit.text != sentence and _whole_word(edit):
                wrong.setdefault(edit.text)
        if len(wrong) >= _OPTIONS - 1:
            return (sentence, *list(wrong)[: _OPTIONS - 1])
    return None


def _statements(
    section: NoteSection, fitting: Sequence[str], everything: Sequence[NoteSection], count_tokens: CountTokens, rng: Random
) -> tuple[str, ...] | None:
    """A sentence and one each of the three nearest sections."""
    if not fitting:
        return None
    right, own = fitting[0], set(_subject_terms(section))
    others = [o for o in everything if o.chinese == section.chinese and o.id != section.id and o.title != section.title]
    nearest = sorted(others, key=lambda o: (-_jaccard(own, set(_subject_terms(o))), o.id))
    wrong = []
    for other in nearest:
        known = [s for s in other.sentences if _fits(s, count_tokens) and s != right]
        if known:
            wrong.append(min(known, key=lambda s: abs(len(s) - len(right))))
        if len(wrong) == _OPTIONS - 1:
            return (right, *wrong)
    return None


def _fits(sentence: str, count_tokens: CountTokens) -> bool:
    return not _NO_STATEMENT.search(sentence) and _SHORTEST <= count_tokens(sentence) <= _LONGEST


def _whole_word(edit: Edit) -> bool:
    """Whether what was changed stands alone: the 8 of "INT8" is part of a name."""
    ((start, end), *_) = edit.wrong
    return not re.match(r"[A-Za-z]", edit.text[end:]) and not re.search(r"[A-Za-z]$", edit.text[:start])


def _subject_terms(section: NoteSection) -> tuple[str, ...]:
    return tuple(term for term in terms(section.title) if term not in STOP_WORDS)


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


def _popularity(section: NoteSection, frequency: Mapping[str, int]) -> int:
    """Sections whose heading names the subject: of the heading's names, or of all its terms, the one that is rarest."""
    own = _subject_terms(section)
    named = [term for term in own if _LATIN.search(term) or term.startswith("§")]
    return min((frequency[term] for term in named or own), default=1)
