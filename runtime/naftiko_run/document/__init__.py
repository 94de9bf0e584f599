"""Documents: the text of a capability file becomes guarded, placed nodes in one normalised shape.

In order: ``reader`` (text to nodes), ``imports`` (other files' entries brought in), ``schema`` (structure), ``dialect`` (every
published spelling to the newest one), ``shapes`` (what kind of document it is). Nothing here knows HTTP or MCP.
"""
