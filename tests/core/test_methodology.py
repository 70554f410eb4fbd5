"""Two sets of figures compare when they were made on the same terms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.decisions import ENERGY, a_facts, joules
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import NotComparable
from wattmark.core.figure import Missing, exact
from wattmark.core.methodology import Methodology, methodology_of, require_same
from wattmark.core.run import Dataset


def test_all_the_terms_that_matter_are_in() -> None:
    """Boundary, accounting, basis, attribution, PUE kind, unit, task, data, quality and KPI versions."""
    facts = a_facts(dataset=Dataset(sha256="ab" * 32))
    assert methodology_of(facts, [ENERGY]).terms == {
        "boundary": "node",
        "scope": "whole",
        "attribution_rule": "whole_device",
        "accounting": "location",
        "basis": "lifecycle",
        "inventory": "scope 2",
        "pue_kind": "declared",
        "functional_unit": "inferences",
        "task": "digits",
        "dataset": "ab" * 32,
        "quality": "accuracy",
        "kpi:energy": "version 1",
    }


def test_what_is_unknown_is_no_term() -> None:
    """Bare facts have only the versions of the KPIs."""
    nothing = Missing("energy")
    facts = a_facts(
        energy_by_stage={},
        pue=exact(1.0, "1"),
        intensity=nothing,
        functional_unit=None,
        task=None,
        quality_name=None,
        dataset=Dataset(name="without a hash"),
    )
    assert methodology_of(replace(facts, energy=nothing), [ENERGY]).terms == {"kpi:energy": "version 1"}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"energy": joules(1.0, terms={"boundary": "device"})}, "boundary"),
        ({"intensity": Intensity(grams_per_kwh=1, zone="X", source="s", basis="direct").figure()}, "basis"),
        ({"pue": Pue(value=1.2, kind="measured").figure()}, "pue_kind"),
        ({"functional_unit": "requests"}, "functional_unit"),
        ({"task": "cifar"}, "task"),
        ({"dataset": Dataset(sha256="cd")}, "dataset"),
    ],
)
def test_a_refusal_names_the_field(changes: dict[str, object], name: str) -> None:
    """Each term on its own is enough to refuse a baseline."""
    base, other = methodology_of(a_facts(), [ENERGY]), methodology_of(a_facts(**changes), [ENERGY])
    assert base.fingerprint != other.fingerprint
    assert name in {field for field, _, _ in base.differing(other)}
    with pytest.raises(NotComparable, match=name):
        require_same(base, other)


def test_better_hardware_and_a_cleaner_grid_are_the_same_methodology() -> None:
    """Values and hardware are no terms: only how things were counted is."""
    other = a_facts(energy=1.0, intensity=Intensity(grams_per_kwh=5, zone="NOR", source="test").figure())
    base = methodology_of(a_facts(), [ENERGY])
    assert base.fingerprint == methodology_of(other, [ENERGY]).fingerprint
    require_same(base, methodology_of(other, [ENERGY]))


def test_a_raised_kpi_version_is_another_methodology() -> None:
    """A new definition does not compare with an old figure."""
    newer = replace(ENERGY, version=2)
    assert methodology_of(a_facts(), [ENERGY]).differing(methodology_of(a_facts(), [newer])) == [
        ("kpi:energy", "version 1", "version 2")
    ]


def test_no_two_sets_of_terms_read_alike() -> None:
    """Separators inside a value cannot imitate another term."""
    assert Methodology({"a": "1;1:b=1:2"}).fingerprint != Methodology({"a": "1", "b": "2"}).fingerprint


def test_terms_that_a_question_does_not_touch_can_be_left_out() -> None:
    """`without` drops names and keeps the rest."""
    assert Methodology({"a": "1", "b": "2"}).without(["a"]).terms == {"b": "2"}
