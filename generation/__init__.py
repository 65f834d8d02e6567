"""Question and hits -> a cited and checked answer.

In: a question, and a retriever over the notes. Out: `Answer`, each sentence with citations and support, or a refusal.
Read in this order: answering and answerer; selection, which chooses the evidence; draft, composition and grounding, which make
sentences of it; checker and verify, which check them; models, which write. long_context answers from whole documents instead,
finetuning from what a model has learnt.
"""
