"""Email over SMTP."""

import asyncio
import base64
import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, Literal

from podium.server.notifications.addresses import Address
from podium.server.notifications.outcome import Answer, Failed
from podium.server.notifications.sending import Way

Encryption = Literal["starttls", "tls", "none"]

PORTS: dict[Encryption, int] = {"starttls": 587, "tls": 465, "none": 25}

_PLAIN_KEY = re.compile(r"[A-Za-z0-9._-]+")
_SPACE = re.compile(r"[\x00-\x20\x7f]+")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where email goes out. ``private``: it may have an address that is not public; None: it may whatever is set."""

    host: str
    port: int
    encryption: Encryption
    username: str | None = None
    password: str | None = None
    verify: bool = True
    private: bool | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """One email. Its ``keys`` are the recipients it is sent to now, ``to`` those that it names."""

    server: MailServer
    sender: str
    keys: tuple[str, ...]
    to: tuple[str, ...]
    subject: str
    body: str
    created: datetime

    async def send(self, way: Way) -> Answer:
        """Sends it; raises ``Failed``.

        Where the server refuses some of them, the answer tells whom and why.
        """
        server = self.server
        if server.password:
            plain = f"\0{server.username or ''}\0{server.password}".encode()
            way.hidden.add((server.password, base64.b64encode(plain).decode()))
        session: _Session | None = None
        try:
            async with asyncio.timeout(way.settings.timeout):
                addresses = await self._addresses(way)
                context = None if server.encryption == "none" else await way.tls.context(server.verify)
                session = _Session(server, addresses, context, way.settings.timeout)
                refused = await asyncio.to_thread(session.send, self._message(way), self._from(), self.keys)
        except TimeoutError:
            raise Failed(
                f"the mail server {server.host} did not answer within {way.settings.timeout:g} seconds"
            ) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _failure(error, server, way) from None
        finally:
            if session is not None:
                session.abort()
        reached = tuple(each for each in self.keys if each not in refused)
        failures = tuple(_refusal(each, *refused[each], way) for each in self.keys if each in refused)
        return Answer({"recipients": list(reached)}, reached, failures)

    async def _addresses(self, way: Way) -> list[Address]:
        host, port = self.server.host, self.server.port
        if self.server.private is None:
            try:
                return await way.resolve(host, port)
            except (OSError, UnicodeError):
                raise Failed(f"the mail server {host} cannot be resolved") from None
        return await way.addresses(host, port, self.server.private)

    def _from(self) -> str:
        return parseaddr(self.sender)[1]

    def _message(self, way: Way) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(self.to)
        message["Subject"] = _SPACE.sub(" ", self.subject).strip()
        message["Date"] = format_datetime(self.created)
        key = way.key if _PLAIN_KEY.fullmatch(way.key) else hashlib.sha256(way.key.encode()).hexdigest()
        message["Message-ID"] = f"<{key}@{self._from().rpartition('@')[2] or 'podium'}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Podium-Delivery"] = way.delivery_id
        message.set_content(self.body)
        return message


def checked_recipients(emails: list[str]) -> tuple[str, ...]:
    """The addresses, each once. Raises ``Failed`` where there is none, or one that is no address."""
    found = dict.fromkeys(each.strip() for each in emails)
    for each in found:
        name, at, domain = each.rpartition("@")
        if not (name and at and domain) or _SPACE.search(each) or any(sign in each for sign in '<>,;"()'):
            raise Failed(f"{each!r} is no email address", True)
    if not found:
        raise Failed("there is nobody to send to", True)
    return tuple(found)


class _Pinned(smtplib.SMTP):
    """Connects to one of the addresses that were looked up, whatever the name stands for by now."""

    addresses: Sequence[Address] = ()

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        failure: OSError = OSError("it has no address")
        for address in self.addresses:
            try:
                return socket.create_connection(address, timeout)
            except OSError as error:
                failure = error
        raise failure


class _PinnedTls(smtplib.SMTP_SSL, _Pinned):
    """The same, encrypted from the first byte on."""


class _Session:
    """A connection to a mail server, used by a thread; ``abort`` ends it from another."""

    def __init__(
        self, server: MailServer, addresses: list[Address], context: ssl.SSLContext | None, timeout: float
    ) -> None:
        self._server = server
        self._context = context
        kind: Any = _PinnedTls if server.encryption == "tls" else _Pinned
        own_name = socket.gethostname() or "localhost"
        more = {"context": context} if server.encryption == "tls" else {}
        self._smtp = kind(local_hostname=own_name, timeout=timeout, **more)
        self._smtp.addresses = addresses
        # What certificates are checked against.
        self._smtp._host = server.host
        self._aborted = False

    def send(self, message: EmailMessage, sender: str, recipients: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Logs in and sends; whom the server refused, and how. Raises what ``smtplib`` does."""
        smtp, server = self._smtp, self._server
        try:
            code, answer = smtp.connect(server.host, server.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, answer)
            if server.encryption == "starttls":
                smtp.ehlo_or_helo_if_needed()
                smtp.starttls(context=self._context)
            if server.username:
                smtp.login(server.username, server.password or "")
            if self._aborted:
                raise smtplib.SMTPServerDisconnected("it took too long")
            refused: dict[str, tuple[int, bytes]] = smtp.send_message(message, sender, recipients)
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
        finally:
            smtp.close()
        return refused

    def abort(self) -> None:
        """Sends nothing any more and ends the connection, also under a thread that waits for it."""
        self._aborted = True
        sock = getattr(self._smtp, "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _failure(error: Exception, server: MailServer, way: Way) -> Failed:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        worst = min(error.recipients.values(), key=lambda refusal: refusal[0])
        names = ", ".join(error.recipients)
        return Failed(way.hidden.hide(f"{server.host} refused {names}: {_said(*worst)}"), worst[0] >= 500)
    if isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
        said = _said(code, text if isinstance(text, bytes) else str(text).encode())
        what = "refused the user or the password" if isinstance(error, smtplib.SMTPAuthenticationError) else "refused"
        return Failed(way.hidden.hide(f"{server.host} {what}: {said}"), code >= 500)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Failed(f"{server.host} cannot do it: {error}", True)
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return Failed(way.hidden.hide(f"the email cannot be sent: {error}"), True)
    reason = (error.strerror if isinstance(error, OSError) and error.strerror else str(error)) or type(error).__name__
    return Failed(way.hidden.hide(f"the mail server {server.host} cannot be used: {reason}"))


def _refusal(recipient: str, code: int, text: bytes, way: Way) -> Failed:
    return Failed(way.hidden.hide(f"{recipient}: {_said(code, text)}"), code >= 500)


def _said(code: int, text: bytes) -> str:
    return f"{code} {' '.join(text.decode('utf-8', 'replace').split())}"[:300]
