"""The API does what its own description says, whatever is asked of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.entrypoints.server.served import TOKEN, Served, an_anton, an_office, served


@pytest.mark.slow
async def test_no_request_that_the_description_allows_is_answered_otherwise(tmp_path: Path) -> None:
    office = an_office(tmp_path)
    async with served(an_anton(office), office) as server:
        await asyncio.to_thread(_try_all, server)


def _try_all(server: Served) -> None:
    address = str(server.client.base_url).rstrip("/")
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path.endswith("/events") or operation.path == "/runs":
            continue  # a stream does not end, and a ticket would be worked on: both have tests of their own

        @settings(max_examples=15, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def check(case: Case[Any]) -> None:
            answer = case.call(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"})
            case.validate_response(
                answer, checks=[not_a_server_error, response_schema_conformance, content_type_conformance]
            )

        check()
