"""Primitives of the operating system, each used in the one way that holds: processes, files, locks."""
