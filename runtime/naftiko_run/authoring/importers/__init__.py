"""Descriptions of APIs written for others (OpenAPI, a collection, a command line) become capability files."""
