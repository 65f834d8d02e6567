"""The bundled reader on real weights: which unit answers, whatever it stands beside, on both runtimes."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from corpus.documents import Chunk, SourceMap
from corpus.results import Hit, Scores
from generation.models.language_model import Runtime
from generation.reader import Reader, load_reader
from generation.reader_input import ReadUnit
from generation.selection.evidence_reading import Place, read_best
from generation.selection.passage_units import units_of

pytestmark = pytest.mark.slow

# The first unit answers; the others are about the same subject.
ASKED = {
    "ALiBi 为什么不需要位置嵌入？": (
        ("ALiBi", "ALiBi 直接在注意力分数上减去与距离成正比的偏置，位置信息由此进入，所以输入端不再加位置嵌入。"),
        ("ALiBi", "ALiBi 由 Press 等人在 2021 年提出，论文题为 Train Short, Test Long。"),
        ("ALiBi", "BLOOM 和 MPT 采用了 ALiBi。"),
    ),
    "GPTQ 量化後的權重是幾位元？": (
        ("量化", "GPTQ 常見的設定是把權重量化成 4 位元，分組大小 128。"),
        ("量化", "GPTQ 需要一小批校準資料。"),
        ("量化", "AWQ 保護少數重要的通道。"),
    ),
    "Why is RMSNorm cheaper than LayerNorm?": (
        ("Normalization", "RMSNorm leaves out the mean: it needs one reduction instead of two and has no bias."),
        ("Normalization", "RMSNorm was proposed by Zhang and Sennrich in 2019."),
        ("Normalization", "Pre-norm puts the normalization before each block."),
    ),
}


def units_in(question: str) -> list[ReadUnit]:
    return [ReadUnit(*unit) for unit in ASKED[question]]


@pytest.fixture(scope="module", params=["openvino", "transformers"])
def reader(request: pytest.FixtureRequest) -> Reader:
    runtime: Runtime = request.param
    if runtime == "openvino" and find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed")
    return load_reader(device="cpu", runtime=runtime)


@pytest.mark.parametrize("question", ASKED)
def test_the_unit_that_answers_scores_highest(reader: Reader, question: str) -> None:
    assert reader.score(question, units_in(question)).argmax() == 0


def test_a_unit_is_worth_the_same_beside_any_others(reader: Reader) -> None:
    question = next(iter(ASKED))
    units = units_in(question)
    together = reader.score(question, units * 6)  # more than are read at a time
    alone = np.concatenate([reader.score(question, [unit]) for unit in units])
    assert np.abs(together - np.tile(alone, 6)).max() < 0.1 * np.abs(alone).max()
    assert reader.score(question, ()).shape == (0,)


def test_each_part_of_a_question_is_read_by_itself(reader: Reader) -> None:
    text = "位置插值的代价是分辨率下降，高频信息受损。YaRN 按维度区分插值程度，并给注意力加温度。GPT-2 有四十八层。"
    chunk = Chunk("a.md", 0, ("位置编码", "长度外推"), text, 0, len(text), SourceMap(), "zh-Hans", 60)
    places = [Place(Hit(1, chunk, 1.0, Scores()), n, unit) for n, unit in enumerate(units_of(text))]
    parts = ("位置插值的代价是什么", "YaRN 怎么做")
    even = np.zeros((3, 3), np.float32)
    read = read_best("位置插值的代价是什么，YaRN 怎么做？", parts, places, even, reader)
    assert read.shape == (3, 3)
    assert read[1:].argmax(1).tolist() == [0, 1]
    assert read[0].argmin() == 2
    # A part that names no subject is read with the whole.
    other = read_best(
        "位置插值的代价是什么？有多大？", ("位置插值的代价是什么", "有多大"), places, np.zeros((3, 3), np.float32), reader
    )
    assert other[2].argmax() == 0
