"""Atlassian's documents as text: every kind of node, and any JSON in place of one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.tracker.adf import (
    MAX_CHARACTERS,
    bullets,
    code,
    code_block,
    doc,
    link,
    paragraph,
    read_adf,
    text,
)
from anton.core.text import visible


def node(kind: str, *content: Any, **attrs: object) -> dict[str, Any]:
    return {"type": kind, "attrs": attrs, "content": list(content)}


def words(value: str, *marks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": value, "marks": list(marks)}


def para(*content: Any) -> dict[str, Any]:
    return node("paragraph", *(words(c) if isinstance(c, str) else c for c in content))


def mark(kind: str, **attrs: object) -> dict[str, Any]:
    return {"type": kind, "attrs": attrs}


NODES: dict[str, tuple[dict[str, Any], str]] = {
    "doc": (node("doc", para("One"), para("Two")), "One\n\nTwo"),
    "paragraph": (para("One", words(" two")), "One two"),
    "heading": (node("heading", words("Steps"), level=2), "## Steps"),
    "text": (words("x"), "x"),
    "hardBreak": (para("One", node("hardBreak"), "two"), "One\ntwo"),
    "mention": (para("Ask ", node("mention", id="5b1", text="@Kim")), "Ask @Kim"),
    "emoji": (para(node("emoji", shortName=":fire:", text="🔥"), node("emoji", shortName=":x:")), "🔥:x:"),
    "date": (para("On ", node("date", timestamp="1582152559000")), "On 2020-02-19"),
    "status": (para(node("status", text="DONE", color="green")), "[DONE]"),
    "placeholder": (para(node("placeholder", text="Say what happened")), "Say what happened"),
    "inlineCard": (para("See ", node("inlineCard", url="https://a.example/1")), "See https://a.example/1"),
    "mediaInline": (para(node("mediaInline", id="f1", alt="shot.png")), "[file shot.png]"),
    "inlineExtension": (para(node("inlineExtension", extensionKey="toc", text="Contents")), "Contents"),
    "codeBlock": (node("codeBlock", words("a = 1\nb"), language="python"), "```python\na = 1\nb\n```"),
    "blockquote": (node("blockquote", para("One"), para("Two")), "> One\n>\n> Two"),
    "panel": (node("panel", para("Mind this"), panelType="warning"), "> warning: Mind this"),
    "bulletList": (
        node(
            "bulletList",
            node("listItem", para("One"), node("bulletList", node("listItem", para("Within")))),
            node("listItem", para("Two")),
        ),
        "- One\n  - Within\n- Two",
    ),
    "listItem": (node("listItem", para("One")), "One"),
    "orderedList": (
        node("orderedList", node("listItem", para("a")), node("listItem", para("b")), order=3),
        "3. a\n4. b",
    ),
    "taskList": (
        node(
            "taskList",
            node("taskItem", words("Do"), state="TODO"),
            node("taskItem", words("Did"), state="DONE"),
        ),
        "- [ ] Do\n- [x] Did",
    ),
    "taskItem": (node("taskItem", words("Do")), "Do"),
    "blockTaskItem": (node("taskList", node("blockTaskItem", para("Do"), state="DONE")), "- [x] Do"),
    "decisionList": (
        node("decisionList", node("decisionItem", words("Ship"), state="DECIDED")),
        "- decided: Ship",
    ),
    "decisionItem": (node("decisionItem", words("Ship")), "Ship"),
    "table": (
        node(
            "table",
            node("tableRow", node("tableHeader", para("a")), node("tableHeader", para("b"))),
            node("tableRow", node("tableCell", para("1"), para("2")), node("tableCell")),
        ),
        "| a | b |\n| 1 2 |  |",
    ),
    "tableRow": (node("tableRow", node("tableCell", para("1"))), "1"),
    "tableHeader": (node("tableHeader", para("1")), "1"),
    "tableCell": (node("tableCell", para("1")), "1"),
    "rule": (node("doc", para("a"), node("rule"), para("b")), "a\n\n---\n\nb"),
    "expand": (node("expand", para("Hidden"), title="Log"), "Log\n\nHidden"),
    "nestedExpand": (node("nestedExpand", para("Hidden"), title="Log"), "Log\n\nHidden"),
    "mediaSingle": (node("mediaSingle", node("media", id="f1", type="file")), "[file f1]"),
    "mediaGroup": (node("mediaGroup", node("media", id="1"), node("media", id="2")), "[file 1]\n\n[file 2]"),
    "media": (node("media", url="https://a.example/x.png"), "[file https://a.example/x.png]"),
    "caption": (
        node("mediaSingle", node("media"), node("caption", words("The error"))),
        "[file]\n\nThe error",
    ),
    "layoutSection": (
        node("layoutSection", node("layoutColumn", para("a")), node("layoutColumn", para("b"))),
        "a\n\nb",
    ),
    "layoutColumn": (node("layoutColumn", para("a")), "a"),
    "blockCard": (node("blockCard", data={"name": "Runbook"}), "Runbook"),
    "embedCard": (node("embedCard", url="https://a.example/board"), "https://a.example/board"),
    "extension": (node("extension", extensionKey="chart"), "[chart]"),
    "bodiedExtension": (node("bodiedExtension", para("Within"), extensionKey="excerpt"), "Within"),
    "syncBlock": (node("syncBlock", resourceId="r1"), "[r1]"),
    "bodiedSyncBlock": (node("bodiedSyncBlock", para("Within"), resourceId="r1"), "Within"),
}
"""Every kind of node in the schema of @atlaskit/adf-schema 52, and what is read."""


@pytest.mark.parametrize("kind", NODES)
def test_every_kind_of_node_is_read(kind: str) -> None:
    document, expected = NODES[kind]
    assert read_adf(document) == expected


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([mark("strong")], "**x**"),
        ([mark("em")], "*x*"),
        ([mark("strike")], "~~x~~"),
        ([mark("code")], "`x`"),
        ([mark("link", href="https://a.example")], "[x](https://a.example)"),
        ([mark("link", href="x")], "x"),
        ([mark("link"), mark("textColor", color="#fff"), mark("subsup", type="sub"), mark("new")], "x"),
        ([mark("strong"), mark("link", href="h")], "[**x**](h)"),
    ],
)
def test_marks_are_shown_as_far_as_they_mean_something(marks: list[dict[str, Any]], expected: str) -> None:
    assert read_adf(words("x", *marks)) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, ""),
        (7, ""),
        ([], ""),
        ("h2. Plain", "h2. Plain"),
        ({}, ""),
        (node("hologram", para("Within"), text="Own words"), "Own words\n\nWithin"),
        (para(node("sparkle", text="✨")), "✨"),
        ({"type": ["x"], "content": [para("Still read")]}, "Still read"),
        (node("date", timestamp="99999999999999999999"), "99999999999999999999"),
        (node("heading", words("x"), level=99), "# x"),
        (node("codeBlock", words("```")), "````\n```\n````"),
    ],
)
def test_what_is_unknown_or_odd_survives_as_its_text(document: object, expected: str) -> None:
    assert read_adf(document) == expected


def test_depth_and_length_are_bounded() -> None:
    deep: dict[str, Any] = para("x")
    for _ in range(5_000):
        deep = node("bulletList", node("listItem", deep))
    assert "[nested too deeply]" in read_adf(deep)
    assert len(read_adf(para("x" * 1_000_000))) == MAX_CHARACTERS


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
KINDS = st.sampled_from([*NODES, "hologram"])
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries(
            {"type": KINDS},
            optional={
                "text": SCALARS | st.text(max_size=9),
                "content": st.lists(inner, max_size=3) | inner,
                "attrs": inner
                | st.dictionaries(
                    st.sampled_from(["level", "order", "url", "text", "timestamp", "data"]), inner
                ),
                "marks": inner | st.lists(inner, max_size=2),
            },
        )
    ),
    max_leaves=12,
)


@given(document=ANY)
def test_any_json_is_read_as_some_text(document: object) -> None:
    assert isinstance(read_adf(document), str)


@given(said=st.text(alphabet=st.characters(exclude_characters="<>"), min_size=1, max_size=20))
def test_no_text_is_lost_whatever_it_stands_in(said: str) -> None:
    for kind in ("hologram", "panel", "expand", "listItem", "tableCell", "layoutColumn", "taskItem"):
        read = read_adf(node("doc", node(kind, para(f"<{said}>"))))
        assert "".join(said.split()) in "".join(read.replace(">", "").split())


@given(said=st.text(max_size=60))
def test_what_is_written_is_read_again(said: str) -> None:
    seen = visible(said)[0]
    assert read_adf(doc(paragraph(text("<"), text(said), text(">")))) == f"<{seen}>"
    assert read_adf(doc(code_block(f"<{said}>"))).splitlines()[0].strip("`") == ""
    assert f"<{seen}>" in read_adf(doc(code_block(f"<{said}>")))


def test_a_comment_is_written_with_links_code_and_lists() -> None:
    written = doc(
        paragraph(text("Repaired: "), link("the pull request", "https://a.example/1"), text("")),
        bullets([text("see "), code("todo.py")], [text("and the test")]),
        code_block(""),
    )
    assert read_adf(written) == (
        "Repaired: [the pull request](https://a.example/1)\n\n- see `todo.py`\n- and the test\n\n```\n\n```"
    )
    assert "" not in [leaf.get("text") for leaf in leaves(written)]


def leaves(value: Any) -> list[dict[str, Any]]:
    if not value.get("content"):
        return [value]
    return [leaf for child in value["content"] for leaf in leaves(child)]
