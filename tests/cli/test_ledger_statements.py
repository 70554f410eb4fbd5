"""Statements of providers in a ledger: listed, restated, never counted twice and never in a total."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")

from tests.cli.ledgers import ask, filled, nothing_else, told
from tests.cli.running import verb
from tests.sources.test_aws_carbon import OLD, line, written
from tests.sources.test_azure_carbon import a_file, a_line
from tests.sources.test_google_carbon import a_row
from tests.sources.test_google_carbon import written as google_file
from wattmark.cli import show
from wattmark.cli.import_ import command as import_command
from wattmark.core.errors import UsageError

TAGS = """
[tags.from_labels]
"cloud.account.id" = "team"
[tags.aliases.team]
222222222222 = "search"
"""
KG = 1000.0
ALL = ["scope 1", "scope 2", "scope 3"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    nothing_else(tmp_path, monkeypatch)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Four runs of 90 J."""
    return filled(tmp_path, TAGS)


def bring(ledger: Path, source: str, path: Path, **settings: str) -> dict[str, Any]:
    """``wattmark import``."""
    options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
    done = verb(import_command, source, path, "--ledger", ledger, "--json", *options)
    assert done.exit_code == 0, done.output
    body: dict[str, Any] = json.loads(done.stdout)
    return body


def two_months(folder: Path, tonnes: str = "0.6", version: str = "v3.0.0", **changes: str) -> Path:
    """April and May of one account: 600 kg location-based and 300 kg market-based each, unless changed."""
    rows = [
        line(
            usage_period_start=f"2026-{month}-01 00:00:00Z",
            total_lbm_emissions_value=tonnes,
            model_version=version,
            **changes,
        )
        for month in ("04", "05")
    ]
    return written(folder / f"{version}-{tonnes}.csv", *rows)


def values(body: dict[str, Any], accounting: str | None = "location") -> dict[str, float]:
    """Month -> kilograms of the totals of one accounting."""
    return {
        row["group"]["month"]: row["value"] / KG
        for row in body["statements"]
        if row["accounting"] == accounting and row["quantity"] == "emissions"
    }


def test_it_lists_the_totals_by_provider_and_month(ledger: Path, tmp_path: Path) -> None:
    """Each accounting has its own line; the scopes are shown when they are asked for."""
    bring(ledger, "aws-carbon", two_months(tmp_path))
    body = told("statements", "--ledger", ledger)
    assert (body["schema"], body["schema_version"]) == ("wattmark.ledger-statements", 1)
    assert values(body) == {"2026-04": 600.0, "2026-05": 600.0}
    assert values(body, "market") == {"2026-04": 300.0, "2026-05": 300.0}
    assert len(body["statements"]) == 4
    assert body["statements"][0]["group"] == {
        "provider": "aws",
        "month": "2026-04",
        "source": "aws-carbon",
    }
    assert body["statements"][0]["scopes"] == ALL
    assert len(told("statements", "--parts", "--ledger", ledger)["statements"]) == 14


def test_months_add_up(ledger: Path, tmp_path: Path) -> None:
    """600 + 600 kg by account; the record count and the model are told."""
    bring(ledger, "aws-carbon", two_months(tmp_path))
    rows = told("statements", "--by", "account", "--where", "accounting=location", "--ledger", ledger)
    (row,) = rows["statements"]
    assert row["value"] == pytest.approx(1200 * KG)
    assert (row["records"], row["model_versions"], row["unit"]) == (2, ["v3.0.0"], "gCO2e")


def test_sources_and_scopes_stay_apart(ledger: Path, tmp_path: Path) -> None:
    """AWS before v3 and since, Google, and Azure, which says no method: five lines, nothing added."""
    bring(ledger, "aws-carbon", two_months(tmp_path))
    old = written(tmp_path / "old.csv", line(OLD, model_version="v2.0.1", region_code="old"), columns=OLD)
    bring(ledger, "aws-carbon", old)
    bring(ledger, "google-carbon", google_file(tmp_path / "g.jsonl", a_row()))
    bring(ledger, "azure-carbon", a_file(tmp_path / "a.csv", a_line(2, 0.5)))
    rows = told("statements", "--by", "provider", "--ledger", ledger)["statements"]
    assert [(r["group"]["provider"], r["accounting"], len(r["scopes"])) for r in rows] == [
        ("aws", "location", 2),
        ("aws", "location", 3),
        ("aws", "market", 2),
        ("aws", "market", 3),
        ("azure", "not stated", 1),
        ("google", "location", 3),
        ("google", "market", 3),
    ]


