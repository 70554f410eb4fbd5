"""``wattmark ledger totals``, ``runs``, ``show``, ``tags``, ``lost``, ``overhead``: from files to answers."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")

from click.testing import CliRunner

from tests.builders import a_row
from tests.cli.ledgers import HOSTS, a_ledger, ask, filled, nothing_else, number, the_run, told
from tests.cli.running import kept, verb
from wattmark.cli import show
from wattmark.cli.ledger import group
from wattmark.core.errors import ConfigError, LedgerError, UsageError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import Place, SourceId, Subject
from wattmark.core.telemetry import Samples, Stream
from wattmark.ledger.inbox import land_samples
from wattmark.ledger.store import LocalStore

SETTINGS = """
name = "ours"
manual_steps = 1
[tags]
required = ["team"]
[tags.allowed]
team = ["search", "ads"]
[tags.owners]
team = "the platform group"
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    nothing_else(tmp_path, monkeypatch)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Four runs of 90 J: two of search, one of ads, one that nobody tagged."""
    return filled(tmp_path, SETTINGS)


def joules(body: dict, key: str) -> dict[str, float]:  # type: ignore[type-arg]
    """Group -> observed joules."""
    return {t["group"][key]: t["observed_microjoules"] / 1e6 for t in body["totals"]}


def test_totals_fold_first_and_count_each_run_once(ledger: Path) -> None:
    """180 J of search, 90 J of ads, 90 J of nobody; version 0 is the fold that this made."""
    body = told("totals", "--by", "team", "--ledger", ledger)
    assert joules(body, "team") == {"search": 180.0, "ads": 90.0, "": 90.0}
    assert body["version"] == 0
    assert body["ledger"] == "ours"
    assert body["whole"]["observed_microjoules"] == 360_000_000
    text = ask("totals", "--by", "team", "--plot", "--ledger", ledger).stdout
    assert "(not stated)" in text
    assert "without team     90.0 J, 25 % of the total" in text
    assert "█" in text


def test_whoever_finds_nothing_is_told_what_there_is(ledger: Path) -> None:
    """Values that are not there with the nearest one, the days that the ledger holds, and what fills it."""

    def said(*arguments: str) -> list[str]:
        findings: list[str] = told("totals", *arguments, "--ledger", ledger)["findings"]
        return findings

    assert "nothing is counted in this ledger yet" in said("--no-fold")[0]
    assert said("--where", "team=serach") == ["nothing says team=serach: did you mean 'search'?"]
    assert said("--where", "team=x,ads") == []
    assert said("--where", "label.branch=dev", "--in", "2025") == [
        "nothing says label.branch=dev: there are main",
        "the ledger holds energy from 2026-11-01 to 2026-11-01 (UTC days)",
    ]


def test_no_fold_reads_what_is_folded(ledger: Path) -> None:
    """Nothing yet: unknown, not zero."""
    assert told("totals", "--no-fold", "--ledger", ledger)["whole"]["energy"]["status"] == "missing"


def test_counted_tables_can_be_made_anew(ledger: Path) -> None:
    """Whatever became of them: the evidence is enough."""
    before = told("totals", "--by", "team", "--ledger", ledger)
    for path in (ledger / "derived" / "cube").rglob("*.parquet"):
        path.write_bytes(b"gone")
    with pytest.raises(LedgerError, match=r"cube.* `wattmark ledger fold --rebuild` counts anew"):
        ask("totals", "--by", "team", "--ledger", ledger)
    assert told("fold", "--rebuild", "--ledger", ledger)["runs"] == 0
    assert told("totals", "--by", "team", "--ledger", ledger) == before


def test_a_ledger_that_may_only_be_read_is_read(ledger: Path, tmp_path: Path) -> None:
    """With a note that what is new could not be folded."""
    ask("fold", "--ledger", ledger)
    ask("add", kept(tmp_path, the_run(9, "b", 600), "later"), "--ledger", ledger)
    everything = (ledger, *ledger.rglob("*"))
    for path in everything:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        if os.access(ledger, os.W_OK):
            pytest.skip("this user may write everywhere")
        done = ask("totals", "--json", "--ledger", ledger)
    finally:
        for path in everything:
            path.chmod(path.stat().st_mode | 0o200)
    assert json.loads(done.stdout)["whole"]["observed_microjoules"] == 360_000_000
    assert "what is new could not be folded" in done.stderr


def test_an_older_version_gives_the_older_totals(ledger: Path, tmp_path: Path) -> None:
    """Whatever came in since."""
    before = told("totals", "--ledger", ledger)
    ask("add", kept(tmp_path, the_run(9, "b", 600), "later"), "--ledger", ledger)
    assert told("totals", "--ledger", ledger)["whole"]["observed_microjoules"] == 450_000_000
    again = told("totals", "--as-of", before["version"], "--ledger", ledger)
    assert again["whole"] == before["whole"]
    with pytest.raises(UsageError, match="there is no version 99"):
        ask("totals", "--as-of", 99, "--ledger", ledger)


def test_totals_can_be_chosen_and_divided_in_every_way(ledger: Path) -> None:
    """By several tags, by time, by label; with only some of them."""
    body = told(
        "totals", "--by", "team,stage", "--by", "label.branch", "--where", "team=search", "--ledger", ledger
    )
    assert [t["group"] for t in body["totals"]] == [
        {"team": "search", "stage": "", "label.branch": ""},
        {"team": "search", "stage": "inference", "label.branch": "main"},
    ]
    assert [t["period"] for t in told("totals", "--period", "week", "--ledger", ledger)["totals"]] == [
        "2026-W44"
    ]
    nothing = told("totals", "--in", "2025", "--ledger", ledger)
    assert (nothing["totals"], nothing["question"]["span"]) == ([], "2025-01-01 to 2026-01-01")


def test_totals_become_csv_and_fixed_units(ledger: Path) -> None:
    """A column per unit that was asked for."""
    text = ask("totals", "--by", "team", "--csv", "--unit", "Wh", "--ledger", ledger).stdout
    rows = {row["team"]: row for row in csv.DictReader(io.StringIO(text))}
    assert float(rows["search"]["energy_wh"]) == 0.05


def test_carbon_that_may_not_be_added_stands_apart(tmp_path: Path) -> None:
    """Our own electricity and that of a cloud: two lines, and no sum of them."""
    settings = """
