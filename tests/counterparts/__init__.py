"""Servers that tests talk to in place of the services of vendors."""
