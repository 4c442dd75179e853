"""Chats: Slack, Discord, Mattermost, Microsoft Teams."""

from typing import Any

import msgspec

from podium.server.notifications.channels.about import About
from podium.server.notifications.channels.texts import COLORS, clip, headline, whole
from podium.server.notifications.http import HttpCall, json_call
from podium.server.notifications.queue import Message

LONGEST_IN_SLACK = 30_000
LONGEST_IN_DISCORD = 2000
LONGEST_IN_MATTERMOST = 16_383
LONGEST_IN_TEAMS = 20_000

NAME = "Podium"


class Slack(msgspec.Struct):
    """Fields of ``slack-webhook``."""

    url: str
    notify_type: str = "info"
    allow_private_urls: bool = True


def slack(block: Slack, message: Message, about: About) -> list[HttpCall]:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    attachment = {
        "fallback": clip(_escaped(headline(message)), 1000),
        "color": COLORS.get(block.notify_type, COLORS["info"]),
        "text": _escaped(clip(message.body, LONGEST_IN_SLACK)),
        "footer": NAME,
    }
    if message.subject:
        attachment["title"] = _escaped(clip(headline(message), 500))
    return [json_call(block.url, {"attachments": [attachment]}, private=block.allow_private_urls)]


def _escaped(text: str) -> str:
    """Text for Slack, where these three begin and end what is more than text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Discord(msgspec.Struct):
    """Fields of ``discord-webhook``."""

    webhook_id: str
    webhook_token: str
    botname: str | None = None
    tts: bool = False
    avatar: bool = False
    avatar_url: str | None = None


def discord(block: Discord, message: Message, about: About) -> list[HttpCall]:
    """https://discord.com/developers/docs/resources/webhook#execute-webhook"""
    body: dict[str, Any] = {
        "content": clip(whole(message), LONGEST_IN_DISCORD),
        "tts": block.tts,
        # The name of a run that reads @everyone calls nobody.
        "allowed_mentions": {"parse": []},
    }
    if block.botname:
        body["username"] = block.botname
    if block.avatar and block.avatar_url:
        body["avatar_url"] = block.avatar_url
    url = f"https://discord.com/api/webhooks/{block.webhook_id}/{block.webhook_token}?wait=true"
    return [json_call(url, body)]


class Mattermost(msgspec.Struct):
    """Fields of ``mattermost-webhook``."""

    hostname: str
    token: str
    secure: bool = False
    botname: str | None = None
    channels: list[str] | None = None
    path: str | None = None
    port: int = 8065


def mattermost(block: Mattermost, message: Message, about: About) -> list[HttpCall]:
    """https://developers.mattermost.com/integrate/webhooks/incoming/ , once for each channel."""
    scheme = "https" if block.secure else "http"
    path = f"/{block.path.strip('/')}" if block.path and block.path.strip("/") else ""
    url = f"{scheme}://{block.hostname}:{block.port}{path}/hooks/{block.token}"
    body: dict[str, Any] = {
        "text": clip(whole(message), LONGEST_IN_MATTERMOST),
        "username": block.botname or NAME,
    }
    if not block.channels:
        return [json_call(url, body)]
    channels = dict.fromkeys(channel.lstrip("#") for channel in block.channels)
    return [json_call(url, {**body, "channel": channel}, keys=(channel,)) for channel in channels]


class Teams(msgspec.Struct):
    """Fields of ``ms-teams-webhook``."""

    url: str
    wrap: bool = True
    allow_private_urls: bool = True


def teams(block: Teams, message: Message, about: About) -> list[HttpCall]:
    """An adaptive card for a workflow that posts them:
    https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498"""
    content: list[dict[str, Any]] = []
    if message.subject:
        content.append(
            {
                "type": "TextBlock",
                "text": clip(headline(message), 500),
                "style": "heading",
                "weight": "Bolder",
                "size": "Large",
                "wrap": block.wrap,
                "id": "title",
            }
        )
    text = clip(message.body, LONGEST_IN_TEAMS)
    content.append({"type": "TextBlock", "text": text, "style": "default", "wrap": block.wrap, "id": "body"})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": content,
        "msteams": {"width": "full"},
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return [json_call(block.url, {"type": "message", "attachments": [attachment]}, private=block.allow_private_urls)]
