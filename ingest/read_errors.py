"""Why a file was not read: one class per cause, all of them `FileSkipped`.

FileSkipped
├── FileHidden             its name, or a folder above it, begins with a dot
├── FormatUnknown          no reader for its suffix
├── FileTooLarge           over a limit on bytes, pages or expansion
├── FileUndecodable        no encoding fits its bytes
├── NameUndecodable        its name cannot be written down
├── FileEmpty              nothing in it that can be read
└── FileDamaged            its format is broken, or the system refuses to open it

A skipped file never stops an ingestion: `reason` goes into the summary, in English or Chinese, as one line.
"""

from __future__ import annotations

from pathlib import Path

from corpus.errors import InterviewRagError


def printable(path: str) -> str:
    """A path whose bytes that are no UTF-8 are written out."""
    return path.encode("utf-8", "backslashreplace").decode()


class FileSkipped(InterviewRagError):
    """A file that cannot be read; fields: path, and what the subclass names."""

    def __init__(self, path: str, *, place: Path | None = None, **fields: object) -> None:
        super().__init__(path=path, **fields)
        self.path = path
        self.place = place  # on this machine, of a folder or archive below which nothing was seen

    @property
    def reason(self) -> str:
        """The reason in English, without the path, as the ingest summary shows it."""
        return str(self)


class FileHidden(FileSkipped):
    """Hidden file or folder."""

    en = "hidden (its name begins with a dot)"
    zh = "隐藏文件（名称以点开头）"


class FormatUnknown(FileSkipped):
    """No reader for the suffix; fields: suffix."""

    en = "no reader for files of type {suffix}"
    zh = "不支持的文件类型 {suffix}"


class FileTooLarge(FileSkipped):
    """Over a limit; fields: what, size, limit."""

    en = "{what} {size} is over the limit of {limit}"
    zh = "{what} {size} 超过上限 {limit}"


class FileUndecodable(FileSkipped):
    """No encoding fits."""

    en = "no text encoding fits its bytes (tried UTF-8, UTF-16, GB18030, Big5)"
    zh = "无法识别文本编码（已尝试 UTF-8、UTF-16、GB18030、Big5）"


class NameUndecodable(FileSkipped):
    """The name of the file is no text."""

    en = "its name is not valid UTF-8: rename it"
    zh = "文件名不是有效的 UTF-8：请重命名"


class FileEmpty(FileSkipped):
    """Nothing to read; fields: why."""

    en = "no text in it{why}"
    zh = "没有可读的文字{why}"


class FileDamaged(FileSkipped):
    """Broken format or refused by the system; fields: why."""

    en = "cannot be read: {why}"
    zh = "无法读取：{why}"
