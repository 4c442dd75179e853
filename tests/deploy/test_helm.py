"""deploy/helm: the chart as helm renders it, checked against the schemas of Kubernetes."""

from typing import Any

import pytest
import yaml

import podium
from podium.profiles.resolve import load_settings
from tests.deploy import commands, compose
from tests.deploy.conftest import Tool

CHART = compose.DEPLOY / "helm" / "podium"
KUBERNETES = ("1.25", "1.29", "1.34")
EVERYTHING = [
    "ingress.enabled=true",
    "ingress.className=nginx",
    "basePath=/podium",
    "auth.existingSecret=podium-auth",
    "encryption.existingSecret=podium-encryption",
    "settings.PODIUM_SERVER_LOGGING_LEVEL=INFO",
    "api.nodeSelector.kind=fast",
    "imagePullSecrets[0].name=registry",
    "serviceAccount.create=false",
]

Manifests = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(params=[[], EVERYTHING], ids=["as it is", "with everything"])
def manifests(request: pytest.FixtureRequest, tool: Tool) -> Manifests:
    """What is rendered, by kind and name."""
    return _by_name(_rendered(tool, request.param))


def test_helm_finds_nothing_wrong(tool: Tool) -> None:
    result = tool("helm", "lint", "--strict", CHART)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("version", KUBERNETES)
def test_what_is_rendered_is_what_kubernetes_takes(tool: Tool, tmp_path: Any, version: str) -> None:
    """Every field is known, in the oldest version that the chart is for and in newer ones."""
    rendered = tmp_path / "rendered.yaml"
    rendered.write_text(_rendered(tool, EVERYTHING))
    result = tool("kubernetes-validate", "--strict", "-k", version, rendered)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_container_runs_a_command_of_podium(manifests: Manifests) -> None:
    """The API and the services each as often as the values say, the migration once before them."""
    pods = {name: _pod(each) for (kind, name), each in manifests.items() if kind in ("Deployment", "Job")}
    assert {name: commands.parse(pod["containers"][0]["args"]) for name, pod in pods.items()} == {
        "site-podium-api": "podium server start",
        "site-podium-services": "podium server services start",
        "site-podium-migrate": "podium server database upgrade",
    }
    assert manifests["Deployment", "site-podium-api"]["spec"]["replicas"] == 2
    hooks = manifests["Job", "site-podium-migrate"]["metadata"]["annotations"]
    assert hooks["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_every_variable_is_a_setting(manifests: Manifests) -> None:
    """URLs and credentials come from secrets; no service's name can come as one."""
    for (kind, _), each in manifests.items():
        if kind not in ("Deployment", "Job"):
            continue
        pod = _pod(each)
        environment = pod["containers"][0]["env"]
        assert commands.unknown_settings(variable["name"] for variable in environment) == []
        load_settings(environ={each["name"]: each["value"] for each in environment if "value" in each})
        secret = {each["name"] for each in environment if "valueFrom" in each}
        assert {"PODIUM_SERVER_DATABASE_CONNECTION_URL", "PODIUM_REDIS_URL"} <= secret
        assert pod["enableServiceLinks"] is False


def test_every_pod_is_asked_how_it_is_and_runs_without_rights(manifests: Manifests) -> None:
    """At the API's own path, on the port it listens on."""
    for (kind, name), each in manifests.items():
        if kind not in ("Deployment", "Job"):
            continue
        pod, container = _pod(each), _pod(each)["containers"][0]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        if kind == "Deployment":
            port = container["args"][container["args"].index("--port" if "api" in name else "--health-port") + 1]
            assert container["ports"] == [{"name": "http", "containerPort": int(port)}]
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                path = container[probe]["httpGet"]["path"]
                assert path.endswith(
                    "/api/ready" if (name[-8:], probe) == ("services", "readinessProbe") else "/api/health"
                )


def test_pods_are_moved_one_at_a_time(manifests: Manifests) -> None:
    """A budget for each kind, that selects its pods."""
    for kind in ("api", "services"):
        budget = manifests["PodDisruptionBudget", f"site-podium-{kind}"]["spec"]
        pods = manifests["Deployment", f"site-podium-{kind}"]["spec"]["template"]["metadata"]["labels"]
        assert budget["maxUnavailable"] == 1
        assert budget["selector"]["matchLabels"].items() <= pods.items()


def test_requests_come_to_the_api_and_not_to_the_services(manifests: Manifests) -> None:
    selector = manifests["Service", "site-podium"]["spec"]["selector"]
    chosen = [
        name
        for (kind, name), each in manifests.items()
        if kind == "Deployment" and selector.items() <= each["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert chosen == ["site-podium-api"]


def test_below_a_path_everything_is_below_it(tool: Tool) -> None:
    """Probes, ingress and the server's own setting."""
    manifests = _by_name(_rendered(tool, ["basePath=/podium", "ingress.enabled=true"]))
    container = _pod(manifests["Deployment", "site-podium-api"])["containers"][0]
    assert container["livenessProbe"]["httpGet"]["path"] == "/podium/api/health"
    assert {"name": "PODIUM_SERVER_BASE_PATH", "value": "/podium"} in container["env"]
    (rule,) = manifests["Ingress", "site-podium"]["spec"]["rules"]
    assert rule["http"]["paths"][0]["path"] == "/podium"


def test_the_chart_is_of_this_version() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == podium.__version__


def _rendered(tool: Tool, values: list[str]) -> str:
    result = tool("helm", "template", "site", CHART, *(word for value in values for word in ("--set", value)))
    assert result.returncode == 0, result.stderr
    return result.stdout


def _by_name(text: str) -> Manifests:
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text) if each}


def _pod(manifest: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return pod
