"""Sides of the Queue port."""
