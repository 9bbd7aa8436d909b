"""How much of a model's context a conversation takes, and how it is made to take less.

    system  opening  | … old turns …                          | last turns
    ---------------- | -------------------------------------- | ----------
    byte-identical   | notes verbatim, and a summary          | byte-identical
                     | (or: old tool output left out)         |

What the agent was told (notes) is never summarised: it is short, and it binds. A call and its result stay on
the same side of the cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anton.core.message import AssistantMessage, Message, ToolMessage, Usage, UserMessage

FULL_SHARE = 0.8
"""Of the context, above which a conversation is compressed."""
KEPT_SHARE = 0.3
"""Of the context, that the last turns may take when it is."""
FIRST_TOKENS_PER_BYTE = 0.3
"""Before a provider has counted anything; code and English lie below it."""
HEAD = 2
"""Messages at the beginning that are never touched: system prompt and opening."""
SHORT = 200
"""Characters of a tool's result that are not worth leaving out."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How a provider counts this conversation, and how much of it is summed up already."""

    tokens_per_byte: float = FIRST_TOKENS_PER_BYTE
    size_bytes: int = 0
    count: int = 0
    """Messages, from the first, that `size_bytes` is the size of."""

    def tokens(self, size_bytes: int) -> int:
        """Tokens that so many bytes are estimated to be."""
        return round(size_bytes * self.tokens_per_byte)

    def estimate(self, messages: Sequence[Message]) -> int:
        """Tokens of the conversation, which begins with what is summed up."""
        return self.tokens(self.size_bytes + size_of(messages[self.count :]))

    def after(self, messages: Sequence[Message], usage: Usage) -> Measure:
        """The measure after a reply; `messages` are those of its request and the reply itself."""
        size = self.size_bytes + size_of(messages[self.count :])
        counted = usage.input_tokens + usage.output_tokens
        ratio = counted / size if usage.input_tokens and size else self.tokens_per_byte
        return Measure(ratio, size, len(messages))

    def of_another(self) -> Measure:
        """The measure for a conversation that was rewritten: the same ratio, nothing summed up."""
        return Measure(self.tokens_per_byte)


def size_of(messages: Iterable[Message]) -> int:
    """Bytes on the wire."""
    return sum(len(message.wire) for message in messages)


def cut_point(messages: Sequence[Message], measure: Measure, context_tokens: int) -> int | None:
    """Where the last turns begin that may stay; None where there is nothing before them to compress.

    The last turn always stays, however long it is.
    """
    allowed = context_tokens * KEPT_SHARE
    starts = [n for n in range(HEAD, len(messages)) if not isinstance(messages[n], ToolMessage)]
    turns = [n for n in starts if isinstance(messages[n], AssistantMessage)]
    if len(turns) < 2:
        return None
    fitting = (n for n in starts if measure.tokens(size_of(messages[n:])) <= allowed)
    cut = min(next(fitting, turns[-1]), turns[-1])
    return cut if any(n < cut for n in turns) else None


def summarised(messages: Sequence[Message], cut: int, summary: str) -> tuple[Message, ...]:
    """The conversation with everything between its head and the cut replaced by notes and summary."""
    told = [message.text for message in messages[HEAD:cut] if isinstance(message, UserMessage)]
    text = "\n\n".join([*told, f"<summary>\n{summary}\n</summary>\n{GO_ON}"])
    return (*messages[:HEAD], UserMessage(text), *messages[cut:])


def thinned(messages: Sequence[Message], cut: int) -> tuple[Message, ...]:
    """The conversation with long results of tools before the cut left out."""
    return (*messages[:HEAD], *map(_thin, messages[HEAD:cut]), *messages[cut:])


def _thin(message: Message) -> Message:
    if isinstance(message, ToolMessage) and len(message.text) > SHORT:
        text = (
            f"[left out to save room: {len(message.text):,} characters; call the tool again if you need it]"
        )
        return ToolMessage(message.call_id, text)
    return message


GO_ON = "This is what you wrote down of the turns before. Go on from there."
ASK = (
    "The conversation is nearly too long to go on. Write down for yourself all that you need to go on "
    "without it: what is done and what is left; each fact that you found, with files, lines, names and "
    "values exactly; what you changed and why; what you tried that failed; the last test results. The "
    "task, the notes that you were sent and your last turns stay as they are. Plain text, no tool call, "
    "at most 800 words."
)
"""What the model is asked when its conversation is to be summarised."""
