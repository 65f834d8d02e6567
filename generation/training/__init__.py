"""Training of the checker: examples from what people wrote and from what can be changed by rule, and the run itself.

Read in this order: `perturb` (one sentence, one change), `sources` (what is trained on), `examples` (groups of claims about a
context), `train_checker` (the run), `calibrate_checker` (the shipped combination).
"""
