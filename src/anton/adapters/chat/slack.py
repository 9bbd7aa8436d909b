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
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from anton.adapters.chat.channel_ids import ChannelIds
from anton.adapters.chat.slack_api import SlackApi, SlackFailure, Waiting, listed, within
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
SEARCHED = 200
"""Latest messages of the channel, or of the thread, that are looked through."""

LATER = "it is tried again later"
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
    """Its id; empty as long as nothing is known to be posted."""
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
        waiting: How patient to be with it.
        channel_ids: File that keeps the id of a channel that is given by its name.
    """

    def __init__(
        self,
        token: str,
        channel: str,
        key: bytes,
        *,
        page_url: str = "",
        base_url: str = "https://slack.com/api/",
        waiting: Waiting | None = None,
        channel_ids: Path | None = None,
    ) -> None:
        self._api = SlackApi(token, base_url, waiting)
        self._channel = channel
        self._key = key
        self._ids = ChannelIds(channel_ids)
        self._seen = ""
        """Id of the channel of the run that was shown last, which is most likely the same."""
        self._page_url = page_url
        self._runs: dict[str, _Run] = {}
        self._posting = asyncio.Lock()

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
            answer = await self._api.read("auth.test", {})
        except SlackFailure as error:
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
            except SlackFailure as error:
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
                    _, ts = await self._send_new(said, metadata)
        except SlackFailure as error:
            raise self._explained(error) from error
        return f"{self.place}, {ts}"

    async def _posted(self, marker: str) -> str:
        """Time stamp of what was posted under a marker; empty where nothing is found."""
        channel = await self._readable()
        asked = {"channel": channel, "limit": str(SEARCHED), "include_all_metadata": "true"}
        try:
            answer = await self._api.read("conversations.history", asked)
        except SlackFailure as error:
            if error.code not in _UNREADABLE:
                raise
            return ""
        for found in listed(answer, "messages"):
            metadata = within(found, "metadata")
            payload = within(metadata, "event_payload")
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
            known = self._runs[run_id] = _read(message)
            self._seen = known.channel or self._seen
        return known

    async def _readable(self) -> str:
        """What the channel can be read by, as far as it is known: it is posted to by its name."""
        known = await self._ids.id_of(self._channel)
        is_id = known != known.lower()  # a name has no capitals
        return known if is_id else self._seen or known

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
            metadata = _metadata(run_id, key, digest)
            if run.channel:
                run.channel, ts = await self._send(run.channel, post, thread_ts, metadata)
            else:
                run.channel, ts = await self._send_new(post, metadata)
            known = _Posted(ts=ts, digest=digest)
            run.certain = True
        run.posts[key] = _Posted(ts=known.ts, digest=digest)
        return known.ts

    async def _edit(self, run: _Run, ts: str, post: Post, run_id: str, key: str, digest: str) -> bool:
        """Whether the post is still there, and says it now."""
        metadata = _metadata(run_id, key, digest)
        plain: dict[str, object] = {"channel": run.channel, "ts": ts, "text": post.text, "metadata": metadata}
        try:
            await self._api.call("chat.update", {**plain, "blocks": list(post.blocks)})
        except SlackFailure as error:
            if error.code in _GONE:
                return False
            if error.code not in _UNSHOWABLE:
                raise
            await self._api.call("chat.update", {**plain, "blocks": []})
        return True

    async def _send_new(self, post: Post, metadata: dict[str, object]) -> tuple[str, str]:
        """Channel id and time stamp of a new post in the channel of the settings."""
        channel_id, ts = await self._send(self._channel, post, "", metadata)
        await self._ids.learn(self._channel, channel_id)
        return channel_id, ts

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
            answer = await self._api.call("chat.postMessage", {**plain, "blocks": list(post.blocks)})
        except SlackFailure as error:
            if error.code not in _UNSHOWABLE:
                raise
            answer = await self._api.call("chat.postMessage", plain)
        where, ts = answer.get("channel"), answer.get("ts")
        if not isinstance(where, str) or not isinstance(ts, str) or not where or not ts:
            raise SlackFailure("", "it does not say where the post is")
        return where, ts

    async def _recover(self, state: RunState, run: _Run) -> None:
        """Find what was posted for the run and never written down."""
        root = run.posts.get(ROOT)
        channel = run.channel or await self._readable()
        try:
            if root is None:
                oldest = {"oldest": str(state.started_at.timestamp() - 1)}
                await self._look(run, channel, state.run_id, "conversations.history", oldest)
                root = run.posts.get(ROOT)
            if root is not None:
                run.channel = channel
                await self._look(run, channel, state.run_id, "conversations.replies", {"ts": root.ts})
        except SlackFailure as error:
            # By a name that no id is known for a channel cannot be read; without the scope none can.
            if error.code not in (*_UNREADABLE, "thread_not_found"):
                raise
        run.certain = True

    async def _look(
        self, run: _Run, channel: str, run_id: str, method: str, where: Mapping[str, str]
    ) -> None:
        asked = {"channel": channel, "limit": str(SEARCHED), "include_all_metadata": "true", **where}
        for found in listed(await self._api.read(method, asked), "messages"):
            metadata = within(found, "metadata")
            payload = within(metadata, "event_payload")
            if metadata.get("event_type") == EVENT_TYPE and payload.get("run_id") == run_id:
                post = _Posted(ts=str(found.get("ts")), digest=str(payload.get("digest", "")))
                run.posts.setdefault(str(payload.get("key", "")), post)

    def _explained(self, failure: SlackFailure) -> OutsideError:
        if failure.code:
            remedy = REMEDIES.get(failure.code, "it is tried again later")
            return OutsideError(
                f"Slack refused a call for channel {self._channel!r}: {failure.code}; {remedy}"
            )
        return OutsideError(
            f"Slack could not be reached for channel {self._channel!r}: {failure}; it is tried again later"
        )


def _read(message: str) -> _Run:
    """What the journal says was posted; a name that is none of ours says nothing."""
    try:
        name = _Name.model_validate_json(message)
    except ValidationError:
        return _Run("", {})
    return _Run(name.channel, dict(name.posts))


def _metadata(run_id: str, key: str, digest: str) -> dict[str, object]:
    return {"event_type": EVENT_TYPE, "event_payload": {"run_id": run_id, "key": key, "digest": digest}}


def _digest(post: Post) -> str:
    said = json.dumps([post.text, post.blocks], sort_keys=True).encode("utf-8", "surrogatepass")
    return hashlib.sha256(said).hexdigest()[:16]
