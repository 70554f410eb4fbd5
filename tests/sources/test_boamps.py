"""BoAmps: the report of CodeCarbon 3.3.2, and reports as the schemas of 0.1 and 1.1 describe them."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.text_world import FILES, notes_of, read
from wattmark.core.errors import EvidenceError, WattmarkError
from wattmark.core.given import Given
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.run import Run
from wattmark.core.totals import facts_of
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.testing.source_suite import SourceSuite, SourceWorld

REPORT = FILES / "boamps" / "codecarbon.json"
REPORTED: dict[str, Any] = json.loads(REPORT.read_text())
KWH = 3.6e6


class BoAmpsWorld:
    """A folder of reports; the first has two measures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "reports"
        self.folder.mkdir()
        first = copy.deepcopy(REPORTED)
        first["measures"].append({**first["measures"][0], "measurementMethod": "wattmeter"})
        self.first = self.folder / "first.json"
        self.first.write_text(json.dumps(first, indent=2))
        shutil.copy(REPORT, self.folder / "second.json")
        (self.folder / "second.json").write_text(REPORT.read_text().replace("1627e9df", "2627e9df"))
        self.rows = 3

    @property
    def named(self) -> str:
        return self.first.name if self.first.exists() else self.folder.name

    def open(self) -> Source:
        return open_source("boamps", [str(self.folder)], Asked())

    def grow(self) -> None:
        (self.folder / "third.json").write_text(REPORT.read_text().replace("1627e9df", "3627e9df"))
        self.rows += 1

    def move(self) -> None:
        self.folder = Path(shutil.move(self.folder, self.folder.parent / "elsewhere"))
        self.first = self.folder / "first.json"

    def damage(self) -> str:
        report = json.loads(self.first.read_text())
        report["measures"][0]["powerConsumption"] = "much"
        self.first.write_text(json.dumps(report))
        return f"{self.first.name}:1:$.measures[0]"

    def garble(self) -> None:
        self.first.write_text("<html><body>Not found</body></html>\n")

    def remove(self) -> None:
        shutil.rmtree(self.folder)
        self.first = self.folder / "first.json"


class TestBoAmps(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return BoAmpsWorld(tmp_path)


def written(tmp_path: Path, **changes: Any) -> Path:
    report = copy.deepcopy(REPORTED)
    report.update(changes)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))
    return path


def measure(**changes: Any) -> dict[str, Any]:
    return {
        "measurementMethod": "carbonai",
        "powerConsumption": 0.5,
        "measurementDuration": 3600,
        "measurementDateTime": "2026-11-01 12:00:00",
        **changes,
    }


def run_of(path: Path, **settings: str) -> Run:
    (run,) = (r for p in read("boamps", path, **settings) for r in p.runs)
    return run


def bad_of(path: Path) -> list[str]:
    return [b.reason for p in read("boamps", path) for b in p.bad]


def test_a_report_is_declared() -> None:
    """Energy in kWh, as wrong as its quality says: medium is 25 %."""
    run = run_of(REPORT)
    (row,) = run.energies
    assert row.energy_joules == pytest.approx(1.7336089916970274e-05 * KWH)
    assert (row.method, row.grade, row.boundary) == (Method.DECLARED, Grade.E, Boundary.DEVICE)
    assert list(row.errors.values()) == [0.25]
    assert row.source.version == "codecarbon 3.3.2"
    assert (run.subject.model, run.subject.task, run.subject.stage) == ("example-7b", "chatbot", "inference")
    assert (run.place.country, run.quality[0].value) == ("FRA", 0.9)


def test_codecarbon_states_when_it_stopped() -> None:
    """Its date is the end, others' the start."""
    assert run_of(REPORT).started_at.startswith("2026-11-21T23:43:28.89")


def test_other_tools_state_when_they_began(tmp_path: Path) -> None:
    """In the zone that is named."""
    path = written(tmp_path, measures=[measure()])
    assert run_of(path).started_at == "2026-11-01T12:00:00.000000Z"
    assert run_of(path, time_zone="Europe/Paris").started_at == "2026-11-01T11:00:00.000000Z"


@pytest.mark.parametrize(
    ("unit", "joules"),
    [(None, 0.5 * KWH), ("kWh", 0.5 * KWH), ("Wh", 1800.0), ("MJoule", 5e5), ("kJoule", 500.0)],
)
def test_old_reports_name_a_unit(tmp_path: Path, unit: str | None, joules: float) -> None:
    """Since 1.0 it is kWh."""
    path = written(tmp_path, measures=[measure(unit=unit) if unit else measure()])
    assert run_of(path).energies[0].energy_joules == pytest.approx(joules)


