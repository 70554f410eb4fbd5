"""Faults of tags by the energy behind them."""

from __future__ import annotations

from wattmark.core.listed import SubjectUse, some
from wattmark.core.run import Subject
from wattmark.core.tagged import Stated, stated, tag_lines
from wattmark.core.tags import TagMode, TagRules

RULES = TagRules(
    required=("team", "label.tier"),
    allowed={"team": ("search", "ads")},
    owners={"project=ranker": "ranker leads"},
    mode=TagMode.QUARANTINE,
)
USES = (
    SubjectUse(Subject(team="search", labels={"tier": "gold"}), 50, 5, 0),
    SubjectUse(Subject(team="serch", model="m", labels={"tier": "gold"}), 30, 3, 3),
    SubjectUse(Subject(team="serch", labels={"tier": "gold"}), 10, 1, 1),
    SubjectUse(Subject(project="ranker", stage="training", labels={"tier": "gold"}), 8, 2, 2),
    SubjectUse(Subject(labels={"branch": "main", "empty": ""}), 2, 1, 1),
)


def test_each_fault_is_told_once_the_most_energy_first() -> None:
    """Two subjects of one slip are one line: 30 + 10 of four runs."""
    lines = tag_lines(RULES, USES)
    assert [(one.fault.tag, one.fault.value, one.energy_uj, one.runs, one.quarantined) for one in lines] == [
        ("team", "serch", 40, 4, 4),
        ("team", "", 8, 2, 2),
        ("label.tier", "", 2, 1, 1),
        ("team", "", 2, 1, 1),
    ]


def test_a_line_says_how_to_find_them_and_whom_to_ask() -> None:
    """By the tags of the one with the most energy; by its labels where it has none."""
    slip, ranker, tier, nobody = tag_lines(RULES, USES)
    assert slip.seen_with == ("model=m",)
    assert (ranker.seen_with, ranker.fault.owner) == (("project=ranker", "stage=training"), "ranker leads")
    assert tier.seen_with == ("label.branch=main",)
    assert nobody.fault.owner == ""


def test_it_is_told_how_much_energy_states_a_tag() -> None:
    """98 of 100 microjoules state the tier; an unknown value is stated all the same."""
    assert stated(RULES, USES) == (Stated("team", 90, 100), Stated("label.tier", 98, 100))
    assert stated(TagRules(), ())[0] == Stated("team", 0, 0)
    assert [one.tag for one in stated(TagRules(), USES)] == ["team", "project", "model", "stage"]


def test_a_count_agrees_with_its_noun() -> None:
    """One run, no runs."""
    assert [some(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
