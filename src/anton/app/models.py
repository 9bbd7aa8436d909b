"""The model, and those that stand in for it. The client of a real one is imported where one is named."""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files
from pathlib import Path

from anton.adapters.model.fallback import FallbackModel
from anton.adapters.model.masked import MaskedModel
from anton.adapters.model.prices import Price
from anton.adapters.model.recording import RecordedModel, RecordingModel
from anton.adapters.model.refusal import Patience
from anton.core.errors import UsageError
from anton.core.secrets import Masker
from anton.ports import Model
from anton.settings import FallbackSettings, ModelSettings, Settings

REPEATS_BEFORE_FALLBACK = 2
"""How often a model is asked again before another is asked in its place."""


def model_of(settings: Settings, record: Path | None, masker: Masker) -> Model:
    """The model that the settings name; without a key, the recording of the demo.

    Args:
        settings: All of them.
        record: Where to keep the exchange with it, if anywhere.
        masker: Takes secrets out of what it is told.

    Raises:
        UsageError: there is a key, and no model is named.
    """
    chosen = settings.model
    if chosen.api_key is None:
        return RecordedModel(files("anton.demo").joinpath("recording.jsonl"))
    if chosen.name is None:
        raise UsageError("API_KEY is set but no model is named; set MODEL, such as MODEL=gpt-5-mini")
    answering = _with_fallback(chosen, chosen.name, chosen.api_key.get_secret_value())
    model = MaskedModel(answering, masker)
    return RecordingModel(model, record) if record else model


def _with_fallback(chosen: ModelSettings, name: str, key: str) -> Model:
    """The model, with those that stand in for it; where there is another, patience with each is short."""
    prices = {model: Price(p.input, p.cached, p.output) for model, p in chosen.prices.items()}
    patience = Patience(repeats=REPEATS_BEFORE_FALLBACK) if chosen.fallback else Patience()
    others = [
        (other.base_url, _key_of(other), other.name) if other.base_url else (chosen.base_url, key, other.name)
        for other in chosen.fallback
    ]
    client = import_module("anton.adapters.model.chat_completions").ChatCompletionsModel
    first, *rest = (
        client(*each, idle_seconds=chosen.idle_seconds, patience=patience, prices=prices)
        for each in ((chosen.base_url, key, name), *others)
    )
    model: Model = FallbackModel(first, rest) if rest else first
    return model


def _key_of(other: FallbackSettings) -> str:
    if other.api_key is not None:
        return other.api_key.get_secret_value()
    if other.api_key_env:
        raise UsageError(
            f"model.fallback names the variable {other.api_key_env!r} for the key of {other.name!r}, and it "
            "is not set: set it, or take that model out of the list"
        )
    return ""
