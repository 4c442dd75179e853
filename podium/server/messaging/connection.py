"""The connection to the Redis that the settings name."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from podium.profiles.masking import mask_url
from podium.profiles.sections.redis import Messaging

ANSWER_WITHIN = 5.0
"""Seconds after which a command that was not answered fails, where no setting says otherwise."""


def connect(messaging: Messaging) -> Redis:
    """A client that opens no connection yet and leaves trying again to its user; the URL wins over the single parts."""
    options: dict[str, Any] = {
        "socket_timeout": messaging.socket_timeout or ANSWER_WITHIN,
        "socket_connect_timeout": messaging.socket_connect_timeout or ANSWER_WITHIN,
        "socket_keepalive": True,
        "health_check_interval": messaging.health_check_interval,
        "protocol": messaging.protocol,
        "retry": Retry(NoBackoff(), 0),
    }
    if messaging.url:
        client: Redis = Redis.from_url(messaging.url, **options)
        return client
    return Redis(
        host=messaging.host,
        port=messaging.port,
        db=messaging.db,
        username=messaging.username if messaging.password else None,
        password=messaging.password or None,
        ssl=messaging.ssl,
        **options,
    )


def place_of(messaging: Messaging) -> str:
    """Where that Redis is, without credentials."""
    return mask_url(messaging.url) if messaging.url else f"{messaging.host}:{messaging.port}/{messaging.db}"
