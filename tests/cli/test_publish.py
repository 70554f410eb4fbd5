"""``wattmark publish`` as a user runs it: finished runs in a tracker, with the decision that is theirs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.deciding import PLACE, three, write
from tests.cli.running import verb
from wattmark.cli.publish import command
from wattmark.core.errors import UsageError
from wattmark.core.governance.decision import Side
from wattmark.ledger.runfile import read_runs
from wattmark.reports.decision_json import decision_json
from wattmark.testing.decisions import every_standing

pytest.importorskip("tensorboard")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three repeats."""
    return write(tmp_path / "runs", *three(1.0, "wide"))


def test_repeats_are_told_as_one_with_their_interval(runs: Path) -> None:
    """Everything that was told is in --json; run files with the hash of the files themselves."""
    done = verb(command, runs, "--to", "tensorboard:tb", "--json", *PLACE)
    told = json.loads(done.stdout)
    assert (told["schema"], told["schema_version"]) == ("wattmark.publish", 1)
    assert set(told) == {
        *("schema", "schema_version", "to", "failed", "record_ids", "numbers", "words", "files"),
    }
    name = "wattmark/inference_watts_per_query"
    assert told["numbers"][f"{name}.low"] < told["numbers"][name] < told["numbers"][f"{name}.high"]
    assert {f["kind"] for f in told["files"]} == {"run", "report"}
    files = {hashlib.sha256(path.read_bytes()).hexdigest() for path in runs.glob("*.run.json")}
    assert {f["sha256"] for f in told["files"] if f["kind"] == "run"} == files
    assert len(list(Path("tb").rglob("events.out.tfevents.*"))) == 1


def test_the_decision_of_these_runs_stands_beside_them(runs: Path) -> None:
    """Gate, score and stars."""
    ids = tuple(item.run.record_id for item in read_runs([runs]))
    decision = replace(every_standing(), candidate=Side(name="sorter", repeats=3, record_ids=ids))
    Path("decision.json").write_text(decision_json(decision))
    told = json.loads(
        verb(command, runs, "--to", "tensorboard:tb", "--decision", "decision.json", "--json").stdout
    )
    assert told["words"]["wattmark/gate"] == "failed"
    assert told["numbers"]["wattmark/score"] == 92.0
    assert "decision" in {f["kind"] for f in told["files"]}


@pytest.mark.parametrize("record_ids", [("another",), ()])
def test_the_decision_of_other_runs_is_refused(runs: Path, record_ids: tuple[str, ...]) -> None:
    """Before anything is sent; one that names no runs is of no runs."""
    side = Side(name="sorter", repeats=3, record_ids=record_ids)
    Path("decision.json").write_text(decision_json(replace(every_standing(), candidate=side)))
    with pytest.raises(UsageError, match="is the decision of other runs"):
        verb(command, runs, "--to", "tensorboard:tb", "--decision", "decision.json")
    assert not Path("tb").exists()


def test_what_shows_runs_only_while_they_go_on_is_refused(runs: Path) -> None:
    """A textfile collector has no place for a finished run."""
    pytest.importorskip("prometheus_client")
    Path("prom").mkdir()
    with pytest.raises(UsageError, match="only while they go on"):
        verb(command, runs, "--to", "textfile:prom")


def test_a_tracker_that_does_not_take_it_is_named_and_the_others_get_theirs(runs: Path) -> None:
    """Exit code 2, never 1; the second folder was written."""
    Path("wall").mkdir()
    first = read_runs([runs])[0].run.record_id
    Path(f"wall/wattmark-wide-{first[:8]}").write_text("in the way")
    done = verb(command, runs, "--to", "tensorboard:wall", "--to", "tensorboard:tb")
    assert done.return_value == 2
    assert "tensorboard: FileExistsError" in done.stderr
    assert Path("tb").is_dir()
