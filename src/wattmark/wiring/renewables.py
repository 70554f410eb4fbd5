"""Load and renewable generation from the file that the configuration names."""

from __future__ import annotations

import csv
from pathlib import Path

from wattmark.config import Config
from wattmark.core.errors import ConfigError
from wattmark.core.facts import Renewables

COLUMNS = ("zone", "load_kwh", "generation_kwh")


def renewables_from(config: Config) -> Renewables | None:
    """The table under ``[renewables]``; None when none is named.

    A relative path counts from the folder of ``wattmark.toml``. Raises ConfigError with file and line.
    """
    named = config.renewables.file
    if named is None:
        return None
    path = Path(config.path).parent / named if config.path else Path(named)
    load: dict[str, list[float]] = {}
    generation: dict[str, list[float]] = {}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [c for c in COLUMNS if c not in (reader.fieldnames or ())]
            if lacking:
                raise ConfigError(str(path), "line 1", f"lacks the columns {', '.join(lacking)}")
            for row in reader:
                place = f"line {reader.line_num}"
                zone = row["zone"]
                load.setdefault(zone, []).append(_kwh(path, place, "load_kwh", row["load_kwh"]))
                generation.setdefault(zone, []).append(
                    _kwh(path, place, "generation_kwh", row["generation_kwh"])
                )
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "", f"cannot be read: {error}") from None
    return Renewables(
        load_kwh={zone: tuple(values) for zone, values in load.items()},
        generation_kwh={zone: tuple(values) for zone, values in generation.items()},
        interval=config.renewables.interval,
    )


def _kwh(path: Path, place: str, column: str, text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise ConfigError(
            str(path), place, f"{column} is {text!r}: give kWh as a number, 0 where there is none"
        ) from None
