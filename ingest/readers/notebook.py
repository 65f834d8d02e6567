"""Jupyter notebooks: Markdown cells as they are, code cells as fenced code, outputs left out."""

from __future__ import annotations

from typing import Any

from ingest.read_errors import FileDamaged
from ingest.read_limits import ReadLimits
from ingest.readers.extract import Extract
from ingest.readers.text import decode, normalise_line_ends


def read_notebook(data: bytes, path: str, _limits: ReadLimits) -> Extract:
    """Read a notebook of any format version.

    Raises:
        FileUndecodable: not text.
        FileDamaged: not a notebook.
    """
    import nbformat

    text, encoding = decode(data, path)
    try:
        notebook = nbformat.reads(text, as_version=4)
        language = notebook.metadata.get("kernelspec", {}).get("language", "python")
        cells = [_cell(cell.cell_type, cell.source, language) for cell in notebook.cells]
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        raise FileDamaged(path, why="not a Jupyter notebook") from error
    outputs = tuple(("output of a code cell", words) for cell in notebook.cells if (words := _output(cell)))
    return Extract(normalise_line_ends("\n\n".join(cell for cell in cells if cell.strip())), encoding, dropped=outputs)


def _output(cell: dict[str, Any]) -> str:
    """The words that a cell printed."""
    found = (output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", ()))
    return "".join(str(text) for text in found).encode("utf-8", "replace").decode().strip()


def _cell(kind: str, source: str, language: str) -> str:
    if kind != "code" or not source.strip():
        return source
    fence = "````" if "```" in source else "```"
    return f"{fence}{language}\n{source.rstrip()}\n{fence}"
