"""What can be set of how long things are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from anton.settings.fields import Section


class RetentionSettings(Section):
    """`[retention]`: what `anton gc --delete` leaves."""

    days: Annotated[int, Field(strict=True, ge=1, le=36_500)] | None = None
    """Runs that are over stay in the journal for so long; without it, for good."""
    conversation_days: Annotated[int, Field(strict=True, ge=1, le=36_500)] | None = None
    """Conversations in which nothing was said any more stay for so long; without it, for good."""
    environment_days: Annotated[int, Field(strict=True, ge=1, le=36_500)] = 30
    """Test environments that no run asks for stay for so long."""
