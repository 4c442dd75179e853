"""The application: every part plugged in, in order, in sight."""

import logging
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import falcon.asgi

from podium.db.engine import Database
from podium.db.options import Options
from podium.profiles import Settings
from podium.server.automations.interest import Interest
from podium.server.events.outbox import Outbox
from podium.server.http import binding, problems
from podium.server.http.base_path import BasePath
from podium.server.http.compression import Compression
from podium.server.http.cors import Cors
from podium.server.http.csrf import CsrfGuard
from podium.server.http.guard import Guard
from podium.server.http.request_ids import RequestIds
from podium.server.http.timing import Timing
from podium.server.http.workspaces import WorkspacePrefix
from podium.server.messaging.bus import Bus
from podium.server.messaging.memory import MemoryBus
from podium.server.metrics.board import Board, Figures
from podium.server.resources import (
    admin,
    artifacts,
    automations,
    block_documents,
    block_schemas,
    block_types,
    collections,
    concurrency_limits,
    concurrency_limits_v2,
    csrf,
    deployment_runs,
    deployment_schedules,
    deployments,
    documentation,
    events,
    explain,
    flow_run_actions,
    flow_run_states,
    flow_runs,
    flows,
    hooks,
    logs,
    metrics,
    notification_deliveries,
    notifications,
    podium,
    root,
    saved_searches,
    slots,
    task_run_actions,
    task_run_states,
    task_runs,
    task_workers,
    templates,
    ui,
    variables,
    webhooks,
    work_pools,
    work_queues,
    workers,
)
from podium.server.runtime import Runtime
from podium.server.sockets import SOCKETS
from podium.server.web import docs, pages

logger = logging.getLogger("podium.server")

RESOURCES = (
    root,
    podium,
    metrics,
    documentation,
    admin,
    csrf,
    flows,
    flow_runs,
    flow_run_actions,
    flow_run_states,
    explain,
    task_runs,
    task_run_actions,
    task_run_states,
    task_workers,
    logs,
    artifacts,
    variables,
    deployments,
    deployment_schedules,
    deployment_runs,
    work_pools,
    work_queues,
    workers,
    concurrency_limits_v2,
    concurrency_limits,
    slots,
    automations,
    notifications,
    webhooks,
    hooks,
    notification_deliveries,
    saved_searches,
    block_types,
    block_schemas,
    block_documents,
    collections,
    templates,
    events,
    ui,
)


def create_runtime(settings: Settings, figures: Figures | None = None) -> Runtime:
    """What the parts of this process share; opens no connection yet. ``figures``: where it counts, if not alone."""
    database = Database(
        settings.server.database.connection_url, Options.of(settings.server.database), settings=settings
    )
    bus = _bus(settings)
    figures = figures or Board(("server",)).members[0]
    services = settings.server.services
    interest = Interest()
    database.outbox = Outbox(
        bus,
        count=figures.count_events,
        log=services.event_logger.enabled,
        interest=interest if services.triggers.enabled else None,
    )
    database.load = figures.load
    return Runtime(settings=settings, database=database, bus=bus, figures=figures, interest=interest)


def _bus(settings: Settings) -> Bus:
    if settings.server.events.messaging_broker == "memory":
        return MemoryBus()
    # Loaded on use: a server that is one process does without it.
    from podium.server.messaging.redis import RedisBus
    from podium.server.messaging.topics import TYPES

    return RedisBus(settings.redis.messaging, TYPES)


def create_app(runtime: Runtime) -> Any:
    """The ASGI application of a process that answers requests."""
    app, guard, base_path = _create(runtime, RESOURCES)
    for path, socket in SOCKETS:
        app.add_route(base_path + path, socket(runtime, guard))
    metrics.install(app, runtime, guard, base_path)
    docs.install(app, base_path, runtime.settings.server.root)
    pages.install(app, runtime, base_path)
    return _entered(app, runtime, base_path)


def create_health_app(runtime: Runtime) -> Any:
    """The ASGI application of a process that only runs background services: it tells how it is."""
    app, guard, base_path = _create(runtime, (root, podium, metrics))
    metrics.install(app, runtime, guard, base_path)
    return _entered(app, runtime, base_path)


def _entered(app: Any, runtime: Runtime, base_path: str) -> Any:
    """The application behind what decides where a request goes."""
    inside = WorkspacePrefix(app, base_path, runtime.database)
    root = runtime.settings.server.root
    return BasePath(inside, root) if root else inside


def _create(runtime: Runtime, resources: Sequence[ModuleType]) -> tuple[Any, Guard, str]:
    settings = runtime.settings
    base_path = settings.server.api.mount
    middleware: list[Any] = [Cors(settings)] if settings.server.api.cors_allowed_origins.strip() else []
    timing = Timing(runtime.figures, binding.places(base_path))
    app = falcon.asgi.App(middleware=[timing, RequestIds(), *middleware, Compression()])
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.auto_parse_qs_csv = False
    app.ws_options.max_receive_queue = 0
    problems.install(app, settings.server.log_retryable_errors)
    guard = Guard(settings, CsrfGuard(runtime.database) if settings.server.api.csrf_protection_enabled else None)
    binding.bind(app, base_path, [route for resource in resources for route in resource.ROUTES], runtime, guard)
    return app, guard, base_path
