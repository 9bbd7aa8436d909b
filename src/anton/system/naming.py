"""Names of folders for what is known by a path."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path


def folder_name(path: str) -> str:
    """A folder name for what is at a path: readable, and another one for another path."""
    readable = re.sub(r"[^a-z0-9]+", "-", Path(path).name.lower()).strip("-")[:40]
    return f"{readable or 'repository'}-{hashlib.sha256(path.encode()).hexdigest()[:10]}"
