# ruff: noqa: E501 - the reports stand as runners write them
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anton.core.proof import Case, Outcome
from anton.proving.junit import (
    MAX_ID,
    MAX_MESSAGE,
    MAX_REPORT_BYTES,
    ReportUnreadable,
    plain,
    read_report,
)

P, F, E, S = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED


def outcomes(xml: str) -> list[tuple[str, Outcome]]:
    return [(case.id, case.outcome) for case in read_report(xml.encode())]


PYTEST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest"
errors="4" failures="3" skipped="2" tests="9" time="0.061">
<testcase classname="" name="tests.test_b" time="0.000"><error message="collection failure">ImportError while
importing test module</error></testcase>
<testcase classname="tests.test_a" name="test_ok" time="0.000" />
<testcase classname="tests.test_a.TestC" name="test_p[a::b]" time="0.000" />
<testcase classname="tests.test_a" name="test_fail"><failure message="AssertionError: #x1B[31mred&#10;assert 1
== 2">tests/test_a.py:9: in test_fail</failure></testcase>
<testcase classname="tests.test_a" name="test_setup"><error message="failed on setup with &quot;ValueError:
fx&quot;">E   ValueError: fx</error></testcase>
<testcase classname="tests.test_a" name="test_td_fail"><failure message="assert 0">boom</failure></testcase>
<testcase classname="tests.test_a" name="test_td_fail"><error message="failed on teardown">td</error></testcase>
<testcase classname="tests.test_a" name="test_xf"><skipped type="pytest.xfail" message="" /></testcase>
<testcase classname="tests.test_a" name="test_xp"><failure message="[XPASS(strict)] "></failure></testcase>
<testcase classname="tests.test_a" name="test_s"><skipped type="pytest.skip" message="why">no</skipped></testcase>
</testsuite></testsuites>"""


def test_pytest_tells_failures_from_what_never_ran() -> None:
    assert outcomes(PYTEST) == [
        ("tests.test_b", E),
        ("tests.test_a::test_ok", P),
        ("tests.test_a.TestC::test_p[a::b]", P),
        ("tests.test_a::test_fail", F),
        ("tests.test_a::test_setup", E),
        ("tests.test_a::test_td_fail", F),
        ("tests.test_a::test_td_fail", E),
        ("tests.test_a::test_xf", S),
        ("tests.test_a::test_xp", F),
        ("tests.test_a::test_s", S),
    ]


def test_a_message_is_the_attribute_and_the_text_without_colours() -> None:
    [case] = [case for case in read_report(PYTEST.encode()) if case.id.endswith("test_fail")]
    assert case.message == "AssertionError: red\nassert 1 == 2\ntests/test_a.py:9: in test_fail"


UNITTEST = """<testsuites>
<testsuite name="tests.test_cart.CartTest" tests="4" failures="1" errors="3">
<testcase classname="tests.test_cart.CartTest" name="test_sum"><failure type="AssertionError" message="1 != 2">
Traceback (most recent call last):
  File "/repo/tests/test_cart.py", line 9, in test_sum</failure></testcase>
<testcase classname="tests.test_cart.CartTest" name="test_key"><error type="KeyError" message="'eur'">
Traceback (most recent call last):
  File "/repo/tests/test_cart.py", line 12, in test_key</error></testcase>
<testcase classname="tests.test_cart.CartTest" name="test_prepared"><error type="OSError" message="no">
Traceback (most recent call last):
  File "/repo/tests/test_cart.py", line 4, in setUp</error></testcase>
