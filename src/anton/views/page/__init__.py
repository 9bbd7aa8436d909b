"""A run as its web page shows it: plain data, which templates turn into HTML and escape."""
