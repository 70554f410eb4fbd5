"""The live providers: one row each; nothing is imported until it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.core.carbon import BASES
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.grid.http import Web
    from wattmark.grid.keys import Secret
    from wattmark.grid.provider import GridProvider

    KeyOf = Callable[[str, str], Secret]
    """Provider and name of a key -> the key."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a person chooses by."""

    keys: tuple[str, ...]
    signals: tuple[str, ...]
    """What can be asked of it; the first is meant when nothing is said."""
    forecasts: bool
    text: str


PROVIDERS: dict[str, Row] = {
    "electricity-maps": Row(
        ("ELECTRICITYMAPS_API_KEY",), ("lifecycle", "direct"), True, "hourly, flow-traced, most of the world"
    ),
    "watttime": Row(
        ("WATTTIME_USER", "WATTTIME_PASSWORD"), ("co2_moer", "co2_aoer"), True, "marginal, every five minutes"
    ),
    "neso": Row((), ("direct",), True, "Great Britain and regions, half hours, no key"),
    "entsoe": Row(("ENTSOE_API_KEY",), ("direct", "lifecycle"), False, "Europe, generation x factors"),
    "eia": Row(("EIA_API_KEY",), ("direct", "lifecycle"), False, "United States, generation x factors"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which provider is meant, and how."""

    name: str
    """A name of PROVIDERS, or the path of a TOML declaration."""
    signal: str | None = None
    version: str | None = None
    """Version of the API of Electricity Maps."""
    base: str | None = None
    """Another address, such as that of a proxy."""
    factors: Path | None = None
    """The user's own factors by kind of plant, for what is worked out from generation."""


MIXED = ("entsoe", "eia")
"""Providers that tell generation, of which an intensity is worked out."""


def signal_of(asked: Asked) -> tuple[str, str]:
    """Name and signal that are meant, as the cache knows them. Raises UsageError for unknown ones."""
    if asked.name.endswith(".toml"):
        from wattmark.grid.json_api import read_declaration

        declared = read_declaration(Path(asked.name))
        return declared.name, declared.signal
    row = PROVIDERS.get(asked.name)
    if row is None:
        raise UsageError(
            f"no provider {asked.name!r} of grid intensity: {', '.join(PROVIDERS)}, or a file NAME.toml"
        )
    signal = asked.signal or row.signals[0]
    if signal not in row.signals:
        raise UsageError(f"{asked.name} has no {signal!r}: {', '.join(row.signals)}")
    if asked.version is not None and asked.name != "electricity-maps":
        raise UsageError(f"{asked.name} has no versions to choose from: electricity-maps has")
    if asked.factors is not None:
        from wattmark.grid.mix import factors_of

        if asked.name not in MIXED:
            raise UsageError(f"{asked.name} tells an intensity: factors by plant are for {', '.join(MIXED)}")
        return asked.name, factors_of(signal, asked.factors).signal
    return asked.name, signal


def terms_of(name: str, signal: str) -> tuple[str, str]:
    """Accounting and basis of what ``signal_of`` names."""
    if name not in PROVIDERS:
        accounting, basis = signal.split(" ")[:2]  # what follows tells one declaration from another
        return accounting, basis
    first = signal.partition(" ")[0]
    if first in BASES:
        return "location", first
    return ("marginal" if first == "co2_moer" else "location"), "direct"


def provider_for(asked: Asked, web: Web, key: KeyOf, now_us: Callable[[], int]) -> GridProvider:
    """The provider, ready to be asked. Raises UsageError, ConfigError, and WrongKey without a key."""
    name, signal = signal_of(asked)
    base = {} if asked.base is None else {"base": asked.base}
    match name if name in PROVIDERS else "":
        case "electricity-maps":
            from wattmark.grid.electricity_maps import KEY, ElectricityMaps

            version = {} if asked.version is None else {"version": asked.version}
            return ElectricityMaps(web, key(name, KEY), now_us, basis=signal, **version, **base)
        case "watttime":
            from wattmark.grid.watttime import PASSWORD, USER, WattTime

            user, password = key(name, USER), key(name, PASSWORD)
            return WattTime(web, user, password, now_us, signal=signal, **base)
        case "neso":
            from wattmark.grid.neso import Neso

            return Neso(web, now_us, **base)
        case "entsoe":
            from wattmark.grid import entsoe

            basis = signal.partition(" ")[0]
            return entsoe.Entsoe(web, key(name, entsoe.KEY), basis=basis, own=asked.factors, **base)
        case "eia":
            from wattmark.grid import eia

            basis = signal.partition(" ")[0]
            return eia.Eia(web, key(name, eia.KEY), basis=basis, own=asked.factors, **base)
        case _:
            from wattmark.grid.json_api import JsonApi, read_declaration

            declared = read_declaration(Path(asked.name))
            return JsonApi(web, declared, lambda wanted: key(name, wanted))
