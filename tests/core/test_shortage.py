"""What tells a machine that is used up from a mistake of ours."""

from __future__ import annotations

import errno
import os

import pytest

from anton.core.shortage import Shortage, shortage_of, shortages_told


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "more memory"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "ulimit -n"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "more memory"),
        (OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)), "ulimit -u"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "more disk"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "quota"),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), "ulimit -f"),
        (RuntimeError("can't start new thread"), "one more thread"),
        (ExceptionGroup("", [ExceptionGroup("", [MemoryError()])]), "more memory"),
    ],
)
def test_what_the_machine_lacks_is_named(error: Exception, words: str) -> None:
    with pytest.raises(Shortage, match=f"{words}.*and try again"), shortages_told():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOENT, "No such file"),
        OSError("odd"),
        RuntimeError("dictionary changed"),
        KeyError("x"),
    ],
)
def test_anything_else_stays_what_it_is(error: Exception) -> None:
    assert shortage_of(error) is None
    with pytest.raises(type(error)) as raised, shortages_told():
        raise error
    assert raised.value is error
