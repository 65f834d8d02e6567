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
# What training does not swap, but the checker looks for.
_MORE = """
增/减 提高/下降 提升/降低 上升/减少 增加/降低 increase/reduce raises/lowers raise/lower increases/lowers increased/reduced
之内/之外 以内/以外 前面/后面 前者/后者 左侧/右侧 上方/下方 升/降 优势/劣势 优点/局限 正确/错误 必要/多余 单向/双向 显式/隐式
静态/动态 对称/非对称 同步/异步 串行/并行 稠密/稀疏 密集/稀疏 在线/离线 精确/近似 无损/有损 线性/非线性 有监督/无监督
有界/无界 收敛/发散 变快/变慢 变多/变少 变高/变低 变好/变差 更强/更弱 更深/更浅 更新/更旧 加快/减慢 加速/减速 增强/减弱
扩大/缩小 延长/缩短 提升/下降 加剧/缓解 保留/丢弃 冻结/更新 冻结/训练 放大/缩小 上游/下游 左/右 内/外 快/慢 长/短 高/低 大/小
多/少 深/浅 强/弱 好/坏 前/后 fast/slow quick/slow high/low big/small large/small long/short near/far near/distant old/new
wide/narrow deep/shallow good/bad rich/poor early/late full/empty same/other increases/reduces grows/shrinks rises/falls
gains/loses improves/degrades improves/worsens helps/hurts wider/narrower deeper/shallower stronger/weaker better/poorer
easier/harder cheaper/costlier higher/smaller left/right top/bottom static/dynamic dense/sparse symmetric/asymmetric
explicit/implicit serial/parallel online/offline exact/approximate linear/nonlinear stable/unstable frozen/trained
freezes/trains frozen/updated succeeds/fails accepts/rejects keeps/discards enables/disables enabled/disabled adds/removes
global/local upper/lower up/down earlier/later possible/impossible necessary/unnecessary able/unable likely/unlikely
equal/unequal all/none both/neither everything/nothing everyone/nobody most/least more/fewer rarely/often seldom/often
former/latter internal/external inner/outer open/closed true/false right/wrong safe/unsafe
"""
# Each word with its opposite; an underscore stands for a space.
ANTONYMS = {a: b for pair in _ANTONYMS.split() for a, b in (pair.split("/"), pair.split("/")[::-1])}
# Every word with an opposite of it, both ways round.
OPPOSITES = frozenset(
    (a.replace("_", " "), b.replace("_", " "))
    for pair in (_ANTONYMS + _MORE).split()
    for a, b in (pair.split("/"), pair.split("/")[::-1])
)
