"""Templates: what they can do, and that none takes long, makes too much or reaches what it should not."""

import random
from contextlib import suppress
from time import process_time
from typing import Any

import pytest

from podium.server.operations.templating import (
    Unrenderable,
    is_expression,
    names_in,
    render,
    render_value,
    syntax_problem,
)

LONGEST_WAIT = 2.5  # seconds of the processor's time; the bound is half a second, a machine may be slow


def refusal(template: str) -> str:
    """Why a template cannot be rendered; it is said soon."""
    started = process_time()
    with pytest.raises(Unrenderable) as refused:
        render(template)
    assert process_time() - started < LONGEST_WAIT
    return str(refused.value)


class TestRendering:
    @pytest.mark.parametrize(
        ("template", "text"),
        [
            ("no template { } %", "no template { } %"),
            ("", ""),
            ("{{ name }} of {{ run.state.type }}", "east of DRY"),
            ("[{{ unknown }}{{ unknown.deeper[3].still }}]", "[]"),
            ("{# a comment #}x", "x"),
            (
                "{% for bed in beds if bed is odd %}{{ loop.index }}/{{ loop.length }}:{{ bed }} {% endfor %}",
                "1/2:1 2/2:3 ",
            ),
            ("{{ beds | map('string') | join('-') }}", "1-2-3"),
            ("{{ name ~ 1 ~ none }}", "east1None"),
            ("{{ run.items() }}", "[('state', {'type': 'DRY'})]"),
            ("{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice('a') }}", "aa"),
            ("{% set text %}a{{ name }}{% endset %}{{ text | upper }}", "AEAST"),
            ("{% autoescape true %}{% for i in [1] %}<b>{{ '<' }}{% endfor %}{% endautoescape %}", "<b>&lt;"),
            ("{{ '%.2f' % 1.5 }} {{ '{:>3}'.format(7) }} {{ '%s'|format(1) }}", "1.50   7 1"),
            ("{{ run | tojson }}", '{"state": {"type": "DRY"}}'),
            ("{{ beds == [1, 2, 3] and 2 in beds }}", "True"),
            ("{% for i in [1] recursive %}{{ i }}{% if i == 1 %}{{ loop([2]) }}{% endif %}{% endfor %}", "12"),
        ],
    )
    def test_what_templates_say(self, template: str, text: str) -> None:
        """As Jinja has it; what is undefined is empty, whatever is asked of it."""
        assert render(template, name="east", beds=[1, 2, 3], run={"state": {"type": "DRY"}}) == text

    @pytest.mark.parametrize(
        ("template", "value"),
        [
            ("{{ beds }}", [1, {"a": None}]),
            (" {{ beds[0] + 1 }} ", 2),
            ("{{- name -}}", "<east>"),
            ("{{ unknown.deeper }}", None),
            ("{{ 1.5 }}", 1.5),
            ("{{ 'a' ~ 'b' }}", "ab"),
            ("{{ beds }}{{ beds }}", "[1, {'a': None}][1, {'a': None}]"),
            ("bed {{ name }}", "bed <east>"),
            ("plain", "plain"),
        ],
    )
    def test_one_expression_keeps_its_type(self, template: str, value: Any) -> None:
        """Anything beside it makes a text."""
        assert render_value(template, beds=[1, {"a": None}], name="<east>") == value

    def test_a_value_that_is_no_json_is_refused(self) -> None:
        """There is nothing to hand over."""
        with pytest.raises(Unrenderable):
            render_value("{{ 1e999 - 1e999 }}")
        with pytest.raises(Unrenderable):
            render_value("{{ broken")
        assert not is_expression("{{ broken")

    def test_the_names_that_templates_read(self) -> None:
        """Those that are set in them are read too; a text that is none has none."""
        assert names_in("{{ flow.name }}{% if variables.a %}{% endif %}", "{{ event }}", "flow_run", "{{ broken") == {
            "flow",
            "variables",
            "event",
        }


