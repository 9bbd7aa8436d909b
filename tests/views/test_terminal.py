"""What the terminal shows, whole, at 80 columns and without colour."""

# ruff: noqa: E501  (snapshots show the screens as they are)

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from inline_snapshot import snapshot
from pydantic import BaseModel
from rich.console import Console, RenderableType

from anton.core.agent import AgentSpec
from anton.core.event import Entry
from anton.core.run import fold
from anton.views.lanes import NO_CLOCKS, Clocks, lanes, tick
from anton.views.runs import run_page, runs_table
from anton.views.screen import decision_screen, offered_keys
from anton.views.timeline import progress_line

Run = tuple[Entry, ...]
Render = Callable[[RenderableType], str]

SPECS = tuple(
    AgentSpec(name, "", (), BaseModel, turns, 60.0)
    for name, turns in (("triage", 5), ("code", 15), ("test", 20), ("pr", 5))
)


def clocks_of(run: Run) -> Clocks:
    clocks = NO_CLOCKS
    for entry in run:
        clocks = tick(clocks, entry)
    return clocks


def live(run: Run) -> RenderableType:
    state = fold(run)
    now = state.updated_at + timedelta(seconds=4)
    return lanes(state, now, specs=SPECS, clocks=clocks_of(run), sandbox="full (bubblewrap)")


def test_lanes_at_work(midway: Run, render: Render) -> None:
    assert render(live(midway)) == snapshot("""\
  BUG-42 Completing a to-do twice un-completes it                           0:31
  small-coder · sandbox full (bubblewrap) · $0.0242
  working · 4.1k tokens · run bug-42-k3f9

  ✓  triage    1/5  done                                    2.0k  $0.0121   0:10
  ●  code     2/15  edit_file src/todo/service.py           2.0k  $0.0121   0:25
  ●  test     1/20  asks the model, 1 unread                                0:23
  ✗  pr             failed (the endpoint stayed silent)                     0:18

                 base                  fix                   second opinion
   ───────────────────────────────────────────────────────────────────────────
   new tests     ·                     ·                     ·

   old suite     4 passed              ·
                 before the fix
""")


def test_lanes_at_rest_name_the_recording(green: Run, render: Render) -> None:
    assert render(live(green)) == snapshot("""\
  BUG-42 Completing a to-do twice un-completes it                           0:55
  recording of small-coder · sandbox full (bubblewrap) · free (recording)
  waits for a decision · 10.2k tokens · run bug-42-k3f9

  ✓  triage    1/5  done                                    2.0k     free   0:10
  ✓  code     2/15  done                                    4.1k     free   0:22
  ✓  test     1/20  done                                    2.0k     free   0:27
  ✓  pr        1/5  done                                    2.0k     free   0:31

                 base                  fix                   second opinion
   ───────────────────────────────────────────────────────────────────────────
   new tests   ✓ 1 failed            ✓ 1 passed              1 passed
                 shows the bug         cured                 agrees
   old suite     4 passed            ✓ 4 passed
                 before the fix        nothing broken
""")


def test_lanes_before_anything_has_started(midway: Run, render: Render) -> None:
    assert render(live(midway[:1])) == snapshot("""\
  BUG-42 Completing a to-do twice un-completes it                           0:04
  no model yet · sandbox full (bubblewrap) · $0.0000
  received · 0 tokens · run bug-42-k3f9

  ○  triage         waits to start                                          0:00
  ○  code           waits to start                                          0:00
  ○  test           waits to start                                          0:00
  ○  pr             waits to start                                          0:00

                 base                  fix                   second opinion
   ───────────────────────────────────────────────────────────────────────────
   new tests     ·                     ·                     ·

   old suite     ·                     ·

""")


def test_lanes_keep_their_height_from_the_first_event_to_the_last(green: Run, render: Render) -> None:
    heights = {len(render(live(green[:number])).splitlines()) for number in range(1, len(green) + 1)}
    assert len(heights) == 1


