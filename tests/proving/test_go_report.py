"""Reports as go 1.19 wrote them, without their times, and as the documentation of go 1.24 has them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.proof import Case, Outcome
from anton.proving.go_report import read_go_report
from anton.proving.junit import MAX_REPORT_BYTES, ReportUnreadable

CART, EXITS, NONE = "example.com/shop/cart", "example.com/shop/exits", "example.com/shop/none"


def event(action: str, package: str, test: str = "", output: str = "") -> str:
    said = {"Action": action, "Package": package, "Test": test, "Output": output}
    return json.dumps({key: value for key, value in said.items() if value})


RECORDED = "\n".join(
    [
        "FAIL\texample.com/shop/broken [build failed]",
        event("run", CART, "TestNothing"),
        event("output", CART, "TestNothing", "=== RUN   TestNothing\n"),
        event("output", CART, "TestNothing", "--- PASS: TestNothing (0.00s)\n"),
        event("pass", CART, "TestNothing"),
        event("run", CART, "TestAll"),
        event("run", CART, "TestAll/four"),
        event("output", CART, "TestAll/four", "    cart_test.go:18: got 3, want 4\n"),
        event("output", CART, "TestAll", "--- FAIL: TestAll (0.00s)\n"),
        event("fail", CART, "TestAll/four"),
        event("fail", CART, "TestAll"),
        event("run", CART, "TestLater"),
        event("output", CART, "TestLater", "    cart_test.go:24: not yet\n"),
        event("skip", CART, "TestLater"),
        event("output", CART, "", "FAIL\n"),
        event("fail", CART),
        event("run", EXITS, "TestFirst"),
        event("pass", EXITS, "TestFirst"),
        event("run", EXITS, "TestExit"),
        event("output", EXITS, "", f"FAIL\t{EXITS}\t0.002s\n"),
        event("fail", EXITS),
        event("output", NONE, "", f"?   \t{NONE}\t[no test files]\n"),
        event("skip", NONE),
        "",
    ]
).encode()


def test_every_test_is_read_with_what_it_said() -> None:
    assert read_go_report(RECORDED) == (
        Case("example.com/shop/broken", Outcome.ERROR, "it could not be built"),
        Case(f"{CART}::TestNothing", Outcome.PASSED, ""),
        Case(f"{CART}::TestAll", Outcome.FAILED, "--- FAIL: TestAll (0.00s)"),
        Case(f"{CART}::TestAll/four", Outcome.FAILED, "cart_test.go:18: got 3, want 4"),
        Case(f"{CART}::TestLater", Outcome.SKIPPED, "cart_test.go:24: not yet"),
        Case(f"{EXITS}::TestFirst", Outcome.PASSED, ""),
        Case(f"{EXITS}::TestExit", Outcome.ERROR, ""),
    )


def test_a_package_that_does_not_compile_is_an_error_with_the_compilers_words() -> None:
    lines = [
        '{"ImportPath":"a/b [a/b.test]","Action":"build-output","Output":"b.go:3:23: cannot use\\n"}',
        '{"ImportPath":"a/b [a/b.test]","Action":"build-fail"}',
        '{"Action":"start","Package":"a/b"}',
        '{"Action":"output","Package":"a/b","Output":"FAIL\\ta/b [build failed]\\n"}',
        '{"Action":"fail","Package":"a/b","Elapsed":0,"FailedBuild":"a/b [a/b.test]"}',
    ]
    [case] = read_go_report("\n".join(lines).encode())
    assert (case.id, case.outcome) == ("a/b", Outcome.ERROR)
    assert case.message.startswith("b.go:3:23: cannot use")


@pytest.mark.parametrize("cut", [-1, -40, RECORDED.index(b"not yet")])
def test_a_report_that_is_cut_off_passes_nothing_that_had_not_ended(cut: int) -> None:
    whole = {case.id: case.outcome for case in read_go_report(RECORDED)}
    for case in read_go_report(RECORDED[:cut]):
        assert case.outcome in (whole.get(case.id), Outcome.ERROR)


def test_an_empty_report_has_no_tests() -> None:
    assert read_go_report(b"") == ()


def test_another_file_is_no_report() -> None:
    with pytest.raises(ReportUnreadable, match="no event"):
        read_go_report(b"<testsuite/>\n")


def test_a_report_without_end_is_refused() -> None:
    with pytest.raises(ReportUnreadable, match="larger"):
        read_go_report(b" " * (MAX_REPORT_BYTES + 1))


@given(st.binary(max_size=300) | st.lists(st.sampled_from(RECORDED.splitlines())).map(b"\n".join))
def test_whatever_is_in_the_file_is_read_or_refused(content: bytes) -> None:
    try:
        read_go_report(content)
    except ReportUnreadable:
        return


@given(
    st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner), max_leaves=5)
)
def test_an_event_of_another_shape_is_none(value: object) -> None:
    line = json.dumps({"Action": value, "Package": "p", "Test": value, "Output": value})
    assert len(read_go_report(line.encode())) <= 2