[[grid]]
zone = "OWN"
grams_per_kwh = 100.0
basis = "direct"
source = "stated"
[[grid]]
zone = "us-east-1"
grams_per_kwh = 300.0
basis = "direct"
inventory = "scope 3.1"
source = "stated"
"""
    ledger = a_ledger(tmp_path, settings)
    node = a_row(device_id="node:x", component="node", boundary=Boundary.NODE, energy_joules=3.6e6)
    for n, subject in enumerate((Subject(zone="OWN"), Subject(region="us-east-1")), 1):
        ask(
            "add",
            kept(tmp_path, the_run(n, "ab"[n - 1], subject=subject, energies=(node,)), f"r{n}"),
            "--ledger",
            ledger,
        )
    asked = ("totals", "--basis", "direct", "--ledger", ledger)
    body = told(*asked)["whole"]
    assert body["carbon"]["status"] == "missing"
    assert {one["inventory"]: one["carbon"]["value"] for one in body["carbon_by_terms"]} == pytest.approx(
        {"scope 2": 100.0, "scope 3.1": 300.0 * 1.14}
    )
    text = ask(*asked).stdout
    assert "not added" in text
    assert "location, direct, scope 2\n" in text
    assert "location, direct, scope 3.1\n" in text


def test_a_factor_that_nothing_meets_is_named(tmp_path: Path) -> None:
    """A zone that is spelt otherwise than runs spell theirs meets nothing, and the built-in figure stands."""
    stated = '[[grid]]\nzone = "FR"\ngrams_per_kwh = 1.0\nsource = "s"\n'
    ledger = a_ledger(tmp_path, stated)
    ask("add", kept(tmp_path, the_run(1, place=Place(country="FRA")), "one"), "--ledger", ledger)
    (finding,) = told("totals", "--ledger", ledger)["findings"]
    assert finding == (
        "nothing in this ledger is in zone 'FR', which [[grid]] or grid/*.csv states; did you mean 'FRA'?"
    )
    assert told("totals", "--basis", "direct", "--ledger", ledger)["findings"] == []


def test_factors_of_the_settings_make_carbon(tmp_path: Path) -> None:
    """1 kWh at node boundary x 1.5 x 100 g = 150 g; market figures are another question."""
    ledger = a_ledger(
        tmp_path,
        """