def test_a_woken_agent_s_clock_starts_anew(green: Run) -> None:
    clock = clocks_of(green)["code"]
    assert clock.ended_at is not None
    assert clock.seconds(green[-1].at) == (clock.ended_at - clock.began_at).total_seconds()


def test_the_decision_on_green(green: Run, render: Render) -> None:
    state = fold(green)
    assert state.briefing is not None
    assert render(decision_screen(state, keys=offered_keys(state.briefing))) == snapshot("""\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ BUG-42  Completing a to-do twice un-completes it                             ┃
┃                                                                              ┃
┃  GREEN   1 new test fails on base and passes with the fix; 4 old tests still ┃
┃ pass.                                                                        ┃
┗━ P2 High · todo service · 0:51 · free (recording) ━━━━━━━━━━━━━━━━━━━━━━━━━━━┛

  The bug, as triage reads the ticket: “Completing a to-do a second time marks
  it as not completed.” Cause, as the code agent puts it: “complete() in
  src/todo/service.py toggles the flag instead of setting it.” Fix: “Set
  completed to True; nothing else changes.” (1 source file +1 −1, 1 test file
  +6 −0). The second opinion agrees: a fix derived without seeing this one
  passes the same tests. Confidence from this evidence: 68 %.

Proof ──────────────────────────────────────────────────────────────────────────

                 base                  fix                   second opinion
   ───────────────────────────────────────────────────────────────────────────
   new tests   ✓ 1 failed            ✓ 1 passed              1 passed
                 shows the bug         cured                 agrees
   old suite     4 passed            ✓ 4 passed
                 before the fix        nothing broken

  sandbox  full (bubblewrap)
  base     4f1c0de04f1c
  head     9a7b3c219a7b
  push to  /srv/todo.git

Change ─────────────────────────────────────────────────────────────────────────
  src/todo/service.py
  @@ -30,6 +30,6 @@ class TodoService:
       def complete(self, todo_id: int) -> Todo:
           todo = self._find(todo_id)
  -        todo.completed = not todo.completed
  +        todo.completed = True
           self._store.save(todo)
           return todo

  tests/test_complete.py
  new file mode 100644
  @@ -0,0 +1,6 @@
  +def test_completing_twice_stays_completed(service):
  +    todo = service.add("milk")
  +    service.complete(todo.id)
  +    assert service.complete(todo.id).completed is True
  +
  +

Look twice ─────────────────────────────────────────────────────────────────────
  Nothing was flagged.

Decide ─────────────────────────────────────────────────────────────────────────
  BUG-42  Completing a to-do twice un-completes it
   GREEN   1 new test fails on base and passes with the fix; 4 old tests still
  pass.

  a  approve, and open the pull request
  r  request changes: what you say goes to the agents
  d  decline, and close the run
  l  decide later

  From any terminal:
    anton approve bug-42-k3f9 --digest d1d1d1d1d1d1
    anton request-changes bug-42-k3f9 "…"
    anton decline bug-42-k3f9
""")


