"""Findings in, the text of a report out: one module per format."""
