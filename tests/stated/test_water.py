"""``[[water]]``, read in one way from wattmark.toml and from ledger.toml."""

from __future__ import annotations

from datetime import UTC

import pytest

from wattmark.core.errors import ConfigError
from wattmark.core.water import WaterFactor
from wattmark.fields import Fields, parse_toml
from wattmark.stated.water import water

HEAD = '[[water]]\nplace = "lab"\nwhere = "site"\nkind = "usage"\nlitres_per_kwh = 0.5\nsource = "meters"\n'


def read(text: str) -> tuple[WaterFactor, ...]:
    """The figures of this text."""
    return water(Fields("x.toml", "", parse_toml(text, "x.toml")).tables("water"), UTC)


def test_everything_is_read() -> None:
    """With its time, its error and its source."""
    text = (
        HEAD + 'valid_from = 1970-01-02\nvalid_to = 1970-01-03\nrelative_error = 0.1\nnote = "read by hand"\n'
    )
    assert read(text) == (
        WaterFactor(
            place="lab",
            where="site",
            kind="usage",
            litres_per_kwh=0.5,
            start_us=86_400_000_000,
            end_us=172_800_000_000,
            source="meters",
            relative_error=0.1,
            note="read by hand",
        ),
    )


def test_kinds_and_times_may_stand_beside_each_other() -> None:
    """Consumption and withdrawal, this year and the next, and one for the rest."""
    plants = HEAD.replace('"site"', '"source"').replace('"usage"', '"{}"')
    assert len(read(plants.format("consumption") + plants.format("withdrawal"))) == 2
    assert len(read(f"{HEAD}valid_to = 2026-01-01\n{HEAD}valid_from = 2026-01-01\n{HEAD}")) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "colour = 1\n", "colour: unknown key"),
        (HEAD + "valid_from = 2026-01-02\nvalid_to = 2026-01-01\n", "valid_to: must lie after"),
        (HEAD.replace('where = "site"\n', ""), "where: is missing: give one of site, source"),
        (HEAD.replace('kind = "usage"\n', ""), "kind: is missing: give one of consumption"),
        (HEAD.replace('source = "meters"\n', ""), "source: is missing"),
        (HEAD.replace("0.5", "-1"), "litres_per_kwh: must be from 0 to 2000"),
        (HEAD.replace('"site"', '"source"'), "is consumption or withdrawal: say which"),
        (HEAD + HEAD, r"\[\[water\]\] 2 *: holds at 'lab' at the same time"),
        (f"{HEAD}valid_to = 2026-01-02\n{HEAD}valid_from = 2026-01-01\n", "at the same time"),
    ],
)
def test_a_slip_of_the_pen_names_its_place(text: str, said: str) -> None:
    """File, table, key, and what to write."""
    with pytest.raises(ConfigError, match=said):
        read(text)
