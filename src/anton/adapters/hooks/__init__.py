"""Adapters of the hooks port."""
