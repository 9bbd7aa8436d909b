"""What agents can do: plain typed async functions, their schema taken from signature and docstring."""
