"""A gate with everything around it: policy, runs, baseline, waivers, budgets, score, audit log."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wattmark.config import Config
from wattmark.core.baseline import without_plots
from wattmark.core.bench.result import Result
from wattmark.core.compare import over_repeats
from wattmark.core.errors import UsageError
from wattmark.core.governance.budget import BudgetStanding
from wattmark.core.governance.deciding import About, decide
from wattmark.core.governance.decision import Decision, Side
from wattmark.core.governance.level import Level
from wattmark.core.governance.rated import RATINGS, SCORE, STARS, gate_rated, names
from wattmark.core.governance.showing import shown_answer, shown_figures
from wattmark.core.governance.waiver import JudgedWaiver
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import Policy
from wattmark.core.repeats import Repeat
from wattmark.core.verdict import Finding, Ruling, Verdict
from wattmark.fields import text_of
from wattmark.ledger.baselinefile import evidence_hash
from wattmark.ledger.policyfile import find_policy, parse_policy
from wattmark.wiring.actors import actor_of
from wattmark.wiring.baseline_approval import baseline_doubt
from wattmark.wiring.budget_waived import waived_records
from wattmark.wiring.budgets import courses_of
from wattmark.wiring.decisions import Group, baseline_group, policy_file
from wattmark.wiring.gate_log import GateEvidence, logged
from wattmark.wiring.given import Stated
from wattmark.wiring.rating import References, rated, references_for, results_content, results_of
from wattmark.wiring.waivers import waiver_file, waivers_of

TOLD_TIME = "told_time"
"""In what the log keeps that a gate was told: whether it was told what time it is."""
TOLD = "judged as of a time that was stated (--now), which is not the clock's"
FIRST_YEAR, LAST_YEAR = 1970, 9998
"""The calendar must have a year before it and one after it."""
ASIDE = timedelta(hours=1)
"""So far from the clock a time was stated on purpose, whatever is said."""
AT_ONCE = timedelta(minutes=1)
"""A time that was stated may be so far from the clock and still be the clock's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHere:
    """A policy with the file that it was read from."""

    policy: Policy
    text: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a gate finds around it."""

    config: Config
    stated: Stated
    here: Path
    """Working folder."""
    now: datetime
    """With a time zone."""
    stated_now: bool = False
    """Whether somebody stated it."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    log: str | None = None
    """Audit log that was asked for; None: the policy's."""
    unlogged: bool = False
    """Whether nothing is to be logged."""
    actor: str | None = None
    say: Callable[[str], None] = lambda remark: None
    rubric: str | None = None
    """What the score is to be made by; None: the policy's."""
    thresholds: Path | None = None
    """What stars are to be given by; None: the policy's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """What a gate came to, and by what. It can be asked what a verdict can be asked."""

    verdict: Verdict
    """What the evidence says of each limit."""
    decision: Decision
    """What comes of it: with waivers, budgets, dates."""
    candidate: Group
    baseline: Group | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of each limit."""
        return self.verdict.findings

    @property
    def ruling(self) -> Ruling:
        """Of the verdict, before waivers and budgets."""
        return self.verdict.ruling

    @property
    def policy(self) -> str:
        """Which policy."""
        return self.verdict.policy

    @property
    def exit_code(self) -> int:
        """0 pass, 1 violation, 3 not enough evidence, after waivers and budgets."""
        return self.decision.exit_code


def policy_here(path: Path | None, start: Path) -> PolicyHere:
    """The policy named, or the nearest one. Raises UsageError when there is none; ConfigError."""
    found = policy_file(path, start)
    text = text_of(found)
    policy, name = parse_policy(text, str(found)), told_path(found, start)
    budgets = tuple(replace(budget, file=name) for budget in policy.budgets)
    return PolicyHere(policy=replace(policy, name=name, budgets=budgets), text=text, folder=found.parent)


