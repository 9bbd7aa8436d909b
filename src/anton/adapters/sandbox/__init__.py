"""Adapters of the sandbox port."""
