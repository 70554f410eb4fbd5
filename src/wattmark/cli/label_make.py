"""``wattmark label RESULT``: SVG, PNG and JSON of one label, a badge, and a block for a model card."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of as any_of
from wattmark.cli.leaderboard import mode_option, thresholds_option
from wattmark.cli.options import config_here, place_options, stated_from
from wattmark.cli.output import STDOUT, write_to
from wattmark.core.errors import UsageError
from wattmark.version import __version__

if TYPE_CHECKING:
    from wattmark.core.bench.result import Result
    from wattmark.core.stars.rating import Rating
    from wattmark.reports.label_card import Card, CardCarbon

NO_PLACE = (
    "no grid intensity is known (--country FRA, --region eu-west-1, --intensity 56, or [place] in "
    "wattmark.toml)"
)


def _tasks() -> Iterable[str]:
    from wattmark.core.bench.task import TASKS

    return TASKS


def result_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Which of several results is meant, and how it is rated."""
    for option in (
        click.option("--model", help="Which model, where several results are given."),
        click.option(
            "--task", shell_complete=any_of(_tasks), help="Which task, where several results are given."
        ),
        thresholds_option,
        mode_option,
    ):
        function = option(function)
    return function


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULT", type=click.Path(path_type=Path))
@click.option("--svg", metavar="FILE", help="Write the label as SVG; - is standard output.")
@click.option("--png", metavar="FILE", help="Write the label as PNG (extra `label`).")
@click.option(
    "--json", "as_json", is_flag=False, flag_value=STDOUT, metavar="[FILE]",
    help="Write the label's document; alone: standard output.",
)  # fmt: skip
@click.option("--badge", metavar="FILE", help="Write a badge: .svg draws it, .json is for shields.io.")
@click.option(
    "--badge-shows", type=click.Choice(["stars", "energy"]), default="stars", show_default=True,
    help="What the badge tells.",
)  # fmt: skip
@click.option("--card", metavar="FILE", help="Write a block for a model card: front matter and Markdown.")
@click.option("--into", metavar="README.md", help="Put that block into this model card, and leave the rest.")
@click.option(
    "--replace-emissions", is_flag=True, help="With --into: replace co2_eq_emissions that others wrote."
)
@click.option("--link", default="", metavar="URL", help="Where readers find more; stands on the label.")
@result_options
@place_options
def command(results: tuple[Path, ...], **options: Any) -> None:
    """Make the energy label of a result: stars, energy with its interval, grade, boundary, validity.

    A result that earned no stars is labelled "unrated", with the reason. SVG and PNG carry the same
    document that --json writes.
    """
    from wattmark.reports.as_json import document
    from wattmark.reports.label_facts import SCHEMA, SCHEMA_VERSION, label_body, stars_words

    link = _checked_link(options["link"])
    result, rating = one_of(results, options)
    text = document(SCHEMA, SCHEMA_VERSION, label_body(result, rating, link=link, version=__version__))
    label = json.loads(text)
    _pictures(label, options)
    if options["badge"]:
        _badge(label, options["badge"], options["badge_shows"])
    if options["card"] or options["into"]:
        _cards(label, _carbon(result, rating.mode, options), options)
    if options["as_json"]:
        write_to(options["as_json"], text + "\n")
    if not any(options[name] for name in ("svg", "png", "as_json", "badge", "card", "into")):
        click.echo(_told(label, stars_words(label)))


def one_of(paths: tuple[Path, ...], options: dict[str, Any]) -> tuple[Result, Rating]:
    """The one result that is meant, with its rating among all that were given. Raises UsageError."""
    from wattmark.bench.rated import ratings_of
    from wattmark.bench.results import read_results
    from wattmark.core.bench.task import task_named

    results = read_results(paths)
    ratings = ratings_of(results, options["mode"], options["thresholds"])
    task = task_named(options["task"]) if options["task"] else None
    asked = task.id if task is not None else options["task"]
    found = [
        (result, rating)
        for result, rating in zip(results, ratings, strict=True)
        if options["model"] in (None, result.model.id) and asked in (None, result.task)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"none of {len(results)} results is of --model {options['model']} --task {asked}")
    said = "; ".join(f"{r.model.id} at {r.task}, {r.key.batch_policy}" for r, _ in found[:5])
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    raise UsageError(f"a label is of one result, here are {len(found)}: {said}{more}. Say --model, --task")


