"""`podium export` and `podium apply`: what a server has as files, and a server that becomes as files say."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests import backing
from tests.cli.conftest import Podium, Result
from tests.cli.garden import plant
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for

SECRET = "PODIUM_SECRET_SECRET_PASSWORD_VALUE"
Say = Callable[..., Result]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def source(request: pytest.FixtureRequest, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with one of everything, on each kind of database."""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("source") / "podium.db"
        file.write_bytes(migrated.read_bytes())
        with LiveServer(settings_for(f"sqlite+aiosqlite:///{file}"), with_services=False) as live:
            plant_more(live)
            yield live.url
        return
    postgres: backing.Postgres = request.getfixturevalue("postgres")
    with postgres.database() as url:
        migrate(url)
        with LiveServer(settings_for(url), with_services=False) as live:
            plant_more(live)
            yield live.url


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "podium.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


def plant_more(server: LiveServer) -> None:
    plant(server.url)
    with httpx.Client(base_url=server.url, follow_redirects=True) as api:

        def post(path: str, body: Any) -> Any:
            answer = api.post(path, json=body)
            assert answer.status_code < 300, (path, answer.text)
            return answer.json()

        flow = api.get("/flows/name/etl").json()
        deployment = api.get("/deployments/name/etl/prod").json()
        queue = api.get("/work_pools/pool/queues/urgent").json()
        kind = post("/block_types/", {"name": "Own", "slug": "own", "description": "a <b> & c"})
        fields = {
            "title": "Own",
            "type": "object",
            "properties": {},
            "secret_fields": ["a.*"],
            "block_type_slug": "own",
        }
        schema = post("/block_schemas/", {"fields": fields, "block_type_id": kind["id"], "capabilities": ["notify"]})
        password = api.get("/block_types/slug/secret/block_documents/name/password").json()
        body = {"block_schema_id": schema["id"], "block_type_id": kind["id"]}
        # One that comes first by its name needs one that comes later.
        post("/block_documents/", {**body, "name": "b", "data": {"text": "plain"}})
        data = {"$ref": {"block_document_id": password["id"]}}
        channel = post("/block_documents/", {**body, "name": "a", "data": {"inner": data, "text": "two\nlines"}})
        trigger = {
            "type": "event",
            "posture": "Reactive",
            "match_related": {"prefect.resource.id": [f"prefect.deployment.{deployment['id']}"]},
            "expect": ["prefect.flow-run.Failed"],
        }
        actions = [
            {"type": "run-deployment", "source": "selected", "deployment_id": deployment["id"]},
            {"type": "pause-work-queue", "source": "selected", "work_queue_id": queue["id"]},
            {"type": "send-notification", "block_document_id": channel["id"], "body": "{{ event.id }}"},
        ]
        post("/automations/", {"name": "restart", "trigger": trigger, "actions": actions})
        about = {"flow_ids": [flow["id"]], "deployment_ids": [deployment["id"]], "block_document_id": channel["id"]}
        post("/notifications/", {"name": "told", "state_names": ["Failed"], **about})
        post("/webhooks/", {"name": "hook", "template": '{"event": "x", "resource": {"prefect.resource.id": "y"}}'})


@pytest.fixture(scope="module")
def idle(migrated: Path) -> Iterator[str]:
    """A server that nothing is done to."""
    with LiveServer(settings_for(f"sqlite+aiosqlite:///{migrated}"), with_services=False) as live:
        yield live.url


@pytest.fixture
def target(sqlite_url: str, migrated: Path, tmp_path: Path) -> Iterator[str]:
    """A server that has nothing."""
    (tmp_path / "podium.db").write_bytes(migrated.read_bytes())
    with LiveServer(settings_for(sqlite_url), with_services=False) as live:
        yield live.url


@pytest.fixture
def say(podium: Podium, monkeypatch: pytest.MonkeyPatch) -> Say:
    """`podium` against a server: ``say(url, "export")``."""

    def say(url: str, *arguments: str) -> Result:
        monkeypatch.setenv("PODIUM_API_URL", url)
        return podium(*arguments)

    return say


