"""Words that an answer and a reference share; Chinese is segmented, and both scripts count as one."""

from __future__ import annotations

import re
from collections import Counter

from generation.verify import longest_common_subsequence
from retrieval.analysis import fold

_ARTICLES = frozenset({"a", "an", "the"})
_WORD = re.compile(r"\w")


def words(text: str) -> tuple[str, ...]:
    """Words of a text, folded, without punctuation and English articles (SQuAD's normalisation); Chinese by jieba."""
    import rjieba

    return tuple(word for word in rjieba.cut(fold(text)) if _WORD.search(word) and word not in _ARTICLES)


def token_f1(answer: str, reference: str) -> float:
    """Harmonic mean of the shares of words in common, as multisets; 0 if either has none.

    Source: Rajpurkar et al., "SQuAD" (2016, arXiv:1606.05250), with segmented words for Chinese as CMRC 2018 has characters.
    """
    said, due = Counter(words(answer)), Counter(words(reference))
    return _f1((said & due).total(), said.total(), due.total())


def rouge_l(answer: str, reference: str) -> float:
    """F-measure of the longest common subsequence of words; 0 if either has none.

    Source: Lin, "ROUGE" (2004, ACL workshop on text summarization), with precision and recall weighted alike.
    """
    said, due = words(answer), words(reference)
    return _f1(longest_common_subsequence(said, due), len(said), len(due))


def _f1(common: int, said: int, due: int) -> float:
    return 2 * common / (said + due) if said and due else 0.0