@pytest.mark.parametrize(
    ("where", "lines"),
    [
        ("provider=aws", 4),
        ("provider=google", 0),
        ("account=222222222222", 4),
        ("service=AmazonEC2", 4),
        ("region=eu-west-1", 4),
        ("month=2026-04", 2),
        ("source=aws-carbon", 4),
        ("quantity=emissions", 4),
        ("accounting=market", 2),
        ("team=search", 4),
        ("label.cloud.billing.account=111111111111", 4),
    ],
)
def test_they_are_chosen(ledger: Path, tmp_path: Path, where: str, lines: int) -> None:
    """By what they are about, by tags and labels."""
    bring(ledger, "aws-carbon", two_months(tmp_path))
    assert len(told("statements", "--where", where, "--ledger", ledger)["statements"]) == lines


def test_a_period_chooses_months(ledger: Path, tmp_path: Path) -> None:
    """Months begin in UTC."""
    bring(ledger, "aws-carbon", two_months(tmp_path))
    assert set(values(told("statements", "--in", "2026-05", "--ledger", ledger))) == {"2026-05"}
    assert set(values(told("statements", "--from", "2026-05", "--ledger", ledger))) == {"2026-05"}


@pytest.mark.parametrize("option", ["--by", "--where"])
def test_a_key_that_is_not_there_is_named(ledger: Path, option: str) -> None:
    """With the one that was meant."""
    key = "acount" if option == "--by" else "acount=1"
    with pytest.raises(UsageError, match="did you mean 'account'"):
        ask("statements", option, key, "--ledger", ledger)


def test_accounts_are_teams_by_the_ledger_s_rules(ledger: Path, tmp_path: Path) -> None:
    """The label states the tag, and an alias says what it means."""
    bring(ledger, "aws-carbon", two_months(tmp_path))
    rows = told("statements", "--by", "team", "--ledger", ledger)["statements"]
    assert {r["group"]["team"] for r in rows} == {"search"}


def test_a_restatement_stands_and_the_old_version_stays(ledger: Path, tmp_path: Path) -> None:
    """v2, then v3, then v2 again: v3 stands each time, both are kept, and the list says what changed."""
    two = two_months(tmp_path, "0.4", "v2.0.1")
    three = two_months(tmp_path, "0.6", "v3.0.0")
    bring(ledger, "aws-carbon", two)
    assert values(told("statements", "--ledger", ledger))["2026-05"] == pytest.approx(400.0)
    bring(ledger, "aws-carbon", three)
    first = told("statements", "--ledger", ledger)
    assert values(first) == {"2026-04": 600.0, "2026-05": 600.0}
    bring(ledger, "aws-carbon", two)
    assert values(told("statements", "--ledger", ledger)) == values(first)
    body = told("statements", "--restated", "--where", "month=2026-05", "--ledger", ledger)
    assert (body["schema"], body["schema_version"]) == ("wattmark.ledger-restated", 1)
    (row,) = body["restated"]
    assert (row["old"], row["new"]) == (pytest.approx(400 * KG), pytest.approx(600 * KG))
    assert row["change"] == pytest.approx(200 * KG)
    assert (row["old_model_version"], row["new_model_version"]) == ("v2.0.1", "v3.0.0")
    assert row["new_stated_at"] == "2026-06-21T04:00:00Z"
    assert row["new_folded_at"] is not None
    assert row["group"]["account"] == "222222222222"
    assert values(told("statements", "--as-of", first["version"] - 1, "--ledger", ledger))[
        "2026-05"
    ] == pytest.approx(400.0)


def test_a_newer_version_that_comes_first_stands(ledger: Path, tmp_path: Path) -> None:
    """The order of arrival does not matter, nor whether both come in one fold."""
    for tonnes, version in (("0.6", "v3.0.0"), ("0.4", "v2.0.1")):
        bring(ledger, "aws-carbon", two_months(tmp_path, tonnes, version))
    assert values(told("statements", "--ledger", ledger)) == {"2026-04": 600.0, "2026-05": 600.0}


def test_nothing_anew_is_said(ledger: Path, tmp_path: Path) -> None:
    """The same delivered twice is no restatement."""
    for _ in range(2):
        bring(ledger, "aws-carbon", two_months(tmp_path))
    assert "nothing was stated anew" in ask("statements", "--restated", "--ledger", ledger).stdout


def test_totals_do_not_change(ledger: Path, tmp_path: Path) -> None:
    """Statements bring no energy, no carbon, no run, no attempt, no machine time, whatever is asked."""
    questions = [
        ("totals",),
        ("totals", "--by", "team"),
        ("totals", "--by", "region", "--period", "month"),
        ("totals", "--by", "run"),
    ]
    before = [told(*question, "--ledger", ledger) for question in questions]
    listed = told("runs", "--ledger", ledger)
    bring(ledger, "aws-carbon", two_months(tmp_path, "0.4", "v2.0.1"))
    bring(ledger, "aws-carbon", two_months(tmp_path))
    bring(ledger, "google-carbon", google_file(tmp_path / "g.jsonl", a_row()))
    for question, was in zip(questions, before, strict=True):
        now = told(*question, "--ledger", ledger)
        assert {**now, "version": None} == {**was, "version": None}, question
    now = told("runs", "--ledger", ledger)
    assert (now["count"], now["runs"]) == (listed["count"], listed["runs"])


