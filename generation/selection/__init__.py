"""Selects the evidence of an answer: takes passages apart into units, scores them, chooses."""