def _pictures(label: dict[str, Any], options: dict[str, Any]) -> None:
    if not options["svg"] and not options["png"]:
        return
    from wattmark.reports.label_svg import as_text, label_svg

    drawing = label_svg(label)
    if options["svg"]:
        write_to(options["svg"], drawing)
    if options["png"]:
        from wattmark.reports.label_png import png_of, with_twin

        write_to(options["png"], with_twin(png_of(drawing), as_text(label)))


def _badge(label: dict[str, Any], file: str, shows: str) -> None:
    from wattmark.reports.label_badge import badge_json, badge_svg

    if not file.endswith((".svg", ".json")):
        raise UsageError(f"--badge {file}: name it .svg (drawn) or .json (for shields.io)")
    write_to(file, badge_json(label, shows) if file.endswith(".json") else badge_svg(label, shows))


def refuse_foreign_card(file: Path) -> None:
    """Raise UsageError where ``--card`` would write over a card with anything in it that is not ours."""
    if not file.is_file():  # standard output among them
        return
    head, _, body = (
        file.read_text(encoding="utf-8", errors="replace").removeprefix("---\n").partition("\n---\n")
    )
    keys = {
        line.partition(":")[0] for line in head.splitlines() if line and not line.startswith((" ", "-", "#"))
    }
    ours = body.strip().startswith("<!-- wattmark:") and body.strip().endswith("-->")
    if not ours or keys - {"energy_benchmarks", "co2_eq_emissions", "model-index"}:
        raise UsageError(f"--card {file}: is there already; --into {file} puts the block into it")


def _cards(label: dict[str, Any], carbon: CardCarbon, options: dict[str, Any]) -> None:
    from wattmark.reports.label_card import card_of, card_text

    card = card_of(label, carbon)
    if carbon.reason:
        click.echo(f"no co2_eq_emissions: {carbon.reason}", err=True)
    if options["card"]:
        refuse_foreign_card(Path(options["card"]))
        write_to(options["card"], card_text(card))
    if options["into"]:
        put_into_card(card, Path(options["into"]), replace=options["replace_emissions"])


def put_into_card(card: Card, file: Path, *, replace: bool) -> None:
    """Put the blocks into a model card, and say what stood there and was left. Raises UsageError."""
    from wattmark.reports.card_merge import merged

    try:
        old = file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UsageError(f"there is no {file}: make the model's card first, an empty file will do") from None
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8: it is left as it is") from None
    new = merged(old, card, str(file), replace=replace)
    for remark in new.kept:
        click.echo(f"{file}: {remark}", err=True)
    write_to(str(file), new.text.encode())


def _carbon(result: Result, mode: str, options: dict[str, Any]) -> CardCarbon:
    """Grams of 1,000 queries at the stated place; the reason where there are none."""
    from wattmark.core.carbon import energy_for_carbon, operational_carbon
    from wattmark.core.figure import Missing
    from wattmark.reports.label_card import QUERIES, CardCarbon
    from wattmark.reports.label_facts import rated_energy
    from wattmark.wiring import given_from

    energy = rated_energy(result, mode)
    if energy is None:
        return CardCarbon(reason="no energy is known")
    given = given_from(config_here(), stated_from(options))
    if given.intensity is None:
        return CardCarbon(reason=NO_PLACE)
    pue = given.pue.figure() if given.pue is not None else Missing("pue")
    counted = (energy.terms.get("boundary") or result.key.boundary).partition(" ")[0]
    whole = energy_for_carbon(energy.scaled(QUERIES, "J/1000 queries").with_terms(boundary=counted), pue)
    if isinstance(whole, Missing):
        return CardCarbon(reason=str(whole))
    intensity = given.intensity
    where = ", ".join(filter(None, (intensity.zone, intensity.source)))
    words = f"{intensity.grams_per_kwh:g} gCO2e/kWh ({where})"
    return CardCarbon(
        grams=operational_carbon(whole, intensity.figure()), intensity=words, location=intensity.zone
    )


def _checked_link(link: str) -> str:
    if link and not link.startswith(("https://", "http://")):
        raise UsageError(f"--link {link!r}: give an http or https address")
    return link


def _told(label: dict[str, Any], stars: str) -> str:
    from wattmark.reports.label_svg import described

    return f"{label['model_id']}: {stars}\n{described(label)}"
