"""What a server tells of itself in numbers, for Prometheus."""

from typing import Any

from podium.wire.endpoint import Endpoint

METRICS = Endpoint(
    method="GET",
    path="/metrics",
    summary="Read the metrics, where the settings have them here",
    answer=Any,
    statuses=(404,),
    media="text/plain",
)
