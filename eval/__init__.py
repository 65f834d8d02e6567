"""Batch evaluation: gold questions in, records and metrics with intervals out.

Import from the modules (`from eval.metrics import ...`): `import eval` would hide the builtin.
"""
