"""Every error that Anton raises on purpose.

    AntonError
    ├── ToolError          speaks to the model: its call was refused or failed, and it may try another
    │   └── SandboxRefused     the sandbox kept it from what it wanted
    ├── UsageError         speaks to the person at the keyboard: what was asked for cannot be done
    │   ├── RunBusy        another process is working on the run
    │   ├── RepositoryUnusable
    │   ├── SuiteUnusable      its tests say nothing on the unchanged code
    │   ├── Unverified         (entrypoints/signatures) a request is not from whom it says it is from
    │   └── Refused            (core/decision) the answer to a briefing does not count
    ├── OutsideError       speaks to the operator: something outside failed (a model, a forge, a disk)
    │   ├── ModelError
    │   │   ├── ContextExceeded
    │   │   └── RecordingDeparted
    │   ├── JournalError
    │   ├── Shortage       (core/shortage) the machine, or a limit of this process, is used up
    │   └── SandboxError
    ├── JournalConflict    somebody else wrote to this run: what we knew of it is out of date
    └── IllegalTransition  an event that the run's phase does not allow

Anything else that is raised is a bug of ours. A message says what happened, to what, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class AntonError(Exception):
    """An error that is part of the design; `str()` of it is fit to show."""


class ToolError(AntonError):
    """A tool call that was refused or failed; the text goes back to the model."""


class SandboxRefused(ToolError):
    """A call that failed because the sandbox kept it from what it wanted; outside it might succeed."""


class UsageError(AntonError):
    """A request that cannot be carried out as it was made; the text goes to the person who made it."""


class RunBusy(UsageError):
    """The run is being worked on by another process."""


class RepositoryUnusable(UsageError):
    """The repository named is missing, empty, or not in a state that a fix can be based on."""


class SuiteUnusable(UsageError):
    """The repository's tests say nothing on the unchanged code, so nothing could be proved."""


class OutsideError(AntonError):
    """Something outside Anton failed; the text goes to the operator."""


class ModelError(OutsideError):
    """The model's endpoint refused, failed for good, or stayed silent."""


class ContextExceeded(ModelError):
    """The conversation is longer than the model's context."""


class RecordingDeparted(ModelError):
    """The conversation is not the recorded one, so there is nothing honest to play."""


class JournalError(OutsideError):
    """The journal could not be read or written."""


class SandboxError(OutsideError):
    """A command could not be started inside the sandbox."""


class JournalConflict(AntonError):
    """Another writer appended to the run first."""


class IllegalTransition(AntonError):
    """An event was offered that the run's phase does not allow; nothing was changed."""


@contextmanager
def unwrapped() -> Iterator[None]:
    """Let the first failure of a task group out by itself.

    `asyncio.TaskGroup` hides it in an ExceptionGroup, which no caller can match; what the other tasks ended
    with follows from the first and stays attached as its context.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        raise _first(group) from None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
