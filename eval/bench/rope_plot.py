"""The plot of `bench rope`: perplexity and pass keys by length, one line a method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generation.models.rope import RopeScale

# Beyond this the model has lost the thread, and how far is of no interest.
_WORST = 100.0


def draw(metrics: dict[str, Any], path: Path) -> None:
    """Two panels a model; the native length is a dashed line.

    Args:
        metrics: what `eval.bench.rope.summarise` returns.
        path: the image; its ending says which format.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    models = list(dict.fromkeys(row["model"] for row in metrics["rows"]))
    figure, axes = plt.subplots(len(models), 2, figsize=(9, 3.4 * len(models)), squeeze=False, layout="constrained")
    for model, (left, right) in zip(models, axes, strict=True):
        rows = [row for row in metrics["rows"] if row["model"] == model]
        for n, scale in enumerate(dict.fromkeys((row["method"], row["factor"]) for row in rows)):
            mine = [row for row in rows if (row["method"], row["factor"]) == scale]
            lengths = [row["length"] for row in mine]
            style: dict[str, Any] = {"color": "black" if scale[0] == "none" else f"C{n}", "marker": "osv^Dx*P"[n % 8]}
            style |= {"linewidth": 1.4, "markersize": 5, "alpha": 0.8, "label": str(RopeScale(*scale))}
            left.plot(lengths, [min(row["perplexity"], _WORST) for row in mine], **style)
            right.plot(lengths, [row["keys"] for row in mine], **style)
        for axis in (left, right):
            axis.axvline(rows[0]["native"], color="0.6", linewidth=1, linestyle="--")
            axis.set(xlabel="tokens", title=model)
        left.set(ylabel=f"perplexity (cut at {_WORST:.0f})", yscale="log")
        right.set(ylabel="pass keys found", ylim=(-0.03, 1.08))
        left.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