[[site]]
name = "here"
pue = 1.5
[[grid]]
zone = "Z"
grams_per_kwh = 100
source = "s"
[[grid]]
zone = "Z"
grams_per_kwh = 10
source = "contract"
accounting = "market"
""",
    )
    node = a_row(
        device_id=f"node:{HOSTS['a'].id}",
        component="node",
        energy_joules=3.6e6,
        method=Method.WALL_METER,
        boundary=Boundary.NODE,
        grade=Grade.A,
        errors={},
        max_watts=1e6,
    )
    run = the_run(1, energies=(node,), subject=Subject(zone="Z"), place=Place(site="here"))
    ask("add", kept(tmp_path, run, "one"), "--ledger", ledger)
    whole = told("totals", "--ledger", ledger)["whole"]
    assert whole["carbon"]["value"] == pytest.approx(150.0)
    assert whole["carbon"]["terms"]["accounting"] == "location"
    assert whole["facility"]["value"] == pytest.approx(5.4e6)
    market = told("totals", "--accounting", "market", "--ledger", ledger)["whole"]["carbon"]
    assert (market["value"], market["terms"]["accounting"]) == (pytest.approx(15.0), "market")
    marginal = ask("totals", "--accounting", "marginal", "--ledger", ledger).stdout
    assert "without a factor 1.00 kWh, 100 % of the total" in marginal
    assert "in zone Z: 1.00 kWh; [[grid]] in ledger.toml gives it a factor" in marginal


def test_countries_have_a_figure_of_their_own(tmp_path: Path) -> None:
    """Built in, with its source; energy elsewhere stays without one."""
    ledger = a_ledger(tmp_path)
    for n, place in enumerate((Place(country="FRA"), Place(country="ATL")), 1):
        ask("add", kept(tmp_path, the_run(n, "ab"[n - 1], place=place), f"{n}"), "--ledger", ledger)
    totals = {
        t["group"]["country"]: t for t in told("totals", "--by", "country", "--ledger", ledger)["totals"]
    }
    assert totals["FRA"]["carbon"]["status"] == "known"
    assert "Ember" in " ".join(totals["FRA"]["carbon"]["sources"])
    assert totals["ATL"]["without_factor_microjoules"] == 90_000_000


def test_a_cloud_region_tells_what_a_run_left_open(tmp_path: Path) -> None:
    """1 kWh at node boundary in Virginia x 1.14 x 383.55 g, or 270.47 g direct: Scope 3.1 of its customer."""
    ledger = a_ledger(tmp_path)
    node = a_row(
        device_id=f"node:{HOSTS['a'].id}",
        component="node",
        energy_joules=3.6e6,
        method=Method.WALL_METER,
        boundary=Boundary.NODE,
        grade=Grade.A,
        errors={},
        max_watts=1e6,
    )
    run = the_run(1, energies=(node,), subject=Subject(region="us-east-1"))
    ask("add", kept(tmp_path, run, "one"), "--ledger", ledger)
    for basis, grams in (("lifecycle", 383.55), ("direct", 270.47)):
        carbon = told("totals", "--basis", basis, "--ledger", ledger)["whole"]["carbon"]
        assert carbon["value"] == pytest.approx(1.14 * grams)
        assert (carbon["terms"]["basis"], carbon["terms"]["inventory"]) == (basis, "scope 3.1")
        assert carbon["terms"]["pue_kind"] == "provider_year"
        assert "AWS, mean of its data centres, 2025" in " ".join(carbon["sources"])


def test_kpis_are_columns(ledger: Path) -> None:
    """From the catalog, on the ledger's totals; an unknown one is guessed."""
    body = told(
        "totals",
        "--by",
        "stage",
        "--kpi",
        "performance_per_watt,inference_watts_per_query",
        "--ledger",
        ledger,
    )
    served = next(t for t in body["totals"] if t["group"]["stage"] == "inference")
    assert served["kpis"]["performance_per_watt"]["value"] == pytest.approx(1000 / 90)
    assert (
        "(not stated)"
        in ask("totals", "--by", "stage", "--kpi", "performance_per_watt", "--ledger", ledger).stdout
    )
    with pytest.raises(UsageError, match="did you mean 'performance_per_watt'"):
        ask("totals", "--kpi", "performance_per_wat", "--ledger", ledger)
    with pytest.raises(UsageError, match="no key 'taem': did you mean 'team'"):
        ask("totals", "--by", "taem", "--ledger", ledger)


