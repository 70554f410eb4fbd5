"""Charter files: read strictly, with the place of every mistake; the schema is the one they are read by."""

from __future__ import annotations

import json
from datetime import date
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from wattmark.core.errors import ConfigError
from wattmark.core.figure import Figure
from wattmark.core.known import Grade
from wattmark.fields import parse_toml
from wattmark.ledger.charterfile import charter_schema, find_charter, parse_charter, read_charter
from wattmark.ledger.policyfile import switched_on

ROOT = Path(__file__).resolve().parents[2]
WHOLE = """\
project = "sorter"
owner = "a@example.org"
outcome = "accuracy>=0.95"
alternatives = ["none"]
review_by = 2027-06-01
approved_by = ["board@example.org"]

[estimate]
energy = 120
unit = "kWh"
uncertainty = 0.5
basis = "past runs"
carbon = 6.7
pue = 1.2
"""
STORED = {
    "basis": "flop",
    "estimate": {"energy_joules": 3.6e6, "relative_error_95": 0.5, "boundary": "device"},
}


def test_every_field_is_read() -> None:
    """Each as what it holds."""
    told = parse_charter(WHOLE, "c.toml")
    assert (told.project, told.review_by, told.approved_by) == (
        "sorter",
        date(2027, 6, 1),
        ("board@example.org",),
    )
    assert (told.estimate.energy, told.estimate.pue, told.estimate.boundary) == (120.0, 1.2, "node")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("owner = 'a'", "c.toml: project: is missing"),
        ("project = 'a'\nownr = 'b'", "c.toml:2: ownr: unknown key; did you mean 'owner'?"),
        ("project = 'a'\noutcome = 'good'", "c.toml:2: outcome: the outcome 'good' is not of the form"),
        ("project = 'a'\n[estimate]\nunit = 'MWs'", "unit: must be one of J, Wh, kWh, MWh, GWh"),
        ("project = 'a'\n[estimate]\npue = 0.9", "pue: must be a number from 1 up, not 0.9"),
        ("project = 'a'\n[estimate]\nfrom = 'e.json'\nenergy = 1", "stands beside energy, which that file"),
        ("project = 'a'\n[estimate]\nfrom = '../e.json'", "leads elsewhere"),
        ("project = 'a'\n[estimate]\nfrom = 'gone.json'", "gone.json cannot be read"),
    ],
)
def test_a_mistake_has_its_place(text: str, words: str, tmp_path: Path) -> None:
    """File, line and key."""
    with pytest.raises(ConfigError) as raised:
        parse_charter(text, "c.toml", tmp_path)
    assert words in str(raised.value)


def test_a_stored_estimate_is_taken_over(tmp_path: Path) -> None:
    """1 kWh of devices from FLOP, within 50 %; the carbon is the charter's own."""
    (tmp_path / "e.json").write_text(json.dumps(STORED), encoding="utf-8")
    path = tmp_path / "wattmark-charter.toml"
    path.write_text("project = 'a'\n[estimate]\nfrom = 'e.json'\ncarbon = 2\n", encoding="utf-8")
    told = read_charter(path).estimate
    assert isinstance(told.figure, Figure)
    assert (told.figure.value, told.figure.relative, told.figure.grade) == (3.6e6, 0.5, Grade.D)
    assert (told.boundary, told.basis, told.carbon, told.from_file) == ("device", "flop", 2.0, "e.json")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{}", "is not a stored estimate"),
        ("nothing", "is not a stored estimate"),
        (json.dumps({**STORED, "basis": "guess"}), "rests on 'guess'"),
    ],
)
def test_what_is_no_estimate_is_refused(body: str, words: str, tmp_path: Path) -> None:
    """Whatever it is."""
    (tmp_path / "e.json").write_text(body, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        parse_charter("project = 'a'\n[estimate]\nfrom = 'e.json'", "c.toml", tmp_path)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """One that is not there, and one that is no text."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_charter(tmp_path / "gone.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_charter(tmp_path / "b.toml")


def test_the_nearest_charter_is_found(tmp_path: Path) -> None:
    """In a folder above."""
    (tmp_path / "wattmark-charter.toml").write_text(WHOLE, encoding="utf-8")
    (tmp_path / "a").mkdir()
    assert find_charter(tmp_path / "a") == tmp_path / "wattmark-charter.toml"


def test_the_schema_takes_what_is_read_and_refuses_what_is_not() -> None:
    """As an editor would say it."""
    schema = charter_schema()
    good = {"project": "a", "estimate": {"energy": 1.0, "unit": "kWh"}}
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(good, schema)
    for bad in ({}, {"project": "a", "ownr": "b"}, {"project": "a", "estimate": {"unit": "MWs"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


def test_the_published_schema_is_up_to_date() -> None:
    """docs/charter.schema.json is what the code would write now (`python scripts/generate_docs.py`)."""
    published = json.loads((ROOT / "docs" / "charter.schema.json").read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(charter_schema()))


def test_the_template_is_read_with_every_line_on() -> None:
    """What `charter init` writes, as it is and with all of its lines but the file that is not there."""
    text = (resources.files("wattmark") / "data" / "charter_default.toml").read_text(encoding="utf-8")
    assert parse_charter(text, "c.toml").project == "my-project"
    every = "\n".join(line for line in switched_on(text).splitlines() if not line.startswith("from"))
    assert parse_charter(every, "c.toml").estimate.energy == 120.0
    keys = set(parse_toml(every, "c.toml")) | set(parse_toml(every, "c.toml")["estimate"])
    assert {"alternatives", "budget", "carbon", "pue"} <= keys