@pytest.fixture
def at(target: str, say: Say, tmp_path: Path) -> Callable[..., Result]:
    """`podium apply` of documents against the empty server: ``at(documents, "--dry-run")``."""

    def apply(documents: str | list[dict[str, Any]], *options: str) -> Result:
        file = tmp_path / "documents.yaml"
        file.write_text(documents if isinstance(documents, str) else yaml.safe_dump_all(documents))
        return say(target, "apply", "-f", str(file), *options)

    return apply


def records(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.out)
    return found


def one(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, "spec": spec}


def test_what_is_exported_and_applied_elsewhere_is_exported_the_same(
    source: str, target: str, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a file, a folder with a file for each, and JSON alike; a second apply finds nothing to do."""
    kinds = ("--kind", "flow,variable,concurrency-limit,gcl,block-type,block,work-pool,work-queue")
    more = ("--kind", "deployments,automations,notifications,webhooks")
    exported = say(source, "export", *kinds, *more, "all.yaml")
    assert (exported.code, exported.out) == (0, "")
    text = Path("all.yaml").read_text()
    assert "canary" not in text
    monkeypatch.setenv(SECRET, "canary")
    applied = say(target, "apply", "-f", "all.yaml", "--yes")
    assert applied.code == 0, applied.err
    assert "its URL, told this once, is http" in applied.err
    assert say(target, "export", *kinds, *more).out == text
    for again in ("all.yaml", "folder", "all.json"):
        if again != "all.yaml":
            assert say(source, "export", *kinds, *more, f"{again}/" if again == "folder" else again).code == 0
        second = say(target, "apply", "-f", again, "--yes", "-o", "json")
        assert (second.code, records(second)) == (0, []), again
    assert (tmp_path / "project/folder/deployment/etl/prod.yaml").exists()
    with httpx.Client(base_url=target, follow_redirects=True) as api:
        block = api.get("/block_types/slug/own/block_documents/name/a?include_secrets=true").json()
    assert block["data"] == {"inner": {"value": "canary"}, "text": "two\nlines"}


def test_everything_by_name_and_nothing_that_the_server_makes(source: str, say: Say) -> None:
    """Neither ids nor times are in an export; a name says what an id did, in automations too."""
    documents = {
        f"{each['kind']}/{each['name']}": each["spec"] for each in yaml.safe_load_all(say(source, "export").out)
    }
    automation = documents["automation/restart"]
    assert automation["trigger"]["match_related"] == {"prefect.resource.id": ["prefect.deployment.<etl/prod>"]}
    assert [automation["actions"][0]["deployment"], automation["actions"][1]["work_queue"]] == [
        "etl/prod",
        "pool/urgent",
    ]
    assert documents["notification/told"]["deployments"] == ["etl/prod"]
    assert documents["block/own/a"]["data"]["inner"] == {"$block": "secret/password"}
    assert documents["block/secret/password"]["data"] == {"value": {"$secret": SECRET}}
    assert not {"id", "created", "updated", "flow_id", "status"} & {key for spec in documents.values() for key in spec}
    # What a notification is done by is its own.
    automations = [each for each in documents if each.startswith("automation/")]
    assert automations == ["automation/restart", "automation/restart-crashed"]


@pytest.mark.parametrize("output", ["json", "jsonl", "yaml", "csv", "name", "table"])
def test_an_export_has_every_format(source: str, say: Say, output: str) -> None:
    """The first three can be applied."""
    shown = say(source, "export", "--kind", "variable", "-o", output)
    assert (shown.code, shown.err) == (0, "")
    assert "region" in shown.out
    if output in ("json", "jsonl", "yaml"):
        Path(f"some.{output}").write_text(shown.out)
        again = say(source, "apply", "-f", f"some.{output}", "--dry-run")
        assert (again.code, again.out) == (0, "")


def test_a_file_of_something_that_is_gone_is_told(at: Callable[..., Result], target: str, say: Say) -> None:
    """Nobody's file is deleted, but to apply it would bring the thing back; odd names are names of files still."""
    names = ["a", "..", "b c.d"]
    assert at([one("concurrency-limit", name, concurrency_limit=1) for name in names], "--yes").code == 0
    assert say(target, "export", "out/").err == "Wrote 3 documents to out.\n"
    assert say(target, "apply", "-f", "out", "--dry-run").code == 0
    assert say(target, "concurrency-limit", "delete", "a").code == 0
    assert "out/concurrency-limit/a.yaml is of nothing that is on the server" in say(target, "export", "out").err


def test_drift_has_an_exit_code_and_nothing_is_done(at: Callable[..., Result], target: str, say: Say) -> None:
    """The difference of each field, for people and for programs."""
    limit = one("global-concurrency-limit", "api", limit=5, active=True)
    made = at([limit], "--dry-run")
    assert (made.code, made.out.splitlines()[0]) == (7, "+ global concurrency limit 'api'")
    assert say(target, "gcl", "ls", "-o", "name").out == ""
    assert at([limit], "--yes").code == 0
    assert at([limit], "--dry-run").code == 0
    drifted = at([one("global-concurrency-limit", "api", limit=6)], "--dry-run")
    assert (drifted.code, drifted.out) == (7, "~ global concurrency limit 'api'\n    limit: 5 → 6\n")
    assert records(at([one("global-concurrency-limit", "api", limit=6)], "--dry-run", "-o", "json")) == [
        {
            "kind": "global-concurrency-limit",
            "name": "api",
            "action": "update",
            "result": "planned",
            "detail": None,
            "changes": [{"field": "limit", "before": 5, "after": 6}],
        }
    ]


def test_nobody_is_asked_in_a_pipe(at: Callable[..., Result]) -> None:
    """The differences are shown, and --yes is wanted."""
    refused = at([one("variable", "x", value=1)])
    assert (refused.code, refused.out.splitlines()[0]) == (2, "+ variable 'x'")
    assert "--yes" in refused.err


def test_what_a_file_does_not_say_stays(at: Callable[..., Result], target: str) -> None:
    """Of a thing that is there only the fields that are given change, each with what it needs."""
    pools = [one("work-pool", name, type="process") for name in ("a", "b")]
    schedule = {"slug": "s", "schedule": {"interval": 3600}}
    whole = one(
        "deployment", "f/d", tags=["x"], work_pool_name="a", work_queue_name="q", labels={"k": 1}, schedules=[schedule]
    )
    assert at([*pools, whole], "--yes").code == 0
    assert at([whole], "--dry-run").code == 0
    with httpx.Client(base_url=target, follow_redirects=True) as api:
        before = api.get("/deployments/name/f/d").json()
        assert at([one("deployment", "f/d", work_queue_name="other")], "--yes").code == 0
        assert at([one("deployment", "f/d", labels={"k": 2})], "--yes").code == 0
        assert at([one("deployment", "f/d", concurrency_limit=3)], "--yes").code == 0
        after = api.get("/deployments/name/f/d").json()
    assert (after["work_pool_name"], after["work_queue_name"], after["tags"]) == ("a", "other", ["x"])
    assert (after["labels"]["k"], after["global_concurrency_limit"]["limit"]) == (2, 3)
    assert after["schedules"][0]["schedule"] == before["schedules"][0]["schedule"]
    moved = at([one("deployment", "f/d", schedules=[{"slug": "s", "schedule": {"interval": 60}}])], "--dry-run")
    assert moved.out.splitlines()[1] == "    schedules[0].schedule.interval: 3600.0 → 60.0"
    more = [schedule, {"schedule": {"cron": "0 3 * * *"}, "active": False}]
    assert at([one("deployment", "f/d", concurrency_limit=None, schedules=more)], "--yes").code == 0
    with httpx.Client(base_url=target, follow_redirects=True) as api:
        grown = api.get("/deployments/name/f/d").json()
        assert at([one("deployment", "f/d", schedules=[])], "--yes").code == 0
        assert api.get("/deployments/name/f/d").json()["schedules"] == []
    assert grown["global_concurrency_limit"] is None
    assert after["schedules"][0]["id"] in {each["id"] for each in grown["schedules"]}
    assert len(grown["schedules"]) == 2


def test_what_cannot_change_is_told_before_anything_is_done(at: Callable[..., Result]) -> None:
    """A pool keeps its type."""
    assert at([one("work-pool", "a", type="process")], "--yes").code == 0
    refused = at([one("variable", "x", value=1), one("work-pool", "a", type="docker")], "--yes")
    assert (refused.code, refused.out) == (2, "")
    assert "type cannot be changed from 'process' to 'docker'; delete it first" in refused.err
    assert at([one("variable", "x", value=1)], "--dry-run").code == 7


AUTOMATION = "kind: automation\nname: a\nspec:\n"
TRIGGER = "{type: event, posture: Reactive"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            "kind: variable\nname: x\nspec:\n  valu: 1\n",
            ":4: variable 'x': there is no spec.valu; known are value, tags",
        ),
        ("kind: varible\nname: x\n", ":1: there is no kind 'varible'"),
        ("kind: variable\nname: x\nstatus: 1\n", ":3: variable 'x': there is no field 'status'"),
        ("kind: variable\n", ":1: variable: expected a name"),
        ("kind: variable\nname: x\nspec: 3\n", ":3: variable 'x': expected a spec"),
        ("kind: variable\nname: UP\nspec: {value: 1}\n", "variable 'UP': spec.name:"),
        ("kind: variable\nname: x\nspec: {}\n", "variable 'x': spec.value:"),
        ("kind: variable\nname: x\nspec: {value: 1}\n---\nkind: variable\nname: x\n", "it is in"),
        ("a: [\n", "line 2: this is not YAML"),
        ("kind: deployment\nname: f/d\nspec:\n  tags: a\n", ":4: deployment 'f/d': spec.tags: Expected `array`"),
        ("kind: deployment\nname: d\nspec: {}\n", "the name is written FLOW/DEPLOYMENT"),
        (
            "kind: deployment\nname: f/d\nspec:\n  work_pool_name: p\n",
            "there is no work pool 'p', and none is to be made",
        ),
        (
            "kind: deployment\nname: f/d\nspec:\n  storage_document: s3/x\n",
            "there is no block 's3/x', and none is to be made",
        ),
        (
            "kind: deployment\nname: f/d\nspec:\n  schedules: [{schedule: {cron: '* * * * *', timezon: x}}]\n",
            "there is no spec.schedules.schedule.timezon",
        ),
        ("kind: work-queue\nname: p/q\nspec: {}\n", "there is no work pool 'p', and none is to be made"),
        (
            f"{AUTOMATION}  trigger: {TRIGGER}}}\n  actions: [{{type: run-deployment, deployment: f/d}}]\n",
            "there is no deployment 'f/d', and none is to be made",
        ),
        (
            f"{AUTOMATION}  trigger: {TRIGGER}, expekt: [x]}}\n  actions: []\n",
            "there is no spec.trigger.expekt",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place_before_anything_is_done(
    idle: str, say: Say, document: str, told: str
) -> None:
    """In the words of the document; the good ones beside it are not applied either."""
    Path("x.yaml").write_text(f"{document}---\nkind: variable\nname: good\nspec: {{value: 1}}\n")
    refused = say(idle, "apply", "-f", "x.yaml", "--yes")
    assert (refused.code, refused.out) == (2, "")
    assert told in refused.err
    assert say(idle, "variable", "ls", "-o", "name").out == ""


def test_secrets_come_from_the_environment_or_stay(
    at: Callable[..., Result], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new block needs them; one that is there keeps its own. Nobody gets to read them."""
    block = one("block", "secret/a", data={"value": {"$secret": "TOKEN"}})
    refused = at([block], "--yes")
    assert refused.code == 2
    assert "set TOKEN" in refused.err

    def stored() -> Any:
        with httpx.Client(base_url=target, follow_redirects=True) as api:
            return api.get("/block_types/slug/secret/block_documents/name/a?include_secrets=true").json()["data"][
                "value"
            ]

    monkeypatch.setenv("TOKEN", "first-canary")
    assert at([block], "--yes").code == 0
    assert stored() == "first-canary"
    monkeypatch.setenv("TOKEN", "second-canary")
    changed = at([block], "--yes")
    assert changed.out == "~ block 'secret/a'\n    data.value: (secret) → (secret)\n"
    assert stored() == "second-canary"
    monkeypatch.delenv("TOKEN")
    assert at([block], "--dry-run").code == 0
    as_json = one("block", "secret/a", data={"value": {"$secret_json": "TOKEN"}})
    monkeypatch.setenv("TOKEN", '{"a": "third-canary"}')
    seen = at([as_json], "--yes", "-o", "json")
    assert "canary" not in seen.out + seen.err
    assert stored() == {"a": "third-canary"}
    assert at([as_json], "--dry-run").code == 0
    monkeypatch.delenv("TOKEN")
    assert at([as_json], "--dry-run").code == 0


def test_a_secret_that_is_new_to_a_block_is_not_shown(
    at: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where a file tells it, nor in the errors about it."""
    monkeypatch.setenv("URL", "https://first-canary")
    data = {"url": {"$secret": "URL"}, "headers": {}}
    assert at([one("block", "webhook/a", data=data)], "--yes").code == 0
    told = {**data, "headers": {"Authorization": "second-canary"}}
    for output in ("table", "json"):
        shown = at([one("block", "webhook/a", data=told)], "--dry-run", "-o", output)
        assert shown.code == 7
        assert "data.headers" in shown.out
        assert "canary" not in shown.out + shown.err
    assert at([one("block", "webhook/a", data=told)], "--yes").code == 0
    assert at([one("block", "webhook/a", data=told)], "--dry-run").code == 0


def test_pruning_deletes_what_no_file_has_of_the_kinds_that_are_named(
    at: Callable[..., Result], target: str, say: Say
) -> None:
    """And of no other; never without a kind, nor all of one. Default queues stay."""
    things = [one("variable", "keep", value=1), one("variable", "go", value=1), one("work-pool", "p", type="process")]
    assert at([*things, one("work-queue", "p/q")], "--yes").code == 0
    assert at(things[:1], "--prune", "--yes").code == 2
    assert "the files have none" in at(things[:1], "--prune", "--kind", "work-queue", "--yes").err
    gone = at(things[:1], "--prune", "--kind", "variable", "--yes")
    assert (gone.code, gone.out) == (0, "- variable 'go'\n")
    assert say(target, "variable", "ls", "-o", "name").out == "keep\n"
    assert say(target, "work-pool", "ls", "-o", "name").out == "p\n"
    assert at([things[2], one("work-queue", "p/default")], "--prune", "--kind", "work-queue", "--yes").code == 0
    assert say(target, "work-queue", "ls", "-o", "name").out == "p/default\n"


def test_one_that_fails_keeps_no_other_from_its_turn(at: Callable[..., Result], target: str, say: Say) -> None:
    """Each is told, the exit code says so, and applying again goes on where it failed."""
    wrong = {"job_configuration": {"a": "{{ nowhere }}"}, "variables": {"type": "object", "properties": {}}}
    documents = [
        one("work-pool", "bad", type="process", base_job_template=wrong),
        one("work-queue", "bad/q"),
        one("deployment", "f/d", work_pool_name="bad"),
        one("deployment", "f/e"),
    ]
    tried = at(documents, "--yes", "-o", "json")
    assert tried.code == 1, tried.err
    assert {each["name"]: each["result"] for each in records(tried)} == {
        "bad": "failed",
        "bad/q": "failed",
        "f/d": "failed",
        "f/e": "done",
    }
    assert "work pool 'bad': " in tried.err
    assert "1 created, 3 failed; apply again to try them once more" in tried.err
    documents[0]["spec"].pop("base_job_template")
    again = at(documents, "--yes", "-o", "json")
    assert (again.code, [each["name"] for each in records(again)]) == (0, ["bad", "bad/q", "f/d"])


def test_automations_may_name_each_other(at: Callable[..., Result]) -> None:
    """Themselves, too; and a flow nobody registered."""

    def automation(name: str, other: str) -> dict[str, Any]:
        match = {"prefect.resource.id": "prefect.flow.<unheard-of>"}
        actions = [{"type": "pause-automation", "source": "selected", "automation": other}]
        return one(
            "automation", name, trigger={"type": "event", "posture": "Reactive", "match": match}, actions=actions
        )

    documents = [automation("a", "b"), automation("b", "a"), automation("c", "c")]
    made = at(documents, "--yes")
    assert made.code == 0, made.err
    assert at(documents, "--dry-run").code == 0


def test_automations_of_one_name_are_numbered(target: str, say: Say, at: Callable[..., Result]) -> None:
    """As every server lets them be: an export tells them apart, and applied they have one name again."""
    trigger = {"type": "event", "posture": "Reactive", "expect": ["x"]}
    with httpx.Client(base_url=target, follow_redirects=True) as api:
        for number in range(11):
            body = {"name": "same", "description": str(number), "trigger": trigger, "actions": []}
            assert api.post("/automations/", json=body).status_code == 201
        text = say(target, "export", "-k", "automation").out
        documents = list(yaml.safe_load_all(text))
        assert {each["name"]: each["spec"]["description"] for each in documents}["same (11)"] == "10"
        for each in api.post("/automations/filter").json():
            api.delete(f"/automations/{each['id']}")
        assert at(text, "--yes").code == 0
        assert {each["name"] for each in api.post("/automations/filter").json()} == {"same"}
    assert say(target, "export", "-k", "automation").out == text


def test_queues_end_up_in_the_order_of_the_files(at: Callable[..., Result], target: str, say: Say) -> None:
    """Whatever order they were in, though one that takes a priority moves those behind it."""
    names = ("default", "a", "b", "c")

    def queues(*order: str) -> list[dict[str, Any]]:
        return [one("work-queue", f"p/{name}", priority=order.index(name) + 1) for name in names]

    for order in (names, ("c", "b", "a", "default"), ("b", "default", "c", "a")):
        assert at([one("work-pool", "p", type="process"), *queues(*order)], "--yes").code == 0
        assert at(queues(*order), "--dry-run").code == 0


def test_a_source_that_does_not_answer_is_told_by_its_option(say: Say, idle: str, free_port: int) -> None:
    """What to start or set is not about this server."""
    refused = say(idle, "import", "--from", f"http://127.0.0.1:{free_port}", "--yes")
    said = f"Error: no server answers at http://127.0.0.1:{free_port}/api (Connection refused); "
    assert (refused.code, refused.err) == (1, f"{said}--from names the other server\n")


def test_an_import_copies_once_and_can_keep_what_is_here(
    source: str, at: Callable[..., Result], target: str, say: Say
) -> None:
    """Secrets and block types too; what is here already stays with --keep, and else becomes as it is there."""
    assert at([one("variable", "region", value="mine")], "--yes").code == 0
    alone = say(target, "import", "--from", source, "--kind", "deployment,concurrency-limit", "--yes", "-o", "json")
    assert (alone.code, {each["name"]: each["result"] for each in records(alone)}) == (
        1,
        {"db": "done", "etl": "done", "etl/prod": "skipped", "backup/backup": "skipped"},
    )
    assert "deployment 'etl/prod' is skipped: there is no work pool 'pool'" in alone.err
    planned = say(target, "import", "--from", source, "--dry-run", "-o", "json")
    assert planned.code == 7
    assert "canary" not in planned.out + planned.err
    kept = say(target, "import", "--from", source.removesuffix("/api"), "--keep", "--yes")
    assert kept.code == 0, kept.err
    assert say(target, "variable", "get", "region").out == "mine\n"
    differing = say(target, "import", "--from", source, "--yes", "-o", "json")
    assert [(each["name"], each["action"]) for each in records(differing)] == [("region", "update")]
    assert say(target, "export").out == say(source, "export").out
    with httpx.Client(base_url=target, follow_redirects=True) as api:
        block = api.get("/block_types/slug/secret/block_documents/name/password?include_secrets=true").json()
    assert block["data"] == {"value": "canary"}
