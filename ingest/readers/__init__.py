"""One module per file format: bytes in, text out.

A reader takes the bytes of a file, its path for error messages, and the limits, and returns an `Extract` or raises a
`FileSkipped`. Formats with marks of their own (HTML, DOCX, notebooks) come out as Markdown, so that one parser does for all.
"""
