"""Fit the second look at the evidence, which decides about refusal, on development questions.

    python -m eval.fit_answerable --index DIR [--questions FILE] [--notebooks DIR] [--out generation/selection/answerable.json]

Gold questions about tidy notes are easily told from those that these do not answer, so the questions about messy notebooks are
asked too, of each notebook alone: to fit only those of topics that the reader was not trained on. Prints the AUROC and what is
answered and refused at 0.5, for the fit and for each set that is kept for measuring. Both classes weigh alike in the fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from eval.calibrate import auroc, fit
from eval.fit_command import bundled_retriever, fit_parser
from eval.gold import GoldQuestion, read_gold
from generation.reader import Reader, load_reader
from generation.selection.answerable import COEFFICIENTS, sureness
from generation.selection.evidence import select_evidence
from generation.selection.evidence_choice import EvidenceSettings
from ingest.pipeline import ingest
from retrieval.relevance import logit
from retrieval.retriever import HybridRetriever
from retrieval.store import IndexStore

FloatMatrix = NDArray[np.float64]
Examples = tuple[FloatMatrix, NDArray[np.bool_]]

NOTEBOOKS = Path(__file__).parents[1] / "corpus" / "training" / "notebooks"
_INPUTS = ("relevance", "statement", "reading")
_USED = {"reranked": ("relevance", "statement"), "read": ("relevance", "reading")}  # by what there is to judge with


def examples(questions: Sequence[GoldQuestion], retriever: HybridRetriever, reader: Reader) -> Examples:
    """Search relevance, best statement and best unit to the reader as logits, shape (questions, 3), and whether notes answer."""
    inputs, right = [], []
    for question in questions:
        query = retriever.analyse(question.question, question.history)
        found = retriever.find(query)
        selected = select_evidence(
            query,
            found.hits,
            embedder=retriever.embedder,
            bm25=retriever.snapshot.bm25,
            reranker=retriever.reranker,
            reader=reader,
            settings=EvidenceSettings(),
        )
        if selected.statement is not None and selected.reading is not None:
            inputs.append((logit(found.relevance), selected.statement, sureness(selected.reading)))
            right.append(question.answerable)
    return np.array(inputs, dtype=np.float64).reshape(-1, len(_INPUTS)), np.array(right, dtype=np.bool_)


def _of_notebooks(folder: Path, split: str, retriever: HybridRetriever, reader: Reader) -> Iterator[tuple[str, Examples]]:
    """The examples of each notebook with questions of a split, its notes alone in an index; the models are the retriever's."""
    for notebook in sorted(path for path in folder.iterdir() if path.is_dir()):
        questions = [question for question in read_gold(notebook / "questions.jsonl") if question.split == split]
        if questions:
            with TemporaryDirectory(prefix="interview-rag-fit-") as scratch:
                store = IndexStore(Path(scratch) / "index")
                ingest([notebook / "notes"], store, retriever.embedder)
                snapshot = store.snapshot(retriever.embedder.name)
                own = HybridRetriever(snapshot=snapshot, embedder=retriever.embedder, reranker=retriever.reranker)
                yield notebook.name, examples(questions, own, reader)
                snapshot.close()


def main() -> None:
    """Command line."""
    parser = fit_parser(__doc__, COEFFICIENTS)
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS)
    arguments = parser.parse_args()
    retriever, reader = bundled_retriever(arguments.index), load_reader()
    gold = {split: examples(read_gold(arguments.questions, split=split), retriever, reader) for split in ("dev", "test")}
    learned = [gold["dev"], *(found for _, found in _of_notebooks(arguments.notebooks, "dev", retriever, reader))]
    dev = np.concatenate([inputs for inputs, _ in learned]), np.concatenate([right for _, right in learned])
    sets = {"fit": dev, "gold dev": gold["dev"], "gold test": gold["test"]}
    sets |= dict(_of_notebooks(arguments.notebooks, "test", retriever, reader))
    stored = {}
    for name, used in _USED.items():
        columns = [_INPUTS.index(each) for each in used]
        intercept, weights = fit(dev[0][:, columns], dev[1])
        for part, (inputs, right) in sets.items():
            scores = intercept + inputs[:, columns] @ weights
            answered, refused = float((scores[right] > 0).mean()), float((scores[~right] <= 0).mean())
            print(
                f"{name}, {part}: n={len(right)} AUROC={auroc(scores, right):.3f} answered={answered:.3f} refused={refused:.3f}"
            )
        stored[name] = {
            key: round(value, 4) for key, value in (("intercept", intercept), *zip(used, weights.tolist(), strict=True))
        }
    arguments.out.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
