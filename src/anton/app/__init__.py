"""The composition root: settings in, adapters out. Real where something is configured, else embedded."""

from anton.app.agents import equip
from anton.app.root import compose
from anton.app.verification import bench

__all__ = ["bench", "compose", "equip"]
