"""Metrics and traces of one process, kept here and exported over OTLP; knows neither HTTP nor flows."""
