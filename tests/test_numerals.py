"""Numbers in digits, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.numerals import in_digits
from retrieval.analysis import fold


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("三种方法", "3种方法"),
        ("三種方法", "3种方法"),
        ("两个矩阵", "2个矩阵"),
        ("第十二层", "第12层"),
        ("二十四头", "24头"),
        ("一百零八个", "108个"),
        ("二〇一九年", "2019年"),
        ("约 1.5 亿参数", "约 150000000参数"),
        ("三万个词元", "30000个词元"),
        ("两万亿词元", "2000000000000词元"),
        ("百分之三十", "30%"),
        ("百分之 30", "30%"),
        ("百分之٣", "百分之٣"),
        ("30 percent of it", "30% of it"),
        ("10,000 tokens", "10000 tokens"),
        ("three kinds", "3 kinds"),
        ("twenty-five layers", "25 layers"),
        ("three hundred thousand rows", "300000 rows"),
        ("7B parameters", "7000000000 parameters"),
        ("7 billion parameters", "7000000000 parameters"),
        ("LLaMA-7B", "llama-7000000000"),
        ("14GB, w4a16, fp16, 4 b", "14gb, w4a16, fp16, 4 b"),
        ("一般统一，十分简单，万一", "一般统一,十分简单,万一"),
        ("one of the heads", "one of the heads"),
    ],
)
def test_numbers_are_read(text: str, read: str) -> None:
    assert in_digits(fold(text)) == read


@pytest.mark.parametrize(
    "same",
    [("三种", "3种"), ("七十亿参数", "7B参数"), ("1.17 亿", "117M"), ("ten thousand", "1万"), ("50 per cent", "百分之五十")],
)
def test_one_number_has_one_reading(same: tuple[str, str]) -> None:
    one, other = (in_digits(fold(text)).replace(" ", "") for text in same)
    assert one == other


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_a_chinese_numeral_by_its_places(thousands: int, hundreds: int, tens: int, ones: int) -> None:
    han = "零一二三四五六七八九"
    numeral = f"{han[thousands]}千{han[hundreds]}百{han[tens]}十{han[ones]}"
    assert in_digits(f"{numeral}个") == f"{1000 * thousands + 100 * hundreds + 10 * tens + ones}个"


@given(st.text(alphabet="零〇一两三十百千万亿第个百分之12٣²,.% kmb", max_size=30))
def test_any_text_can_be_read(text: str) -> None:
    assert len(in_digits(text)) <= 16 * len(text)
