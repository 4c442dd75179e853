"""Email over a real mail server on loopback: encrypted, logged in, once, in order."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from podium.profiles.sections.notifications import Smtp
from tests.server.notifications.conftest import Post
from tests.server.notifications.sinks import SmtpSink

SUBJECT = "Run failed: größer"
BODY = "The fuzzy-leopard run entered a Failed state.\n.\nÜber alles\n"
TO = ["a@example.com", "b@example.com"]
USER, PASSWORD = "podium@example.com", "p4ssw0rd-of-mail"

Open = Callable[..., SmtpSink]


@pytest.fixture
def mail(post: Post, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens a mail server, known by the certificate that this machine is told to trust, and sets it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with ExitStack() as stack:

        def open_server(encryption: Any = "starttls", user: str = USER, password: str = PASSWORD) -> SmtpSink:
            server = stack.enter_context(SmtpSink(certificate, encryption, user, password))
            given = {"username": user or None, "password": password or None, "sender": "Podium <from@example.com>"}
            post.set(smtp=Smtp(host="127.0.0.1", port=server.port, encryption=encryption, **given))
            return server

        yield open_server


@pytest.mark.parametrize("encryption", ["starttls", "tls", "none"])
def test_an_email_over_the_servers_own_mail_server(post: Post, mail: Open, encryption: str) -> None:
    """Encrypted as is set, logged in; what it says arrives to the letter, with an id made of the delivery's key."""
    server = mail(encryption)
    delivery = post.queue(None, BODY, SUBJECT, kind="email", emails=TO, key="the-key")
    assert post.deliver() is None
    assert post.row(delivery)["state"] == "delivered", post.row(delivery)["error"]
    [taken] = server.mails
    assert (taken.sender, taken.recipients) == ("from@example.com", TO)
    assert (taken.encrypted, taken.user) == (encryption != "none", USER)
    message = taken.message
    assert (message["From"], message["To"], message["Subject"]) == (
        "Podium <from@example.com>",
        "a@example.com, b@example.com",
        SUBJECT,
    )
    assert message["Message-ID"] == "<the-key@example.com>"
    assert message["Date"].datetime == post.clock()
    assert message.get_content().replace("\r\n", "\n") == BODY
    assert post.row(delivery)["result"] == {"recipients": TO}


def test_ten_minutes_without_the_mail_server(post: Post, mail: Open) -> None:
    """All that came meanwhile is delivered once, in order."""
    server = mail()
    server.down = True
    for number in range(10):
        post.queue(None, str(number), "s", kind="email", emails=TO)
    passed = 0.0
    while passed < 600:
        due = post.deliver()
        assert due is not None
        post.clock.turn(due)
        passed += due
    server.down = False
    assert post.deliver() is None
    assert [taken.message.get_content().strip() for taken in server.mails] == [str(number) for number in range(10)]


def test_a_wrong_password(post: Post, mail: Open) -> None:
    """Is no matter of trying again; the error does not show it."""
    server = mail()
    server.password = "another"
    delivery = post.queue(None, BODY, SUBJECT, kind="email", emails=TO)
    assert post.deliver() is None
    row = post.row(delivery)
    assert row["state"] == "dead"
    assert row["error"] == "127.0.0.1 refused the user or the password: 535 5.7.8 wrong user or password"
    assert PASSWORD not in repr(row)


