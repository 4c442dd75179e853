"""The description of the API: the OpenAPI document and the page that shows it."""

from podium.wire.endpoint import Endpoint
from podium.wire.scalars import Json

OPENAPI = Endpoint(method="GET", path="/openapi.json", summary="Read the OpenAPI document of the API", answer=Json)
PAGE = Endpoint(
    method="GET", path="/docs", summary="Show the operations of the API as a page", answer=str, media="text/html"
)
