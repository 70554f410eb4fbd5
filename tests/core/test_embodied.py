"""The table of embodied carbon: each row sourced and uncertain, nothing counted twice."""

from __future__ import annotations

import pytest

from wattmark import tables
from wattmark.core.embodied import (
    ERROR_BASES,
    STAGES,
    UNITS,
    Footprint,
    counted_twice,
    find_footprint,
    footprint_from,
)
from wattmark.core.errors import UsageError


@pytest.fixture(scope="module")
def table() -> list[Footprint]:
    """The shipped table."""
    return [footprint_from(row) for row in tables.rows("embodied")]


def test_every_row_says_how_it_is_known(table: list[Footprint]) -> None:
    """Servers, accelerators, CPUs, memory and storage, each with source, stages and error; each id once."""
    assert len(table) == len({row.id for row in table}) >= 30
    assert {row.kind for row in table} == {"server", "board", "gpu", "tpu", "cpu", "memory", "storage"}
    for row in table:
        assert row.grams > 0, row.id
        assert row.stages in STAGES, row.id
        assert row.unit in UNITS, row.id
        assert row.error_basis in ERROR_BASES, row.id
        assert 0 < row.relative_error < 2, row.id
        assert row.contains, row.id
        assert row.source_url.startswith("https://"), row.id
        assert row.publisher in row.source, row.id
        assert row.retrieved or "not re-read" in row.note, row.id


def test_an_eighth_of_the_baseboard_is_a_card(table: list[Footprint]) -> None:
    """1312 kg / 8 = 164 kg, 2274 kg / 8 = 284 kg."""
    for board, card in (("nvidia-hgx-h100", "h100-sxm5"), ("nvidia-hgx-b200", "b200-180gb")):
        whole, part = find_footprint(table, board), find_footprint(table, card)
        assert whole.grams / 8 == pytest.approx(part.grams, rel=2e-3)


def test_a_name_that_fits_several_rows_is_asked_back(table: list[Footprint]) -> None:
    """Three publishers speak of the H100."""
    with pytest.raises(UsageError, match=r"nvidia-h100-80gb-ademe.*nvidia-h100-80gb-morand.*: say which"):
        find_footprint(table, "nvidia-h100")


def test_an_unknown_name_says_what_to_do(table: list[Footprint]) -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError, match="state total_kg and its source"):
        find_footprint(table, "mi300x")


def test_a_whole_and_its_part_are_counted_twice() -> None:
    """A server with its GPUs, and a GPU on a line of its own."""
    server, gpu = frozenset({"cpu", "gpu"}), frozenset({"gpu"})
    assert counted_twice([("server", server), ("gpu", gpu)]) == ("server", "gpu", "gpu")
    assert counted_twice([("gpu", gpu), ("server", server)]) == ("gpu", "server", "gpu")


def test_two_lines_of_one_kind_are_several_things() -> None:
    """Four GPUs and four more; a server without GPUs and its GPUs."""
    gpu = frozenset({"gpu"})
    assert counted_twice([("four", gpu), ("more", gpu)]) is None
    assert counted_twice([("server", frozenset({"cpu", "dram"})), ("four", gpu)]) is None
