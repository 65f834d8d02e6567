"""Benchmarks: each runs a peer and this project in one process or run and prints the ratio."""
