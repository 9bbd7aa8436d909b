"""Where it can be seen what Anton does."""
