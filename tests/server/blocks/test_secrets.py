"""Where secrets may be in the data of block documents, how they are masked, and how they come back."""

from typing import Any

import httpx
import pytest

from podium.server.operations.block_secrets import masked, unmasked
from tests.server.blocks.conftest import MASK, UNKNOWN, Block, reference

SHOWN = [
    ("a", {"a": "s", "b": 1}, {"a": MASK, "b": 1}),
    ("a", {"a": None}, {"a": None}),
    ("a", {"a": {"b": ["s"]}}, {"a": MASK}),
    ("a", {"a": 12}, {"a": MASK}),
    ("a.b", {"a": {"b": "s", "c": 1}}, {"a": {"b": MASK, "c": 1}}),
    ("a.b", {"a": "text"}, {"a": "text"}),
    ("a.*", {"a": {"x": "s", "y": {"z": "s"}, "n": None}}, {"a": {"x": MASK, "y": MASK, "n": None}}),
    ("a.*.k", {"a": {"x": {"k": "s", "o": 1}}}, {"a": {"x": {"k": MASK, "o": 1}}}),
    ("a.k", {"a": [{"k": "s", "o": 1}, {"o": 2}]}, {"a": [{"k": MASK, "o": 1}, {"o": 2}]}),
    ("a.*", {"a": [{"k": "s"}, "text"]}, {"a": [{"k": MASK}, "text"]}),
    ("missing.a", {"b": 1}, {"b": 1}),
]


@pytest.mark.parametrize(("path", "data", "shown"), SHOWN)
def test_a_mask_hides_what_is_at_a_path_and_gives_it_back(path: str, data: Any, shown: Any) -> None:
    """Every path of secret fields hides its secret, whatever it is, and its mask brings it back."""
    assert masked(data, [path]) == shown
    assert unmasked(shown, data, [path]) == data


def test_a_secret_in_a_list_moves_with_its_item() -> None:
    """An item is told by what is not secret of it; one whose rest was changed too by its place."""
    now = {"a": [{"k": "1", "of": "x"}, {"k": "2", "of": "y"}]}
    moved = {"a": [{"k": MASK, "of": "y"}, {"k": MASK, "of": "x"}]}
    assert unmasked(moved, now, ["a.k"]) == {"a": [{"k": "2", "of": "y"}, {"k": "1", "of": "x"}]}
    shorter = {"a": [{"k": MASK, "of": "y"}]}
    assert unmasked(shorter, now, ["a.k"]) == {"a": [{"k": "2", "of": "y"}]}
    renamed = {"a": [{"k": MASK, "of": "z"}, {"k": "new", "of": "y"}, {"k": MASK, "of": "w"}]}
    assert unmasked(renamed, now, ["a.k"])["a"] == [{"k": "1", "of": "z"}, {"k": "new", "of": "y"}, renamed["a"][2]]


def test_documents_referred_to_keep_their_secrets_at_any_depth(account: Block) -> None:
    """Masked by their own schema, also where the one that refers to them does not call them secret."""
    api = account.api
    inner = account.path("inner", {"user": "u", "password": "deep"})
    middle = Block(api, {}, ["own"], **account.inside())
    path = middle.path("middle", {"login": reference(inner), "own": "o"})
    outer = Block(api, {}, [], **middle.inside())
    outer.save("outer", {"login": reference(path), "free": reference(inner)})
    login = {"user": "u", "password": "deep"}
    assert outer.load("outer")["data"] == {"login": {"login": login, "own": "o"}, "free": login}
    hidden = {"user": "u", "password": MASK}
    shown = outer.load("outer", secrets=False)
    assert shown["data"] == {"login": {"login": hidden, "own": MASK}, "free": hidden}
    references = shown["block_document_references"]["login"]["block_document"]["block_document_references"]
    assert references["login"]["block_document"]["name"] == "inner"


