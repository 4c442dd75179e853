"""Fills a server as a team would, with the real client: run in the client's environment, prints what a page needs."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.automations import Automation
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.concurrency.sync import concurrency
from prefect.events import emit_event
from prefect.events.actions import PauseDeployment
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.logging.configuration import setup_logging
from prefect.variables import Variable

STORE = """
import time
from prefect import flow

@flow(name="nightly", description="Loads **everything** anew.")
def nightly(region: str = "north", rows: int = 3, dry_run: bool = False, tags: list[str] = ["a"]):
    print(region, rows)
    time.sleep(0.2)
"""


@task(name="extract", tags=["io"], description="Reads one source.")
def extract(name: str) -> int:
    get_run_logger().info("extracting %s", name)
    return len(name)


@task(name="flaky", retries=1, retry_delay_seconds=0)
def flaky(attempts: list[int]) -> int:
    attempts.append(1)
    if len(attempts) == 1:
        raise ValueError("not yet")
    return len(attempts)


@task(name="broken")
def broken() -> None:
    raise RuntimeError("the source is gone")


@flow(name="load", log_prints=True)
def load(values: list[int]) -> int:
    print("loading", values)
    return sum(values)


@flow(name="pipeline", description="Extracts, loads and reports.", persist_result=True)
def pipeline(region: str = "north", sources: tuple[str, ...] = ("orders", "customers", "stock")) -> int:
    logger = get_run_logger()
    logger.warning("a warning about %s", region)
    values = [extract.submit(name) for name in sources]
    total = load([value.result() for value in values])
    flaky([])
    create_table_artifact(key="totals", table=[{"source": name, "rows": 3} for name in sources], description="Counts")
    create_markdown_artifact(
        key="report", markdown=f"# Report\n\n* {region}\n* {total}\n\n`code`", description="Read me"
    )
    create_link_artifact(key="dashboard", link="https://example.com/dashboard", link_text="Dashboard")
    create_image_artifact(key="plot", image_url="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=")
    progress = create_progress_artifact(key="progress", progress=10.0)
    update_progress_artifact(progress, progress=75.0)
    logger.error("an error that is only said")
    return total


@flow(name="failing")
def failing() -> None:
    extract("first")
    broken()


def deploy() -> dict[str, str]:
    Path("stores.py").write_text(STORE)
    source = flow.from_source(source=os.getcwd(), entrypoint="stores.py:nightly")
    made = {}
    for name, options in {
        "production": {
            "schedules": [
                CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin"),
                IntervalSchedule(interval=timedelta(hours=1)),
                RRuleSchedule(rrule="FREQ=WEEKLY;BYDAY=MO"),
            ],
            "parameters": {"rows": 5},
            "tags": ["nightly", "production"],
            "description": "Runs **every** night.",
            "concurrency_limit": 2,
            "work_queue_name": "urgent",
        },
        "by-hand": {"job_variables": {"env": {"LEVEL": "debug"}}, "version": "2"},
    }.items():
        made[name] = str(source.deploy(name=name, work_pool_name="local", print_next_steps=False, **options))
    return made


def fill(client) -> None:
    client.create_work_pool(WorkPoolCreate(name="local", type="process", description="This machine"))
    client.create_work_pool(WorkPoolCreate(name="idle", type="process", is_paused=True, concurrency_limit=3))
    for name, options in {"urgent": {"priority": 1, "concurrency_limit": 4}, "slow": {"priority": 9}}.items():
        client.create_work_queue(name=name, work_pool_name="local", **options)
    Variable.set("region", "north", tags=["place"])
    Variable.set("settings", {"retries": 3, "names": ["a", "b"]})
    Secret(value="canary").save("password")
    client.create_concurrency_limit(tag="io", concurrency_limit=5)
    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="database", limit=4))
    client.create_global_concurrency_limit(
        GlobalConcurrencyLimitCreate(name="rate", limit=10, slot_decay_per_second=0.5, active=False)
    )


def automate(deployment_id: str) -> str:
    made = Automation(
        name="Pause on failure",
        description="When it fails twice",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Failed"},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=2,
            within=timedelta(minutes=10),
        ),
        actions=[PauseDeployment(source="selected", deployment_id=deployment_id)],
        tags=["care"],
    ).create()
    Automation(
        name="Silence",
        enabled=False,
        trigger=EventTrigger(
            after={"order.placed"},
            expect={"order.shipped"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(hours=1),
        ),
        actions=[PauseDeployment(source="selected", deployment_id=deployment_id)],
    ).create()
    return str(made.id)


def main() -> None:
    setup_logging()
    with get_client(sync_client=True) as client:
        fill(client)
        deployments = deploy()
        automation = automate(deployments["by-hand"])
        with concurrency("database", occupy=2):
            state = pipeline("south", return_state=True)
            pipeline()
            failed = failing(return_state=True)
            run = client.create_flow_run_from_deployment(deployments["production"], parameters={"region": "west"})
            for number in range(3):
                emit_event(
                    "order.placed",
                    resource={
                        "prefect.resource.id": f"shop.order.{number}",
                        "prefect.resource.name": f"Order {number}",
                    },
                    related=[{"prefect.resource.id": "shop.customer.7", "prefect.resource.role": "customer"}],
                    payload={"items": number},
                )
            time.sleep(2)
        client.increment_concurrency_slots(["database"], 2, "concurrency")
        print(
            "SEED "
            + json.dumps(
                {
                    "deployments": deployments,
                    "automation": automation,
                    "flow_run": str(state.state_details.flow_run_id),
                    "failed": str(failed.state_details.flow_run_id),
                    "deployment_run": str(run.id),
                }
            )
        )


if __name__ == "__main__":
    main()
