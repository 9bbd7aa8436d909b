"""Projections of a run for people: terminal, pull request, incident report. Pure: state in, text out."""
