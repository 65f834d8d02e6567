"""What a language model writes from selected evidence, as far as the evidence supports it.

A small model is trusted to shorten only: it opens the answer, and the evidence itself goes on. A base model writes one sentence,
which has to follow one line of the evidence; one with an adapter that was trained for it (`generation.training.train_composer`)
may join lines. Neither translates. A model with a chat form gets instructions and all of the evidence, and writes the answer;
each of its sentences is checked against the notes, and the evidence is quoted only if none of them is supported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.language import to_simplified
from corpus.results import Sentence
from corpus.sentences import sentences
from generation.compose import build_messages, build_prompt, compose, composition_prompt
from generation.draft import Draft
from generation.grounding import verify_draft
from generation.models.language_model import LanguageModel
from generation.selection.evidence_lines import EvidenceSentence
from retrieval.query import Query

# Given more, a small model opens with what is beside the point; a shorter prompt is also read faster.
_COMPOSED_FROM = 3
_WHOLE = re.compile(r"[。！？.!?…$`)）”\"’」』\]]\s*$")


def composed(
    model: LanguageModel,
    query: Query,
    evidence: Sequence[EvidenceSentence],
    draft: Draft,
    *,
    prompt_tokens: int,
    copy_only: bool = False,
) -> Iterator[Sentence]:
    """The model's sentences that the evidence supports; what else it wrote goes into `draft.left_out`.

    Args:
        model: what writes.
        query: the question.
        evidence: the lines of the answer, in reading order.
        draft: collects sentences, citations, counts of tokens.
        prompt_tokens: most tokens of evidence.
        copy_only: let it write only tokens of the evidence and of the question.
    """
    if not model.chat and draft.is_foreign(evidence):
        draft.left_out.append(f"no composed sentence: {model.name} does not translate; the evidence is quoted")
        return
    text, packed = written(model, query, evidence, draft, prompt_tokens=prompt_tokens, copy_only=copy_only)
    if not text:
        return
    if not model.reads_all:
        if sentence := draft.compose(text, packed):
            yield sentence
        return
    verified = verify_draft(
        text,
        list(dict.fromkeys(item.chunk for item in packed)),
        draft.checker,
        language=query.language,
        citations=draft.citations,
        by_words=model.composes,
        replace=model.chat,  # the lines of the evidence follow what an adapter wrote anyway
    )
    draft.left_out += verified.left_out
    if any(sentence.origin == "generated" for sentence in verified.sentences):
        draft.sentences += verified.sentences
        yield from verified.sentences
    else:
        draft.citations.forget_after(0)


def written(
    model: LanguageModel,
    query: Query,
    evidence: Sequence[EvidenceSentence],
    draft: Draft,
    *,
    prompt_tokens: int,
    copy_only: bool = False,
) -> tuple[str, tuple[EvidenceSentence, ...]]:
    """What a model writes, of an answer that was cut off the whole sentences, and the evidence that it read; see `composed`."""
    packed = _pack(evidence, model, prompt_tokens, draft)
    if not packed:
        return "", ()
    texts = [item.text for item in packed]
    if model.chat:
        system, prompt = build_messages(query.text, texts, query.language)
        given = {"system": system}
    else:
        build = composition_prompt if model.composes else build_prompt
        texts = [to_simplified(text) for text in texts]
        prompt = build(to_simplified(query.text), texts, query.language)
        given = {"only": "\n".join((*texts, to_simplified(query.text)))} if copy_only else {}
    draft.tokens["prompt"] = model.count_tokens(prompt + given.get("system", ""))
    pieces = []
    for piece in compose(model, prompt, **given):
        draft.first_token()
        pieces.append(piece)
    text = "".join(pieces).strip()
    draft.tokens["completion"] = model.count_tokens(text)
    if model.reads_all and text and not _WHOLE.search(text):
        *whole, cut = sentences(text)
        if whole or model.composes:  # the evidence goes on where an adapter stops; half a sentence is better than none otherwise
            draft.left_out.append(f"cut off after {model.decoding.max_tokens} tokens: {cut}")
            text = "\n".join(whole)
    return text, packed


def _pack(evidence: Sequence[EvidenceSentence], model: LanguageModel, budget: int, draft: Draft) -> tuple[EvidenceSentence, ...]:
    """The best evidence that fits the budget, in reading order; what would belong there and does not fit is recorded."""
    packed: set[int] = set()
    used = 0
    wanted = len(evidence) if model.reads_all else _COMPOSED_FROM
    for i in sorted(range(len(evidence)), key=lambda i: -evidence[i].score)[:wanted]:
        size = model.count_tokens(evidence[i].text) + 5  # the number in brackets and the line end
        if used + size <= budget:
            packed.add(i)
            used += size
        else:
            draft.left_out.append(f"over the prompt's budget: {evidence[i].text[:60]}")
    return tuple(evidence[i] for i in sorted(packed))
