"""What the words at a sentence's edges tell about it: whether it states anything, and what it needs around it."""

from __future__ import annotations

import re

# Bibliographic entries and announcements that only a reader of the whole page can use.
NO_STATEMENT = re.compile(
    r"[\W\d_]+$|[,，、;；)）\]】]|\W*(?:文章|原文|本文|资料|資料|图片|圖片)?(?:参考|參考|References?|来源|來源|出处|出處|Source)\W|.{0,80}arXiv:\s*\d{4}\.\d{4,5}\W*$|(?:https?://|www\.)\S+$"
    r"|.{0,6}(?:论文|論文)?(?:链接|連結|地址|網址|网址)\s*[：:]"
    r"|(?:.*[，,])?\s*(?:下面|以下|接下来|接下來)[^，,]{0,40}(?:区别|區別|作用|原因|方法|介绍|介紹|展开|展開|说明|說明|演进|演進|特点"
    r"|特點)[^，,]{0,12}[。.]?$"
    r"|.{0,40}(?:如|见|見)(?:上|下)?(?:图|圖|表)\s*\d*\s*(?:所示)?\W*$|本(?:篇|文|节|節|章)(?:将|將|整理|介绍|介紹|会|會)"
    # Where a note was taken from, and titles of other pages with their site.
    r"|.{0,60}(?:特此|全文|本文|原文)?(?:转载|轉載)(?:自|于|於|至)?\s*[:：]?$|社区供稿|社區供稿"
    r"|.{0,80}(?:知乎|CSDN|博客园?|简书|掘金|公众号|(?:zhihu|qq|csdn|jianshu|medium|juejin)\.(?:com|net|cn))[\s)）\]】]{0,3}"
    r"(?:https?://\S+)?\W*$|(?![^。]*(?:[见見在]|位于|\bat\b|\bsee\b))[^。，,]{0,60}https?://\S+$"
    # What speaks to a language model and not to a reader.
    r"|.{0,20}(?:忽略|无视|無視|忘记|忘記)(?:掉|以上|上述|之前|前面|先前|所有|全部|一切|的){1,4}.{0,4}(?:指令|指示|提示|规则|規則|要求|内容)"
    r"|.{0,20}\b(?:ignore|disregard|forget)\b.{0,24}\b(?:instructions?|prompts?|rules)\b|(?:system|assistant)\s*[:：]"
    r"|These notes (?:cover|list|collect)|This (?:note|article|section|post|page) (?:covers|describes|lists|explains)",
    re.IGNORECASE,
)
# What the author has yet to write, and how many have commented on a page.
UNWRITTEN = re.compile(
    r"\W*(?:(?:TODO|TBD|FIXME)\b|(?:待补|待補|待整理|没写完|沒寫完|未完待续|未完待續)\W|共?\s*\d+\s*[条條个個]?\s*(?:评论|評論|回复|回覆))"
)
# What points back to the sentence before it.
POINTS_BACK = re.compile(
    r"(?:它|其(?!他|它|余|餘|实|實|次|中一)|该|該|此(?!外)|这(?!里|裡)|這(?!裡|里)|那(?:么|麼|样|樣|个|個|些)|两者|兩者|二者"
    r"|前者|后者|後者|上述|因此|所以|于是|於是|从而|從而|然而|但(?!丁)|不过|不過|而(?!且)|否则|否則|反之|相比之下|例如|比如|也就是"
    r"|即|换言之|換言之|对此|對此|同样|同樣|相反|结果[，,]|結果[，,]|代价是|代價是"
    r"|另一方面|按(?:照)?(?:上述|这|這|此)|(?:上|前)(?:述|面)(?:的)?|上式|該式|[^，,。.]{1,12}(?:上述|[这這]时|[这這]時)"
    r"|[^，,。.；;]{1,10}(?:改[为為成]|[换換]成)[^，,。.；;]{1,16}[后後时時][，,]"
    r"|然后|然後|接着|接著|随后|隨後|同理|(?:等式|方程)?两边|(?:等式|方程)?兩邊|[还還](?=[试試可有能会會要])|第[二三四五](?:阶段|階段|步)"
    r"|(?:为了?|為了?|由于|由於|对于|對於|针对|針對|在|通过|通過|基于|基於|出于|出於|根据|根據)(?:解决|解決)?(?:这|這|此|上述|同样|同樣))"
    r"|(?:It|Its|They|Their|Them|This|That|These|Those|Such|Both|He|She|The (?:former|latter|two|result|same)|Therefore|Thus"
    r"|Hence|So|However|But|Yet|Instead|Otherwise|Conversely|For example|For instance|E\.g\.|That is|In other words|As a result"
    r"|Here|Then|Further|Consequently|In contrast|Similarly|On the other hand"
    r"|The (?:cures?|remed(?:y|ies)|discovery|derivation|name|reason|idea|trick|difference|problem|effect|fix|formula|rule|proof)"
    r"(?= (?:is|are|was|comes?|shows?|falls?|explains?|gives?|implies|suggests?|above|below)\b))\b"
)
EXPLAINS_FORMULA = re.compile(r"(?:其中|这里|這裡|式中|[Ww]here\b|Here\b)|[a-z]+ [a-z$\\]|[，,]")
CONNECTIVE = re.compile(
    r"(?:此外|另外|同时|同時|而且|并且|並且|再者|其次|最后|最後|首先|总之|總之|综上|綜上|不仅如此|不僅如此|具体来说|具體來說|具体而言"
    r"|具體而言|简单来说|簡單來說)[，,]\s*"
    r"|第[一二三四五六七八九十][，,：:]\s*"
    r"|(?:Moreover|Furthermore|In addition|Additionally|Also|Besides|Finally|First|Firstly|Second|Secondly|Third|In summary"
    r"|Overall),\s+"
)
# "There are three reasons." and what it counts up in running text.
COUNTS_UP = re.compile(
    r".*(?:有|如下|分(?:为|為)?)\s*(?:[两兩二三四五六七八几幾]|[2-9])\s*(?:个|個|点|點|种|種|方面|步|条|條|类|類|项|項)[^，,]{0,6}[。.]$"
)
ORDINAL = re.compile(
    r"(?:第[一二三四五六七八九十]|一是|二是|三是|四是|首先|其次|最后|最後|一方面|另一方面|First|Second|Third|Finally)"
)
# Titles that say which side of their subject is told; the subject is the title before them.
SIDE = re.compile(
    r"(?:主要|基本)?(?:优点|優點|缺点|缺點|优势|優勢|劣势|劣勢|局限|不足|结构|結構|概念|定义|定義|原理|公式|流程|步骤|步驟|示例|例子|特点|特點|作用"
    r"|目的|方法|影响|影響|应用|應用|工作流程|工作原理|公式表示|实际应用|實際應用|动态变化|動態變化"
    r"|(?:Dis)?[Aa]dvantages|Pros|Cons|Strengths|Weaknesses|Limitations|Definition|Concept|Formula|Structure|Steps|Examples?|Usage)$"
)
MISCONCEPTION = re.compile(r"(?:常见误区|常見誤區|误区|誤區|Common misconception)")
# What scraping left of a sentence whose formula or picture is gone.
BROKEN_OFF = re.compile(
    r"(?:是|为|為|如下|(?:以下|下列)[^，,。.：:]{0,12}|包括|例如|等于|等於|(?<![的之])[和与與及]|\b(?:is|are|by|the|of|to|and|as))$"
)
SHOWS = re.compile(r"(?:如下|所示|以下)\W*$|\b(?:as follows|shown below)\W*$")
# The line or title that a list of sources stands under, or one of what the page is going to tell.
REFERENCES = re.compile(
    r"\W*(?:参考|參考|引用)(?:资料|資料|文献|文獻|链接|鏈接|連結|文章|来源|來源|书目|書目)?\W*$|\W*(?:致[谢謝]|延伸[阅閱][读讀]|推荐阅读|扩展阅读)\W*$"
    r"|\W*(?:References?|Bibliography|Further reading|Acknowledge?ments?|Sources?|See also)\W*$"
    r"|\W*(?:[学學][习習](?:目标|目標)|目[录錄]|Learning (?:objectives|goals)|Contents)\W*$",
    re.IGNORECASE,
)
TERMINAL = re.compile(r"[。.！!？?；;][”’」』）】》\"')\]]*$")


def labelled(item: str) -> bool:
    """Whether an item begins with a label: "Mechanism: picks among ..."."""
    return bool(re.match(r"[^，,。.；;：:]{1,24}[：:]\s*\S", item))


def without_connective(sentence: str) -> str:
    """A sentence without the "In addition," that joins it to one that is not quoted."""
    match = CONNECTIVE.match(sentence)
    if not match:
        return sentence
    rest = sentence[match.end() :]
    return rest[:1].upper() + rest[1:]
