"""Claims made from notes by rule."""

from collections import Counter
from random import Random

import pytest

from corpus.language import to_simplified
from eval.claim_sets import EDITED, read_claim_sets
from eval.edited_claims import edited_claims

SECTION = (
    "GQA 有 8 个键值头，质量接近 MHA。由于缓存小了，因此推理更快。MQA 只有 1 个键值头，质量略有下降。\n\n"
    "| 方法 | 键值头 |\n|---|---|\n| MQA | 1 |\n"
)
NEIGHBOURS = ("温度越低，分布越尖锐，输出越确定。",)


def made(seed: int) -> list[tuple[str, bool, str]]:
    return [(each.claim, each.supported, each.kind) for each in edited_claims(SECTION, NEIGHBOURS, Random(seed))]


@pytest.mark.parametrize("seed", range(20))
def test_each_wrong_claim_stands_beside_a_right_one_and_differs_from_the_section(seed: int) -> None:
    claims = made(seed)
    assert claims == made(seed)
    assert [supported for _, supported, _ in claims] == [True, False] * (len(claims) // 2)
    for text, supported, kind in claims:
        if supported and kind != "reworded":
            assert to_simplified(text).rstrip("。") in to_simplified(SECTION)
        if not supported:
            assert to_simplified(text) not in to_simplified(SECTION)
        assert "|" not in text


def test_a_section_without_prose_gives_none() -> None:
    assert not list(edited_claims("| 方法 | 键值头 |\n|---|---|\n| MQA | 1 |\n", NEIGHBOURS, Random(0)))


def test_our_notes_give_every_kind_in_every_language() -> None:
    (edited,) = read_claim_sets(None, [EDITED])
    assert edited == read_claim_sets(None, [EDITED])[0]
    kinds = Counter((row.lang, row.kind) for row in edited.claims if not row.supported)
    for lang in ("zh-Hans", "zh-Hant", "en"):
        assert all(kinds[lang, kind] >= 5 for kind in ("number", "term", "negation", "neighbour")), kinds
