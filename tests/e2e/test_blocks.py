"""Blocks as users have them: the unmodified SDK and command line, and what refers to blocks and variables."""

import pytest

from tests.e2e.conftest import PREFECT, Podium, wait_for

SYSTEM_BLOCKS = """
import asyncio, logging
from prefect.blocks import notifications, system, webhook
from prefect.blocks.core import Block
from prefect import filesystems
from prefect.client.orchestration import get_client

CLASSES = [
    system.Secret, webhook.Webhook, filesystems.LocalFileSystem, filesystems.RemoteFileSystem, filesystems.SMB,
    notifications.SlackWebhook, notifications.MicrosoftTeamsWebhook, notifications.DiscordWebhook,
    notifications.MattermostWebhook, notifications.OpsgenieWebhook, notifications.PagerDutyWebHook,
    notifications.TwilioSMS, notifications.SendgridEmail, notifications.CustomWebhookNotificationBlock,
]
"""


def test_the_client_registers_nothing_that_is_there(podium: Podium) -> None:
    """Types and schemas of all system blocks are those of the SDK: saving one makes and changes none."""
    before = podium.post("/block_schemas/filter")
    types = podium.post("/block_types/filter")
    podium.run(
        SYSTEM_BLOCKS
        + """
known = {}
with get_client(sync_client=True) as client:
    for each in CLASSES:
        schema = client.read_block_schema_by_checksum(each._calculate_schema_checksum(), version="3.8.8")
        known[each] = schema.id
        assert set(schema.capabilities) == set(each.get_block_capabilities()), each
for each in CLASSES:
    each.register_type_and_schema()
    assert each._block_schema_id == known[each], each
"""
    )
    assert podium.post("/block_schemas/filter") == before
    assert podium.post("/block_types/filter") == types


def test_system_blocks_are_saved_loaded_changed_and_deleted(podium: Podium) -> None:
    """Every block that comes with the SDK keeps its fields and secrets."""
    podium.run(
        SYSTEM_BLOCKS
        + """
from pydantic import SecretStr
def plain(value):
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value

blocks = {
    "secret": system.Secret(value={"nested": ["json", 1, None]}),
    "hook": webhook.Webhook(url="https://example.com/canary", headers={"token": "canary"}),
    "local": filesystems.LocalFileSystem(basepath="/tmp/x"),
    "remote": filesystems.RemoteFileSystem(basepath="memory://bucket/x", settings={"k": "v"}),
    "smb": filesystems.SMB(share_path="/s", smb_host="h", smb_username="u", smb_password="canary"),
    "slack": notifications.SlackWebhook(url="https://hooks.slack.com/canary"),
    "teams": notifications.MicrosoftTeamsWebhook(
        url="https://prod-NO.LOCATION.logic.azure.com:443/workflows/WFID/triggers/manual/paths/invoke?sp=%2Ftriggers"
        "%2Fmanual%2Frun&sv=1.0&sig=SIGNATURE"),
    "discord": notifications.DiscordWebhook(webhook_id="123456", webhook_token="canary"),
    "mattermost": notifications.MattermostWebhook(hostname="h.example.com", token="canary"),
    "opsgenie": notifications.OpsgenieWebhook(apikey="canary", details={"a": "b"}),
    "pager": notifications.PagerDutyWebHook(integration_key="canary", api_key="canary"),
    "twilio": notifications.TwilioSMS(
        account_sid="AC" + 32 * "0", auth_token="canary",
        from_phone_number="+15555550100", to_phone_numbers=["+15555550101"]),
    "sendgrid": notifications.SendgridEmail(api_key="canary", sender_email="a@example.com", to_emails=["b@x.com"]),
    "custom": notifications.CustomWebhookNotificationBlock(
        name="c", url="https://example.com/{{subject}}", json_data={"t": "{{body}}"}, secrets={"token": "canary"}),
}
assert {type(each) for each in blocks.values()} == set(CLASSES)
for name, block in blocks.items():
    block.save(name)
    again = type(block).load(name)
    for field in type(block).model_fields:
        assert plain(getattr(again, field)) == plain(getattr(block, field)), (name, field)
assert Block.load("secret/secret").get() == {"nested": ["json", 1, None]}

with get_client(sync_client=True) as client:
    for document in client.read_block_documents(include_secrets=False):
        assert "canary" not in str(document.data), document.data
    assert any("canary" in str(document.data) for document in client.read_block_documents(include_secrets=True))

secret = system.Secret.load("secret")
secret.value = SecretStr("changed")
secret.save("secret", overwrite=True)
assert system.Secret.load("secret").get() == "changed"
try: system.Secret(value="x").save("secret")
except ValueError as error: assert "already in use" in str(error)
else: raise AssertionError
system.Secret.delete("secret")
try: system.Secret.load("secret")
except ValueError as error: assert "secret" in str(error)
else: raise AssertionError
"""
    )


