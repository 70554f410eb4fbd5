"""What a gate's candidate is rated with: a score by a rubric, stars by references; both can be done again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from wattmark import tables
from wattmark.bench.bundle.layout import ZIP_SUFFIX
from wattmark.bench.results import LIST_SCHEMA, read_results, result_from, results_text
from wattmark.bench.thresholds_file import SHIPPED, thresholds_from
from wattmark.core.bench.imported import result_of_run
from wattmark.core.bench.result import Result
from wattmark.core.errors import ConfigError, EvidenceError, NotComparable, UsageError
from wattmark.core.facts import Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.rated import NO_BENCHMARK, SCORE, STARS, Rated, names
from wattmark.core.judging import OPPOSITE
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import Policy
from wattmark.core.repeats import Repeat
from wattmark.core.rubric import Rubric, check_rubric
from wattmark.core.score import Score, score_repeats
from wattmark.core.stars.anchored import rate_anchored
from wattmark.core.stars.thresholds import Thresholds
from wattmark.ledger.rubricfile import BUNDLED, rubric_named
from wattmark.wiring.bundles import bundles_in, is_bundle
from wattmark.wiring.decisions import Group
from wattmark.wiring.runs import PREFIX

DEFAULT_RUBRIC = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """By what a candidate is rated, with the content that a replay needs."""

    rubric: Rubric
    thresholds: Thresholds
    thresholds_text: str
    """Of their file, letter by letter."""
    asked: bool = False
    """Whether stars were asked for: then it is told why there are none."""

    @property
    def rubric_text(self) -> str:
        """The rubric as a log keeps it."""
        return json.dumps(msgspec.to_builtins(self.rubric), sort_keys=True, ensure_ascii=False)


def references_for(
    policy: Policy, folder: Path, rubric: str | None = None, thresholds: Path | None = None
) -> References:
    """Those that were asked for, else those of the policy, else those that come with wattmark.

    ``folder`` is that of the policy. Raises UsageError for others than the policy's where it names them, or
    has a limit on what they give: that would be a way around it. ConfigError for files that are wrong.
    """
    about = policy.about
    if rubric is not None and rubric != about.rubric and (about.rubric or names(policy, SCORE)):
        raise UsageError(f"--rubric {rubric}: the policy scores by {about.rubric or DEFAULT_RUBRIC!r}")
    own = folder / about.thresholds if about.thresholds else None
    if thresholds is not None and (own or names(policy, STARS)) and not _same(thresholds, own):
        by = about.thresholds or "those that come with wattmark"
        raise UsageError(f"--thresholds {thresholds.name}: the policy gives stars by {by}")
    named = rubric or about.rubric or DEFAULT_RUBRIC
    if about.rubric and named not in BUNDLED:
        named = str(folder / named)
    text, place = _thresholds_text(thresholds or own)
    return References(
        rubric=rubric_named(named),
        thresholds=thresholds_from(text, place),
        thresholds_text=text.decode(),
        asked=thresholds is not None or own is not None or names(policy, STARS),
    )


def _same(a: Path, b: Path | None) -> bool:
    return b is not None and a.resolve() == b.resolve()


def _thresholds_text(path: Path | None) -> tuple[bytes, str]:
    if path is None:
        return tables.bundled().joinpath(*SHIPPED.split("/")).read_bytes(), f"data/{SHIPPED}"
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}") from None


def references_kept(rubric: bytes, thresholds: bytes, *, asked: bool, place: str) -> References:
    """Those that a log kept. Raises EvidenceError, ConfigError."""
    try:
        found = msgspec.convert(json.loads(rubric), Rubric)
        check_rubric(found, CATALOG)
    except (ValueError, RecursionError, msgspec.ValidationError, UsageError) as error:
        raise EvidenceError(place, f"does not hold a rubric: {error}") from None
    return References(
        rubric=found,
        thresholds=thresholds_from(thresholds, f"{place}: thresholds"),
        thresholds_text=thresholds.decode(),
        asked=asked,
    )


def results_of(group: Group) -> tuple[Result, ...]:
    """The benchmarks that a candidate is: of its bundles, else of its run files.

    Empty where any of it is no benchmark: stars of a part would pass for those of the whole.
    """
    bundles, others = _bundles(group.paths)
    if bundles:
        return () if others else tuple(read_results(bundles))
    found = [result_of_run(run) for run in group.runs]
    alike = {result.id: result for result in found if result is not None}
    return tuple(alike.values()) if None not in found else ()


def _bundles(paths: Sequence[Path]) -> tuple[list[Path], bool]:
    """Bundles among these, and whether there is anything else."""
    found: list[Path] = []
    others = False
    for path in paths:
        if str(path).startswith(PREFIX) or not (path.is_dir() or path.name.endswith(ZIP_SUFFIX)):
            others = True
        elif is_bundle(path):
            found.append(path)
        else:
            inside = bundles_in(path)
            found += inside
            others = others or not inside or any(path.glob("*.json"))
    return found, others


def results_kept(content: bytes, place: str) -> tuple[Result, ...]:
    """Those that a log kept. Raises EvidenceError."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(place, f"is no JSON: {error}") from None
    results = (
        body.get("results", []) if isinstance(body, dict) and body.get("schema") == LIST_SCHEMA else None
    )
    if not isinstance(results, list):
        raise EvidenceError(place, f"is no {LIST_SCHEMA}")
    return tuple(result_from(item, place) for item in results)


