"""How a message goes out over each kind of block: a row for each type that the server knows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from podium.server.notifications.channels import alerts, chats, emails, webhooks
from podium.server.notifications.channels.about import About
from podium.server.notifications.outcome import Failed
from podium.server.notifications.queue import Kind, Message
from podium.server.notifications.sending import Part

Make = Callable[[Any, Message, About], Sequence[Part]]
Row = tuple[type[msgspec.Struct], Make]

NOTIFYING: Mapping[str, Row] = {
    "custom-webhook": (webhooks.CustomWebhook, webhooks.custom_webhook),
    "discord-webhook": (chats.Discord, chats.discord),
    "mattermost-webhook": (chats.Mattermost, chats.mattermost),
    "ms-teams-webhook": (chats.Teams, chats.teams),
    "opsgenie-webhook": (alerts.Opsgenie, alerts.opsgenie),
    "pager-duty-webhook": (alerts.PagerDuty, alerts.pager_duty),
    "podium-email": (emails.PodiumEmail, emails.podium_email),
    "sendgrid-email": (alerts.SendGrid, alerts.sendgrid),
    "slack-webhook": (chats.Slack, chats.slack),
    "twilio-sms": (alerts.Twilio, alerts.twilio),
}
"""Block types, by slug, that a notification goes over: the fields that are read, and what makes requests of them."""

MAILING: Mapping[str, Row] = {
    "email-server-credentials": (emails.ServerCredentials, emails.email_over_credentials),
    "podium-email": NOTIFYING["podium-email"],
    "sendgrid-email": NOTIFYING["sendgrid-email"],
}
"""Those that an email to named addresses goes over."""

CALLING: Mapping[str, Row] = {"webhook": (webhooks.Webhook, webhooks.webhook)}
"""Those that a payload goes to."""

KINDS: Mapping[Kind, Mapping[str, Row]] = {"notification": NOTIFYING, "email": MAILING, "webhook": CALLING}


def parts(kind: Kind, slug: str | None, data: Mapping[str, Any], message: Message, about: About) -> Sequence[Part]:
    """What is to be sent for a message over a block of the type with this slug (None: an email without a block).

    Raises ``Failed`` where that makes no sense.
    """
    if slug is None:
        if kind != "email":
            raise Failed("the message names no block to go over", True)
        return emails.email(message, about)
    row = KINDS[kind].get(slug)
    if row is None:
        known = ", ".join(sorted(KINDS[kind]))
        raise Failed(f"the server knows no way to send a {kind} over a block of type {slug} (but over {known})", True)
    fields, make = row
    try:
        block = msgspec.convert({name: value for name, value in data.items() if value is not None}, fields)
    except msgspec.ValidationError as error:
        raise Failed(f"the block's data does not fit its type {slug}: {error}", True) from None
    return make(block, message, about)
