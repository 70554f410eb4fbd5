"""Any JSON API by declaration: strictly read, keys apart, and every missing field named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("urllib3")

from tests.grid.documents import at, noon, us
from tests.grid.serving import Reply, as_json, in_turn, serving
from wattmark.core.errors import ConfigError, GridError, UsageError
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED
from wattmark.grid.catalog import PROVIDERS, Asked, provider_for, signal_of
from wattmark.grid.failures import SchemaDrift, UnknownZone
from wattmark.grid.http import HttpWeb
from wattmark.grid.json_api import JsonApi, read_declaration
from wattmark.grid.keys import Secret
from wattmark.grid.provider import GridForecaster, GridProvider

WEB = HttpWeb(tries=1)

GOOD = """
name = "own"
url = "{base}/zones/{{zone}}/series?from={{start}}"
points = "result.series"
time = "t"
value = "v.co2"
unit = "kg/MWh"
accounting = "location"
basis = "direct"
source = "Our grid operator"
step_minutes = 30
zone = "result.zone"
estimated = "guess"
forecast = "ahead"

[query]
until = "{{end_seconds}}"

[headers]
Authorization = "Token $OWN_KEY"
"""


def declared(folder: Path, base: str = "http://localhost", **changes: str) -> Path:
    """A declaration, with some lines changed."""
    text = GOOD.format(base=base)
    for old, new in changes.items():
        lines = [new if line.startswith(f"{old} ") else line for line in text.splitlines()]
        text = "\n".join(lines)
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def a_point(hours: float, value: Any = 400, **changes: Any) -> dict[str, Any]:
    """Half an hour."""
    return {"t": at(hours).isoformat(), "v": {"co2": value}, "guess": False, "ahead": False, **changes}


def document(*points: dict[str, Any], zone: str = "A/B") -> Reply:
    """As declared."""
    return as_json({"result": {"zone": zone, "series": list(points)}})


def own(path: Path) -> JsonApi:
    """The provider of a declaration."""
    return JsonApi(WEB, read_declaration(path), lambda name: Secret(f"key of {name}"))


def test_a_declaration_knows_the_zones_of_places(tmp_path: Path) -> None:
    """The nearest name goes first; a place that it does not name has no zone."""
    path = declared(tmp_path)
    path.write_text(path.read_text() + '\n[zones]\n"us-east-1" = "PJM"\nUSA = "US48"\n')
    told = read_declaration(path)
    assert told.zone_of("us-east-1", "USA") == "PJM"
    assert told.zone_of("us-west-2", None, "USA") == "US48"
    assert told.zone_of("FRA") is None
    path.write_text(path.read_text() + "GBR = 5\n")
    with pytest.raises(ConfigError, match=r"zones\.GBR: must be a string"):
        read_declaration(path)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("kg/MWh", "g/kWh", False),
        ("step_minutes = 30", "step_minutes = 60", False),
        ("Our grid", "The grid", True),
    ],
)
def test_a_declaration_that_reads_otherwise_is_another_series(
    tmp_path: Path, before: str, after: str, same: bool
) -> None:
    """Points that were cached under a wrong unit or path answer no more; a source has two names."""
    path = declared(tmp_path)
    first = read_declaration(path).signal
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    assert (read_declaration(path).signal == first) is same


def test_a_declared_api_answers(tmp_path: Path) -> None:
    """400 kg/MWh are 400 g/kWh; the zone is quoted, the key is sent, kinds are told apart."""
    points = a_point(-1), a_point(-0.5, 200.5, guess=True), a_point(0.0, ahead=True), a_point(2.0)
    with serving(in_turn(document(*points))) as served:
        found = own(declared(tmp_path, served.url)).history("A/B", us(-1), us(0.5))
    assert [(p.start_us, p.end_us, p.grams_per_kwh, p.kind) for p in found.points] == [
        (us(-1), us(-0.5), 400.0, MEASURED),
        (us(-0.5), us(0), 200.5, ESTIMATED),
        (us(0), us(0.5), 400.0, FORECAST),
    ]
    asked = served.asked[0]
    assert asked.path == "/zones/A%2FB/series"
    assert asked.query == {"from": "2026-11-10T11:00:00Z", "until": str(us(0.5) // 1_000_000)}
    assert asked.headers["authorization"] == "Token key of OWN_KEY"
    assert (found.source, found.basis, found.accounting) == ("Our grid operator", "direct", "location")


def test_times_may_be_seconds_and_ends_stated(tmp_path: Path) -> None:
    """Then the step is not used."""
    changes = {"estimated": 'end_time = "e"', "zone": "", "forecast": ""}
    point = {"t": us(-1) / 1e6, "e": us(1) / 1e6, "v": {"co2": 1}}
    with serving(in_turn(as_json({"result": {"series": [point]}}))) as served:
        found = own(declared(tmp_path, served.url, **changes)).history("X", us(-1), us(0))
    assert (found.points[0].start_us, found.points[0].end_us) == (us(-1), us(1))


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (document(a_point(-1), zone="C"), UnknownZone, "answered for 'C'"),
        (as_json({"result": {"zone": "A/B"}}), SchemaDrift, "no field result.series"),
        (as_json({"result": {"zone": "A/B", "series": 5}}), SchemaDrift, "no list of points"),
        (document({"t": at(-1).isoformat(), "v": 5}), SchemaDrift, r"no field result.series\[0\].v.co2"),
        (document(a_point(-1, "many")), SchemaDrift, r"\[0\].v.co2 is no number"),
        (document(a_point(-1, True)), SchemaDrift, "no number"),
        (document(a_point(-1, t="now")), SchemaDrift, r"\[0\].t is no time"),
        (document(a_point(-1, t=None)), SchemaDrift, r"\[0\].t is no time"),
        (document(a_point(-1, t=us(0))), SchemaDrift, "no time"),
        (document(a_point(-1, 400_000)), SchemaDrift, "check the unit"),
    ],
)
def test_what_is_not_as_declared_names_its_field(
    tmp_path: Path, reply: Reply, kind: type[GridError], said: str
) -> None:
    """No point is left out in silence."""
    with serving(in_turn(reply)) as served, pytest.raises(kind, match=said):
        own(declared(tmp_path, served.url)).history("A/B", us(-1), us(0))


@pytest.mark.parametrize(
    ("key", "line", "said"),
    [
        ("unit", 'unit = "gCO2"', "unit: must be one of"),
        ("basis", 'basis = "net"', "basis: must be one of"),
        ("accounting", 'accounting = "own"', "accounting: must be one of"),
        ("unit", "", "unit: is missing"),
        ("value", 'value = ""', "value: is empty"),
        ("value", "value = 5", "must be a string"),
        ("step_minutes", "step_minutes = 0", "above 0"),
        ("step_minutes", 'step_minutes = "x"', "above 0"),
        ("url", 'url = "ftp://x"', "https://"),
        ("url", 'url = "https://x/{place}"', "{place} is unknown"),
        ("url", 'url = "https://x/?k=$KEY"', "keys belong into"),
        ("until", "until = 5", "query.until"),
        ("zone", 'zon = "x"', "zon: unknown key"),
        ("zone", "zone = = 5", "not valid TOML"),
    ],
)
def test_a_slip_in_a_declaration_is_an_error(tmp_path: Path, key: str, line: str, said: str) -> None:
    """It names the file and the key."""
    with pytest.raises(ConfigError, match=said) as caught:
        read_declaration(declared(tmp_path, **{key: line}))
    assert "own.toml" in str(caught.value)


def test_a_declaration_that_is_not_there(tmp_path: Path) -> None:
    """Is named."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_declaration(tmp_path / "none.toml")


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_row_of_the_catalog_is_a_provider(name: str) -> None:
    """With the keys, the first signal and the forecasts that the row promises."""
    asked: list[str] = []

    def key(_: str, wanted: str) -> Secret:
        asked.append(wanted)
        return Secret("k")

    provider = provider_for(Asked(name=name, base="http://localhost"), WEB, key, noon)
    row = PROVIDERS[name]
    assert isinstance(provider, GridProvider)
    assert isinstance(provider, GridForecaster) is row.forecasts
    assert (provider.name, provider.signal) == signal_of(Asked(name=name)) == (name, row.signals[0])
    assert tuple(asked) == row.keys
    for signal in row.signals:
        assert provider_for(Asked(name=name, signal=signal), WEB, key, noon).signal == signal


def test_a_declaration_is_a_provider_too(tmp_path: Path) -> None:
    """Named by its file."""
    path = declared(tmp_path)
    asked = Asked(name=str(path))
    provider = provider_for(asked, WEB, lambda _, name: Secret(name), noon)
    assert (provider.name, provider.signal) == signal_of(asked)
    assert provider.name == "own"
    assert provider.signal.startswith("location direct ")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(name="nobody"), "electricity-maps, watttime"),
        (Asked(name="eia", signal="marginal"), "eia has no 'marginal'"),
        (Asked(name="eia", version="v3"), "no versions"),
    ],
)
def test_unknown_choices_are_named(asked: Asked, said: str) -> None:
    """With what there is."""
    with pytest.raises(UsageError, match=said):
        signal_of(asked)