def results_content(results: Sequence[Result]) -> str:
    """As a log keeps them; empty for none."""
    return results_text(results) if results else ""


def rated(
    by: References, candidate: Group, baseline: Group | None, results: Sequence[Result], day: str
) -> tuple[Rated, tuple[str, ...]]:
    """What the candidate earns, and what must be said of it: why there is no score, why no stars."""
    scored, score_notes = _scored(by.rubric, candidate, baseline)
    starred, star_notes = _starred(by, results, day)
    return replace(
        scored, stars=starred.stars, unrated=starred.unrated, benchmark=starred.benchmark
    ), (*score_notes, *star_notes)  # fmt: skip


def _scored(rubric: Rubric, candidate: Group, baseline: Group | None) -> tuple[Rated, tuple[str, ...]]:
    if baseline is None:
        return Rated(), ()
    ours, theirs = candidate.repeats, baseline.repeats
    found = _score(rubric, ([r.facts for r in ours], [r.facts for r in theirs]))
    value = found.value if isinstance(found, Score) else found
    if not isinstance(value, Figure):
        return Rated(score=value), (f"no score by rubric {rubric.label}: {_briefly(found)}",)
    return Rated(score=value, ends=_ends(rubric, ours, theirs, value)), ()


def _briefly(found: Score | Missing) -> str:
    """What is missing, each field once: several KPIs of a rubric may lack the same."""
    if isinstance(found, Missing):
        return str(found)
    lacking = [line.ratio for line in found.lines if line.used is None]
    fields = dict.fromkeys(r.field if isinstance(r, Missing) else str(r) for r in lacking)
    return f"missing: {'; '.join(fields)} (`wattmark score` says how to give it)"


def _score(rubric: Rubric, *states: tuple[Sequence[Facts], Sequence[Facts]]) -> Score | Missing:
    """The score in the first state (candidate, baseline); the others tell what gaps can hide."""
    (ours, theirs), *gaps = states
    try:
        return score_repeats(ours, theirs, rubric, CATALOG, gaps=gaps)
    except NotComparable as refusal:
        return Missing("a baseline that it may be compared with", str(refusal))


def _ends(
    rubric: Rubric, ours: Sequence[Repeat], theirs: Sequence[Repeat], score: Figure
) -> tuple[float, float] | None:
    """The widest of the intervals that the gaps of both sides allow."""
    if all(repeat.complete for repeat in (*ours, *theirs)):
        return score.interval
    states = [([after(r) for r in ours], [before(r) for r in theirs]) for after, before in OPPOSITE.items()]
    found = [_score(rubric, state, *(other for other in states if other is not state)) for state in states]
    values = [one.value if isinstance(one, Score) else one for one in found]
    figures = [value for value in values if isinstance(value, Figure)]
    if len(figures) < len(found):
        return None
    return min(f.interval[0] for f in figures), max(f.interval[1] for f in figures)


def _starred(by: References, results: Sequence[Result], day: str) -> tuple[Rated, tuple[str, ...]]:
    """Of several benchmarks the fewest and the most that any of them may have."""
    if not results:
        return Rated(), ((f"no stars: {NO_BENCHMARK}",) if by.asked else ())
    ratings = rate_anchored(results, by.thresholds)
    label = by.thresholds.label
    lacking = [r for r in ratings if r.stars is None]
    if lacking:
        return Rated(unrated=lacking[0].reason, benchmark=True), (f"no stars: {lacking[0].reason}",)
    ends = [r.interval or (r.stars, r.stars) for r in ratings if r.stars is not None]
    stars = min(low for low, _ in ends), max(high for _, high in ends)
    early = f", in force from {by.thresholds.effective} on, not yet then"
    told = f"stars by references {label}{early if by.thresholds.effective > day else ''}"
    return Rated(stars=stars, benchmark=True), (told,)
