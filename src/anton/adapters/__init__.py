"""One folder a port, the real side and the embedded side together."""
