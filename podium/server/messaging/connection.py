"""The connection to the Redis that the settings name."""

from typing import Any

import redis
from redis import sentinel
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from podium.profiles.masking import mask_url
from podium.profiles.sections.redis import Messaging
from podium.server.messaging.sentinels import MARK, parse_sentinels

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
    if messaging.url and MARK in messaging.url:
        found: Redis = _master(Sentinel, messaging.url, options)
        return found
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


def connect_to(url: str, seconds: float) -> redis.Redis:
    """A client for a few questions, each of which waits so long for its answer."""
    options: dict[str, Any] = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    if MARK not in url:
        return redis.Redis.from_url(url, **options)
    found: redis.Redis = _master(sentinel.Sentinel, url, options)
    return found


def _master(sentinels: Any, url: str, options: dict[str, Any]) -> Any:
    """A client, of the kind of ``sentinels``, of the master that those of the URL know."""
    watched = parse_sentinels(url)
    known = sentinels(watched.sentinels, sentinel_kwargs=options | watched.own)
    return known.master_for(watched.service, **(options | watched.master))


def place_of(messaging: Messaging) -> str:
    """Where that Redis is, without credentials."""
    return mask_url(messaging.url) if messaging.url else f"{messaging.host}:{messaging.port}/{messaging.db}"
