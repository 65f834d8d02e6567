"""`interview-rag eval`: retrieval on labelled sets and by language, as a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Run
from hash_embedder import HashEmbedder
from test_labelled_sets import asked, beir, squad
from word_reranker import WordReranker

from corpus.documents import Chunk, SourceMap
from corpus.language import to_simplified
from eval.embedding_cache import CachedEmbedder
from eval.gold import GoldQuestion, Place
from eval.language_matrix import language_matrix
from eval.retrieval import rank_passages
from eval.scratch_index import scratch_snapshot
from retrieval.retriever import HybridRetriever, RetrievalSettings
from retrieval.store import IndexStore

RIVER = "長江是亞洲第一長河。它發源於青藏高原。全長約六千三百公里。"
TOWER = "東京塔位於日本東京。塔高三百三十三米。一九五八年落成。"
TEA = "茶葉原產於中國。綠茶不經發酵。紅茶全發酵。"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A set in each format."""
    folder = tmp_path / "data"
    squad(
        folder / "places" / "dev.json",
        ("長江", [(RIVER, [asked("長江發源於哪裡？", "青藏高原", 14), asked("長江全長多少公里？", "六千三百", 22)])]),
        ("東京塔", [(TOWER, [asked("東京塔塔高多少米？", "三百三十三", 12)]), (TEA, [])]),
    )
    beir(folder / "colours")
    return folder


def test_labelled_sets_are_measured_by_method(run: Run, data: Path, tmp_path: Path) -> None:
    code, printed, errors = run("eval", "retrieval", "--data", data, "--out", tmp_path / "out", "--json")
    assert (code, errors) == (0, "")
    report = json.loads(printed)
    assert report == json.loads((tmp_path / "out" / "retrieval.json").read_text(encoding="utf-8"))
    assert (report["embeddings"], report["reranker"]) == ("test:hashed-n-grams", "test:shared-characters")
    colours, places = report["sets"]
    assert (places["name"], places["passages"], places["questions"], places["asked"]) == ("places/dev", 3, 3, 3)
    assert [row["method"] for row in places["ranking"]] == ["bm25", "dense", "rrf", "fused", "reranked"]
    bm25 = places["ranking"][0]
    assert bm25["n"] == 3
    assert list(bm25["metrics"]) == ["recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10", "map"]
    assert all(metric == {"mean": 1, "low": 1, "high": 1} for metric in bm25["metrics"].values())
    assert [row["method"] for row in places["sentences"]] == [
        "bm25",
        "dense",
        "bm25 + dense",
        "trained",
        "both readings",
        "selector",
    ]
    # "東京塔塔高" has more in common with "東京塔位於日本東京" than with "塔高三百三十三米": one of three is wrong.
    assert places["sentences"][0]["metrics"]["top1"]["mean"] == pytest.approx(2 / 3)
    assert all(row["metrics"]["top3"]["mean"] == 1 for row in places["sentences"])
    assert (colours["name"], colours["asked"], colours["sentences"]) == ("colours/test", 2, [])


def test_tables_say_what_was_asked_and_a_second_run_equals_the_first(run: Run, data: Path) -> None:
    squad(data / "drcd" / "dev.json", *[(f"title {n}", [(f"{TEA}{n}", [asked("綠茶？", "綠茶", 8)])]) for n in range(20)])
    first = run("eval", "retrieval", "--data", data, "--sets", "drcd, places", "--limit", 2)
    assert "## drcd/dev: 20 passages, 2 of 20 questions" in first[1]
    assert "reranker was not trained on" in first[1]
    assert "## places/dev: 3 passages, 2 of 3 questions" in first[1]
    assert "| fused " in first[1]
    assert first == run("eval", "retrieval", "--data", data, "--sets", "drcd,places", "--limit", 2)
    everything = run("eval", "retrieval", "--data", data, "--sets", "drcd", "--all-questions", "--no-reranker")[1]
    assert "20 of 20 questions" in everything
    assert not any(word in everything for word in ("reranked", "trained"))


