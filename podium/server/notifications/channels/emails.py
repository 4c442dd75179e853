"""Email over a mail server: that of the settings, of credentials that the SDK keeps, or of Podium's own block."""

import socket
from typing import Any

import msgspec

from podium.server.notifications.channels.about import About
from podium.server.notifications.channels.texts import headline
from podium.server.notifications.mail import PORTS, Encryption, Mail, MailServer, checked_recipients
from podium.server.notifications.outcome import Failed
from podium.server.notifications.queue import Message

PROVIDERS = {
    "aol": "smtp.aol.com",
    "att": "smtp.mail.att.net",
    "comcast": "smtp.comcast.net",
    "icloud": "smtp.mail.me.com",
    "gmail": "smtp.gmail.com",
    "outlook": "smtp-mail.outlook.com",
    "yahoo": "smtp.mail.yahoo.com",
}
"""Mail servers that ``email-server-credentials`` may call by their name."""

TYPES: dict[Any, Encryption] = {
    "SSL": "tls",
    "STARTTLS": "starttls",
    "INSECURE": "none",
    465: "tls",
    587: "starttls",
    25: "none",
}
NO_SERVER = "no mail server is set (PODIUM_SERVER_NOTIFICATIONS_SMTP_HOST), and no block names one"


def email(message: Message, about: About) -> list[Mail]:
    """Over the server's own mail server, to the message's addresses."""
    return _mails(_own_server(about), None, message.emails, message, about)


def _own_server(about: About) -> MailServer:
    smtp = about.settings.smtp
    if not smtp.host:
        raise Failed(NO_SERVER, True)
    port = smtp.port or PORTS[smtp.encryption]
    return MailServer(smtp.host, port, smtp.encryption, smtp.username, smtp.password, smtp.verify)


class ServerCredentials(msgspec.Struct):
    """Fields of ``email-server-credentials``."""

    username: str | None = None
    password: str | None = None
    smtp_server: str = "smtp.gmail.com"
    smtp_type: int | str = 465
    smtp_port: int | None = None
    verify: bool = True


def email_over_credentials(block: ServerCredentials, message: Message, about: About) -> list[Mail]:
    """Over the mail server that the block has the credentials of, to the message's addresses."""
    kind = block.smtp_type.upper() if isinstance(block.smtp_type, str) else block.smtp_type
    encryption = TYPES.get(int(kind) if isinstance(kind, str) and kind.isdigit() else kind)
    if encryption is None:
        raise Failed(f"the block has the SMTP type {block.smtp_type!r}; it is one of SSL, STARTTLS and INSECURE", True)
    host = PROVIDERS.get(block.smtp_server.lower(), block.smtp_server)
    port = block.smtp_port or PORTS[encryption]
    server = MailServer(host, port, encryption, block.username, block.password, block.verify, private=True)
    return _mails(server, None, message.emails, message, about)


class PodiumEmail(msgspec.Struct):
    """Fields of ``podium-email``."""

    to_emails: list[str]
    sender: str | None = None
    smtp_host: str | None = None
    smtp_port: int | None = None
    encryption: Encryption = "starttls"
    username: str | None = None
    password: str | None = None
    verify: bool = True
    allow_private_addresses: bool = True


def podium_email(block: PodiumEmail, message: Message, about: About) -> list[Mail]:
    """To the message's addresses, else the block's; over the block's mail server, else the server's own."""
    if block.smtp_host:
        server = MailServer(
            block.smtp_host,
            block.smtp_port or PORTS[block.encryption],
            block.encryption,
            block.username,
            block.password,
            block.verify,
            private=block.allow_private_addresses,
        )
    else:
        server = _own_server(about)
    return _mails(server, block.sender, message.emails or block.to_emails, message, about)


def _mails(server: MailServer, sender: str | None, recipients: list[str], message: Message, about: About) -> list[Mail]:
    to = checked_recipients(recipients)
    left = tuple(each for each in to if each not in about.reached)
    user = server.username if server.username and "@" in server.username else None
    address = sender or about.settings.smtp.sender or user or f"podium@{socket.gethostname()}"
    subject = message.subject or headline(message)[:200]
    return [Mail(server, address, left, to, subject, message.body, about.created)] if left else []