def test_measures_of_one_task_do_not_add(tmp_path: Path) -> None:
    """A meter at the plug saw 1 kWh, a tool 0.5 kWh of it: together 1 kWh, of the whole node."""
    both = [measure(), measure(measurementMethod="Wattmeter", powerConsumption=1.0)]
    run = run_of(written(tmp_path, measures=both))
    assert [r.boundary for r in run.energies] == [Boundary.DEVICE, Boundary.NODE]
    energy = facts_of([run], Given()).energy
    assert energy.value == pytest.approx(KWH)  # type: ignore[union-attr]
    assert energy.terms["boundary"] == "node"  # type: ignore[union-attr]


def test_two_tools_do_not_add_either(tmp_path: Path) -> None:
    """Without a meter, one of them is counted."""
    both = [measure(), measure(measurementMethod="other", powerConsumption=0.4)]
    facts = facts_of([run_of(written(tmp_path, measures=both))], Given())
    assert facts.energy.value in (pytest.approx(0.5 * KWH), pytest.approx(0.4 * KWH))  # type: ignore[union-attr]


def test_tokens_are_taken_where_they_are_clear(tmp_path: Path) -> None:
    """With more than one request nobody knows whether 512 tokens are of one or of all."""
    assert {w.unit for w in run_of(REPORT).work} == {"requests"}
    assert "per request or in all" in notes_of(read("boamps", REPORT))
    task = {**REPORTED["task"], "nbRequest": 1}
    run = run_of(written(tmp_path, task=task))
    assert {w.unit: (w.count, w.declared) for w in run.work} == {
        "requests": (1.0, True),
        "input_tokens": (40.0, True),
        "output_tokens": (512.0, True),
    }


def test_a_corrective_report_supersedes(tmp_path: Path) -> None:
    """The same report id with a later date has the higher seq."""
    later = {**REPORTED["header"], "reportDatetime": "2026-12-01 00:00:00"}
    old, new = run_of(REPORT), run_of(written(tmp_path, header=later))
    assert old.record_id == new.record_id
    assert new.seq > old.seq


@pytest.mark.parametrize(
    "spoilt",
    [
        {"powerConsumption": 0},
        {"powerConsumption": -1},
        {"powerConsumption": None},
        {"unit": "kiloFLOPS"},
        {"measurementDuration": -1},
        {"measurementDuration": 1e30},
        {"measurementDateTime": "yesterday"},
    ],
)
def test_an_impossible_measure_is_bad(tmp_path: Path, spoilt: dict[str, Any]) -> None:
    """The other of the report stays."""
    path = written(tmp_path, measures=[measure(**spoilt), measure()])
    portions = read("boamps", path)
    assert [b.place for p in portions for b in p.bad] == [f"{path}:1:$.measures[0]"]
    assert sum(p.taken for p in portions) == 1


def test_what_is_not_stated_is_said(tmp_path: Path) -> None:
    """No duration, no date, no known country: taken as far as it goes, with a remark each."""
    path = written(
        tmp_path,
        measures=[{"measurementMethod": "x", "powerConsumption": 1}],
        environment={"country": "Atlantis"},
        quality=None,
    )
    said = notes_of(read("boamps", path))
    assert "no measurementDuration" in said
    assert "no measurementDateTime" in said
    assert "'Atlantis' is not known" in said
    assert list(run_of(path).energies[0].errors.values()) == [1.0]
    assert bad_of(written(tmp_path, measures=[{"powerConsumption": 1}], header={})) == [
        "states no measurementDateTime, and the header no reportDatetime"
    ]


def test_another_document_is_refused(tmp_path: Path) -> None:
    """JSON without measures is no report."""
    path = tmp_path / "x.json"
    path.write_text('{"name": "x"}')
    with pytest.raises(EvidenceError, match="has no `measures`"):
        read("boamps", path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["powerConsumption", "unit", "measurementDuration", "measurementDateTime", "measurementMethod"]
PARTS = ["header", "task", "infrastructure", "environment", "quality"]


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON),
    st.dictionaries(st.sampled_from(PARTS), JSON),
)
def test_garbage_is_named_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, spoilt: dict[str, Any], parts: dict[str, Any]
) -> None:
    """Any JSON in a report is a row, a bad row, or an error of ours."""
    path = written(tmp_path_factory.mktemp("boamps"), measures=[measure(**spoilt), measure()], **parts)
    try:
        portions = read("boamps", path)
    except WattmarkError:
        return
    assert sum(p.taken + len(p.bad) + p.ignored for p in portions) == 2