class TestLinks:
    @pytest.mark.parametrize(
        ("resource", "page"),
        [
            ({"prefect.resource.id": "prefect.flow-run.7"}, "http://p/runs/flow-run/7"),
            ({"prefect.resource.id": "prefect.deployment.7"}, "http://p/deployments/deployment/7"),
            (
                {"prefect.resource.id": "prefect.work-pool.7", "prefect.resource.name": "east"},
                "http://p/work-pools/work-pool/east",
            ),
            ({"prefect.resource.id": "garden.7"}, "None"),
            ("text", "None"),
        ],
    )
    def test_pages_of_resources(self, resource: Any, page: str) -> None:
        """Of the kinds that have one."""
        assert render("{{ resource | ui_url }}", resource=resource, podium_ui_root="http://p") == page

    def test_events_of_a_resource(self) -> None:
        """A filtered page."""
        resource = {"prefect.resource.id": "prefect.flow-run.7"}
        found = render(
            "{{ r | ui_resource_events_url }} {{ 1 | ui_resource_events_url }}", r=resource, podium_ui_root="u"
        )
        assert found == "u/events?resource=prefect.flow-run.7 None"

    def test_the_run_of_a_link(self) -> None:
        """Wherever it stands in a text."""
        run_id = "0190b9d2-0000-7000-8000-000000000001"
        template = "{{ text | flow_run_id }} {{ '' | flow_run_id }} {{ none | flow_run_id }}"
        assert render(template, text=f"see http://p/runs/flow-run/{run_id}?x") == f"{run_id} None None"


