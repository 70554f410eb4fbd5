"""Deciding a logged gate again from what the log kept, and holding both decisions against each other."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, WattmarkError
from wattmark.core.given import Given
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.decision import Decision
from wattmark.core.governance.rated import STARS
from wattmark.core.governance.waiver import JudgedWaiver
from wattmark.core.governance.waivers import digest, judged
from wattmark.core.policy import Policy
from wattmark.core.repeats import repeats_of
from wattmark.core.run import Run
from wattmark.hashing import sha256
from wattmark.ledger.auditlog import DIGESTS, AuditLog
from wattmark.ledger.decisionfile import parse_decision
from wattmark.ledger.policyfile import parse_policy
from wattmark.ledger.replayfile import Told, decoded, decoded_side, run_content, run_kept
from wattmark.ledger.waiverfile import WaiverFile, parse_waivers
from wattmark.reports.decision_json import decision_json
from wattmark.version import __version__
from wattmark.wiring.auditing import TRIED
from wattmark.wiring.decisions import Group
from wattmark.wiring.governing import TOLD_TIME, decided, moment
from wattmark.wiring.rating import references_kept, results_kept
from wattmark.wiring.runs import read_runs
from wattmark.wiring.waivers import digests_of

LATER = ("audit_head", "audit_seq")
"""What a decision is told only after it was logged."""
CLOSE = 1e-9
"""Figures that differ by less, as a share, are the same: other processors round the last digit otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that came out otherwise."""

    field: str
    logged: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One gate that was decided again."""

    entry: Entry
    differences: tuple[Difference, ...] = ()
    problem: str = ""
    """Why it could not be decided again; empty: it was."""
    notes: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """True when every field came out as it was logged."""
        return not self.problem and not self.differences


def gates(log: AuditLog, seqs: Sequence[int] = ()) -> Iterator[Entry]:
    """The gates that were logged: all, or those asked for. Raises EvidenceError for one that was altered."""
    for seq in seqs or log.numbers():
        entry = log.entry(seq)
        if entry.action is Action.GATE_EVALUATED:
            yield entry
        elif seqs:
            raise EvidenceError(f"entry {seq}", f"is no gate that could be decided again: {entry.action}")


def runs_by_hash(paths: Sequence[Path]) -> dict[str, Run]:
    """Runs as a log would keep them, by that content's SHA-256: for logs that keep hashes only."""
    return {sha256(run_content(loaded.run)).hexdigest(): loaded.run for loaded in read_runs(paths)}


def replayed(log: AuditLog, entry: Entry, runs: Mapping[str, Run]) -> Replayed:
    """Decide a gate again, with the code that gates use, as of the moment it was decided.

    ``runs``: by SHA-256, where the log keeps none. What lacks or was altered is a problem, not a difference.
    """
    try:
        then = parse_decision(_object(log, entry, "decision"), f"entry {entry.seq}")
        policy = parse_policy(_object(log, entry, "policy").decode("utf-8", "replace"), then.policy.file)
        told = decoded(_object(log, entry, "given"), f"entry {entry.seq}")
        now = _again(log, entry, then, policy, told, runs)
        waivers = list(_waiver_differences(log, entry, then, policy, told))
    except WattmarkError as error:
        return Replayed(entry=entry, problem=str(error))
    other = told.wattmark != __version__
    notes = (f"decided by wattmark {told.wattmark}, and again by {__version__}",) if other else ()
    found = [*_differences(_plain(then), _plain(now)), *_entry_differences(entry, then), *waivers]
    return Replayed(entry=entry, differences=tuple(found), notes=notes)


def _again(
    log: AuditLog, entry: Entry, then: Decision, policy: Policy, told: Told, runs: Mapping[str, Run]
) -> Decision:
    place = f"entry {entry.seq}"
    gated = decided(
        policy,
        _group(log, entry, "candidate", runs),
        _group(log, entry, "baseline", runs) if "baseline" in entry.objects else None,
        at=moment(then.decided_at),
        waivers=told.judged,
        standings=told.standings,
        by=references_kept(
            _object(log, entry, "rubric"),
            _object(log, entry, "thresholds"),
            asked=STARS in told.options,
            place=place,
        ),
        results=results_kept(_object(log, entry, "results"), place) if "results" in entry.objects else (),
        baseline_doubt=told.options.get("baseline_doubt", ""),
        told_time=TOLD_TIME in told.options,
    )
    said = told.options.get(TRIED)
    decision = gated.decision
    return replace(decision, notes=(*decision.notes, said)) if said else decision


