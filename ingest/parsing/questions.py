"""Does a line ask something? Wording of questions and interview prompts in Chinese (both scripts) and English."""

from __future__ import annotations

import re

_CHINESE = re.compile(
    r"什[么麼]|甚麼|为何|為何|为啥|为什|為什|如何|怎[么麼样樣]|哪[些个個种種里裡一几]|是否|能否|可否|有没有|有沒有|是不是|会不会|會不會|要不要|"
    r"多少|几[种個个类步]|幾[種個类步]|多[大长長久快高]|[吗嗎呢]\s*[?？]?\s*$|谁[来会能是]|(?:区别|區別|差异|差異|不同|作用|优缺点|優缺點|联系|关系|關係)[?？]?\s*$"
)
_ENGLISH = re.compile(
    r"\b(?:what|why|how|which|when|where|who|whose)\b|^\W*(?:is|are|was|were|do|does|did|can|could|should|would|will|has|have)\b",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"^(?:请|請|可以|能|能不能|试|試|麻烦)?(?:你)?(?:简单|簡單|详细|詳細|大致|具体)?(?:地|的)?"
    r"(?:(?:介绍|介紹|讲|講|谈|談|说|說|聊|分析|描述|对比|對比|比较|比較|推导|推導|说明|說明)(?:一下|一讲|一說|一说|下\s*\S)"
    r"|讲讲|講講|谈谈|談談|说说|說說|聊聊|(?:介绍|介紹|简述|簡述|阐述|闡述|解释|解釋|概述|列举|列舉|手写|手寫|手撕|举例)\s*[^\s。]{2,}"
    r"|(?<=[请請])(?:分析|描述|对比|對比|比较|比較|推导|推導|说明|說明))"
)
_ENGLISH_PROMPT = re.compile(
    r"^(?:please\s+)?(?:explain|describe|compare|discuss|define|derive|list|outline|summari[sz]e|implement|"
    r"tell me|walk (?:me|us) through|give an example)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(r"^(?:请|請)|一下|[讲講谈談说說聊]{2}")
_MARK = re.compile(r"[?？][\"'”’）)\]】*_~`\s]*$")
_ORNAMENT = re.compile(
    r"^[\s#>*_`~\-•·💡❓🔥⭐️✅📌]*(?:[【\[]?(?:Q|问题?|問題?|题目?|Question|面试[题官](?:追问)?|面試[題官](?:追問)?)\s*\d*\s*[.:：、)）】\]]\s*)?"
    r"(?:[\u2460-\u2473]\s*|\d{1,2}\ufe0f?\u20e3\s*|\d{1,3}(?:\.\d{1,3})*\s*[.、:：)）]?\s*|[（(]\d{1,3}[)）]\s*|[一二三四五六七八九十]{1,3}\s*[、.．]\s*)?[*_\s]*",
    re.IGNORECASE,
)


def without_ornament(line: str) -> str:
    """A heading line without its marks, number and emphasis: `## **4.1 什么是…？**` becomes `什么是…？`."""
    return _ORNAMENT.sub("", line, count=1).rstrip("*_ \t#")


def is_prompt(line: str) -> bool:
    """Whether a line tells the reader to answer, as an interviewer does, even if it ends in a full stop."""
    bare = without_ornament(line)
    return bool(_ENGLISH_PROMPT.match(bare) or (_PROMPT.match(bare) and _POLITE.search(bare)))


def asks(clause: str) -> bool:
    """Whether a clause contains question words, whatever its punctuation."""
    return bool(_CHINESE.search(clause) or _ENGLISH.search(clause))


def is_question(line: str) -> bool:
    """Whether a heading line asks the reader something, by its mark, its words, or as an interview prompt."""
    bare = without_ornament(line)
    return bool(_MARK.search(bare) or asks(bare) or _PROMPT.match(bare) or _ENGLISH_PROMPT.match(bare))
