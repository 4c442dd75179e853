"""Secrets of blocks: never in a document, which says in their place where to take them from."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from podium.client.manifests.kind import Comparison, Difference, Sending, Spec, differences
from podium.client.nouns.noun import endpoint
from podium.profiles.masking import MASK

if TYPE_CHECKING:
    from podium.client.api import Client

SECRET: Final = "$secret"  # noqa: S105  # a word of documents
"""Names the environment variable that holds a secret: ``{"$secret": "PODIUM_SECRET_AWS_CREDENTIALS_PROD_KEY"}``."""

JSON_SECRET: Final = "$secret_json"  # noqa: S105  # the same
"""The same for one that is JSON."""

Path = tuple[str | int, ...]


class MissingSecret(Exception):
    """A secret is neither in the environment nor on the server."""


def variable_of(block: str, path: Sequence[str | int]) -> str:
    """The environment variable that a document asks for: ``PODIUM_SECRET_`` and the names of type, block and field."""
    return re.sub(r"[^A-Z0-9]+", "_", f"PODIUM_SECRET_{block}_{'_'.join(map(str, path))}".upper()).strip("_")


def without_secrets(block: str, data: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a block, a placeholder for each secret: by its schema, and for all that the server masked."""
    secret = secret_places(data, fields)

    def replace(path: Path, value: Any) -> Any:
        if value is not None and (value == MASK or path in secret) and not is_placeholder(value):
            return {SECRET: variable_of(block, path)}
        return None

    hidden: dict[str, Any] = _walked(data, (), replace)
    return hidden


def secret_places(data: Any, fields: Mapping[str, Any]) -> set[Path]:
    """Where data has what the fields of its schema call secret."""
    return {path for each in fields.get("secret_fields") or () for path in _paths(data, each.split("."))}


def _paths(value: Any, steps: list[str], path: Path = ()) -> Iterator[Path]:
    """Where in a value the steps of a secret field lead; a list is no step of its own."""
    if not steps:
        yield path
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _paths(each, steps, (*path, at))
    elif isinstance(value, dict):
        for name in value if steps[0] == "*" else [steps[0]]:
            if name in value:
                yield from _paths(value[name], steps[1:], (*path, name))


def _walked(value: Any, path: Path, replace: Callable[[Path, Any], Any]) -> Any:
    found = replace(path, value)
    if found is not None:
        return found
    if isinstance(value, dict) and not is_placeholder(value):
        return {key: _walked(each, (*path, key), replace) for key, each in value.items()}
    if isinstance(value, list):
        return [_walked(each, (*path, at), replace) for at, each in enumerate(value)]
    return value


def is_placeholder(value: Any) -> bool:
    """Whether this stands for a secret."""
    return isinstance(value, dict) and len(value) == 1 and (SECRET in value or JSON_SECRET in value)


def placeholders(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every placeholder in a value with its environment variable."""
    if is_placeholder(data):
        yield path, str(next(iter(data.values())))
    elif isinstance(data, dict | list):
        for key, each in data.items() if isinstance(data, dict) else enumerate(data):
            yield from placeholders(each, (*path, key))


def from_environment(value: Mapping[str, Any]) -> Any:
    """The secret that a placeholder stands for; None where the environment has none. Raises ValueError."""
    variable = str(next(iter(value.values())))
    text = os.environ.get(variable)
    if text is None or SECRET in value:
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise ValueError(f"{variable} is not JSON") from None


def at(data: Any, path: Path) -> Any:
    """What lies at a path; None where it breaks off."""
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def missing(spec: Spec, current: Mapping[str, Any]) -> list[str]:
    """The environment variables of secrets that nobody has."""
    data = spec.get("data") or {}
    return [
        variable for path, variable in placeholders(data) if variable not in os.environ and at(current, path) is None
    ]


def needs_secrets(spec: Spec, current: Mapping[str, Any]) -> bool:
    """Whether a document tells secrets, so that those on the server have to be known to compare them."""
    wanted = spec.get("data") or {}
    if any(variable in os.environ for _, variable in placeholders(wanted)):
        return True
    return any(
        told is not None and not is_placeholder(told)
        for path, _ in placeholders(current)
        for told in [at(wanted, path)]
    )


def differences_of_blocks(pair: Comparison) -> list[Difference]:
    """Field by field. ``current`` has placeholders for its secrets and ``row`` what is known of them."""
    found = differences("schema", pair.current.get("schema"), pair.wanted["schema"]) if "schema" in pair.wanted else []
    if "data" not in pair.wanted:
        return found
    stored = pair.row["data"]
    fields = (pair.row.get("block_schema") or {}).get("fields") or {}
    secret = {path for data in (pair.current["data"], pair.wanted["data"]) for path, _ in placeholders(data)}
    secret |= secret_places(pair.wanted["data"], fields)

    def shown(path: Path, value: Any) -> Any:
        if path not in secret:
            return None
        if not is_placeholder(value):
            return {SECRET: value}
        told = from_environment(value)
        return {SECRET: at(stored, path) if told is None else told}

    def current(path: Path, value: Any) -> Any:
        return {SECRET: at(stored, path)} if path in secret else None

    wanted = _walked(pair.wanted["data"], (), shown)
    for each in differences("data", _walked(pair.current["data"], (), current), wanted):
        hidden = SECRET in each.path or any(
            isinstance(part, dict) and any(True for _ in placeholders(part)) for part in (each.before, each.after)
        )
        path = each.path.partition(f".{SECRET}")[0]
        found.append(Difference(path, None, None, secret=True) if hidden else each)
    return [each for at_, each in enumerate(found) if each not in found[:at_]]


def complete(client: "Client", sending: Sending) -> Spec:
    """The spec with its secrets: from the environment, else those that are there. Raises MissingSecret."""
    data = sending.wanted.get("data")
    if data is None:
        return sending.wanted
    stored: Any = {}
    if sending.row and any(True for _ in placeholders(data)):
        query = {"include_secrets": "true"}
        stored = client.call(endpoint("block_documents.READ"), query=query, id=sending.row["id"]).data

    def replace(path: Path, value: Any) -> Any:
        if not is_placeholder(value):
            return None
        told = from_environment(value)
        kept = at(stored, path) if told is None else told
        if kept is None:
            raise MissingSecret(f"set {next(iter(value.values()))} to the secret {'.'.join(map(str, path))}")
        return kept

    return {**sending.wanted, "data": _walked(data, (), replace)}
