import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.sandbox.process import Launch, execute
from anton.core.errors import SandboxError
from anton.ports import Command
from anton.system.descriptors import BoundedOutput


@given(st.lists(st.binary(max_size=50)), st.integers(0, 60))
def test_the_beginning_and_the_end_are_kept_and_the_cut_is_counted(
    chunks: list[bytes], max_bytes: int
) -> None:
    output = BoundedOutput(max_bytes)
    for chunk in chunks:
        output.add(chunk)
    everything = b"".join(chunks)
    if len(everything) <= max_bytes:
        assert output.kept() == everything
        return
    head = max_bytes // 2
    tail = max_bytes - head
    cut = f"\n[… {len(everything) - max_bytes} bytes left out …]\n".encode()
    assert output.kept() == everything[:head] + cut + everything[len(everything) - tail :]


def sandbox(script: str) -> Launch:
    """A sandbox that confines nothing and reports whatever the script does."""
    return Launch(
        lambda status: ("bash", "-c", script, "bash", str(status)),
        stop=signal.SIGKILL,
        host_paths=("/a/code",),
    )


def command(tree: Path) -> Command:
    return Command(("suite",), tree, 20)


async def test_a_sandbox_that_reports_no_exit_code_has_failed(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"failed before 'suite' had run: cannot do it"):
        await execute(sandbox("echo cannot do it; exit 1"), command(tmp_path))


async def test_a_sandbox_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"'/no/such' could not be started"):
        await execute(Launch(lambda _: ("/no/such",), signal.SIGKILL), command(tmp_path))


async def test_only_whole_path_names_become_repo(tmp_path: Path) -> None:
    script = 'echo /a/code/x /a/code-test /a/code; echo "{\\"exit-code\\": 0}" >&$1'
    execution = await execute(sandbox(script), command(tmp_path))
    assert execution.output == "/repo/x /a/code-test /repo\n"


async def test_a_report_that_is_no_json_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no reason given"):
        await execute(sandbox("echo nonsense >&$1"), command(tmp_path))
