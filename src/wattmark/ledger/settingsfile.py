"""Reads ``ledger.toml``, strictly: a slip of the pen is an error that names its place, never left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Protocol

from wattmark.core.carbon import ACCOUNTINGS, BASES, INVENTORIES
from wattmark.core.coverage import LIFE, Expected
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.inventory import Asset
from wattmark.core.tags import TagMode, TagRules
from wattmark.core.units import GRAMS_PER_KG
from wattmark.fields import Fields, parse_toml
from wattmark.ledger.factors import EmbodiedShare, GridFactor
from wattmark.ledger.question import zone_named
from wattmark.ledger.settings import FILE_NAME, SETTINGS_FORMAT, LedgerSettings
from wattmark.stated.instruments import instruments
from wattmark.stated.inventory import MODES, parse_inventory, shipped_footprints
from wattmark.stated.residual_mixes import markets, residual_mixes
from wattmark.stated.sites import sites
from wattmark.stated.targets import portfolio_rules, targets
from wattmark.stated.tariffs import tariffs
from wattmark.stated.water import water

KEYS = (
    "format",
    "name",
    "time_zone",
    "manual_steps",
    "tags",
    "sources",
    "site",
    "grid",
    "embodied",
    "instrument",
    "residual_mix",
    "market",
    "coverage",
    "target",
    "portfolio",
    "tariff",
    "water",
)
GRID_KEYS = (
    "zone",
    "grams_per_kwh",
    "from",
    "to",
    "accounting",
    "basis",
    "inventory",
    "granularity",
    "source",
    "year",
    "relative_error",
    "note",
)
HOURS_PER_YEAR = 8766.0
"""365.25 days."""


class Readable(Protocol):
    """What settings need of a store."""

    @property
    def url(self) -> str:
        """Where the ledger is."""
        ...

    def read(self, name: str) -> bytes:
        """The bytes under a name. Raises FileNotFoundError when there are none."""
        ...


def load_settings(store: Readable) -> LedgerSettings:
    """The settings of a ledger; the defaults where it has none. Raises ConfigError with file and place."""
    place = f"{store.url.rstrip('/')}/{FILE_NAME}"
    try:
        data = store.read(FILE_NAME)
    except FileNotFoundError:
        return LedgerSettings()
    try:
        return parse_settings(data.decode("utf-8-sig"), place, store.read)
    except UnicodeDecodeError:
        raise ConfigError(place, "", "is not UTF-8: save it again as UTF-8") from None


def _no_files(name: str) -> bytes:
    raise FileNotFoundError(f"{name}: only the text of the settings is here")


def parse_settings(text: str, file: str, read: Callable[[str], bytes] = _no_files) -> LedgerSettings:
    """Settings from text. Raises ConfigError that names the file and the place in it.

    ``read`` gets the bytes of a file that lies beside it. Raises FileNotFoundError.
    """
    document = parse_toml(text, file)
    top = Fields(file, "", document)
    _check_format(top)
    top.only(*KEYS)
    zone_name, zone = _zone(top)
    sources = top.table("sources")
    sources.only("priority")
    places = sites(top.tables("site"), zone)
    made = top.tables("embodied")
    boundaries = markets(top.tables("market"))
    return LedgerSettings(
        name=top.text("name", ""),
        time_zone=zone_name,
        tags=_tags(top.table("tags")),
        priority=sources.texts("priority"),
        sites=tuple(pue for site in places for pue in site.pues),
        places=places,
        grid=_apart([_grid(t, zone) for t in top.tables("grid")], file),
        embodied=tuple(_embodied(t) for t in made if "inventory" not in t.values),
        devices=_devices(made, zone, read),
        instruments=instruments(top.tables("instrument"), zone, read, boundaries),
        residual_mixes=residual_mixes(top.tables("residual_mix"), zone, boundaries),
        markets=boundaries,
        tariffs=tariffs(top.tables("tariff"), zone, read),
        water=water(top.tables("water"), zone),
        manual_steps=top.whole("manual_steps", 0, 1_000_000),
        expected=_expected(top.table("coverage")),
        targets=targets(top.tables("target")),
        portfolio=portfolio_rules(top.table("portfolio")),
        file=file,
    )


def _check_format(top: Fields) -> None:
    number = top.whole("format", 1, 1 << 31)
    if number is None:
        raise top.wrong("format", f"is missing: write `format = {SETTINGS_FORMAT}`")
    if number > SETTINGS_FORMAT:
        raise top.wrong(
            "format",
            f"is {number}, and this wattmark knows {SETTINGS_FORMAT}: upgrade with "
            "`pip install --upgrade wattmark`",
        )


def _zone(top: Fields) -> tuple[str, tzinfo]:
    name = top.text("time_zone", "UTC")
    try:
        return name, zone_named(name)
    except UsageError as error:
        raise top.wrong("time_zone", str(error)) from None


def _tags(tags: Fields) -> TagRules:
    tags.only("required", "allowed", "aliases", "from_labels", "lower", "ignore_case", "owners", "mode")
    allowed = tags.table("allowed")
    aliases = tags.table("aliases")
    ignore_case = tags.values.get("ignore_case", True)
    if not isinstance(ignore_case, bool):
        raise tags.wrong("ignore_case", f"must be true or false, not {ignore_case!r:.40}")
    try:
        return TagRules(
            required=tags.texts("required"),
            allowed={tag: allowed.texts(tag) for tag in allowed.values},
            aliases={tag: _words(aliases.table(tag)) for tag in aliases.values},
            from_labels=_words(tags.table("from_labels")),
            lower=tags.texts("lower"),
            ignore_case=ignore_case,
            owners=_words(tags.table("owners")),
            mode=TagMode(tags.choice("mode", [m.value for m in TagMode], TagMode.WARN.value)),
        )
    except UsageError as error:
        raise error if isinstance(error, ConfigError) else tags.refused(error) from None


def _grid(grid: Fields, zone: tzinfo) -> GridFactor:
    grid.only(*GRID_KEYS)
    start, end = grid.moment("from", zone), grid.moment("to", zone)
    if start is not None and end is not None and end <= start:
        raise grid.wrong("to", "must lie after `from`; it is the first moment that is not meant")
    return GridFactor(
        zone=grid.named("zone"),
        start_us=start,
        end_us=end,
        grams_per_kwh=grid.amount("grams_per_kwh", 0.0, 1e6),
        accounting=grid.choice("accounting", ACCOUNTINGS, "location"),
        basis=grid.choice("basis", BASES, "lifecycle"),
        inventory=grid.choice("inventory", INVENTORIES, "scope 2"),
        granularity=grid.text("granularity", "year"),
        source=grid.named("source"),
        year=grid.whole("year", 1900, 2200),
        relative_error=grid.amount("relative_error", 0.0, 10.0, 0.0),
        note=grid.text("note", ""),
    )


def _apart(grid: list[GridFactor], file: str) -> tuple[GridFactor, ...]:
    """Two factors for one zone and moment would leave the choice to chance."""
    for at, one in enumerate(grid):
        for before, other in enumerate(grid[:at]):
            kind = (one.zone, one.accounting, one.basis)
            if kind == (other.zone, other.accounting, other.basis) and _overlap(one, other):
                problem = f"overlaps [[grid]] {before + 1}, also {', '.join(kind)}"
                place = f"[[grid]] {at + 1}"
                raise ConfigError(file, place, f"{problem}: `to` is the first moment that is not meant")
    return tuple(grid)


def _overlap(a: GridFactor, b: GridFactor) -> bool:
    """One without bounds holds wherever no bounded one does: the two never clash."""
    bounds = [(f.start_us, f.end_us) for f in (a, b)]
    if ((None, None) in bounds) and bounds[0] != bounds[1]:
        return False
    a_first = a.start_us is None or b.end_us is None or a.start_us < b.end_us
    b_first = b.start_us is None or a.end_us is None or b.start_us < a.end_us
    return a_first and b_first


def _devices(tables: Sequence[Fields], zone: tzinfo, read: Callable[[str], bytes]) -> tuple[Asset, ...]:
    """The inventory that one of the tables names; the others may then name nothing."""
    named = [table for table in tables if "inventory" in table.values]
    if not named:
        return ()
    table = named[0]
    table.only("inventory")
    if len(tables) > 1:
        raise table.wrong(
            "inventory", "stands beside other [[embodied]] tables: a device is counted in one place"
        )
    name = table.beside("inventory")
    if not name:
        raise table.wrong("inventory", "is empty: name the file that lies beside this one")
    try:
        data = read(name)
    except FileNotFoundError:
        raise table.wrong("inventory", f"{name}: there is no such file beside it") from None
    return parse_inventory(data, name, zone, shipped_footprints())


def _embodied(made: Fields) -> EmbodiedShare:
    made.only(
        "name",
        "total_kg",
        "lifespan_years",
        "reserved_share",
        "relative_error",
        "source",
        "mode",
        "utilisation",
    )
    mode = made.choice("mode", MODES, MODES[0])
    if mode == MODES[0] and "utilisation" in made.values:
        raise made.wrong(
            "utilisation", 'is for mode = "utilised": a device is charged in one mode, never both'
        )
    return EmbodiedShare(
        name=made.named("name"),
        total_grams=made.amount("total_kg", 0.0, 1e9) * GRAMS_PER_KG,
        lifespan_hours=made.amount("lifespan_years", 0.01, 100.0) * HOURS_PER_YEAR,
        reserved_share=made.amount("reserved_share", 0.0, 1.0, 1.0),
        relative_error=made.amount("relative_error", 0.0, 10.0, 0.30),
        source=made.text("source", "declared"),
        mode=mode,
        utilisation=made.amount("utilisation", 0.001, 1.0) if mode != MODES[0] else 1.0,
    )


def _expected(coverage: Fields) -> Expected:
    coverage.only("stages", "hosts", "models", "without")
    return Expected(
        stages=coverage.texts("stages") or LIFE,
        hosts=coverage.texts("hosts"),
        models=coverage.texts("models"),
        without=frozenset(_pair(t) for t in coverage.tables("without")),
    )


def _pair(without: Fields) -> tuple[str, str]:
    without.only("model", "stage", "reason")
    without.named("reason")
    return without.named("model"), without.named("stage")


def _words(fields: Fields) -> Mapping[str, str]:
    return {key: fields.text(key) for key in fields.values}
