"""Files -> clean text -> sections -> chunks -> catalogue and index.

In: paths. Out: an `IngestSummary`, and an index in step with the files.
Read in this order: read, clean, parse, chunk, plan, embed, duplicates and collapse, pipeline; then reindex, remove, watch.
"""
