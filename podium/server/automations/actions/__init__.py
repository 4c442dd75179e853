"""What automations do: a file for each kind of thing they act on, and the table of all actions."""

from podium.db.unit import Tx
from podium.server.automations.actions import deployments, flow_runs, messages, switches
from podium.server.automations.invocation import Effect, Invocation, Perform
from podium.wire import actions as wire


def _nothing(tx: Tx, invocation: Invocation, effect: Effect) -> None:
    """The event that the automation fired is all there is to do."""


PERFORM: dict[type, Perform] = {
    wire.DoNothing: _nothing,
    wire.RunDeployment: deployments.run,
    wire.PauseDeployment: switches.pause_deployment,
    wire.ResumeDeployment: switches.resume_deployment,
    wire.PauseWorkPool: switches.pause_work_pool,
    wire.ResumeWorkPool: switches.resume_work_pool,
    wire.PauseWorkQueue: switches.pause_work_queue,
    wire.ResumeWorkQueue: switches.resume_work_queue,
    wire.PauseAutomation: switches.pause_automation,
    wire.ResumeAutomation: switches.resume_automation,
    wire.CancelFlowRun: flow_runs.cancel,
    wire.DeleteFlowRun: flow_runs.delete,
    wire.SuspendFlowRun: flow_runs.suspend,
    wire.ResumeFlowRun: flow_runs.resume,
    wire.ChangeFlowRunState: flow_runs.change_state,
    wire.SendNotification: messages.send_notification,
    wire.CallWebhook: messages.call_webhook,
    wire.SendEmailNotification: messages.send_email,
}
"""How each action is done."""
