"""Calibrations on disk: whole or not there, and only for the machine they were made on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.builders import HOST, a_row, a_run
from tests.calibrations import a_calibration
from wattmark.core.calibration import Point, fit_series
from wattmark.core.errors import EvidenceError
from wattmark.core.known import Boundary, Method
from wattmark.measure import calibrations
from wattmark.measure.home import calibrations_folder

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_a_calibration_comes_back_as_it_was(tmp_path: Path) -> None:
    """Nothing is lost on the way to the disk, of a series neither."""
    points = [Point(readings_watts=r, wall_watts=1.1 * r + 50) for r in (20, 60, 100, 30, 80, 50)]
    for calibration in (
        a_calibration(),
        a_calibration(
            fit=fit_series(points, lag_seconds=1.5, correlation=0.99), checked_at="2026-11-02T00:00:00Z"
        ),
    ):
        path = calibrations.save(tmp_path / "deep" / "er", calibration)
        assert calibrations.read(path) == calibration
        assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_it_is_found_by_the_machines_fingerprint(tmp_path: Path) -> None:
    """The same machine finds it, without a warning."""
    calibrations.save(tmp_path, a_calibration())
    assert calibrations.stored(tmp_path, HOST, NOW) == calibrations.Stored(calibration=a_calibration())


def test_a_machine_that_changed_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Same machine, other hardware or kernel: the calibration no longer holds."""
    calibrations.save(tmp_path, a_calibration())
    found = calibrations.stored(tmp_path, replace(HOST, fingerprint="0" * 16), NOW)
    assert found.calibration is None
    assert "changed" in found.reason


def test_another_machines_calibration_is_refused_with_the_reason() -> None:
    """A file that was copied over does not fit."""
    reason = calibrations.refusal(a_calibration(), replace(HOST, id="other", fingerprint="0" * 16))
    assert reason is not None
    assert "another machine" in reason


def test_a_file_of_another_machine_under_this_ones_name_is_refused(tmp_path: Path) -> None:
    """The name of the file proves nothing."""
    path = calibrations.save(tmp_path, a_calibration(host_id="x", host_fingerprint="0" * 16))
    path.rename(calibrations.file_of(tmp_path, HOST.fingerprint))
    assert "another machine" in calibrations.stored(tmp_path, HOST, NOW).reason


def test_an_old_calibration_is_used_with_a_warning(tmp_path: Path) -> None:
    """After 180 days; a check makes it young again."""
    calibrations.save(tmp_path, a_calibration(created_at="2026-05-01T00:00:00Z"))
    assert "203 days old" in calibrations.stored(tmp_path, HOST, NOW).warning
    calibrations.save(
        tmp_path, a_calibration(created_at="2026-05-01T00:00:00Z", checked_at="2026-11-01T00:00:00Z")
    )
    assert calibrations.stored(tmp_path, HOST, NOW).warning == ""


def test_a_run_is_calibrated_where_a_calibration_is_kept(tmp_path: Path) -> None:
    """A node row is added; without a calibration the run stays as it is."""
    assert calibrations.calibrated(a_run(), tmp_path, NOW) == a_run()
    calibrations.save(tmp_path, a_calibration())
    assert calibrations.calibrated(a_run(), tmp_path, NOW).energies[-1].boundary is Boundary.NODE


def test_a_run_with_other_readings_is_left_alone_and_says_why(tmp_path: Path) -> None:
    """A model in the place of the counter: no node row, but a note."""
    calibrations.save(tmp_path, a_calibration())
    run = calibrations.calibrated(a_run(energies=(a_row(method=Method.MODELLED),)), tmp_path, NOW)
    assert len(run.energies) == 1
    assert "not calibrated" in run.notes[0]


def test_a_drifted_calibration_warns_in_the_run(tmp_path: Path) -> None:
    """The warning is kept with the run."""
    calibrations.save(tmp_path, a_calibration(drifted="30 W more"))
    assert "has drifted (30 W more)" in calibrations.calibrated(a_run(), tmp_path, NOW).notes[0]


def test_a_broken_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """Half a file, another document, a newer one, a missing field: all named."""
    path = calibrations.file_of(tmp_path, HOST.fingerprint)
    document = calibrations.as_document(a_calibration())
    for text in (
        "{",
        "[]",
        json.dumps({**document, "schema": "wattmark.run"}),
        json.dumps({**document, "schema_version": 99}),
        json.dumps({k: v for k, v in document.items() if k != "fit"}),
    ):
        path.write_text(text)
        with pytest.raises(EvidenceError, match=r"calibrate again|upgrade"):
            calibrations.read(path)
    assert "not calibrated" in calibrations.calibrated(a_run(), tmp_path, NOW).notes[0]


def test_a_broken_file_of_another_machine_is_no_business_of_this_one(tmp_path: Path) -> None:
    """Only this machine's own file matters."""
    (tmp_path / "other.json").write_text("{")
    assert "not been calibrated" in calibrations.stored(tmp_path, HOST, NOW).reason


def test_it_can_be_removed_once(tmp_path: Path) -> None:
    """Then there is none."""
    calibrations.save(tmp_path, a_calibration())
    assert calibrations.remove(tmp_path, HOST)
    assert not calibrations.remove(tmp_path, HOST)


@pytest.mark.parametrize(
    ("environ", "where"),
    [
        ({"WATTMARK_HOME": "/w", "XDG_DATA_HOME": "/x"}, "/w/calibrations"),
        ({"XDG_DATA_HOME": "/x"}, "/x/wattmark/calibrations"),
        ({}, "/home/.local/share/wattmark/calibrations"),
    ],
)
def test_where_they_live(environ: dict[str, str], where: str) -> None:
    """Ours first, then the desktop standard's."""
    assert calibrations_folder(environ, Path("/home")).as_posix() == where


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """A value that JSON cannot hold is refused before the old file is touched."""
    path = calibrations.save(tmp_path, a_calibration())
    with pytest.raises(ValueError, match="JSON"):
        calibrations.save(tmp_path, a_calibration(meter_error=float("nan")))
    assert calibrations.read(path) == a_calibration()
    assert len(list(tmp_path.iterdir())) == 1
