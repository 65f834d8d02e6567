"""A question and its answer as one statement, where the answer can simply stand in the place of what is asked.

Chinese asks in place: "《长眠不醒》的作者是谁？" and "雷蒙·钱德勒" give "《长眠不醒》的作者是雷蒙·钱德勒。"
English does so for subjects only.
"""

from __future__ import annotations

import re

from generation.training.perturb import Span

# What may follow "哪一个" and goes with it, because the answer says it.
_NOUNS = (
    "公司|机构|機構|国家|國家|地方|城市|大学|大學|学校|學校|学院|學院|人物|人|时候|時候|时间|時間|时期|時期|时代|時代|年代|年份|年|月份|月|日|天"
    "|世纪|世紀|职位|職位|职务|職務|书|書|影片|电影|電影|作品|组织|組織|部门|部門|机关|機關|地区|地區|省份|省|市|县|縣|州|区|區|朝代|名称|名稱"
    "|名字|球队|球隊|球员|球員|语言|語言|民族|宗教|奖项|獎項|比赛|比賽|战役|戰役|皇帝|作家|导演|導演|歌手|乐团|樂團|学者|學者|科学家|科學家"
)
_ASKED = re.compile(
    rf"(?:谁|誰|何人|什么人|什麼人|哪里|哪裡|哪儿|何处|何處|何时|何時|何年"
    rf"|(?:哪|什么|什麼|甚麼|何种|何種)(?:一)?(?:个|個|家|位|座|部|本|所|间|間|种|種|国|國|支|届|屆|场|場|项|項|次|天)?(?:{_NOUNS})"
    rf"|哪(?:一)?(?:个|個|家|位|座|部|本|所|国|國|年|天|里)"
    rf"|(?:什么|什麼|甚麼)(?=[？?]?$)"
    rf"|多少(?=[\u4e00-\u9fff]))"
)
_NOT_STATED = re.compile(r"为什么|為什麼|为甚么|為甚麼|为何|為何|怎么|怎麼|怎样|怎樣|如何|哪些|吗|嗎|几|幾")
_LONGEST_ANSWER = 24
_SUBJECT_ASKED = re.compile(
    r"(?:Who|What|Which [a-z]+(?: [a-z]+)?) (?=(?:[a-z]+ed|is|was|wrote|sang|won|led|plays|has|had|directed)\b)"
)


def statement(question: str, answer: str) -> tuple[str, Span] | None:
    """The statement and the span of the answer in it; None where a clean one cannot be made."""
    question, answer = question.strip(), answer.strip(" 。，,.；;")
    if not question or not answer or "，" in answer or _NOT_STATED.search(question):
        return None
    if question[0].isascii() and question[0].isalpha():
        return _english(question, answer)
    found = list(_ASKED.finditer(question))
    if len(found) != 1 or len(answer) > _LONGEST_ANSWER:
        return None
    before, after = question[: found[0].start()], question[found[0].end() :].rstrip("？?。 ")
    if "多少" in found[0].group() and not answer[0].isdigit() and answer[0] not in "一二三四五六七八九十百千约約":
        return None
    after = _without_repeat(answer, after)
    return f"{before}{answer}{after}。", (len(before), len(before) + len(answer))


def _without_repeat(answer: str, after: str) -> str:
    """What follows, without what the answer ends with: "有多少人参赛" and "2742人" share a character."""
    shared = next((n for n in range(min(3, len(after), len(answer)), 0, -1) if answer.endswith(after[:n])), 0)
    return after[shared:]


def _english(question: str, answer: str) -> tuple[str, Span] | None:
    asked = _SUBJECT_ASKED.match(question)
    if not asked or len(answer.split()) > 6 or "?" in question[:-1] or " or " in question:
        return None
    return f"{answer}{question[asked.end() - 1 :].rstrip('? ')}.", (0, len(answer))
