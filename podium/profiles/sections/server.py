"""The server process, its API and its pages."""

from pathlib import Path
from typing import Annotated, Final

import msgspec

from podium.profiles.declaration import (
    HOME,
    Backend,
    DocketUrl,
    FernetKeys,
    HttpUrl,
    LeaseStorage,
    Level,
    Seconds,
    Section,
    setting,
)
from podium.profiles.sections.database import Database
from podium.profiles.sections.events import Events
from podium.profiles.sections.notifications import Notifications
from podium.profiles.sections.services import Services

ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104  # read, not bound
"""How to reach a server that listens on every address."""


class ServerApi(Section, frozen=True):
    """Where the API listens and what it accepts."""

    host: Annotated[str, setting("Address the server listens on.")] = "127.0.0.1"
    port: Annotated[int, setting("Port the server listens on; 0: any free one.", ge=0, le=65535)] = 4200
    base_path: Annotated[str | None, setting("Path of the API; empty: /api.")] = None
    auth_string: Annotated[
        str | None, setting("`user:password` that every call must bring, but for health and ready.", secret=True)
    ] = None
    version_advertised: Annotated[str, setting("Version that clients are told, so that they accept the server.")] = (
        "3.8.8"
    )
    default_limit: Annotated[int, setting("Default and largest `limit` of lists.", "API_DEFAULT_LIMIT", ge=1)] = 200
    max_parameter_size: Annotated[int, setting("Most bytes of a run's parameters; 0: any.", ge=0)] = 524288
    max_body_size: Annotated[int, setting("Most bytes of a request's body, unpacked; 0: any.", ge=0)] = 33554432
    keepalive_timeout: Annotated[int, setting("Seconds an idle connection is kept.", ge=0)] = 5
    websocket_ping_interval: Annotated[Seconds, setting("Time between pings on a WebSocket.", gt=0)] = 20.0
    websocket_ping_timeout: Annotated[Seconds, setting("How long an answer to a ping may take.", gt=0)] = 20.0
    cors_allowed_origins: Annotated[
        str,
        setting(
            "Origins whose pages may call the API, by comma, or *; empty: only its own.", "SERVER_CORS_ALLOWED_ORIGINS"
        ),
    ] = ""
    cors_allowed_methods: Annotated[
        str, setting("Methods such pages may use, by comma, or *.", "SERVER_CORS_ALLOWED_METHODS")
    ] = "*"
    cors_allowed_headers: Annotated[
        str, setting("Headers such pages may send, by comma, or *.", "SERVER_CORS_ALLOWED_HEADERS")
    ] = "*"
    csrf_protection_enabled: Annotated[
        bool, setting("Changing calls must bring a CSRF token.", "SERVER_CSRF_PROTECTION_ENABLED")
    ] = False
    csrf_token_expiration: Annotated[
        Seconds, setting("How long a CSRF token is good.", "SERVER_CSRF_TOKEN_EXPIRATION", gt=0)
    ] = 3600.0

    @property
    def mount(self) -> str:
        """The path of the API with a slash before it and none behind; empty where it is the root."""
        return f"/{(self.base_path or '/api').strip('/')}".rstrip("/")

    def local_url(self, port: int | None = None) -> str:
        """The API's URL for a client on this machine; ``port`` is the one that is listened on, if not the one set."""
        host = ANY_ADDRESS.get(self.host) or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"http://{host}:{self.port if port is None else port}{self.mount}"


class Concurrency(Section, frozen=True):
    """Concurrency slots."""

    initial_deployment_lease_duration: Annotated[
        Seconds, setting("Lease of a deployment's slot that names no grace period.", ge=30, le=3600)
    ] = 300.0
    maximum_concurrency_slot_wait_seconds: Annotated[
        Seconds, setting("Longest wait that a refused caller is told.", ge=0)
    ] = 30.0
    lease_storage: Annotated[LeaseStorage, setting("Accepted; leases are kept in the database either way.")] = (
        "database"
    )


