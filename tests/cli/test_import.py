"""``wattmark import``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wattmark.cli.main import cli
from wattmark.core.errors import UsageError
from wattmark.ledger.runfile import read_run
from wattmark.measure.host import host_id
from wattmark.sources.catalog import SOURCES, Asked, SourceRow, open_source, row, rows, source_module

FILES = Path(__file__).resolve().parents[1] / "sources" / "files"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, in which no ledger is meant."""
    monkeypatch.chdir(tmp_path)
    for name in ("WATTMARK_LEDGER", "WATTMARK_OUT", "WATTMARK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    shutil.copy(FILES / "codecarbon-3.3.2.csv", tmp_path / "emissions.csv")


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["import", *arguments], standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def spoil(tmp_path: Path, line: int) -> None:
    """Make one line of the file unreadable."""
    lines = (tmp_path / "emissions.csv").read_text().splitlines()
    lines[line - 1] = lines[line - 1].replace("2026-11-21", "once")
    (tmp_path / "emissions.csv").write_text("\n".join(lines) + "\n")


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_runs_become_run_files_where_no_ledger_is_meant(tmp_path: Path) -> None:
    """And the summary says what came, how much, when, and where it is."""
    result = run("codecarbon", "emissions.csv", "-o", "time_zone=UTC", "--host", "node-7", "--team", "vision")
    assert result.return_value == 0
    assert result.stdout.splitlines() == [
        "import           codecarbon  emissions.csv",
        "rows             5 taken, 0 ignored",
        "runs             4",
        "period           2026-11-21T23:49:54 to 2026-11-21T23:50:10 UTC",
        "energy           301 J of whole devices, 41.6 J of shares, as stated: nothing is counted once yet",
        "kept in          wattmark-runs",
        "note             CodeCarbon multiplied energies by a PUE of 1.5: divided out, and kept beside them",
        "note             CodeCarbon multiplied energies by a PUE of 1.25: divided out, and kept beside them",
    ]
    assert len(list((tmp_path / "wattmark-runs").glob("*.run.json"))) == 4


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    """Byte for byte, in a folder and in a ledger's inbox."""
    pytest.importorskip("pyarrow")
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    (ledger / "ledger.toml").write_text("format = 1\n")
    for where in (("--out", "runs"), ("--ledger", "ledger")):
        run("codecarbon", "emissions.csv", *where)
        before = files(tmp_path / where[1])
        run("codecarbon", "emissions.csv", *where)
        assert files(tmp_path / where[1]) == before
        assert len(before) >= 4


def test_what_the_ledger_sends_away_is_not_said_to_be_kept(tmp_path: Path) -> None:
    """In the mode refuse: the rows were read well, no run came in, and each is named with the reason."""
    (tmp_path / "ledger.toml").write_text('format = 1\n[tags]\nmode = "refuse"\nrequired = ["team"]\n')
    arguments = ("codecarbon", "emissions.csv", "-o", "time_zone=UTC", "--ledger", ".")
    result = run(*arguments)
    assert result.return_value == 2
    assert "rows             5 taken, 0 ignored" in result.stdout
    assert "sent away        4 records, by the ledger's tag rules" in result.stdout
    assert "kept in          nothing" in result.stdout
    assert "\nruns " not in result.stdout
    assert result.stderr.count("team is missing") == 4
    assert run(*arguments, "--team", "vision").return_value == 0


def test_bad_rows_are_named_and_the_good_ones_kept(tmp_path: Path) -> None:
    """Exit code 0, and 1 with --strict: what is good is taken all the same."""
    spoil(tmp_path, 3)
    result = run("codecarbon", "emissions.csv", "--out", "a")
    assert result.return_value == 0
    assert "4 taken, 1 bad" in result.stdout
    assert "bad row          emissions.csv:3: timestamp" in result.stderr
    assert run("codecarbon", "emissions.csv", "--out", "b", "--strict").return_value == 1
    assert len(files(tmp_path / "a")) == len(files(tmp_path / "b")) == 3


def test_only_bad_rows_are_no_import(tmp_path: Path) -> None:
    """Exit code 2."""
    lines = (tmp_path / "emissions.csv").read_text().splitlines()
    (tmp_path / "emissions.csv").write_text("\n".join([lines[0], *["torn"] * 30]) + "\n")
    result = run("codecarbon", "emissions.csv")
    assert result.return_value == 2
    assert result.stderr.count("bad row") == 21
    assert "and 10 more: --json has them" in result.stderr


def test_json_has_everything(tmp_path: Path) -> None:
    """Its schema, every bad row, and where it went."""
    spoil(tmp_path, 3)
    said = json.loads(run("codecarbon", "emissions.csv", "--json", "--dry-run").stdout)
    assert (said["schema"], said["schema_version"]) == ("wattmark.import", 1)
    assert said["rows"] == {"taken": 4, "bad": 1, "ignored": 0}
    assert said["bad_rows"][0]["place"] == "emissions.csv:3"
    assert said["kept_in"] is None
    assert said["energy_joules"]["whole"] == pytest.approx(300.6, abs=0.1)
    assert set(said) == {
        *("schema", "schema_version", "source", "inputs", "kept_in", "rows", "runs", "samples", "gaps"),
        "statement_records",
        *("streams", "start", "end", "energy_joules", "bad_rows", "sent_away", "notes"),
    }


def test_a_dry_run_keeps_nothing(tmp_path: Path) -> None:
    """Neither a folder nor a file."""
    result = run("codecarbon", "emissions.csv", "--dry-run")
    assert "nothing, this was a dry run" in result.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["emissions.csv"]


def test_what_is_said_beside_the_input_is_kept(tmp_path: Path) -> None:
    """Tags, labels, place and machine; `this` is this machine."""
    said = ("--model", "m", "--label", "rack=7", "--pue", "1.1", "--host", "this", "--country", "DEU")
    run("codecarbon", "emissions.csv", *said, "--out", "runs")
    runs = [read_run(p) for p in (tmp_path / "runs").glob("*.run.json")]
    assert {r.host.id for r in runs} == {host_id()}
    assert {r.subject.model for r in runs} == {"m"}
    assert {dict(r.subject.labels)["rack"] for r in runs} == {"7"}
    assert {r.place.country for r in runs} == {"FRA"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("nothing-like-it", "x"), "there is no source 'nothing-like-it'; known sources"),
        (("codecarbn", "x"), "did you mean 'codecarbon'"),
        (("codecarbon",), "needs an input"),
        (("codecarbon", "emissions.csv", "-o", "zone=UTC"), "has no option 'zone'; its options: time_zone"),
        (("codecarbon", "emissions.csv", "-o", "zone"), "not of the form NAME=VALUE"),
        (("codecarbon", "emissions.csv", "--pue", "0.9"), "PUE"),
        (("codecarbon", "emissions.csv", "--out", "a", "--ledger", "b"), "contradict each other"),
        (("codecarbon", "emissions.csv", "--ledger", "b"), "there is no ledger"),
        (("codecarbon", "emission.csv"), "emission.csv: is not there"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], problem: str) -> None:
    """In words, with exit code 2, and nothing is written."""
    with pytest.raises(Exception, match=problem) as caught:
        run(*arguments)
    assert getattr(caught.value, "exit_code", None) == 2
    assert not Path("wattmark-runs").exists()