<testcase classname="unittest.loader._FailedTest" name="tests.test_odd"><error type="ImportError" message="no">
Failed to import test module</error></testcase>
</testsuite></testsuites>"""

SUREFIRE = """<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="shop.CartTest" tests="3"
errors="1" skipped="1" failures="1"><properties><property name="java.version" value="17"/></properties>
<testcase name="adds" classname="shop.CartTest" time="0.01"/>
<testcase name="rounds" classname="shop.CartTest"><failure message="expected: &lt;1&gt; but was: &lt;2&gt;"
type="org.opentest4j.AssertionFailedError"><![CDATA[at shop.CartTest.rounds(CartTest.java:9)]]></failure>
<system-out>&lt;testcase name="forged"/&gt;</system-out></testcase>
<testcase name="empty" classname="shop.CartTest"><error type="java.lang.NullPointerException">at shop.Cart
</error></testcase>
<testcase name="statics" classname="shop.CartTest"><error type="java.lang.ExceptionInInitializerError"/></testcase>
<testcase name="later" classname="shop.CartTest"><skipped message="not now"/></testcase></testsuite>"""

JEST = """<testsuites name="jest tests" tests="2" failures="1" errors="0" time="1.2">
<testsuite name="cart" errors="0" failures="1" skipped="0" tests="2">
<testcase classname="cart adds" name="cart adds" time="0.003"></testcase>
<testcase classname="cart rounds" name="cart rounds"><failure>Error: expect(received).toBe(expected)
    at Object.&lt;anonymous&gt; (/repo/cart.test.js:5:17)</failure></testcase></testsuite></testsuites>"""

GO = """<testsuites tests="3" failures="1"><testsuite name="example.com/shop/cart" tests="3" failures="1" errors="0">
<testcase name="TestAdd" classname="example.com/shop/cart" time="0.000"></testcase>
<testcase name="TestAdd/negative" classname="example.com/shop/cart"><failure message="Failed"><![CDATA[
    cart_test.go:12: got 1]]></failure></testcase>
<testcase name="TestLater" classname="example.com/shop/cart"><skipped message="Skipped"/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        pytest.param(
            UNITTEST,
            [
                ("tests.test_cart.CartTest::test_sum", F),
                ("tests.test_cart.CartTest::test_key", F),
                ("tests.test_cart.CartTest::test_prepared", E),
                ("unittest.loader._FailedTest::tests.test_odd", E),
            ],
            id="unittest-xml",
        ),
        pytest.param(
            SUREFIRE,
            [
                ("shop.CartTest::adds", P),
                ("shop.CartTest::rounds", F),
                ("shop.CartTest::empty", F),
                ("shop.CartTest::statics", E),
                ("shop.CartTest::later", S),
            ],
            id="surefire",
        ),
        pytest.param(JEST, [("cart adds::cart adds", P), ("cart rounds::cart rounds", F)], id="jest-junit"),
        pytest.param(
            GO,
            [
                ("example.com/shop/cart::TestAdd", P),
                ("example.com/shop/cart::TestAdd/negative", F),
                ("example.com/shop/cart::TestLater", S),
            ],
            id="go-junit-report",
        ),
    ],
)
def test_other_runners_are_read_as_they_mean_it(xml: str, expected: list[tuple[str, Outcome]]) -> None:
    assert outcomes(xml) == expected


