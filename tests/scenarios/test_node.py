"""A package in JavaScript, repaired end to end: its tests are run by node itself, in a real sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anton.adapters.model.scripted import Reply
from anton.adapters.sandbox.choose import choose
from anton.core.decision import Answer
from anton.core.event import RunOutcome, TurnEnded, Verb
from anton.core.proof import Opinion
from anton.core.run import Phase
from anton.core.ticket import Ticket
from anton.proving.programs import find_program
from anton.runs.runner import advance, answer
from tests.office import RUN, TRIAGED, Office, git, written_up

pytestmark = pytest.mark.skipif(find_program("node") is None, reason="there is no node on this machine")

CART = """'use strict'

// Prices are in cents; `percent` is taken off the sum.
function total(prices, percent = 0) {
  const sum = prices.reduce((a, b) => a + b)
  return Math.round(sum * (1 - percent / 100))
}

module.exports = { total }
"""
OLD_TEST = """'use strict'
const assert = require('node:assert')
const { describe, it } = require('node:test')
const { total } = require('../src/cart.js')

describe('total', () => {
  it('adds prices up', () => assert.strictEqual(total([100, 250]), 350))
  it('takes a discount off', () => assert.strictEqual(total([100, 100], 10), 180))
})
"""
NEW_TEST = """'use strict'
const assert = require('node:assert')
const { describe, it } = require('node:test')
const { total } = require('../src/cart.js')

describe('an empty cart', () => {
  it('costs nothing', () => assert.strictEqual(total([]), 0))
})
"""
FILES = {
    "package.json": json.dumps({"name": "cart", "version": "1.0.0", "scripts": {"test": "node --test"}}),
    "src/cart.js": CART,
    "test/cart.test.js": OLD_TEST,
}
TICKET = Ticket("SHOP-7", "Empty carts crash", "reduce of empty array with no initial value", "Jo", "local")

FIX = Reply(calls=(("edit_file", {"path": "src/cart.js", "old": "=> a + b)", "new": "=> a + b, 0)"}),))
ADD_TEST = Reply(calls=(("write_file", {"path": "test/empty.test.js", "content": NEW_TEST}),))
RUN_ALL = Reply(calls=(("run_tests", {}),))
RUN_FOLDER = Reply(calls=(("run_tests", {"paths": ["test"]}),))
CODE_DONE = {
    "root_cause": "reduce() without a start value throws on an empty array.",
    "solution": "It starts at 0.",
    "files": [{"path": "src/cart.js", "why": "Let an empty cart cost nothing"}],
}
TESTS_DONE = {
    "covered": ["An empty cart costs nothing."],
    "files": [{"path": "test/empty.test.js", "why": "Show that an empty cart costs nothing"}],
    "diagnosis": "reduce() has no start value.",
}
# A submission is made again where triage's note came with it.
SCRIPT = {
    "triage": [TRIAGED],
    "code": [RUN_ALL, FIX, RUN_FOLDER, *[Reply(calls=(("submit", CODE_DONE),))] * 2],
    "test": [ADD_TEST, FIX, *[Reply(calls=(("submit", TESTS_DONE),))] * 2],
    "pr": [written_up("Draft"), written_up("Let an empty cart cost nothing")],
}


async def office_for(folder: Path, files: dict[str, str]) -> Office:
    sandbox = await choose()
    if not sandbox.usable:
        pytest.skip(sandbox.description)
    return Office(folder, files=files, sandbox=sandbox)


async def test_a_node_package_is_repaired_end_to_end(tmp_path: Path) -> None:
    office = await office_for(tmp_path, FILES)
    await office.receive(ticket=TICKET)
    state = await advance(office.world(SCRIPT), RUN)
    assert state.phase is Phase.DECIDING, state.closed
    proof = state.proof
    assert proof is not None
    assert proof.green, proof.faults
    assert proof.reproducing == ("an empty cart::costs nothing",)
    assert proof.opinion is Opinion.AGREES
    assert {cell.command[0] for cell in proof.cells} == {"node"}
    assert state.briefing is not None
    await answer(office.world(SCRIPT), RUN, Answer(Verb.APPROVE, "terminal:Kim", state.briefing.digest))
    closed = await advance(office.world(SCRIPT), RUN)
    assert closed.closed is not None
    assert closed.closed.outcome is RunOutcome.DELIVERED
    assert git(office.remote, "show", f"refs/heads/{state.branch}:src/cart.js") == CART.replace(
        "=> a + b)", "=> a + b, 0)"
    )


async def test_agents_run_a_folder_of_node_tests(tmp_path: Path) -> None:
    office = await office_for(tmp_path, FILES)
    await office.receive(ticket=TICKET)
    await advance(office.world(SCRIPT), RUN)
    entries = await office.journal.read(RUN)
    told = [str(e.event) for e in entries if isinstance(e.event, TurnEnded) and e.event.agent == "code"]
    assert any("Ran the whole suite.\\n2 passed, 0 failed" in text for text in told), told
    assert any("Ran test/cart.test.js.\\n2 passed, 0 failed" in text for text in told), told
