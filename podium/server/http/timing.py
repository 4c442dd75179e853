"""Counts requests: how long they took, and what came of them, by operation."""

from collections.abc import Mapping
from time import perf_counter

from falcon.asgi import Request, Response

from podium.server.metrics.board import OTHER, Figures


class Timing:
    """Falcon middleware, the first of all, so that it sees every request from its start to its answer."""

    def __init__(self, figures: Figures, places: Mapping[tuple[str, str], int]) -> None:
        """``places``: where the operation of a method and a template of the router is among the rows."""
        self._figures = figures
        self._places = places

    async def process_request(self, request: Request, response: Response) -> None:
        request.context.began = perf_counter()

    async def process_response(self, request: Request, response: Response, resource: object, succeeded: bool) -> None:
        operation = self._places.get((request.method, request.uri_template or ""), OTHER)
        self._figures.count_request(operation, perf_counter() - request.context.began, response.status_code)
