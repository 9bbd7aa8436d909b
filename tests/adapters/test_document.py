"""Markdown with front matter."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.document import Document, Malformed, parse, read, write
from anton.core.text import one_line

texts = st.text().map(one_line)
fields = st.dictionaries(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]*", fullmatch=True),
    texts | st.lists(texts.filter(bool)).map(tuple),
)
bodies = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])).map(str.strip)


@given(fields, bodies)
def test_what_is_rendered_is_parsed_back(fields: dict[str, str | tuple[str, ...]], body: str) -> None:
    document = Document(fields, body)
    assert parse(document.render()) == document


@given(
    st.text() | st.text().map("---\n".__add__) | st.text().map(lambda text: f"---\nlabels: [{text}]\n---\n")
)
def test_any_text_is_a_document_or_malformed(text: str) -> None:
    with suppress(Malformed):
        assert isinstance(parse(text), Document)


def test_lists_are_read_as_people_write_them() -> None:
    document = parse('---\na: [x, "y, z" , w]\nb: x, y ,\nc: []\n---\n')
    assert [document.items(name) for name in "abc"] == [("x", "y, z", "w"), ("x", "y"), ()]


def test_a_failed_write_leaves_the_old_document_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.md"
    target.mkdir()
    with pytest.raises(OSError, match="directory"):
        write(target, Document({}, "x"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


def test_a_missing_file_is_not_malformed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "a.md")
