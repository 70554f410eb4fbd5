"""``wattmark monitor``: rules, dashboards and configurations for Prometheus, Alertmanager and Grafana."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.options import config_here, json_option
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.monitoring.settings import RuleSettings

TOKEN = "WATTMARK_PROMETHEUS_TOKEN"
PLACE = re.compile(r"(?:[^\s:/\[\]]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")
"""HOST:PORT, as Prometheus takes it."""
out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder that the files are written into."
)
budget_option = click.option(
    "--budget",
    "budgets",
    multiple=True,
    metavar="MODEL=GRAMS",
    help="A carbon budget for each period; * is all models together. Also `budgets` in [monitor].",
)
policy_option = click.option(
    "--policy",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Watch the carbon budgets of this policy that are of one model, or of all.",
)


@click.group()
def group() -> None:
    """Write rules, alerts and dashboards for what the agents show, and check that they work."""


@group.command(short_help="Write rules for Prometheus, and their tests.")
@budget_option
@policy_option
@out_option
@json_option
def rules(budgets: tuple[str, ...], policy: Path | None, out: Path | None, as_json: bool) -> None:
    """Write recording and alerting rules for Prometheus, and tests of them for promtool.

    Without --out the rules are printed. Thresholds come from [monitor] of wattmark.toml.
    """
    from wattmark.monitoring.configs import RULES_FILE, TESTS_FILE
    from wattmark.monitoring.rule import document
    from wattmark.monitoring.rules import all_groups, rule_file
    from wattmark.monitoring.ruletests import rule_tests
    from wattmark.monitoring.scenarios import scenarios

    settings = settings_here(budgets, policy)
    text = rule_file(settings)
    if out is not None:
        tests = rule_tests(RULES_FILE, scenarios(settings), settings)
        _write(out, [(RULES_FILE, text), (TESTS_FILE, tests)], quiet=as_json)
    if as_json:
        from wattmark.reports import as_json as json_reports
        from wattmark.reports.monitoring import rules_body

        body = rules_body(document(all_groups(settings)), text)
        click.echo(json_reports.document("monitor-rules", 1, body))
    elif out is None:
        click.echo(text, nl=False)


@group.command(short_help="List or write Grafana dashboards.")
@out_option
@json_option
def dashboards(out: Path | None, as_json: bool) -> None:
    """List the Grafana dashboards, or write them into a folder for import or provisioning."""
    from wattmark.monitoring.dashboards.catalog import boards, shipped
    from wattmark.reports import as_json as json_reports
    from wattmark.reports.monitoring import dashboards_body, dashboards_text

    if out is not None:
        _write(out, [(name, shipped(name)) for name in boards()], quiet=as_json)
    rows = [(n, b.title, sum(len(row.panels) for row in b.rows), b.what) for n, b in boards().items()]
    if as_json:
        click.echo(json_reports.document("monitor-dashboards", 1, dashboards_body(rows)))
    elif out is None:
        click.echo(dashboards_text(rows))


@group.command(short_help="Write routes of an Alertmanager to Slack, Teams and mail.")
@click.option("--webhook", default="", metavar="URL", help="An address that takes the Alertmanager's JSON.")
@click.option("--slack-file", default="", metavar="FILE", help="File with the address of a Slack webhook.")
@click.option(
    "--teams-file", default="", metavar="FILE",
    help="File with the address of a Teams workflow; for Alertmanager 0.28 or newer.",
)  # fmt: skip
@click.option("--mail", multiple=True, metavar="ADDRESS", help="Who gets mail; may be given again.")
@click.option("--smtp", default="", metavar="HOST:PORT", help="Mail server with STARTTLS.")
@click.option("--smtp-from", default="", metavar="ADDRESS", help="Who writes.")
@click.option("--smtp-user", default="", metavar="NAME", help="Account on the mail server.")
@click.option("--smtp-password-file", default="", metavar="FILE", help="File with its password.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it there [print it].")
def alertmanager(out: Path | None, mail: tuple[str, ...], **asked: str) -> None:
    """Write alertmanager.yml: alerts of models, gates and budgets to Slack, Teams, mail or a webhook.

    Secrets stay in files of the machine where the Alertmanager runs; only their names are written.
    """
    from wattmark.monitoring.configs import ALERTMANAGER_FILE, Channels, alertmanager_file

    if not (mail or asked["webhook"] or asked["slack_file"] or asked["teams_file"]):
        raise UsageError("nobody is named: give --slack-file, --teams-file, --mail or --webhook")
    if mail and (PLACE.fullmatch(asked["smtp"]) is None or not asked["smtp_from"]):
        raise UsageError("--mail needs --smtp HOST:PORT and --smtp-from ADDRESS")
    if asked["webhook"] and not asked["webhook"].startswith(("http://", "https://")):
        raise UsageError(
            f"--webhook {asked['webhook']}: give an address that begins with http:// or https://"
        )
    if bool(asked["smtp_user"]) != bool(asked["smtp_password_file"]):
        raise UsageError("--smtp-user and --smtp-password-file go together")
    text = alertmanager_file("", channels=Channels(mail=mail, **asked))
    if out is None:
        click.echo(text, nl=False)
    else:
        _write(out.parent, [(out.name or ALERTMANAGER_FILE, text)], quiet=False)


@group.command(short_help="Write all that a new Prometheus needs.")
@click.option(
    "--target", "targets", multiple=True, default=("127.0.0.1:9465",), show_default=True, metavar="HOST:PORT",
    help="An agent; may be given again.",
)  # fmt: skip
@click.option(
    "--alertmanager",
    default="127.0.0.1:9093",
    show_default=True,
    metavar="HOST:PORT",
    help="Where alerts go.",
)
@click.option(
    "--webhook", default="http://127.0.0.1:5001/", show_default=True, metavar="URL",
    help="Where the Alertmanager sends them.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the files."
)
@budget_option
@policy_option
def config(
    targets: tuple[str, ...],
    alertmanager: str,
    webhook: str,
    out: Path,
    budgets: tuple[str, ...],
    policy: Path | None,
) -> None:
    """Write prometheus.yml, alertmanager.yml and the rules: all that a new Prometheus needs."""
    from wattmark.monitoring.configs import (
        ALERTMANAGER_FILE,
        PROMETHEUS_FILE,
        RULES_FILE,
        TESTS_FILE,
        alertmanager_file,
        prometheus_file,
    )
    from wattmark.monitoring.rules import rule_file
    from wattmark.monitoring.ruletests import rule_tests
    from wattmark.monitoring.scenarios import scenarios

    for option, place in (*(("--target", target) for target in targets), ("--alertmanager", alertmanager)):
        if PLACE.fullmatch(place) is None or int(place.rpartition(":")[2]) > 65535:
            raise UsageError(f"{option} {place}: give HOST:PORT, such as 127.0.0.1:9465")
    if not webhook.startswith(("http://", "https://")):
        raise UsageError(f"--webhook {webhook}: give an address that begins with http:// or https://")
    settings = settings_here(budgets, policy)
    files = [
        (PROMETHEUS_FILE, prometheus_file(settings, targets, alertmanager)),
        (ALERTMANAGER_FILE, alertmanager_file(webhook)),
        (RULES_FILE, rule_file(settings)),
        (TESTS_FILE, rule_tests(RULES_FILE, scenarios(settings), settings)),
    ]
    _write(out, files, quiet=False)


@group.command(short_help="Check rules, and a running Prometheus.")
@click.option("--prometheus", metavar="URL", help="A running Prometheus that should know of the agents.")
@click.option("--tests/--no-tests", default=False, help="Run the tests of the rules, too: a minute or so.")
@budget_option
@policy_option
@json_option
def check(
    prometheus: str | None, tests: bool, budgets: tuple[str, ...], policy: Path | None, as_json: bool
) -> None:
    """Check the rules with promtool, and a running Prometheus for what it should know.

    Exits with 1 where something is bad. A token for Prometheus comes from WATTMARK_PROMETHEUS_TOKEN.
    """
    from wattmark.monitoring.checking import State, check_files, check_server, worst
    from wattmark.monitoring.prometheus import Prometheus
    from wattmark.reports import as_json as json_reports
    from wattmark.reports.monitoring import checks_body, checks_text

    settings = settings_here(budgets, policy)
    with tempfile.TemporaryDirectory(prefix="wattmark-") as folder:
        findings = list(check_files(settings, Path(folder), tests=tests))
    if prometheus is not None:
        server = Prometheus(prometheus, token=os.environ.get(TOKEN) or None)
        findings += check_server(server, settings)
    state = worst(findings)
    if as_json:
        click.echo(json_reports.document("monitor-check", 1, checks_body(findings, state)))
    else:
        click.echo(checks_text(findings))
    if state is State.BAD:
        raise click.exceptions.Exit(1)


def settings_here(budgets: tuple[str, ...], policy: Path | None = None) -> RuleSettings:
    """[monitor] of the nearest wattmark.toml, budgets of a policy, and budgets that are given."""
    from dataclasses import replace

    from wattmark.monitoring.settings import budgets_of, settings_of

    found = config_here()
    settings = settings_of(found.monitor, found.path or "wattmark.toml")
    if policy is not None:
        settings = _with_policy(settings, policy)
    if not budgets:
        return settings
    try:
        given = budgets_of(budgets, "", "--budget")
    except UsageError as error:
        raise UsageError(str(error).removeprefix(": ")) from None
    return replace(settings, budgets={**settings.budgets, **given})


def _with_policy(settings: RuleSettings, path: Path) -> RuleSettings:
    """Budgets of a policy go under those of the settings; what cannot be watched is told."""
    from dataclasses import replace

    from wattmark.ledger.policyfile import read_policy
    from wattmark.monitoring.policy_budgets import watched

    found, notes = watched(read_policy(path).budgets, settings)
    for note in notes:
        click.echo(f"wattmark: {note}", err=True)
    return replace(settings, budgets={**found, **settings.budgets})


def _write(out: Path, files: Iterable[tuple[str, str]], *, quiet: bool) -> None:
    tell: Callable[[Any], None] = (lambda _: None) if quiet else click.echo
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files:
            (out / name).write_text(text, encoding="utf-8")
            tell(f"wrote {out / name}")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