def test_the_decision_on_red_does_not_offer_to_approve(red: Run, render: Render) -> None:
    state = fold(red)
    assert state.briefing is not None
    assert offered_keys(state.briefing) == ("r", "d", "l")
    assert render(decision_screen(state, keys=offered_keys(state.briefing))) == snapshot("""\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ BUG-42  Completing a to-do twice un-completes it                             ┃
┃                                                                              ┃
┃  RED   not cured, 1 new test still fails with the fix:                       ┃
┃ tests.test_complete::test_completing_twice_stays_completed; regressed, 1 old ┃
┃ test fails that passed before: tests.test_service::test_rename.              ┃
┗━ P2 High · todo service · 0:51 · free (recording) ━━━━━━━━━━━━━━━━━━━━━━━━━━━┛

  The bug, as triage reads the ticket: “Completing a to-do a second time marks
  it as not completed.” Cause, as the code agent puts it: “complete() in
  src/todo/service.py toggles the flag instead of setting it.” Fix: “Set
  completed to True; nothing else changes.” (1 source file +1 −1, 1 test file
  +6 −0). The proof is not green, so nothing is promised. The second opinion,
  a fix derived without seeing this one, does pass the new tests.

Proof ──────────────────────────────────────────────────────────────────────────

                 base                  fix                    second opinion
   ───────────────────────────────────────────────────────────────────────────
   new tests   ✓ 1 failed            ✗ 1 failed               1 passed
                 shows the bug         not cured              agrees
   old suite     4 passed            ✗ 1 failed, 3 passed
                 before the fix        regressed

  ✗ not cured
  1 test fails with the fix:
  tests.test_complete::test_completing_twice_stays_completed
  assert False

  ✗ regressed
  1 test passed on base and fails now.

  sandbox  full (bubblewrap)
  base     4f1c0de04f1c
  head     9a7b3c219a7b
  push to  /srv/todo.git

Change ─────────────────────────────────────────────────────────────────────────
  src/todo/service.py
  @@ -30,6 +30,6 @@ class TodoService:
       def complete(self, todo_id: int) -> Todo:
           todo = self._find(todo_id)
  -        todo.completed = not todo.completed
  +        todo.completed = True
           self._store.save(todo)
           return todo

  tests/test_complete.py
  new file mode 100644
  @@ -0,0 +1,6 @@
  +def test_completing_twice_stays_completed(service):
  +    todo = service.add("milk")
  +    service.complete(todo.id)
  +    assert service.complete(todo.id).completed is True
  +
  +

Look twice ─────────────────────────────────────────────────────────────────────
  Nothing was flagged.

Decide ─────────────────────────────────────────────────────────────────────────
  BUG-42  Completing a to-do twice un-completes it
   RED   not cured, 1 new test still fails with the fix:
  tests.test_complete::test_completing_twice_stays_completed; regressed, 1 old
  test fails that passed before: tests.test_service::test_rename.

  r  request changes: what you say goes to the agents
  d  decline, and close the run
  l  decide later

  From any terminal:
    anton approve bug-42-k3f9 --digest d1d1d1d1d1d1 --override-red
    anton request-changes bug-42-k3f9 "…"
    anton decline bug-42-k3f9
""")


def test_the_decision_on_an_untested_patch(untested: Run, render: Render) -> None:
    assert render(decision_screen(fold(untested))) == snapshot("""\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ BUG-42  Completing a to-do twice un-completes it                             ┃
┃                                                                              ┃
┃  NOT TESTED   none (no bubblewrap, no Landlock). The change was proposed by  ┃
┃ reading alone.                                                               ┃
┗━ not triaged · unknown · 0:22 · cost unknown: no price for model small-coder━┛

  The ticket says: “Completing a to-do twice un-completes it”. Cause, as the
  test agent puts it: “The flag is negated on every call.” The patch holds 1
  source file +1 −1, 1 test file +6 −0. The triage agent brought no result: it
  failed (the endpoint answered 401). The code agent brought no result: it ran
  out of time (180 s). The pr agent brought no result: it reached its limit of
  turns. The proof is not green, so nothing is promised. There is no second
  opinion.

Proof ──────────────────────────────────────────────────────────────────────────
  Nothing was executed.

  ✗ not tested
  NOT TESTED: none (no bubblewrap, no Landlock). The change was proposed by
  reading alone; nothing of it was executed.

  sandbox  none (no bubblewrap, no Landlock)
  base     4f1c0de04f1c
  head     9a7b3c219a7b
  push to  /srv/todo.git

Change ─────────────────────────────────────────────────────────────────────────
  src/todo/service.py
  @@ -30,6 +30,6 @@ class TodoService:
       def complete(self, todo_id: int) -> Todo:
           todo = self._find(todo_id)
  -        todo.completed = not todo.completed
  +        todo.completed = True
           self._store.save(todo)
           return todo

  tests/test_complete.py
  new file mode 100644
  @@ -0,0 +1,6 @@
  +def test_completing_twice_stays_completed(service):
  +    todo = service.add("milk")
  +    service.complete(todo.id)
  +    assert service.complete(todo.id).completed is True
  +
  +

Look twice ─────────────────────────────────────────────────────────────────────
  ! The sandbox is less than full: none (no bubblewrap, no Landlock).
  ! There is no second opinion: no other fix could be tried.

Decide ─────────────────────────────────────────────────────────────────────────
  BUG-42  Completing a to-do twice un-completes it
   NOT TESTED   none (no bubblewrap, no Landlock). The change was proposed by
  reading alone.

  From any terminal, now or later:
    anton approve bug-42-k3f9 --digest d1d1d1d1d1d1 --override-red
    anton request-changes bug-42-k3f9 "…"
    anton decline bug-42-k3f9
""")


