"""The search in a thread of its own, and over restarts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("scipy")

from tests.monitoring.detection.rows import steady
from wattmark.core.errors import MissingExtra
from wattmark.monitoring.detection.beside import Beside
from wattmark.monitoring.detection.finding import Finding, Kind
from wattmark.monitoring.detection.history import History
from wattmark.monitoring.detection.settings import Settings
from wattmark.monitoring.detection.watcher import Watcher
from wattmark.testing.serving.plan import Change, Plan
from wattmark.testing.serving.plan import Kind as Changed
from wattmark.testing.serving.windows import windows

QUICK = Settings(learn_seconds=3 * 3600.0)


def test_what_was_learnt_outlives_a_restart(tmp_path: Path) -> None:
    """Six hours learnt by one process; another finds 20 % more an hour later."""
    plan = Plan(minutes=420, seed=2, changes=(Change(at=390, kind=Changed.ENERGY, factor=1.2),))
    found = list(windows(plan))
    kept, told = tmp_path / "learnt.json", list[Finding]()
    first = Beside(Watcher(QUICK), told.append, kept)
    for window in found[:360]:
        first.put(window)
    first.close()
    assert [state.status for state in first.states] == ["good"]
    second = Beside(Watcher(QUICK), told.append, kept)
    for window in found[360:]:
        second.put(window)
    second.close()
    assert second.trouble == ""
    assert Kind.REGRESSION in [finding.kind for finding in told]


def test_a_broken_file_is_told_and_begun_anew(tmp_path: Path) -> None:
    """Half a file names itself; at the end a whole one is there."""
    kept = tmp_path / "learnt.json"
    kept.write_text('{"version": 1, "fig')
    beside = Beside(Watcher(QUICK), lambda _: None, kept)
    assert "learnt.json" in beside.trouble
    beside.close()
    assert json.loads(kept.read_text()) == {"version": 1, "figures": []}


def test_a_missing_extra_is_told_and_ends_nothing() -> None:
    """The fit cannot be made; windows are looked at all the same."""

    def without(*_: object) -> None:
        raise MissingExtra("fitting a baseline", "detect")

    beside = Beside(Watcher(QUICK, fit=without), lambda _: None)
    for window in windows(Plan(minutes=400, seed=2)):
        beside.put(window)
    beside.close()
    assert "wattmark[detect]" in beside.trouble
    assert beside.states[0].status == "learning"


@pytest.mark.parametrize("broken", [{"version": 2, "figures": []}, {"version": 1}, {"figures": []}])
def test_a_state_of_another_kind_is_refused(broken: dict[str, object]) -> None:
    """Another version, or a part missing."""
    with pytest.raises((KeyError, ValueError)):
        Watcher().restore(broken)


def test_a_history_comes_back_from_json_as_it_was() -> None:
    """Row by row; columns that do not fit each other are refused."""
    history = History()
    for row in steady(5):
        history.append(row)
    found = json.loads(json.dumps(history.as_dict()))
    assert list(History.from_dict(found)) == list(history)
    found["which"].append(0)
    with pytest.raises(ValueError, match="lengths"):
        History.from_dict(found)
