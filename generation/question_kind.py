"""What kind of answer a question wants, and the questions that it is made of: from its words, in Chinese and English."""

from __future__ import annotations

import re
from typing import Literal

from retrieval.analysis import fold

Aspect = Literal["definition", "comparison", "reason", "manner", "steps", "listing", "number", "code", "derivation"]

# Matched against folded text: lower case, simplified script.
_ASPECTS: dict[Aspect, re.Pattern[str]] = {
    "definition": re.compile(
        r"是什么|什么是|是啥|啥是|什么叫|叫什么|什么意思|指的是|含义|定义|解释|介绍|讲一下|讲讲"
        r"|\bwhat(?:'s| is| are| does \w+ mean| exactly)\b|\bdefin|\bexplain\b|\bdescribe\b|\bmean(?:s|ing)?\b"
    ),
    "comparison": re.compile(
        r"区别|不同|差异|差别|差在哪|对比|比较|相比|比起|优劣|哪个(?:更|好)|该?怎么选|还是|分别|两者"
        r"|\bdiffer|\bcompar|\bversus\b|\bvs\b|\bbetter\b|\btrade-?offs?\b|\bbeat|\bor\b.*\bwhich\b|\bprefer"
    ),
    "reason": re.compile(r"为什么|为何|为啥|原因|凭什么|怎么会|\bwhy\b|\breasons?\b|\bhow come\b"),
    "manner": re.compile(r"怎么|怎样|如何|为何|\bhow (?:do|does|did|can|could|is|are|should|would|to)\b"),
    "steps": re.compile(
        r"步骤|流程|过程|阶段|怎么做|如何做|怎么实现|分几步|哪几步|演进|\bsteps?\b|\bstages?\b|\bprocedure\b|\bpipeline\b"
    ),
    "listing": re.compile(
        r"有哪些|哪些|哪几|几种|几类|有什么(?:优|缺|特|好|坏|方法|办法|作用|影响|区别)|分类|优缺点|方法有|种类|常见的|组成|构成"
        r"|\bwhich (?:\w+ )?(?:models|methods|ways|kinds|types|layers|tasks|stages|parts)\b"
        r"|\bwhat are\b|\blist\b|\bkinds?\b|\btypes?\b|\bways\b"
    ),
    "number": re.compile(
        r"多少|多大|多长|多远|多久|几个|几层|几步|几位|第几|什么时候|何时|哪一?年|数值|取值|设多|设成|上限|下限|倍"
        r"|\bhow (?:many|much|big|large|long|far|often|high)\b|\bwhen\b|\bbiggest\b|\blargest\b"
        r"|\bwhat (?:size|number|value|year|rank|percentage)\b"
    ),
    "code": re.compile(
        r"代码|程序|程式|手写|写一个|写一段|函数|实现|示例|pytorch"
        r"|\bcode\b|\bimplement|\bsnippet\b|\bfunction\b|\bmodule\b|\btorch\b"
    ),
    "derivation": re.compile(
        r"推导|推一遍|证明|公式|怎么算|如何计算|怎么计算|算一下"
        r"|\bderiv|\bprove\b|\bproof\b|\bformula\b|\bequation\b|\bstep by step\b|\bcomput"
    ),
}
_ASKS = re.compile(
    r"什么|怎么|如何|为何|为啥|哪|多少|几|吗|呢|啥|是否|能不能|可不可以|区别|不同|差|解释|说明|推导|证明|给我|写"
    r"|\b(?:what|how|why|which|when|where|who|is|are|does|do|did|can|should|tell|explain|show|give)\b"
)
_BREAK = re.compile(
    r"[？?；;。]\s*|[，,]\s*(?:and\s+)?|\s+and\s+(?=(?:what|how|why|which|when|where|tell|who|did|does|is|are)\b)"
)
_SHORT = 4  # characters: a shorter piece ("对了，") asks nothing


Side = Literal["good", "bad"]

_GOOD = re.compile(
    r"优点|优缺点|优劣|优势|好处|好在|长处|强项|\badvantages?\b|\bbenefits?\b|\bpros\b|\bstrengths?\b|\bupsides?\b"
)
_BAD = re.compile(
    r"缺点|优劣|劣势|局限|不足|短板|坏处|弊端|缺陷"
    r"|\bdisadvantages?\b|\bdrawbacks?\b|\bcons\b|\bweakness(?:es)?\b|\blimitations?\b|\bdownsides?\b"
)


def side_of(text: str) -> Side | None:
    """Which side of its subject a question asks for, or a label promises; None if neither or both."""
    folded = fold(text)
    good, bad = bool(_GOOD.search(folded)), bool(_BAD.search(folded))
    return None if good == bad else "good" if good else "bad"


def aspects(question: str) -> frozenset[Aspect]:
    """What a question asks for; often several, sometimes nothing that its words tell."""
    folded = fold(question)
    return frozenset(aspect for aspect, pattern in _ASPECTS.items() if pattern.search(folded))


def parts(question: str) -> tuple[str, ...]:
    """The questions that a question is made of, at most three; a question that is one is returned whole.

    A piece that asks nothing belongs to the one that follows it: "扩到 8192 的时候，位置怎么变？副作用是什么？" has two parts.
    """
    found: list[str] = []
    held = ""
    for piece in filter(None, (piece.strip() for piece in _BREAK.split(question))):
        held = f"{held} {piece}".strip()
        if len(piece) >= _SHORT and _ASKS.search(fold(piece)):
            found.append(held)
            held = ""
    if held and found:
        found[-1] = f"{found[-1]} {held}"
    return tuple(found) if 1 < len(found) <= 3 else (question,)
