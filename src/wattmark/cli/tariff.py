"""``wattmark tariff``: what electricity costs here, and when; and figures of water."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from wattmark.cli.completing import one_of
from wattmark.cli.lazy import LazyGroup
from wattmark.cli.options import config_here, json_option
from wattmark.cli.output import only_ascii
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.tariff import Tariff
    from wattmark.core.water import WaterFactor

COMMANDS: dict[str, tuple[str, str]] = {
    # command -> (module:command, what it does in one line); modules load only when the command is used
    "show": ("wattmark.cli.tariff:show", "Show which prices and litres hold when, with a day as a plot."),
}


def places() -> list[str]:
    """Places that wattmark.toml states a price or water for; none where it cannot be read."""
    from wattmark.core.errors import WattmarkError

    try:
        _, tariffs, water = _stated(None)
    except WattmarkError:  # while a word is completed nothing is said; the command itself says what is wrong
        return []
    return sorted({*(t.place for t in tariffs), *(w.place for w in water)})


@click.group(cls=LazyGroup, verbs=COMMANDS)
def group() -> None:
    """Look up what a kilowatt-hour costs, and how much water it takes."""


@click.command()
@click.argument("place", required=False, shell_complete=one_of(places))
@click.option("--day", metavar="DAY", help="The day that is drawn, e.g. 2026-03-29 [today].")
@click.option("--ledger", metavar="LEDGER", help="Those of this ledger, not of wattmark.toml.")
@click.option("--no-plot", is_flag=True, help="Draw no day.")
@json_option
def show(place: str | None, day: str | None, ledger: str | None, no_plot: bool, as_json: bool) -> None:
    """Show the tariffs and figures of water that are stated, all or those of PLACE, with a day of each.

    PLACE is a site, a zone, a cloud region or a country; what holds there is the nearest that is stated.
    """
    from wattmark.core.tariff import course_of
    from wattmark.reports.as_json import document
    from wattmark.reports.tariffs import TariffView, day_of, tariffs_body, tariffs_text

    file, tariffs, water = _stated(ledger)
    if place is not None:
        tariffs, water = _at(place, tariffs, water)
        if not tariffs and not water:
            raise UsageError(f"{file} states no [[tariff]] and no [[water]] for {place!r}, nor for '*'")
    asked = _day(day)
    courses = tuple(course_of(t, *day_of(t, asked)) for t in tariffs)
    view = TariffView(file=file, day=asked, tariffs=tariffs, courses=courses, water=water, drawn=not no_plot)
    if as_json:
        click.echo(document("tariffs", 1, tariffs_body(view)))
    else:
        click.echo(tariffs_text(view, ascii_only=only_ascii()))


def _stated(ledger: str | None) -> tuple[str, tuple[Tariff, ...], tuple[WaterFactor, ...]]:
    """The file, its tariffs and its figures of water."""
    if ledger is not None:
        from wattmark.cli.ledger_options import chosen_ledger

        settings = chosen_ledger(ledger).settings
        return settings.file or "the ledger", settings.tariffs, settings.water
    from wattmark.wiring.expenses import stated_tariffs, stated_water

    config = config_here()
    return config.path or "wattmark.toml", stated_tariffs(config), stated_water(config)


def _at(
    place: str, tariffs: tuple[Tariff, ...], water: tuple[WaterFactor, ...]
) -> tuple[tuple[Tariff, ...], tuple[WaterFactor, ...]]:
    """What holds at a place: its own, its country's where it is a cloud region, or what holds everywhere."""
    from wattmark.core.tariff import EVERYWHERE, in_force
    from wattmark.wiring.expenses import with_country

    names = with_country((place,), None)
    found: list[WaterFactor] = []
    for kind in sorted({w.rate.kind for w in water}):
        some = [w for w in water if w.rate.kind == kind]
        near = next((name for name in (*names, EVERYWHERE) if any(w.place == name for w in some)), None)
        found += [w for w in some if w.place == near]
    return in_force(tariffs, names), tuple(found)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--day {text!r:.40} is no day: write 2026-03-29") from None
