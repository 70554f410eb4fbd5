"""Calibrations kept on this machine: one JSON file per host fingerprint, used only where it was made."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wattmark.core.calibrated import apply_to_run
from wattmark.core.calibration import Calibration, Fit, HoldOut, Line, Point
from wattmark.core.errors import EvidenceError, NotComparable, UsageError, without_paths
from wattmark.core.known import Method
from wattmark.core.run import Host, Run

SCHEMA = "wattmark.calibration"
SCHEMA_VERSION = 1
STALE_AFTER = timedelta(days=180)
"""Fans, dust and power supplies age: an older calibration is used with a warning."""
NOT_CALIBRATED = "this machine has not been calibrated"
"""The reason where nobody calibrated it, which is nothing to speak of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is kept for this machine."""

    calibration: Calibration | None
    """None when nothing kept here may be used; the reason says why."""
    reason: str = ""
    warning: str = ""


def file_of(directory: Path, fingerprint: str) -> Path:
    """The file that holds the calibration of one machine."""
    return directory / f"{fingerprint}.json"


def usable(directory: Path) -> None:
    """Make the folder of calibrations. Raises UsageError where nothing can be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        writable = os.access(directory, os.W_OK)
        reason = "Permission denied"
    except OSError as error:
        writable, reason = False, error.strerror or str(error)
    if not writable:
        raise UsageError(
            f"{directory}: no calibration can be kept there: {reason}; name a folder with WATTMARK_HOME"
        )


def save(directory: Path, calibration: Calibration) -> Path:
    """Write a calibration whole or not at all, in the place of an older one of the same machine.

    Raises UsageError where nothing can be written.
    """
    usable(directory)
    target = file_of(directory, calibration.host_fingerprint)
    text = json.dumps(as_document(calibration), indent=1, allow_nan=False)
    handle, part = tempfile.mkstemp(dir=directory, prefix=".part-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
    return target


def stored(directory: Path, host: Host, now: datetime) -> Stored:
    """The calibration of this machine, or why there is none that may be used.

    Raises EvidenceError when its file cannot be read.
    """
    path = file_of(directory, host.fingerprint)
    if path.is_file():
        return _usable(read(path), host, now)
    others = sorted(directory.glob("*.json")) if directory.is_dir() else []
    for other in others:
        try:
            found = read(other)
        except EvidenceError:
            continue  # a broken file of another machine is no business of this one
        if found.host_id == host.id:
            return Stored(calibration=None, reason=refusal(found, host) or "")
    return Stored(calibration=None, reason=NOT_CALIBRATED)


def refusal(calibration: Calibration, host: Host) -> str | None:
    """Why a calibration may not be used on this machine; None when it may."""
    if calibration.host_fingerprint == host.fingerprint:
        return None
    if calibration.host_id == host.id:
        return (
            f"calibration {calibration.id} was made before this machine's hardware or meters changed "
            f"(fingerprint {calibration.host_fingerprint[:12]} then, {host.fingerprint[:12]} now): run "
            "`wattmark calibrate` again"
        )
    return (
        f"calibration {calibration.id} belongs to another machine (fingerprint "
        f"{calibration.host_fingerprint[:12]}, this one is {host.fingerprint[:12]}): "
        "run `wattmark calibrate` here"
    )


def _usable(calibration: Calibration, host: Host, now: datetime) -> Stored:
    if reason := refusal(calibration, host):
        return Stored(calibration=None, reason=reason)
    warnings = []
    age = now - datetime.fromisoformat(calibration.checked_at or calibration.created_at)
    if age > STALE_AFTER:
        warnings.append(
            f"calibration {calibration.id} is {age.days} days old: check it with `wattmark calibrate --check`"
        )
    if calibration.drifted:
        warnings.append(f"calibration {calibration.id} has drifted ({calibration.drifted}): calibrate again")
    return Stored(calibration=calibration, warning="; ".join(warnings))


def calibrated(run: Run, directory: Path, now: datetime) -> Run:
    """The run with this machine's calibration applied; unchanged, with a note, when it may not be.

    Without any calibration the run comes back as it is. Never raises: a measurement must not fail for
    want of a calibration.
    """
    try:
        kept = stored(directory, run.host, now)
        if kept.calibration is None:
            silent = kept.reason == NOT_CALIBRATED
            return run if silent else _noted(run, f"not calibrated: {kept.reason}")
        after = apply_to_run(kept.calibration, run)
    except (EvidenceError, NotComparable, OSError) as error:
        return _noted(run, f"not calibrated: {without_paths(error)}")
    return _noted(after, kept.warning) if kept.warning else after


def _noted(run: Run, note: str) -> Run:
    return replace(run, notes=(*run.notes, note))


def remove(directory: Path, host: Host) -> bool:
    """Delete this machine's calibration; False when there was none."""
    path = file_of(directory, host.fingerprint)
    if not path.is_file():
        return False
    path.unlink()
    return True


def as_document(calibration: Calibration) -> dict[str, Any]:
    """A calibration as JSON-ready values, with its schema in front."""
    return {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(calibration)}


def read(path: Path) -> Calibration:
    """Read one calibration file. Raises EvidenceError, with what to do."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(told, dict) or told.get("schema") != SCHEMA:
            raise EvidenceError(str(path), "is not a calibration: delete it and calibrate again")
        if told["schema_version"] > SCHEMA_VERSION:
            raise EvidenceError(str(path), "was written by a newer wattmark: upgrade, or calibrate again")
        return _from_document(told)
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(
            str(path), f"does not hold a valid calibration ({error}): calibrate again"
        ) from None


def _from_document(told: Mapping[str, Any]) -> Calibration:
    fit = dict(told["fit"])
    fit["line"] = Line(**fit["line"])
    fit["points"] = tuple(Point(**p) for p in fit["points"])
    fit["hold_out"] = HoldOut(**fit["hold_out"]) if fit["hold_out"] else None
    fit["notes"] = tuple(fit["notes"])
    fields = {k: v for k, v in told.items() if k not in ("schema", "schema_version")}
    fields["inputs"] = {device: Method(method) for device, method in fields["inputs"].items()}
    fields["fit"] = Fit(**fit)
    calibration = Calibration(**fields)
    datetime.fromisoformat(calibration.created_at)
    return calibration


def stamp(now: datetime) -> str:
    """A time as it is stored: UTC to the second with a trailing Z."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
