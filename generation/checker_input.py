"""What the checker reads: the claim, and of its context what is nearest to it.

A context may be a sentence or a document. What exceeds the budget is left out by sentence: those stay that share most with
the claim, each counted for what the ones before do not share yet, in the order of the context. So a claim takes one short
pass of the encoder, however long its context is.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from corpus.sentences import sentence_spans
from retrieval.analysis import terms

# In Chinese characters; about 250 tokens.
BUDGET = 320

_HAN = re.compile(r"[\u3400-\u9fff]")


def nearest_sentences(context: str, claim: str, budget: int = BUDGET) -> str:
    """The context, or of a longer one the sentences that share most with the claim, at least one.

    Args:
        context: any text.
        claim: what decides.
        budget: size of what is kept, in Chinese characters; four Latin letters count as one.
    """
    if _size(context) <= budget:
        return context.strip()
    spans = sentence_spans(context)
    known = [frozenset(sentence_terms(context[a:b])) for a, b in spans]
    weight = _rarity(known)
    wanted = set(sentence_terms(claim))
    missing, left = set(wanted), set(range(len(spans)))
    kept: list[int] = []
    size = 0.0
    while left:
        # What is new counts fully, what an earlier sentence has said a quarter; the earlier of two equal ones wins.
        gain = {i: sum(weight[t] * (1.0 if t in missing else 0.25) for t in known[i] & wanted) for i in left}
        best = max(left, key=lambda i: (gain[i], -i))
        left.remove(best)
        more = _size(context[slice(*spans[best])])
        if kept and size + more > budget:
            if size > budget * 0.8 or not gain[best]:
                break
            continue
        kept.append(best)
        missing -= known[best]
        size += more
    return "\n".join(context[a:b] for a, b in (spans[i] for i in sorted(kept)))


@lru_cache(maxsize=4096)
def sentence_terms(text: str) -> tuple[str, ...]:
    """`retrieval.analysis.terms`, remembered: claims are checked against the same sentences again and again."""
    return tuple(terms(text))


def _rarity(sentences: list[frozenset[str]]) -> dict[str, float]:
    """How much a term tells the sentences of a context apart: one over the square root of how many hold it."""
    counts = Counter(term for sentence in sentences for term in sentence)
    return {term: count**-0.5 for term, count in counts.items()}


def _size(text: str) -> float:
    han = len(_HAN.findall(text))
    return han + (len(text) - han) / 4
