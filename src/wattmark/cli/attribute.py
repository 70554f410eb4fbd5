"""``wattmark attribute``: which requests used how much of the energy of which devices."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of, regions
from wattmark.cli.ledger_asked import microseconds, span_of, span_options
from wattmark.cli.options import config_here, json_option
from wattmark.cli.output import only_ascii
from wattmark.cli.tags import pairs
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.figure import Figure, Missing
    from wattmark.wiring.attribution import Outcome

RULES = ("tokens", "equal", "weight")
GROUPS = ("model", "model_version", "tenant", "target")
MOST_BAD = 3


def _formats() -> list[str]:
    from wattmark.attribution.logs.catalog import FORMATS

    return ["auto", *FORMATS]


def _carbon(function: Any) -> Any:
    """Where it ran, as far as carbon needs it."""
    for option in reversed(
        (
            click.option("--pue", type=float, help="Power usage effectiveness of the site, 1.0 or more."),
            click.option("--country", help="Country of the grid, ISO 3166 alpha-3, e.g. FRA."),
            click.option("--region", shell_complete=one_of(regions), help="Cloud region, e.g. eu-west-1."),
            click.option("--intensity", type=float, help="Grid intensity in gCO2e per kWh."),
            click.option(
                "--basis",
                type=click.Choice(["lifecycle", "direct"]),
                help="Of the grid's figures [lifecycle].",
            ),
            click.option("--world-average", is_flag=True, help="Use the world's mean intensity, flagged."),
        )
    ):
        function = option(function)
    return function


@click.command()
@click.option(
    "--requests",
    "logs",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Log of requests; several are read side by side.",
)
@click.option(
    "--power",
    multiple=True,
    required=True,
    metavar="SERIES",
    help="Run file, samples (CSV, JSON Lines, Parquet), Prometheus address, ledger:URL, or NAME:INPUT of an "
    "importer.",
)
@click.option(
    "--format",
    "format_",
    default="auto",
    shell_complete=one_of(_formats),
    help="Of the logs: jsonl, csv, parquet, otlp, nginx, ... [auto].",
)
@click.option(
    "-o",
    "--option",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the logs, or of the power (power.KEY=VALUE).",
)
@click.option(
    "--rule",
    type=click.Choice(RULES),
    default="tokens",
    help="How a moment is divided: tokens per second, equally, or by declared weights [tokens].",
)
@click.option(
    "--input-cost",
    type=float,
    default=1.0,
    help="What reading an input token costs against writing an output token [1].",
)
@click.option(
    "--place", multiple=True, metavar="MODEL=DEVICE,...", help="Which devices a model runs on; * and ? match."
)
@click.option(
    "--reserved",
    multiple=True,
    metavar="MODEL=SHARE",
    help="Share of its devices that a model keeps, e.g. 0.5.",
)
@click.option("--device", "devices", multiple=True, help="Only this device; * and ? match.")
@click.option(
    "--by",
    default="model",
    shell_complete=one_of(lambda: GROUPS),
    help="Group by model, model_version, tenant, target; several with commas [model].",
)
@span_options
@click.option(
    "--slack",
    type=click.FloatRange(min=0),
    default=3600.0,
    help="Seconds by which a request may start before others that came earlier in its log [3600].",
)
@click.option("--no-errors", is_flag=True, help="Leave out other rules and readings: faster, no uncertainty.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every request with its joules: .parquet or .csv.",
)
@_carbon
@json_option
def command(
    logs: tuple[Path, ...],
    power: tuple[str, ...],
    format_: str,
    settings: tuple[str, ...],
    rule: str,
    input_cost: float,
    place: tuple[str, ...],
    reserved: tuple[str, ...],
    devices: tuple[str, ...],
    by: str,
    begin: str | None,
    end: str | None,
    inside: str | None,
    slack: float,
    no_errors: bool,
    out: Path | None,
    as_json: bool,
    **stated: Any,
) -> None:
    """Divide the energy of devices among the requests that ran on them.

    At each moment the power of a device is shared among the requests that are active then. Requests and idle
    energy make up the device. Without --place every model runs on every device.
    """
    from wattmark.attribution.attribute import RULES as RULE_NAMED
    from wattmark.core.serving.weights import Weighing
    from wattmark.reports.as_json import document
    from wattmark.reports.attribution import attribution_body, attribution_text
    from wattmark.wiring.attribution import Asked, attributed

    groups = _groups(by)
    span = span_of(begin, end, inside, UTC)
    pue, intensity = _carbon_of(stated)
    asked = Asked(
        requests=logs,
        power=power,
        format=format_,
        options=pairs(settings, "-o"),
        place=_places(place),
        reserved=_shares(reserved),
        devices=devices,
        weighing=Weighing(RULE_NAMED[rule], input_cost),
        since_us=microseconds(span[0]),
        until_us=microseconds(span[1]),
        slack_us=round(slack * 1e6),
        uncertain=not no_errors,
        with_ids=out is not None,
    )
    for spec in power:
        _fold_first(spec)
    with _written(out) as (take, describe), _counted() as told:
        outcome = attributed(asked, take, told)
        describe(outcome.total.window, input_cost)
    view = _view(outcome, groups, input_cost, pue, intensity, out)
    if as_json:
        click.echo(document("attribution", 1, attribution_body(view)))
    else:
        click.echo(attribution_text(view, ascii_only=only_ascii()))


def _fold_first(spec: str) -> None:
    """Whoever reads a ledger folds first: an agent's last windows may still lie in its inbox."""
    from wattmark.cli.ledger_options import note, now_us
    from wattmark.wiring.ledger import fold_first, open_ledger
    from wattmark.wiring.power import ledger_in

    url = ledger_in(spec)
    if url is not None:
        fold_first(open_ledger(url), now_us(), note)


