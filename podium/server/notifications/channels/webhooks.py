"""Webhooks: the plain one of an action, and the custom one whose request is made of placeholders."""

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec

from podium.server.notifications.channels.about import About
from podium.server.notifications.http import HttpCall
from podium.server.notifications.outcome import Failed
from podium.server.notifications.queue import Message

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_PLACEHOLDER = re.compile(r"{{\s*([\w.\-\[\]$]+)\s*}}")


class Webhook(msgspec.Struct):
    """Fields of ``webhook``."""

    url: str
    method: Method = "POST"
    headers: dict[str, str] = {}
    allow_private_urls: bool = True
    verify: bool = True


def webhook(block: Webhook, message: Message, about: About) -> list[HttpCall]:
    """The payload as it is: text that is JSON says so, any other value becomes JSON."""
    content, media = _content(message.payload)
    given = {name.lower() for name in block.headers}
    headers = {"Content-Type": media, **block.headers} if media and "content-type" not in given else block.headers
    return [HttpCall(block.url, content, headers, block.method, private=block.allow_private_urls, verify=block.verify)]


def _content(payload: Any) -> tuple[bytes | None, str | None]:
    if payload is None or payload == "":
        return None, None
    if not isinstance(payload, str):
        return msgspec.json.encode(payload), "application/json"
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return payload.encode(), "text/plain; charset=utf-8"
    return payload.encode(), "application/json"


class CustomWebhook(msgspec.Struct):
    """Fields of ``custom-webhook``."""

    name: str
    url: str
    method: Method = "POST"
    params: dict[str, str] | None = None
    json_data: dict[str, Any] | None = None
    form_data: dict[str, str] | str | None = None
    headers: dict[str, str] | None = None
    cookies: dict[str, str] | None = None
    timeout: float = 10.0
    allow_private_urls: bool = True
    secrets: dict[str, Any] | None = None


def custom_webhook(block: CustomWebhook, message: Message, about: About) -> list[HttpCall]:
    """The request that the block describes, ``{{subject}}``, ``{{body}}``, ``{{name}}`` and secrets filled in."""
    if block.json_data is not None and block.form_data is not None:
        raise Failed("the block has both JSON data and form data", True)
    told = {"subject": message.subject or "null", "body": message.body, "name": block.name}
    values = {**(block.secrets or {}), **told}
    in_url = {**values, **{name: quote(value, safe="") for name, value in told.items()}}
    headers = {"User-Agent": "Podium Notifications", **_filled(block.headers or {}, values)}
    if block.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in _filled(block.cookies, values).items())
    content, media = _body(block, values)
    if media and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = media
    return [
        HttpCall(
            _with_params(_filled(block.url, in_url), _filled(block.params or {}, values)),
            content,
            headers,
            block.method,
            private=block.allow_private_urls,
            timeout=block.timeout if block.timeout > 0 else None,
        )
    ]


def _body(block: CustomWebhook, values: Mapping[str, Any]) -> tuple[bytes | None, str | None]:
    if block.json_data is not None:
        return msgspec.json.encode(_filled(block.json_data, values)), "application/json"
    form = _filled(block.form_data, values)
    if isinstance(form, dict):
        return urlencode(form).encode(), "application/x-www-form-urlencoded"
    return (form.encode(), None) if form else (None, None)


def _with_params(url: str, params: Mapping[str, Any]) -> str:
    if not params:
        return url
    address, hash_sign, fragment = url.partition("#")
    joint = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode(params)}{hash_sign}{fragment}"


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its placeholders filled in, once: what is filled in is no template itself.

    A text that is one placeholder becomes its value, of whatever type in JSON. Raises ``Failed`` for an unknown one.
    """
    if isinstance(template, dict):
        return {name: _filled(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    if not isinstance(template, str):
        return template
    only = _PLACEHOLDER.fullmatch(template)
    if only:
        return _value(only, values)
    return _PLACEHOLDER.sub(lambda match: str(_value(match, values)), template)


def _value(match: re.Match[str], values: Mapping[str, Any]) -> Any:
    if match[1] not in values:
        raise Failed(f"the block has no value for the placeholder {match[0]}", True)
    return values[match[1]]