def test_own_blocks_keep_secrets_wherever_they_are(podium: Podium) -> None:
    """Secrets in texts, dictionaries, lists, models and blocks inside come back, and are shown to nobody else."""
    podium.run(
        """
        from typing import Optional, Union
        from pydantic import BaseModel, SecretStr
        from prefect.blocks.core import Block
        from prefect.client.orchestration import get_client
        from prefect.types import SecretDict

        class Login(BaseModel):
            user: str
            password: SecretStr

        class Inner(Block):
            key: SecretStr
            number: int = 1

        class Outer(Block):
            one: SecretStr
            none: Optional[SecretStr] = None
            many: list[SecretStr]
            named: dict[str, SecretStr]
            free: SecretDict
            login: Login
            logins: list[Login]
            inner: Inner
            either: Union[Inner, str]

        inner = Inner(key="canary-inner")
        inner.save("inner")
        Outer(
            one="canary-1", many=["canary-2"], named={"a": "canary-3"}, free={"b": "canary-4"},
            login=Login(user="u", password="canary-5"), logins=[Login(user="v", password="canary-6")],
            inner=inner, either=Inner(key="canary-none"),
        ).save("outer")

        outer = Outer.load("outer")
        assert outer.one.get_secret_value() == "canary-1" and outer.none is None
        assert (outer.many[0].get_secret_value(), outer.named["a"].get_secret_value()) == ("canary-2", "canary-3")
        assert outer.free.get_secret_value() == {"b": "canary-4"}
        assert [each.password.get_secret_value() for each in (outer.login, *outer.logins)] == ["canary-5", "canary-6"]
        assert [each.key.get_secret_value() for each in (outer.inner, outer.either)] == ["canary-inner", "canary-none"]

        with get_client(sync_client=True) as client:
            shown = client.read_block_document_by_name("outer", "outer", include_secrets=False)
            assert "canary" not in str(shown.data), shown.data
            assert shown.data["logins"] == [{"user": "v", "password": "********"}]
            assert all("canary" not in str(each.data) for each in client.read_block_documents(include_secrets=False))
        Inner(key="canary-new").save("inner", overwrite=True)
        assert Outer.load("outer").inner.key.get_secret_value() == "canary-new"
        Inner.delete("inner")
        try: Outer.load("outer")
        except RuntimeError as error: assert "Unable to load 'outer'" in str(error)
        else: raise AssertionError("its inner block is gone")
        """
    )
    kept = b"".join(each.read_bytes() for each in podium.home.glob("podium.db*"))
    log = (podium.home / "server.log").read_bytes()
    assert b"canary" not in kept + log


def test_the_command_line_manages_blocks(podium: Podium) -> None:
    """`block register|ls|inspect|delete|create` and `block type ls|inspect|delete`, by name and by id."""
    podium.console(
        """
        import json
        from pathlib import Path
        Path("found_blocks.py").write_text('''
        from prefect.blocks.core import Block
        from pydantic import SecretStr

        class Found(Block):
            _description = "to be found"
            key: SecretStr

        Found(key="canary").save("it", overwrite=True)
        '''.replace("\\n        ", "\\n"))
        has(prefect("block register -f found_blocks.py"), "Found")
        has(prefect("block register -m prefect.blocks.notifications"), "Slack Webhook")
        has(prefect("block type ls"), "found", "aws-credentials", "s3-bucket", "custom-webhook")
        has(prefect("block type inspect found"), "to be found")
        has(prefect("block type inspect none", code=1), "not found")
        has(prefect("block ls"), "found/it")
        shown = prefect("block inspect found/it")
        has(shown, "********")
        assert "canary" not in shown
        listed = json.loads(prefect("block ls -o json"))
        (ident,) = [each["id"] for each in listed if each["name"] == "it"]
        has(prefect(f"block inspect --id {ident}"), "it")
        has(prefect("block create found"), "/blocks/catalog/found/create")
        has(prefect("block create none", code=1), "not found")
        prefect(f"block delete --id {ident}")
        has(prefect(f"block delete --id {ident}", code=1), "not found")
        has(prefect("block type delete webhook", code=1), "is a protected block")
        prefect("block type delete found")
        has(prefect("block type delete found", code=1), "not found")
        """
    )