def test_messages_are_chinese_where_they_should_be(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERVIEW_RAG_MESSAGES", "zh")
    assert "3 个段落，提问 3/3" in run("eval", "retrieval", "--data", data, "--sets", "places")[1]
    assert (
        "没有名为 nothing 的标注数据集：现有 colours/test, places/dev"
        in run("eval", "retrieval", "--data", data, "--sets", "nothing")[2]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("eval",), "--out DIR"),
        (("eval", "--out", "x", "retrieval"), "go after `retrieval`"),
        (("eval", "retrieval", "--data", "no-such-folder"), "no-such-folder does not exist"),
        (("eval", "retrieval", "--limit", "3"), "--data DIR"),
        (("eval", "retrieval", "--data", "x", "--limit", "0"), "--limit"),
        (("eval", "no-such-command"), "no-such-command"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, printed, errors = run(*arguments)
    assert (code, printed, errors.count("\n")) == (2, "", 1)
    assert said in errors


# --- Parts ---


def passage(path: str, text: str) -> Chunk:
    return Chunk(path, 0, (), text, 0, len(text), SourceMap(), "zh-Hant", len(text))


def test_what_the_reranker_does_not_read_follows_in_the_order_of_the_searches(hash_embedder: HashEmbedder) -> None:
    texts = [f"{TEA}第{n}號。" for n in range(30)]
    chunks = [passage(f"{n:09d}", text) for n, text in enumerate(texts)]
    reranker = WordReranker()
    with scratch_snapshot(chunks, hash_embedder, use_gpu=False) as snapshot:
        settings = RetrievalSettings(k=3, rerank_pool=5)
        retriever = HybridRetriever(snapshot=snapshot, embedder=hash_embedder, reranker=reranker, settings=settings)
        found = rank_passages("綠茶第17號", retriever)
        assert snapshot.size == 30  # near-duplicates stay apart
    assert reranker.read == [5]
    assert all(len(set(order)) == len(order) for order in found.values())
    assert sorted(found["reranked"][:5]) == sorted(found["fused"][:5])
    assert found["reranked"][5:] == found["fused"][5:]
    assert found["bm25"][0] == "000000017"


def test_the_matrix_searches_each_language_by_itself(ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    def gold(number: int, lang: str, *files: str, **more: object) -> GoldQuestion:
        return GoldQuestion.model_validate({"id": str(number), "question": "RoPE", "lang": lang, "gold_files": files, **more})

    both = Place(path="zh/rag-hant.md", heading="什麼是重排序？")
    questions = [
        gold(1, "zh-Hans", "zh/rope.md", question="RoPE 的核心思想是什么？"),
        gold(2, "zh-Hant", "zh/rag-hant.md", question="什麼是重排序？", gold_sections=[both.model_dump()]),
        gold(3, "en", "quantization.md", "zh/rope.md", question="PTQ and QAT", gold_mode="all"),  # no one column holds both
        gold(4, "en", "quantization.md", question="difference between PTQ and QAT"),
        gold(5, "en", "quantization.md", answerable=False),
    ]
    snapshot = ingested.snapshot(hash_embedder.name, use_gpu=False)
    retriever = HybridRetriever(snapshot=snapshot, embedder=hash_embedder)
    cells = {(cell.questions, cell.notes): cell for cell in language_matrix(questions, retriever, hash_embedder)}
    snapshot.close()
    assert {key: cell.n for key, cell in cells.items() if cell.n} == {
        ("zh-Hans", "zh-Hans"): 1,
        ("zh-Hans", "zh-Hant"): 1,
        ("zh-Hant", "zh-Hans"): 1,
        ("zh-Hant", "zh-Hant"): 1,
        ("en", "en"): 1,
    }
    assert all((cell.recall is None) == (cell.n == 0) for cell in cells.values())
    assert all(cell.recall.mean == 1 for cell in cells.values() if cell.recall)
    # What was searched was a copy in the column's script, its heading too.
    assert any(text.startswith(f"检索增强生成\n{to_simplified(both.heading)}") for text in hash_embedder.passages)


def test_vectors_are_computed_once(hash_embedder: HashEmbedder, tmp_path: Path) -> None:
    texts = ["a cat", "a dog", "a cat"]
    cached = CachedEmbedder(hash_embedder, tmp_path / "new" / "vectors.sqlite")
    vectors, query = cached.encode_passages(texts), cached.encode_query("a cat")
    cached.close()
    assert hash_embedder.passages == ["a cat", "a dog"]
    np.testing.assert_array_equal(vectors, HashEmbedder().encode_passages(texts))
    again = CachedEmbedder(hash_embedder, tmp_path / "new" / "vectors.sqlite")
    np.testing.assert_array_equal(again.encode_passages(["a dog", "a bird"])[0], vectors[1])
    np.testing.assert_array_equal(again.encode_query("a cat"), query)
    assert again.encode_passages([]).shape == (0, hash_embedder.dimension)
    again.close()
    assert hash_embedder.passages == ["a cat", "a dog", "a bird"]
    other = CachedEmbedder(HashEmbedder(name="test:another", dimension=32), tmp_path / "new" / "vectors.sqlite")
    assert other.encode_passages(["a cat"]).shape == (1, 32)
    other.close()


def test_a_file_that_is_no_cache_is_an_error(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "embeddings.sqlite").write_text("something else entirely, and long enough to be read as a header" * 9)
    code, _, errors = run("eval", "retrieval", "--data", data, "--out", tmp_path / "out")
    assert (code, errors.count("\n")) == (2, 1)
    assert "embeddings.sqlite" in errors
