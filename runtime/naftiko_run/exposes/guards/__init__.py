"""Authentication of callers, one module for each kind of credential."""
