"""Which tags a subject states, and which rules are for it."""

from __future__ import annotations

import pytest

from wattmark.core.governance.scope import Applies, Scope, tags_of
from wattmark.core.run import Subject


def test_tags_are_what_is_stated() -> None:
    """Labels under their own names; what nobody stated is not there."""
    subject = Subject(model="sorter", team="search", labels={"tier": "gold"})
    assert tags_of(subject) == {"model": "sorter", "team": "search", "label.tier": "gold"}
    assert tags_of(Subject()) == {}


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u3000"])
def test_a_blank_tag_states_nothing(blank: str) -> None:
    """Else a run with an empty team would be nobody's, and no rule for teams would be for it."""
    subject = Subject(model="sorter", team=blank, labels={"tier": blank})
    assert tags_of(subject) == {"model": "sorter"}
    assert Scope({"team": ("vision-*",)}).of(tags_of(subject)) is Applies.UNKNOWN
    assert Scope({"label.tier": ("gold",)}).unstated(tags_of(subject)) == ("label.tier",)
    assert Scope({"team": ("*",)}).of(tags_of(subject)) is Applies.YES
