"""Command lines are judged by what they would do, and nothing that writes is ever called safe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Node, Parser

from anton.core.errors import UsageError
from anton.core.permission import Allowed, Asks, Danger, Policy
from anton.core.tool import Reach
from anton.engine.command_rules import Rules, read_rules
from anton.engine.commands import assess, permit
from anton.engine.path_scope import Scope
from anton.engine.rule_examples import checked, faults, load_rules
from anton.engine.shell_command import Kind, Parsed, Unparsable, Word
from anton.engine.shell_syntax import LANGUAGE, NODE_TYPES, not_understood, parse
from tests.engine.command_lines import MUST_ASK, NEVER_SAFE, READING

RULES = load_rules()
HARM = [text for texts in NEVER_SAFE.values() for text in texts]


def argvs(text: str) -> list[list[str]]:
    parsed = parse(text)
    assert isinstance(parsed, Parsed), parsed
    return [[word.text for word in command.argv] for command in parsed.commands]


# Reading


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 'b c' \"d e\" f\\ g h''i", [["a", "b c", "d e", "f g", "hi"]]),
        ("a $'b\\tc\\x41\\101'", [["a", "b\tcAA"]]),
        ("a | b && c || d; e & f\ng", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]]),
        ("(a; { b; }) | ! c", [["a"], ["b"], ["c"]]),
        ("if a; then b; elif c; then d; else e; fi", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("for x in 1 2; do a; done; while b; do c; done", [["a"], ["b"], ["c"]]),
        ("case x in (a|b) c;; *) d;; esac", [["c"], ["d"]]),
        ("[ -f a ] && [[ b == c ]]", [["[", "-f", "a", "]"], ["[[", "b", "==", "c", "]]"]]),
        ("a $(b `c`) <(d)", [["a", "$(b `c`)", "<(d)"], ["b", "`c`"], ["c"], ["d"]]),
        ('a "x $(b) y"', [["a", "x $(b) y"], ["b"]]),
        ("a <<E | b && c\n$(d)\nE\ne", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("x=$(a) b; y=$(c)", [["b"], ["a"], [], ["c"]]),
        ("a > $(b)", [["a"], ["b"]]),
        ("# nothing", []),
        ("a \\\n  b", [["a", "b"]]),
        ("a 'b\nc' \"d\ne\"", [["a", "b\nc", "d\ne"]]),
    ],
)
def test_every_simple_command_is_found_with_its_words(text: str, expected: list[list[str]]) -> None:
    assert argvs(text) == expected


def test_words_that_are_not_known_before_they_are_expanded_say_so() -> None:
    parsed = parse("a $x \"$x\" '$x' *.py src/*.py '*' {b,c} {} x{y ~/z $(d)")
    assert isinstance(parsed, Parsed)
    assert parsed.commands[0].argv == (
        Word("a"),
        Word("$x", Kind.OPEN),
        Word("$x", Kind.OPEN),
        Word("$x"),
        Word("*.py", Kind.GLOB, ""),
        Word("src/*.py", Kind.GLOB, "src/"),
        Word("*"),
        Word("{b,c}", Kind.OPEN),
        Word("{}"),
        Word("x{y"),
        Word("~/z"),
        Word("$(d)", Kind.OPEN),
    )


def test_redirections_belong_to_the_command_that_bash_gives_them_to() -> None:
    parsed = parse("a >x | b 2>&1 <y && c >>z")
    assert isinstance(parsed, Parsed)
    assert [[(r.operator, r.descriptor, r.target.text) for r in c.redirects] for c in parsed.commands] == [
        [(">", "", "x")],
        [(">&", "2", "1"), ("<", "", "y")],
        [(">>", "", "z")],
    ]
    assert [c.fed for c in parsed.commands] == [False, True, False]


def test_a_here_document_is_what_its_command_is_fed() -> None:
    parsed = parse("sh <<'E'\nrm x\nE\n")
    assert isinstance(parsed, Parsed)
    assert parsed.commands[0].fed
    assert parsed.commands[0].redirects[0].target == Word("rm x\n")


@pytest.mark.parametrize(
    "text",
    [
        "a (",
        "a 'b",
        "a \x00b",
        "a\rb",
        "a\u00a0b",
        "a\u202eb",
        "a\u200bb",
        "a\ud800b",
        "r\\\nm",
        "(" * 200 + "a" + ")" * 200,
        "a" * 30_000,
        "$(" * 3000,
        "a|" * 600 + "a",
    ],
)
def test_what_cannot_be_read_is_not_read_and_asked_about(text: str) -> None:
    assert isinstance(parse(text), Unparsable)
    assert assess(text, RULES).danger is Danger.DANGEROUS


def test_only_listed_kinds_of_node_are_read() -> None:
    kinds = {
        LANGUAGE.node_kind_for_id(number)
        for number in range(LANGUAGE.node_kind_count)
        if LANGUAGE.node_kind_is_named(number)
    }
    assert kinds >= NODE_TYPES
    parser = Parser(LANGUAGE)
    for text in ("a | b", "a $(b) > c", "for x in a; do b; done"):
        for left_out in {node.type for node in nodes(parser.parse(text.encode()).root_node)}:
            reason = not_understood(parser.parse(text.encode()).root_node, NODE_TYPES - {left_out})
            assert reason == f"it holds a {left_out.replace('_', ' ')}, which is not read"


def nodes(node: Node) -> Iterator[Node]:
    if node.is_named:
        yield node
    for child in node.children:
        yield from nodes(child)


# Judging


@pytest.mark.parametrize("text", HARM)
def test_what_may_do_harm_is_never_safe(text: str) -> None:
    assert assess(text, RULES).danger is not Danger.SAFE


@pytest.mark.parametrize("text", MUST_ASK)
def test_what_is_dangerous_is_found_however_deep(text: str) -> None:
    assert assess(text, RULES).danger is Danger.DANGEROUS


@pytest.mark.parametrize("text", READING)
def test_honest_reading_is_safe(text: str) -> None:
    found = assess(text, RULES)
    assert (found.danger, found.reach, found.writes) == (Danger.SAFE, Reach.READ, ()), found.reason


def test_there_are_enough_examples_to_mean_something() -> None:
    assert len(set(HARM)) >= 160
    assert len(set(READING)) >= 100


@pytest.mark.parametrize(
    ("text", "reach", "writes"),
    [
        ("touch a b", Reach.WRITE, ("a", "b")),
        ("echo x > src/a.txt", Reach.WRITE, ("src/a.txt",)),
        ("mkdir -p a/b && cp src/x a/b/x", Reach.WRITE, ("a/b", "a/b/x")),
        ("pytest -q", Reach.RUN, ()),
        ("touch $x", Reach.OUTSIDE, ("$x",)),
        ("curl -s http://example.org", Reach.NETWORK, ()),
        ("git fetch origin", Reach.NETWORK, ()),
        ("cp a /tmp/b", Reach.OUTSIDE, ("/tmp/b",)),
        ("pytest > ../log", Reach.OUTSIDE, ("../log",)),
        ("curl http://example.org > /tmp/x", Reach.OUTSIDE, ("/tmp/x",)),
        ("curl -s file:///etc/hosts", Reach.OUTSIDE, ()),
        ("rm", Reach.RUN, ()),
        ("ls; rm", Reach.RUN, ()),
        ("< a", Reach.RUN, ()),
        ("cat /etc/hosts", Reach.OUTSIDE, ()),
        ("gcc -I/usr/include a.c", Reach.OUTSIDE, ()),
        ("sort -o b a", Reach.RUN, ("b",)),
    ],
)
def test_reach_and_written_paths(text: str, reach: Reach, writes: tuple[str, ...]) -> None:
    found = assess(text, RULES)
    assert (found.danger, found.reach, found.writes) == (Danger.UNKNOWN, reach, writes)


def test_commands_inside_others_are_named() -> None:
    found = assess("env A=1 timeout 5 sh -c 'ls | xargs wc'", RULES)
    assert found.commands == (
        "env A=1 timeout 5 sh -c ls | xargs wc",
        "timeout 5 sh -c ls | xargs wc",
        "sh -c ls | xargs wc",
        "ls",
        "xargs wc",
        "wc $@",
    )


def test_the_reason_names_the_command_and_what_is_wrong() -> None:
    found = assess("ls && sudo -u root sh -c 'rm -rf build'", RULES)
    assert found.reason == "rm: removes whole trees or without asking"


def test_the_policy_is_asked_about_what_was_found() -> None:
    reads, runs = assess("ls", RULES), assess("sudo ls", RULES)
    assert isinstance(permit(Policy.NEVER, reads, sandboxed=False), Allowed)
    assert permit(Policy.AUTO, runs, sandboxed=True) == Asks(
        "it runs a command and is dangerous, about which the policy auto asks"
        " (sudo: makes somebody else of itself)"
    )


def test_paths_are_taken_from_the_folder_that_the_line_starts_in() -> None:
    inner = Scope(folder="src/a")
    assert assess("cat ../../b", RULES, inner).danger is Danger.SAFE
    assert assess("cat ../../../b", RULES, inner).reach is Reach.OUTSIDE
    assert assess("cat ../b", RULES).reach is Reach.OUTSIDE
    assert assess("cat /tree/b", RULES, Scope(worktree="/tree")).danger is Danger.SAFE


def test_after_a_change_of_folder_no_path_may_go_up() -> None:
    inner = Scope(folder="src/a")
    assert assess("cd .. && cat b", RULES, inner).danger is Danger.SAFE
    assert assess("cd .. && cat ../b", RULES, inner).reach is Reach.OUTSIDE


# Rules as data


def test_every_rule_does_to_its_examples_what_it_says() -> None:
    assert list(faults(RULES)) == []


def broken(change: str) -> Rules:
    """The rules with one of them spoilt."""
    rules = read_rules()
    match change:
        case "safe":
            rule = rules.safe[0].model_copy(update={"flags": ""})
            return rules.model_copy(update={"safe": (rule, *rules.safe[1:])})
        case "lax":
            sort = next(rule for rule in rules.safe if "sort" in rule.commands)
            lax = sort.model_copy(update={"valued": sort.valued + "o"})
            return rules.model_copy(update={"safe": (*rules.safe, lax)})
        case "dangerous":
            removal = rules.dangerous[0].model_copy(update={"options": ("x",)})
            return rules.model_copy(update={"dangerous": (removal, *rules.dangerous[1:])})
        case "launcher":
            return rules.model_copy(update={"launcher": ()})
        case _:
            return rules.model_copy(update={change: getattr(rules, change).model_copy(update={"parts": ()})})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("safe", "the safe rule for 'ls' does not vouch for its example 'ls -la src'"),
        ("lax", "'sort -o x a' is safe, against the safe rule for 'sort'"),
        ("dangerous", "does not match its example 'rm -rf build'"),
        ("launcher", "the names of 'environment' do not match their example"),
        ("guarded", "the names of 'guarded' do not match their example"),
        ("secrets", "the names of 'secrets' do not match their example"),
    ],
)
def test_a_rule_that_errs_is_named(change: str, named: str) -> None:
    assert any(named in fault for fault in faults(broken(change)))


def test_rules_that_err_stop_the_start() -> None:
    assert checked(RULES) is RULES
    with pytest.raises(UsageError, match="safe rule for 'ls'"):
        checked(broken("safe"))


# Any text

WORDS = (
    "ls cat rm touch x a src sort uniq sed find grep -o -i -r -exec -delete -n p w 1e ; && || | & > >> <"
    " << <<< ( ) { } $x $( ` ' \" \\ * ? [ ] ~ .. / /etc # ! = $' env xargs sh -c eval E if then fi"
    " do done in {} + -- -x git log -c --output=x echo tee"
)
FRAGMENTS = st.sampled_from([*WORDS.split(), "\n", "\\\n", "\t", "\r", "\x00", "\u00a0", "\ud800"])
LINES = st.builds(
    lambda parts: "".join(word + gap for word, gap in parts),
    st.lists(st.tuples(FRAGMENTS, st.sampled_from([" ", " ", ""])), max_size=12),
)


@given(st.one_of(st.text(max_size=80), LINES))
@settings(max_examples=400, deadline=None)
def test_any_text_is_judged_and_nothing_is_raised(text: str) -> None:
    found = assess(text, RULES)
    assert found.reason
    assert found.danger is not Danger.SAFE or (found.reach is Reach.READ and found.writes == ())


@given(
    st.sampled_from([text for text in READING if "#" not in text]),
    st.sampled_from([text for texts in NEVER_SAFE.values() for text in texts]),
)
@settings(max_examples=200, deadline=None)
def test_harm_beside_honest_reading_is_not_safe(honest: str, harm: str) -> None:
    for joint in ("; ", " && ", " || ", "\n", " | "):
        assert assess(honest + joint + harm, RULES).danger is not Danger.SAFE
