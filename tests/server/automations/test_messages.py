"""Actions that send something, and the templates they render: queued with the action, done when it arrived."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from podium.db.ids import new_id
from podium.db.tables.blocks import block_documents, block_schemas, block_types
from podium.db.tables.deployments import deployment_schedules
from podium.db.tables.flows import flows
from podium.db.tables.variables import variables
from podium.server.automations.outcomes import failed, succeeded
from podium.server.operations.concurrency_limits import create_limit
from tests.server.automations.acting import Acting, event, resource


@pytest.fixture
def block(acting: Acting) -> Any:
    """Makes a block document of a type with capabilities; its id."""

    def make(slug: str, *capabilities: str) -> str:
        known = acting.units.all(select(block_types.c.id).where(block_types.c.slug == slug))
        block_type = known[0]["id"] if known else acting.rows.add(block_types, name=slug, slug=slug)
        schema = acting.rows.add(
            block_schemas, block_type_id=block_type, checksum=new_id(), fields={}, capabilities=list(capabilities)
        )
        given = {"block_schema_id": schema, "block_type_id": block_type, "name": f"mine-{new_id()}"}
        return acting.rows.add(block_documents, data="", **given)

    return make


def notification(block_document_id: str, body: str = "hello", subject: str = "dry") -> dict[str, Any]:
    return {"type": "send-notification", "block_document_id": block_document_id, "body": body, "subject": subject}


class TestSending:
    def test_a_notification_is_queued_and_then_done(self, acting: Acting, block: Any) -> None:
        """It is told of when it arrived, with what the deliverer says."""
        document = block("slack-webhook", "notify")
        cause = event("garden.1", payload={"bed": "east"})
        action = notification(document, "bed {{ event.payload.bed }}", "{{ automation.name }}")
        row = acting.do(action, cause=cause)
        assert row["state"] == "sending"
        assert [each["event"].rpartition(".")[2] for each in acting.told(row["id"])] == ["triggered"]
        [delivery] = acting.deliveries(row["id"])
        assert (delivery["kind"], delivery["channel"], delivery["idempotency_key"]) == (
            "notification",
            document,
            row["id"],
        )
        assert delivery["request"] == {"subject": "gardener", "body": "bed east"}
        acting.units.write(succeeded, row["id"], {"status_code": 200})
        assert acting.ended(row["id"]) == ("executed", None)
        triggered, executed = acting.told(row["id"])
        assert executed["payload"] == {**triggered["payload"], "status_code": 200}
        assert executed["follows"] == triggered["id"]
        assert executed["related"] == triggered["related"]
        blocks = [resource("block-document", document, "block"), resource("block-type", "slack-webhook", "block-type")]
        name = executed["related"][0].pop("prefect.resource.name")
        assert name.startswith("mine-")
        assert executed["related"][:2] == blocks

    def test_an_outcome_counts_once(self, acting: Acting, block: Any) -> None:
        """Whoever tells it again changes nothing."""
        row = acting.do(notification(block("slack-webhook", "notify")))
        acting.units.write(failed, row["id"], "nobody there", {"notification_log": "refused"})
        acting.units.write(succeeded, row["id"], {})
        acting.units.write(failed, row["id"], "again", {})
        acting.units.write(failed, new_id(), "unknown", {})
        assert acting.ended(row["id"]) == ("failed", "nobody there")
        _, told = acting.told(row["id"])
        assert (told["payload"]["reason"], told["payload"]["notification_log"]) == ("nobody there", "refused")

    def test_a_webhook_is_called_with_the_rendered_payload(self, acting: Acting, block: Any) -> None:
        """An object was dumped to its text when it was stored; loading the block is told of."""
        document = block("webhook")
        payload = {"bed": "{{ event.payload.bed }}", "event": "{{ event.event }}"}
        action = {"type": "call-webhook", "block_document_id": document, "payload": payload}
        row = acting.do(action, cause=event("garden.1", payload={"bed": 7}))
        assert row["state"] == "sending", row["reason"]
        [delivery] = acting.deliveries(row["id"])
        assert delivery["kind"] == "webhook"
        assert msgspec.json.decode(delivery["request"]["payload"]) == {"bed": "7", "event": "garden.watered"}
        about = f"prefect.block-document.{document}"
        loaded = acting.events(lambda each: each["resource_id"] == about)
        assert [each["event"] for each in loaded] == ["prefect.block.webhook.loaded"]
        assert loaded[0]["related"] == [resource("block-type", "webhook", "block-type")]

    def test_an_email_is_queued(self, acting: Acting, block: Any) -> None:
        """Over the server's own settings, or a block."""
        action = {
            "type": "send-email-notification",
            "emails": ["a@garden.example", "b@garden.example"],
            "subject": "{{ event.event }}",
            "body": "dry",
        }
        row = acting.do(action, cause=event("garden.1"))
        [delivery] = acting.deliveries(row["id"])
        assert (delivery["kind"], delivery["channel"], delivery["block_document_id"]) == ("email", "email", None)
        assert delivery["request"] == {
            "subject": "garden.watered",
            "body": "dry",
            "emails": ["a@garden.example", "b@garden.example"],
        }
        document = block("email-server-credentials")
        row = acting.do({**action, "block_document_id": document})
        [delivery] = acting.deliveries(row["id"])
        assert (delivery["channel"], delivery["block_document_id"]) == (document, document)

    def test_a_block_that_is_gone_or_of_another_kind_fails_it(self, acting: Acting, block: Any) -> None:
        """And nothing is queued."""
        gone = new_id()
        row = acting.do(notification(gone))
        assert row["reason"] == (
            f"Unexpected status from 'send-notification' action: 404 (Block document {gone} not found)"
        )
        secret = block("secret")
        row = acting.do(notification(secret))
        assert row["reason"].endswith("is not a notification block")
        row = acting.do({"type": "call-webhook", "block_document_id": secret})
        assert row["reason"].endswith("is not a webhook block")
        assert acting.deliveries(row["id"]) == []

    def test_a_template_that_fails_is_told_of(self, acting: Acting, block: Any) -> None:
        """With what it is and why."""
        row = acting.do(notification(block("slack-webhook", "notify"), "{{ 1 / 0 }}"))
        assert (row["state"], row["reason"]) == ("failed", "Template rendering failed: division by zero")
        _, told = acting.told(row["id"])
        assert told["payload"]["template_error"] == "division by zero"
        assert told["payload"]["template_source"] == "{{ 1 / 0 }}"
        assert acting.deliveries(row["id"]) == []