def test_work_pools_of_every_type_are_made_without_the_internet(podium: Podium) -> None:
    """The template of each type comes from the server."""
    podium.console(
        """
        import json
        kinds = "ecs azure-container-instance docker cloud-run cloud-run-v2 vertex-ai kubernetes process".split()
        for kind in kinds:
            prefect(f"work-pool create pool-{kind} --type {kind}")
            template = json.loads(prefect(f"work-pool get-default-base-job-template --type {kind}"))
            assert "env" in template["variables"]["properties"], kind
        listed = prefect("work-pool ls")
        has(listed, *(f"pool-{kind}" for kind in kinds))
        has(prefect("work-pool create odd --type none", code=1), "Unknown work pool type", "kubernetes", "process")
        """
    )


@pytest.mark.slow
def test_deployments_and_pools_refer_to_blocks_and_variables(clients: Podium) -> None:
    """`{{ prefect.blocks… }}` and `{{ prefect.variables… }}` in pull steps and job templates reach the run."""
    podium = clients
    (podium.home / "referring.py").write_text(
        "import os\n"
        "from prefect import flow\n"
        "@flow(name='referring', log_prints=True)\n"
        "def referring(hook: object = None):\n"
        "    print('TOKEN', os.environ['TOKEN'], 'TOWN', os.environ['TOWN'], 'HOOK', type(hook).__name__, hook)\n"
    )
    podium.run(
        """
        import os
        from prefect.blocks.system import Secret
        from prefect.blocks.webhook import Webhook
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.actions import WorkPoolCreate
        from prefect.variables import Variable
        from prefect.workers.process import ProcessWorker

        Secret(value="from-a-block").save("token")
        Webhook(url="https://example.com/hook").save("used")
        Variable.set("town", "Oslo")
        Variable.set("place", os.getcwd())
        template = ProcessWorker.get_default_base_job_template()
        template["variables"]["properties"]["env"]["default"] = {"TOKEN": "{{ prefect.blocks.secret.token }}"}
        with get_client(sync_client=True) as client:
            client.create_work_pool(WorkPoolCreate(name="referring", type="process", base_job_template=template))
            flow_id = client.create_flow_from_name("referring")
            hook = client.read_block_document_by_name("used", "webhook").id
            deployment = client.create_deployment(
                flow_id=flow_id, name="d", entrypoint="referring.py:referring", work_pool_name="referring",
                job_variables={"env": {
                    "TOKEN": "{{ prefect.blocks.secret.token }}", "TOWN": "{{ prefect.variables.town }}"}},
                parameters={"hook": {"$ref": {"block_document_id": str(hook)}}},
                pull_steps=[{"prefect.deployments.steps.set_working_directory": {
                    "directory": "{{ prefect.variables.place }}"}}],
            )
            client.create_flow_run_from_deployment(deployment)
        """
    )
    podium.command(str(PREFECT / "prefect"), "worker", "start", "--pool", "referring", "--run-once")
    run = podium.flow_run("referring")
    wait_for(lambda: podium.get(f"/flow_runs/{run['id']}")["state_type"] in ("COMPLETED", "FAILED", "CRASHED"))
    (line,) = [each for each in wait_for(lambda: podium.messages(run["id"])) if each.startswith("TOKEN")]
    assert line.startswith("TOKEN from-a-block TOWN Oslo HOOK Webhook")


def test_blocks_store_results(podium: Podium) -> None:
    """Results go where a block says, of the flow or of the server, and are read again through it."""
    podium.run(
        """
        from pathlib import Path
        from prefect import flow, task
        from prefect.filesystems import LocalFileSystem, RemoteFileSystem

        LocalFileSystem(basepath="kept-here").save("kept")
        RemoteFileSystem(basepath="memory://kept/there").save("there")

        @task(persist_result=True)
        def six(): return 6

        @flow(persist_result=True, result_storage="local-file-system/kept")
        def here(): return six()

        @flow(persist_result=True, result_storage="remote-file-system/there")
        def there(): return 7

        assert here() == 6
        assert len(list(Path("kept-here").iterdir())) == 2
        assert there(return_state=True).result() == 7
        assert RemoteFileSystem.load("there").filesystem.ls("kept/there")
        """
    )
