"""Runs in a Slack channel: for each run one message, edited in place, and its thread.

The names of all that was posted for a run are kept in the journal with the run. What was posted and not yet
written down when Anton was killed is looked for by the metadata that every post carries; for that Slack wants
the scope `channels:history`, and without it such a post may come twice.
Sources: https://docs.slack.dev/reference/methods/chat.postMessage, https://docs.slack.dev/messaging/message-metadata
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from anton.core.errors import OutsideError
from anton.core.run import RunState
from anton.core.seal import seal_choice
from anton.views.slack import blocks
from anton.views.slack.blocks import Post
from anton.views.slack.message import Links, message
from anton.views.slack.thread import thread

EVENT_TYPE = "anton_run"
"""Of the metadata that each post carries."""
POST_TYPE = "anton_post"
"""Of what is of no run."""
ROOT = "message"
"""Key of the run's message itself."""
TIMEOUT_SECONDS = 20
RATE_LIMIT_WAITS = 3
"""How often Slack's Retry-After is waited for before a post is given up for now."""
SEARCHED = 200
"""Latest messages of the channel, or of the thread, that are looked through."""

REMEDIES: Mapping[str, str] = {
    "invalid_auth": "SLACK_BOT_TOKEN is not taken; copy the bot token of the app again",
    "not_authed": "SLACK_BOT_TOKEN is empty",
    "account_inactive": "the app was removed from the workspace; install it again",
    "token_revoked": "the app was removed from the workspace; install it again",
    "channel_not_found": "there is no such channel, or it is private; check SLACK_CHANNEL and invite the app",
    "not_in_channel": "invite the app into the channel, or give it the scope chat:write.public",
    "is_archived": "the channel is archived; name another in SLACK_CHANNEL",
    "missing_scope": "the app lacks a scope; see the manifest in examples/slack-manifest.yaml",
    "restricted_action": "the workspace does not let the app post there",
}
"""Slack's error → what to do."""
_UNREADABLE = frozenset({"missing_scope", "channel_not_found", "not_in_channel"})
"""What Slack says of a channel that may be posted to and not read."""
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
_UNSHOWABLE = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long"})


class _Posted(BaseModel):
    """Where a post is, and what it said."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    ts: str
    digest: str = ""


class _Name(BaseModel):
    """All that was posted for a run, as the journal keeps it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    channel: str
    posts: dict[str, _Posted]


