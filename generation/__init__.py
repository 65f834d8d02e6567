"""Question and hits -> a cited and checked answer.

In: a question, and a retriever over the notes. Out: `Answer`, each sentence with citations and support, or a refusal.
Read in this order: evidence, compose, verify, answering, answerer; language_model and bundled_gguf bring the model. long_context
answers from whole documents instead, with rope for those longer than the model's window.
"""
