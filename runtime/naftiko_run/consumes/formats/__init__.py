"""Upstream bodies to JSON values: one module per ``outputRawFormat``; ``registry`` names them, ``reply`` chooses."""
