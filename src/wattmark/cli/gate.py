"""``wattmark gate RUN...``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of
from wattmark.cli.options import (
    as_one_option,
    baseline_options,
    config_here,
    json_option,
    place_options,
    run_arguments,
    say_first,
    stated_from,
)
from wattmark.cli.output import STDOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wattmark.core.governance.decision import Decision
    from wattmark.reports.ci.catalog import Format
    from wattmark.wiring.decisions import Group
    from wattmark.wiring.governing import Gated


def _formats() -> list[str]:
    from wattmark.reports.ci.catalog import FORMATS

    return list(FORMATS)


def _rubrics() -> list[str]:
    from wattmark.ledger.rubricfile import BUNDLED

    return list(BUNDLED)


@click.command(epilog="Exit code: 0 pass, 1 violation, 2 usage or configuration, 3 not enough evidence.")
@run_arguments
@click.option("--policy", type=click.Path(path_type=Path), help="Policy file [nearest wattmark-policy.toml].")
@baseline_options
@as_one_option
@place_options
@click.option(
    "--rubric",
    shell_complete=one_of(_rubrics),
    help="What the score is made by: default, training, inference, or a file [the policy's, else default].",
)
@click.option(
    "--thresholds",
    type=click.Path(path_type=Path),
    help="Threshold file that stars are given by [the policy's, else the one that comes with wattmark].",
)
@click.option(
    "--decision", type=click.Path(path_type=Path), metavar="FILE", help="Write the decision there, as JSON."
)
@click.option(
    "--write",
    multiple=True,
    metavar="FORMAT[=FILE]",
    shell_complete=one_of(_formats),
    help="Write the decision in a form: junit, sarif, markdown ... May be given again; FILE - prints it.",
)
@click.option("--audit", metavar="PLACE", help="Folder or address of the audit log [the policy's].")
@click.option("--no-log", is_flag=True, help="Leave no trace in the audit log.")
@click.option("--actor", metavar="NAME", help="Who asks, for the audit log [as CI or git says].")
@click.option("--now", metavar="TIME", help="Decide as of this time, ISO 8601, for replays and tests.")
@click.option(
    "--exit-code-on-warn",
    type=click.IntRange(0, 125),
    metavar="N",
    help="Exit code when something is warned of or waived [0].",
)
@json_option
def command(
    runs: tuple[Path, ...],
    policy: Path | None,
    baseline: tuple[Path, ...],
    name: str | None,
    as_one: bool,
    rubric: str | None,
    thresholds: Path | None,
    decision: Path | None,
    write: tuple[str, ...],
    audit: str | None,
    no_log: bool,
    actor: str | None,
    now: str | None,
    exit_code_on_warn: int | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Pass or fail runs by the limits of a policy file. What is not known does not pass.

    Runs of one solution add up; other runs are repeats. Without --baseline, limits that need one use
    the nearest wattmark-baseline.json. Waivers and budgets of the policy count, and stay visible.
    """
    from wattmark.wiring.decisions import group_of
    from wattmark.wiring.governing import (
        Surroundings,
        govern,
        held_against,
        moment,
        policy_here,
        set_aside,
    )
    from wattmark.wiring.publishing import forms_asked

    here, at = Path.cwd(), moment(now)
    wanted = forms_asked([*([f"json={decision}"] if decision is not None else []), *write])
    config, stated, rules = config_here(), stated_from(options), policy_here(policy, here)
    around = Surroundings(
        config=config, stated=stated, here=here, now=at, stated_now=now is not None,
        log=audit, unlogged=no_log, actor=actor, say=lambda remark: say_first((remark,)),
        rubric=rubric, thresholds=thresholds,
    )  # fmt: skip
    if policy is None and (remark := set_aside(rules, here)):
        say_first((remark,))
    against = held_against(rules, around, baseline, name, as_one=as_one)
    candidate = group_of(runs, config, stated, as_one=as_one)
    say_first((*candidate.remarks, *(against.remarks if against else ())))
    found = govern(rules, candidate, against, around)
    _write(wanted, found.decision)
    code = exit_code(found.decision, exit_code_on_warn)
    if as_json:
        click.echo(_json(found, code))
        return code
    _print(found, against)
    return code


def exit_code(decision: Decision, on_warn: int | None) -> int:
    """That of the decision; where it would be 0 and something is warned of or waived, the one asked for."""
    from wattmark.core.governance.decision import Standing

    lenient = any(rule.standing in (Standing.WARNING, Standing.WAIVED) for rule in decision.rules)
    return on_warn if on_warn is not None and decision.exit_code == 0 and lenient else decision.exit_code


def _write(wanted: Sequence[tuple[Format, Path]], decision: Decision) -> None:
    from wattmark.wiring.publishing import shown_as, write_forms

    for form, path in wanted:
        shown = shown_as(form, decision, os.environ, Path.cwd())
        if str(path) == STDOUT:
            text = form.render(shown)
            click.echo(text, nl=not text.endswith("\n"))
        else:
            write_forms(shown, [(form, path)])


def _json(found: Gated, code: int) -> str:
    from wattmark.core.plain import plain
    from wattmark.reports.as_json import document
    from wattmark.reports.report_json import verdict_json

    against = found.baseline
    body = {
        "candidate": {"name": found.candidate.name, "repeats": len(found.candidate.repeats)},
        "baseline": {"name": against.name, "repeats": len(against.repeats)} if against else None,
        "exit_code": code,
        **verdict_json(found.verdict),
        "decision": plain(found.decision),
    }
    return document("gate", 2, body)


def _print(found: Gated, against: Group | None) -> None:
    from wattmark.reports.ci.words import one_line
    from wattmark.reports.gate_text import gate_text

    versus = f", against {against.name} ({against.count})" if against else ""
    policy = found.decision.policy.file
    click.echo(one_line(f"{found.candidate.name} ({found.candidate.count}){versus}, by {policy}") + "\n")
    click.echo(gate_text(found.verdict, found.decision))
