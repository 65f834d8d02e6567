"""The few sentences that are ours and not the notes', in each language of an answer."""

from __future__ import annotations

from corpus.documents import Language

_REFUSAL: dict[Language, str] = {
    "zh-Hans": "你的笔记里没有找到这个问题的答案。",
    "zh-Hant": "你的筆記裡沒有找到這個問題的答案。",
    "en": "Your notes do not answer this question.",
}
_FOREIGN_NOTES: dict[Language, str] = {
    "zh-Hans": "笔记中与此相关的内容是英文，原文如下：",
    "zh-Hant": "筆記中與此相關的內容是英文，原文如下：",
    "en": "Your notes answer this in Chinese; quoted as they stand:",
}
_NEAREST: dict[Language, str] = {
    "zh-Hans": "最接近的内容如下，不一定是答案：",
    "zh-Hant": "最接近的內容如下，不一定是答案：",
    "en": "What comes nearest, though it may not be the answer:",
}

_UNSUPPORTED: dict[Language, str] = {
    "zh-Hans": "（笔记中没有依据）",
    "zh-Hant": "（筆記中沒有依據）",
    "en": " (not supported by your notes)",
}


def refusal(language: Language) -> str:
    """What is said when the notes do not answer."""
    return _REFUSAL.get(language, _REFUSAL["en"])


def foreign_notes(language: Language) -> str:
    """What is said before evidence in another language than the question's."""
    return _FOREIGN_NOTES.get(language, _FOREIGN_NOTES["en"])


def nearest_lines(language: Language) -> str:
    """What is said before the lines that come nearest, where a question is refused in doubt."""
    return _NEAREST.get(language, _NEAREST["en"])


def unsupported(language: Language) -> str:
    """What is put behind a sentence that a model wrote from memory and the notes do not support."""
    return _UNSUPPORTED.get(language, _UNSUPPORTED["en"])
