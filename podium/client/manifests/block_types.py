"""The schemas of block types: those that are missing are added, and none is taken away."""

from typing import TYPE_CHECKING

from podium.client.manifests.kind import Comparison, Difference, Names, Row, Sending, differences
from podium.client.nouns.noun import endpoint

if TYPE_CHECKING:
    from podium.client.api import Client

_FIELDS = ("checksum", "version", "capabilities", "fields")


def with_schemas(row: Row, names: Names) -> Row:
    """A block type with its schemas, the oldest first, as they were made."""
    found = [each for each in names.rows("block-schema").values() if each["block_type_id"] == row["id"]]
    return {**row, "schemas": [{name: each[name] for name in _FIELDS} for each in reversed(found)]}


def differences_of_types(pair: Comparison) -> list[Difference]:
    """Field by field; a schema is known by its checksum."""
    found = []
    for name, wanted in pair.wanted.items():
        if name != "schemas":
            found += differences(name, pair.current.get(name), wanted)
            continue
        known = {each["checksum"] for each in pair.current.get("schemas", ())}
        missing = [each["checksum"] for each in wanted if each["checksum"] not in known]
        found += [Difference("schemas", None, checksum) for checksum in missing]
    return found


def add_schemas(client: "Client", sending: Sending) -> str | None:
    """Make the schemas that are missing; what became another than it should be, if one did."""
    kind = sending.names.id_of("block-type", sending.name)
    known = sending.names.rows("block-schema")
    others = []
    for each in sending.wanted.get("schemas") or ():
        if each["checksum"] in known:
            continue
        body = {name: each[name] for name in _FIELDS if name in each and name != "checksum"}
        made = client.call(endpoint("block_schemas.CREATE"), {**body, "block_type_id": kind})
        if made.checksum != each["checksum"]:
            others.append(f"the schema {each['checksum']} became {made.checksum}")
    return "; ".join(others) or None
