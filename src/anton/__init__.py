"""Anton: an autonomous on-call engineer whose fixes are proved by execution."""

__version__ = "0.1.0"
