"""Creating, changing and deleting block types; those the server brings along."""

from collections.abc import Mapping
from html import escape
from typing import Any

from sqlalchemy import func, select

from podium.db.tables.blocks import block_types
from podium.db.unit import Row, Tx
from podium.server.errors import Conflict, Forbidden, NotFound
from podium.server.events.lifecycle import block_type_event
from podium.server.queries.blocks import BLOCK_TYPES
from podium.server.queries.generic import add_if_absent, change, get, take_out

ESCAPED = ("description", "code_example")

BROUGHT_ALONG: tuple[tuple[str, str, str, bool], ...] = (
    ("secret", "Secret", "A value that is kept encrypted and shown masked.", True),
    ("webhook", "Webhook", "A URL to call, with its method and headers.", True),
    ("local-file-system", "Local File System", "A directory of the machine a run is on.", True),
    ("remote-file-system", "Remote File System", "A directory of a remote file system.", False),
    ("smb", "SMB", "A share of an SMB server.", False),
    ("slack-webhook", "Slack Webhook", "Sends notifications to Slack.", False),
    ("ms-teams-webhook", "Microsoft Teams Webhook", "Sends notifications to Microsoft Teams.", False),
    ("discord-webhook", "Discord Webhook", "Sends notifications to Discord.", False),
    ("mattermost-webhook", "Mattermost Webhook", "Sends notifications to Mattermost.", False),
    ("opsgenie-webhook", "Opsgenie Webhook", "Sends notifications to Opsgenie.", False),
    ("pager-duty-webhook", "Pager Duty Webhook", "Sends notifications to PagerDuty.", False),
    ("twilio-sms", "Twilio SMS", "Sends notifications as text messages by Twilio.", False),
    ("sendgrid-email", "Sendgrid Email", "Sends notifications as e-mail by SendGrid.", False),
    ("custom-webhook", "Custom Webhook", "Sends notifications to any URL.", False),
)
"""Slug, name, description and whether it is protected. Clients bring the schemas, and texts of their own."""

_COUNT_BROUGHT_ALONG = (
    select(func.count())
    .select_from(block_types)
    .where(BLOCK_TYPES.mine, block_types.c.slug.in_([slug for slug, *_ in BROUGHT_ALONG]))
)


def create_block_type(tx: Tx, values: Mapping[str, Any]) -> Row:
    """Stores a block type; ``Conflict`` when its name or slug is taken, ``Forbidden`` for a reserved name."""
    if values["name"].lower().startswith("prefect"):
        raise Forbidden("Names of block types that start with 'prefect' are reserved.")
    escaped = {name: escape(values[name], quote=False) for name in ESCAPED if values.get(name) is not None}
    block_type = add_if_absent(tx, BLOCK_TYPES, {**values, **escaped})
    if block_type is None:
        raise Conflict(f"A block type with the name {values['name']!r} or the slug {values['slug']!r} already exists.")
    tx.emit(block_type_event("created", block_type, tx.now))
    return block_type


def change_block_type(tx: Tx, block_type_id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a block type; ``NotFound`` without it."""
    block_type = change(tx, BLOCK_TYPES, block_type_id, values)
    if block_type is None:
        raise NotFound("Block type not found")
    tx.emit(block_type_event("updated", block_type, tx.now))


def delete_block_type(tx: Tx, block_type_id: str) -> None:
    """Deletes a block type with its schemas and documents; ``Forbidden`` for a protected one."""
    if get(tx, BLOCK_TYPES, block_type_id)["is_protected"]:
        raise Forbidden("protected block types cannot be deleted.")  # clients compare the text
    block_type = take_out(tx, BLOCK_TYPES, block_type_id)
    if block_type is not None:
        tx.emit(block_type_event("deleted", block_type, tx.now))


def lacks_block_types(tx: Tx) -> bool:
    """Whether a block type that the server brings along is missing."""
    return bool(tx.value(_COUNT_BROUGHT_ALONG) < len(BROUGHT_ALONG))


def install_block_types(tx: Tx, protected_only: bool = False) -> None:
    """Stores the block types that the server brings along, where they are missing."""
    for slug, name, description, protected in BROUGHT_ALONG:
        if protected or not protected_only:
            values = {"slug": slug, "name": name, "description": description, "is_protected": protected}
            add_if_absent(tx, BLOCK_TYPES, values)
