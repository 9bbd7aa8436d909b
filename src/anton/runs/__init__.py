"""Takes one ticket from its receipt to its delivery."""