def set_aside(rules: PolicyHere, start: Path) -> str:
    """What to say where a policy further up does not apply, because the one found is nearer; else empty.

    Whoever may write into a folder may put a laxer policy there.
    """
    folder = Path(os.path.abspath(rules.folder))
    above = find_policy(folder.parent) if folder.parent != folder else None
    if above is None:
        return ""
    return (
        f"{told_path(folder / rules.policy.name, start)} is the nearest policy: "
        f"{os.path.relpath(above, start)} further up does not apply (--policy names one)"
    )


def told_path(path: Path, start: Path) -> str:
    """A path as it may be told: relative to the working folder, else the name alone."""
    whole = Path(os.path.abspath(path))
    return whole.relative_to(start).as_posix() if whole.is_relative_to(start) else path.name


def moment(text: str | None) -> datetime:
    """When it is: as asked (ISO 8601; without an offset it is UTC), else now. Raises UsageError."""
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r:.40} is no time: write 2026-11-20T09:30:00Z") from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise UsageError(f"{text!r:.40} is no time that counts: give a year from {FIRST_YEAR} to {LAST_YEAR}")
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def held_against(
    rules: PolicyHere,
    around: Surroundings,
    paths: Sequence[Path] = (),
    name: str | None = None,
    *,
    as_one: bool = False,
) -> Group | None:
    """The baseline asked for, else the nearest where limits or a score need one; None when there is none.

    Raises NotComparable, UsageError, ConfigError, EvidenceError as ``baseline_group`` does.
    """
    policy = rules.policy
    used = [CATALOG[limit.kpi] for limit in policy.limits if limit.relative]
    if paths or around.rubric or policy.about.rubric or names(policy, SCORE):
        by = references_for(policy, rules.folder, around.rubric, around.thresholds)
        used += [CATALOG[item.kpi] for item in by.rubric.kpis]
    if not used:
        return None
    return baseline_group(
        paths, around.config, around.stated, used, start=around.here, name=name, as_one=as_one and bool(paths)
    )


def govern(rules: PolicyHere, candidate: Group, baseline: Group | None, around: Surroundings) -> Gated:
    """Judge, decide and log. Raises UsageError, ConfigError, EvidenceError, LedgerError."""
    policy = rules.policy
    if around.unlogged and policy.audit.required:
        raise UsageError("the policy requires an audit log ([audit] required): leave --no-log out")
    waivers = _told(waivers_of(policy, rules.folder, around.now.date()), around.here)
    standings: tuple[BudgetStanding, ...] = ()
    if policy.budgets:
        courses = courses_of(
            policy, around.config, around.stated, candidate.runs, around.now,
            here=around.here, environ=around.environ, say=around.say,
            waived=waived_records(policy, rules.folder, around.log, around.environ),
            as_one=candidate.as_one,
        )  # fmt: skip
        standings = tuple(course.standing for course in courses)
    doubt = baseline_doubt(policy, rules.folder, baseline, around.now.date())
    told = abs(around.now - datetime.now(UTC)) > (AT_ONCE if around.stated_now else ASIDE)
    by = references_for(policy, rules.folder, around.rubric, around.thresholds)
    results = results_of(candidate)
    found = decided(
        policy, candidate, baseline, by=by, results=results,
        at=around.now, waivers=waivers, standings=standings, baseline_doubt=doubt, told_time=told,
    )  # fmt: skip
    if around.unlogged:
        return found
    evidence = GateEvidence(
        policy=policy,
        policy_text=rules.text,
        candidate=candidate,
        baseline=baseline,
        judged=waivers,
        waivers_text=_waivers_text(policy, rules.folder),
        standings=standings,
        rated_by={
            "rubric": by.rubric_text,
            "thresholds": by.thresholds_text,
            "results": results_content(results),
        },
        options={
            "rubric": by.rubric.label,
            **({STARS: "asked"} if by.asked else {}),
            **({"baseline_doubt": doubt} if doubt else {}),
            **({TOLD_TIME: "yes"} if told else {}),
        },
    )
    actor = actor_of(policy.identity, rules.folder, around.environ, around.actor, datetime.now(UTC))
    kept = logged(
        found.decision, evidence, folder=rules.folder, actor=actor, asked=around.log, environ=around.environ
    )
    return replace(found, decision=kept)