def test_the_catalog_is_listed() -> None:
    """Every source with what it reads; the settings of one; both as JSON."""
    said = run("--list").stdout
    assert all(name in said for name in SOURCES)
    assert "-o time_zone=" in run("--list", "codecarbon").stdout
    sources = json.loads(run("--list", "--json").stdout)["sources"]
    assert {s["name"] for s in sources} >= set(SOURCES)
    assert "time_zone" in json.loads(run("--list", "codecarbon", "--json").stdout)["options"]


def test_a_source_must_be_named() -> None:
    """With the way to find out."""
    with pytest.raises(Exception, match="--list"):
        run()


def test_a_stage_that_is_nearly_one_is_remarked() -> None:
    """A slip of the pen would keep its energy out of the KPIs."""
    assert "did you mean 'training'" in run("codecarbon", "emissions.csv", "--stage", "trainig").stderr


def _install(site: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str) -> None:
    """A distribution of somebody else that registers a source."""
    info = site / f"{name}_dist-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[wattmark.sources]\n{name} = {module}\n")
    monkeypatch.syspath_prepend(site)


def test_other_packages_bring_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an entry point, through the same door as ours."""
    site = tmp_path / "site"
    _install(site, monkeypatch, "acme", "acme_source")
    (site / "acme_source.py").write_text(
        "from wattmark.core.imported import Imported\n"
        "OPTIONS = {'depth': 'How deep to look.'}\n"
        "class Acme:\n"
        "    def read(self):\n"
        "        yield Imported(taken=2, notes=('hello',))\n"
        "def open_source(inputs, asked):\n"
        "    return Acme()\n"
    )
    assert rows()["acme"].what == "from the package acme-dist"
    result = run("acme", "x", "-o", "depth=3")
    assert "rows             2 taken" in result.stdout
    assert "note             hello" in result.stdout


def test_a_source_that_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose module is not there, and one that lacks the two names."""
    _install(tmp_path / "a", monkeypatch, "gone", "not_there_at_all")
    with pytest.raises(UsageError, match="cannot be imported from not_there_at_all"):
        source_module("gone")
    _install(tmp_path / "b", monkeypatch, "empty", "empty_source")
    (tmp_path / "b" / "empty_source.py").write_text("")
    with pytest.raises(UsageError, match="has no OPTIONS and no open_source"):
        open_source("empty", ["x"], Asked())


def test_our_names_stay_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package cannot take the place of a built-in source."""
    _install(tmp_path / "a", monkeypatch, "codecarbon", "evil")
    assert row("codecarbon") == rows()["codecarbon"] == SOURCES["codecarbon"]
    assert isinstance(row("codecarbon"), SourceRow)
