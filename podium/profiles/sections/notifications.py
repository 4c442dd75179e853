"""What the server sends: how often it tries, where it may call, and the mail server of its own."""

from typing import Annotated, Literal

import msgspec

from podium.profiles.declaration import Seconds, Section, setting


class Smtp(Section, frozen=True):
    """The mail server for email that names no block."""

    host: Annotated[
        str | None, setting("Mail server for email without a block; empty: none is sent.", guarded=True)
    ] = None
    port: Annotated[
        int | None,
        setting("Its port; empty: 587 for starttls, 465 for tls, 25 for none.", ge=1, le=65535, guarded=True),
    ] = None
    encryption: Annotated[
        Literal["starttls", "tls", "none"],
        setting("How the connection is encrypted: starttls, tls from its first byte on, or none.", guarded=True),
    ] = "starttls"
    username: Annotated[str | None, setting("User to log in as; empty: without logging in.", guarded=True)] = None
    password: Annotated[str | None, setting("Password of that user.", secret=True)] = None
    sender: Annotated[
        str | None, setting("Address that email comes from; empty: the user, or podium@ the server's name.")
    ] = None
    verify: Annotated[bool, setting("Check the certificate of the mail server.", guarded=True)] = True


class Notifications(Section, frozen=True):
    """What is sent to people and other systems."""

    attempts: Annotated[int, setting("Attempts after which a message is given up.", ge=1)] = 30
    first_retry_delay: Annotated[
        Seconds, setting("Wait after the first failed attempt; it doubles with each further one.", gt=0)
    ] = 1.0
    longest_retry_delay: Annotated[Seconds, setting("Longest wait between two attempts.", gt=0)] = 900.0
    timeout: Annotated[Seconds, setting("How long a message may take to be sent.", gt=0)] = 30.0
    max_answer_size: Annotated[int, setting("Most bytes that are read of an answer.", ge=0)] = 65536
    allow_private_addresses: Annotated[
        bool | None,
        setting(
            "Whether blocks may send to private, loopback and link-local addresses; empty: where the block allows it.",
            guarded=True,
        ),
    ] = None
    smtp: Smtp = msgspec.field(default_factory=Smtp)