def _told(waivers: Sequence[JudgedWaiver], here: Path) -> tuple[JudgedWaiver, ...]:
    """Waivers with the paths of their files as they may be told: decisions and logs go far."""
    return tuple(
        replace(one, waiver=replace(one.waiver, file=told_path(Path(one.waiver.file), here)))
        for one in waivers
    )


def decided(
    policy: Policy,
    candidate: Group,
    baseline: Group | None,
    *,
    at: datetime,
    by: References,
    results: Sequence[Result] = (),
    waivers: Sequence[JudgedWaiver] = (),
    standings: Sequence[BudgetStanding] = (),
    baseline_doubt: str = "",
    told_time: bool = False,
) -> Gated:
    """Judge and decide, from what is at hand. The same arguments give the same decision."""
    earned, rating_notes = rated(by, candidate, baseline, results, f"{at:%Y-%m-%d}")
    against = baseline.repeats if baseline else ()
    verdict = gate_rated(policy, candidate.repeats, CATALOG, against, earned)
    answers = {
        kpi.id: over_repeats([kpi.answer(r.facts) for r in candidate.repeats], "candidate")
        for kpi in CATALOG.values()
    }
    about = About(
        candidate=side_of(candidate),
        baseline=side_of(baseline) if baseline else None,
        figures=shown_figures(answers),
        notes=(
            *candidate.remarks,
            *([TOLD] if told_time else []),
            *rating_notes,
            *_mixed(candidate, "candidate"),
            *(_mixed(baseline, "baseline") if baseline else ()),
            *_counted_with(policy, candidate),
        ),
        score=(score := shown_answer(earned.score, earned.ends)),
        rubric=by.rubric.label if score is not None else "",
        stars=earned.stars_shown,
    )
    decision = decide(
        policy,
        verdict,
        about,
        {**CATALOG, **RATINGS},
        decided_at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        waivers=waivers,
        budgets=standings,
        baseline_doubt=baseline_doubt,
    )
    return Gated(verdict=verdict, decision=decision, candidate=candidate, baseline=baseline)


def _mixed(group: Group, what: str) -> list[str]:
    """That repeats are of several models or versions: what they come to together is that of none of them."""
    told = (
        frozenset(" ".join(filter(None, map(tags.get, ("model", "model_version")))) for tags in repeat.tags)
        for repeat in group.repeats
    )
    kinds = sorted({" + ".join(sorted(filter(None, names))) for names in told} - {""})
    if len(kinds) < 2:
        return []
    return [
        f"the {what}'s repeats are of several models ({', '.join(kinds)}) and judged as those of one: "
        "gate each by itself"
    ]


def _counted_with(policy: Policy, candidate: Group) -> list[str]:
    """What limits on carbon rest on beside the evidence: whoever states the grid chooses what comes of it."""
    from wattmark.reports.as_text import stated_text

    judged = (limit for limit in policy.limits if limit.level is not Level.OFF and not limit.relative)
    if not any("CO2e" in CATALOG[limit.kpi].unit for limit in judged if limit.kpi in CATALOG):
        return []
    told = (stated_text(repeat.facts).partition("\n")[0] for repeat in candidate.repeats)
    said = dict.fromkeys(" ".join(line.removeprefix("counted with").split()) for line in told if line)
    return [f"carbon is counted with {'; '.join(said)}"] if said else []


def side_of(group: Group) -> Side:
    """A group of runs as a decision tells it."""
    return Side(
        name=group.name,
        repeats=len(group.repeats),
        record_ids=tuple(run.record_id for run in group.runs),
        evidence_sha256=evidence_hash(without_plots(group.runs)),  # as a baseline of them would have it
        tags=shared_tags(group.repeats),
    )


def shared_tags(repeats: Sequence[Repeat]) -> dict[str, str]:
    """The tags that all runs state alike."""
    every = [tags for repeat in repeats for tags in repeat.tags]
    first = every[0] if every else {}
    return {tag: value for tag, value in first.items() if all(tags.get(tag) == value for tags in every)}


def _waivers_text(policy: Policy, folder: Path) -> str:
    path = waiver_file(policy, folder)
    return text_of(path) if path.is_file() else ""
