"""What things belong to: `J` opens the flow run of a task run, the pool of a queue, and so on."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from podium.client.nouns.noun import Noun, attribute, endpoint
from podium.client.nouns.registry import noun_of
from podium.tui.views import screen_of

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.tui.screens.view import View


class Owner(NamedTuple):
    """A thing by its noun and what finds it."""

    noun: str
    given: str


def _of_flow_run(client: "Client", run: Any) -> Owner | None:
    """The run it is a subflow of, else its deployment, else its flow."""
    if run.parent_task_run_id:
        parent = client.call(endpoint("task_runs.READ"), id=run.parent_task_run_id)
        if parent.flow_run_id:
            return Owner("flow-run", parent.flow_run_id)
    return Owner("deployment", run.deployment_id) if run.deployment_id else Owner("flow", run.flow_id)


def _of_task_run(client: "Client", run: Any) -> Owner | None:
    return Owner("flow-run", run.flow_run_id) if run.flow_run_id else None


def _of_artifact(client: "Client", artifact: Any) -> Owner | None:
    return Owner("flow-run", artifact.flow_run_id) if artifact.flow_run_id else None


def _of_deployment(client: "Client", deployment: Any) -> Owner | None:
    return Owner("flow", deployment.flow_id)


def _of_queue(client: "Client", queue: Any) -> Owner | None:
    name = attribute(queue, "work_pool_name")
    return Owner("work-pool", name) if name else None


def _of_worker(client: "Client", worker: Any) -> Owner | None:
    return Owner("work-pool", worker.work_pool_id)


def _of_notification(client: "Client", notification: Any) -> Owner | None:
    """The automation that it is made into."""
    return Owner("automation", notification.automation_id)


def _of_schedule(client: "Client", planned: Any) -> Owner | None:
    return Owner("deployment", planned.schedule.deployment_id) if planned.schedule.deployment_id else None


OWNERS: Final[Mapping[str, Callable[["Client", Any], Owner | None]]] = {
    "flow-run": _of_flow_run,
    "task-run": _of_task_run,
    "artifact": _of_artifact,
    "deployment": _of_deployment,
    "schedule": _of_deployment,
    "deployment-schedule": _of_schedule,
    "work-queue": _of_queue,
    "worker": _of_worker,
    "notification": _of_notification,
}
"""By noun, what one of it belongs to."""


def open_owner(view: "View", noun: Noun, row: Any) -> None:
    """Opens what a row belongs to, or says that it belongs to nothing."""
    view.run_worker(_open_owner(view, noun, row), group="open", exclusive=True)


def open_thing(view: "View", noun: Noun, given: str) -> None:
    """Opens the thing of this id or name."""
    view.run_worker(_open(view, noun, lambda client: noun.find(client, given)), group="open", exclusive=True)


async def _open_owner(view: "View", noun: Noun, row: Any) -> None:
    from podium.client.errors import ClientError

    try:
        owner = await view.ask(lambda client: OWNERS[noun.name](client, row))
    except ClientError as error:
        view.failed(error)
        return
    if owner is None:
        view.dashboard.say(f"This {noun.words} belongs to nothing else.")
    else:
        found = noun_of(owner.noun)
        await _open(view, found, lambda client: found.find(client, owner.given))


async def _open(view: "View", noun: Noun, find: Callable[["Client"], Any]) -> None:
    from podium.client.errors import ClientError

    try:
        row = await view.ask(find)
    except ClientError as error:
        view.failed(error)
        return
    if view.is_active:
        view.dashboard.push_screen(screen_of(noun, row))
