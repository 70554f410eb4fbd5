"""A candidate that is its own baseline passes every relative limit: the decision says so."""

from __future__ import annotations

import pytest

from tests.core.decisions import SMALL_CATALOG, a_facts
from wattmark.core.governance.deciding import About, decide
from wattmark.core.governance.decision import Side
from wattmark.core.policy import Limit, Policy
from wattmark.core.repeats import Repeat
from wattmark.core.verdict import gate


def notes(candidate: tuple[str, ...], baseline: tuple[str, ...] | None) -> tuple[str, ...]:
    """What a decision notes about sides with these runs."""
    policy = Policy(limits=(Limit(id="energy", kpi="energy", max=2.0),))
    facts = a_facts(3.6e6)
    repeat = Repeat(facts=facts, least=facts, most=facts, hosts=("h",), tags=({},))
    against = None if baseline is None else Side(name="old", repeats=1, record_ids=baseline)
    about = About(candidate=Side(name="new", repeats=1, record_ids=candidate), baseline=against)
    verdict = gate(policy, [repeat], SMALL_CATALOG, ())
    return decide(policy, verdict, about, SMALL_CATALOG, decided_at="2026-11-22T10:00:00Z").notes


@pytest.mark.parametrize(("baseline", "said"), [(("a", "b"), "2 runs are"), (("b", "c"), "1 run is")])
def test_runs_on_both_sides_are_told(baseline: tuple[str, ...], said: str) -> None:
    """All of them, or one."""
    told = f"{said} candidate and baseline at once: held against itself nothing is worse"
    assert told in notes(("a", "b"), baseline)


@pytest.mark.parametrize("baseline", [("c",), None])
def test_other_runs_are_not(baseline: tuple[str, ...] | None) -> None:
    """Nor is it where nothing is held against."""
    assert not any("at once" in note for note in notes(("a", "b"), baseline))
