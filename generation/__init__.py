"""Question and hits -> a cited and checked answer.

In: a question, and a retriever over the notes. Out: `Answer`, each sentence with citations and support, or a refusal.
Read in this order: evidence, compose, verify, answerer; language_model and bundled_gguf bring the model.
"""
