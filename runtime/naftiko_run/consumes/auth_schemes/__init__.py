"""Consumed authentication, one module for each family of schemes."""
