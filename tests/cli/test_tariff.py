"""``wattmark tariff``, and cost and water beside energy wherever runs are shown."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete

from tests.builders import a_run
from tests.cli.running import kept, verb
from wattmark.cli.compare import command as compare
from wattmark.cli.estimate import command as estimate
from wattmark.cli.main import cli
from wattmark.cli.report import command as report
from wattmark.cli.score import command as score
from wattmark.cli.show import command as show_runs
from wattmark.cli.tariff import group, show
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.run import Statement

SETTINGS = """
[place]
country = "DEU"

[[tariff]]
name = "office 2026"
place = "DEU"
currency = "EUR"
per_kwh = 0.20
time_zone = "Europe/Berlin"
source = "contract 4711"
holidays = [2026-05-01]
bands = [
  { name = "peak", per_kwh = 0.40, days = "mon-fri", hours = "08:00-20:00" },
  { name = "night", per_kwh = 0.10, hours = "00:00-03:00", season = "01-01..12-31" },
]

[[water]]
place = "DEU"
where = "source"
kind = "consumption"
litres_per_kwh = 2.0
source = "a table"
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a tariff and a figure of water."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    file = tmp_path / "wattmark.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return file


def told(*arguments: object) -> Any:
    return json.loads(verb(show, *arguments, "--json").output)


def test_the_tariff_and_a_day_of_it_are_shown() -> None:
    """A Monday: night, rest, peak, rest, one line an hour."""
    text = verb(show, "--day", "2026-05-04").output
    assert "0.100 to 0.400 EUR/kWh by time" in text
    assert "demand charges" in text
    hours = [line.split() for line in text.splitlines() if line[2:3] == ":"]
    assert [float(line[1]) for line in hours] == [0.1] * 3 + [0.2] * 5 + [0.4] * 12 + [0.2] * 4
    assert "DEU       source  consumption  2.00" in text
    assert "counts as a holiday" in verb(show, "--day", "2026-05-01").output


@pytest.mark.parametrize(("day", "hours", "night"), [("2026-03-29", 23, 2), ("2026-10-25", 25, 4)])
def test_a_day_on_which_clocks_change_is_shown_as_it_is(day: str, hours: int, night: int) -> None:
    """Each hour once: 02:00 is skipped or comes twice."""
    lines = [line for line in verb(show, "--day", day).output.splitlines() if line[2:3] == ":"]
    assert len(lines) == hours
    assert sum(line.endswith("night") for line in lines) == night


def test_as_json_every_point_of_the_day_is_there() -> None:
    """Schema and version, bands in words, points in UTC."""
    body = told("--day", "2026-05-04")
    assert (body["schema"], body["schema_version"]) == ("wattmark.tariffs", 1)
    (tariff,) = body["tariffs"]
    assert tariff["bands"][0]["hours"] == "08:00-20:00"
    assert tariff["bands"][1]["season"] == "01-01..12-31"
    assert [p["band"] for p in tariff["points"]] == ["night", None, "peak", None]
    assert tariff["points"][0]["from"] == "2026-05-03T22:00:00Z"
    assert body["water"][0]["litres_per_kwh"] == 2.0


def test_a_place_may_be_asked_for() -> None:
    """A cloud region of the country is priced as the country is; nothing is stated for another."""
    assert [t["name"] for t in told("eu-central-1")["tariffs"]] == ["office 2026"]
    with pytest.raises(UsageError, match=r"states no \[\[tariff\]\] and no \[\[water\]\] for 'FRA'"):
        verb(show, "FRA")
    with pytest.raises(UsageError, match="--day 'soon' is no day"):
        verb(show, "--day", "soon")


def test_a_project_without_tariffs_says_so(project: Path) -> None:
    """It is no error."""
    project.write_text("", encoding="utf-8")
    assert "states no [[tariff]] and no [[water]]" in verb(show).output
    assert told()["tariffs"] == []


def test_a_list_of_prices_is_drawn_as_far_as_it_goes(project: Path) -> None:
    """Two hours from a market, one below zero, then no price."""
    (project.parent / "p.csv").write_text("start,per_mwh\n2026-05-04T00:00Z,100\n2026-05-04T01:00Z,-20\n")
    text = '[[tariff]]\ncurrency = "EUR"\nfile = "p.csv"\nvalid_from = 2026-01-01\npays = "it"\n'
    project.write_text(text, encoding="utf-8")
    lines = [line for line in verb(show, "--day", "2026-05-04").output.splitlines() if line[2:3] == ":"]
    assert lines[0].startswith("00:00     0.100 █")
    assert lines[1] == "01:00   -0.0200"
    assert lines[2] == "02:00  no price"
    assert "2 prices" in verb(show, "--no-plot").output
    assert "everywhere" in verb(show, "--no-plot").output


