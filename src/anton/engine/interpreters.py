"""What interpreters are told to run: code on the command line, a module, a script, or what they are fed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anton.engine.command_rules import Interpreter, may_be_anything
from anton.engine.shell_command import Word


@dataclass(slots=True)
class InterpreterCall:
    """How an interpreter was called."""

    code: Word | None = None
    """Given on the command line."""
    module: tuple[Word, ...] = ()
    """A program to run instead, with its arguments."""
    script: Word | None = None
    """A file of code; None also where the code comes from standard input."""
    bare: bool = True
    """With nothing but the code, by its plain name."""


def read_call(interpreter: Interpreter, argv: Sequence[Word]) -> InterpreterCall:
    """What an interpreter would run, by its arguments."""
    call = InterpreterCall(bare="/" not in argv[0].text)
    args = list(argv[1:])
    wants_code = False
    while args:
        word = args.pop(0)
        if not wants_code and may_be_anything(word):
            call.script = word
            break
        if word.text.startswith(("-", "+")) and word.text != "-":
            name = word.text.lstrip("-+")
            call.bare &= word.text == "-c"
            if word.text == "--":
                continue
            if name.partition("=")[0] in interpreter.valued or name[-1:] in interpreter.valued:
                del args[:1]
            elif _is_flag(word.text, interpreter.module):
                attached = word.text[2:]
                call.module = (Word(attached), *args) if attached else tuple(args)
                break
            elif _is_flag(word.text, interpreter.code):
                wants_code = True
                if attached := _attached_code(word.text, interpreter):
                    call.code = Word(attached, word.kind)
                    break
        elif wants_code:
            call.code = word
            break
        else:
            call.script = None if word.text in ("-", "/dev/stdin", "/dev/fd/0") else word
            break
    return call


def _is_flag(text: str, names: Sequence[str]) -> bool:
    if text.startswith("--"):
        return text[2:].partition("=")[0] in names
    return text.startswith("-") and any(len(name) == 1 and name in text[1:] for name in names)


def _attached_code(text: str, interpreter: Interpreter) -> str:
    """Code in the same word as its option; a shell takes it only from the next."""
    if text.startswith("--"):
        return text.partition("=")[2]
    return "" if interpreter.shell else text[2:] if text[1] in interpreter.code else ""
