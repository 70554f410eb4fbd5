"""Whether the data of a DVC stage is what was measured: evidence held against ``dvc.lock``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.run import Run
from wattmark.core.totals import latest

STAGE_LABEL = "dvc_stage"
"""Label of a run that was measured inside a DVC stage; its value is what DVC calls the stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPath:
    """A dependency or an output of a stage, as it was when the stage last ran."""

    path: str
    md5: str
    """With ``.dir`` after that of a folder."""
    old: bool = False
    """DVC 2 wrote it: line ends of text were changed before hashing, so it compares with no other hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedStage:
    """One stage of ``dvc.lock``."""

    name: str
    deps: tuple[LockedPath, ...] = ()
    outs: tuple[LockedPath, ...] = ()


class Match(StrEnum):
    """How the evidence of a stage stands to its lock."""

    SAME = "same"
    OTHER = "other data"
    """What was measured is not what the stage was locked with."""
    NOT_STATED = "not stated"
    """The run does not say which data it was."""
    OLD_HASH = "old hash"
    """The lock was written by DVC 2."""
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStage:
    """One stage, and what its newest run says."""

    stage: str
    match: Match
    record_id: str = ""
    measured_at: str = ""
    attempts: int = 0
    """Runs of the stage, failed ones among them."""
    path: str = ""
    """Which dependency or output it was."""
    reason: str = ""


def checked(stages: Sequence[LockedStage], runs: Iterable[Run]) -> tuple[CheckedStage, ...]:
    """Hold the newest run of each stage that ended well against what the stage was locked with."""
    by_stage: dict[str, list[Run]] = {}
    for run in latest(runs):
        by_stage.setdefault(stage_of(run), []).append(run)
    return tuple(_checked(stage, by_stage.get(stage.name, [])) for stage in stages)


def stage_of(run: Run) -> str:
    """Name of the stage inside its pipeline; empty where the run is of none."""
    return run.subject.labels.get(STAGE_LABEL, "").rpartition(":")[2]


def _checked(stage: LockedStage, runs: Sequence[Run]) -> CheckedStage:
    good = [run for run in runs if not run.failed]
    if not good:
        why = f"all {len(runs)} attempts failed" if runs else "no run carries its name"
        return CheckedStage(stage=stage.name, match=Match.NOT_MEASURED, attempts=len(runs), reason=why)
    run = good[-1]
    match, path, reason = _held(stage, run)
    return CheckedStage(
        stage=stage.name,
        match=match,
        record_id=run.record_id,
        measured_at=run.started_at,
        attempts=len(runs),
        path=path,
        reason=reason,
    )


def _held(stage: LockedStage, run: Run) -> tuple[Match, str, str]:
    ours = run.dataset.dvc_md5 if run.dataset is not None else None
    if run.dataset is None or ours is None:
        return (
            Match.NOT_STATED,
            "",
            "the run has no DVC hash: measure with --dataset PATH inside the repository",
        )
    locked = (*stage.deps, *stage.outs)
    same = next((item for item in locked if item.md5 == ours and not item.old), None)
    if same is not None:
        return Match.SAME, same.path, ""
    if any(item.old for item in locked):
        return Match.OLD_HASH, "", "dvc.lock has hashes of DVC 2: `dvc repro` with DVC 3 writes new ones"
    has = ", ".join(f"{item.path} {item.md5[:8]}" for item in stage.deps) or "no dependency"
    return Match.OTHER, "", f"measured on {run.dataset.name or 'data'} {ours[:8]}, dvc.lock has {has}"
