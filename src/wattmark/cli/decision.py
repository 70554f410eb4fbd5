"""``wattmark decision``: what a gate said, in every form in which people and CI systems look at it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from wattmark.cli.completing import one_of


def _formats() -> Iterable[str]:
    from wattmark.reports.ci.catalog import FORMATS

    return FORMATS


PRINTED = "-"
"""File that stands for standard output, as of `gate --write`."""
file_argument = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))


@click.group()
def group() -> None:
    """Show what a gate said, write it in other forms, tell a CI system or a forge of it.

    FILE is what `wattmark gate --decision FILE` wrote.
    """


@group.command(short_help="Show a decision in words.")
@file_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def show(file: Path, as_json: bool) -> None:
    """Show a decision: every rule, the worst first, with what was found and how it is known."""
    from wattmark.ledger.decisionfile import read_decision
    from wattmark.reports.ci.catalog import format_named

    click.echo(format_named("json" if as_json else "text").render(read_decision(file)).rstrip("\n"))


@group.command(short_help="Write a decision in other forms.")
@file_argument
@click.option(
    "--format",
    "named",
    metavar="FORMAT",
    shell_complete=one_of(_formats),
    help="Which form; `formats` lists them.",
)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Where to; else it is printed.")
@click.option(
    "--write", "specs", multiple=True, metavar="FORMAT=FILE", shell_complete=one_of(_formats),
    help="Write this form into this file; several times for several forms.",
)  # fmt: skip
def render(file: Path, named: str | None, out: Path | None, specs: tuple[str, ...]) -> None:
    """Write a decision in other forms; `wattmark decision formats` lists them."""
    from wattmark.core.errors import UsageError
    from wattmark.ledger.decisionfile import read_decision
    from wattmark.reports.ci.catalog import format_named
    from wattmark.wiring.publishing import forms_asked, shown_as, write_forms

    if named is None and not specs:
        raise UsageError("say which form: --format junit, or --write junit=FILE")
    if named is None and out is not None:
        raise UsageError("--out belongs to --format; --write names its own file")
    asked = forms_asked(specs)
    row = format_named(named) if named is not None else None
    decision = read_decision(file)
    if row is not None and out is not None:
        asked.append((row, out))
    here, printed = Path.cwd(), [form for form, path in asked if str(path) == PRINTED]
    for form, path in asked:
        if str(path) != PRINTED:
            (name,) = write_forms(shown_as(form, decision, os.environ, here), [(form, path)])
            click.echo(f"wrote {name}", err=True)
    for form in [*printed, *([row] if row is not None and out is None else [])]:
        click.echo(form.render(shown_as(form, decision, os.environ, here)), nl=False)


@group.command(short_help="List the forms.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def formats(as_json: bool) -> None:
    """List the forms that `render` and `gate --write` know."""
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import table
    from wattmark.reports.ci.catalog import FORMATS

    if as_json:
        rows = [{"format": name, "file": row.file, "what": row.what} for name, row in FORMATS.items()]
        click.echo(document("decision-formats", 1, {"formats": rows}))
        return
    click.echo(
        table(("format", "usual file", "what"), [(n, row.file, row.what) for n, row in FORMATS.items()])
    )


@group.command(
    short_help="Tell a CI system, and a pull or merge request.",
    epilog="Exit code: the decision's own, 0, 1 or 3, whatever became of comments; 2 for usage, or with "
    "--must-deliver where something could not be delivered.",
)
@file_argument
@click.option("--github", "ci", flag_value="github", help="GitHub Actions: annotations, summary, outputs.")
@click.option("--gitlab", "ci", flag_value="gitlab", help="GitLab CI: JUnit, code quality, metrics, dotenv.")
@click.option("--azure", "ci", flag_value="azure", help="Azure Pipelines: issues, variables, summary, JUnit.")
@click.option(
    "--comment", "behaviour", metavar="[BEHAVIOUR]", is_flag=False, flag_value="update",
    shell_complete=one_of(lambda: ("update", "new", "delete-and-new", "hide-and-new")),
    help="Comment on the pull or merge request: update (the default), new, delete-and-new, hide-and-new.",
)  # fmt: skip
@click.option(
    "--tag",
    default="",
    help="Tells comments and statuses of several gates apart [policy and tags of what is judged].",
)
@click.option("--status", is_flag=True, help="Set the commit status wattmark/gate/TAG.")
@click.option(
    "--pull-request", "number", type=click.IntRange(min=1), help="Its number, where the environment has none."
)
@click.option(
    "--out", default=".", show_default=True, type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the report files (--gitlab, --azure).",
)  # fmt: skip
@click.option("--must-deliver", is_flag=True, help="End with 2, not 0, where a comment or status failed.")
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="By which a pass must be, where it requires a log [the nearest].",
)
def publish(
    file: Path,
    ci: str | None,
    behaviour: str | None,
    tag: str,
    status: bool,
    number: int | None,
    out: Path,
    must_deliver: bool,
    policy: Path | None,
) -> int:
    """Tell the CI system that runs this, and the pull or merge request, what the gate said.

    Which CI system it is, is seen from the environment. A comment that could not be written is told on
    stderr and changes no exit code. Where the policy requires an audit log, a pass is refused that is not in
    it, that is by another policy, or that a later gate or the end of a waiver has overtaken.
    """
    from wattmark.core.errors import UsageError
    from wattmark.exporters.sticky import Behaviour
    from wattmark.ledger.decisionfile import read_decision
    from wattmark.wiring.authentic import nearest, pass_refused
    from wattmark.wiring.governing import policy_here
    from wattmark.wiring.publishing import Delivery, ci_of, deliver, from_root, tell_ci

    if behaviour is not None and behaviour not in set(Behaviour):
        raise UsageError(f"--comment {behaviour!r}: give one of {', '.join(Behaviour)}")
    found = read_decision(file)
    rules = nearest(Path.cwd()) if policy is None else policy_here(policy, Path.cwd())
    if found.exit_code == 0 and (refused := pass_refused(found, rules)) is not None:
        click.echo(f"refused          {refused.reason}")
        return refused.exit_code
    decision = from_root(found, os.environ, Path.cwd())
    where = ci or ci_of(os.environ)
    told = tell_ci(decision, where, os.environ, out)
    click.echo(told.stdout, nl=False)
    for name in told.wrote:
        click.echo(f"wattmark: wrote {name}", err=True)
    problems: list[str] = []
    if behaviour is not None or status:
        asked = Delivery(
            comment=Behaviour(behaviour) if behaviour is not None else None,
            tag=tag,
            status=status,
            number=number,
        )
        try:
            done, problems = deliver(decision, where, os.environ, asked)
        except UsageError as error:
            done, problems = [], [str(error)]
        for line in done:
            click.echo(f"wattmark: {line}", err=True)
        for line in problems:
            click.echo(f"wattmark: warning: {line}", err=True)
    return decision.exit_code or (2 if problems and must_deliver else 0)