def test_the_whole_is_said_when_runs_are_kept_out(tmp_path: Path) -> None:
    """What is quarantined is told with its energy, and an alias brings it back."""
    strict = '[tags]\nrequired = ["team"]\nmode = "quarantine"\n'
    ledger = filled(tmp_path, strict)
    body = told("totals", "--ledger", ledger)
    assert body["whole"]["observed_microjoules"] == 270_000_000
    kept_out = next(part for part in body["apart"] if part["what"] == "quarantined")
    assert (kept_out["energy_microjoules"], kept_out["in_totals"]) == (90_000_000, False)
    (fault,) = told("tags", "--ledger", ledger)["faults"]
    assert (fault["quarantined_runs"], fault["energy_microjoules"]) == (1, 90_000_000)
    (ledger / "ledger.toml").write_text(f"format = 1\n{strict.replace('quarantine', 'warn')}")
    assert told("totals", "--ledger", ledger)["whole"]["observed_microjoules"] == 360_000_000


def test_streams_in_quarantine_are_told_too(tmp_path: Path) -> None:
    """A pod of a team that is not allowed; a meter that is nobody's needs no tags."""
    ledger = a_ledger(tmp_path, '[tags.allowed]\nteam = ["search"]\n[tags]\nmode = "quarantine"\n')
    for name, team in (("gpu-0", "serch"), ("gpu-1", "search"), ("gpu-2", None)):
        stream = Stream(
            source=SourceId(name="kepler"),
            host_id="h",
            device_id=name,
            component="gpu",
            grade=Grade.B,
            subject=Subject(team=team),
        )
        batch = Samples(stream=stream, start_us=[0, 10**6], end_us=[10**6, 2 * 10**6], energy_uj=[5, 6])
        land_samples(LocalStore(ledger), [batch])
    body = told("totals", "--ledger", ledger)
    assert body["whole"]["observed_microjoules"] == 22
    kept_out = next(part for part in body["apart"] if part["what"] == "quarantined")
    assert (kept_out["energy_microjoules"], kept_out["hint"][:21]) == (11, "1 stream kept out unt")
    (fault,) = told("tags", "--ledger", ledger)["faults"]
    assert (fault["value"], fault["fix"], fault["energy_microjoules"]) == ("serch", "search", 11)
    later = told("totals", "--from", "1971", "--ledger", ledger)
    assert [part["what"] for part in later["apart"]] == ["unallocated", "without team"]


def test_an_alias_mends_what_is_stored_already(tmp_path: Path) -> None:
    """The evidence stays; the totals change with the rules, and back again."""
    ledger = filled(tmp_path, "")
    before = told("totals", "--by", "team", "--ledger", ledger)
    (ledger / "ledger.toml").write_text('format = 1\n[tags.aliases.team]\nADS = "search"\n')
    after = told("totals", "--by", "team", "--ledger", ledger)
    assert joules(after, "team") == {"search": 270.0, "": 90.0}
    assert after["version"] == before["version"]
    (ledger / "ledger.toml").write_text("format = 1\n")
    assert told("totals", "--by", "team", "--ledger", ledger) == before


