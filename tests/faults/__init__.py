"""What goes wrong outside, at every call site: generated from the calls that a whole run makes."""
