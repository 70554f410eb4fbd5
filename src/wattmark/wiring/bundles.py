"""Bundles of benchmarks as the runs of their repeats, so that whatever takes runs takes them too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from wattmark.bench.bundle.layout import MANIFEST, OPEN, SUFFIX, ZIP_SUFFIX
from wattmark.bench.bundle.read import load_bundle, working_out
from wattmark.bench.bundle.sound import laxer
from wattmark.core.bench.as_run import runs_of
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.labels import REPEAT_LABEL
from wattmark.core.bench.lines import NOT_MEASURED
from wattmark.core.bench.result import Result
from wattmark.core.bench.validity import Status
from wattmark.core.errors import EvidenceError
from wattmark.core.run import Run
from wattmark.ledger.runfile import LoadedRun, run_from


def is_bundle(path: Path) -> bool:
    """Whether this is a bundle, or was meant to be one: a folder or a zip file."""
    if path.is_dir():
        return path.suffix == SUFFIX or (path / MANIFEST).is_file()
    return path.suffix.lower() == ".zip"


def bundles_in(folder: Path) -> list[Path]:
    """The bundles that lie in a folder, by name; a benchmark that is not finished is none yet."""
    inside = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".")]
    return [
        p
        for p in inside
        if (p.is_dir() and is_bundle(p) and not _goes_on(p)) or (p.is_file() and p.name.endswith(ZIP_SUFFIX))
    ]


def read_bundle_runs(path: Path) -> Iterator[LoadedRun]:
    """A run for each repeat that is rated, worked out again from what was seen.

    Raises EvidenceError for a bundle that is not as its manifest lists it, that asks less of itself than its
    profile does, or in which nothing was repeated.
    """
    bundle = load_bundle(path)
    if problem := laxer(bundle.evidence):
        raise EvidenceError(str(path), problem)
    with working_out(str(path)):
        remark = remark_of(result_of(bundle.evidence))
        runs = runs_of(bundle.evidence)
    if not runs:
        raise EvidenceError(str(path), "holds no repeat of its measurement: it ended before the first began")
    for run in runs:
        noted = replace(run, notes=tuple(dict.fromkeys((*run.notes, *filter(None, (remark,))))))
        said = remark and f"{path}: {remark}"
        as_file = run_from(msgspec.json.encode(noted), str(path))  # 20 inferences become 20.0, as in a file
        yield LoadedRun(path, as_file, bundle.manifest_sha256, _part(run), said)


def remark_of(result: Result) -> str:
    """What must be said of a benchmark that is not valid; empty for one that is, or is provisional."""
    reasons = [r for r in result.validity.reasons if r.status is Status.INVALID]
    if any(r.code == "simulated" for r in reasons):
        return NOT_MEASURED
    if not reasons:
        return ""
    codes = ", ".join(dict.fromkeys(r.code for r in reasons))
    return f"not valid as a benchmark ({codes}): `wattmark bench show` gives the reasons"


def _part(run: Run) -> str:
    number = run.subject.labels.get(REPEAT_LABEL)
    return "" if number is None else f"repeat {int(number) + 1}"


def _goes_on(folder: Path) -> bool:
    return (folder / OPEN).is_dir() and not (folder / MANIFEST).is_file()