def test_runs_are_listed_and_chosen(ledger: Path) -> None:
    """Newest first, with what was counted of each."""
    body = told("runs", "--ledger", ledger)
    assert [run["record_id"] for run in body["runs"]] == [number(n) for n in (2, 1, 3, 4)]
    assert {run["counted_microjoules"] for run in body["runs"]} == {90_000_000}
    assert told("runs", "--where", "team=", "--ledger", ledger)["count"] == 1
    assert told("runs", "--status", "interrupted", "--ledger", ledger)["count"] == 0
    assert "1 of 4 runs" in ask("runs", "--limit", 1, "--ledger", ledger).stdout
    assert "failed" in ask("runs", "--where", "team=", "--plot", "--ledger", ledger).stdout
    rows = list(csv.DictReader(io.StringIO(ask("runs", "--csv", "--ledger", ledger).stdout)))
    assert rows[0]["label.branch"] == "main"


def test_runs_come_back_as_files_that_other_verbs_read(ledger: Path, tmp_path: Path) -> None:
    """Byte for byte as they landed."""
    said = ask("runs", "--where", "team=search", "--files", "back", "--ledger", ledger).stdout
    assert "wrote 2 run files into back" in said
    back = {path.read_bytes() for path in (tmp_path / "back").iterdir()}
    assert back == {(tmp_path / "runs" / f"run-{n}.run.json").read_bytes() for n in (1, 2)}
    assert len(json.loads(verb(show.command, "back", "--json").stdout)["runs"]) == 2


def test_a_run_is_shown_by_the_beginning_of_its_id(ledger: Path, tmp_path: Path) -> None:
    """Its figures, and where it was counted."""
    body = told("show", number(2), "--ledger", ledger)
    assert body["counted"][0]["energy_microjoules"] == 90_000_000
    assert body["kpis"]["performance_per_watt"]["status"] == "known"
    text = ask("show", number(4), "--ledger", ledger).stdout
    assert "team is missing: use one of search, ads (ask the platform group)" in text
    raw = ask("show", number(1), "--raw", "--ledger", ledger).stdout
    assert raw == (tmp_path / "runs" / "run-1.run.json").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="several runs begin with '0000'"):
        ask("show", "0000", "--ledger", ledger)
    with pytest.raises(UsageError, match=r"no run of .* begins with 'f'"):
        ask("show", "f", "--ledger", ledger)


def test_tags_are_listed_by_energy_and_can_fail_a_build(ledger: Path) -> None:
    """--strict is exit code 1 while anything is wrong."""
    done = ask("tags", "--strict", "--ledger", ledger)
    assert done.return_value == 1
    assert "use one of search, ads (ask the platform group)" in done.stdout
    assert ask("tags", "--ledger", ledger).return_value == 0
    assert "team" in ask("tags", "--csv", "--ledger", ledger).stdout.splitlines()[1]


def test_who_also_watched_is_listed(ledger: Path, tmp_path: Path) -> None:
    """A model beside a counter loses, and says to whom."""
    modelled = a_row(
        device_id=f"cpu:{HOSTS['a'].id}/package-0",
        energy_joules=50.0,
        method=Method.MODELLED,
        grade=Grade.D,
        errors={},
    )
    ask("add", kept(tmp_path, the_run(7, "a", 0, energies=(modelled,)), "second"), "--ledger", ledger)
    (loss,) = told("lost", "--ledger", ledger)["lost"]
    assert (loss["record_id"], loss["counted_from"]) == (number(7), number(1))
    assert loss["energy_microjoules"] == 50_000_000
    assert "50.0 J" in ask("lost", "--ledger", ledger).stdout
    assert number(7) in ask("lost", "--csv", "--ledger", ledger).stdout
    assert "by others" in ask("runs", "--where", f"run={number(7)}", "--ledger", ledger).stdout
    assert "counted from others" in ask("show", number(7), "--ledger", ledger).stdout


