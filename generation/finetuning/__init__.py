"""Notes -> a language model that has learned them by heart, and its answers without looking anything up.

In: the chunks of notes. Out: a folder with a PEFT adapter (or a whole model) and its card; answers checked against the notes.
Read in this order: notes, wordings, examples, encoding, training, finetune; closed_book answers.
"""