TOO_COSTLY = {
    "a long text": '{{ "a" * 10**9 }}',
    "a large power": "{{ 99999999999**99999 }}",
    "a long range": "{{ range(10**9) | list }}",
    "a wide field": '{{ "a" | center(1000000000) }}',
    "a wide method": '{{ "a".zfill(10**9) }}',
    "a wide printf": '{{ "%1000000000d" % 1 }}',
    "a wide printf by value": '{{ "%*d" % (10**9, 1) }}',
    "a wide format": '{{ "{:1000000000}".format(1) }}',
    "a wide format by value": '{{ "{:{w}}".format(1, w=10**9) }}',
    "a repeated field": '{% set x = "x" * 999999 %}{{ "{0}{0}{0}".format(x) }}',
    "a wide filter": '{{ "%1000000000d" | format(1) }}',
    "a deep indent": '{{ "a\nb" | indent(10**9) }}',
    "many slices": "{{ [1] | slice(10**9) | list }}",
    "filled batches": "{{ [1] | batch(10**9, 0) | list }}",
    "a round number": '{{ 5 | round(1000000000, "ceil") }}',
    "a negative round": "{{ 5 | round(-1000000000) }}",
    "replaced text": '{{ ("x" * 10000).replace("x", "y" * 1000) }}',
    "replaced by a filter": '{{ ("x" * 10000) | replace("x", "y" * 1000) }}',
    "joined text": '{{ ("y" * 1000).join(["x"] * 10000) }}',
    "joined by a filter": '{{ (["x"] * 10000) | join("y" * 1000) }}',
    "tabs": '{{ ("\t" * 10000).expandtabs(10000) }}',
    "summed lists": "{{ ([[1] * 100] * 1000) | sum(start=[]) }}",
    "a number of many digits": '{{ ("f" * 4000) | int(base=16) }}',
    "doubling text": "{% set n = namespace(x='a') %}{% for i in range(100) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "doubling lists": (
        "{% set n = namespace(x=1) %}{% for i in range(100) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}"
    ),
    "doubling lists in JSON": (
        "{% set n = namespace(x=1) %}{% for i in range(100) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | tojson }}"
    ),
    "comparing doubled lists": (
        "{% set n = namespace(x=1, y=1) %}{% for i in range(100) %}{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}"
        "{% endfor %}{{ n.x == n.y }}"
    ),
    "a deep key": (
        "{% set n = namespace(x=1) %}{% for i in range(100) %}{% for j in range(100) %}{% set n.x = (n.x,) %}"
        "{% endfor %}{% endfor %}{{ {n.x: 1} }}"
    ),
    "a deep key looked up": (
        "{% set n = namespace(x=1) %}{% for i in range(100) %}{% for j in range(100) %}{% set n.x = (n.x,) %}"
        "{% endfor %}{% endfor %}{{ {}[n.x] }}"
    ),
    "a namespace in itself": "{% set n = namespace() %}{% set n.x = n %}{{ n }}",
    "endless recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "branching recursion": "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "a loop in itself": "{% for x in range(100) recursive %}{{ loop(range(100)) }}{% endfor %}",
    "loops called in loops": (
        "{% macro a() %}{% for i in range(100) %}{% for j in range(100) %}{% endfor %}{% endfor %}{% endmacro %}"
        "{% for i in range(100) %}{% for j in range(100) %}{{ a() }}{% endfor %}{% endfor %}"
    ),
    "loops over long texts": '{% set x = "x" * 90000 %}{% for i in x %}{% for j in x %}{% endfor %}{% endfor %}',
    "a longer text": '{% for i in "x" * 100001 %}{% endfor %}',
    "work on a long text": (
        '{% set x = "a" * 999999 %}{% for i in range(100) %}{% for j in range(100) %}{% set y = x[::-1] %}'
        "{% endfor %}{% endfor %}"
    ),
    "much text": "{% for i in range(100) %}{% for j in range(100) %}" + "y" * 1000 + "{% endfor %}{% endfor %}",
    "much text kept": (
        "{% set t %}{% for i in range(100) %}{% for j in range(100) %}"
        + "y" * 1000
        + "{% endfor %}{% endfor %}{% endset %}"
    ),
    "much text of a macro": (
        "{% macro m() %}" + "y" * 1000 + "{% endmacro %}"
        "{% for i in range(100) %}{% for j in range(100) %}{% set q = m() %}{% endfor %}{% endfor %}"
    ),
    "a slow filter": '{{ ("<!---->" * 10000) | striptags }}',
    "indented JSON": "{{ [[1] * 50000] | tojson(indent=100) }}",
    "a wide size": '{{ 5 | humanize_naturalsize(format="%1000000000f") }}',
    "a wide clamp": '{{ 5 | humanize_clamp(1, 2, "{:9999999999}") }}',
    "many digits": "{{ 5 | humanize_intcomma(1000000000) }}",
    "many digits of a metric": '{{ 5 | humanize_metric("", 1000000000) }}',
    "a chain": "{{ " + "+".join(["1"] * 20000) + " }}",
    "long dots": "{{ a" + ".b" * 20000 + " }}",
    "a long number": "{{ " + "9" * 5000 + " }}",
    "many tags": "{{ a }}" * 2001,
    "a long template": "{{ a }}" + "-" * 100_000,
    "deep blocks": "{% if a %}" * 500 + "{% endif %}" * 500,
}


class TestBounds:
    @pytest.mark.parametrize("template", TOO_COSTLY.values(), ids=TOO_COSTLY.keys())
    def test_what_costs_too_much_is_refused_soon(self, template: str) -> None:
        """Whatever would take long, or hold much memory."""
        assert refusal(template)

    @pytest.mark.parametrize(
        "template",
        [
            '{{ "".__class__ }}',
            "{{ self.__init__.__globals__ }}",
            "{{ joiner.__init__.__globals__.os }}",
            '{{ "" | attr("__class__") }}',
            '{{ "{0.__class__}".format(1) }}',
            '{{ [""] | map(attribute="__class__") | first }}',
            "{{ ().__class__.__bases__[0].__subclasses__() }}",
            "{{ [].append(1) }}",
            "{{ {}.update({}) }}",
            '{{ "a".encode() }}',
            "{{ (1).to_bytes(10**9) }}",
            "{{ dict.fromkeys([1]) }}",
            "{{ lipsum(n=10**9) }}",
            '{% include "x" %}',
            '{% import "x" as y %}',
        ],
    )
    def test_what_is_not_for_templates_is_refused(self, template: str) -> None:
        """What is inside of values, changing them, bytes, files."""
        assert refusal(template)

    @pytest.mark.parametrize("seed", range(8))
    def test_whatever_is_put_together_ends_soon(self, seed: int) -> None:
        """Random expressions in random loops and macros: a text or a refusal, and nothing else."""
        chosen = random.Random(seed)
        for _ in range(60):
            template = _statement(chosen, 3)
            started = process_time()
            with suppress(Unrenderable):
                render(template, a="text " * 100, b=list(range(100)), c={"x": [1, 2.5, None, "y"]})
            assert process_time() - started < LONGEST_WAIT, template


