"""A heading as a question, and the same question in other words, by rule, in Chinese and English.

What a model learned in one wording it often cannot be asked for in another; several wordings of each question help more than the
same wording several times (Ovadia et al., 2023, arXiv:2312.05934, section 6; Allen-Zhu & Li, 2023, arXiv:2309.14316).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ASKS = re.compile(
    r"[?？]\s*$|^(?:what|why|how|when|which|who|where|does|do|is|are|can|should)\b|什么|什麼|为何|为什么|為什麼|如何|怎么|怎麼|怎样"
    r"|哪些|哪个|哪種|哪种|多少|是否|吗$|嗎$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^\s*(?:[Qq]\s*\d*\s*[.:：、]|第?[\d一二三四五六七八九十]+(?:\.\d+)*\s*[.、:：)章节]|\(\d+\))\s*")

# A pattern and its rewordings; the first pattern that matches is used. They keep the subject as it is written.
_ZH_FORMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(?:什么是|什麼是|何谓)(?P<x>[^，,？?]+)", ("{x}是什么？", "请解释一下{x}。", "{x}指的是什么？")),
    (r"(?P<x>[^，,？?]+?)(?:是什么|是什麼|指什么)", ("什么是{x}？", "请解释一下{x}。", "{x}指的是什么？")),
    (r"(?:为什么|為什麼|为何)(?P<x>[^，,？?]+)", ("{x}的原因是什么？", "{x}，这是为什么？", "请说明{x}的理由。")),
    (r"(?P<x>[^，,？?]+?)和(?P<y>[^，,？?]+?)(?:有什么|有何|的)?(?:区别|差异|不同)(?:是什么|在哪里)?",
     ("{x}与{y}有何不同？", "请比较{x}和{y}。", "{x}跟{y}的差异在哪里？")),
    (r"(?P<x>[^，,？?]+?)有哪些(?P<y>[^，,？?]*)", ("请列举{x}的{y}。", "{x}都有哪些{y}？", "{x}的{y}包括哪些？")),
    (r"(?:如何|怎么|怎样|怎麼)(?P<x>[^，,？?]+)", ("用什么办法{x}？", "请说明怎样{x}。", "要{x}，该怎么做？")),
    (r"(?P<x>[^，,？?]+?)(?:如何|怎么|怎样|怎麼)(?P<y>[^，,？?]+)",
     ("请说明{x}怎样{y}。", "{x}是怎样{y}的？", "{x}用什么办法{y}？")),
)  # fmt: skip
_EN_FORMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"what is the difference between (?P<x>.+?) and (?P<y>.+)",
     ("How does {x} differ from {y}?", "Compare {x} with {y}.", "In what way are {x} and {y} different?")),
    (r"what (?P<v>is|are) (?P<x>[^,]+)", ("Explain what {x} {v}.", "Define {x}.", "Tell me about {x}.")),
    (r"why (?P<v>is|are|was|were) (?P<x>.+)",
     ("For what reason {v} {x}?", "Give the reason: why {v} {x}?", "What is the reason, why {v} {x}?")),
    (r"why (?P<v>does|do|did) (?P<x>.+)",
     ("For what reason {v} {x}?", "Give the reason: why {v} {x}?", "What is the reason, why {v} {x}?")),
    (r"how (?P<v>does|do|is|are|can) (?P<x>.+)", ("In what way {v} {x}?", "By what means {v} {x}?", "Say briefly: how {v} {x}?")),
    (r"which (?P<x>.+)", ("Name which {x}.", "Can you say which {x}?", "Tell me which {x}.")),
)  # fmt: skip
_ZH_FRAMES = ("请问，{q}", "面试官问：{q}", "请简要回答：{q}", "这道题怎么答？{q}")
_EN_FRAMES = ("An interviewer asks: {q}", "In short: {q}", "Please answer: {q}", "Here is a question. {q}")
_ZH_TOPIC = ("请介绍{x}。", "{x}的要点是什么？", "关于{x}，需要知道什么？", "说说{x}。")
_EN_TOPIC = ("What should one know about {x}?", "Explain {x}.", "What are the key points of {x}?", "Tell me about {x}.")


def question_of(title: str, *, chinese: bool) -> str:
    """The question that a section answers: its heading if that asks, else one made from it."""
    bare = _bare(title)
    return bare if _ASKS.search(bare) else (_ZH_TOPIC if chinese else _EN_TOPIC)[0].format(x=bare.rstrip("。.:："))


def paraphrases(title: str, count: int, *, chinese: bool) -> tuple[str, ...]:
    """At most `count` other wordings of the question that `question_of` makes from a heading, all different."""
    first = question_of(title, chinese=chinese)
    found = dict.fromkeys(wording for wording in _wordings(_bare(title), chinese=chinese) if wording != first)
    return tuple(found)[:count]


def _wordings(title: str, *, chinese: bool) -> Iterator[str]:
    """Rewordings first, then frames around the question: they change less, and always fit."""
    if not _ASKS.search(title):
        yield from (form.format(x=title.rstrip("。.:：")) for form in (_ZH_TOPIC if chinese else _EN_TOPIC))
    body = title.strip().rstrip("?？。. ")
    for pattern, forms in _ZH_FORMS if chinese else _EN_FORMS:
        if match := re.fullmatch(pattern, body, re.IGNORECASE):
            yield from (form.format(**{name: part.strip() for name, part in match.groupdict().items()}) for form in forms)
            break
    question = question_of(title, chinese=chinese)
    yield from (frame.format(q=question) for frame in (_ZH_FRAMES if chinese else _EN_FRAMES))


def _bare(title: str) -> str:
    """A heading without its number and its marks."""
    return _NUMBERED.sub("", title.replace("**", "").replace("`", "")).strip() or title.strip()
