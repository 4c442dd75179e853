"""Redis, where several server processes meet."""

from typing import Annotated

import msgspec

from podium.profiles.declaration import RedisUrl, Seconds, Section, setting


class Consumer(Section, frozen=True):
    """Reading a stream."""

    automatically_acknowledge: Annotated[bool, setting("Acknowledge a message after its handler returned.")] = True
    block: Annotated[Seconds, setting("How long one blocking read waits.", gt=0)] = 1.0
    max_retries: Annotated[int, setting("Deliveries before a message is put aside as dead.", ge=0)] = 3
    min_idle_time: Annotated[
        Seconds, setting("Idle time after which a message is taken from another consumer.", ge=0)
    ] = 5.0
    should_process_pending_messages: Annotated[bool, setting("Take over messages of consumers that died.")] = True
    starting_message_id: Annotated[str, setting("Where a new group starts to read.")] = "0"
    trim_every: Annotated[Seconds, setting("How often streams are trimmed.", gt=0)] = 60.0
    trim_idle_threshold: Annotated[Seconds, setting("Groups idle for longer do not hold trimming back.", ge=0)] = 300.0


class Publisher(Section, frozen=True):
    """Writing to a stream."""

    batch_size: Annotated[int, setting("Messages gathered before they are sent.", ge=1)] = 5
    publish_every: Annotated[Seconds, setting("How long a gathered message waits at most.", gt=0)] = 10.0
    deduplicate_by: Annotated[str | None, setting("Message attribute that tells duplicates.")] = None


class Messaging(Section, frozen=True):
    """The connection that messages travel on."""

    url: Annotated[RedisUrl | None, setting("Redis URL for messages; wins over the single parts.", secret=True)] = None
    host: Annotated[str, setting("Redis host.", guarded=True)] = "localhost"
    port: Annotated[int, setting("Redis port.", guarded=True, ge=1, le=65535)] = 6379
    db: Annotated[int, setting("Redis database number.", ge=0)] = 0
    username: Annotated[str, setting("Redis user.", guarded=True)] = "default"
    password: Annotated[str, setting("Redis password.", secret=True)] = ""
    ssl: Annotated[bool, setting("Connect to Redis with TLS.", guarded=True)] = False
    protocol: Annotated[int, setting("RESP protocol version.", ge=2, le=3)] = 2
    health_check_interval: Annotated[int, setting("Seconds between checks of an idle connection.", ge=0)] = 20
    socket_connect_timeout: Annotated[Seconds | None, setting("How long connecting may take.", gt=0)] = None
    socket_timeout: Annotated[Seconds | None, setting("How long a command may take.", gt=0)] = None
    consumer: Consumer = msgspec.field(default_factory=Consumer)
    publisher: Publisher = msgspec.field(default_factory=Publisher)


class Redis(Section, frozen=True):
    """One place for processes to meet."""

    url: Annotated[
        RedisUrl | None,
        setting("Switches messages and background services of all processes to this Redis.", secret=True),
    ] = None
    messaging: Messaging = msgspec.field(default_factory=Messaging)
