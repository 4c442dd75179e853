"""How a message becomes text."""

from podium.server.notifications.queue import Message

COLORS = {"info": "#3AA3E3", "success": "#3AA337", "warning": "#CACF29", "failure": "#A32037"}
"""By the type of a notification."""


def clip(text: str, most: int) -> str:
    """The text, cut where a service takes no more characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def whole(message: Message) -> str:
    """Subject and body in one."""
    return "\n".join(part for part in (message.subject, message.body) if part)


def headline(message: Message) -> str:
    """One line that says what it is about."""
    return " ".join((message.subject or message.body).split())
