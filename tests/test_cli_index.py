"""The commands that fill, show and keep the index, as a script meets them: output, errors, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from conftest import ENGLISH, Run
from reportlab.pdfgen.canvas import Canvas

from retrieval.store import IndexStore


@pytest.fixture
def filled(run: Run, notes: Path) -> Path:
    """The notes, ingested."""
    assert run("ingest", notes)[0] == 0
    return notes


def document(run: Run, *arguments: object) -> dict:
    """The JSON document that a command prints, and nothing else."""
    code, out, err = run(*arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


# --- ingest ---


def test_ingest_counts_and_tells_what_it_skipped(run: Run, notes: Path) -> None:
    (notes / "picture.png").write_bytes(b"\x89PNG")
    summary = document(run, "ingest", notes)
    assert (summary["added"], summary["documents"], summary["chunks"]) == (3, 3, 6)
    assert summary["skipped"] == [{"path": "picture.png", "reason": "no reader for files of type .png"}]
    code, out, _ = run("ingest", notes)
    assert (code, "skipped picture.png: no reader" in out, "3 unchanged" in out) == (0, True, True)


def test_explain_shows_what_was_dropped_and_ingests_nothing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "scraped.md"
    path.write_text("---\ntitle: Kept\n---\n# Kept\n\nA note\u200b.\n", encoding="utf-8")
    code, out, err = run("ingest", "--explain", path)
    assert (code, err) == (0, "")
    assert "front-matter" in out
    explained = document(run, "ingest", "--explain", path)
    assert explained["files"][0]["path"] == "scraped.md"
    assert explained["skipped"] == []
    assert run("status")[0] == 1


def test_standard_input_is_a_document(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def given(text: str) -> dict:
        (tmp_path / "stdin").write_text(text, encoding="utf-8")
        with (tmp_path / "stdin").open(encoding="utf-8") as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            return document(run, "ingest", "-")

    assert given(ENGLISH)["added"] == 1
    assert given(ENGLISH)["unchanged"] == 1
    assert given(ENGLISH + "\nMore.\n")["changed"] == 1
    assert [file["path"] for file in document(run, "status", "--files")["files"]] == ["-"]


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("file_bytes", 20, "size 30 is over the limit of 20"),
        ("text_characters", 20, "length 30 is over the limit of 20"),
        ("folder_depth", 1, "nesting of folders 2 is over the limit of 1"),
        ("archive_files", 1, "number of files 2 is over the limit of 1"),
        ("archive_bytes", 20, "expanded size 60 is over the limit of 20"),
        ("archive_depth", 1, "nesting of archives 2 is over the limit of 1"),
        ("archive_ratio", 2, "compression ratio"),
        ("pages", 1, "number of pages over 1 is over the limit of 1"),
    ],
)
def test_limits_come_from_the_settings(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, reason: str
) -> None:
    folder, text = tmp_path / "limits", "# One\n\nA note of thirty bytes\n"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "deep.md").write_text(text, encoding="utf-8")
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.writestr("one.md", text)
        archive.writestr("two.md", text)
    with zipfile.ZipFile(folder / "inner.zip", "w") as archive:
        archive.write(folder / "two.zip", "two.zip")
    with zipfile.ZipFile(folder / "dense.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dense.md", "dense " * 300_000)
    pages = Canvas(str(folder / "pages.pdf"))
    for page in range(2):
        pages.drawString(72, 700, f"Page {page} of a document.")
        pages.showPage()
    pages.save()
    monkeypatch.setenv(f"INTERVIEW_RAG_INGESTION__LIMITS__{limit.upper()}", str(value))
    for arguments in (("ingest", folder), ("ingest", "--explain", folder)):
        skipped = document(run, *arguments)["skipped"]
        assert any(reason in skip["reason"] for skip in skipped), skipped


# --- status ---


def test_status_says_what_the_index_holds(run: Run, filled: Path) -> None:
    found = document(run, "status")
    assert (found["documents"], found["chunks"], found["generation"]) == (3, 6, 1)
    assert found["languages"] == {"en": 1, "zh-Hans": 1, "zh-Hant": 1}
    assert found["bytes"] > 0
    assert found["embedding_model"] == "test:hashed-n-grams"
    assert found["last_sync"].startswith("20")
    assert "files" not in found


def test_status_lists_files(run: Run, filled: Path) -> None:
    files = document(run, "status", "--files")["files"]
    assert [(file["path"], file["chunks"]) for file in files] == [
        ("quantization.md", 2),
        ("zh/rag-hant.md", 2),
        ("zh/rope.md", 2),
    ]
    assert run("status", "--files")[1].count(".md") == 3


# --- remove and reindex ---


def test_remove(run: Run, filled: Path) -> None:
    assert document(run, "remove", "zh/rope.md") == {"removed": ["zh/rope.md"], "documents": 2, "chunks": 4}
    code, out, err = run("remove", filled / "zh")
    assert (code, err) == (0, "")
    assert out.splitlines() == ["removed zh/rag-hant.md", "1 documents, 2 chunks left"]


def test_reindex(run: Run, filled: Path) -> None:
    summary = document(run, "reindex")
    assert (summary["documents"], summary["chunks"], summary["interrupted"]) == (3, 6, False)
    assert document(run, "status")["generation"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("remove", "nothing.md"), 1, "no document of the index lies at nothing.md"),
        (("remove",), 2, "PATHS"),
        (("ingest", "no-such-folder"), 2, "no such file or folder"),
        (("watch", "no-such-folder"), 2, "no such file or folder"),
        (("export", "--out", "x", "--format", "xml"), 2, "no such format: xml"),
        (("export", "--out", "x.jsonl", "--questions", "q.jsonl"), 2, "--questions goes with --format beir"),
        (("export",), 2, "--out"),
        (("bench", "no-such-bench"), 2, "no-such-bench"),
    ],
)
def test_errors_are_one_line(run: Run, filled: Path, arguments: Sequence[str], code: int, said: str) -> None:
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert said.casefold() in err.casefold()
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", [("reindex",), ("remove", "a.md"), ("status",), ("export", "--out", "x")])
def test_no_index_yet(run: Run, command: Sequence[str]) -> None:
    code, out, err = run(*command)
    assert (code, out) == (1, "")
    assert "run `interview-rag ingest PATH` first" in err


def test_damage_is_one_line_and_the_next_writer_repairs_it(run: Run, filled: Path, tmp_path: Path) -> None:
    (tmp_path / "index" / "generations" / "000001" / "dense.faiss").write_bytes(b"")
    code, out, err = run("search", "RoPE")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "dense.faiss is damaged" in err
    assert "run `interview-rag reindex`" in err
    assert document(run, "ingest", filled)["repaired"]
    assert run("search", "RoPE", "--json")[0] == 0


# --- export ---


def test_export_as_rows(run: Run, filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "exported" / "chunks.jsonl"
    assert document(run, "export", "--out", out)["chunks"] == 6
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    source = (filled / "quantization.md").read_text(encoding="utf-8")
    assert [source[row["start"] : row["end"]] for row in rows[:2]] == [row["text"] for row in rows[:2]]
    assert rows[0]["heading"] == ["Quantization", "What is the difference between PTQ and QAT?"]


def test_export_for_beir(run: Run, filled: Path, tmp_path: Path) -> None:
    gold = {"id": "q1", "question": "PTQ or QAT?", "lang": "en", "gold_files": ["quantization.md"]}
    (tmp_path / "gold.jsonl").write_text(json.dumps(gold) + "\n", encoding="utf-8")
    done = document(run, "export", "--format", "beir", "--out", tmp_path / "beir", "--questions", tmp_path / "gold.jsonl")
    assert (done["chunks"], done["queries"], done["judgements"]) == (6, 1, 2)
    corpus = [json.loads(line) for line in (tmp_path / "beir" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"_id", "title", "text", "metadata"} == set(corpus[0])
    header, *rows = (tmp_path / "beir" / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()
    assert header == "query-id\tcorpus-id\tscore"
    assert [row.split("\t") for row in rows] == [["q1", passage["_id"], "1"] for passage in corpus[:2]]
    queries = (tmp_path / "beir" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(queries[0])["text"] == "PTQ or QAT?"


# --- watch ---

_WATCH = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from hash_embedder import HashEmbedder
from app.cli import main
from app.session import Session
Session.embedder = HashEmbedder()
main()
"""


