"""Sites: where machines stand, and the PUE that holds there from when to when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from wattmark.core.errors import UsageError

PUE_KINDS = ("declared", "provider_year", "measured", "office")
OFFICE = "office"
"""A site of this name that nobody describes has a PUE of 1.0: no cooling plant behind the socket."""
MEASURED = "measured"
UNMEASURED = "where none was measured"
"""Said in the source of a PUE that stands in for a measured one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePue:
    """Power usage effectiveness of one site over one stretch of time."""

    site: str
    start_us: int | None = None
    """Where it begins to hold, microseconds since 1970 UTC; None: always did."""
    end_us: int | None = None
    """The first moment at which it no longer holds; None: it still does."""
    pue: float
    kind: str = "declared"
    """One of PUE_KINDS."""
    relative_error: float = 0.0
    """Half width at 95 %, as a share."""
    source: str = ""
    """Who publishes it, and for when; empty: whoever stated it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One place as somebody states it; what is empty is not stated."""

    name: str
    country: str = ""
    """ISO 3166 alpha-3."""
    subregion: str = ""
    """Of eGRID, in the United States."""
    zone: str = ""
    """Grid zone, as in [[grid]] or as a provider of intensities names it."""
    region: str = ""
    """The cloud region that it is, for a site by another name: what is not stated comes from there."""
    latitude: float | None = None
    longitude: float | None = None
    carbon_free_share: float | None = None
    carbon_free_year: int | None = None
    source: str = ""
    """Who says where it is."""
    pues: tuple[SitePue, ...] = ()
    """Over time, without overlaps."""
    pue_file: str = ""
    """CSV of its measured PUE, beside the file that names it."""
    bought: bool = False
    """It is a cloud region: its provider buys the electricity, which is Scope 3.1 of a customer."""

    def pue_at(self, at_us: int) -> SitePue | None:
        """The PUE that holds at a moment: one with bounds goes before one without."""
        holding = [p for p in self.pues if _holds(p, at_us)]
        return min(holding, key=lambda p: p.start_us is None and p.end_us is None, default=None)


def together(sites: Sequence[Site]) -> tuple[Site, ...]:
    """One site for each name: tables may each state a part of it. Raises UsageError where two contradict."""
    found: dict[str, Site] = {}
    for site in sites:
        before = found.get(site.name)
        found[site.name] = site if before is None else _joined(before, site)
    return tuple(replace(site, pues=in_turn(site.pues)) for site in found.values())


def _joined(one: Site, other: Site) -> Site:
    changes: dict[str, object] = {"pues": (*one.pues, *other.pues)}
    for name in (*PLACE_FIELDS, "pue_file"):
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine in ("", None):
            changes[name] = theirs
        elif theirs not in ("", None, mine):
            raise UsageError(f"site {one.name!r} is stated twice: {name} is {mine} and {theirs}; keep one")
    changes["source"] = " + ".join(dict.fromkeys(filter(None, (one.source, other.source))))
    return replace(one, **changes)  # type: ignore[arg-type]  # names of fields, each with a value of its own


PLACE_FIELDS = (
    "country",
    "subregion",
    "zone",
    "region",
    "latitude",
    "longitude",
    "carbon_free_share",
    "carbon_free_year",
)


def in_turn(pues: Iterable[SitePue]) -> tuple[SitePue, ...]:
    """Each PUE without an end holds until the next one of its site begins.

    Raises UsageError for two from the same moment on, and for one that begins before another has ended.
    """
    found = list(pues)
    for at, one in enumerate(found):
        if any(one.start_us == other.start_us for other in found[:at]):
            raise UsageError(
                f"site {one.site!r} has two PUEs from the same moment on: give `valid_from`, or leave one out"
            )
    ended = []
    for one in found:
        after = [o.start_us for o in found if o.start_us is not None and o.start_us > _start(one)]
        if one.end_us is None and after:
            ended.append(replace(one, end_us=min(after)))
            continue
        if one.end_us is not None and after and one.end_us > min(after):
            raise UsageError(
                f"site {one.site!r} has two PUEs at once: let `valid_to` end where the next begins"
            )
        ended.append(one)
    return tuple(ended)


def layered(stated: Sequence[SitePue], measured: Sequence[SitePue]) -> tuple[SitePue, ...]:
    """Measured PUEs, and what is stated in the time that they leave: its source then says so.

    All are of one site; the measured ones are in order of time, bounded, without overlaps.
    """
    if not measured:
        return tuple(stated)
    left: list[SitePue] = []
    for one in stated:
        told = replace(one, source=f"{one.source}, {UNMEASURED}" if one.source else UNMEASURED)
        if told.start_us is None and told.end_us is None:
            left.append(told)  # without bounds it holds only where no bounded one does
        else:
            left.extend(_without(told, measured))
    return (*left, *measured)


def _without(one: SitePue, measured: Sequence[SitePue]) -> Iterable[SitePue]:
    start = one.start_us
    for other in measured:
        begins, ends = _start(other), _end(other)
        if ends <= _low(start) or begins >= _end(one):
            continue
        if begins > _low(start):
            yield replace(one, start_us=start, end_us=begins)
        start = ends
    if _low(start) < _end(one):
        yield replace(one, start_us=start)


def _holds(pue: SitePue, at_us: int) -> bool:
    return _start(pue) <= at_us < _end(pue)


def _start(pue: SitePue) -> int:
    return _low(pue.start_us)


def _low(at_us: int | None) -> int:
    return -(2**62) if at_us is None else at_us


def _end(pue: SitePue) -> int:
    return 2**62 if pue.end_us is None else pue.end_us
