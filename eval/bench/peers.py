"""What others would assemble, ready to be timed beside our searches: rank_bm25, bm25s, FAISS, LangChain's ensemble."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from corpus.errors import MissingExtra
from retrieval.analysis import terms
from retrieval.dense import faiss
from retrieval.embedder import Embedder, FloatMatrix
from retrieval.searcher import Rows

K1, B = 1.5, 0.75


def require_peers() -> None:
    """Make sure that the `bench` extra is installed.

    Raises:
        MissingExtra: it is not.
    """
    for package in ("bm25s", "numba", "rank_bm25", "langchain_classic", "langchain_community"):
        if find_spec(package) is None:
            raise MissingExtra(package=package, extra="bench")


def bm25s_search(passages: Sequence[list[str]], backend: str, k: int) -> Callable[[list[str]], Any]:
    """bm25s over passages of terms; `backend` is "numpy" or "numba"."""
    import bm25s

    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets DEBUG when imported
    index = bm25s.BM25(k1=K1, b=B, method="lucene", backend=backend)
    index.index(list(passages), show_progress=False)
    return lambda query: index.retrieve([query], k=k, show_progress=False)


def okapi(passages: Sequence[list[str]]) -> Any:
    """rank_bm25 over passages of terms."""
    from rank_bm25 import BM25Okapi

    return BM25Okapi(list(passages), k1=K1, b=B)


def okapi_best(index: Any, query: list[str], k: int) -> Rows:
    """The k best as rank_bm25's own `get_top_n` finds them, but without the texts."""
    best: Rows = np.argsort(index.get_scores(query))[::-1][:k]
    return best


def ensemble(index: Any, vectors: FloatMatrix, texts: Sequence[str], embedder: Embedder, k: int) -> Callable[[str], Any]:
    """LangChain's EnsembleRetriever over BM25Retriever and its FAISS store, with our terms and our embedding model."""
    from langchain_classic.retrievers import EnsembleRetriever
    from langchain_community.docstore.in_memory import InMemoryDocstore
    from langchain_community.retrievers import BM25Retriever
    from langchain_community.vectorstores import FAISS
    from langchain_core.documents import Document

    documents = [Document(page_content=text, id=str(row)) for row, text in enumerate(texts)]
    flat = faiss().IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    store = FAISS(
        embedding_function=lambda text: embedder.encode_query(text)[0].tolist(),
        index=flat,
        docstore=InMemoryDocstore({str(row): document for row, document in enumerate(documents)}),
        index_to_docstore_id={row: str(row) for row in range(len(documents))},
    )
    lexical = BM25Retriever(vectorizer=index, docs=documents, k=k, preprocess_func=terms)
    both = EnsembleRetriever(retrievers=[lexical, store.as_retriever(search_kwargs={"k": k})], weights=[0.5, 0.5])
    search: Callable[[str], Any] = both.invoke
    return search