def test_a_day_without_a_plot_is_only_the_table() -> None:
    """No hours."""
    assert "08:00" not in verb(show, "--no-plot", "--day", "2026-05-04").output


def test_a_ledger_states_its_own(tmp_path: Path) -> None:
    """Not those of the project."""
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    text = 'format = 1\n[[tariff]]\ncurrency = "USD"\nper_kwh = 0.1\n'
    (ledger / "ledger.toml").write_text(text, encoding="utf-8")
    assert [t["currency"] for t in told("--ledger", ledger)["tariffs"]] == ["USD"]


def test_places_are_completed(project: Path) -> None:
    """Those that the project states; nothing where its file is broken."""
    done = ShellComplete(cli, {}, "wattmark", "_WATTMARK_COMPLETE")
    assert [item.value for item in done.get_completions(["tariff", "show"], "D")] == ["DEU"]
    project.write_text("[[tariff]]\n", encoding="utf-8")
    assert done.get_completions(["tariff", "show"], "D") == []
    assert "show" in verb(group, "--help").output


def test_show_has_cost_and_water_beside_the_energy(tmp_path: Path) -> None:
    """90 J on a Sunday afternoon at 0.20 EUR/kWh are 5 µEUR, and 50 µL at the power plants."""
    run = kept(tmp_path, a_run(), "one")
    text = verb(show_runs, run).output
    assert "cost             5.00e-6 EUR [" in text
    assert "priced by        0.200 EUR/kWh on average: office 2026 (contract 4711)" in text
    assert "source water     5.00e-5 L" in text
    body = json.loads(verb(show_runs, run, "--json").output)["runs"][0]["expenses"]
    assert body["cost"]["EUR"]["value"] == pytest.approx(90 / 3.6e6 * 0.20)
    assert body["water"]["water source consumption"]["unit"] == "L"
    assert body["prices"][0]["tariff"] == "office 2026"


def test_a_bill_stands_apart(tmp_path: Path) -> None:
    """Also where no tariff holds."""
    bill = Statement(quantity="cost", value=12.5, unit="USD", period="2026-11")
    run = kept(tmp_path, a_run(statements=(bill,)), "one")
    text = verb(show_runs, run, "--country", "FRA").output
    assert "billed           12.5 USD for 2026-11: stated, and apart from the cost above" in text
    assert "cost             missing: price of electricity" in text


def test_compare_and_score_tell_the_difference_in_cost(tmp_path: Path) -> None:
    """180 J against 90 J: 5 µEUR more. No score uses it."""
    from tests.builders import a_row

    one = kept(tmp_path, a_run(record_id="r-1"), "one")
    two = kept(tmp_path, a_run(record_id="r-2", energies=(a_row(energy_joules=180.0),)), "two")
    text = verb(compare, one, two).output
    (line,) = [line for line in text.splitlines() if line.startswith("cost in EUR: ")]
    assert "1.00e-5 EUR" in line
    assert line.endswith("more")
    body = json.loads(verb(compare, one, two, "--json").output)["comparisons"][0]
    assert body["expenses_difference"]["cost in EUR"]["value"] == pytest.approx(90 / 3.6e6 * 0.20)
    back = verb(compare, two, one).output
    assert any(ln.startswith("cost in EUR: ") and ln.endswith("less") for ln in back.splitlines())
    scored = verb(score, two, "--baseline", one).output
    assert "beside the score:\ncost in EUR: " in scored
    assert "expenses_difference" in verb(score, two, "--baseline", one, "--json").output


def test_a_report_has_them_beside_the_energy(tmp_path: Path) -> None:
    """In Markdown, HTML and JSON."""
    run = kept(tmp_path, a_run(), "one")
    assert "**Beside the energy**" in verb(report, run, "--md").output
    verb(report, run, "--html", str(tmp_path / "r.html"))
    assert "Beside the energy" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "EUR" in json.loads(verb(report, run, "--json").output)["expenses"]["cost"]


def test_an_estimate_takes_the_tariff_of_the_project() -> None:
    """And asks back for a price in cents or a currency that is none."""
    flop = ("--flop", "3e20", "--hardware", "h100-sxm", "--mfu", "0.4")
    body = json.loads(verb(estimate, *flop, "--json").output)
    assert body["cost"]["unit"] == "EUR"
    with pytest.raises(UsageError, match="is it in hundredths"):
        verb(estimate, *flop, "--price", "30")
    with pytest.raises(UsageError, match="is no currency"):
        verb(estimate, *flop, "--price", "0.3", "--currency", "euro")


def test_a_wrong_tariff_names_its_place_in_the_file(project: Path, tmp_path: Path) -> None:
    """Wherever it is needed."""
    project.write_text('[[tariff]]\ncurrency = "EUR"\nper_kwh = 28\n', encoding="utf-8")
    run = kept(tmp_path, a_run(), "one")
    with pytest.raises(ConfigError, match=r"wattmark.toml: \[\[tariff\]\] 1.*in hundredths"):
        verb(show_runs, run)


