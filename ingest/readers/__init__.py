"""One module per file format: bytes in, decoded text (and page starts) out."""
