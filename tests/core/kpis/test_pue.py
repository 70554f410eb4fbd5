"""PUE: as given, never below one, remarked on above two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.kpis.builders import of, some_facts
from wattmark.core.carbon import Pue
from wattmark.core.errors import RefusedError
from wattmark.core.figure import Figure, Missing


def test_a_pue_is_what_was_given_and_says_how_it_is_known() -> None:
    """1.5, declared."""
    answer = of("pue", some_facts())
    assert (answer.value, answer.unit, answer.terms) == (1.5, "1", {"pue_kind": "declared"})


def test_an_unknown_pue_is_missing_and_never_one() -> None:
    """Silence is not 1.0."""
    assert of("pue", some_facts(pue=Missing("pue", "--pue 1.2"))) == Missing("pue", "--pue 1.2")


def test_a_pue_below_one_is_refused() -> None:
    """However it came into the facts."""
    with pytest.raises(RefusedError, match="impossible"):
        of("pue", some_facts(pue=Figure(0.9, "1")))


def test_a_pue_above_two_is_remarked_on_once() -> None:
    """2.5 stands, with a note."""
    facts = some_facts(pue=Pue(value=2.5).figure())
    assert of("pue", facts).notes == ("a PUE of 2.5 is unusually high",)
    assert of("pue", replace(facts, pue=Figure(2.5, "1"))).notes == ("a PUE of 2.5 is unusually high",)
