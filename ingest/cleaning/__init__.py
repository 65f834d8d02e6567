"""The rules of `ingest.clean`, a module for each kind of residue; `draft` applies their edits and keeps the source map."""
