"""Services that call people: Opsgenie, PagerDuty, SMS over Twilio, email over SendGrid."""

import re
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec

from podium.server.notifications.channels.about import About
from podium.server.notifications.channels.texts import clip, headline, whole
from podium.server.notifications.http import HttpCall, json_call
from podium.server.notifications.outcome import Failed
from podium.server.notifications.queue import Message

NAME = "Podium"
RESPONDERS = 50
RECIPIENTS = 1000
SEVERITIES = {"info": "info", "success": "info", "warning": "warning", "failure": "critical"}


class Opsgenie(msgspec.Struct):
    """Fields of ``opsgenie-webhook``."""

    apikey: str
    notify_type: str = "info"
    target_user: list[str] | None = None
    target_team: list[str] | None = None
    target_schedule: list[str] | None = None
    target_escalation: list[str] | None = None
    region_name: str = "us"
    batch: bool = False
    tags: list[str] | None = None
    priority: int | None = 3
    alias: str | None = None
    entity: str | None = None
    details: dict[str, str] | None = None


def opsgenie(block: Opsgenie, message: Message, about: About) -> list[HttpCall]:
    """https://docs.opsgenie.com/docs/alert-api#create-alert , an alert for each responder unless ``batch``.

    Alerts with one alias are one to Opsgenie. So a block's own alias takes all responders at once.
    """
    host = "api.eu.opsgenie.com" if block.region_name == "eu" else "api.opsgenie.com"
    priority = block.priority if block.priority in range(1, 6) else 3
    body: dict[str, Any] = {
        "message": clip(headline(message), 130),
        "description": clip(message.body, 15_000),
        "details": {"type": block.notify_type, **(block.details or {})},
        "priority": f"P{priority}",
        "source": NAME,
    }
    if block.tags:
        body["tags"] = block.tags
    if block.entity:
        body["entity"] = block.entity
    responders = _responders(block)
    size = RESPONDERS if block.batch or block.alias else 1
    groups: list[list[dict[str, str]]] = [responders[at : at + size] for at in range(0, len(responders), size)]
    calls = []
    for number, group in enumerate(groups or [[]]):
        alias = block.alias or (about.key if len(groups) < 2 else f"{about.key}-{number}")
        alert = {**body, "alias": alias, **({"responders": group} if group else {})}
        headers = {"Authorization": f"GenieKey {block.apikey}"}
        calls.append(json_call(f"https://{host}/v2/alerts", alert, headers, keys=(str(number),)))
    return calls


def _responders(block: Opsgenie) -> list[dict[str, str]]:
    named = (
        ("user", "username", block.target_user),
        ("team", "name", block.target_team),
        ("schedule", "name", block.target_schedule),
        ("escalation", "name", block.target_escalation),
    )
    return [
        {"type": kind, ("id" if _is_id(target) else name): target}
        for kind, name, targets in named
        for target in dict.fromkeys(targets or ())
    ]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


class PagerDuty(msgspec.Struct):
    """Fields of ``pager-duty-webhook``. Its ``api_key`` is not needed for events, and stays here."""

    integration_key: str
    notify_type: str = "info"
    source: str | None = "Prefect"
    component: str = "Notification"
    group: str | None = None
    class_id: str | None = None
    region_name: str = "us"
    clickable_url: str | None = None
    custom_details: dict[str, str] | None = None


def pager_duty(block: PagerDuty, message: Message, about: About) -> list[HttpCall]:
    """https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ ; what is sent twice is one incident."""
    host = "events.eu.pagerduty.com" if block.region_name == "eu" else "events.pagerduty.com"
    payload: dict[str, Any] = {
        "summary": clip(headline(message), 1024),
        "severity": SEVERITIES.get(block.notify_type, "info"),
        "source": block.source or NAME,
        "component": block.component,
    }
    if block.group:
        payload["group"] = block.group
    if block.class_id:
        payload["class"] = block.class_id
    details = dict(block.custom_details or {})
    if message.subject:
        details["Prefect Notification Body"] = message.body
    if details:
        payload["custom_details"] = details
    event: dict[str, Any] = {
        "routing_key": block.integration_key,
        "event_action": "trigger",
        "dedup_key": clip(about.key, 255),
        "client": NAME,
        "payload": payload,
    }
    if block.clickable_url:
        event["links"] = [{"href": block.clickable_url, "text": block.clickable_url}]
    return [json_call(f"https://{host}/v2/enqueue", event)]


class Twilio(msgspec.Struct):
    """Fields of ``twilio-sms``."""

    account_sid: str
    auth_token: str
    from_phone_number: str
    to_phone_numbers: list[str]


def twilio(block: Twilio, message: Message, about: About) -> list[HttpCall]:
    """https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource , to each number."""
    url = f"https://api.twilio.com/2010-04-01/Accounts/{quote(block.account_sid, safe='')}/Messages.json"
    credentials = b64encode(f"{block.account_sid}:{block.auth_token}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
    sender = _number(block.from_phone_number)
    numbers = dict.fromkeys(_number(each) for each in block.to_phone_numbers)
    if not numbers:
        raise Failed("the block names no phone number to send to", True)
    return [
        HttpCall(
            url,
            urlencode({"From": sender, "To": number, "Body": clip(whole(message), 1600)}).encode(),
            headers,
            keys=(number,),
        )
        for number in numbers
    ]


def _number(text: str) -> str:
    """A phone number in the international form; short codes and names of senders stay as they are."""
    digits = re.sub(r"[\s().-]", "", text).removeprefix("+")
    return f"+{digits}" if digits.isdigit() and len(digits) > 6 else text.strip()


class SendGrid(msgspec.Struct):
    """Fields of ``sendgrid-email``."""

    api_key: str
    sender_email: str
    to_emails: list[str]


def sendgrid(block: SendGrid, message: Message, about: About) -> list[HttpCall]:
    """https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send , a copy to each recipient of the block
    or, where the message names some, of the message."""
    recipients = list(dict.fromkeys(message.emails or block.to_emails))
    if not recipients:
        raise Failed("the block names nobody to send to", True)
    calls = []
    for at in range(0, len(recipients), RECIPIENTS):
        body = {
            "personalizations": [{"to": [{"email": email}]} for email in recipients[at : at + RECIPIENTS]],
            "from": {"email": block.sender_email},
            "subject": clip(headline(message), 500) or NAME,
            "content": [{"type": "text/plain", "value": message.body or " "}],
            "custom_args": {"podium_delivery": about.key},
        }
        headers = {"Authorization": f"Bearer {block.api_key}"}
        calls.append(json_call("https://api.sendgrid.com/v3/mail/send", body, headers, keys=(str(at),)))
    return calls