def test_a_certificate_that_nobody_knows(post: Post, mail: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gets no password and no message, unless the setting says not to look."""
    server = mail()
    monkeypatch.delenv("SSL_CERT_FILE")
    delivery = post.queue(None, BODY, SUBJECT, kind="email", emails=TO)
    due = post.deliver()
    assert due is not None and server.mails == []
    assert "certificate verify failed" in post.row(delivery)["error"].lower()
    post.set(smtp=Smtp(host="127.0.0.1", port=server.port, username=USER, password=PASSWORD, verify=False))
    post.clock.turn(due)
    assert post.deliver() is None
    assert len(server.mails) == 1


def test_a_mail_server_that_does_not_encrypt(post: Post, mail: Open) -> None:
    """Gets nothing where encryption is asked for."""
    server = mail("none")
    post.set(smtp=Smtp(host="127.0.0.1", port=server.port, encryption="starttls"))
    delivery = post.queue(None, BODY, SUBJECT, kind="email", emails=TO)
    assert post.deliver() is None
    assert "STARTTLS" in post.row(delivery)["error"] and server.mails == []


def test_some_recipients_are_refused(post: Post, mail: Open) -> None:
    """The others get the message once; one that is refused for now gets it later, one for good is named."""
    server = mail()
    server.refuses = {"b@example.com": "451 4.2.1 try later", "c@example.com": "550 5.1.1 nobody of that name"}
    delivery = post.queue(None, BODY, SUBJECT, kind="email", emails=[*TO, "c@example.com"])
    due = post.deliver()
    assert due is not None and [taken.recipients for taken in server.mails] == [["a@example.com"]]
    del server.refuses["b@example.com"]
    post.clock.turn(due)
    assert post.deliver() is None
    assert [taken.recipients for taken in server.mails] == [["a@example.com"], ["b@example.com"]]
    row = post.row(delivery)
    assert (row["state"], row["result"]["reached"]) == ("dead", TO)
    assert row["error"] == "sent to 2, failed for 1: c@example.com: 550 5.1.1 nobody of that name"


@pytest.mark.parametrize("emails", [[], ["nobody"], ["a@example.com\r\nBcc: b@example.com"], ["<a@example.com>"]])
def test_what_is_no_address(post: Post, mail: Open, emails: list[str]) -> None:
    """Is not sent to."""
    server = mail()
    delivery = post.queue(None, BODY, SUBJECT, kind="email", emails=emails)
    assert post.deliver() is None
    assert post.row(delivery)["state"] == "dead" and server.mails == []


def test_a_subject_of_several_lines(post: Post, mail: Open) -> None:
    """Is one line: it adds no header."""
    server = mail()
    post.queue(None, BODY, "one\r\nBcc: c@example.com", kind="email", emails=TO)
    post.deliver()
    [taken] = server.mails
    assert (taken.message["Subject"], taken.message["Bcc"]) == ("one Bcc: c@example.com", None)


def test_without_a_mail_server(post: Post) -> None:
    """The error names the setting."""
    delivery = post.queue(None, BODY, SUBJECT, kind="email", emails=TO)
    assert post.deliver() is None
    assert "PODIUM_SERVER_NOTIFICATIONS_SMTP_HOST" in post.row(delivery)["error"]


@pytest.mark.parametrize(("encryption", "kind"), [("tls", "SSL"), ("starttls", 587), ("none", "INSECURE")])
def test_credentials_that_the_sdk_keeps(post: Post, mail: Open, encryption: str, kind: int | str) -> None:
    """Their mail server takes an email to the message's addresses, from their user."""
    server = mail(encryption)
    post.set(smtp=Smtp())
    data = {"username": USER, "password": PASSWORD, "smtp_server": "127.0.0.1", "smtp_port": server.port}
    block = post.block("email-server-credentials", {**data, "smtp_type": kind})
    post.queue(block, BODY, SUBJECT, kind="email", emails=TO)
    assert post.deliver() is None
    [taken] = server.mails
    assert (taken.sender, taken.recipients, taken.encrypted) == (USER, TO, encryption != "none")


def test_podiums_own_block(post: Post, mail: Open) -> None:
    """A notification goes to its recipients, over its mail server or the server's own; an email to those it names."""
    server = mail("tls")
    own = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "encryption": "tls"}
    block = post.block("podium-email", {**own, "username": USER, "password": PASSWORD, "to_emails": TO})
    post.queue(block, BODY, SUBJECT)
    post.queue(post.block("podium-email", {"to_emails": ["d@example.com"], "sender": "s@example.com"}), BODY, SUBJECT)
    post.deliver()
    post.queue(block, BODY, SUBJECT, kind="email", emails=["c@example.com"])
    post.deliver()
    told = sorted((taken.sender, taken.recipients) for taken in server.mails)
    assert told == [
        ("from@example.com", TO),
        ("from@example.com", ["c@example.com"]),
        ("s@example.com", ["d@example.com"]),
    ]


def test_a_mail_server_at_a_private_address(post: Post, mail: Open) -> None:
    """A block's may be forbidden; that of the settings is where whoever runs the server wants it."""
    server = mail()
    post.set(allow_private_addresses=False)
    block = post.block("podium-email", {"to_emails": TO, "smtp_host": "127.0.0.1", "smtp_port": server.port})
    refused = post.queue(block, BODY, SUBJECT)
    post.queue(None, BODY, SUBJECT, kind="email", emails=TO)
    post.deliver()
    assert "not public" in post.row(refused)["error"]
    assert len(server.mails) == 1


def test_a_mail_server_that_says_nothing(post: Post, mail: Open) -> None:
    """Has no more than the time-out, and gets nothing after it."""
    import socket

    mail()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        post.set(timeout=0.3, smtp=Smtp(host="127.0.0.1", port=silent.getsockname()[1]))
        delivery = post.queue(None, BODY, SUBJECT, kind="email", emails=TO)
        assert post.deliver() is not None
    assert post.row(delivery)["error"] == "the mail server 127.0.0.1 did not answer within 0.3 seconds"
