"""Builds and searches the index.

In: chunks with their embeddings, and questions. Out: `SearchResult`, ranked hits with a calibrated relevance.
Read in this order: analysis, bm25, dense, fusion, embedder and embeddings, snapshot, manifest and store (the files), query,
candidates, rerank, coverage, set_choice, second_stage, relevance, retriever.
"""
