"""Worker processes for what is not trusted with this one: parsers of foreign formats, and scripts."""
