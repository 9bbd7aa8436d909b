"""Adapters of the CI port."""
