"""[[notify]]: who hears of what, read strictly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.exporters.sinks.samples import MESSAGE, OVER
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.governance.message import Message, Severity, Topic
from wattmark.exporters.sinks.catalog import SINKS, module_of
from wattmark.exporters.sinks.routing import Wanted, read_routes, route_to, wanted

SLACK = {"name": "green", "to": "slack", "url_env": "SLACK"}
BUDGET = replace(MESSAGE, topics=(Topic.BUDGET,), labels={"team": "vision"})
DIGEST = replace(MESSAGE, topics=(Topic.DIGEST,), severity=Severity.INFO, labels={})


def wants(message: Message, **more: Any) -> Wanted:
    """What a route with these settings does."""
    return wanted(read_routes("wattmark.toml", [{**SLACK, **more}])[0], message)


@pytest.mark.parametrize(
    ("more", "message", "does"),
    [
        ({}, MESSAGE, Wanted.TELL),
        ({"on": ["failed"]}, MESSAGE, Wanted.TELL),
        ({"on": ["waived"]}, MESSAGE, Wanted.RESOLVE),
        ({"on": ["budget"]}, MESSAGE, Wanted.RESOLVE),
        ({"on": ["failed"]}, OVER, Wanted.RESOLVE),
        ({"on": ["passed"]}, replace(OVER, topics=(Topic.PASSED,)), Wanted.TELL),
        (
            {"on": ["failed"], "severity": "error"},
            replace(MESSAGE, severity=Severity.WARNING),
            Wanted.RESOLVE,
        ),
        ({"on": ["failed"]}, BUDGET, Wanted.LEAVE),
        ({"on": ["budget"]}, BUDGET, Wanted.TELL),
        ({"on": ["failed"]}, DIGEST, Wanted.LEAVE),
        ({"on": ["digest"]}, DIGEST, Wanted.TELL),
        ({"teams": ["lang*"]}, MESSAGE, Wanted.TELL),
        ({"teams": ["vision"]}, MESSAGE, Wanted.LEAVE),
        ({"scope": {"model": "sort*", "team": ["language", "x"]}}, MESSAGE, Wanted.TELL),
        ({"scope": {"stage": "training"}}, MESSAGE, Wanted.TELL),
    ],
)
def test_a_route_tells_what_it_is_for(more: dict[str, Any], message: Message, does: Wanted) -> None:
    """A tag that is not stated could be anything, so it is told; what no longer matters here is over here."""
    assert wants(message, **more) is does


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"to": "slack"}, r"\[\[notify\]\] 1 name: is missing"),
        ({"name": "a"}, r"\[\[notify\]\] 1 to: is missing"),
        ({"name": "a", "to": "slak"}, "did you mean 'slack'"),
        ({**SLACK, "webhook": "x"}, "unknown key"),
        ({**SLACK, "url_enf": "x"}, "did you mean 'url_env'"),
        ({**SLACK, "on": ["faild"]}, "did you mean 'failed'"),
        ({**SLACK, "severity": "bad"}, "must be one of info, warning, error"),
        ({**SLACK, "name": "a:b"}, "a name holds no colon"),
        ({**SLACK, "teams": ["a"], "scope": {"team": "b"}}, "stands beside scope.team"),
        ({**SLACK, "scope": {"team": 3}}, "must be a list of strings"),
        ({**SLACK, "scope": {"teem": "a"}}, r"\[\[notify\]\] 1 scope teem: is no tag; did you mean 'team'?"),
        ({**SLACK, "scope": {"model": ""}}, "scope model: needs a pattern that is not empty"),
        ({**SLACK, "scope": "team"}, r"\[\[notify\]\] 1 scope: must be a table: write scope = \{...\}"),
        ({**SLACK, "scope": {"model": []}}, "scope model: needs a pattern that is not empty"),
    ],
)
def test_a_table_that_cannot_be_meant_names_its_place(values: dict[str, Any], why: str) -> None:
    """With what was probably meant."""
    with pytest.raises(ConfigError, match=why):
        read_routes("wattmark.toml", [values])


def test_a_name_stands_for_one_route() -> None:
    """Two of the same name would be told apart by nobody."""
    with pytest.raises(ConfigError, match="2 name: 'green' is there already"):
        read_routes("wattmark.toml", [SLACK, SLACK])


def test_to_is_a_route_or_a_sink_with_its_target() -> None:
    """A route that is asked for by name tells whatever there is."""
    routes = read_routes("wattmark.toml", [{**SLACK, "on": ["digest"]}])
    assert wanted(route_to("green", routes), MESSAGE) is Wanted.TELL
    assert route_to("teams:HOOK", routes).table.values == {"url_env": "HOOK"}
    for spec, why in (
        ("gren", "there is no route .gren.: there are green; or write SINK:TARGET"),
        ("slak:X", "did you mean 'slack'"),
        ("slack:", "SINK:TARGET"),
    ):
        with pytest.raises(UsageError, match=why):
            route_to(spec, routes)


@pytest.mark.parametrize("name", SINKS)
def test_every_sink_of_the_catalogue_has_what_is_asked_of_it(name: str) -> None:
    """Its keys, its target, its door."""
    module = module_of(name)
    assert module.KEYS
    assert set(module.table_of("https://example.org/GREEN")) <= set(module.KEYS)
    assert callable(module.open_sink)
