"""Settings that are accepted, so that files and habits of other installations keep working, and that nothing reads."""

from typing import Final

WITHOUT_EFFECT: Final = (
    "api.enable_http2",
    "client.metrics",
    "client.server_version_check_enabled",
    "logging.level",
    "redis.messaging.consumer",
    "redis.messaging.publisher",
    "server.analytics_enabled",
    "server.concurrency.lease_storage",
    "server.ephemeral",
    "server.events.causal_ordering",
    "server.events.messaging_cache",
    "server.events.related_resource_cache_ttl",
    "server.memo_store_path",
    "server.memoize_block_auto_registration",
    "server.services.event_persister",
    "server.services.task_run_recorder.batch_size",
    "server.services.task_run_recorder.flush_interval",
    "server.services.task_run_recorder.read_batch_size",
    "server.services.triggers.pg_notify_heartbeat_interval_seconds",
    "server.services.triggers.pg_notify_reconnect_interval_seconds",
    "server.services.triggers.read_batch_size",
    "server.tasks.scheduling",
    "server.ui.show_promotional_content",
    "server.worker_channel.cleanup_queue_storage",
)
"""Paths of settings, and of sections of which none has an effect."""


def has_effect(path: str) -> bool:
    """Whether anything in Podium reads the setting at this path."""
    return not any(path == each or path.startswith(f"{each}.") for each in WITHOUT_EFFECT)
