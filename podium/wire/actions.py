"""What an automation does. An action is stored as the JSON it came as, so the ids in it are text."""

import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from podium.wire.endpoint import Body
from podium.wire.scalars import Json, Seconds, Uuid, refusal, seconds
from podium.wire.states import StateType

Source = Literal["selected", "inferred"]

ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")

if TYPE_CHECKING:
    Template = str
else:
    Template = str | dict[str, Any] | list[Any] | None
    """The text of a template; JSON in its place is its text."""


class _Action(Body, tag_field="type"):
    """Something to do, known by its ``type``."""


def _check_source(source: Source, field: str, target: str | None) -> None:
    if source == "selected" and target is None:
        raise refusal(field, "Expected the id of what is selected")
    if source == "inferred" and target is not None:
        raise refusal(field, "Expected no id for what is inferred from the event")


def _template_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.format(msgspec.json.encode(value)).decode()


class DoNothing(_Action, tag="do-nothing"):
    """Only the event that the automation fired."""


class CancelFlowRun(_Action, tag="cancel-flow-run"):
    """Cancels the flow run of the event."""


class DeleteFlowRun(_Action, tag="delete-flow-run"):
    """Deletes the flow run of the event."""


class SuspendFlowRun(_Action, tag="suspend-flow-run"):
    """Suspends the flow run of the event."""


class ResumeFlowRun(_Action, tag="resume-flow-run"):
    """Resumes the flow run of the event."""


class ChangeFlowRunState(_Action, tag="change-flow-run-state"):
    """Proposes a state for the flow run of the event."""

    state: StateType
    name: str | None = None
    message: str | None = None
    force: bool = False


class _DeploymentAction(_Action):
    """Acts on a deployment: the selected one, or that of the event."""

    source: Source = "selected"
    deployment_id: Uuid | None = None

    def __post_init__(self) -> None:
        """Check that there is an id exactly where one is selected."""
        _check_source(self.source, "deployment_id", self.deployment_id)


class RunDeployment(_DeploymentAction, tag="run-deployment"):
    """Makes a flow run ``schedule_after`` seconds from the event; strings of ``parameters`` may be templates."""

    parameters: Json | None = None
    job_variables: Json | None = None
    schedule_after: Seconds = 0.0

    def __post_init__(self) -> None:
        """Read the delay as seconds."""
        super().__post_init__()
        self.schedule_after = seconds("schedule_after", self.schedule_after)
        if self.schedule_after < 0:
            raise refusal("schedule_after", "Expected at least 0 seconds")


class PauseDeployment(_DeploymentAction, tag="pause-deployment"):
    """Pauses a deployment."""


class ResumeDeployment(_DeploymentAction, tag="resume-deployment"):
    """Resumes a deployment."""


class _WorkPoolAction(_Action):
    """Acts on a work pool: the selected one, or that of the event."""

    source: Source = "selected"
    work_pool_id: Uuid | None = None

    def __post_init__(self) -> None:
        """Check that there is an id exactly where one is selected."""
        _check_source(self.source, "work_pool_id", self.work_pool_id)


class PauseWorkPool(_WorkPoolAction, tag="pause-work-pool"):
    """Pauses a work pool."""


class ResumeWorkPool(_WorkPoolAction, tag="resume-work-pool"):
    """Resumes a work pool."""


class _WorkQueueAction(_Action):
    """Acts on a work queue: the selected one, or that of the event."""

    source: Source = "selected"
    work_queue_id: Uuid | None = None

    def __post_init__(self) -> None:
        """Check that there is an id exactly where one is selected."""
        _check_source(self.source, "work_queue_id", self.work_queue_id)


class PauseWorkQueue(_WorkQueueAction, tag="pause-work-queue"):
    """Pauses a work queue."""


class ResumeWorkQueue(_WorkQueueAction, tag="resume-work-queue"):
    """Resumes a work queue."""


class _AutomationAction(_Action):
    """Acts on an automation: the selected one, or that of the event."""

    source: Source = "selected"
    automation_id: Uuid | None = None

    def __post_init__(self) -> None:
        """Check that there is an id exactly where one is selected."""
        _check_source(self.source, "automation_id", self.automation_id)


class PauseAutomation(_AutomationAction, tag="pause-automation"):
    """Disables an automation."""


class ResumeAutomation(_AutomationAction, tag="resume-automation"):
    """Enables an automation."""


class SendNotification(_Action, tag="send-notification"):
    """Sends a message through a notification block; ``subject`` and ``body`` are templates."""

    block_document_id: Uuid
    body: str
    subject: str = "Prefect automated notification"


class CallWebhook(_Action, tag="call-webhook"):
    """Calls a webhook block with the text of a template."""

    block_document_id: Uuid
    payload: Template = ""

    def __post_init__(self) -> None:
        """Write a payload given as JSON as its text."""
        self.payload = _template_text(self.payload)


class SendEmailNotification(_Action, tag="send-email-notification"):
    """Sends an email to addresses; ``subject`` and ``body`` are templates.

    It goes over the server that the block describes, over the server's own SMTP settings without one.
    """

    emails: list[str]
    body: str
    subject: str = "Podium notification"
    block_document_id: Uuid | None = None

    def __post_init__(self) -> None:
        """Check that somebody gets it."""
        if not self.emails:
            raise refusal("emails", "Expected at least one address")
        if not all(ADDRESS.fullmatch(address) for address in self.emails):
            raise refusal("emails", "Expected addresses of the form name@host")


Action = (
    DoNothing
    | RunDeployment
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
    | PauseWorkQueue
    | ResumeWorkQueue
    | PauseAutomation
    | ResumeAutomation
    | SendNotification
    | CallWebhook
    | SendEmailNotification
)