def test_there_is_nothing_to_decide_before_the_briefing(midway: Run, render: Render) -> None:
    assert render(decision_screen(fold(midway))) == snapshot("Run bug-42-k3f9 has no briefing yet.")


def test_all_runs(delivered: Run, red: Run, midway: Run, render: Render) -> None:
    assert render(runs_table(map(fold, (delivered, red, midway)))) == snapshot("""\

 run           ticket                status                 proof   since (UTC)
 ──────────────────────────────────────────────────────────────────────────────
 bug-42-k3f9   BUG-42 Completing …   delivered              green   11-25 02:13
 bug-42-k3f9   BUG-42 Completing …   waits for a decision   red     11-25 02:13
 bug-42-k3f9   BUG-42 Completing …   working                –       11-25 02:13
""")


def test_no_runs(render: Render) -> None:
    assert render(runs_table(())) == snapshot("No runs yet. Start one: anton demo")


def test_one_run_s_whole_story(delivered: Run, render: Render) -> None:
    assert render(run_page(fold(delivered), delivered)) == snapshot("""\
bug-42-k3f9  delivered
BUG-42 Completing a to-do twice un-completes it
started 2026-11-25 02:13:07 UTC, took 0:57, free (recording)

┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ BUG-42  Completing a to-do twice un-completes it                             ┃
┃                                                                              ┃
┃  GREEN   1 new test fails on base and passes with the fix; 4 old tests still ┃
┃ pass.                                                                        ┃
┗━ P2 High · todo service · 0:57 · free (recording) ━━━━━━━━━━━━━━━━━━━━━━━━━━━┛

  The bug, as triage reads the ticket: “Completing a to-do a second time marks
  it as not completed.” Cause, as the code agent puts it: “complete() in
  src/todo/service.py toggles the flag instead of setting it.” Fix: “Set
  completed to True; nothing else changes.” (1 source file +1 −1, 1 test file
  +6 −0). The second opinion agrees: a fix derived without seeing this one
  passes the same tests. Confidence from this evidence: 68 %.

Proof ──────────────────────────────────────────────────────────────────────────

                 base                  fix                   second opinion
   ───────────────────────────────────────────────────────────────────────────
   new tests   ✓ 1 failed            ✓ 1 passed              1 passed
                 shows the bug         cured                 agrees
   old suite     4 passed            ✓ 4 passed
                 before the fix        nothing broken

  sandbox  full (bubblewrap)
  base     4f1c0de04f1c
  head     9a7b3c219a7b
  push to  /srv/todo.git

Change ─────────────────────────────────────────────────────────────────────────
  src/todo/service.py
  @@ -30,6 +30,6 @@ class TodoService:
       def complete(self, todo_id: int) -> Todo:
           todo = self._find(todo_id)
  -        todo.completed = not todo.completed
  +        todo.completed = True
           self._store.save(todo)
           return todo

  tests/test_complete.py
  new file mode 100644
  @@ -0,0 +1,6 @@
  +def test_completing_twice_stays_completed(service):
  +    todo = service.add("milk")
  +    service.complete(todo.id)
  +    assert service.complete(todo.id).completed is True
  +
  +

Look twice ─────────────────────────────────────────────────────────────────────
  Nothing was flagged.

Decide ─────────────────────────────────────────────────────────────────────────
  dana approved

Agents ─────────────────────────────────────────────────────────────────────────
  ✓  triage  1 turn   2.0k tokens  900 cached   free    done
  ✓  code    2 turns  4.1k tokens  1.8k cached  free    done
  ✓  test    1 turn   2.0k tokens  900 cached   free    done
  ✓  pr      1 turn   2.0k tokens  900 cached   free    done

Delivered ──────────────────────────────────────────────────────────────────────
  push branch        fix/bug-42-k3f9
  open pull request  /srv/forge/1.md

Timeline ───────────────────────────────────────────────────────────────────────
  02:13:07  anton   received BUG-42: Completing a to-do twice un-completes it
  02:13:08  anton   based on 4f1c0de04f1c of main: Add due dates
  02:13:10  triage  started with recording of small-coder
  02:13:11  code    started with recording of small-coder
  02:13:13  test    started with recording of small-coder
  02:13:14  pr      started with recording of small-coder
  02:13:20  triage  handed in its result
  02:13:22  code    gets a note from triage
  02:13:28  code    turn 2: grep 'completed' in src
  02:13:34  code    handed in its result
  02:13:40  test    handed in its result
  02:13:46  pr      handed in its result
  02:13:47  proof   round 1: the agents' work is being executed
  02:13:49  proof   old suite on base: 4 passed in 1.9 s
  02:13:50  proof   new tests on base: 1 failed in 0.8 s
  02:13:52  proof   new tests on fix: 1 passed in 0.8 s
  02:13:53  proof   whole suite on fix: 5 passed in 1.9 s
  02:13:55  proof   new tests on second opinion: 1 passed in 0.8 s
  02:13:56  proof   green
  02:13:58  anton   waits for a decision: GREEN: 1 new test fails on base and
                    passes with the fix; 4 old tests still pass.
  02:13:59  dana    approved
  02:14:01  anton   push branch: fix/bug-42-k3f9
  02:14:02  anton   open pull request: /srv/forge/1.md
  02:14:04  anton   closed: delivered
""")


