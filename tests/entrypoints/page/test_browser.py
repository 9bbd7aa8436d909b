"""The page in a real browser: live, decided on, cut off and back, without a word on its console."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect
from tests.entrypoints.server.served import TOKEN, Served, an_anton, an_office, served
from tests.office import CODE_DONE, HONEST, TESTS_DONE, Office, written_up

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REVISED = {
    "code": [*HONEST["code"], CODE_DONE],
    "test": [*HONEST["test"], TESTS_DONE],
    "pr": [*HONEST["pr"], written_up("Better")],
    "triage": HONEST["triage"],
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here; Debian has it as `chromium`"),
]


@dataclass
class Sight:
    """A page in the browser, and all that the browser complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return an_office(tmp_path)


@asynccontextmanager
async def looking(server: Served, width: int = 1_100) -> AsyncIterator[Sight]:
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(
            viewport={"width": width, "height": 900}, base_url=str(server.client.base_url)
        )
        sight = Sight(page)
        page.on(
            "console",
            lambda said: sight.complaints.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: sight.complaints.append(str(error)))
        page.on("request", lambda asked: sight.complaints.append(asked.url) if _foreign(asked.url) else None)
        try:
            yield sight
        finally:
            await browser.close()


def _foreign(url: str) -> bool:
    return not url.startswith("http://127.0.0.1:")


async def log_in(page: Page, path: str) -> None:
    await page.goto(path)
    await page.get_by_label("API token").fill(TOKEN)
    await page.get_by_role("button", name="Log in").click()


async def test_a_run_is_followed_sent_back_and_approved(office: Office) -> None:
    async with served(an_anton(office, REVISED), office) as server, looking(server) as sight:
        page, run = sight.page, await server.begun()
        await log_in(page, f"/runs/{run}")
        approve = page.get_by_role("button", name="Approve & open PR")
        await expect(approve).to_be_visible(timeout=60_000)
        await page.get_by_text("Request changes", exact=True).click()
        await page.get_by_label("What should change?").fill("Say why.")
        await page.get_by_role("button", name="Send to agents").click()
        await expect(page.get_by_role("status")).to_contain_text("Sent back to the agents")
        await server.until(run, phase="deciding", round=2)
        await expect(page.locator("#standing")).to_contain_text("asked for changes: Say why.", timeout=60_000)
        await expect(approve).to_be_visible(timeout=60_000)
        await approve.click()
        await expect(page.locator("#delivery")).to_contain_text("Pull request", timeout=60_000)
        await expect(page.locator("#standing")).to_contain_text("Delivered.", timeout=60_000)
        assert await page.locator("#story").count() == 1
        assert sight.complaints == []


async def test_what_a_person_is_typing_survives_the_next_change(office: Office) -> None:
    async with served(an_anton(office, REVISED), office) as server, looking(server) as sight:
        page, run = sight.page, await server.begun()
        await log_in(page, f"/runs/{run}")
        await page.get_by_text("Request changes", exact=True).click(timeout=60_000)
        await page.get_by_label("What should change?").fill("Half a sent")
        state = await server.desk.state(run)
        await server.client.post(f"/runs/{run}/approve", json={"digest": "0" * 64})
        await expect(page.get_by_label("What should change?")).to_have_value("Half a sent")
        assert state.briefing is not None


async def test_a_browser_that_was_cut_off_sees_what_it_missed_once(office: Office) -> None:
    async with served(an_anton(office), office) as server, looking(server) as sight:
        page, run = sight.page, await server.begun()
        await log_in(page, f"/runs/{run}")
        await expect(page.locator("#timeline svg").first).to_be_visible(timeout=60_000)
        await page.context.set_offline(True)
        await server.until(run, phase="deciding")
        await page.context.set_offline(False)
        await expect(page.get_by_role("button", name="Approve & open PR")).to_have_count(1, timeout=60_000)
        assert await page.locator("#decide .buttons").count() == 1


async def test_the_page_is_readable_on_a_phone_and_by_keyboard(office: Office) -> None:
    async with served(an_anton(office), office) as server, looking(server, width=380) as sight:
        page, run = sight.page, await server.begun()
        await server.until(run, phase="deciding")
        await log_in(page, f"/runs/{run}")
        approve = page.get_by_role("button", name="Approve & open PR")
        await expect(approve).to_be_visible(timeout=60_000)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 380
        async with asyncio.timeout(60):
            while not await approve.evaluate("button => button === document.activeElement"):
                await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Approved.")
