"""What a server answered, as text: what is no text is described."""

from __future__ import annotations

import json
from typing import assert_never

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from anton.core.text import one_line

_MAX_WORD = 300
"""Characters of a name, type or address that are shown."""


def text_of_result(result: CallToolResult) -> str:
    """The text blocks, a line in place of each other block; where there is none, the structured content."""
    if not result.content and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False, indent=1)
    return "\n\n".join(_text_of(block) for block in result.content)


def _text_of(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case ImageContent():
            return _left_out("an image", block.mime_type, block.data)
        case AudioContent():
            return _left_out("a sound", block.mime_type, block.data)
        case ResourceLink():
            described = f": {_word(block.description)}" if block.description else ""
            return f"[a link to {_word(block.uri)}, {_word(block.name)}{described}]"
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return f"[{_word(resource.uri)}]\n{resource.text}"
        case EmbeddedResource(resource=BlobResourceContents() as resource):
            return _left_out(
                f"the file {_word(resource.uri)}", resource.mime_type or "of no type", resource.blob
            )
        case EmbeddedResource():
            return "[a resource of a kind that is not known]"
        case _:
            assert_never(block)


def _left_out(what: str, kind: str, base64: str) -> str:
    return f"[{what}, {_word(kind)}, about {len(base64) * 3 // 4:,} bytes: not shown, only text is]"


def _word(text: str) -> str:
    return one_line(text)[:_MAX_WORD]
