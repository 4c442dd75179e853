"""Templates of webhooks: whatever a caller sends, the template alone says what the event is made of."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.server.operations.templating import Unrenderable
from podium.server.operations.webhook_templates import DEFAULT, write_event

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ['"', '\\"', "\\", '", "event": "x', "\x000\x00", "{{ webhook }}", "{% raw %}", "</script>", "\n", ","]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
EVERYWHERE = """\
{"event": "e.{{ body.a }}", "bare": {{ body.a }}, "json": {{ body.a | tojson }}, "quoted": "{{ body.a | tojson }}",
 {% for each in [body.a, body.a] %}"item {{ loop.index }}": {{ each }}{{ "," if not loop.last }}{% endfor %},
 {% set kept %}{{ body.a }}{% endset %}"kept": "{{ kept }}", "kept bare": {{ kept }},
 {% macro named(name, value) %}"{{ name }}": {{ value }}{% endmacro %}{{ named("macro", body.a) }},
 "joined": {{ "a" ~ body.a }}, "yes": {{ "true" if body else "false" }}, "last": "{{ body.a }}"}
"""


def said(template: str, **context: Any) -> Any:
    return json.loads(write_event(template, context))


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_a_value_stays_a_value(value: Any) -> None:
    """Bare it is its JSON, in quotes its text, wherever it came along: loops, blocks that are kept, macros."""
    event = said(EVERYWHERE, body={"a": value})
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    names = ("bare", "json", "item 1", "item 2", "kept bare", "macro")
    assert {name: event.pop(name) for name in names} == dict.fromkeys(names, value)
    assert event.pop("yes") is True
    quoted = event.pop("quoted")
    assert json.loads(quoted) == value
    assert event.pop("joined") == f"a{value}"
    texts = {name: event.pop(name) for name in ("event", "kept", "last")}
    if isinstance(value, str | None):
        assert texts == {"event": f"e.{text}", "kept": text, "last": text}
    else:
        assert json.loads(texts["kept"]) == json.loads(texts["last"]) == value
    assert event == {}


@settings(max_examples=200, deadline=None)
@given(VALUES, st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_the_servers_own_template_takes_every_call(body: Any, query: dict[str, str]) -> None:
    """And says all of it."""
    webhook = {"id": "1", "name": 'a "quoted" name'}
    event = said(DEFAULT, body=body, query=query, method="PUT", webhook=webhook)
    assert event["payload"] == {"method": "PUT", "query": query, "body": body}
    labels = {"prefect.resource.id": "prefect.webhook.1", "prefect.resource.name": webhook["name"]}
    assert event["resource"] == labels


STATEMENTS = (
    "if body",
    "else",
    "endif",
    "for x in body.a",
    "endfor",
    "set x = 1",
    "set x",
    "endset",
    "macro m(a)",
    "endmacro",
)
EXPRESSIONS = (
    "x",
    "body.a[0].b.c",
    "body | tojson",
    "m(body)",
    "body ~ 1",
    "2 ** 9",
    "'\"' * 3",
    "loop.index",
    "x | upper",
    ")",
)
PARTS = (
    *(f"{{% {each} %}}" for each in STATEMENTS),
    *(f"{{{{ {each} }}}}" for each in EXPRESSIONS),
    '"',
    "{",
    "}",
    "\\",
    "{%",
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_no_template_does_more_than_fail(parts: list[str]) -> None:
    """By saying so."""
    with suppress(Unrenderable):
        write_event(" ".join(parts), {"body": {"a": ["x", {"y": 1}]}})


def test_what_is_not_there_is_null_or_nothing() -> None:
    """Null where a value is expected, nothing in a text or where an ``if`` has no ``else``."""
    template = '{"bare": {{ body.a.b }}, "text": "{{ body.a.b }}", "json": {{ [body.a] | tojson }} {{ "," if body.a }}}'
    assert said(template, body={}) == {"bare": None, "text": "", "json": [None]}


def test_a_text_may_be_read_as_json() -> None:
    """As senders put their JSON into a field of a form."""
    template = '{"id": {{ (body.payload | fromjson).id }}}'
    assert said(template, body={"payload": '{"id": [7]}'}) == {"id": [7]}
    with pytest.raises(Unrenderable, match="malformed"):
        write_event(template, {"body": {"payload": "{x"}})


@pytest.mark.parametrize("name", ["safe", "e", "escape", "forceescape", "urlize", "xmlattr"])
def test_no_filter_lets_a_value_out_as_it_is(name: str) -> None:
    """There is none of those that would."""
    with pytest.raises(Unrenderable, match=name):
        write_event(f"{{{{ body | {name} }}}}", {"body": "x"})


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ body.__init__.__globals__ }}",
        "{{ podium_values }}",
        "{{ podium_values.append(1) }}",
        "{{ webhook.update({}) }}",
        "{{ self.__init__ }}",
        "{% include 'x' %}",
        "{{ lipsum.__globals__ }}",
        "{{ cycler.__init__ }}",
    ],
)
def test_the_sandbox_holds(template: str) -> None:
    """Nothing of the server is within reach, and nothing can be changed."""
    try:
        written = write_event(template, {"body": {}, "webhook": {"id": "1"}})
    except Unrenderable:
        return
    assert written in ("null", "", "[]")
