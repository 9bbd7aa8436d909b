"""The demo: a small to-do service with one real bug, its history, and the ticket that reports it."""
