"""``wattmark baseline``: runs that others are scored against, and frozen periods of a ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.baseline_approve import approve, set_by_options, setter_of
from wattmark.cli.baseline_ledger import check, freeze, list_, show_frozen, verify
from wattmark.cli.ledger_options import ledger_option
from wattmark.cli.options import (
    as_one_option,
    config_here,
    json_option,
    place_options,
    run_arguments,
    say_first,
    stated_from,
)
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.baseline import Baseline, Endorsement

NAME = "wattmark-baseline.json"
file_option = click.option("--file", type=click.Path(path_type=Path), help=f"Baseline file [nearest {NAME}].")


@click.group()
def group() -> None:
    """Keep what others are held against: runs in a file, or a period of a ledger."""


for _command in (freeze, list_, verify, check, approve):
    group.add_command(_command)


@group.command(name="set")
@run_arguments
@click.option("--name", default="default", help="Name of the baseline [default].")
@file_option
@as_one_option
@set_by_options
@place_options
def set_(runs: tuple[Path, ...], name: str, file: Path | None, as_one: bool, **options: Any) -> None:
    """Keep RUNS as a baseline: their evidence, today's factors, and the methodology.

    The file needs nothing beside it, so it can be committed and used in CI. Runs of one solution add
    up; other runs are repeats.
    """
    from wattmark.ledger.baselinefile import find_baseline, read_baselines, write_baselines
    from wattmark.wiring.decisions import new_baseline

    setter = setter_of(options)
    target = file or find_baseline(Path.cwd()) or Path(NAME)
    kept = read_baselines(target) if target.exists() else {}
    remarks: list[str] = []
    new = new_baseline(
        name,
        runs,
        config_here(),
        stated_from(options),
        set_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        as_one=as_one,
        say=remarks.append,
    )
    say_first(remarks)
    said = setter.said(new)
    new = replace(said.kept if said is not None else replace(new, reason=setter.reason), file=str(target))
    write_baselines(target, {**kept, name: new})
    setter.log(new, said)
    verb = "replaced" if name in kept else "kept"
    click.echo(f"{verb} baseline {name!r} in {target}")
    setter.say(new)
    click.echo(_described(new))


@group.command()
@click.argument("name", required=False)
@file_option
@ledger_option
@json_option
def show(name: str | None, file: Path | None, ledger: str | None, as_json: bool) -> None:
    """Show kept baselines: runs, factors, methodology and figures; with --ledger those frozen there."""
    if ledger is not None:
        if file is not None:
            raise UsageError("--file and --ledger contradict each other: give one of them")
        show_frozen(name, ledger, as_json)
        return
    from wattmark.ledger.baselinefile import find_baseline, read_baseline, read_baselines
    from wattmark.reports.as_json import document

    source = file or find_baseline(Path.cwd())
    if source is None:
        raise UsageError(f"there is no {NAME} here or above: `wattmark baseline set RUN` writes one")
    found = {name: read_baseline(source, name)} if name else read_baselines(source)
    if as_json:
        click.echo(
            document(
                "baselines", 1, {"file": str(source), "baselines": {k: _json(b) for k, b in found.items()}}
            )
        )
        return
    from wattmark.reports.ci.words import one_line

    for kept in found.values():
        click.echo(one_line(f"{kept.name}, set {kept.set_at}"))
        click.echo(_described(kept))
        click.echo()


def _described(kept: Baseline) -> str:
    from wattmark.core.compare import over_repeats
    from wattmark.core.figure import Figure
    from wattmark.core.kpis import CATALOG
    from wattmark.reports.as_text import answer_text, table

    repeats = kept.repeats()
    answers = {
        k.title: over_repeats([k.answer(r.facts) for r in repeats], "baseline") for k in CATALOG.values()
    }
    terms = {k: v for k, v in kept.terms.terms.items() if not k.startswith("kpi:")}
    told = ", ".join(f"{k} {v[:20]}" for k, v in terms.items())
    return "\n".join(
        [
            *_why(kept),
            f"runs         {', '.join(i[:8] for i in kept.record_ids)} ({len(repeats)} "
            f"{'repeat' if len(repeats) == 1 else 'repeats'})",
            f"evidence     sha256 {kept.evidence_sha256[:16]}",
            f"methodology  {kept.terms.fingerprint[:16]}: {told}",
            table(
                ("KPI", "baseline"),
                [(t, answer_text(a)) for t, a in answers.items() if isinstance(a, Figure)],
            ),
        ]
    )


def _why(kept: Baseline) -> list[str]:
    """Why it was set, by whom, and who approved it: as it says itself, not verified here.

    Each on a line of its own, whatever it holds: a reason must not read like an approval.
    """
    from wattmark.reports.ci.words import one_line

    who = f"{kept.set_by.by} ({_how(kept.set_by)})" if kept.set_by is not None else ""
    lines = [
        *([f"reason       {kept.reason}"] if kept.reason else []),
        *([f"set by       {who}"] if who else []),
        *(f"approved by  {said.by} ({_how(said)}), {said.at}" for said in kept.approvals),
    ]
    return [one_line(line) for line in lines]


def _how(said: Endorsement) -> str:
    if said.token:
        return "by an identity token; a gate checks it"
    return "signed; a gate checks it" if said.signature else "unverified"


def _json(kept: Baseline) -> dict[str, Any]:
    from wattmark.core.compare import over_repeats
    from wattmark.core.kpis import CATALOG
    from wattmark.reports.as_json import answer_json

    repeats = kept.repeats()
    return {
        "set_at": kept.set_at,
        "reason": kept.reason,
        "set_by": kept.set_by.by if kept.set_by is not None else None,
        "approvals": [{"by": said.by, "role": said.role, "at": said.at} for said in kept.approvals],
        "record_ids": list(kept.record_ids),
        "repeats": len(repeats),
        "evidence_sha256": kept.evidence_sha256,
        "fingerprint": kept.terms.fingerprint,
        "terms": dict(kept.terms.terms),
        "kpis": {
            k.id: answer_json(over_repeats([k.answer(r.facts) for r in repeats], "baseline"))
            for k in CATALOG.values()
        },
    }