def _group(log: AuditLog, entry: Entry, role: str, runs: Mapping[str, Run]) -> Group:
    place = f"entry {entry.seq}: its {role}"
    side = decoded_side(_object(log, entry, role), place)
    found = tuple(_run(log, entry, digest, runs) for digest in side.runs)
    givens = iter(side.givens)

    def told(_group: Sequence[Run]) -> Given:
        given = next(givens, None)
        if given is None:
            raise EvidenceError(place, "was stated of fewer repeats than there are")
        return given

    return Group(
        name=side.name,
        repeats=repeats_of(found, told, as_one=side.as_one),
        runs=found,
        remarks=side.remarks,
        givens=side.givens,
        as_one=side.as_one,
        kept=side.kept,
    )


def _run(log: AuditLog, entry: Entry, digest: str, runs: Mapping[str, Run]) -> Run:
    if digest in runs:
        return runs[digest]
    if entry.detail.get("keep") != DIGESTS:
        return run_kept(log.kept(digest), f"entry {entry.seq}: run {digest[:12]}")
    ids = [role for role, kept in entry.objects.items() if kept == digest]
    raise EvidenceError(
        f"entry {entry.seq}",
        f"the log keeps only the hash of {ids[0] if ids else 'a run'} ({digest[:12]}), which no run that was "
        "given has: name the folder that holds it with --runs",
    )


def _object(log: AuditLog, entry: Entry, role: str) -> bytes:
    if role not in entry.objects:
        raise EvidenceError(f"entry {entry.seq}", f"names no {role}")
    return log.kept(entry.objects[role])


def _plain(decision: Decision) -> dict[str, Any]:
    """Every field by its path."""
    whole = json.loads(decision_json(decision))
    return {path: value for path, value in _flat("", whole) if path not in LATER}


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, list):
        ids = [inner.get("id") if isinstance(inner, dict) else None for inner in value]
        for index, (inner, name) in enumerate(zip(value, ids, strict=True)):
            named = index if name is None or ids.count(name) > 1 else name
            yield from _flat(f"{path}[{named}]", inner)
    else:
        yield path, value


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for path in dict.fromkeys((*then, *now)):
        before, after = then.get(path), now.get(path)
        if not _equal(before, after):
            yield Difference(field=path, logged=_word(before), now=_word(after))


def _equal(before: Any, after: Any) -> bool:
    if isinstance(before, float) and isinstance(after, (int, float)):
        return math.isclose(before, after, rel_tol=CLOSE)
    return bool(before == after)


def _word(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _entry_differences(entry: Entry, then: Decision) -> Iterator[Difference]:
    """What the entry says of the decision, against the decision that it kept."""
    for field, logged, kept in (
        ("entry: standing", entry.decision, then.standing.value),
        ("entry: exit code", entry.detail.get("exit_code", ""), str(then.exit_code)),
        ("entry: policy", entry.policy_digest, then.policy.digest),
    ):
        if logged != kept:
            yield Difference(field=field, logged=logged, now=kept)


def _waiver_differences(
    log: AuditLog, entry: Entry, then: Decision, policy: Policy, told: Told
) -> Iterator[Difference]:
    """Waivers as a gate was told of them, against the waiver file that was kept and judged again on that day.

    Who is behind a name is taken from what was kept; who is named, and what follows, is not.
    """
    text = log.kept(entry.objects["waivers"]).decode("utf-8", "replace") if "waivers" in entry.objects else ""
    file = parse_waivers(text, f"entry {entry.seq}: its waivers")
    contents = {waiver.id: digest(waiver) for waiver in file.waivers}
    again = judged(
        [one.waiver for one in told.judged],
        policy.waivers,
        policy.identity,
        digests_of(policy),
        moment(then.decided_at).date(),
        policy=policy.about.id,
    )
    for one, now in zip(told.judged, again, strict=True):
        name = f"waiver {one.waiver.id}"
        for field, logged, found in (
            ("state", one.state.value, now.state.value),
            ("content", one.digest, contents.get(one.waiver.id, "not in the waiver file")),
            ("content as judged", one.digest, now.digest),
        ):
            if logged != found:
                yield Difference(field=f"{name}: {field}", logged=logged, now=found)
        for approval in _unwritten(one, file):
            yield Difference(field=f"{name}: approval", logged=approval, now="not in the waiver file")


def _unwritten(one: JudgedWaiver, file: WaiverFile) -> list[str]:
    """Whose approvals a waiver was judged by, and the file does not hold."""
    held = {(deed.waiver, deed.digest, deed.by, deed.role, deed.at) for deed in file.approvals}
    return [
        str(approval.by)
        for approval in one.waiver.approvals
        if (one.waiver.id, approval.digest, approval.by.name, approval.role, approval.at) not in held
    ]
