"""Events: limits, retention and the way they travel."""

from typing import Annotated

from podium.profiles.declaration import Backend, Seconds, Section, setting


class Events(Section, frozen=True):
    """What the server does with events."""

    stream_out_enabled: Annotated[bool, setting("Stream events to subscribers.", "API_EVENTS_STREAM_OUT_ENABLED")] = (
        True
    )
    retention_period: Annotated[
        Seconds, setting("Age at which events are deleted.", "EVENTS_RETENTION_PERIOD", ge=0)
    ] = 604800.0
    maximum_size_bytes: Annotated[
        int, setting("Larger events are dropped with a line in the log.", "EVENTS_MAXIMUM_SIZE_BYTES", gt=0)
    ] = 1500000
    maximum_event_name_length: Annotated[int, setting("Longest event name.", gt=0)] = 1024
    maximum_labels_per_resource: Annotated[
        int, setting("Most labels of a resource.", "EVENTS_MAXIMUM_LABELS_PER_RESOURCE", ge=0)
    ] = 500
    maximum_related_resources: Annotated[
        int, setting("Most related resources of an event.", "EVENTS_MAXIMUM_RELATED_RESOURCES", ge=0)
    ] = 100
    related_resource_cache_ttl: Annotated[
        Seconds,
        setting("How long a related resource is remembered.", "API_EVENTS_RELATED_RESOURCE_CACHE_TTL", ge=0),
    ] = 300.0
    maximum_websocket_backfill: Annotated[
        Seconds, setting("How far back a subscriber is caught up.", "EVENTS_MAXIMUM_WEBSOCKET_BACKFILL", ge=0)
    ] = 900.0
    websocket_backfill_page_size: Annotated[
        int, setting("Events read at a time to catch up.", "EVENTS_WEBSOCKET_BACKFILL_PAGE_SIZE", gt=0)
    ] = 250
    proactive_granularity: Annotated[
        Seconds, setting("How often automations look for what did not happen.", "EVENTS_PROACTIVE_GRANULARITY", gt=0)
    ] = 5.0
    expired_bucket_buffer: Annotated[
        Seconds, setting("How long counts of a past window are kept.", "EVENTS_EXPIRED_BUCKET_BUFFER", ge=0)
    ] = 60.0
    messaging_broker: Annotated[Backend, setting("What carries events between processes.", "MESSAGING_BROKER")] = (
        "memory"
    )
    messaging_cache: Annotated[Backend, setting("What tells duplicate messages.", "MESSAGING_CACHE")] = "memory"
    causal_ordering: Annotated[
        Backend, setting("Accepted; the state of ordering is kept in the database either way.")
    ] = "memory"
