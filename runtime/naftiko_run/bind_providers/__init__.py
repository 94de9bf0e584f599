"""Where bound values come from: one module for each kind of store."""
