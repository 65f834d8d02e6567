"""Labelled claims as they are read from a folder, and our own."""

import json
from collections import Counter
from pathlib import Path

import pytest

from corpus.errors import DatasetNotFound, InvalidRow, UnknownDataset
from eval.claim_sets import OWN, ClaimSet, LabelledClaim, read_claim_sets


def test_our_own_claims_name_sections_that_exist() -> None:
    (own,) = read_claim_sets(None, [OWN])
    assert own.name == OWN
    counts = Counter((row.lang, row.supported) for row in own.claims)
    assert all(counts[lang, label] >= 50 for lang in ("zh-Hans", "zh-Hant", "en") for label in (True, False))
    kinds = Counter((row.lang, row.kind) for row in own.claims)
    assert min(kinds.values()) >= 10, "a kind that a language has too few claims of to measure"
    assert len(set(own.claims)) == len(own.claims)
    assert all(row.context for row in own.claims)


def test_each_layout_is_read(tmp_path: Path) -> None:
    def write(path: str, *lines: str) -> None:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    attribution = {"claim": "Ice floats [1].", "references": ["Ice floats.", "It does."], "src_dataset": "X"}
    write("attributionbench/dev.jsonl", json.dumps(attribution | {"attribution_label": "attributable"}))
    inference = {"sentence1": "他走了。", "sentence2": "他离开了。"}
    write("ocnli/train.3k.json", *(json.dumps(inference | {"label": label}) for label in ("entailment", "neutral", "-")))
    write("csts/chinese_snli_dev.txt", "两个人\t有人\tentailment", "两个人\t没人\tcontradiction")
    write("mine.jsonl", json.dumps({"context": "水在零度结冰。", "claim": "水会结冰。", "supported": True}))

    sets = {each.name: each.claims for each in read_claim_sets(tmp_path)}

    assert sets["attributionbench"] == (LabelledClaim("Ice floats.", "Ice floats.\nIt does.", True, "en", "X"),)
    assert [(row.context, row.claim, row.supported) for row in sets["ocnli"]] == [
        ("他走了。", "他离开了。", True),
        ("他走了。", "他离开了。", False),
    ]
    assert [row.supported for row in sets["csts"]] == [True, False]
    assert sets["mine"] == (LabelledClaim("水会结冰。", "水在零度结冰。", True, "zh-Hans"),)


def test_names_choose_by_their_beginning(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.jsonl").write_text('{"context": "a", "claim": "b", "supported": false}\n', encoding="utf-8")
    assert [each.name for each in read_claim_sets(tmp_path, ["sec"])] == ["second"]
    with pytest.raises(UnknownDataset, match="third"):
        read_claim_sets(tmp_path, ["third"])


def test_a_folder_without_sets(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFound):
        read_claim_sets(tmp_path / "nowhere")


@pytest.mark.parametrize("line", ['{"context": "a", "claim": "b"}', "{", '{"context": 1, "claim": "b", "supported": true}'])
def test_a_malformed_row_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "x.jsonl").write_text('{"context": "a", "claim": "b", "supported": true}\n' + line, encoding="utf-8")
    with pytest.raises(InvalidRow, match="line 2"):
        read_claim_sets(tmp_path, ["x"])


def test_a_limit_draws_the_same_claims_each_time() -> None:
    whole = ClaimSet("x", tuple(LabelledClaim(str(i), "context", True, "en") for i in range(50)))
    assert whole.choose(10) == whole.choose(10)
    assert len(whole.choose(10).claims) == 10
    assert whole.choose(100) == whole
