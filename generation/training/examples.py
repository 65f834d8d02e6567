"""Groups of claims about one context: those that people wrote, and those made from articles by rule.

Contexts are runs of sentences, sometimes with sentences of another article between them, in either Chinese script. Supported
claims are statements made of questions and answers, sentences as they stand, shortened, reworded or joined. Unsupported ones
are the same after one change, with another answer, about what the run leaves out, or spliced from two sentences. A change of
words is no sign of error, and a full overlap no sign of support: both kinds of claims have both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from corpus.language import to_simplified, to_traditional
from corpus.sentences import sentence_spans, sentences
from generation.training.perturb import (
    Edit,
    Span,
    change_number,
    change_term,
    exchange_terms,
    flip,
    reverse_cause,
    reword,
    splice,
)
from generation.training.sources import Article, Claim, Labelled
from generation.training.statements import statement
from generation.training.terms_in import Terms, terms_in
from retrieval.analysis import terms

_CONVERTED = 0.25  # share of claims, and of contexts, that change their script
_DISTRACTED = 0.25  # share of contexts with sentences of another one
_REMOVED = 0.5  # share of groups whose context loses what supports a claim, and of others with a claim about another
_CLAIMS = 4  # made from an article at a time, half of them supported where that goes


@dataclass(frozen=True, slots=True)
class Group:
    """A context and claims about it."""

    context: str
    claims: tuple[Claim, ...]


def written_group(labelled: Labelled, others: Sequence[Labelled], rng: Random) -> Group:
    """What people wrote, in another script or with the context of others around it now and then.

    What does not follow from a context does not follow from it and an unrelated one either. Those who wrote the claims took
    care that shared words do not give the label away; elsewhere they say a lot, so half of the groups are about a context
    that has lost what supports a claim, and most have a claim about another context.
    """
    if rng.random() < _REMOVED and (group := _evidence_removed(labelled, others, rng)):
        return _converted(group, rng)
    context, claims = labelled.context, labelled.claims
    if rng.random() < _REMOVED:
        claims = (*claims, _claim_about_another(others, rng))
    if rng.random() < _DISTRACTED:
        other = rng.choice(others).context
        distractor = rng.choice(sentences(other) or (other,))
        context = rng.choice((f"{distractor}\n{context}", f"{context}\n{distractor}"))
    return _converted(Group(context, claims), rng)


def _evidence_removed(labelled: Labelled, others: Sequence[Labelled], rng: Random) -> Group | None:
    """The context without the sentences nearest to a claim, which so loses its support; beside it a quotation of what is left."""
    known = list(sentences(labelled.context))
    right = [claim.text for claim in labelled.claims if claim.supported]
    if len(known) < 4 or not right:
        return None
    claim = rng.choice(right)
    wanted = set(terms(claim))
    nearest = sorted(range(len(known)), key=lambda i: -len(wanted & set(terms(known[i]))))[: 2 + len(known) // 6]
    left = [sentence for i, sentence in enumerate(known) if i not in nearest]
    claims = [Claim(claim, False), Claim(rng.choice(left), True, ()), _claim_about_another(others, rng)]
    return Group("\n".join(left), tuple(claims))


def _claim_about_another(others: Sequence[Labelled], rng: Random) -> Claim:
    return Claim(rng.choice(rng.choice(others).claims).text, False)


class ArticleSampler:
    """Draws groups from the articles of one part; the same seed draws the same groups."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.articles = tuple(articles)
        self._terms: dict[int, Terms] = {}

    def draw(self, number: int, rng: Random) -> Group | None:
        """A group made from one article; None if it is too short to make any."""
        article = self.articles[number]
        cuts = [(a, b) for a, b in sentence_spans(article.text) if _says_enough(article.text[a:b])]
        if not cuts:
            return None
        first, last = _run(cuts, article.text, rng)
        start, end = cuts[first][0], cuts[last][1]
        made = _Maker(article, (start, end), self._known_terms(number), self._other(number, rng), rng)
        right, wrong = made.draw(made.supported()), made.draw(made.unsupported())
        if not right and not wrong:
            return None
        context = article.text[start:end].strip()
        if rng.random() < _DISTRACTED:
            distractor = rng.choice(sentences(self._other(number, rng).text))
            context = rng.choice((f"{distractor}\n{context}", f"{context}\n{distractor}"))
        return _converted(Group(context, (*right, *wrong)), rng)

    def _known_terms(self, number: int) -> Terms:
        if number not in self._terms:
            self._terms[number] = terms_in(self.articles[number].text)
        return self._terms[number]

    def _other(self, number: int, rng: Random) -> Article:
        """Another article of the same source."""
        own = self.articles[number]
        for _ in range(20):
            other = rng.choice(self.articles)
            if other.source == own.source and other.article != own.article:
                return other
        return rng.choice(self.articles)


