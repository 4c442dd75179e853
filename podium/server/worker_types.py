"""The types of workers that work pools can be made for, each with a base job template to start from."""

from typing import Any

Schema = dict[str, Any]

DOCS = "https://docs.prefect.io/v3/concepts/workers"


def _text(title: str, description: str, **more: Any) -> Schema:
    return {"title": title, "description": description, "type": "string", **more}


def _flag(title: str, description: str, default: bool | None = None) -> Schema:
    schema: Schema = {"title": title, "description": description, "type": "boolean"}
    return schema if default is None else {**schema, "default": default}


def _number(title: str, description: str, **more: Any) -> Schema:
    return {"title": title, "description": description, "type": "integer", **more}


def _texts(title: str, description: str) -> Schema:
    return {"title": title, "description": description, "type": "array", "items": {"type": "string"}}


def _mapping(title: str, description: str) -> Schema:
    values = {"type": "string"}
    return {"title": title, "description": description, "type": "object", "additionalProperties": values}


COMMON: dict[str, Schema] = {
    "name": _text("Name", "The name of what a worker starts for a run."),
    "env": _mapping("Environment Variables", "Variables to set in the environment of a run."),
    "labels": _mapping("Labels", "Labels for what a worker starts for a run."),
    "command": _text("Command", "The command that starts a run; usually left to the worker."),
}

PROCESS = COMMON | {
    "stream_output": _flag("Stream Output", "Show the output of runs in the worker's own output.", True),
    "working_dir": _text(
        "Working Directory", "The directory a run starts in; a temporary one unless set.", format="path"
    ),
}

DOCKER = COMMON | {
    "image": _text("Image", "The image of the container."),
    "image_pull_policy": _text(
        "Image Pull Policy", "When to pull the image.", enum=["IfNotPresent", "Always", "Never"]
    ),
    "registry_credentials": {
        "title": "Registry Credentials",
        "description": "A block with credentials for the registry of the image.",
        "type": "object",
    },
    "networks": _texts("Networks", "Docker networks the container joins."),
    "network_mode": _text("Network Mode", "The network mode of the container."),
    "volumes": _texts("Volumes", "Volumes to mount, each as `local:container` path."),
    "auto_remove": _flag("Auto Remove", "Remove the container when the run is over.", False),
    "stream_output": _flag("Stream Output", "Show the output of runs in the worker's own output.", True),
    "privileged": _flag("Privileged", "Give the container extended privileges.", False),
    "mem_limit": _text("Memory Limit", "The most memory of the container, such as `512m`."),
    "memswap_limit": _text("Memory Swap Limit", "The most memory and swap of the container."),
    "container_wait_timeout": _number("Container Wait Timeout", "Seconds to wait for the container to be there."),
}

KUBERNETES = COMMON | {
    "namespace": _text("Namespace", "The namespace of the job.", default="default"),
    "image": _text("Image", "The image of the job's container."),
    "image_pull_policy": _text(
        "Image Pull Policy",
        "When to pull the image.",
        enum=["IfNotPresent", "Always", "Never"],
        default="IfNotPresent",
    ),
    "service_account_name": _text("Service Account Name", "The service account of the job."),
    "cluster_config": {
        "title": "Cluster Config",
        "description": "A block with the configuration of the cluster; the worker's own unless set.",
        "type": "object",
    },
    "finished_job_ttl": _number("Finished Job TTL", "Seconds a finished job is kept; forever unless set."),
    "job_watch_timeout_seconds": _number(
        "Job Watch Timeout Seconds", "Seconds to watch a job; as long as it takes unless set."
    ),
    "pod_watch_timeout_seconds": _number("Pod Watch Timeout Seconds", "Seconds for a pod to start.", default=60),
    "stream_output": _flag("Stream Output", "Show the output of runs in the worker's own output.", True),
    "cpu_request": _text("CPU Request", "The CPU to ask for."),
    "cpu_limit": _text("CPU Limit", "The most CPU."),
    "memory_request": _text("Memory Request", "The memory to ask for."),
    "memory_limit": _text("Memory Limit", "The most memory."),
}

_KUBERNETES_JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"labels": "{{ labels }}", "namespace": "{{ namespace }}", "generateName": "{{ name }}-"},
    "spec": {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": "{{ finished_job_ttl }}",
        "template": {
            "spec": {
                "parallelism": 1,
                "completions": 1,
                "restartPolicy": "Never",
                "serviceAccountName": "{{ service_account_name }}",
                "containers": [
                    {
                        "name": "prefect-job",
                        "env": "{{ env }}",
                        "image": "{{ image }}",
                        "imagePullPolicy": "{{ image_pull_policy }}",
                        "args": "{{ command }}",
                        "resources": {
                            "requests": {"cpu": "{{ cpu_request }}", "memory": "{{ memory_request }}"},
                            "limits": {"cpu": "{{ cpu_limit }}", "memory": "{{ memory_limit }}"},
                        },
                    }
                ],
            }
        },
    },
}


def _placeholders(names: Any) -> dict[str, Any]:
    return {name: f"{{{{ {name} }}}}" for name in names}


def _worker_type(
    kind: str, title: str, description: str, install: str, variables: dict[str, Schema], job: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": kind,
        "display_name": title,
        "description": description,
        "documentation_url": DOCS,
        "logo_url": "",
        "install_command": install,
        "is_beta": False,
        "default_base_job_configuration": {
            "job_configuration": job,
            "variables": {"type": "object", "properties": variables},
        },
    }


WORKER_TYPES: dict[str, dict[str, Any]] = {
    "prefect": {
        "process": _worker_type(
            "process",
            "Process",
            "Runs flows as processes on the machine of the worker. The simplest way to start.",
            "pip install prefect",
            PROCESS,
            _placeholders(PROCESS),
        )
    },
    "prefect-docker": {
        "docker": _worker_type(
            "docker",
            "Docker",
            "Runs flows in Docker containers. Needs a worker with access to a Docker engine.",
            "pip install prefect-docker",
            DOCKER,
            _placeholders(DOCKER),
        )
    },
    "prefect-kubernetes": {
        "kubernetes": _worker_type(
            "kubernetes",
            "Kubernetes",
            "Runs flows as Kubernetes jobs. Needs a worker with access to a cluster.",
            "pip install prefect-kubernetes",
            KUBERNETES,
            {
                **_placeholders(("command", "env", "labels", "name", "namespace")),
                "job_manifest": _KUBERNETES_JOB,
                **_placeholders(
                    ("cluster_config", "job_watch_timeout_seconds", "pod_watch_timeout_seconds", "stream_output")
                ),
            },
        )
    },
}
"""By package and type, as the view ``aggregate-worker-metadata`` shows them."""