@pytest.fixture
def watching(tmp_path: Path, notes: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that watches the notes."""
    environment = {"INTERVIEW_RAG_INDEX": str(tmp_path / "index"), "INTERVIEW_RAG_EMBEDDINGS": "test:hashed-n-grams"}
    command = [sys.executable, "-c", _WATCH, str(Path(__file__).parent), "watch", str(notes), "--json"]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        yield process
        process.kill()


@pytest.mark.e2e
def test_watch_keeps_the_index_in_step_until_ctrl_c(tmp_path: Path, notes: Path, watching: subprocess.Popen[str]) -> None:
    store = IndexStore(tmp_path / "index")

    def paths() -> list[str]:
        try:
            catalogue = store.catalogue()
        except Exception:  # noqa: BLE001 - not there yet
            return []
        try:
            return [stored.path for stored in catalogue.documents()]
        finally:
            catalogue.close()

    def becomes(expected: list[str]) -> bool:
        deadline = time.monotonic() + 60
        while paths() != expected and time.monotonic() < deadline:
            time.sleep(0.1)
        return paths() == expected

    assert becomes(["quantization.md", "zh/rag-hant.md", "zh/rope.md"])
    (notes / "new.md").write_text("# New\n\nSomething new.\n", encoding="utf-8")
    (notes / "broken.pdf").write_bytes(b"%PDF-1.7 no more of it")
    assert becomes(["new.md", "quantization.md", "zh/rag-hant.md", "zh/rope.md"])
    (notes / "zh" / "rope.md").unlink()
    (notes / "new.md").rename(notes / "renamed.md")
    assert becomes(["quantization.md", "renamed.md", "zh/rag-hant.md"])
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=60)
    assert (watching.returncode, err) == (0, "")
    assert json.loads(out)["last"]["documents"] == 3
