"""The table of load and renewable generation that the configuration names."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.config import load_config
from wattmark.core.errors import ConfigError
from wattmark.wiring.renewables import renewables_from


def written(folder: Path, table: str, interval: str = "hour") -> Path:
    """A configuration that names a table beside it."""
    (folder / "renewables.csv").write_text(table)
    config = folder / "wattmark.toml"
    config.write_text(f'[renewables]\nfile = "renewables.csv"\ninterval = "{interval}"\n')
    return config


def test_rows_are_gathered_by_zone_in_their_order(tmp_path: Path) -> None:
    """Two hours in A, one in B; further columns are left alone."""
    table = "zone,start,load_kwh,generation_kwh\nA,00:00,1,4\nB,00:00,2,0\nA,01:00,3,0.5\n"
    found = renewables_from(load_config(written(tmp_path, table, "month")))
    assert found is not None
    assert found.load_kwh == {"A": (1.0, 3.0), "B": (2.0,)}
    assert found.generation_kwh == {"A": (4.0, 0.5), "B": (0.0,)}
    assert found.interval == "month"


def test_without_a_file_there_is_nothing() -> None:
    """Not an empty table, which would be a load of zero."""
    assert renewables_from(load_config(None)) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("zone,load_kwh\nA,1\n", "lacks the columns generation_kwh"),
        ("", "lacks the columns zone, load_kwh, generation_kwh"),
        ("zone,load_kwh,generation_kwh\nA,1,\n", "line 2: generation_kwh is ''"),
        ("zone,load_kwh,generation_kwh\nA,much,1\n", "line 2: load_kwh is 'much'"),
        ("zone,load_kwh,generation_kwh\nA,1\n", "line 2: generation_kwh is None"),
    ],
)
def test_a_table_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, table: str, said: str) -> None:
    """An empty cell is not a zero."""
    with pytest.raises(ConfigError, match=said):
        renewables_from(load_config(written(tmp_path, table)))


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    """File and reason."""
    config = written(tmp_path, "")
    (tmp_path / "renewables.csv").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        renewables_from(load_config(config))
