from __future__ import annotations

import pytest

from anton.adapters.model.prices import KNOWN, Price, price_of
from anton.core.message import Usage

FREE = Price(0, 0, 0)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-5.4", KNOWN["gpt-5.4"]),
        ("GPT-5.4", KNOWN["gpt-5.4"]),
        ("gpt-5.4-2026-03-05", KNOWN["gpt-5.4"]),
        ("gpt-5.4-mini", KNOWN["gpt-5.4-mini"]),
        ("openai/gpt-5.4-mini", KNOWN["gpt-5.4-mini"]),
        ("claude-sonnet-4-5-20250929", KNOWN["claude-sonnet-4"]),
        ("claude-opus-5@latest", KNOWN["claude-opus-5"]),
        ("gpt-5.45", None),
        ("gpt-5.4-pro", None),
        ("my-gpt-5.4", None),
        ("", None),
    ],
)
def test_a_dated_model_costs_what_its_family_costs_and_an_unknown_one_nobody_knows(
    model: str, expected: Price | None
) -> None:
    assert price_of(model) == expected


@pytest.mark.parametrize(
    ("own", "model", "expected"),
    [
        ({"gpt-5.4": FREE}, "gpt-5.4-pro", FREE),
        ({"": FREE}, "anything", FREE),
        ({"": FREE, "Any": Price(1, 1, 1)}, "anything", Price(1, 1, 1)),
        ({"other": FREE}, "gpt-5.4", KNOWN["gpt-5.4"]),
    ],
)
def test_prices_from_settings_come_first(own: dict[str, Price], model: str, expected: Price) -> None:
    assert price_of(model, own) == expected


def test_cached_input_is_part_of_the_input() -> None:
    assert Price(10, 1, 100).cost_dollars(Usage(1_000_000, 600_000, 10_000)) == pytest.approx(4 + 0.6 + 1)
    assert Price(10, 1, 100).cost_dollars(Usage(10, 1_000, 0)) == pytest.approx(10 / 1_000_000)
