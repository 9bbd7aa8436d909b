"""Runs in which somebody cheats, and as many in which nobody does."""
