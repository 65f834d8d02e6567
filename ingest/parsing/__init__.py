"""What `ingest.parse` reads a document's structure with: Markdown tokens, plain lines, questions, and the outline of both."""
