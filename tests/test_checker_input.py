"""What of a context the checker reads."""

from hypothesis import given
from hypothesis import strategies as st

from corpus.sentences import sentences
from generation.checker_input import BUDGET, nearest_sentences

FILLER = "今天天气很好，我们去公园散步。" * 60
texts = st.text(alphabet="水冰热冷。！ \nabc.", max_size=400)


def test_a_short_context_is_read_whole() -> None:
    assert nearest_sentences(" 水在零度结冰。冰会浮。 ", "冰会沉。") == "水在零度结冰。冰会浮。"


def test_what_the_claim_is_about_stays_wherever_it_stands() -> None:
    for context in (f"RoPE 旋转查询和键。{FILLER}", f"{FILLER}RoPE 旋转查询和键。", f"{FILLER}RoPE 旋转查询和键。{FILLER}"):
        near = nearest_sentences(context, "RoPE 旋转的是查询和键。")
        assert "RoPE 旋转查询和键。" in near
        assert len(near) <= BUDGET + len("\n") * 60


def test_both_halves_of_a_claim_find_their_sentences() -> None:
    context = f"BatchNorm 沿批次归一化。{FILLER}LayerNorm 沿特征归一化。{FILLER}"
    near = nearest_sentences(context, "BatchNorm 沿批次归一化，LayerNorm 沿特征归一化。")
    assert near.index("BatchNorm") < near.index("LayerNorm")


@given(texts, texts)
def test_only_sentences_of_the_context_in_its_order(context: str, claim: str) -> None:
    near = nearest_sentences(context, claim, budget=20)
    assert near == nearest_sentences(context, claim, budget=20)
    rest = iter(sentences(context))
    assert all(sentence in rest for sentence in sentences(near))
    assert bool(near) == bool(context.strip())
