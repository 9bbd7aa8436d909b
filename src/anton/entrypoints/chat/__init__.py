"""`anton chat`: a conversation about a repository, whose checkout is only read."""
