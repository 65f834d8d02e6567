"""Words that say the opposite of each other, simplified Chinese and English: the checker looks for them, training swaps them."""

from __future__ import annotations

_ANTONYMS = """
增加/减少 提高/降低 上升/下降 升高/降低 更高/更低 更大/更小 更多/更少 更快/更慢 更长/更短 更好/更差 最大/最小 最高/最低
最多/最少 之前/之后 以前/以后 早于/晚于 高于/低于 大于/小于 多于/少于 优于/劣于 支持/反对 成功/失败 允许/禁止 开始/结束
外部/内部 相同/不同 容易/难以 南部/北部 东部/西部 输入/输出 绝对/相对 局部/全局 编码器/解码器 变大/变小 变长/变短 必须/不必
总是/从不 全部/少数 首次/最后一次 只有/不只有 增大/减小 放大/缩小 上限/下限 正比/反比 高频/低频 训练/推理 稳定/不稳定
可学习/固定 同意/拒绝 购买/出售 胜/负 好处/坏处 优点/缺点 increase/decrease increases/decreases increased/decreased
higher/lower larger/smaller more/less faster/slower before/after first/last always/never most/few many/few maximum/minimum
above/below older/younger encoder/decoder training/inference input/output absolute/relative same/different with/without
reduces/raises north/south northern/southern east/west eastern/western longer/shorter better/worse early/late
largest/smallest highest/lowest only/not_only won/lost better/worse strong/weak cheap/expensive easy/hard positive/negative
inside/outside began/ended allows/forbids supports/opposes mother/father daughter/son husband/wife
"""
# Each word with its opposite; an underscore stands for a space.
ANTONYMS = {a: b for pair in _ANTONYMS.split() for a, b in (pair.split("/"), pair.split("/")[::-1])}
