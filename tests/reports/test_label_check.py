"""A label that was edited is found, wherever the edit is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.reports.board_results import a_published, a_rating, a_result, unrated
from tests.reports.test_label import a_label
from wattmark.reports.label_check import differences, drawn_faults, inner_faults
from wattmark.reports.label_svg import SURE, as_text, label_svg, xml_safe


def sound() -> dict[str, Any]:
    """36 J of a reference of 36 J: index 1, three stars whatever the interval of 5 % says."""
    result = a_result()
    return a_label(result, a_rating(result, stars=3, interval=(3, 3), index=1.0))


def test_a_label_agrees_with_itself_and_its_result() -> None:
    """Nothing is found."""
    label = sound()
    assert inner_faults(label) == []
    assert drawn_faults(label_svg(label), label) == []
    assert differences(label, sound()) == []


def test_an_edited_word_is_found() -> None:
    """The drawing says 9.0, its document 10.0."""
    label = sound()
    svg = label_svg(label).replace("10.0<tspan", "9.0<tspan")
    assert drawn_faults(svg, label) == ["it shows '9.0', its document says '10.0'"]


def test_an_edited_star_is_found() -> None:
    """A fourth one is painted."""
    label = sound()
    svg = label_svg(label).replace('fill="#ffffff" stroke="#b9c0bc"', f'fill="{SURE}" stroke="#b9c0bc"', 1)
    assert drawn_faults(svg, label) == ["the stars that are drawn are not those of its document"]


def test_any_other_change_of_the_drawing_is_found() -> None:
    """A word that moved."""
    label = sound()
    assert "drawn otherwise" in drawn_faults(label_svg(label).replace('x="16"', 'x="17"', 1), label)[0]


def test_an_edited_document_disagrees_with_its_drawing() -> None:
    """Both ways round."""
    label = sound()
    other = {**label, "model": "two"}
    svg = label_svg(label).replace(xml_safe(as_text(label)), xml_safe(as_text(other)))
    assert drawn_faults(svg, other) == ["it shows 'one', its document says 'two'"]


def test_a_document_of_something_else_is_told() -> None:
    """Fields are missing."""
    assert "no label's" in drawn_faults("<svg/>", {"schema": "wattmark.label"})[0]


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("wh_per_1000_queries", "value"), 5.0, "5.0 Wh per 1,000 queries are not 36.0 J per query"),
        (("wh_per_1000_queries", "interval_95"), [1.0, 2.0], "outside of its interval"),
        (("wh_per_1000_queries",), None, "stated in one unit only"),
        (("key_id",), "0" * 12, "is not that of its key"),
        (("key", "batch_policy"), "batch 2", "is not that of its key"),
        (("key",), {"task": "x"}, "key is not whole"),
        (("stars",), 5, "gives 3 to 3 stars, it says 5"),
        (("stars_interval",), [3, 5], "gives 3 to 3 stars"),
        (("index",), 0.2, "gives 5 to 5 stars"),
        (("grade",), "E", "only A to C earn them"),
        (("stars",), None, "no stars and no reason why"),
    ],
)
def test_fields_that_contradict_each_other_are_found(place: tuple[str, ...], value: Any, said: str) -> None:
    """One field is edited; the others tell."""
    label = copy.deepcopy(sound())
    inner = label
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    label["stars_reason"] = None
    assert any(said in fault for fault in inner_faults(label))


def test_what_cannot_be_recomputed_from_a_label_alone_is_no_fault() -> None:
    """Stars of mode aies need their cohort; no energy has no unit; an end that is infinite is one star."""
    result = a_published()
    assert inner_faults(a_label(result, a_rating(result, mode="aies", stars=5, interval=None))) == []
    none = a_result(energy=None)
    assert inner_faults(a_label(none, unrated(none, "unrated: no energy is known"))) == []
    label = copy.deepcopy(sound())
    label["joules_per_query"]["interval_95"] = [36.0, None]
    label["wh_per_1000_queries"]["interval_95"] = [10.0, None]
    label.update(stars=1, stars_interval=[1, 3])
    assert inner_faults(label) == []


def test_differences_name_the_place() -> None:
    """Numbers may differ by what writing them makes; who made it and its link may differ too."""
    label, other = sound(), copy.deepcopy(sound())
    other["wh_per_1000_queries"]["value"] = 10.0 * (1 + 1e-12)
    other["made_by"], other["link"] = "wattmark 9", "https://example.org"
    assert differences(label, other) == []
    other["wh_per_1000_queries"]["interval_95"] = [9.0, 10.5]
    other["validity"]["reasons"] = [{"code": "x"}]
    del other["grade"]
    assert [d.partition(":")[0] for d in differences(label, other)] == [
        *("wh_per_1000_queries.interval_95[0]", "grade", "validity.reasons"),
    ]