def _view(
    outcome: Outcome,
    by: tuple[str, ...],
    input_cost: float,
    pue: Figure | Missing,
    intensity: Figure | Missing,
    out: Path | None,
) -> Any:
    from wattmark.core.serving.figures import device_figures, figures_by
    from wattmark.reports.attribution import AttributionView, Read

    total = outcome.total
    return AttributionView(
        window=total.window,
        input_cost=input_cost,
        by=by,
        groups=figures_by((total.window,), by, pue=pue, intensity=intensity),
        devices=device_figures((total.window,)),
        conservation={each.device_id: each.error for each in total.conservation},
        estimated=sum(total.estimated.values()),
        late=total.late,
        logs=[
            Read(
                name=tally.name,
                taken=tally.taken,
                ignored=tally.ignored,
                repeated=tally.repeated,
                bad=tally.bad_rows,
                first_bad=[f"{row.place}: {row.reason}" for row in tally.bad[:MOST_BAD]],
            )
            for tally in outcome.tallies
        ],
        notes=(*outcome.notes, *total.window.notes),
        written="" if out is None else str(out),
    )


def _groups(by: str) -> tuple[str, ...]:
    names = tuple(filter(None, (name.strip() for name in by.split(","))))
    if stray := [name for name in names if name not in GROUPS]:
        raise UsageError(f"--by {stray[0]}: requests are grouped by {', '.join(GROUPS)}")
    return names


def _places(given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Devices by model; a model named twice has the devices of both."""
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        model, equals, named = text.rpartition("=")
        devices = tuple(filter(None, (name.strip() for name in named.split(","))))
        if not equals or not devices:
            raise UsageError(f"--place {text!r} is not MODEL=DEVICE, e.g. llama=gpu:0,gpu:1")
        found[model] = (*found.get(model, ()), *devices)
    return found


def _shares(given: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for text in given:
        model, _, share = text.rpartition("=")
        try:
            found[model] = float(share.removesuffix("%")) / (100 if share.endswith("%") else 1)
        except ValueError:
            raise UsageError(f"--reserved {text!r} is not MODEL=SHARE, e.g. llama=0.5") from None
        if not model or not 0 <= found[model] <= 1:
            raise UsageError(f"--reserved {text!r}: name the model, and a share between 0 and 1")
    return found


def _carbon_of(stated: dict[str, Any]) -> tuple[Figure | Missing, Figure | Missing]:
    """PUE and intensity as far as they are stated, here or in wattmark.toml."""
    from wattmark import wiring
    from wattmark.core.figure import Missing
    from wattmark.wiring.given import given_from

    given = given_from(config_here(), wiring.Stated(**stated))
    pue = given.pue.figure() if given.pue else Missing("PUE", "give --pue or --region")
    if given.intensity is None:
        return pue, Missing("grid intensity", "give --region, --country or --intensity")
    return pue, given.intensity.figure()


@contextmanager
def _written(out: Path | None) -> Iterator[Any]:
    """Takes requests that are done and, at the end, their terms, and writes them where they are wanted."""
    if out is None:
        yield lambda energies: None, lambda window, input_cost: None
        return
    from wattmark.attribution.writing import writer_to
    from wattmark.attribution.written import terms_of

    with writer_to(out) as writer:
        yield writer.write, lambda window, input_cost: writer.describe(terms_of(window, input_cost))


@contextmanager
def _counted() -> Iterator[Any]:
    """Says on a terminal's standard error how many requests were read, and removes it when it is done."""
    if not sys.stderr.isatty():
        yield lambda requests: None
        return

    def told(requests: int) -> None:
        sys.stderr.write(f"\r{requests:,} requests read ...".replace(",", " "))
        sys.stderr.flush()

    try:
        told(0)
        yield told
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