def test_the_overhead_is_scored(ledger: Path) -> None:
    """Folded long after they ended: 25 points for latency, 2.5 for a manual step, 0.25 for 0.1 % of CPU, and
    25 because all of them are imports.
    """
    body = told("overhead", "--ledger", ledger)
    assert body["runs"] == 4
    assert body["score"]["value"] == pytest.approx(100 - 25 - 2.5 - 0.25 - 25)
    assert told("overhead", "--manual-steps", 10, "--ledger", ledger)["score"]["value"] == pytest.approx(
        24.75
    )
    none = told("overhead", "--where", "source=codecarbon", "--ledger", ledger)
    assert (none["runs"], none["score"]["status"]) == (0, "missing")
    assert "points lost" in ask("overhead", "--where", "source=rapl", "--ledger", ledger).stdout


def test_sql_asks_the_views(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a table, CSV and JSON with exact integers; from standard input, too."""
    sql = "SELECT team, SUM(energy_uj) AS uj, MAX(failed) AS f FROM energy JOIN runs USING (record_id, team) "
    sql += "GROUP BY team ORDER BY uj DESC, team"
    body = told("query", sql, "--ledger", ledger)
    assert body["rows"][0] == ["search", 180_000_000, False]
    assert [column["name"] for column in body["columns"]] == ["team", "uj", "f"]
    assert ask("query", sql, "--csv", "--ledger", ledger).stdout.splitlines()[1] == "search,180000000,false"
    done = ask("query", "SELECT record_id FROM runs", "--limit", 2, "--ledger", ledger)
    assert "more than these 2 rows" in done.stderr
    piped = CliRunner().invoke(
        group, ["query", "-", "--ledger", str(ledger)], input="SELECT 1.5 AS x", standalone_mode=False
    )
    assert piped.stdout.splitlines()[-1].strip() == "1.5"
    with pytest.raises(UsageError, match="The views are: energy"):
        ask("query", "SELECT nothing", "--ledger", ledger)
    with pytest.raises(UsageError, match="no query on standard input"):
        ask("query", "-", "--ledger", ledger)


def test_views_become_plain_files(ledger: Path, tmp_path: Path) -> None:
    """Six of them, or those that were named; the same ones for the same version."""
    body = told("export", "out", "--format", "csv", "--ledger", ledger)
    assert [one["file"] for one in body["files"]][:2] == ["energy.csv", "work.csv"]
    rows = list(csv.DictReader((tmp_path / "out" / "energy.csv").open()))
    assert sum(int(row["energy_uj"]) for row in rows) == 360_000_000
    again = told("export", "again", "--format", "csv", "--ledger", ledger)
    assert [one["sha256"] for one in again["files"]] == [one["sha256"] for one in body["files"]]
    assert "runs.parquet" in ask("export", "out", "--view", "runs", "--ledger", ledger).stdout
    with pytest.raises(UsageError, match="no view colours"):
        ask("export", "out", "--view", "colours", "--ledger", ledger)
    for own in (ledger, ledger / "evidence"):
        with pytest.raises(UsageError, match="belongs to the ledger itself"):
            ask("export", own, "--ledger", ledger)


def test_without_sql_the_views_are_listed() -> None:
    """No ledger is needed for that."""
    text = ask("query").stdout
    assert "energy: energy, each moment of each device once" in text
    assert "the tags: organisation, team, project" in text
    assert {view["name"] for view in told("query")["views"]} >= {"energy", "runs", "work", "lost"}


def test_settings_that_cannot_be_are_named_by_every_command(tmp_path: Path) -> None:
    """File, table and key."""
    ledger = filled(tmp_path, "")
    (ledger / "ledger.toml").write_text("format = 1\n[[site]]\nname = 'a'\npue = 0.5\n")
    with pytest.raises(ConfigError, match=r"ledger\.toml: \[\[site\]\] 1 pue: must be from 1"):
        ask("totals", "--ledger", ledger)


def test_every_json_names_its_schema(ledger: Path) -> None:
    """Frozen: id and version."""
    ask("fold", "--ledger", ledger)
    for name in ("totals", "runs", "tags", "lost", "overhead", "history", "fold", "verify", "compact"):
        body = told(name, "--ledger", ledger)
        assert (body["schema"], body["schema_version"]) == (f"wattmark.ledger-{name}", 1)
    shown = json.loads(ask("show", number(1), "--json", "--ledger", ledger).stdout)
    assert shown["schema"] == "wattmark.ledger-show"
