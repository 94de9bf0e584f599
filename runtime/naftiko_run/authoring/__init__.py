"""Working on capability files: writing, importing, exporting, comparing, explaining and testing them."""
