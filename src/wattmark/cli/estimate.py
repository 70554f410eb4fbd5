"""``wattmark estimate``: energy, carbon and cost before running, and the actual beside them afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from wattmark import wiring
from wattmark.cli.options import config_here, json_option, load
from wattmark.core.currency import checked_currency, checked_price
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.estimate import (
    Beside,
    Estimate,
    Terms,
    beside,
    energy_from,
    from_flop,
    from_pilot,
    stored,
)
from wattmark.core.facts import Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.hardware import PRECISIONS, find, peak_of
from wattmark.reports.as_json import answer_json, document
from wattmark.reports.as_text import answer_text, percent
from wattmark.wiring.expenses import price_ahead
from wattmark.wiring.grid import now_us
from wattmark.wiring.hardware import load_hardware

SCHEMA = "estimate"
PATH = click.Path(path_type=Path, exists=True)


@click.command()
@click.option("--flop", type=float, help="Floating-point operations of the whole, e.g. 3e20.")
@click.option("--hardware", help="Device of the hardware table, e.g. h100-sxm.")
@click.option("--precision", type=click.Choice(PRECISIONS), default="bf16", show_default=True)
@click.option("--sparse", is_flag=True, help="Use the peak with structured sparsity.")
@click.option("--mfu", type=float, help="Model FLOP utilisation: achieved over peak, 0 to 1.")
@click.option("--rest-watts", type=float, help="Power of the rest of the node per device; then PUE applies.")
@click.option("--pilot", multiple=True, type=PATH, help="A measured part of the whole; repeatable.")
@click.option("--scale", help="The whole in units of work, as UNIT=COUNT, e.g. samples=1e6.")
@click.option("--fraction", type=float, help="Share of the whole that the pilot is, e.g. 0.02.")
@click.option("--from", "kept", type=PATH, help="An estimate stored with --out.")
@click.option("--actual", multiple=True, type=PATH, help="The run that was estimated; repeatable.")
@click.option("--pue", type=float, help="Power usage effectiveness of the site, 1.0 or more.")
@click.option("--country", help="Country of the grid, ISO 3166 alpha-3, e.g. FRA.")
@click.option("--region", help="Cloud region, e.g. eu-west-1: country, grid and the provider's PUE.")
@click.option("--intensity", type=float, help="Grid intensity in gCO2e per kWh.")
@click.option("--world-average", is_flag=True, help="Use the world's mean intensity, flagged.")
@click.option("--price", type=float, help="Price of electricity per kWh [the project's [[tariff]]].")
@click.option("--currency", default="EUR", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Store the estimate here.")
@json_option
def command(as_json: bool, out: Path | None, actual: tuple[Path, ...], **options: Any) -> None:
    """Estimate energy, carbon and cost, with an interval, at grade D.

    From FLOP: --flop, --hardware and --mfu. From a measured pilot: --pilot with --scale or --fraction.
    Afterwards: --actual RUN sets what was used beside it, here or later with --from FILE.
    """
    made = None if options["kept"] else _make(options)
    energy = made.energy if made else _kept(options["kept"])
    seen = _beside(energy, actual) if actual else None
    body = {**(_body(made) if made else {}), **({"actual": _beside_body(seen)} if seen else {})}
    if out is not None:
        if made is None:
            raise UsageError("--out stores a new estimate; this one is stored already")
        out.write_text(document(SCHEMA, 1, _body(made)) + "\n", encoding="utf-8")
    if as_json:
        click.echo(document(SCHEMA, 1, body))
        return
    lines = _text(made) if made else [f"estimated   {_in_kwh(energy)}"]
    click.echo("\n".join([*lines, *(_beside_text(seen) if seen else [])]))
    if out is not None:
        click.echo(f"\nStored in {out}; afterwards: wattmark estimate --from {out} --actual RUN")


def _make(options: dict[str, Any]) -> Estimate:
    if (options["flop"] is None) == (not options["pilot"]):
        raise UsageError("say what to estimate from: either --flop with --hardware and --mfu, or --pilot RUN")
    return _from_flop(options) if options["flop"] is not None else _from_pilot(options)


def _from_flop(options: dict[str, Any]) -> Estimate:
    needed = {"hardware": "--hardware ID", "mfu": "--mfu, achieved over peak (0 to 1)"}
    lacking = [words for name, words in needed.items() if options[name] is None]
    if lacking:
        raise UsageError(f"an estimate from FLOP needs {' and '.join(lacking)}")
    spec = find(load_hardware(), options["hardware"])
    peak = peak_of(spec, options["precision"], sparse=options["sparse"])
    if isinstance(peak, Missing):
        raise UsageError(f"{peak.field} is not published ({peak.hint}): choose another precision or device")
    return from_flop(options["flop"], peak, options["mfu"], _terms(options), rest_watts=options["rest_watts"])


def _from_pilot(options: dict[str, Any]) -> Estimate:
    facts = _facts(options["pilot"])
    if isinstance(facts.energy, Missing):
        raise UsageError(f"the pilot holds no energy: {facts.energy}")
    fraction, told = _fraction(facts, options["scale"], options["fraction"])
    return from_pilot(facts.energy, fraction, _terms(options), told=told)


def _fraction(facts: Facts, scale: str | None, fraction: float | None) -> tuple[float, str]:
    """How much of the whole the pilot is, and in words."""
    if (scale is None) == (fraction is None):
        raise UsageError("say how large the whole is: either --scale UNIT=COUNT or --fraction 0.02")
    if fraction is not None:
        return fraction, ""
    unit, _, text = str(scale).partition("=")
    if unit not in facts.work:
        logged = ", ".join(facts.work) or "nothing"
        raise UsageError(
            f"the pilot logged no {unit!r} (it logged {logged}): use --fraction, or log the work"
        )
    try:
        whole = float(text)
    except ValueError:
        raise UsageError(f"--scale {scale!r} is not UNIT=COUNT, e.g. samples=1e6") from None
    if whole <= 0:
        raise UsageError(f"--scale {scale!r}: give a count above 0")
    done = facts.work[unit].count
    return done / whole, f"the pilot did {done:g} of {whole:g} {unit}"


def _terms(options: dict[str, Any]) -> Terms:
    names = ("pue", "country", "region", "intensity", "world_average")
    config, stated = config_here(), wiring.Stated(**{n: options[n] for n in names})
    given = wiring.given_from(config, stated)
    if options["price"] is not None:
        checked_price(options["price"], checked_currency(options["currency"]))
    return Terms(
        pue=given.pue.figure() if given.pue else Missing("pue", "--pue 1.2"),
        intensity=given.intensity.figure()
        if given.intensity
        else Missing("grid intensity", "--country FRA, --intensity 56, or --world-average"),
        price_per_kwh=options["price"],
        currency=options["currency"],
        price=price_ahead(config, stated, now_us()),
    )


def _facts(paths: tuple[Path, ...]) -> Facts:
    _, runs = load(paths)
    return wiring.facts_for(runs, config_here(), wiring.Stated())


def _beside(energy: Figure, actual: tuple[Path, ...]) -> Beside:
    facts = _facts(actual)
    if isinstance(facts.energy, Missing):
        raise UsageError(f"the actual run holds no energy: {facts.energy}")
    return beside(energy, facts.energy)


def _kept(path: Path) -> Figure:
    try:
        return energy_from(json.loads(path.read_text(encoding="utf-8"))["estimate"])
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError):
        raise EvidenceError(str(path), "is not a stored estimate: write one with --out") from None


def _body(made: Estimate) -> dict[str, Any]:
    return {
        "basis": made.basis,
        "estimate": stored(made),
        "energy": answer_json(made.energy),
        "facility_energy": answer_json(made.facility) if made.facility else None,
        "carbon": answer_json(made.carbon),
        "cost": answer_json(made.cost),
        "device_hours": made.device_hours,
        "assumptions": list(made.assumptions),
    }


def _text(made: Estimate) -> list[str]:
    boundary = made.energy.terms["boundary"]
    lines = [f"energy      {_in_kwh(made.energy)}, {boundary} boundary"]
    if made.facility:
        lines.append(f"at the site {_in_kwh(made.facility)}")
    lines += [f"carbon      {answer_text(made.carbon)}", f"cost        {answer_text(made.cost)}"]
    if made.device_hours is not None:
        lines.append(f"device time {made.device_hours:.4g} h")
    notes = [n for f in (made.carbon, made.cost) if isinstance(f, Figure) for n in f.notes]
    lines += ["", "assumed", *(f"  {line}" for line in made.assumptions)]
    lines += ["notes", *(f"  {n}" for n in dict.fromkeys(notes))] if notes else []
    return [*lines, "An estimate (grade D): it never passes for a measurement."]


def _beside_body(seen: Beside) -> dict[str, Any]:
    return {
        "energy": answer_json(seen.actual),
        "ratio": answer_json(seen.ratio),
        "inside_interval": seen.inside,
    }


def _in_kwh(energy: Figure) -> str:
    return answer_text(energy.scaled(1 / 3.6e6, "kWh"))


def _beside_text(seen: Beside) -> list[str]:
    held = "inside the interval" if seen.inside else "outside the interval"
    return [
        "",
        f"actual      {_in_kwh(seen.actual)}",
        f"ratio       {percent(seen.ratio.value)} of the estimate, {held}",
    ]