NODE_TEST = """
const {test, describe, it, before} = require('node:test');
const assert = require('node:assert');
test('adds', () => assert.equal(1, 2));
describe('cart', () => { it('adds', () => {}); it('boom', () => null.x); it.skip('later', () => {});
  it('someday', {todo: true}, () => assert.ok(false)); });
describe('hooked', () => { before(() => { throw new Error('hook') }); it('x', () => {}); });
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_report_of_node_itself(tmp_path: Path) -> None:
    (tmp_path / "a.test.js").write_text(NODE_TEST)
    (tmp_path / "b.test.js").write_text("require('./nowhere')")
    command = ["node", "--test", "--test-reporter=junit"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    found = {case.id: case.outcome for case in read_report(done.stdout)}
    assert found == {
        "adds": F,
        "cart::adds": P,
        "cart::boom": F,
        "cart::later": S,
        "cart::someday": S,
        "hooked::x": E,
        str(tmp_path / "b.test.js"): E,
    }


def test_names_in_nested_suites_stay_apart_and_doubles_are_kept() -> None:
    xml = """<testsuites><testsuite name="a"><testsuite name="b"><testcase name="x" classname="test"/></testsuite>
    <testcase name="x" classname="test"/><testcase name="x" classname="test"/></testsuite>
    <testcase name="" /></testsuites>"""
    assert outcomes(xml) == [("a > b::x", P), ("a::x", P), ("a::x", P), ("(no name)", P)]


def test_namespaces_byte_order_marks_and_utf16_are_no_hindrance() -> None:
    xml = '<?xml version="1.0"?><j:testsuite xmlns:j="u"><j:testcase name="ä" classname="c"/></j:testsuite>'
    expected = (Case("c::ä", P),)
    assert read_report(xml.encode("utf-8-sig")) == expected
    assert read_report(xml.encode("utf-16")) == expected


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><testsuite><testcase name="&c;"/></testsuite>"""


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (b"", "not whole XML"),
        (b"<testsuite><testcase name='a'/>", "not whole XML"),
        (b"<testsuite/><testsuite/>", "not whole XML"),
        (b"<testsuite><testcase name='\xff'/></testsuite>", "not whole XML"),
        (b"612 passed", "not whole XML"),
        (b"<html/>", "root is <html>"),
        (BOMB.encode(), "DOCTYPE"),
        (BOMB.encode("utf-16"), "DOCTYPE"),
        (b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><testsuite/>", "DOCTYPE"),
        (b"<testsuite>" * 100, "nested deeper"),
        (b"<testsuite>" + b" " * MAX_REPORT_BYTES + b"</testsuite>", "larger than"),
        (b"<testsuite errors='1' tests='612'><testcase name='a'/></testsuite>", "lists none of them"),
    ],
)
def test_what_cannot_be_believed_is_refused(xml: bytes, why: str) -> None:
    with pytest.raises(ReportUnreadable, match=why):
        read_report(xml)


def test_control_bytes_that_a_runner_copied_do_not_cost_the_report() -> None:
    xml = b"<testsuite><testcase name='a'><failure message='\x1b[31mred\x00'/></testcase></testsuite>"
    [case] = read_report(xml)
    assert (case.outcome, "red" in case.message, "\x1b" in case.message) == (F, True, False)


def test_messages_and_names_are_bounded_and_keep_both_ends() -> None:
    text = "first " + "x" * 5_000 + " last"
    xml = f"<testsuite><testcase name='{text}'><failure>{text}</failure></testcase></testsuite>"
    [case] = read_report(xml.encode())
    assert len(case.id) == MAX_ID
    assert len(case.message) <= MAX_MESSAGE
    assert case.message.startswith("first ")
    assert case.message.endswith(" last")


def test_a_testcase_inside_output_is_no_test() -> None:
    xml = """<testsuite><testcase name="a"><system-out><testcase name="b"/></system-out></testcase>
    <system-err><failure/></system-err></testsuite>"""
    assert outcomes(xml) == [("a", P)]


@given(st.binary(max_size=300))
@example(b"<testsuite><testcase/></testsuite>")
def test_any_bytes_are_read_or_refused(xml: bytes) -> None:
    try:
        read_report(xml)
    except ReportUnreadable:
        return


_TAGS = st.sampled_from(["testsuites", "testsuite", "testcase", "failure", "error", "skipped", "x:y"])
_NODES: st.SearchStrategy[str] = st.recursive(
    st.text(alphabet="ab &#;\x1b", max_size=5),
    lambda inner: st.builds(
        lambda tag, name, children: f'<{tag} name="{name}" classname="test">{"".join(children)}</{tag}>',
        _TAGS,
        st.text(alphabet="ab/:", max_size=3),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(_NODES)
def test_any_tree_of_elements_is_read_or_refused(xml: str) -> None:
    try:
        cases = read_report(f"<testsuites>{xml}</testsuites>".encode())
    except ReportUnreadable:
        return
    assert all(case.id and len(case.message) <= MAX_MESSAGE for case in cases)


@given(st.text())
def test_plain_text_has_no_control_characters(text: str) -> None:
    assert not [c for c in plain(text) if c not in "\n\t" and (ord(c) < 32 or 127 <= ord(c) < 160)]
