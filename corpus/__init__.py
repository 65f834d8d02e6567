"""The notes and what they are made of.

In: documents and chunks, from `ingest`. Out: the domain types that every other package speaks, and the catalogue that holds
them. Also here: the shipped notes (`corpus/notes/`), languages and sentences, and every error a user can meet.
"""
