"""Plain text and Markdown: bytes to text in whatever encoding the notes were saved in."""

from __future__ import annotations

import codecs
import re

from ingest.read_errors import FileUndecodable
from ingest.read_limits import ReadLimits
from ingest.readers.extract import Extract

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = ("gb18030", "big5hkscs", "utf_16_le", "utf_16_be", "cp1252")
_LINE_END = re.compile(r"\r\n?")

# GB18030 decodes almost any bytes, and so does UTF-16, into rare ideographs: the right encoding is the one whose text
# is made of characters that notes really contain. The ideographs are the most frequent ones of both scripts.
_FREQUENT = frozenset(
    "的一是在不了有和人这這中大为為上个個国國我以要他时時来來用们們生到作地于於出就分对對成会會可主发發年动動同工也能下过過"
    "子说說产產种種面而方后後多定行学學法所得经經三之进進着著等部度家电電力里如水化高自二理起小物现現实實加量都两兩体體制"
    "机機当當使点點从從业業本去把性好应應开開它合还還因由其些然前外天政四日那社义義事平形相全表间間样樣与與关關各重新线線"
    "内內数數正心反你明看原又么麼利比或但质質气氣第向道命此变變条條只没沒结結解问問意建月公无無系很情者最代想已通并提直题題"
    "模型训訓练練据據言语語文本位置编編码碼注意参參"
)
_PLAUSIBLE = re.compile(r"[\t\n\x20-\x7e\u2010-\u2027\u2190-\u22ff\u2500-\u257f\u3000-\u3011\uff01-\uff5e]")
_PLAUSIBLE_SHARE = 0.4  # right decodings of Chinese notes reach 0.55 to 0.7, wrong ones stay under 0.3
_MAX_BROKEN = 0.01
_SAMPLE_BYTES = 1 << 16


def normalise_line_ends(text: str) -> str:
    r"""Make every line end a single `\\n`."""
    return _LINE_END.sub("\n", text)


def read_text(data: bytes, path: str, _limits: ReadLimits) -> Extract:
    """Read plain text or Markdown.

    Raises:
        FileUndecodable: binary data, or no encoding gives plausible text.
    """
    return Extract(*decode(data, path))


def decode(data: bytes, path: str) -> tuple[str, str]:
    """Decode the bytes of a text file.

    Args:
        data: the whole file.
        path: for the error only.

    Returns:
        The text, line ends normalised, and the name of the encoding. UTF-8 with a few broken bytes has U+FFFD in their place,
        which cleaning drops and tells.

    Raises:
        FileUndecodable: binary data, or no encoding gives plausible text.
    """
    encoding = _by_mark(data) or _detect(data)
    if encoding is None:
        text = data.decode("utf-8", errors="replace")
        if "\0" in text or text.count("\ufffd") > _MAX_BROKEN * len(text):
            raise FileUndecodable(path)
        return normalise_line_ends(text), "utf-8"
    try:
        return normalise_line_ends(data.decode(encoding)), encoding.removesuffix("-sig")
    except UnicodeDecodeError:
        raise FileUndecodable(path) from None


def _by_mark(data: bytes) -> str | None:
    return next((name for mark, name in _BOMS if data.startswith(mark)), None)


def _detect(data: bytes) -> str | None:
    """The encoding of unmarked bytes: UTF-8 if they are valid UTF-8, else what charset-normalizer finds likeliest."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(data)
    return "utf-8" if b"\0" not in data else _guess(data)


def _guess(data: bytes) -> str | None:
    """The likeliest legacy encoding; charset-normalizer's own choice wins a tie."""
    from charset_normalizer import from_bytes

    match = from_bytes(data[:_SAMPLE_BYTES], cp_isolation=list(_CANDIDATES)).best()
    names = ([match.encoding] if match else []) + list(_CANDIDATES)
    share, _, name = max((_plausibility(data, name), -rank, name) for rank, name in enumerate(names))
    return name if share >= _PLAUSIBLE_SHARE else None


def _plausibility(data: bytes, encoding: str) -> float:
    """Share of the decoded characters that notes really contain; 0 if the bytes cannot be decoded."""
    try:
        text = data.decode(encoding)[:_SAMPLE_BYTES]
    except UnicodeDecodeError:
        return 0.0
    if not text or "\0" in text:
        return 0.0
    return (sum(c in _FREQUENT for c in text) + len(_PLAUSIBLE.findall(text))) / len(text)
