"""`anton` and `python -m anton`."""

from __future__ import annotations

from anton.entrypoints.cli import anton


def main() -> None:
    """Run the command line."""
    anton()


if __name__ == "__main__":
    main()
