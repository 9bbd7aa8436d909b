"""The web page of each run, and the list of runs."""
