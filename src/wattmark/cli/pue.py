"""``wattmark pue``: power usage effectiveness of sites, measured and as stated."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from wattmark.cli.completing import one_of, sites
from wattmark.cli.ledger_asked import microseconds, span_of, span_options
from wattmark.cli.ledger_options import ledger_option, note
from wattmark.cli.options import config_here, json_option
from wattmark.cli.output import only_ascii
from wattmark.core.errors import UsageError
from wattmark.core.pue_series import METER_ERROR, PueSeries
from wattmark.reports.as_json import document
from wattmark.sources.facility_forms import FORMS, Reading
from wattmark.wiring.pue import CALENDAR, STEPS, Polling, Queries, Wanted

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)")
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
form_choice = click.Choice(list(FORMS))


@click.group()
def group() -> None:
    """Measure the power usage effectiveness of sites, and list which one holds when."""


def _many(*options: Callable[..., Any]) -> Callable[..., Any]:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return add


where_from = _many(
    click.option(
        "--csv",
        "files",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Export of a DCIM or of meters.",
    ),
    click.option("--prometheus", metavar="URL", help="A Prometheus; --facility and --it are queries."),
    click.option("--redfish", metavar="URL", help="A Redfish service; --facility and --it are resources."),
    click.option(
        "--facility",
        multiple=True,
        required=True,
        help="Column, query or resource of the whole facility; several add up.",
    ),
    click.option(
        "--it", multiple=True, required=True, help="Column, query or resource of the IT load; several add up."
    ),
    click.option("--as", "both_as", type=form_choice, help="What the values are; else as the names tell."),
    click.option("--facility-as", type=form_choice, help="What the facility's values are."),
    click.option("--it-as", type=form_choice, help="What the values of the IT load are."),
    click.option("--cafile", help="Certificate of the service, where no authority has signed it."),
)
reading_of = _many(
    click.option("--time", "time_column", metavar="COLUMN", help="Of times, in a CSV [named time...]."),
    click.option(
        "--time-layout", metavar="LAYOUT", help="Of times in a CSV, e.g. '%d.%m.%Y %H:%M' [ISO 8601]."
    ),
    click.option("--timezone", metavar="NAME", help="Of times, days and months that name none [UTC]."),
    click.option("--interval", metavar="DURATION", help="How long each *-interval lasts, e.g. 15min."),
    click.option("--at-end", is_flag=True, help="The time of an *-interval is that of its end."),
    click.option("--longest-gap", metavar="DURATION", help="Power farther apart than this leaves a gap."),
    click.option("--resolution", metavar="DURATION", default="60s", help="Step of the queries [60s]."),
    click.option("--poll", type=click.Path(path_type=Path), help="File that Redfish readings are added to."),
    click.option("--times", type=click.IntRange(1), default=1, help="How often to look [1]."),
    click.option("--every", metavar="DURATION", default="60s", help="Between two looks [60s]."),
)
result_of = _many(
    click.option(
        "--step",
        type=click.Choice([*STEPS, *CALENDAR]),
        default="hour",
        help="Length of the intervals [hour].",
    ),
    click.option(
        "--category",
        type=click.IntRange(1, 3),
        help="Where IT energy is measured (ISO/IEC 30134-2): 1 UPS output, 2 PDU output, 3 IT input.",
    ),
    click.option(
        "--facility-error", type=click.FloatRange(0, 1), default=METER_ERROR, help="Of its meter [0.02]."
    ),
    click.option("--it-error", type=click.FloatRange(0, 1), default=METER_ERROR, help="Of its meter [0.02]."),
    click.option("--source", default="", help="What figures will say of it [the file, URL or queries]."),
    click.option("--into", "ledger", metavar="LEDGER", help="Keep it in a ledger, whose totals then use it."),
    click.option(
        "--out", type=click.Path(path_type=Path), help="Write it as CSV, for `pue_file` of a [[site]]."
    ),
)


@group.command()
@click.option(
    "--site",
    required=True,
    help="Its name, as runs and [[site]] state it.",
    shell_complete=one_of(sites),
)
@where_from
@reading_of
@span_options
@result_of
@json_option
def measure(
    site: str, begin: str | None, end: str | None, inside: str | None, as_json: bool, **options: Any
) -> None:
    """Measure a site's PUE: facility energy over IT energy, interval by interval.

    Out of a CSV, two queries of a Prometheus, or a Redfish service. Intervals in which IT energy is above the
    facility's, or that were not read for a tenth of the time, tell no PUE and are listed.
    """
    from wattmark.reports.pue import series_body, series_text
    from wattmark.sources.moments import zone_of

    zone = zone_of(options["timezone"])
    first, last = (microseconds(moment) for moment in span_of(begin, end, inside, zone))
    wanted = Wanted(
        site=site,
        step=options["step"],
        zone=zone,
        category=options["category"],
        facility_error=options["facility_error"],
        it_error=options["it_error"],
        source=options["source"],
        span=(first, last),
    )
    series = _measured(wanted, options)
    if series is None:
        return
    _keep(series, options["ledger"], options["out"])
    if as_json:
        click.echo(document("pue-series", 1, series_body(series)))
    else:
        click.echo(series_text(series, ascii_only=only_ascii()))


@group.command()
@ledger_option
@click.option("--site", help="Only this one.", shell_complete=one_of(sites))
@json_option
def show(ledger: str | None, site: str | None, as_json: bool) -> None:
    """List which PUE holds when: as stated and as measured, of a ledger or of wattmark.toml."""
    from wattmark.reports.pue import SitesView, sites_body, sites_text

    view = _known(ledger)
    if site is not None:
        view = SitesView(
            where=view.where,
            stated=tuple(p for p in view.stated if p.site == site),
            measured=tuple(s for s in view.measured if s.site == site),
        )
    click.echo(document("pue-sites", 1, sites_body(view)) if as_json else sites_text(view))


def _known(ledger: str | None) -> Any:
    from wattmark.cli.ledger_options import chosen_ledger
    from wattmark.ledger.puefile import measured_series
    from wattmark.reports.pue import SitesView
    from wattmark.wiring.sites import measured_of, stated_sites

    config = config_here()
    if ledger is None and config.tables.get("site"):
        sites = stated_sites(config)
        return SitesView(
            where=config.path or "wattmark.toml",
            stated=tuple(p for site in sites for p in site.pues),
            measured=tuple(one for site in sites for one in measured_of(site)),
        )
    opened = chosen_ledger(ledger)
    return SitesView(where=opened.url, stated=opened.settings.sites, measured=measured_series(opened.store))


def _measured(wanted: Wanted, options: dict[str, Any]) -> PueSeries | None:
    """None where a Redfish service was looked at for the first time: one look is no energy yet."""
    from wattmark.sources.facility_csv import Columns
    from wattmark.wiring import pue

    asked = [name for name in ("files", "prometheus", "redfish") if options[name]]
    if len(asked) != 1:
        raise UsageError("say where from: one of --csv, --prometheus and --redfish")
    reading = Reading(
        reach_us=_micros(options["longest_gap"], "--longest-gap"),
        lasted_us=_micros(options["interval"], "--interval"),
        at_end=options["at_end"],
    )
    said = [options[name] or options["both_as"] for name in ("facility_as", "it_as")]
    if options["files"]:
        columns = Columns(
            facility=options["facility"],
            it=options["it"],
            time=options["time_column"],
            layout=options["time_layout"],
            zone=wanted.zone,
            facility_as=said[0],
            it_as=said[1],
        )
        return pue.from_csv(options["files"], columns, reading, wanted)
    if options["redfish"]:
        return _polled(wanted, reading, options)
    if None in wanted.span or len(options["facility"]) > 1 or len(options["it"]) > 1:
        raise UsageError(
            "--prometheus takes one --facility and one --it, and the time: --from and --to, or --in"
        )
    queries = Queries(
        url=options["prometheus"],
        facility=options["facility"][0],
        it=options["it"][0],
        facility_as=said[0],
        it_as=said[1],
        resolution_seconds=max(1, (_micros(options["resolution"], "--resolution") or 0) // 1_000_000),
        cafile=options["cafile"],
    )
    return pue.from_prometheus(queries, reading, wanted)


def _polled(wanted: Wanted, reading: Reading, options: dict[str, Any]) -> PueSeries | None:
    from wattmark.wiring import pue

    if options["poll"] is None:
        raise UsageError("--redfish shows what is now only: say --poll FILE, where readings are added up")
    polling = Polling(
        url=options["redfish"],
        facility=options["facility"],
        it=options["it"],
        file=options["poll"],
        times=options["times"],
        every_seconds=(_micros(options["every"], "--every") or 0) / 1e6,
        cafile=options["cafile"],
    )
    count = pue.poll(polling)
    note(f"{polling.file} holds {count} looks")
    return None if count < 2 else pue.from_polled(polling.file, reading, wanted)


def _keep(series: PueSeries, ledger: str | None, out: Path | None) -> None:
    from wattmark.stated.pue_csv import pue_csv

    if ledger is not None:
        from wattmark.cli.ledger_options import chosen_ledger
        from wattmark.ledger.puefile import add_measured

        opened = chosen_ledger(ledger)
        name, count = add_measured(opened.store, series)
        note(f"{opened.url}/{name} holds {count} intervals")
    if out is not None:
        try:
            out.write_text(pue_csv([series]), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
        note(f"{out} holds {len(series.intervals)} intervals")


def _micros(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    found = DURATION.fullmatch(text.strip())
    if found is None or float(found[1]) <= 0:
        raise UsageError(f"{option} {text!r} is no duration: write 30s, 15min, 1h or 1d")
    return round(float(found[1]) * SECONDS[found[2]] * 1e6)
