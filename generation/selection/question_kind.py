"""What kind of answer a question wants: from its words, in Chinese and English."""

from __future__ import annotations

import re
from typing import Literal

from retrieval.analysis import fold

Aspect = Literal["definition", "comparison", "reason", "manner", "steps", "listing", "number", "code", "derivation"]

# Matched against folded text: lower case, simplified script.
_ASPECTS: dict[Aspect, re.Pattern[str]] = {
    "definition": re.compile(
        r"是什么|什么是|是啥|啥是|什么叫|叫什么|什么意思|指的是|含义|定义|解释|介绍|讲一下|讲讲"
        r"|原理|(?<!注意力)机制|思想|思路|本质|概念|干(?:什么|啥|嘛)的|用来做"
        r"|\bwhat(?:'s| is| are| does \w+ mean| exactly)\b|\bdefin|\bexplain\b|\bdescribe\b|\bmean(?:s|ing)?\b"
    ),
    "comparison": re.compile(
        r"区别|不同|不一样|差异|差别|差在哪|对比|比较|相比|比起|和.{1,20}比(?:呢|怎|如|有|，|\?|$)|比.{1,20}(?:多[做加了用]|少[做了用]|好在|强在|快多少)"
        r"|优劣|哪个|哪种更|该?怎么选|还是|分别|两者|列个表"
        r"|\bdiffer|\bcompar|\bversus\b|\bvs\b|\bbetter\b|\btrade-?offs?\b|\bbeat|\bor\b.*\bwhich\b|\bprefer"
        r"|\bpros and cons\b|\btable of\b"
    ),
    "reason": re.compile(r"为什么|为何|为啥|原因|凭什么|怎么会|\bwhy\b|\breasons?\b|\bhow come\b"),
    "manner": re.compile(r"怎么|怎样|如何|为何|\bhow (?:do|does|did|can|could|is|are|should|would|to)\b"),
    "steps": re.compile(
        r"步骤|流程|过程|阶段|怎么做|如何做|怎么实现|分几步|哪几步|演进|什么顺序|先后顺序"
        r"|\bsteps?\b|\bstages?\b|\bprocedure\b|\bpipeline\b|\bin (?:what|which) order\b"
    ),
    "listing": re.compile(
        r"有哪些|哪些|哪几|哪[两三四五六七八\d]+[个种类点项步]|几种|几类|有什么(?:优|缺|特|好|坏|方法|办法|作用|影响|区别)|分类|优缺点|方法有|哪几[个点]|种类|常见的|组成|构成"
        r"|\bwhich (?:\w+ )?(?:models|methods|ways|kinds|types|layers|tasks|stages|parts)\b"
        r"|\bwhat are\b|\blist\b|\bkinds?\b|\btypes?\b|\bways\b"
    ),
    "number": re.compile(
        r"多少|多大|多长|多远|多久|几个|几层|几步|几位|第几|什么时候(?:发|出|提|推|公)|何时"
        r"|哪一?[年天月]|几号|日期|数值|取值|设多|设成|上限|下限|倍|百分之几"
        r"|\bhow (?:many|much|big|large|long|far|often|high)\b|\bwhen\b|\bbiggest\b|\blargest\b"
        r"|\bwhat (?:size|number|value|year|rank|percentage)\b"
    ),
    "code": re.compile(
        r"代码|程序|程式|手写(?!数字|体)|写一个|写一段|(?<!激活|损失|目标|奖励|价值|代价)函数|实现|示例|pytorch"
        r"|\bcode\b(?!.?llama)|\bimplement|\bsnippet\b|\bmodule\b|\btorch\b"
        r"|(?<!loss )(?<!activation )(?<!objective )(?<!reward )\bfunction\b"
    ),
    "derivation": re.compile(
        r"推导|推一[遍下]|推出来|证明|公式|怎么算|如何计算|怎么计算|算一下|算一算"
        r"|\bderiv|\bprove\b|\bproof\b|\bformula\b|\bequation\b|\bstep by step\b|(?<!in )\bcomput(?!ational)"
    ),
}


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
