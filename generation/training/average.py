"""Average a trained checker with the reranker that it started from.

    python -m generation.training.average --reranker FOLDER --checker FOLDER --share 0.4 --out FOLDER

Weights between the start and the end of a fine-tuning keep what the start knew about other data (Wortsman et al. 2022,
arXiv:2109.01903). The result has to be calibrated anew.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from generation.checker import CONFIG_FILE
from retrieval.adapter import ADAPTER_FILE, HEADS_FILE

# Heads that the reranker lacks: before training they add nothing to the logit.
_OWN = ("doubtful", "claim.weight", "claim.bias")


def average(reranker: Path, checker: Path, share: float, out: Path) -> None:
    """Write (1 - share) * reranker + share * checker; both LoRA factors are averaged."""
    out.mkdir(parents=True, exist_ok=True)
    start, end = load_file(reranker / ADAPTER_FILE), load_file(checker / ADAPTER_FILE)
    save_file({name: _between(start[name], weight, share).half() for name, weight in end.items()}, out / ADAPTER_FILE)
    old, new = load_file(reranker / HEADS_FILE), load_file(checker / HEADS_FILE)
    heads = new | {f"reranker.{name}": _between(weight, new[f"reranker.{name}"], share) for name, weight in old.items()}
    save_file(heads | {name: share * new[name] for name in _OWN}, out / HEADS_FILE)
    shutil.copy(checker / CONFIG_FILE, out)


def _between(start: Tensor, end: Tensor, share: float) -> Tensor:
    return (1 - share) * start.float() + share * end.float()


def main() -> None:
    """Read the arguments, average, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("reranker", "checker", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.4)
    options = parser.parse_args()
    average(options.reranker, options.checker, options.share, options.out)


if __name__ == "__main__":
    main()
