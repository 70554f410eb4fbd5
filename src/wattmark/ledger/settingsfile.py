"""Reads ``ledger.toml``, strictly: a slip of the pen is an error that names its place, never left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wattmark.core.carbon import ACCOUNTINGS, BASES
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.tags import TagMode, TagRules
from wattmark.ledger.fields import Fields, parse_toml
from wattmark.ledger.settings import (
    FILE_NAME,
    SETTINGS_FORMAT,
    EmbodiedShare,
    GridIntensity,
    LedgerSettings,
    SitePue,
)

PUE_KINDS = ("declared", "provider_year", "measured", "office")
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


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
        return parse_settings(data.decode("utf-8-sig"), place)
    except UnicodeDecodeError:
        raise ConfigError(place, "", "is not UTF-8: save it again as UTF-8") from None


def parse_settings(text: str, file: str) -> LedgerSettings:
    """Settings from text. Raises ConfigError that names the file and the place in it."""
    document = parse_toml(text, file)
    top = Fields(file, "", document)
    _check_format(top)
    top.only("format", "name", "time_zone", "manual_steps", "tags", "sources", "site", "grid", "embodied")
    zone_name, zone = _zone(top)
    sources = _table(top, "sources")
    sources.only("priority")
    return LedgerSettings(
        name=top.text("name", ""),
        time_zone=zone_name,
        tags=_tags(_table(top, "tags")),
        priority=sources.texts("priority"),
        sites=_distinct([_site(t, zone) for t in top.tables("site")], file),
        grid=_apart([_grid(t, zone) for t in top.tables("grid")], file),
        embodied=tuple(_embodied(t) for t in top.tables("embodied")),
        manual_steps=_whole(top, "manual_steps", 0, 1_000_000),
        file=file,
    )


def _check_format(top: Fields) -> None:
    number = _whole(top, "format", 1, 1 << 31)
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
    if name == "UTC":
        return name, UTC
    try:
        return name, ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise top.wrong(
            "time_zone",
            f"{name!r} is no time zone known here: give an IANA name such as 'Europe/Paris' "
            "(on Windows: pip install tzdata)",
        ) from None


def _tags(tags: Fields) -> TagRules:
    tags.only("required", "allowed", "aliases", "from_labels", "lower", "ignore_case", "owners", "mode")
    allowed = _table(tags, "allowed")
    aliases = _table(tags, "aliases")
    ignore_case = tags.values.get("ignore_case", True)
    if not isinstance(ignore_case, bool):
        raise tags.wrong("ignore_case", f"must be true or false, not {ignore_case!r:.40}")
    try:
        return TagRules(
            required=tags.texts("required"),
            allowed={tag: allowed.texts(tag) for tag in allowed.values},
            aliases={tag: _words(_table(aliases, tag)) for tag in aliases.values},
            from_labels=_words(_table(tags, "from_labels")),
            lower=tags.texts("lower"),
            ignore_case=ignore_case,
            owners=_words(_table(tags, "owners")),
            mode=TagMode(tags.choice("mode", [m.value for m in TagMode], TagMode.WARN.value)),
        )
    except UsageError as error:
        raise error if isinstance(error, ConfigError) else tags.refused(error) from None


def _site(site: Fields, zone: tzinfo) -> SitePue:
    site.only("name", "pue", "kind", "valid_from", "relative_error")
    return SitePue(
        name=_named(site, "name"),
        pue=_amount(site, "pue", 1.0, 1000.0),
        kind=site.choice("kind", PUE_KINDS, "declared"),
        valid_from=_moment(site, "valid_from", zone),
        relative_error=_amount(site, "relative_error", 0.0, 1.0, 0.0),
    )


def _grid(grid: Fields, zone: tzinfo) -> GridIntensity:
    grid.only(
        "zone", "grams_per_kwh", "from", "to", "accounting", "basis", "source", "year", "relative_error"
    )
    start, end = _moment(grid, "from", zone), _moment(grid, "to", zone)
    if start is not None and end is not None and end <= start:
        raise grid.wrong("to", "must lie after `from`; it is the first moment that is not meant")
    return GridIntensity(
        zone=_named(grid, "zone"),
        grams_per_kwh=_amount(grid, "grams_per_kwh", 0.0, 1e6),
        start=start,
        end=end,
        accounting=grid.choice("accounting", ACCOUNTINGS, "location"),
        basis=grid.choice("basis", BASES, "lifecycle"),
        source=_named(grid, "source"),
        year=_whole(grid, "year", 1900, 2200),
        relative_error=_amount(grid, "relative_error", 0.0, 10.0, 0.0),
    )


def _embodied(made: Fields) -> EmbodiedShare:
    made.only("device", "component", "host", "total_kg", "lifespan_years", "relative_error", "source")
    share = EmbodiedShare(
        device=made.text("device", ""),
        component=made.text("component", ""),
        host=made.text("host", ""),
        total_kg=_amount(made, "total_kg", 0.0, 1e9),
        lifespan_years=_amount(made, "lifespan_years", 0.01, 100.0),
        relative_error=_amount(made, "relative_error", 0.0, 10.0, 0.30),
        source=made.text("source", "declared"),
    )
    if not (share.device or share.component or share.host):
        raise made.wrong("device", "is missing: say which `device`, `component` or `host` it stands for")
    return share


def _distinct(sites: list[SitePue], file: str) -> tuple[SitePue, ...]:
    for at, site in enumerate(sites):
        for before, other in enumerate(sites[:at]):
            if (site.name, site.valid_from) == (other.name, other.valid_from):
                raise ConfigError(
                    file,
                    f"[[site]] {at + 1}",
                    f"speaks of {site.name!r} from the same day on as [[site]] {before + 1}: give "
                    "`valid_from`, or leave one out",
                )
    return tuple(sites)


def _apart(grid: list[GridIntensity], file: str) -> tuple[GridIntensity, ...]:
    """Two factors for one zone and moment would leave the choice to chance."""
    for at, one in enumerate(grid):
        for before, other in enumerate(grid[:at]):
            kind = (one.zone, one.accounting, one.basis)
            if kind == (other.zone, other.accounting, other.basis) and _overlap(one, other):
                raise ConfigError(
                    file,
                    f"[[grid]] {at + 1}",
                    f"overlaps [[grid]] {before + 1}, also {', '.join(kind)}: `to` is the first moment "
                    "that is not meant",
                )
    return tuple(grid)


def _overlap(a: GridIntensity, b: GridIntensity) -> bool:
    a_first = a.start is None or b.end is None or a.start < b.end
    b_first = b.start is None or a.end is None or b.start < a.end
    return a_first and b_first


def _table(fields: Fields, key: str) -> Fields:
    value = fields.values.get(key, {})
    inside = f"{fields.place[1:-1]}.{key}" if fields.place else key
    if not isinstance(value, dict):
        raise fields.wrong(key, f"must be a table: write [{inside}]")
    return Fields(fields.file, f"[{inside}]", value)


def _words(fields: Fields) -> Mapping[str, str]:
    return {key: fields.text(key) for key in fields.values}


def _named(fields: Fields, key: str) -> str:
    name = fields.text(key).strip()
    if not name:
        raise fields.wrong(key, "is empty")
    return name


def _amount(fields: Fields, key: str, least: float, most: float, default: float | None = None) -> float:
    number = fields.number(key)
    if number is None:
        number = default
    if number is None:
        raise fields.wrong(key, "is missing")
    if not least <= number <= most:
        raise fields.wrong(key, f"must be from {least:g} to {most:g}, not {number:g}")
    return number


def _whole(fields: Fields, key: str, least: int, most: int) -> int | None:
    value = fields.values.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise fields.wrong(key, f"must be a whole number from {least} to {most}, not {value!r:.40}")
    return value


def _moment(fields: Fields, key: str, zone: tzinfo) -> datetime | None:
    """A day is its first moment in the ledger's time zone; a time that states no offset is in that zone."""
    value = fields.values.get(key)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if ISO_DAY.fullmatch(value) else datetime.fromisoformat(value)
        except ValueError:
            raise fields.wrong(
                key, f"{value!r:.40} is no day and no time: write {key} = 2026-01-01"
            ) from None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    if isinstance(value, date):
        return datetime.combine(value, time(), zone)
    raise fields.wrong(key, f"must be a day or a time such as 2026-01-01, not {value!r:.40}")
