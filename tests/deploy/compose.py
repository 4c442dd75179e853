"""What deploy/compose.yaml says, for tests that run it without containers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
FILE = DEPLOY / "compose.yaml"

_VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


class Unset(Exception):
    """A variable that the file asks for has no value; the message is the file's own."""


@dataclass
class Service:
    """A service of the file, its variables filled in."""

    name: str
    command: list[str]
    environment: dict[str, str]
    healthcheck: list[str]
    restart: str
    depends_on: dict[str, dict[str, str]]
    rest: dict[str, Any]

    @property
    def is_podium(self) -> bool:
        return "build" in self.rest


def document(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file with its variables filled in. Raises ``Unset``."""

    def value(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        given = variables.get(name, "")
        if not given and operator == ":?":
            raise Unset(f"{name}: {rest}")
        return given or (rest if operator == ":-" else "")

    def filled(part: Any) -> Any:
        match part:
            case str():
                return _VARIABLE.sub(value, part)
            case list():
                return [filled(each) for each in part]
            case dict():
                return {key: filled(each) for key, each in part.items()}
        return part

    loaded: dict[str, Any] = filled(yaml.safe_load(FILE.read_text()))
    return loaded


def services(variables: Mapping[str, str]) -> dict[str, Service]:
    """The services of the file by name."""
    return {
        name: Service(
            name,
            service.get("command", []),
            service.get("environment", {}),
            service.get("healthcheck", {}).get("test", []),
            service.get("restart", "no"),
            service.get("depends_on", {}),
            service,
        )
        for name, service in document(variables)["services"].items()
    }
