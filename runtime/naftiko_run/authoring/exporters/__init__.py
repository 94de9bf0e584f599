"""Capabilities in, descriptions for others out."""
