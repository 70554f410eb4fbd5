"""One provider heard through two importers counts once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.stated_once import Twice, Whose, heard_twice

MAY = Whose("aws", "1", "eu-west-1", "2026-05")


def test_the_newer_word_of_two_importers_counts_alone() -> None:
    """By the newest record of each; what one importer states alone is left as it is."""
    other = Whose("aws", "1", "", "2026-05")
    told = [(MAY, "export", 3), (MAY, "export", 9), (MAY, "api", 7), (other, "api", 1)]
    (found,) = heard_twice(told)
    assert found == Twice(MAY, "export", ("api",))
    assert str(found) == (
        "aws, account 1, eu-west-1, 2026-05: stated by api as well; export is the newer word and counts alone"
    )
    assert heard_twice([(other, "api", 1), (other, "api", 2)]) == ()
    assert str(Whose("azure", "", "", "2026-05")) == "azure, 2026-05"


def test_of_equal_age_the_name_decides() -> None:
    """So that the same ledger always gives the same figure."""
    assert heard_twice([(MAY, "b", 0), (MAY, "a", 0)])[0].kept == "a"


@given(st.permutations([(MAY, "a", 3), (MAY, "b", 5), (MAY, "c", 4), (MAY, "a", 1)]))
def test_the_order_does_not_matter(told: list[tuple[Whose, str, int]]) -> None:
    """Engines give rows as they like."""
    assert heard_twice(told) == (Twice(MAY, "b", ("c", "a")),)