def test_data_of_a_reference_sent_back_masked_loses_no_secret(account: Block) -> None:
    """A client that sends what it was shown instead of the reference makes a copy, with its secret."""
    inner = account.path("inner", {"user": "u", "password": "p"})
    outer = Block(account.api, {}, ["login.password", "own"], **account.inside())
    path = outer.path("outer", {"login": reference(inner), "own": "o"})
    shown = outer.load("outer", secrets=False)["data"]
    assert account.api.patch(path, json={"data": shown}).status_code == 204
    assert outer.load("outer")["data"] == {"login": {"user": "u", "password": "p"}, "own": "o"}
    account.api.delete(inner)
    assert outer.load("outer")["data"]["login"] == {"user": "u", "password": "p"}


def test_references_change_with_the_data(account: Block) -> None:
    """Added, kept by a merge, taken out by another value or a replacement, gone with the document they are to."""
    api, first = account.api, account.path("first", {"user": "1"})
    second = account.path("second", {"user": "2"})
    outer = Block(api, {}, [], **account.inside())
    path = outer.path("outer", {"login": reference(first)})

    def change(data: Any, merge: bool = True) -> Any:
        assert api.patch(path, json={"data": data, "merge_existing_data": merge}).status_code == 204
        return outer.load("outer")["data"]

    assert change({"x": 1}) == {"login": {"user": "1"}, "x": 1}
    assert change({"login": reference(second)}) == {"login": {"user": "2"}, "x": 1}
    assert change({"login": None}) == {"login": None, "x": 1}
    assert change({"login": reference(first)}) == {"login": {"user": "1"}, "x": 1}
    assert change({"y": 2}, merge=False) == {"y": 2}
    assert change({"login": reference(first)}) == {"login": {"user": "1"}, "y": 2}
    api.delete(first)
    assert outer.load("outer")["data"] == {"y": 2}


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"$ref": {}}, 400),
        ({"$ref": "text"}, 400),
        ({"$ref": {"block_document_id": "no-id"}}, 400),
        ({"$ref": {"block_document_id": UNKNOWN}}, 409),
    ],
)
def test_a_reference_needs_a_document(account: Block, value: Any, status: int) -> None:
    path = account.path(f"doc-{status}", {"user": "u"})
    assert account.api.patch(path, json={"data": {"x": value}}).status_code == status
    assert account.save("other", {"x": value}).status_code == status
    assert account.load(f"doc-{status}")["data"] == {"user": "u"}


def test_no_document_refers_to_itself(account: Block) -> None:
    """Neither at once nor by way of others."""
    first = account.path("first", {})
    second = account.path("second", {"x": reference(first)})
    third = account.path("third", {"x": reference(second)})
    for target in (first, second, third):
        assert account.api.patch(first, json={"data": {"y": reference(target)}}).status_code == 400


def test_documents_are_found_by_name_type_and_capability(api: httpx.Client, account: Block) -> None:
    """The filters combine; names are compared without regard to case, anonymous documents are left out."""
    capable = {"block_type_id": account.type["id"], "fields": {"title": account.slug}, "capabilities": ["c-1", "c-2"]}
    schema = api.post("/block_schemas/", json=capable).json()
    account.save("plain-one", {})
    account.save(None, {}, is_anonymous=True)
    ids = {"block_type_id": account.type["id"], "block_schema_id": schema["id"]}
    api.post("/block_documents/", json={**ids, "name": "capable-one", "data": {}})

    def names(**filters: Any) -> list[str]:
        body = {"block_types": {"slug": {"any_": [account.slug]}}, **filters}
        return [each["name"] for each in api.post("/block_documents/filter", json=body).json()]

    assert names() == ["capable-one", "plain-one"]
    assert names(sort="NAME_DESC", limit=1) == ["plain-one"]
    assert names(block_documents={"name": {"like_": "PLAIN"}}) == ["plain-one"]
    assert names(block_schemas={"block_capabilities": {"all_": ["c-1", "c-2"]}}) == ["capable-one"]
    assert names(block_schemas={"block_capabilities": {"all_": ["c-1", "none"]}}) == []
    liked = {"block_types": {"name": {"like_": account.type["name"].upper()}}}
    assert [each["slug"] for each in api.post("/block_types/filter", json=liked).json()] == [account.slug]
