"""Adapters of the tracker port."""