ATOMS = "a b c c.x n.v 1 -7 100 10**9 2.5 'x' '%s' '{:9}' none range(100) u.u".split()  # noqa: SIM905
FILTERS = (  # noqa: SIM905
    "upper list join string length sort unique reverse sum first tojson pprint int float round center indent batch(99) "
    "slice(99) wordwrap(3) title urlize striptags map('string') select('string') humanize_naturalsize "
    "humanize_intword humanize_naturaltime humanize_precisedelta replace('x','yyy') format(1) escape dictsort items "
    "random humanize_metric('V',9) humanize_scientific"
).split()
_TWICE = "{% if k %}{{ m(k - 1) }}{{ m(k - 1) }}{% endif %}"
METHODS = ("upper", "format", "join", "items", "x", "center")
OPERATORS = ("+", "*", "**", "%", "-", "/", "//", "~", "==", "<", "in", "and", "or")


def _expression(chosen: random.Random, depth: int) -> str:
    kind = chosen.randrange(7) if depth else 0
    if kind < 2:
        return chosen.choice(ATOMS)
    inner = _expression(chosen, depth - 1)
    if kind == 2:
        return f"({inner}) | {chosen.choice(FILTERS)}"
    if kind == 3:
        return f"[{inner}, {inner}]"
    if kind == 4:
        return (
            f"({inner}).{chosen.choice(('upper', 'format', 'join', 'items', 'x', 'center'))}({_expression(chosen, 0)})"
        )
    return f"({inner}) {chosen.choice(OPERATORS)} ({_expression(chosen, depth - 1)})"


def _statement(chosen: random.Random, depth: int) -> str:
    body = "".join(f"{{{{ {_expression(chosen, 4)} }}}}" for _ in range(chosen.randrange(1, 3)))
    if not depth:
        return body
    inner = _statement(chosen, depth - 1)
    listed, value = _expression(chosen, 2), _expression(chosen, 3)
    return chosen.choice(
        (
            f"{{% set n = namespace(v=1) %}}{{% for i in ({listed}) | list %}}{inner}{{% endfor %}}",
            f"{{% set n = namespace(v='x') %}}{{% for i in range(90) %}}{{% set n.v = {value} %}}{{% endfor %}}{body}",
            f"{{% macro m(k) %}}{inner}{_TWICE}{{% endmacro %}}{{{{ m(9) }}}}",
            f"{{% filter upper %}}{inner}{{% endfilter %}}{body}",
        )
    )


class TestChecking:
    @pytest.mark.parametrize(
        ("template", "line"),
        [
            ("{{ event.id }}", None),
            ("first\n{% if %}", 2),
            ("a\nb\n{{ c", 3),
            ("{{ a | unknown }}", 1),
            ("{{ " + "9" * 5000 + " }}", 0),
            ("{{ a }}" * 2001, 0),
            ("{% for a in b %}" * 101, 1),
        ],
    )
    def test_what_is_no_template_is_told_with_its_line(self, template: str, line: int | None) -> None:
        """0 where it is the whole."""
        problem = syntax_problem(template)
        assert (problem and problem[0]) == line
