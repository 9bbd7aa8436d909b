"""The four agents as data."""
