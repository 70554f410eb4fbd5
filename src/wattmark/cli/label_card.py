"""``wattmark label card RUN...``: what making a model emitted, for its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattmark.cli.label_make import NO_PLACE, put_into_card, refuse_foreign_card
from wattmark.cli.options import (
    as_one_option,
    config_here,
    place_options,
    run_arguments,
    say_first,
    stated_from,
)
from wattmark.cli.output import write_to
from wattmark.core.errors import RefusedError, UsageError


@click.command(
    epilog="Exit code: 0 done; 2 usage, or carbon that is not known: a card without it says nothing."
)
@run_arguments
@click.option("--card", metavar="FILE", help="Write the block by itself; - is standard output [-].")
@click.option("--into", metavar="README.md", help="Put the block into this model card, and leave the rest.")
@click.option(
    "--replace-emissions", is_flag=True, help="With --into: replace co2_eq_emissions that others wrote."
)
@click.option(
    "--decision",
    type=click.Path(path_type=Path),
    help="Decision of these runs (wattmark gate --decision FILE): score, gate and stars.",
)
@as_one_option
@place_options
def command(
    runs: tuple[Path, ...],
    card: str | None,
    into: str | None,
    replace_emissions: bool,
    decision: Path | None,
    as_one: bool,
    **options: Any,
) -> None:
    """Write what making a model emitted into its Hugging Face card: grams of CO2e, and how they are known.

    RUNS are the attempts at one solution, or with --as-one all that belongs to the model, e.g. its
    training and its evaluation. Without a grid intensity nothing is written.
    """
    from wattmark.core.figure import Figure
    from wattmark.core.tracked import CARBON, ENERGY
    from wattmark.reports.assembling import answers_over
    from wattmark.reports.label_card import card_text
    from wattmark.reports.run_card import run_card
    from wattmark.wiring import given_from
    from wattmark.wiring.decisions import group_of
    from wattmark.wiring.trackers import decision_of, totals_of

    config, stated = config_here(), stated_from(options)
    group = group_of(runs, config, stated, as_one=as_one)
    say_first(group.remarks)
    if len(group.repeats) > 1:
        raise UsageError(
            f"these are {len(group.repeats)} repeats, and a model was made once: name the runs that made it, "
            "and say --as-one when they belong together"
        )
    facts = group.repeats[0].facts
    totals = totals_of(facts)
    energy, carbon = totals[ENERGY], totals[CARBON]
    given = given_from(config, stated, group.runs)
    if not isinstance(energy, Figure) or not isinstance(carbon, Figure) or given.intensity is None:
        raise RefusedError(f"no co2_eq_emissions: {carbon if given.intensity is not None else NO_PLACE}")
    if any(run.subject.stage == "inference" for run in group.runs):
        raise RefusedError(
            "no co2_eq_emissions: some of these runs are inference, and the field is of making a model; "
            "`wattmark label --into` tells what its inference takes, from a benchmark"
        )
    if group.repeats[0].simulated:
        raise RefusedError("no co2_eq_emissions: the energy is simulated, nothing was emitted")
    where = ", ".join(filter(None, (given.intensity.zone, given.intensity.source)))
    made = run_card(
        group.runs,
        energy,
        carbon,
        answers_over([facts]),
        attempts=facts.attempts,
        intensity=f"{given.intensity.grams_per_kwh:g} gCO2e/kWh ({where})",
        location="" if given.intensity.zone == "stated" else given.intensity.zone,
        decision=None if decision is None else decision_of(decision, group),
    )
    if card or not into:
        refuse_foreign_card(Path(card or "-"))
        write_to(card or "-", card_text(made))
    if into:
        put_into_card(made, Path(into), replace=replace_emissions)
