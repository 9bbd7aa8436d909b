"""Runs one agent; knows no ticket, no forge, no chat."""
