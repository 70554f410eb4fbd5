"""``wattmark import NAME INPUT...``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of, sources
from wattmark.cli.tags import pairs, tag_options, tags_from, warn_of_stage

if TYPE_CHECKING:
    from wattmark.core.imported import BadRow
    from wattmark.wiring.imports import Landing, Tally

SHOWN = 20
"""Bad rows that are printed; --json has all."""
BAD = 1
UNUSABLE = 2


@click.command(
    name="import",
    epilog="Exit code: 0 when the input was read, even if some of its rows were bad; 1 for that with "
    "--strict; 2 when nothing of it could be used.",
)
@click.argument("name", required=False, shell_complete=one_of(sources))
@click.argument("inputs", nargs=-1)
@click.option("--list", "as_list", is_flag=True, help="List what can be imported, with the options of NAME.")
@click.option(
    "-o", "--option", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the source."
)
@click.option("--ledger", help="Ledger to bring it to: a folder, or s3://, gs://, az:// [WATTMARK_LEDGER].")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write run files to this folder instead [./wattmark-runs where there is no ledger].",
)
@click.option("--host", help="The machine, where the input does not name it: a name, or `this`, or id:ID.")
@tag_options
@click.option("--label", "labels", multiple=True, metavar="K=V", help="A label; may be given again.")
@click.option("--country", help="Country of the grid, ISO 3166 alpha-3, where the input does not say.")
@click.option(
    "--pue", type=float, help="Power usage effectiveness of the site, where the input does not say."
)
@click.option("--dry-run", is_flag=True, help="Read and report, and keep nothing.")
@click.option("--strict", is_flag=True, help="End with 1 when a row was bad.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(
    name: str | None, inputs: tuple[str, ...], as_list: bool, strict: bool, as_json: bool, **options: Any
) -> int:
    """Bring in what other tools have measured: NAME says which, INPUT are its files or addresses.

    Good rows are taken and bad ones are named with their place. Importing the same again changes nothing.
    """
    if as_list:
        _print_list(name, as_json)
        return 0
    if name is None:
        raise click.UsageError("name a source: `wattmark import --list` shows them")
    from wattmark.sources.catalog import open_source
    from wattmark.wiring.imports import bring

    warn_of_stage(options["stage"])
    source = open_source(name, inputs, _asked(options))
    landing, where = _landing(options)
    tally = bring(source, landing)
    if as_json:
        click.echo(_json(name, inputs, tally, where))
    else:
        _print(name, inputs, tally, where)
    nothing = not tally.taken or (tally.sent_away and not tally.runs and not tally.samples)
    faults = tally.bad_rows + len(tally.sent_away)
    if faults and nothing:
        return UNUSABLE
    return BAD if strict and faults else 0


def _asked(options: dict[str, Any]) -> Any:
    from wattmark.core.carbon import check_pue
    from wattmark.core.run import Place, Subject
    from wattmark.sources.catalog import Asked

    pue = options["pue"]
    if pue is not None:
        check_pue(pue)
    return Asked(
        subject=Subject(**tags_from(options), labels=pairs(options["labels"], "--label")),
        place=Place(country=options["country"], pue=pue, pue_kind="declared" if pue is not None else None),
        host=_host(options["host"]),
        settings=pairs(options["settings"], "-o"),
    )


def _host(name: str | None) -> str | None:
    """The machine that is meant; ``this`` is known by the id that measurements on it have."""
    if name != "this":
        return name
    from wattmark.measure.host import host_id
    from wattmark.sources.identity import IS_ID

    return f"{IS_ID}{host_id()}"


def _landing(options: dict[str, Any]) -> tuple[Landing, str]:
    """Where records go, and how to say it: --dry-run, --out, a ledger that is meant, else ./wattmark-runs."""
    from wattmark.cli.options import config_here
    from wattmark.core.errors import UsageError
    from wattmark.wiring.imports import Folder, Ledger, Nowhere
    from wattmark.wiring.ledger import ledger_url

    if options["out"] is not None and options["ledger"] is not None:
        raise UsageError("--out and --ledger contradict each other: give one of them")
    if options["dry_run"]:
        return Nowhere(), ""
    config = config_here()
    named = options["ledger"] or os.environ.get("WATTMARK_LEDGER") or config.ledger.url
    if options["out"] is None and named:
        url = ledger_url(options["ledger"], config, os.environ, Path.cwd())
        return Ledger(url), url
    out = options["out"] or Path("wattmark-runs")
    return Folder(out), str(out)


def _print(name: str, inputs: tuple[str, ...], tally: Tally, where: str) -> None:
    from wattmark.core.known import Scope
    from wattmark.core.listed import some
    from wattmark.reports.as_text import quantity
    from wattmark.sources.moments import written

    bad = f", {tally.bad_rows} bad" if tally.bad_rows else ""
    click.echo(f"import           {name}  {', '.join(inputs)}")
    click.echo(f"rows             {tally.taken} taken{bad}, {tally.ignored} ignored")
    if runs := len(tally.runs) - len(tally.stated):
        click.echo(f"runs             {runs}")
    if tally.stated:
        click.echo(f"statements       in {some(len(tally.stated), 'record')}; no total holds them")
    if tally.samples:
        gaps = f", {tally.gaps} of them gaps" if tally.gaps else ""
        click.echo(f"samples          {tally.samples} in {some(len(tally.streams), 'stream')}{gaps}")
    if tally.start_us is not None and tally.end_us is not None:
        click.echo(f"period           {written(tally.start_us)[:19]} to {written(tally.end_us)[:19]} UTC")
    energies = [
        f"{quantity(tally.joules(scope), 'J')} of {what}"
        for scope, what in ((Scope.WHOLE, "whole devices"), (Scope.SHARE, "shares"))
        if tally.joules(scope)
    ]
    if energies:
        click.echo(f"energy           {', '.join(energies)}, as stated: nothing is counted once yet")
    if tally.sent_away:
        click.echo(f"sent away        {some(len(tally.sent_away), 'record')}, by the ledger's tag rules")
    if where and not tally.runs and not tally.samples:
        click.echo("kept in          nothing: there was nothing to keep")
    else:
        click.echo(f"kept in          {where or 'nothing, this was a dry run'}")
    for note in tally.notes:
        click.echo(f"note             {note}")
    _name("bad row", tally.bad, tally.bad_rows)
    _name("sent away", list(tally.sent_away.values()), len(tally.sent_away))


def _name(what: str, rows: Sequence[BadRow], count: int) -> None:
    """The first few of them, with place and reason, on standard error."""
    for row in rows[:SHOWN]:
        click.echo(f"{what:<16} {row.place}: {row.reason}", err=True)
    if count > SHOWN:
        click.echo(f"{what:<16} and {count - SHOWN} more: --json has them", err=True)


def _json(name: str, inputs: tuple[str, ...], tally: Tally, where: str) -> str:
    from wattmark.core.known import Scope
    from wattmark.reports.as_json import document
    from wattmark.sources.moments import written

    body = {
        "source": name,
        "inputs": list(inputs),
        "kept_in": where or None,
        "rows": {"taken": tally.taken, "bad": tally.bad_rows, "ignored": tally.ignored},
        "runs": len(tally.runs) - len(tally.stated),
        "statement_records": len(tally.stated),
        "samples": tally.samples,
        "gaps": tally.gaps,
        "streams": len(tally.streams),
        "start": written(tally.start_us) if tally.start_us is not None else None,
        "end": written(tally.end_us) if tally.end_us is not None else None,
        "energy_joules": {scope.value: tally.joules(scope) for scope in Scope},
        "bad_rows": [{"place": row.place, "reason": row.reason} for row in tally.bad],
        "sent_away": [{"record": row.place, "reason": row.reason} for row in tally.sent_away.values()],
        "notes": list(tally.notes),
    }
    return document("import", 1, body)


def _print_list(name: str | None, as_json: bool) -> None:
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import table
    from wattmark.sources.catalog import rows, source_module

    if name is not None:
        settings = source_module(name).OPTIONS
        if as_json:
            click.echo(document("import_options", 1, {"source": name, "options": dict(settings)}))
        else:
            click.echo(table(("option of " + name, ""), [(f"-o {k}=", v) for k, v in settings.items()]))
        return
    found = rows()
    if as_json:
        sources = [{"name": n, "extra": r.extra or None, "reads": r.what} for n, r in found.items()]
        click.echo(document("import_list", 1, {"sources": sources}))
        return
    lines = [(n, r.what, f"wattmark[{r.extra}]" if r.extra else "-") for n, r in sorted(found.items())]
    click.echo(table(("source", "reads", "needs"), lines))