@dataclass(slots=True)
class _Run:
    """What is known of one run's posts."""

    channel: str
    posts: dict[str, _Posted]
    certain: bool = False
    """Nothing can have been posted that is not in `posts`."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def name(self) -> str:
        return _Name(channel=self.channel, posts=self.posts).model_dump_json()


class SlackChat:
    """The Chat port on one channel.

    Args:
        token: Of the bot, `xoxb-…`.
        channel: Name without `#`, or id.
        key: That buttons are sealed with.
        page_url: With `{run_id}` in it; empty where there is no page.
        base_url: Of the Web API.
    """

    def __init__(
        self,
        token: str,
        channel: str,
        key: bytes,
        *,
        page_url: str = "",
        base_url: str = "https://slack.com/api/",
    ) -> None:
        self._client = AsyncWebClient(
            token=token,
            base_url=base_url,
            timeout=TIMEOUT_SECONDS,
            retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_WAITS)],
        )
        self._channel = channel
        self._key = key
        self._channel_id = channel
        """As soon as Slack has named it: a channel can be posted to by its name, but not be read."""
        self._page_url = page_url
        self._runs: dict[str, _Run] = {}
        self._posting = asyncio.Lock()

    @property
    def client(self) -> AsyncWebClient:
        """For those who answer what people press."""
        return self._client

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"Slack (channel #{self._channel})"

    async def prove(self) -> str:
        """Whom the token belongs to, in words; nothing is changed.

        Raises:
            OutsideError: Slack is out of reach, or does not take the token.
        """
        try:
            answer = await self._client.auth_test()
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            raise self._explained(error) from error
        return f"{answer.get('user')} in {answer.get('team')}"

    async def show(self, state: RunState, message: str) -> str:
        """Make the run's message and its thread say where the run stands; see the port."""
        run = self._known(state.run_id, message)
        async with run.turn:
            try:
                if not run.certain:
                    await self._recover(state, run)
                await self._show(state, run)
            except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
                run.certain = False  # what failed may have been posted all the same
                raise self._explained(error) from error
            return run.name()

    @property
    def place(self) -> str:
        """The channel."""
        return f"Slack, channel #{self._channel}"

    async def post(self, text: str, marker: str) -> str:
        """Say something in the channel, once, as far as its history may be read; channel and time stamp.

        Raises:
            OutsideError: Slack is out of reach or refused.
        """
        said = blocks.post(blocks.escaped(text), [blocks.told(text)])
        metadata: dict[str, object] = {"event_type": POST_TYPE, "event_payload": {"marker": marker}}
        try:
            async with self._posting:
                ts = await self._posted(marker)
                if not ts:
                    self._channel_id, ts = await self._send(self._channel_id, said, "", metadata)
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            raise self._explained(error) from error
        return f"{self.place}, {ts}"

    async def _posted(self, marker: str) -> str:
        """Time stamp of what was posted under a marker; empty where nothing is found."""
        asked = {"channel": self._channel_id, "limit": SEARCHED, "include_all_metadata": "true"}
        try:
            answer = await self._client.api_call("conversations.history", data=asked)
        except SlackApiError as error:
            if _code(error) not in _UNREADABLE:
                raise
            return ""
        for found in answer.get("messages") or ():
            metadata = found.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") == POST_TYPE and payload.get("marker") == marker:
                return str(found.get("ts"))
        return ""

    async def close(self) -> None:
        """Nothing is held between calls."""

    def links(self, run_id: str) -> Links:
        """Where more of a run is to be seen."""
        return Links(self._page_url.replace("{run_id}", run_id), partial(seal_choice, self._key))

    def _known(self, run_id: str, message: str) -> _Run:
        known = self._runs.get(run_id)
        if known is None:
            known = self._runs[run_id] = _read(message, self._channel_id)
            self._channel_id = known.channel
        return known

    async def _show(self, state: RunState, run: _Run) -> None:
        links = self.links(state.run_id)
        root = await self._put(run, state.run_id, ROOT, message(state, links), "")
        for key, post in thread(state, links):
            await self._put(run, state.run_id, key, post, root)

    async def _put(self, run: _Run, run_id: str, key: str, post: Post, thread_ts: str) -> str:
        """Have a post say what it should: untouched, edited or made. Returns its time stamp."""
        digest = _digest(post)
        known = run.posts.get(key)
        if known is not None and known.digest == digest:
            return known.ts
        if known is None or not await self._edit(run, known.ts, post, run_id, key, digest):
            run.certain = False
            sent = await self._send(run.channel, post, thread_ts, _metadata(run_id, key, digest))
            run.channel = self._channel_id = sent[0]
            known = _Posted(ts=sent[1], digest=digest)
            run.certain = True
        run.posts[key] = _Posted(ts=known.ts, digest=digest)
        return known.ts

    async def _edit(self, run: _Run, ts: str, post: Post, run_id: str, key: str, digest: str) -> bool:
        """Whether the post is still there, and says it now."""
        metadata = _metadata(run_id, key, digest)
        plain: dict[str, object] = {"channel": run.channel, "ts": ts, "text": post.text, "metadata": metadata}
        try:
            await self._call("chat.update", {**plain, "blocks": list(post.blocks)})
        except SlackApiError as error:
            if _code(error) in _GONE:
                return False
            if _code(error) not in _UNSHOWABLE:
                raise
            await self._call("chat.update", {**plain, "blocks": []})
        return True

    async def _send(
        self, channel: str, post: Post, thread_ts: str, metadata: dict[str, object]
    ) -> tuple[str, str]:
        """Channel id and time stamp of a new post; without its blocks where Slack cannot show them."""
        plain: dict[str, object] = {
            "channel": channel,
            "text": post.text,
            "metadata": metadata,
            "unfurl_links": False,
            "unfurl_media": False,
            **({"thread_ts": thread_ts} if thread_ts else {}),
        }
        try:
            answer = await self._call("chat.postMessage", {**plain, "blocks": list(post.blocks)})
        except SlackApiError as error:
            if _code(error) not in _UNSHOWABLE:
                raise
            answer = await self._call("chat.postMessage", plain)
        return str(answer["channel"]), str(answer["ts"])

    async def _call(self, method: str, body: dict[str, object]) -> AsyncSlackResponse:
        return await self._client.api_call(method, json=body)

    async def _recover(self, state: RunState, run: _Run) -> None:
        """Find what was posted for the run and never written down."""
        root = run.posts.get(ROOT)
        try:
            if root is None:
                oldest = str(state.started_at.timestamp() - 1)
                await self._look(run, state.run_id, "conversations.history", {"oldest": oldest})
                root = run.posts.get(ROOT)
            if root is not None:
                await self._look(run, state.run_id, "conversations.replies", {"ts": root.ts})
        except SlackApiError as error:
            # By name a channel can be posted to, but not be read; without the scope nothing can.
            if _code(error) not in (*_UNREADABLE, "thread_not_found"):
                raise
        run.certain = True

    async def _look(self, run: _Run, run_id: str, method: str, where: Mapping[str, str]) -> None:
        asked = {"channel": run.channel, "limit": SEARCHED, "include_all_metadata": "true", **where}
        answer = await self._client.api_call(method, data=asked)
        for found in answer.get("messages") or ():
            metadata = found.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") == EVENT_TYPE and payload.get("run_id") == run_id:
                post = _Posted(ts=str(found.get("ts")), digest=str(payload.get("digest", "")))
                run.posts.setdefault(str(payload.get("key", "")), post)

    def _explained(self, error: Exception) -> OutsideError:
        if isinstance(error, SlackApiError):
            code = _code(error)
            remedy = REMEDIES.get(code, "it is tried again later")
            return OutsideError(f"Slack refused a call for channel {self._channel!r}: {code}; {remedy}")
        return OutsideError(
            f"Slack could not be reached for channel {self._channel!r}: {error or type(error).__name__}; "
            "it is tried again later"
        )


def _read(message: str, channel: str) -> _Run:
    """What the journal says was posted; a name that is none of ours says nothing."""
    try:
        name = _Name.model_validate_json(message)
    except ValidationError:
        return _Run(channel, {})
    return _Run(name.channel, dict(name.posts))


def _code(error: SlackApiError) -> str:
    """Slack's name of the error; the status of an answer that is not Slack's own."""
    answer = error.response
    if isinstance(answer.data, dict):
        return str(answer.data.get("error", ""))
    return f"status {answer.status_code}"


def _metadata(run_id: str, key: str, digest: str) -> dict[str, object]:
    return {"event_type": EVENT_TYPE, "event_payload": {"run_id": run_id, "key": key, "digest": digest}}


def _digest(post: Post) -> str:
    said = json.dumps([post.text, post.blocks], sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.sha256(said).hexdigest()[:16]
