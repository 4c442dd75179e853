"""A built single-page UI under its base path, and the settings it asks for."""

import asyncio
import gzip
import logging
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import falcon
import msgspec
from falcon.asgi import App, Request, Response, WebSocket

from podium.profiles import Settings
from podium.server.http.compression import accepts_gzip
from podium.server.web.bundles import INDEX, Bundle, Version, find_bundles, root_of
from podium.server.web.files import Document, find_file, read_file

logger = logging.getLogger("podium.server")

ICONS = "ico"
"""Where a built UI keeps what a browser asks for at the root: favicon.ico."""

CHOICE = "prefect_ui_version"
"""The cookie in which a UI keeps which of the two its user prefers."""


class UiSettings(msgspec.Struct):
    """What a UI must know before it can ask anything else (contract: ``GET /ui-settings``)."""

    api_url: str
    csrf_enabled: bool
    auth: Literal["BASIC"] | None
    flags: list[str]
    default_ui: Version
    available_uis: list[Version]
    v1_base_url: str | None
    v2_base_url: str | None


class _UiSettings:
    def __init__(self, settings: Settings, base_path: str, bundles: tuple[Bundle, ...]) -> None:
        self._settings = settings
        self._base_path = base_path
        self._bundles = bundles

    async def on_get(self, request: Request, response: Response) -> None:
        server = self._settings.server
        places = {bundle.version: bundle.base or "/" for bundle in self._bundles}
        answer = UiSettings(
            api_url=api_url(self._settings, request, self._base_path),
            csrf_enabled=server.api.csrf_protection_enabled,
            auth="BASIC" if server.api.auth_string else None,
            flags=[],
            default_ui=default_version(self._settings, self._bundles),
            available_uis=list(places),
            v1_base_url=places.get("v1"),
            v2_base_url=places.get("v2"),
        )
        response.content_type = falcon.MEDIA_JSON
        response.set_header("Cache-Control", "no-store")
        response.data = msgspec.json.encode(answer)

    on_head = on_get


def api_url(settings: Settings, request: Request, base_path: str) -> str:
    """The API as the browser reached this server, also through a proxy, unless the settings say another."""
    configured = settings.server.ui.api_url
    return configured or f"{request.forwarded_scheme}://{request.forwarded_host}{base_path}"


def default_version(settings: Settings, bundles: tuple[Bundle, ...]) -> Version:
    """The UI for whoever has not chosen one."""
    wanted: Version = "v2" if settings.server.ui.v2_enabled else "v1"
    versions = [bundle.version for bundle in bundles]
    return wanted if wanted in versions or not versions else versions[0]


class _Ui:
    """Answers what is below a bundle's base: its files, and its page for the addresses the UI itself resolves.

    ``astray``: where files are looked for that the bundle lacks, since some pages ask for theirs at the root.
    """

    def __init__(self, bundle: Bundle, astray: tuple[Bundle, ...] = ()) -> None:
        self._bundle = bundle
        self._astray = astray

    async def __call__(self, req: Request, resp: Response | None, ws: WebSocket | None = None, **params: Any) -> None:
        if resp is None:
            raise falcon.HTTPNotFound
        if req.method not in ("GET", "HEAD"):
            raise falcon.HTTPMethodNotAllowed(["GET", "HEAD"])
        document = await asyncio.to_thread(self._read, params.get("path", "").strip("/"), is_navigation(req))
        if document is None:
            raise falcon.HTTPNotFound
        write(req, resp, document)

    def _read(self, path: str, navigates: bool) -> Document | None:
        try:
            for bundle, place in self._places(path):
                found = find_file(bundle, place)
                if found is not None:
                    return read_file(bundle, found)
            if navigates or not path:
                return read_file(self._bundle, self._bundle.directory / INDEX)
        except OSError as error:
            logger.error("A file of the UI cannot be read: %s", error)
        return None

    def _places(self, path: str) -> Iterator[tuple[Bundle, str]]:
        if path:
            yield self._bundle, path
        if path and "/" not in path:
            for bundle in self._astray:
                yield bundle, path
                yield bundle, f"{ICONS}/{path}"


