"""Rules on single characters: invisible ones, look-alikes, and compatibility forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from ingest.cleaning.draft import Edit, Rule
from ingest.cleaning.protect import outside_protected, substitute

_LINE_SEPARATOR = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]+")
# A zero-width joiner between symbols builds an emoji and stays.
_ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb]+|\u200d(?![\u2190-\u2bff\U0001f000-\U0001faff])"
)
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_REPLACEMENT = re.compile("\ufffd+|(?:锟斤拷)+|烫烫(?:烫)+|屯屯(?:屯)+")
# Word and the Symbol fonts put list bullets in the private use area.
_PRIVATE_BULLET = re.compile("^([ \t]*)[\uf0b7\uf06c\uf06e\uf075\uf076\uf0a7\uf0a8\uf0b2\uf0d8\uf0fc]+[ \t]*", re.MULTILINE)
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]+")
_FULL_WIDTH = re.compile("[０-９Ａ-Ｚａ-ｚ]+")
_KANGXI = re.compile("[\u2f00-\u2fd5]")

# Radicals that PDF text layers carry in place of ideographs. NFKC maps the Kangxi block, but of the supplement only two
# characters. Pairs of a radical and its ideograph, from Unicode's EquivalentUnifiedIdeograph.txt; where that names a
# form which no text contains, the whole character.
_PAIRS = (
    "⺁厂⺂乛⺃乚⺄乙⺅亻⺆冂⺇𠘨⺈刀⺉刂⺊卜⺋㔾⺌小⺍小⺎兀⺏尣⺐尢⺑尤⺒巳⺓幺⺔彑⺕彐⺖忄⺗心⺘扌⺙攵⺛旡⺜日⺝月⺞歺⺟母⺠民⺡氵"
    "⺢氺⺣灬⺤爫⺥爫⺦丬⺧牛⺨犭⺩王⺪疋⺫目⺬示⺭礻⺮竹⺯糹⺰纟⺱罓⺲罒⺳㓁⺴冗⺵网⺶羊⺷羊⺸羊⺹耂⺺肀⺻聿⺼肉⺽臼⺾艹⺿艹⻀艹⻁虎"
    "⻂衤⻃覀⻄西⻅见⻆角⻇角⻈讠⻉贝⻊足⻋车⻌辶⻍辶⻎辶⻏邑⻐钅⻑長⻒镸⻓长⻔门⻕阜⻖阝⻗雨⻘青⻙韦⻚页⻛风⻜飞⻝食⻞食⻟食⻠饣⻡首"
    "⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻭歯⻮齿⻯竜⻰龙⻱龜⻲亀⻳龟"
)
_SUPPLEMENT = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
_RADICAL = re.compile("[" + "".join(_SUPPLEMENT) + "]")

# Letters that a combining mark may follow, and characters that are not in composed form.
_DENORMAL = re.compile("[^\x00-\u02ff\u2e80-\u9fff\uac00-\ud7a3\uff00-\uffef]+")


def _compose(text: str) -> Iterator[Edit]:
    """NFC, cluster by cluster so that offsets stay exact; a stretch without a change gives no edit."""
    if unicodedata.is_normalized("NFC", text):
        return
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or _starts_cluster(text, at):
            cluster = text[start:at]
            if (composed := unicodedata.normalize("NFC", cluster)) != cluster:
                yield Edit(start, at, composed)
            start = at


def _starts_cluster(text: str, at: int) -> bool:
    """Whether composition never reaches back over this place: a starter that no character before it can absorb."""
    char = text[at]
    return unicodedata.combining(char) == 0 and not ("\u1100" <= char <= "\u11ff") and not _absorbed(char)


def _absorbed(char: str) -> bool:
    return unicodedata.category(char) in {"Mc", "Mn"}


def _radical(match: re.Match[str]) -> str:
    return _SUPPLEMENT[match[0]]


def _nfkc(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0])


CHARACTER_RULES: tuple[tuple[str, Rule], ...] = (
    ("line-separator", substitute(_LINE_SEPARATOR, "\n")),
    ("control-character", substitute(_CONTROL)),
    ("zero-width", substitute(_ZERO_WIDTH)),
    ("nfc", _compose),
    ("radical", substitute(_KANGXI, _nfkc)),
    ("radical", substitute(_RADICAL, _radical)),
    ("private-use-bullet", substitute(_PRIVATE_BULLET, lambda match: f"{match[1]}- ")),
    ("private-use", substitute(_PRIVATE)),
    ("mojibake", substitute(_REPLACEMENT)),
    ("unusual-space", substitute(_SPACE, " ")),
    ("full-width-latin", outside_protected(substitute(_FULL_WIDTH, _nfkc))),
)
