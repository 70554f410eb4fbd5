"""core.whole_numbers: what TOML cannot hold, and Python can."""

from __future__ import annotations

from wattmark.core.whole_numbers import huge_number


def test_the_key_of_a_huge_number_is_found_wherever_it_stands() -> None:
    """In tables, in lists, in tables of lists; 2^63 - 1 is the last that fits."""
    assert huge_number({"a": {"b": [1, {"c": 2**63}]}}) == "c"
    assert huge_number({"a": [1, 2**63]}) == "a"
    assert huge_number({"a": 2**63 - 1, "b": [-(2**62)], "c": 1e300, "d": "2", "e": True}) is None
