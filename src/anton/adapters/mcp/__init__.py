"""Servers that speak the Model Context Protocol: their tools, and what of them the operator accepted."""
