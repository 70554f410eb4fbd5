"""What digests are made of, wherever the figures come from: a ledger or run files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Protocol

from wattmark.core.facts import Answer
from wattmark.core.governance.agenda import Agenda, Decided
from wattmark.core.governance.budget import BudgetStanding
from wattmark.core.governance.digest import Change, Digest, Used, change_between
from wattmark.core.governance.periods import Period
from wattmark.core.governance.scope import Applies
from wattmark.core.governance.waiver import JudgedWaiver

MOST_PARTS = 10
"""Models, or teams, that are told one by one."""


class Lookback(Protocol):
    """What was used, asked period by period."""

    @property
    def zone(self) -> tzinfo:
        """Of its calendar."""

    def teams(self, period: Period) -> tuple[str, ...]:
        """Teams that used something in a period."""

    def digest(self, team: str, period: Period, at: str, agenda: Agenda | str) -> Digest:
        """One period of a team, or of everybody."""


def used_of(name: str, now: tuple[Answer, Answer], then: tuple[Answer, Answer] | None) -> Used:
    """Energy and carbon beside those of the period before; ``then`` is None where nothing was seen in it."""
    energy, carbon = now
    changes = (Change(refused="nothing was seen in the period before"),) * 2
    if then is not None:
        changes = change_between(energy, then[0]), change_between(carbon, then[1])
    return Used(name=name, energy=energy, carbon=carbon, energy_change=changes[0], carbon_change=changes[1])


def with_agenda(digest: Digest, agenda: Agenda | str) -> Digest:
    """The same with what the board's agenda holds of this team, or why there is none."""
    if isinstance(agenda, str):
        return replace(digest, absent={"budgets, waivers and decisions": agenda})
    team = digest.team
    first, after = (f"{m:%Y-%m-%dT%H:%M:%SZ}" if m else "" for m in (digest.period.start, digest.period.end))
    decided = [d for d in agenda.decided or () if first <= d.entry.at < after and _of_team(d, team)]
    return replace(
        digest,
        budgets=tuple(c.standing for c in agenda.budgets or () if _draws(c.standing, team)),
        decided=tuple(decided),
        waivers=tuple(w for w in agenda.waivers or () if _waives(w, team)),
        gaps=() if team else agenda.gaps or (),
        absent={name: why for name, why in agenda.absent.items() if name != "trends"},
    )


def _of_team(decided: Decided, team: str) -> bool:
    """What was decided of nobody's model is told to everybody, and to no team."""
    if not team:
        return True
    return decided.decision is not None and decided.decision.candidate.tags.get("team") == team


def _draws(standing: BudgetStanding, team: str) -> bool:
    if not team:
        return True
    tags = {"team": team}
    kept = dict(standing.key).get("team")
    return kept == team if kept is not None else standing.budget.scope.of(tags) is not Applies.NO


def _waives(judged: JudgedWaiver, team: str) -> bool:
    return not team or judged.waiver.scope.of({"team": team}) is not Applies.NO


def teams_wanted(weeks: Lookback, period: Period, asked: str | None, every: bool) -> Sequence[str]:
    """Whose digests are meant: one team's, every team's, or everybody's in one."""
    if every:
        return weeks.teams(period)
    return (asked or "",)
