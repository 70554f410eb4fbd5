"""Sites: what several tables state of one, and which PUE holds when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.errors import UsageError
from wattmark.core.site import UNMEASURED, Site, SitePue, in_turn, layered, together


def pue(value: float, start: int | None = None, end: int | None = None, **changes: object) -> SitePue:
    """Of the site ``a``."""
    return SitePue(site="a", pue=value, start_us=start, end_us=end, **changes)  # type: ignore[arg-type]


def measured(value: float, start: int, end: int) -> SitePue:
    """Of the site ``a``."""
    return pue(value, start, end, kind="measured")


def spans(pues: tuple[SitePue, ...]) -> list[tuple[float, int | None, int | None]]:
    """Value, start and end."""
    return [(p.pue, p.start_us, p.end_us) for p in pues]


def test_several_tables_may_each_state_a_part() -> None:
    """Country here, zone there; sources are named together, PUEs follow each other."""
    one = Site(name="a", country="FRA", source="deed", pues=(pue(1.3),))
    other = Site(name="a", zone="FR", latitude=48.9, country="FRA", source="map", pues=(pue(1.2, 10),))
    (found,) = together([one, other])
    assert (found.country, found.zone, found.latitude, found.source) == ("FRA", "FR", 48.9, "deed + map")
    assert spans(found.pues) == [(1.3, None, 10), (1.2, 10, None)]


def test_two_statements_that_contradict_are_refused() -> None:
    """One of them is wrong, and nobody can say which."""
    with pytest.raises(UsageError, match="'a' is stated twice: country is FRA and DEU"):
        together([Site(name="a", country="FRA"), Site(name="a", country="DEU")])


def test_other_sites_end_nothing() -> None:
    """Each site has PUEs of its own."""
    sites = together([Site(name="a", pues=(pue(1.3),)), Site(name="b", pues=(pue(1.2, 10),))])
    assert [s.name for s in sites] == ["a", "b"]
    assert spans(sites[0].pues) == [(1.3, None, None)]


def test_a_pue_that_ends_leaves_a_hole_or_meets_the_next() -> None:
    """Two at once are refused; an end at the next one's beginning is none."""
    assert spans(in_turn([pue(1.3, 0, 5), pue(1.2, 10)])) == [(1.3, 0, 5), (1.2, 10, None)]
    assert spans(in_turn([pue(1.3, 0, 10), pue(1.2, 10)])) == [(1.3, 0, 10), (1.2, 10, None)]
    with pytest.raises(UsageError, match="two PUEs at once"):
        in_turn([pue(1.3, 0, 11), pue(1.2, 10)])
    with pytest.raises(UsageError, match="from the same moment on"):
        in_turn([pue(1.3), pue(1.2)])


def test_what_holds_at_a_moment() -> None:
    """One with bounds goes before one without; the end is not in it any more."""
    site = Site(name="a", pues=(pue(1.5), pue(1.2, 10, 20)))
    assert [getattr(site.pue_at(at), "pue", None) for at in (9, 10, 19, 20)] == [1.5, 1.2, 1.2, 1.5]
    assert Site(name="a", pues=(pue(1.2, 10),)).pue_at(9) is None


def test_measured_goes_first_and_the_rest_says_that_it_stands_in() -> None:
    """What is stated for some time is cut; what always holds fills by itself."""
    found = layered([pue(1.4, 0, 100, source="contract")], [measured(1.2, 10, 20), measured(1.3, 20, 30)])
    assert spans(found) == [(1.4, 0, 10), (1.4, 30, 100), (1.2, 10, 20), (1.3, 20, 30)]
    assert found[0].source == f"contract, {UNMEASURED}"
    always = layered([pue(1.4)], [measured(1.2, 10, 20)])
    assert spans(always) == [(1.4, None, None), (1.2, 10, 20)]
    assert always[0].source == UNMEASURED
    assert layered([pue(1.4)], []) == (pue(1.4),)


def test_a_measured_end_is_cut_on_either_side() -> None:
    """Before, over the beginning, over the end, after; and all of it."""
    assert spans(layered([pue(1.4, 10, 20)], [measured(1.2, 0, 5), measured(1.2, 25, 30)]))[0] == (
        1.4,
        10,
        20,
    )
    assert spans(layered([pue(1.4, 10, 20)], [measured(1.2, 5, 15)]))[0] == (1.4, 15, 20)
    assert spans(layered([pue(1.4, 10, 20)], [measured(1.2, 15, 25)]))[0] == (1.4, 10, 15)
    assert spans(layered([pue(1.4, 10, 20)], [measured(1.2, 5, 25)])) == [(1.2, 5, 25)]
    assert spans(layered([pue(1.4, None, 20)], [measured(1.2, 5, 25)]))[0] == (1.4, None, 5)
    assert spans(layered([pue(1.4, 10)], [measured(1.2, 5, 25)]))[0] == (1.4, 25, None)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 5)), max_size=8), st.integers(0, 40))
def test_every_moment_has_exactly_one_pue(told: list[tuple[int, int]], start: int) -> None:
    """The measured one where there is one, the stated one elsewhere in its time."""
    ends, found = 0, []
    for gap, length in told:
        found.append(measured(1.2, ends + gap, ends + gap + length))
        ends += gap + length
    stated = pue(1.4, start, start + 100)
    for at in range(160):
        holding = [p for p in layered([stated], found) if (p.start_us or 0) <= at < (p.end_us or 0)]
        inside = any((p.start_us or 0) <= at < (p.end_us or 0) for p in found)
        expected = 1.2 if inside else 1.4 if start <= at < start + 100 else None
        assert [p.pue for p in holding] == ([] if expected is None else [expected])