def test_totals_of_a_ledger_have_cost_and_water(tmp_path: Path) -> None:
    """As columns when asked for, in JSON and CSV always."""
    pytest.importorskip("duckdb", reason="a ledger's tables need the extra `ledger`")
    from tests.cli.ledgers import a_ledger, the_run
    from wattmark.cli.ledger import group as ledger_group

    place = 'place = "*"\n'
    settings = (
        f'[[tariff]]\n{place}currency = "EUR"\nper_kwh = 0.25\n'
        f'[[water]]\n{place}where = "site"\nkind = "usage"\nlitres_per_kwh = 0.5\nsource = "meters"\n'
    )
    ledger = a_ledger(tmp_path, settings)
    run = kept(tmp_path, the_run(1), "one")
    verb(ledger_group, "add", run, "--ledger", ledger)

    def totals(*options: object) -> str:
        return verb(ledger_group, "totals", "--ledger", ledger, *options).stdout

    plain, asked = totals(), totals("--cost", "--water")
    assert "EUR" not in plain
    assert "6.25e-6 EUR" in asked
    assert "site water (usage)" in asked
    body = json.loads(totals("--json"))["whole"]
    assert body["cost"]["by_unit"]["EUR"]["value"] == pytest.approx(90 / 3.6e6 * 0.25)
    assert body["cost"]["without_microjoules"] == 0
    assert body["water"]["water site usage"]["by_unit"]["L"]["value"] == pytest.approx(90 / 3.6e6 * 0.5)
    (row,) = csv.DictReader(io.StringIO(totals("--csv")))
    assert float(row["cost_eur"]) == pytest.approx(90 / 3.6e6 * 0.25)
    assert float(row["water_site_usage_l"]) == pytest.approx(90 / 3.6e6 * 0.5)
    assert float(row["without_tariff_kwh"]) == 0


def test_a_ledger_without_tariffs_says_what_is_missing(tmp_path: Path) -> None:
    """Unknown, never zero: with the kWh and what to write."""
    pytest.importorskip("duckdb", reason="a ledger's tables need the extra `ledger`")
    from tests.cli.ledgers import a_ledger, the_run
    from wattmark.cli.ledger import group as ledger_group

    ledger = a_ledger(tmp_path)
    verb(ledger_group, "add", kept(tmp_path, the_run(1), "one"), "--ledger", ledger)
    text = verb(ledger_group, "totals", "--ledger", ledger, "--cost", "--water").stdout
    assert "no tariff" in text
    assert "a [[tariff]] for the place" in text
    assert "[[water]] for the place" in text
    body = json.loads(verb(ledger_group, "totals", "--ledger", ledger, "--json").stdout)["whole"]
    assert body["cost"]["by_unit"] == {}
    assert body["cost"]["missing"]["status"] == "missing"
    assert body["cost"]["without_microjoules"] == 90_000_000


def test_bills_stand_beside_the_totals_of_a_ledger(tmp_path: Path) -> None:
    """Each kind of cost and currency apart, in no cost, and left out where no bill can tell."""
    pytest.importorskip("duckdb", reason="a ledger's tables need the extra `ledger`")
    from tests.cli.ledgers import a_ledger, the_run
    from wattmark.cli.ledger import group as ledger_group

    ledger = a_ledger(tmp_path, '[[tariff]]\ncurrency = "USD"\nper_kwh = 0.25\n')
    bills = tuple(
        Statement(quantity="cost", value=value, unit="USD", basis=kind, scopes=(kind,), period="2026-11")
        for kind, value in (("unblended", 12.0), ("amortised", 10.0))
    )
    stated = a_run(
        record_id="r-bill", started_at="2026-11-01T00:00:00.000000Z", energies=(), statements=bills
    )
    verb(ledger_group, "add", kept(tmp_path, stated, "bill"), "--ledger", ledger)
    verb(ledger_group, "add", kept(tmp_path, the_run(1), "one"), "--ledger", ledger)

    def totals(*options: object) -> str:
        return verb(ledger_group, "totals", "--ledger", ledger, *options).stdout

    body = json.loads(totals("--json"))
    assert {one["kind"]: one["value"] for one in body["billed"]} == {"unblended": 12.0, "amortised": 10.0}
    assert body["whole"]["cost"]["by_unit"]["USD"]["value"] == pytest.approx(90 / 3.6e6 * 0.25)
    assert "billed           12.0 USD (unblended, " in totals("--cost")
    assert "billed" not in totals()
    assert json.loads(totals("--json", "--where", "component=cpu"))["billed"] == []
    assert json.loads(totals("--json", "--from", "2026-12-01"))["billed"] == []