class ServerDeployments(Section, frozen=True):
    """Deployments."""

    concurrency_slot_wait_seconds: Annotated[
        Seconds,
        setting("When a run that found no slot tries again.", "DEPLOYMENT_CONCURRENCY_SLOT_WAIT_SECONDS", ge=0),
    ] = 30.0


class Docket(Section, frozen=True):
    """What background services run on."""

    name: Annotated[str, setting("Name shared by the processes that share the work.")] = "podium-server"
    url: Annotated[
        DocketUrl,
        setting("`memory://` for one process, or a redis:// or rediss:// URL (also +sentinel).", guarded=True),
    ] = "memory://"


class Ephemeral(Section, frozen=True):
    """Servers that clients start for themselves."""

    enabled: Annotated[
        bool, setting("A client without an API URL may start a server of its own.", "SERVER_ALLOW_EPHEMERAL_MODE")
    ] = False
    startup_timeout_seconds: Annotated[int, setting("Seconds to wait for such a server.", gt=0)] = 20


class FlowRunGraph(Section, frozen=True):
    """The graph of a flow run."""

    max_nodes: Annotated[int, setting("Most nodes.", "API_MAX_FLOW_RUN_GRAPH_NODES", ge=0)] = 10000
    max_artifacts: Annotated[int, setting("Most artifacts.", "API_MAX_FLOW_RUN_GRAPH_ARTIFACTS", ge=0)] = 10000


class ServerLogs(Section, frozen=True):
    """Logs of runs."""

    stream_out_enabled: Annotated[bool, setting("Stream logs to subscribers.")] = True
    stream_publishing_enabled: Annotated[bool, setting("Publish incoming logs for streaming.")] = True


class TaskScheduling(Section, frozen=True):
    """Background tasks."""

    max_scheduled_queue_size: Annotated[
        int, setting("Most waiting runs of a task.", "TASK_SCHEDULING_MAX_SCHEDULED_QUEUE_SIZE", gt=0)
    ] = 1000
    max_retry_queue_size: Annotated[
        int, setting("Most waiting retries of a task.", "TASK_SCHEDULING_MAX_RETRY_QUEUE_SIZE", gt=0)
    ] = 100
    pending_task_timeout: Annotated[
        Seconds,
        setting(
            "Age at which pending background tasks are offered again; 0: never.",
            "TASK_SCHEDULING_PENDING_TASK_TIMEOUT",
            ge=0,
        ),
    ] = 0.0


class ServerTasks(Section, frozen=True):
    """Task runs."""

    max_cache_key_length: Annotated[int, setting("Longest cache key.", "API_TASK_CACHE_KEY_MAX_LENGTH", gt=0)] = 2000
    tag_concurrency_slot_wait_seconds: Annotated[
        Seconds,
        setting("Longest wait after a refused tag slot.", "TASK_RUN_TAG_CONCURRENCY_SLOT_WAIT_SECONDS", ge=0),
    ] = 10.0
    scheduling: TaskScheduling = msgspec.field(default_factory=TaskScheduling)


class Ui(Section, frozen=True):
    """The pages in the browser."""

    enabled: Annotated[bool, setting("Serve the pages.", "UI_ENABLED")] = True
    v2_enabled: Annotated[bool, setting("Of two UIs in the directory the newer one is for whoever has not chosen.")] = (
        True
    )
    serve_base: Annotated[str, setting("Path the pages are served under.", "UI_SERVE_BASE")] = "/"
    api_url: Annotated[
        HttpUrl | None, setting("API URL the pages call; empty: the server they came from.", "UI_API_URL", guarded=True)
    ] = None
    static_directory: Annotated[
        str | None,
        setting("Directory of a built UI to serve; empty: Podium's own page.", "UI_STATIC_DIRECTORY", guarded=True),
    ] = None
    show_promotional_content: Annotated[bool, setting("Accepted; there is none.")] = False