def test_counting_anew_gives_the_same(ledger: Path, tmp_path: Path) -> None:
    """What is counted step by step is what counting everything gives."""
    bring(ledger, "aws-carbon", two_months(tmp_path, "0.4", "v2.0.1"))
    told("statements", "--ledger", ledger)
    bring(ledger, "aws-carbon", two_months(tmp_path))
    step = told("statements", "--parts", "--ledger", ledger)
    assert ask("fold", "--rebuild", "--ledger", ledger).exit_code == 0
    assert told("statements", "--parts", "--ledger", ledger)["statements"] == step["statements"]


def test_a_source_lists_its_records(ledger: Path, tmp_path: Path) -> None:
    """They are no runs, and by their source or id they are found all the same."""
    bring(ledger, "aws-carbon", two_months(tmp_path))
    body = told("runs", "--source", "aws-carbon", "--ledger", ledger)
    assert body["count"] == 2
    shown = ask("show", body["runs"][0]["record_id"], "--raw", "--ledger", ledger)
    assert json.loads(shown.stdout)["statements"][0]["boundary"] == "facility"


def test_a_record_is_shown_as_what_it_states(ledger: Path, tmp_path: Path) -> None:
    """No energy, no KPI, no PUE: its figures, each as it was stated. So is a run file of it."""
    bring(ledger, "aws-carbon", two_months(tmp_path))
    record = told("runs", "--source", "aws-carbon", "--ledger", ledger)["runs"][0]["record_id"]
    text = ask("show", record, "--ledger", ledger).stdout
    assert "aws, 222222222222, eu-west-1, AmazonEC2" in text
    assert "0.600 tCO2e" in text
    assert "KPI" not in text
    assert "PUE" not in text
    verb(import_command, "aws-carbon", two_months(tmp_path), "--out", tmp_path / "files")
    shown = verb(show.command, tmp_path / "files").stdout
    assert shown.count("no run: in no total") == 2
    assert "KPI" not in shown


def test_an_import_counts_records_and_no_runs(ledger: Path, tmp_path: Path) -> None:
    """Two months of one account are two records."""
    body = bring(ledger, "aws-carbon", two_months(tmp_path))
    assert (body["runs"], body["statement_records"]) == (0, 2)
    done = verb(import_command, "aws-carbon", two_months(tmp_path), "--dry-run")
    assert "statements       in 2 records; no total holds them" in done.stdout
    assert "runs  " not in done.stdout


def test_the_view_tells_them(ledger: Path, tmp_path: Path) -> None:
    """In SQL: sums of the version that stands, and runs apart from statements."""
    bring(ledger, "aws-carbon", two_months(tmp_path))
    sql = (
        "SELECT SUM(value) FROM statements WHERE accounting = 'location' AND contains(scopes, ',') "
        "AND boundary = 'facility'"
    )
    assert "1.2" in ask("query", sql, "--ledger", ledger).stdout
    assert "4" in ask("query", "SELECT COUNT(*) FROM runs WHERE NOT stated", "--ledger", ledger).stdout


def test_csv_has_exact_values(ledger: Path, tmp_path: Path) -> None:
    """A line each, restated ones too."""
    bring(ledger, "aws-carbon", two_months(tmp_path, "0.4", "v2.0.1"))
    bring(ledger, "aws-carbon", two_months(tmp_path))
    rows = list(csv.DictReader(io.StringIO(ask("statements", "--csv", "--ledger", ledger).stdout)))
    assert [(r["month"], r["accounting"], r["value"], r["unit"]) for r in rows[:2]] == [
        ("2026-04", "location", "600000.0", "gCO2e"),
        ("2026-04", "market", "300000.0", "gCO2e"),
    ]
    anew = ask("statements", "--restated", "--csv", "--ledger", ledger).stdout
    first = next(csv.DictReader(io.StringIO(anew)))
    assert (first["provider"], first["scopes"], first["new"]) == (
        "aws",
        "scope 1+scope 2+scope 3",
        "600000.0",
    )


def test_people_read_a_table(ledger: Path, tmp_path: Path) -> None:
    """With the method, the scopes and a warning not to add rows."""
    assert "nobody states anything like that" in ask("statements", "--ledger", ledger).stdout
    bring(ledger, "aws-carbon", two_months(tmp_path, "0.4", "v2.0.1"))
    bring(ledger, "aws-carbon", two_months(tmp_path))
    text = ask("statements", "--ledger", ledger).stdout
    assert "emissions, location-based" in text
    assert "600 kgCO2e" in text
    assert "1 + 2 + 3" in text
    assert "never in totals" in text
    anew = ask("statements", "--restated", "--ledger", ledger).stdout
    assert "400 kgCO2e -> 600 kgCO2e" in anew
    assert "v2.0.1 -> v3.0.0" in anew
