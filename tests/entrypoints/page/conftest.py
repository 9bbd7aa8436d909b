"""The runs that the views are tested with."""

from tests.views.conftest import (
    delivered,
    green,
    hostile,
    midway,
    overridden,
    red,
    untested,
)

__all__ = ["delivered", "green", "hostile", "midway", "overridden", "red", "untested"]
