"""Reliability diagrams: of the claims with a score, how many are supported? On the diagonal the scores mean what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def draw_reliability(report: dict[str, Any], path: Path) -> None:
    """One panel a set, one line a language; the areas of points are proportional to their number of claims.

    Args:
        report: what `eval.checker.measure_checker` returns.
        path: the image; its ending says which format.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    sets = [each for each in report["sets"] if each["languages"]]
    figure, axes = plt.subplots(1, len(sets), figsize=(3.2 * len(sets), 3.4), sharey=True, squeeze=False, layout="constrained")
    for axis, figures in zip(axes[0], sets, strict=True):
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axis.axvline(report["threshold"], color="0.85", linewidth=1, linestyle="--")
        for row in figures["languages"]:
            bins = row["reliability"]
            x, y = [each["score"] for each in bins], [each["share"] for each in bins]
            line = axis.plot(x, y, linewidth=1.2, label=f"{row['lang']}  ECE {row['ece']:.3f}")[0]
            axis.scatter(x, y, s=[200 * each["n"] / row["n"] for each in bins], color=line.get_color(), alpha=0.6)
        axis.set(title=figures["name"], xlabel="support", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axis.legend(frameon=False, fontsize=8, loc="upper left")
    axes[0][0].set_ylabel("share supported")
    figure.savefig(path, dpi=150)
    plt.close(figure)