class TestWhatTemplatesKnow:
    @pytest.fixture
    def said(self, acting: Acting, block: Any) -> Any:
        """What a template says in a notification."""
        document = block("slack-webhook", "notify")

        def say(template: str, **fired: Any) -> str:
            row = acting.do(notification(document, template), **fired)
            assert row["state"] == "sending", row["reason"]
            text: str = acting.deliveries(row["id"])[0]["request"].get("body", "")
            return text

        return say

    def test_what_fired(self, said: Any) -> None:
        """Event, labels by their parts, firing and automation."""
        cause = event(
            {"prefect.resource.id": "garden.1", "prefect.resource.name": "east"},
            {"prefect.resource.id": "prefect.tag.t", "prefect.resource.role": "tag", "a.b": "c"},
            payload={"deep": {"er": [1]}},
        )
        template = (
            "{{ event.event }} {{ event.resource.id }} {{ event.resource.name }} {{ event.related[0].role }} "
            "{{ event.related[0].labels.a.b }} {{ event.resource['prefect.resource.id'] }} "
            "{{ event.resource_in_role.tag.id }} {{ event.resources_in_role['tag'] | length }} "
            "{{ event.find_resource_label('related:tag:a.b') }} "
            "{{ event.find_resource_label('prefect.resource.name') }} {{ event.occurred.strftime('%H:%M') }} "
            "{{ event.payload.deep.er[0] }} {{ event.involved_resources | length }}"
        )
        assert (
            said(template, cause=cause)
            == "garden.watered garden.1 east tag c garden.1 prefect.tag.t 1 c east 12:00 1 2"
        )
        labels = {"prefect.resource.id": "garden.1", "prefect": "x"}
        template = (
            "{{ labels.prefect }} {{ labels.prefect.resource.id }} {{ labels['prefect.resource.id'] }}[{{ labels.no }}]"
        )
        assert said(template, labels=labels) == "x garden.1 garden.1[]"
        template = (
            "{{ automation.name }} {{ automation.trigger.type }} {{ firing.trigger.posture }} {{ firings | length }}"
        )
        assert said(template) == "gardener event Reactive 1"
        assert said("{{ events[0].id == event.id }} {{ (event | tojson) | length > 9 }}", cause=cause) == "True True"
        assert said("[{{ event }}{{ event.resource.id }}{{ flow_run.name }}]") == "[None]"

    def test_the_objects_of_the_event(self, acting: Acting, said: Any) -> None:
        """By the first of each kind; a run in the state that the event tells."""
        flow = acting.rows.flow(f"flow-{new_id()}")
        pool_name = f"pool-{new_id()}"
        pool = acting.rows.pool(pool_name)
        queue = acting.rows.queue(pool)
        deployment = acting.rows.deployment(flow, "daily", parameters={"beds": 2})
        acting.rows.add(deployment_schedules, deployment_id=deployment, schedule={"interval": 60})
        run = acting.rows.flow_run(flow, "fuzzy-leopard", state="RUNNING")
        task = acting.rows.task_run(run, "watering", state="RUNNING")
        limit = acting.units.write(create_limit, {"name": f"limit-{new_id()}", "limit": 3})["id"]
        told = {
            "prefect.state-name": "Dry",
            "prefect.state-type": "FAILED",
            "prefect.state-message": "no water",
            "prefect.state-timestamp": "2026-06-27T16:21:37+00:00",
        }
        cause = event(
            resource("flow-run", run, **told),
            *(
                resource(kind, key, kind)
                for kind, key in (
                    ("flow", flow),
                    ("deployment", deployment),
                    ("work-queue", queue),
                    ("work-pool", pool),
                    ("task-run", task),
                    ("concurrency-limit", limit),
                )
            ),
        )
        template = (
            "{{ flow_run.name }} is {{ flow_run.state.name }} at {{ flow_run.state.timestamp }} ({{ flow.name }})"
        )
        [name] = {each["name"] for each in acting.units.all(select(flows.c.name).where(flows.c.id == flow))}
        assert said(template, cause=cause) == f"fuzzy-leopard is Dry at 2026-06-27 16:21:37+00:00 ({name})"
        for name in ("flow_run", "task_run", "deployment", "work_pool", "work_queue", "flow", "concurrency_limit"):
            assert "id" in msgspec.json.decode(said("{{ " + name + " | tojson }}", cause=cause))
        template = (
            "{{ deployment.name }} {{ deployment.parameters.beds }} {{ work_pool.name }} {{ work_queue.name }} "
            "{{ work_queue.healthy }} {{ task_run.name }} {{ task_run.state.type }} {{ concurrency_limit.limit }} "
            "{{ flow_run | ui_url }} {{ work_pool | ui_url }} {{ flow_run.state.message }}"
        )
        assert said(template, cause=cause) == (
            f"daily 2 {pool_name} default False watering RUNNING 3 "
            f"http://127.0.0.1:4200/runs/flow-run/{run} http://127.0.0.1:4200/work-pools/work-pool/{pool_name} no water"
        )

    def test_what_is_not_there_is_empty(self, said: Any) -> None:
        """Objects that are gone, and events that name none."""
        gone = event(*(resource(kind, new_id(), kind) for kind in ("flow-run", "work-queue", "concurrency-limit")))
        template = "[{{ flow_run.name }}{{ work_queue.name }}{{ concurrency_limit.name }}{{ deployment.name }}]"
        assert said(template, cause=gone) == "[]"
        assert said("[{{ flow_run.name }}]", cause=event("garden.1")) == "[]"

    def test_variables(self, acting: Acting, said: Any) -> None:
        """By their names, with their values."""
        acting.rows.add(variables, name=f"v{new_id().replace('-', '')}", value="x")
        name = f"v{new_id().replace('-', '')}"
        acting.rows.add(variables, name=name, value={"beds": [1, 2]})
        assert said("{{ variables." + name + ".beds[1] }} {{ variables.unknown }}") == "2 "
