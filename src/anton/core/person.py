"""Who somebody is, by the way that they came in: `terminal:kim`, `slack:T024BE7LD/U42`, `api:ci`, `page:kim`.

An identity is only ever made by the way in that has checked it. Whatever else stands where one is expected,
such as a plain name in an older journal, is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass

from anton.core.text import one_line

WAYS = ("terminal", "slack", "api", "page", "github", "email")
TERMINAL = "terminal:"


def terminal(user: str) -> str:
    """Whoever types at this machine, by the name of their account."""
    return _identity("terminal", user)


def slack(team: str, user: str) -> str:
    """A member of a Slack workspace, by both ids; the workspace counts, for user ids are its own."""
    return _identity("slack", f"{team}/{user}")


def api(token: str) -> str:
    """Whoever holds an API token, by the token's name."""
    return _identity("api", token)


def page(name: str) -> str:
    """Whoever came to the page by a link that was signed for them."""
    return _identity("page", name)


def at_the_keyboard(identity: str) -> bool:
    """Whether somebody sits at this machine."""
    return identity.startswith(TERMINAL) and len(identity) > len(TERMINAL)


def _identity(way: str, name: str) -> str:
    return f"{way}:{one_line(name)[:200]}"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be named by rules, whatever way they come in."""

    name: str
    identities: frozenset[str] = frozenset()

    def goes_by(self, identity: str) -> bool:
        """Whether an identity is theirs; a link for the page is signed for their name."""
        return identity in self.identities or identity == page(self.name)

    def called(self, name: str) -> bool:
        """Whether a tracker's name for somebody may well mean them."""
        names = {self.name.lower(), *(each.partition(":")[2].lower() for each in self.identities)}
        return name.strip().lstrip("@").lower() in names
