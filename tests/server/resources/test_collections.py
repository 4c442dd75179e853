"""The views of the collections: what forms and `prefect work-pool create` offer, without access to the internet."""

from typing import Any

import httpx
import pytest

TYPES = {
    "prefect": {"process"},
    "prefect-aws": {"ecs"},
    "prefect-azure": {"azure-container-instance"},
    "prefect-docker": {"docker"},
    "prefect-gcp": {"cloud-run", "cloud-run-v2", "vertex-ai"},
    "prefect-kubernetes": {"kubernetes"},
}
KEYS = {
    "type",
    "display_name",
    "description",
    "documentation_url",
    "logo_url",
    "install_command",
    "is_beta",
    "default_base_job_configuration",
}


@pytest.fixture
def view(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/collections/views/aggregate-worker-metadata").json()
    return found


def test_every_type_of_worker_has_what_a_form_needs(view: dict[str, Any]) -> None:
    """A title, a sentence and a template whose variables are all described and all used."""
    assert {package: set(types) for package, types in view.items()} == TYPES
    for package, types in view.items():
        for kind, worker in types.items():
            assert worker.keys() == KEYS
            assert (worker["type"], worker["install_command"]) == (kind, f"pip install {package}")
            template = worker["default_base_job_configuration"]
            variables = template["variables"]
            for name, variable in variables["properties"].items():
                assert variable["title"], name
                assert variable["description"].endswith("."), name
                assert f"{{{{ {name} }}}}" in str(template["job_configuration"]), (kind, name)


def test_what_a_template_refers_to_is_inside_of_it(view: dict[str, Any]) -> None:
    """Blocks that hold credentials are described with their secrets."""
    ecs = view["prefect-aws"]["ecs"]["default_base_job_configuration"]["variables"]
    assert ecs["properties"]["launch_type"]["enum"] == ["FARGATE", "EC2", "EXTERNAL", "FARGATE_SPOT"]
    assert ecs["definitions"]["AwsCredentials"]["block_type_slug"] == "aws-credentials"
    assert ecs["definitions"]["AwsCredentials"]["secret_fields"] == ["aws_secret_access_key"]
    vertex = view["prefect-gcp"]["vertex-ai"]["default_base_job_configuration"]["variables"]
    assert vertex["required"] == ["region", "image"]


def test_other_views_are_empty_or_unknown(api: httpx.Client) -> None:
    for name in ("aggregate-block-metadata", "aggregate-flow-metadata", "demo-flows"):
        assert api.get(f"/collections/views/{name}").json() == {}
    assert api.get("/collections/views/nothing").status_code == 404
