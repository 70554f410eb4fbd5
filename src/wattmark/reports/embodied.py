"""Embodied carbon as text and JSON: the table of published figures, and an inventory with its findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wattmark.core.embodied import Footprint
from wattmark.core.figure import Figure
from wattmark.core.inventory import OWNED, Asset, findings
from wattmark.core.units import GRAMS_PER_KG
from wattmark.reports.as_json import figure_json
from wattmark.reports.as_text import table
from wattmark.reports.quantities import number

LEGEND = (
    "kgCO2e of making one device (or one GB), use not in it; +- is half of the 95 % interval.\n"
    "cradle-to-gate ends at the factory, all but use holds transport and end of life too.\n"
    "`wattmark hardware embodied ID` shows where a figure is from."
)
CAPITAL_GOODS = (
    "Scope 3.2, whole in the year of purchase (GHG Protocol): never to be added to amortised figures,\n"
    "which are product-only."
)


def footprints_text(rows: Sequence[Footprint], label: str) -> str:
    """One line per figure."""
    headers = ("id", "name", "kind", "kg", "+-", "stages", "year", "published by")
    cells = [
        (r.id, r.name, r.kind, _kg_of(r), _percent(r.relative_error), r.stages, r.year, _short(r.publisher))
        for r in rows
    ]
    return f"{table(headers, cells)}\n\n{LEGEND}\n{len(rows)} figures; table {label}"


def footprint_text(row: Footprint) -> str:
    """Everything about one figure."""
    basis = "as published" if row.error_basis == "published" else "assigned, see the note"
    facts = [
        ("figure", f"{_kg_of(row)} kgCO2e, {row.stages}"),
        ("uncertainty", f"+- {_percent(row.relative_error)} at 95 % ({basis})"),
        ("holds", ", ".join(sorted(row.contains))),
        ("configuration", row.configuration),
        ("published by", f"{row.publisher}, {row.year}"),
        ("document", row.source_title),
        ("address", row.source_url),
        ("source read", row.retrieved or "not re-read"),
        ("note", row.note),
    ]
    width = max(len(name) for name, _ in facts)
    return "\n".join((f"{row.id}: {row.name}", *(f"  {name:<{width}}  {said}" for name, said in facts)))


def footprint_json(row: Footprint) -> dict[str, Any]:
    """One figure, ready for JSON."""
    return {
        "id": row.id,
        "name": row.name,
        "vendor": row.vendor,
        "kind": row.kind,
        "kg_co2e": row.grams / GRAMS_PER_KG,
        "per": row.unit,
        "stages": row.stages,
        "relative_error_95": row.relative_error,
        "error_basis": row.error_basis,
        "contains": sorted(row.contains),
        "configuration": row.configuration,
        "year": row.year,
        "publisher": row.publisher,
        "source_title": row.source_title,
        "source_url": row.source_url,
        "retrieved": row.retrieved or None,
        "note": row.note,
    }


def inventory_text(
    assets: Sequence[Asset], at_us: int, bought: Mapping[str, Figure], year: int | None
) -> str:
    """One line per device, what deserves a look, and what was bought in a year."""
    headers = (
        "name",
        "part",
        "number",
        "kg each",
        "+-",
        "serves from",
        "used up",
        "mode",
        "g per hour",
        "site",
    )
    cells = [
        (
            a.name,
            a.component,
            number(a.quantity),
            number(a.carried_grams / GRAMS_PER_KG),
            _percent(a.relative_error),
            _day(a.start_us),
            _day(a.end_us),
            a.mode,
            number(a.grams_per_hour),
            a.site,
        )
        for a in assets
    ]
    said = [f"{a.place}: {a.name}: {text}" for a, text in findings(assets, at_us)]
    parts = [
        table(headers, cells),
        f"{len(assets)} lines; g per hour: what an hour of one carries, reserved or in use by its mode",
        *(["", *said] if said else []),
    ]
    if year is not None:
        parts += ["", *_bought_text(bought, year)]
    return "\n".join(parts)


def _bought_text(bought: Mapping[str, Figure], year: int) -> list[str]:
    if not bought:
        return [f"Bought in {year}: nothing that is owned."]
    cells = [(site or "(no site)", _kg(f), _percent(f.relative)) for site, f in bought.items()]
    if len(bought) > 1:
        whole = total_bought(bought)
        cells.append(("all", _kg(whole), _percent(whole.relative)))
    return [f"Bought in {year}", table(("site", "kgCO2e", "+-"), cells), CAPITAL_GOODS]


def total_bought(bought: Mapping[str, Figure]) -> Figure:
    """All sites together. Raises ValueError when nothing was bought."""
    from wattmark.core.figure import total

    return total(bought.values())


def inventory_json(
    assets: Sequence[Asset], at_us: int, bought: Mapping[str, Figure], year: int | None
) -> dict[str, Any]:
    """The inventory with its findings, ready for JSON."""
    return {
        "devices": [_asset_json(a) for a in assets],
        "findings": [
            {"place": a.place, "name": a.name, "finding": text} for a, text in findings(assets, at_us)
        ],
        "bought": None
        if year is None
        else {
            "year": year,
            "inventory": "scope 3.2",
            "sites": [{"site": site, "figure": figure_json(f)} for site, f in bought.items()],
            "total": figure_json(total_bought(bought)) if bought else None,
        },
    }


def _asset_json(a: Asset) -> dict[str, Any]:
    return {
        "name": a.name,
        "component": a.component,
        "hosts": sorted(a.hosts),
        "device_id": a.device_id or None,
        "quantity": a.quantity,
        "total_grams": a.total_grams,
        "carried_grams": a.carried_grams,
        "relative_error_95": a.relative_error,
        "contains": sorted(a.contains),
        "purchased": _day(a.purchased_us),
        "in_service_from": _day(a.start_us),
        "used_up": _day(a.end_us),
        "in_service_until": None if a.until_us is None else _day(a.until_us),
        "lifespan_hours": a.lifespan_hours,
        "mode": a.mode,
        "utilisation": a.utilisation,
        "grams_per_hour": a.grams_per_hour,
        "refurbished": a.refurbished,
        "owned": a.ownership == OWNED,
        "site": a.site or None,
        "source": a.source,
        "place": a.place,
    }


def _short(publisher: str) -> str:
    """The first of several authors."""
    first, *others = publisher.partition(" (")[0].split(", ")
    return f"{first} et al." if others else first


def _kg_of(row: Footprint) -> str:
    """As published: not rounded."""
    each = "/GB" if row.unit == "GB" else ""
    return f"{row.grams / GRAMS_PER_KG:g}{each}"


def _kg(figure: Figure) -> str:
    return number(figure.value / GRAMS_PER_KG)


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _day(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).date().isoformat()
