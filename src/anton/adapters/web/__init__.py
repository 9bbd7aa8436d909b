"""Adapters of the web and search ports."""
