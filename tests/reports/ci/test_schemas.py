"""Every machine-readable form fits the schema that its readers publish, whatever names rules have."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.reports.ci.decisions import hostile, many
from wattmark.core.governance.decision import Decision
from wattmark.reports.ci.catalog import FORMATS, format_named
from wattmark.testing.decisions import every_standing

SCHEMAS = Path(__file__).resolve().parents[2] / "ci_schemas"
DECISIONS: dict[str, Callable[[], Decision]] = {
    "every standing": every_standing,
    "hostile": hostile,
    "many": lambda: many(300),
}
each_decision = pytest.mark.parametrize("decision", DECISIONS.values(), ids=DECISIONS)


def schema(name: str) -> Any:
    """A published schema."""
    return json.loads((SCHEMAS / name).read_text("utf-8"))


def strict(text: str) -> Any:
    """JSON as the standard has it: NaN and Infinity are errors."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@each_decision
def test_sarif(decision: Callable[[], Decision]) -> None:
    """SARIF 2.1.0 by OASIS's schema, its formats of addresses and times too."""
    found = strict(format_named("sarif").render(decision()))
    jsonschema.Draft4Validator(
        schema("sarif-2.1.0-rtm.5.json"), format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
    ).validate(found)


@each_decision
def test_junit(decision: Callable[[], Decision]) -> None:
    """JUnit XML by the schema of Jenkins."""
    xmlschema = pytest.importorskip("xmlschema")
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(
        format_named("junit").render(decision()).encode()
    )


@pytest.mark.parametrize(
    ("form", "name"), [("codequality", "gitlab-codequality.json"), ("badge", "shields-endpoint.json")]
)
@each_decision
def test_documented_json(decision: Callable[[], Decision], form: str, name: str) -> None:
    """What GitLab and shields.io document, and nothing else."""
    jsonschema.Draft202012Validator(schema(name)).validate(strict(format_named(form).render(decision())))


@each_decision
def test_openmetrics(decision: Callable[[], Decision]) -> None:
    """The parser of prometheus-client takes it: units end names, states are states, # EOF is last."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    text = format_named("openmetrics").render(decision())
    families = {family.name: family for family in parser.text_fd_to_metric_families(StringIO(text))}
    assert text.endswith("\n# EOF\n")
    assert "wattmark_gate_rules" in families
    for family in families.values():
        assert not family.unit or family.name.endswith(family.unit)


@each_decision
def test_lines_of_json(decision: Callable[[], Decision]) -> None:
    """A line for the whole and one for each rule, each a document of its own."""
    made = decision()
    lines = [strict(line) for line in format_named("ndjson").render(made).splitlines()]
    assert [line["type"] for line in lines] == ["decision", *["rule"] * len(made.rules)]
    assert {line["schema"] for line in lines} == {"wattmark.decision_line"}


@each_decision
@pytest.mark.parametrize("form", [name for name in FORMATS if name != "json"])
def test_no_form_is_broken_by_names_and_odd_numbers(form: str, decision: Callable[[], Decision]) -> None:
    """UTF-8 can say it; nothing in it turns the direction of text or rings a bell."""
    text = format_named(form).render(decision())
    assert text.encode()
    assert not set(text) & set("\u202e\u2066\x00\x07\x1b\r\u2028")
