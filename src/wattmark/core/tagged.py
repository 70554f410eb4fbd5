"""How well a ledger's energy is tagged: what is missing or unknown, by the energy behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wattmark.core.listed import SubjectUse
from wattmark.core.tags import LABEL, Fault, TagRules

USUAL = ("team", "project", "model", "stage")
"""Tags that are told about where the rules require none."""


@dataclass(frozen=True, slots=True)
class TagLine:
    """One fault, and everything that has it."""

    fault: Fault
    energy_uj: int
    runs: int
    quarantined: int
    """Runs that are not counted for it."""
    seen_with: tuple[str, ...] = ()
    """What else those with most of the energy say, to find them by: ``project=ranker``."""


@dataclass(frozen=True, slots=True)
class Stated:
    """How much of the energy states a tag."""

    tag: str
    energy_uj: int
    of_uj: int


def tag_lines(rules: TagRules, uses: Iterable[SubjectUse]) -> tuple[TagLine, ...]:
    """Each fault once, the one with the most energy behind it first."""
    found: dict[tuple[str, str, str], list[tuple[Fault, SubjectUse]]] = {}
    for use in uses:
        for fault in rules.faults(use.subject):
            found.setdefault((fault.tag, fault.value, fault.owner), []).append((fault, use))
    lines = [_line(some) for some in found.values()]
    return tuple(
        sorted(lines, key=lambda one: (-one.energy_uj, one.fault.tag, one.fault.value, one.fault.owner))
    )


def stated(rules: TagRules, uses: Sequence[SubjectUse]) -> tuple[Stated, ...]:
    """For each required tag (or the usual ones), how much energy states it."""
    whole = sum(use.energy_uj for use in uses)
    return tuple(
        Stated(tag, sum(use.energy_uj for use in uses if _says(use, tag)), whole)
        for tag in dict.fromkeys(rules.required or USUAL)
    )


def _line(some: Sequence[tuple[Fault, SubjectUse]]) -> TagLine:
    most = max((use for _, use in some), key=lambda use: use.energy_uj)
    others = [f"{tag}={_says(most, tag)}" for tag in USUAL if tag != some[0][0].tag and _says(most, tag)]
    labels = [f"{LABEL}{key}={value}" for key, value in sorted(most.subject.labels.items()) if value]
    return TagLine(
        some[0][0],
        sum(use.energy_uj for _, use in some),
        sum(use.runs for _, use in some),
        sum(use.quarantined for _, use in some),
        tuple((others or labels)[:3]),
    )


def _says(use: SubjectUse, tag: str) -> str:
    if tag.startswith(LABEL):
        return use.subject.labels.get(tag.removeprefix(LABEL), "")
    return getattr(use.subject, tag) or ""
