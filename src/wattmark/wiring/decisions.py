"""What the deciding verbs need: candidates and baselines as repeats, policies and rubrics found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wattmark.config import Config
from wattmark.core.baseline import (
    DEFAULT_NAME,
    Baseline,
    methodology_of_repeats,
    require_unchanged,
    without_plots,
)
from wattmark.core.errors import UsageError
from wattmark.core.given import Given
from wattmark.core.kpis import CATALOG
from wattmark.core.kpis.kpi import Kpi
from wattmark.core.policy import Policy
from wattmark.core.repeats import Repeat, repeats_of
from wattmark.core.run import Run
from wattmark.ledger.baselinefile import evidence_hash, find_baseline, is_baseline_file, read_baseline
from wattmark.ledger.policyfile import POLICY_NAME, find_policy, read_policy
from wattmark.ledger.runfile import SUFFIX, LoadedRun
from wattmark.wiring.given import Stated, given_from
from wattmark.wiring.runs import PREFIX, read_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Runs that are held against others, as repeats, and what to call them."""

    name: str
    repeats: tuple[Repeat, ...]
    runs: tuple[Run, ...]
    remarks: tuple[str, ...] = ()
    """What must be said of them first: a benchmark that is not valid, or was simulated."""
    givens: tuple[Given, ...] = ()
    """What was stated of each repeat, as it was counted with: whoever decides again needs it."""
    as_one: bool = False
    """True when all runs are one solution."""
    kept: str = ""
    """Name of the baseline where it comes from a baseline file."""
    frozen: Baseline | None = None
    """That baseline itself, with who set and approved it."""
    paths: tuple[Path, ...] = ()
    """Where the runs were read from."""

    @property
    def count(self) -> str:
        """How many repeats, in words."""
        return f"{len(self.repeats)} repeats" if len(self.repeats) > 1 else "1 run"


def group_of(paths: Sequence[Path], config: Config, stated: Stated, *, as_one: bool = False) -> Group:
    """Read runs and total each solution under what was stated.

    Raises EvidenceError for a file that cannot be read, UsageError for runs that are no repeats.
    """
    loaded = read_runs(paths)
    runs = tuple(item.run for item in loaded)
    givens: list[Given] = []

    def told(group: Sequence[Run]) -> Given:
        givens.append(given_from(config, stated, group))
        return givens[-1]

    repeats = repeats_of(runs, told, as_one=as_one)
    remarks = tuple(dict.fromkeys(item.remark for item in loaded if item.remark))
    return Group(
        name=_name(loaded, paths),
        repeats=repeats,
        runs=runs,
        remarks=remarks,
        givens=tuple(givens),
        as_one=as_one,
        paths=tuple(paths),
    )


def baseline_group(
    paths: Sequence[Path],
    config: Config,
    stated: Stated,
    kpis: Iterable[Kpi],
    *,
    start: Path,
    name: str | None = None,
    as_one: bool = False,
) -> Group | None:
    """The baseline asked for: runs, a baseline file, or the nearest baseline file; None when there is none.

    A baseline file brings its own frozen factors. Raises NotComparable when its figures would now be
    made on other terms than when it was set.
    """
    paths = list(paths)
    if not paths and (found := find_baseline(start)) is not None:
        paths = [found]
    if not paths:
        if name is not None:
            raise UsageError(f"no baseline file holds {name!r}: keep one with `wattmark baseline set RUN`")
        return None
    if len(paths) == 1 and is_baseline_file(paths[0]):
        kept = read_baseline(paths[0], name or DEFAULT_NAME)
        require_unchanged(kept, kpis)
        counted_with: list[Given] = []
        repeats = kept.repeats(counted_with.append)
        return Group(
            name=kept.name,
            repeats=repeats,
            runs=kept.runs,
            givens=tuple(counted_with),
            as_one=kept.as_one,
            kept=kept.name,
            frozen=kept,
        )
    if name is not None:
        raise UsageError("--name chooses a baseline of a baseline file; these are run files")
    return group_of(paths, config, stated, as_one=as_one)


def new_baseline(
    name: str,
    paths: Sequence[Path],
    config: Config,
    stated: Stated,
    *,
    set_at: str,
    as_one: bool = False,
    say: Callable[[str], None] = lambda remark: None,
) -> Baseline:
    """A baseline of these runs under what is stated now. Raises NotComparable when they differ in terms.

    ``say`` is told what must be known of them first: a benchmark that is not valid, or was simulated.
    """
    loaded = read_runs(paths)
    for item in loaded:
        if item.remark:
            say(item.remark)
    whole = [item.run for item in loaded]
    given = given_from(config, stated, whole)  # with the course of their energy: hours are met by it
    runs = without_plots(whole)
    return Baseline(
        name=name,
        set_at=set_at,
        runs=runs,
        given=given,
        as_one=as_one,
        terms=methodology_of_repeats(repeats_of(runs, given, as_one=as_one), CATALOG.values()),
        evidence_sha256=evidence_hash(runs),
    )


def policy_for(path: Path | None, start: Path) -> Policy:
    """The policy named, or the nearest one. Raises UsageError when there is none."""
    return read_policy(policy_file(path, start))


def policy_file(path: Path | None, start: Path) -> Path:
    """The policy file named, or the nearest one. Raises UsageError when there is none."""
    found = path or find_policy(start)
    if found is None:
        raise UsageError(
            f"there is no {POLICY_NAME} here or above: `wattmark init` writes one, or name it with --policy"
        )
    return found


def expand(argument: str) -> list[Path]:
    """One group of runs from one word: a file, a folder, a pattern, or several of them with commas.

    ``ledger:KEY=VALUE,KEY=VALUE`` is one group. Raises UsageError for a pattern that matches nothing.
    """
    if argument.startswith(PREFIX):
        return [Path(argument)]
    found: list[Path] = []
    for word in filter(None, argument.split(",")):
        path = Path(word)
        if path.exists() or not any(c in word for c in "*?["):
            found.append(path)
            continue
        anchor = Path(path.anchor) if path.is_absolute() else Path()
        pattern = str(path.relative_to(anchor)) if path.is_absolute() else word
        matches = sorted(anchor.glob(pattern))
        if not matches:
            raise UsageError(f"{word!r} matches no file")
        found.extend(matches)
    if not found:
        raise UsageError("a group of runs is empty: name a file, a folder or a pattern")
    return found


def _name(loaded: Sequence[LoadedRun], paths: Sequence[Path]) -> str:
    """The model and version when all runs agree on it, else the file or folder."""
    models = {(item.run.subject.model, item.run.subject.model_version) for item in loaded}
    if len(models) == 1:
        said = " ".join(filter(None, models.pop()))
        if said:
            return said
    first = paths[0].name.removesuffix(SUFFIX) or str(paths[0])
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