def test_progress_without_a_terminal(delivered: Run) -> None:
    lines = [progress_line(entry, fold(delivered[: entry.number])) for entry in delivered]
    assert [line for line in lines if line is not None] == snapshot(
        [
            "   0:00  anton   received BUG-42: Completing a to-do twice un-completes it",
            "   0:01  anton   based on 4f1c0de04f1c of main: Add due dates",
            "   0:03  triage  started with recording of small-coder",
            "   0:04  code    started with recording of small-coder",
            "   0:06  test    started with recording of small-coder",
            "   0:07  pr      started with recording of small-coder",
            "   0:13  triage  handed in its result",
            "   0:15  code    gets a note from triage",
            "   0:21  code    turn 2: grep 'completed' in src",
            "   0:27  code    handed in its result",
            "   0:33  test    handed in its result",
            "   0:39  pr      handed in its result",
            "   0:40  proof   round 1: the agents' work is being executed",
            "   0:42  proof   old suite on base: 4 passed in 1.9 s",
            "   0:43  proof   new tests on base: 1 failed in 0.8 s",
            "   0:45  proof   new tests on fix: 1 passed in 0.8 s",
            "   0:46  proof   whole suite on fix: 5 passed in 1.9 s",
            "   0:48  proof   new tests on second opinion: 1 passed in 0.8 s",
            "   0:49  proof   green",
            "   0:51  anton   waits for a decision: GREEN: 1 new test fails on base and passes with the fix; 4 old tests still pass.",
            "   0:52  dana    approved",
            "   0:54  anton   push branch: fix/bug-42-k3f9",
            "   0:55  anton   open pull request: /srv/forge/1.md",
            "   0:57  anton   closed: delivered",
        ]
    )


@pytest.mark.parametrize("width", [40, 80, 120])
def test_nothing_hostile_reaches_the_terminal(hostile: Run, width: int) -> None:
    state = fold(hostile)
    console = Console(width=width, no_color=True, force_terminal=False)
    with console.capture() as capture:
        for view in (live(hostile), decision_screen(state), runs_table([state]), run_page(state, hostile)):
            console.print(view)
        for entry in hostile:
            console.print(progress_line(entry, state) or "", markup=False)
    shown = capture.get()
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold" in shown
