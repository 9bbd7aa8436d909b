"""The proof: run test commands, read their reports, fill the matrix."""
