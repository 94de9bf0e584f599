"""The built-in upstream behind ``--mock``: a capability's operations in, a small HTTP service that answers them out."""
