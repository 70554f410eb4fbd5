"""``wattmark hardware``: published figures of hardware, what a run achieved beside them, and an inventory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from wattmark.cli.hardware_embodied import embodied_command, inventory_command
from wattmark.cli.options import config_here, json_option, load
from wattmark.core.errors import UsageError
from wattmark.core.facts import Answer
from wattmark.core.hardware import PRECISIONS, Spec, find, per_joule
from wattmark.core.kpis import CATALOG
from wattmark.reports import hardware as render
from wattmark.reports.as_json import answer_json, document
from wattmark.reports.as_text import answer_text
from wattmark.wiring import Stated, facts_for
from wattmark.wiring.hardware import load_hardware, table_label

KINDS = ("gpu", "tpu", "npu", "cpu")
KEYS: dict[str, Callable[[Spec], float | None]] = {
    "year": lambda s: s.year,
    "watts": lambda s: s.tdp_watts,
    "memory": lambda s: s.memory_gb,
    "bandwidth": lambda s: s.memory_bandwidth_gb_per_s,
}
"""What a list is sorted by, besides the precisions: the most first."""


@click.group()
def group() -> None:
    """List and compare published figures of hardware; check an inventory of yours."""


group.add_command(embodied_command)
group.add_command(inventory_command)


@group.command("list")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only this kind; repeatable.")
@click.option("--vendor", help="Only this vendor.")
@click.option(
    "--sort",
    type=click.Choice([*KEYS, *PRECISIONS]),
    help="Most first; a precision sorts by peak operations per joule of rated power.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, all columns.")
@json_option
def list_command(
    kinds: tuple[str, ...], vendor: str | None, sort: str | None, as_csv: bool, as_json: bool
) -> None:
    """List devices with their peak rates, rated power and memory."""
    specs = [
        s
        for s in load_hardware()
        if (not kinds or s.kind in kinds) and (vendor is None or s.vendor.lower() == vendor.lower())
    ]
    if sort is not None:
        specs = _sorted(specs, sort)
    if as_json:
        click.echo(
            document("hardware", 1, {"table": table_label(), "devices": [render.body(s) for s in specs]})
        )
    elif as_csv:
        click.echo(render.as_csv(specs), nl=False)
    else:
        click.echo(render.list_text(specs, table_label()))


@group.command("compare")
@click.argument("devices", nargs=-1, required=True)
@click.option(
    "--achieved",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="A run with FLOP logged: what it achieved stands beside the peaks; repeatable.",
)
@json_option
def compare_command(devices: tuple[str, ...], achieved: tuple[Path, ...], as_json: bool) -> None:
    """Set devices side by side, for buying or renting; peak and achieved are never mixed."""
    table = load_hardware()
    specs = [find(table, name) for name in devices]
    found = {path.name: _achieved(path) for path in achieved}
    if as_json:
        click.echo(
            document(
                "hardware-compare",
                1,
                {
                    "table": table_label(),
                    "published": [render.body(s) for s in specs],
                    "achieved": {name: answer_json(answer) for name, answer in found.items()},
                },
            )
        )
        return
    click.echo(render.compare_text(specs))
    if found:
        click.echo("\nAchieved by runs (FLOP done / energy of the run; another thing than a peak)")
        for name, answer in found.items():
            click.echo(f"  {name}: {answer_text(answer)}{_terms(answer)}")


def _achieved(path: Path) -> Answer:
    _, runs = load((path,))
    return CATALOG["flops_per_watt"].of(facts_for(runs, config_here(), Stated()))


def _terms(answer: Answer) -> str:
    terms = getattr(answer, "terms", {})
    shown = [f"{name} {terms[name]}" for name in ("precision", "sparsity", "boundary") if name in terms]
    return f" ({', '.join(shown)})" if shown else ""


def _sorted(specs: list[Spec], key: str) -> list[Spec]:
    """The most first; what has no published figure last."""
    values = {s.id: KEYS[key](s) if key in KEYS else per_joule(s, key) for s in specs}
    if all(v is None for v in values.values()):
        raise UsageError(f"none of these devices has a published figure to sort by {key}")
    return sorted(specs, key=lambda s: -(values[s.id] or 0.0))
