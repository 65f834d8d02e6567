"""How much a single input may ask of the machine: one frozen dataclass, overridden from the settings."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limits on reading; sizes in bytes.

    Attributes:
        file_bytes: largest file, on disk or inside an archive.
        text_characters: longest text that a reader may produce from one file.
        pages: most pages of a paged document.
        folder_depth: how deep folders may lie in an ingested folder.
        archive_files: most files taken from one archive.
        archive_bytes: most bytes that an archive may expand to, all its files together.
        archive_ratio: largest ratio of expanded to packed size of one file; deflate reaches about 1,000 only on
            made-up data, and text stays under 20.
        archive_depth: how deep archives may lie in archives; 1 reads no archive inside an archive.
    """

    file_bytes: int = 64 * MEBIBYTE
    text_characters: int = 16 * MEBIBYTE
    pages: int = 3_000
    folder_depth: int = 64
    archive_files: int = 20_000
    archive_bytes: int = 1_024 * MEBIBYTE
    archive_ratio: int = 200
    archive_depth: int = 2
