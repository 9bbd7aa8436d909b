"""Logs of workflows as their runners wrote them, stamped as GitHub stamps them."""

PYTEST = """\
FF                                                                       [100%]
==================================== ERRORS ====================================
________________________ ERROR at setup of test_fixture ________________________

    def broken():
>       raise RuntimeError("no db")
E       RuntimeError: no db

test_a.py:10: RuntimeError
=================================== FAILURES ===================================
_____________________________ TestCart.test_total ______________________________

    def test_total(self):
>       assert 1 + 1 == 3
E       \x1b[31massert (1 + 1) == 3\x1b[0m

test_a.py:4: AssertionError
=========================== short test summary info ============================
FAILED test_a.py::TestCart::test_total - assert (1 + 1) == 3
ERROR test_a.py::test_fixture - RuntimeError: no db
2 failed in 0.10s
##[error]Process completed with exit code 1.
"""

UNITTEST = """\
EF
======================================================================
ERROR: test_boom (test_u.Cart.test_boom)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "test_u.py", line 6, in test_boom
    raise ValueError("boom")
ValueError: boom

======================================================================
FAIL: test_total (test_u.Cart.test_total)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "test_u.py", line 4, in test_total
    self.assertEqual(1, 2)
AssertionError: 1 != 2

----------------------------------------------------------------------
Ran 2 tests in 0.000s

FAILED (failures=1, errors=1)
"""

NODE_SPEC = """\
✖ adds (2.099508ms)
✔ fine (0.12604ms)
ℹ fail 2

✖ failing tests:

test at a.test.js:2:1
✖ adds (2.099508ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

  1 !== 2

test at a.test.js:3:32
✖ inner (0.205519ms)
  Error: boom
      at TestContext.<anonymous> (a.test.js:3:56)
"""

NODE_TAP = """\
TAP version 13
# Subtest: group
    # Subtest: inner
    not ok 1 - inner
      ---
      failureType: 'testCodeFailure'
      error: 'boom'
      ...
    1..1
not ok 2 - group
  ---
  failureType: 'subtestsFailed'
  error: '1 subtest failed'
  ...
ok 3 - fine
"""

GO = """\
=== RUN   TestTotal
=== RUN   TestTotal/empty
    cart_test.go:12: got 1, want 0
--- FAIL: TestTotal (0.00s)
    --- FAIL: TestTotal/empty (0.00s)
        cart_test.go:12: got 1, want 0
--- PASS: TestFine (0.00s)
FAIL
FAIL\texample.com/cart\t0.002s
"""


def stamped(log: str) -> str:
    """As GitHub delivers it."""
    return "\ufeff" + "".join(f"2026-11-25T20:15:30.1234567Z {line}\r\n" for line in log.splitlines())