def is_navigation(request: Request) -> bool:
    """Whether a browser wants a page to show, and not one of its parts."""
    return "text/html" in (request.get_header("Accept") or "")


def write(request: Request, response: Response, document: Document) -> None:
    """Puts a document into a response; 304 when the browser has it."""
    response.set_headers(
        {
            "Cache-Control": document.caching,
            "ETag": document.tag,
            "Last-Modified": document.modified,
            "X-Content-Type-Options": "nosniff",
        }
    )
    if _is_known(request, document):
        response.status = falcon.HTTP_304
        return
    response.content_type = document.media
    if not document.compressed:
        response.data = document.content
    elif accepts_gzip(request.get_header("Accept-Encoding") or ""):
        response.set_header("Content-Encoding", "gzip")
        response.append_header("Vary", "Accept-Encoding")
        response.data = document.content
    else:
        response.data = gzip.decompress(document.content)


def _is_known(request: Request, document: Document) -> bool:
    tags = request.get_header("If-None-Match")
    if tags is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or document.tag.removeprefix("W/") in known
    since = request.get_header("If-Modified-Since")
    try:
        return since is not None and parsedate_to_datetime(since) >= parsedate_to_datetime(document.modified)
    except (TypeError, ValueError):
        return False


class _Entry:
    """The root that two UIs share: sends a browser to the one its user prefers."""

    def __init__(self, older: _Ui | None, bundles: tuple[Bundle, ...], default: Version) -> None:
        self._older = older
        self._bundles = {bundle.version: bundle for bundle in bundles}
        self._default = default

    async def on_get(self, request: Request, response: Response) -> None:
        chosen = request.cookies.get(CHOICE)
        version = next((each for each in self._bundles if each == chosen), self._default)
        if self._older is not None and (version == "v1" or not is_navigation(request)):
            await self._older(request, response)
            return
        query = f"?{request.query_string}" if request.query_string else ""
        response.set_header("Cache-Control", "no-store")
        response.set_header("Location", f"{self._bundles[version].base}/{query}")
        response.status = falcon.HTTP_307

    on_head = on_get


def find_configured(settings: Settings) -> tuple[Bundle, ...]:
    """The UIs that the settings name; a directory without one is said in the log."""
    ui = settings.server.ui
    if not ui.enabled or not ui.static_directory:
        return ()
    bundles = find_bundles(ui.static_directory, ui.serve_base)
    if not bundles:
        logger.warning("There is no built UI (an %s) in %s; Podium's own page is served", INDEX, ui.static_directory)
    return bundles


def install(app: App[Any, Any], settings: Settings, base_path: str, bundles: tuple[Bundle, ...]) -> None:
    """Adds the UIs to the app, and what they ask first."""
    root = root_of(settings.server.ui.serve_base)
    app.add_route(f"{root}/ui-settings", _UiSettings(settings, base_path, bundles))
    served = {}
    for bundle in bundles:  # of two sinks the one added last is asked first: the newer UI, which may lie below
        served[bundle.version] = _Ui(bundle, bundles if bundle.base == root else ())
        app.add_sink(served[bundle.version], _below(bundle.base, base_path))
    if any(bundle.base != root for bundle in bundles):
        entry = _Entry(served.get("v1"), bundles, default_version(settings, bundles))
        app.add_route(root or "/", entry)


def _below(base: str, base_path: str) -> re.Pattern[str]:
    """Matches the base and all below it, but the API."""
    kept = f"(?!{re.escape(base_path)}(?:/|$))" if base_path else ""
    return re.compile(rf"{kept}{re.escape(base)}(?P<path>/.*|$)", re.DOTALL)