class WorkerChannel(Section, frozen=True):
    """Cleanup work handed to workers."""

    cleanup_lease_seconds: Annotated[Seconds, setting("How long a worker may keep a piece of work.", gt=0)] = 30.0
    cleanup_max_delivery_attempts: Annotated[
        int, setting("Attempts before a piece of work is put aside as dead.", ge=1)
    ] = 3
    cleanup_completed_idempotency_retention_seconds: Annotated[
        Seconds | None, setting("How long finished work is remembered; empty: for good.", ge=0)
    ] = None
    cleanup_queue_storage: Annotated[Backend, setting("Accepted; the work is kept in the database either way.")] = (
        "memory"
    )


class Server(Section, frozen=True):
    """Everything about the server."""

    base_path: Annotated[
        str | None, setting("Path that API, pages and documents are all served below; empty: the root.")
    ] = None
    workers: Annotated[int, setting("Processes that answer requests.", ge=1)] = 1
    shutdown_timeout: Annotated[Seconds, setting("How long running requests may take to finish.", ge=0)] = 10.0
    logging_level: Annotated[Level, setting("Level of the server's loggers.", "LOGGING_SERVER_LEVEL")] = "WARNING"
    log_retryable_errors: Annotated[
        bool, setting("Log the traceback of errors answered with 503.", "API_LOG_RETRYABLE_ERRORS")
    ] = False
    metrics_enabled: Annotated[
        bool, setting("Serve Prometheus metrics below the API, at /api/metrics.", "API_ENABLE_METRICS")
    ] = False
    metrics_at_root: Annotated[bool, setting("Serve Prometheus metrics beside the API, at /metrics.")] = True
    encryption_key: Annotated[
        FernetKeys | None,
        setting(
            "Fernet keys of stored secrets, by comma: the first encrypts, each decrypts; empty: made once.",
            "ORION_ENCRYPTION_KEY",
            secret=True,
        ),
    ] = None
    deployment_schedule_max_scheduled_runs: Annotated[
        int,
        setting("Largest max_scheduled_runs of a schedule.", "DEPLOYMENT_SCHEDULE_MAX_SCHEDULED_RUNS", ge=1),
    ] = 50
    register_blocks_on_start: Annotated[
        bool, setting("Install the built-in block types at the start.", "API_BLOCKS_REGISTER_ON_START")
    ] = True
    memoize_block_auto_registration: Annotated[
        bool, setting("Skip that when nothing changed.", "MEMOIZE_BLOCK_AUTO_REGISTRATION")
    ] = True
    memo_store_path: Annotated[
        Path, setting("Where it is noted that nothing changed.", "MEMO_STORE_PATH", guarded=True)
    ] = Path(f"{HOME}/memo_store.toml")
    analytics_enabled: Annotated[bool, setting("Accepted; nothing is ever reported.")] = False
    api: ServerApi = msgspec.field(default_factory=ServerApi)
    database: Database = msgspec.field(default_factory=Database)
    services: Services = msgspec.field(default_factory=Services)
    events: Events = msgspec.field(default_factory=Events)
    notifications: Notifications = msgspec.field(default_factory=Notifications)
    logs: ServerLogs = msgspec.field(default_factory=ServerLogs)
    docket: Docket = msgspec.field(default_factory=Docket)
    concurrency: Concurrency = msgspec.field(default_factory=Concurrency)
    deployments: ServerDeployments = msgspec.field(default_factory=ServerDeployments)
    tasks: ServerTasks = msgspec.field(default_factory=ServerTasks)
    flow_run_graph: FlowRunGraph = msgspec.field(default_factory=FlowRunGraph)
    worker_channel: WorkerChannel = msgspec.field(default_factory=WorkerChannel)
    ephemeral: Ephemeral = msgspec.field(default_factory=Ephemeral)
    ui: Ui = msgspec.field(default_factory=Ui)

    @property
    def root(self) -> str:
        """The path that everything is below, with a slash before it and none behind; empty at the root."""
        return f"/{(self.base_path or '').strip('/')}".rstrip("/")
