"""What models cost, as data. Prices change: settings override every line of this table.

Source: the providers' own rates as listed in GitHub's documentation, table
https://github.com/github/docs/blob/main/data/tables/copilot/models-and-pricing.yml, read 2026-11-25.
Where a provider has a higher rate for long prompts, the table holds the rate for prompts up to that limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from anton.core.message import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    cached: float
    """Of the part of the input that the provider read from its prompt cache."""
    output: float

    def cost_dollars(self, usage: Usage) -> float:
        """What a reply with this usage costs."""
        cached = min(usage.cached_tokens, usage.input_tokens)
        fresh = usage.input_tokens - cached
        return (fresh * self.input + cached * self.cached + usage.output_tokens * self.output) / 1_000_000


_VERSION = re.compile(r"([-@:](\d[\d-]*|latest|preview|exp))*$")

KNOWN: Mapping[str, Price] = {
    # https://developers.openai.com/api/docs/pricing; up to 272,000 input tokens
    "gpt-5-mini": Price(0.25, 0.025, 2.00),
    "gpt-5.3-codex": Price(1.75, 0.175, 14.00),
    "gpt-5.4": Price(2.50, 0.25, 15.00),
    "gpt-5.4-mini": Price(0.75, 0.075, 4.50),
    "gpt-5.4-nano": Price(0.20, 0.02, 1.25),
    "gpt-5.5": Price(5.00, 0.50, 30.00),
    # https://claude.com/pricing; writing to the cache costs more and is not told apart in `Usage`
    "claude-haiku-4-5": Price(1.00, 0.10, 5.00),
    "claude-sonnet-4": Price(3.00, 0.30, 15.00),
    "claude-sonnet-5": Price(2.00, 0.20, 10.00),
    "claude-opus-4-5": Price(5.00, 0.50, 25.00),
    "claude-opus-4-6": Price(5.00, 0.50, 25.00),
    "claude-opus-4-7": Price(5.00, 0.50, 25.00),
    "claude-opus-4-8": Price(5.00, 0.50, 25.00),
    "claude-opus-5": Price(5.00, 0.50, 25.00),
    # https://ai.google.dev/gemini-api/docs/pricing; up to 200,000 input tokens
    "gemini-3.1-pro": Price(2.00, 0.20, 12.00),
    "gemini-3.5-flash": Price(1.50, 0.15, 9.00),
    # https://docs.x.ai/docs/models; up to 200,000 input tokens
    "grok-4.5": Price(2.00, 0.50, 6.00),
    "grok-4.6": Price(2.00, 0.50, 6.00),
    # https://platform.moonshot.ai/docs/pricing
    "kimi-k3": Price(3.00, 0.30, 15.00),
}


def price_of(model: str, own: Mapping[str, Price] | None = None) -> Price | None:
    """The price of a model; None where it is not known.

    The longest name that the model's name begins with decides. From the table it counts only for the model
    itself and its dated versions, as `-pro` or `-codex` may cost ten times as much. `vendor/model` is looked
    up whole and then without the vendor.

    Args:
        model: as the endpoint names it.
        own: prices from settings, which come before the table; the empty name stands for all models.
    """
    whole = model.lower()
    names = (whole, whole.rpartition("/")[2])
    lowered = {name.lower(): price for name, price in (own or {}).items()}
    for name in names:
        if fitting := [prefix for prefix in lowered if name.startswith(prefix)]:
            return lowered[max(fitting, key=len)]
    for name in names:
        if fitting := [
            known for known in KNOWN if name.startswith(known) and _VERSION.match(name[len(known) :])
        ]:
            return KNOWN[max(fitting, key=len)]
    return None
