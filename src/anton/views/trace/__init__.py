"""A run as a tree of spans."""
