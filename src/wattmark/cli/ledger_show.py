"""``wattmark ledger show``: one run, and what the ledger made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.ledger_options import Reading, read, reading_options
from wattmark.cli.ledger_runs import documents_of
from wattmark.cli.options import config_here, json_option, place_options, stated_from
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wattmark.core.facts import Facts
    from wattmark.core.listed import LossLine, RunLine
    from wattmark.core.run import Run
    from wattmark.core.tags import Fault
    from wattmark.reports.ledger_lists import Counted, Head


@click.command()
@click.argument("run")
@place_options
@click.option("--raw", is_flag=True, help="Print the document as it landed, byte for byte.")
@reading_options
@json_option
def command(
    run: str,
    raw: bool,
    ledger: str | None,
    no_fold: bool,
    as_of: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Show the run whose id begins with RUN: its figures, and where the ledger counted it.

    Ids stand in `wattmark ledger runs`.
    """
    from wattmark.core.statements import only_states

    reading = read(ledger, no_fold, as_of)
    found = _found(reading, run)
    text, kept = _document_of(reading, found.line)
    if raw:
        click.echo(text, nl=False)
    elif only_states(kept) and not as_json:
        from wattmark.reports.ledger_statements import record_text

        click.echo(f"record {kept.record_id}\n{record_text(kept)}")
    else:
        from wattmark.reports.as_json import document
        from wattmark.reports.ledger_lists import Head
        from wattmark.wiring import facts_for

        facts = facts_for([kept], config_here(), stated_from(options))
        settings = reading.ledger.settings
        head = Head(reading.ledger.url, reading.snapshot.version, settings.zone)
        faults = settings.tags.faults(kept.subject)
        if as_json:
            click.echo(document("ledger-show", 1, _body(head, found, facts, faults)))
        else:
            click.echo(_text(head, found, kept, facts, faults))


@dataclass(frozen=True, slots=True)
class _Found:
    """What the ledger made of a run."""

    line: RunLine
    counted: Sequence[Counted]
    losses: Sequence[LossLine]


def _found(reading: Reading, asked: str) -> _Found:
    """Of the run whose id begins so. Raises UsageError unless it is one."""
    from wattmark.ledger.listing import Choice, Listing

    with Listing(reading.snapshot) as listing:
        record_id = _one_of(listing.beginning(asked), asked, reading.ledger.url)
        this = Choice(where={"run": (record_id,)})
        (line,) = listing.runs(this, 1)
        return _Found(line, listing.devices_of(record_id), listing.losses(this))


def _document_of(reading: Reading, line: RunLine) -> tuple[str, Run]:
    """The run as it landed, and read. Raises UsageError for one that was purged."""
    documents = documents_of(reading, [line])
    if line.record_id not in documents:
        raise UsageError(f"run {line.record_id} was purged: only its id is kept")
    return documents[line.record_id]


def _body(head: Head, found: _Found, facts: Facts, faults: Sequence[Fault]) -> dict[str, Any]:
    from wattmark.reports.as_json import answer_json
    from wattmark.reports.ledger_lists import counted_body, loss_body, run_body
    from wattmark.reports.sections import answers_of

    return {
        "ledger": head.ledger,
        "version": head.version,
        **run_body(found.line),
        "energy": answer_json(facts.energy),
        "kpis": {name: answer_json(answer) for name, answer in answers_of(facts).items()},
        "counted": counted_body(found.counted),
        "lost": [loss_body(one) for one in found.losses],
        "faults": [str(fault) for fault in faults],
    }


def _text(head: Head, found: _Found, kept: Run, facts: Facts, faults: Sequence[Fault]) -> str:
    from wattmark.reports.as_text import carbon_text, kpi_table, run_summary, stated_text
    from wattmark.reports.ledger_lists import counted_text
    from wattmark.reports.sections import answers_of

    return "\n".join(
        (
            f"run {kept.record_id}",
            run_summary(kept, facts),
            *filter(None, (stated_text(facts), carbon_text(facts))),
            counted_text(head, found.line, found.counted, found.losses, faults),
            "",
            kpi_table(answers_of(facts)),
        )
    )


def _one_of(found: list[str], asked: str, url: str) -> str:
    if not found:
        raise UsageError(f"no run of {url} begins with {asked!r}: `wattmark ledger runs` lists them")
    if asked in found or len(found) == 1:
        return asked if asked in found else found[0]
    more = " and more" if len(found) > 5 else ""
    raise UsageError(f"several runs begin with {asked!r}: {', '.join(found[:5])}{more}; give more letters")
