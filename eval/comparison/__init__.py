"""RAG against fine-tuning on one's own notes: the same base model, the same questions, the same scorer.

In: chunks of notes, a retriever over them, a base model. Out: a folder of records, `compare.json` and `report.html`.
Read in this order: settings, means, choices, scoring, contexts, arms, written, update, forgetting, footprint, run; estimates,
summary, verdicts, advice, report.
"""