class _Maker:
    """Makes claims about a run of an article's sentences."""

    def __init__(self, article: Article, run: Span, terms: Terms, other: Article, rng: Random) -> None:
        self.article, self.run, self.terms, self.other, self.rng = article, run, terms, other, rng
        self.text = article.text[run[0] : run[1]]
        self.inside = [s for s in sentences(self.text) if _says_enough(s)]
        outside = [*sentences(article.text[: run[0]]), *sentences(article.text[run[1] :])]
        self.outside = [s for s in outside if _says_enough(s)]

    def draw(self, makers: Sequence[Callable[[], Claim | None]]) -> tuple[Claim, ...]:
        """Claims by different makers, in a random order, up to half a group."""
        claims = (make() for make in self.rng.sample(makers, len(makers)))
        return tuple(claim for claim, _ in zip((c for c in claims if c), range(_CLAIMS // 2), strict=False))

    def supported(self) -> list[Callable[[], Claim | None]]:
        """Ways to make a claim that the run supports; more common ones more often."""
        return [self._stated, self._stated, self._stated, self._quoted, self._shortened, self._reworded, self._joined]

    def unsupported(self) -> list[Callable[[], Claim | None]]:
        """Ways to make a claim that it does not support."""
        changes: list[Callable[[str], Edit | None]] = [
            lambda s: change_number(s, self.text, self.rng),
            self._term_changed,
            self._term_changed,
            self._terms_exchanged,
            lambda s: flip(s, self.rng),
            lambda s: flip(s, self.rng),
            reverse_cause,
            lambda s: splice(s, self.rng.choice(self.inside), self.rng) if len(self.inside) > 1 else None,
        ]
        changed = [lambda change=change: self._changed(change) for change in changes]
        return [*changed, self._misstated, self._misstated, self._misstated, self._left_out, self._of_another, self._made_up]

    def _answered(self, *, inside: bool) -> Iterator[tuple[str, Span, str]]:
        """Statements whose answer the run holds, or leaves out, in random order."""
        for asked in self.rng.sample(self.article.asked, len(self.article.asked)):
            within = self.run[0] <= asked.start and asked.start + len(asked.answer) <= self.run[1]
            if (
                within == inside
                and (inside or asked.answer not in self.text)
                and (made := statement(asked.question, asked.answer))
            ):
                yield *made, asked.answer

    def _stated(self) -> Claim | None:
        found = next(self._answered(inside=True), None)
        if found:
            return Claim(found[0], True, ())
        if self.article.source == "halueval":
            # English questions can seldom be turned into statements, so they stand before their answers.
            answers = [a for a in self.article.asked if a.answer in self.text]
            return Claim(f"{answers[0].question} {answers[0].answer}", True, ()) if answers else None
        return None

    def _misstated(self) -> Claim | None:
        """A statement with another answer of the same article, or one whose answer lies outside the run."""
        if self.rng.random() < 0.3:
            found = next(self._answered(inside=False), None)
            return Claim(found[0], False, (found[1],)) if found else None
        for text, (start, end), answer in self._answered(inside=True):
            candidates = [a.answer for a in self.article.asked] + [
                w for words in self.terms.values() for w in words if answer in words
            ]
            candidates = [c for c in candidates if c not in answer and answer not in c and c not in text and _alike(c, answer)]
            if candidates:
                new = self.rng.choice(candidates)
                return Claim(text[:start] + new + text[end:], False, ((start, start + len(new)),))
        return None

    def _quoted(self) -> Claim | None:
        return Claim(self.rng.choice(self.inside), True, ()) if self.inside else None

    def _shortened(self) -> Claim | None:
        """One clause or more of a sentence, from its beginning."""
        for sentence in self.rng.sample(self.inside, len(self.inside)):
            ends = [i for i, c in enumerate(sentence) if c in "，；" and i > 8]
            if ends:
                return Claim(sentence[: self.rng.choice(ends)] + "。", True, ())
        return None

    def _reworded(self) -> Claim | None:
        for sentence in self.rng.sample(self.inside, len(self.inside)):
            edit = reword(sentence, self.rng)
            if edit:
                again = reword(edit.text, self.rng)
                return Claim((again or edit).text, True, ())
        return None

    def _joined(self) -> Claim | None:
        """Two sentences as one claim, whose second half may come first."""
        short = [s for s in self.inside if len(s) < 60]
        if len(short) < 2:
            return None
        a, b = self.rng.sample(short, 2)
        return Claim(f"{a.rstrip('。')}，{b}" if "。" in a else f"{a} {b}", True, ())

    def _changed(self, change: Callable[[str], Edit | None]) -> Claim | None:
        for sentence in self.rng.sample(self.inside, min(3, len(self.inside))):
            edit = change(sentence)
            # A change is no sign of error only if true claims are changed too, and wrong ones reworded.
            if edit and edit.text not in self.text:
                return Claim(edit.text, False, edit.wrong)
        return None

    def _term_changed(self, sentence: str) -> Edit | None:
        for kind in self.rng.sample(sorted(self.terms), len(self.terms)):
            more = terms_in(self.other.text).get(kind, ()) if self.rng.random() < 0.25 else ()
            if edit := change_term(sentence, (*self.terms[kind], *more), self.rng):
                return edit
        return None

    def _terms_exchanged(self, sentence: str) -> Edit | None:
        for kind in self.rng.sample(sorted(self.terms), len(self.terms)):
            if edit := exchange_terms(sentence, self.terms[kind], self.rng):
                return edit
        return None

    def _left_out(self) -> Claim | None:
        """A sentence of the article that the run leaves out: near in subject, and not said."""
        return Claim(self.rng.choice(self.outside), False) if self.outside else None

    def _of_another(self) -> Claim | None:
        found = [s for s in sentences(self.other.text) if _says_enough(s)]
        return Claim(self.rng.choice(found), False) if found else None

    def _made_up(self) -> Claim | None:
        """What a language model made up; an answer much longer than the right one would give itself away."""
        for question, text in self.article.made_up:
            right = [a.answer for a in self.article.asked if a.question == question]
            if not question or (right and right[0] not in text and len(text) < 2.5 * len(right[0])):
                return Claim(
                    f"{question} {text}".strip(),
                    False,
                    ((len(question) + 1, len(question) + 1 + len(text)),) if question else None,
                )
        return None


def _alike(a: str, b: str) -> bool:
    """Whether two answers are of one kind, as far as their form shows."""
    return (
        a[0].isdigit() == b[0].isdigit()
        and a[-1].isdigit() == b[-1].isdigit()
        and len(a) <= 2 * len(b) + 2
        and len(b) <= 2 * len(a) + 2
    )


def _says_enough(sentence: str) -> bool:
    return 8 <= len(sentence) <= 300


def _run(cuts: Sequence[Span], text: str, rng: Random) -> tuple[int, int]:
    """First and last of some sentences in a row, between one and as many as fit a length drawn at random."""
    scale = 1 if any(c > "\u2e80" for c in text[:60]) else 3
    length = rng.choice((20, 60, 120, 200, 260)) * scale
    first = last = rng.randrange(len(cuts))
    while cuts[last][1] - cuts[first][0] < length and (first > 0 or last + 1 < len(cuts)):
        if last + 1 == len(cuts) or (first > 0 and rng.random() < 0.5):
            first -= 1
        else:
            last += 1
    return first, last


def _converted(group: Group, rng: Random) -> Group:
    """Context and claims, each with some probability, in one of the two Chinese scripts."""
    context = rng.choice((to_simplified, to_traditional))(group.context) if rng.random() < _CONVERTED else group.context
    if rng.random() >= _CONVERTED:
        return Group(context, group.claims)
    convert = rng.choice((to_simplified, to_traditional))
    return Group(context, tuple(_converted_claim(claim, convert) for claim in group.claims))


def _converted_claim(claim: Claim, convert: Callable[[str], str]) -> Claim:
    """The claim in the other script; as it is where the conversion would move what is marked."""
    text = convert(claim.text)
    return replace(claim, text=text) if len(text) == len(claim.text) or not claim.wrong else claim
