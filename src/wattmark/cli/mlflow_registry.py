"""``wattmark mlflow tag|promote|check MODEL/VERSION``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.mlflow import server_at, server_option
from wattmark.cli.options import config_here, json_option
from wattmark.core.errors import UsageError, WattmarkError
from wattmark.core.governance.promotion import MAX_AGE_DAYS, PREFIX
from wattmark.ledger.decisionfile import decision_and_bytes

if TYPE_CHECKING:
    from datetime import datetime

    from wattmark.core.governance.audit import Entry
    from wattmark.core.governance.decision import Decision
    from wattmark.core.governance.promotion import Refusal
    from wattmark.ledger.auditlog import AuditLog
    from wattmark.wiring.governing import PolicyHere, Surroundings
    from wattmark.wiring.mlflow import Tagged, Terms

EXITS = "Exit code: 0 done, 1 its gate failed, 2 usage or MLflow, 3 not enough evidence."
version_argument = click.argument("version", metavar="MODEL/VERSION")
decision_option = click.option(
    "--decision",
    "decision_file",
    type=click.Path(path_type=Path),
    help="What `wattmark gate --decision FILE` wrote.",
)
age_option = click.option(
    "--max-age",
    type=click.FloatRange(min=0, min_open=True),
    default=MAX_AGE_DAYS,
    metavar="DAYS",
    help=f"How old the decision may be [{MAX_AGE_DAYS:g}].",
)
now_option = click.option("--now", metavar="TIME", help="Judge as of this time (UTC, ISO 8601) [now].")
policy_option = click.option(
    "--policy", type=click.Path(path_type=Path), help="The decision must be by this policy, as it is now."
)


@click.command(epilog=EXITS)
@version_argument
@server_option
@decision_option
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help="Whose waivers must hold, and by which a pass must be where it requires a log [the nearest].",
)
@age_option
@now_option
@json_option
def tag(
    version: str,
    mlflow: str | None,
    decision_file: Path | None,
    policy: Path | None,
    max_age: float,
    now: str | None,
    as_json: bool,
) -> int:
    """Write score, stars, gate and evidence of a decision as tags of a model's version.

    A version that passes gets the alias wattmark-passed; one that does not, or by a decision that is too old
    or whose waiver lapsed, loses it.
    """
    from wattmark.core.governance.promotion import Refusal
    from wattmark.wiring.authentic import nearest, required_proof, waivers_gone
    from wattmark.wiring.governing import moment, policy_here
    from wattmark.wiring.mlflow import named, version_of
    from wattmark.wiring.mlflow import tag as write

    if decision_file is None:
        raise UsageError("give --decision FILE: `wattmark gate --decision FILE` writes one")
    decision, document = decision_and_bytes(decision_file)
    rules = nearest(Path.cwd()) if policy is None else policy_here(policy, Path.cwd())
    if (forged := required_proof(decision, rules)) is not None:
        return _refused(version, forged, as_json, "mlflow-tag")
    ended = waivers_gone(decision, rules, moment(now).date())
    server, terms = server_at(mlflow), _terms(max_age, now, None)
    found = write(server, version_of(server, named(version)), decision, document, terms, ended)
    if isinstance(found, Refusal):
        return _refused(version, found, as_json, "mlflow-tag")
    _tell(found, as_json, "mlflow-tag")
    return 0


@click.command(epilog=EXITS)
@version_argument
@click.option("--alias", required=True, help="Alias to give, e.g. champion.")
@server_option
@decision_option
@policy_option
@age_option
@now_option
@click.option("--audit", metavar="LOG", help="Audit log [WATTMARK_AUDIT_LOG, or `log` under [audit]].")
@click.option("--actor", help="Who promotes [as the CI, or git, says].")
@json_option
def promote(
    version: str,
    alias: str,
    mlflow: str | None,
    decision_file: Path | None,
    policy: Path | None,
    max_age: float,
    now: str | None,
    audit: str | None,
    actor: str | None,
    as_json: bool,
) -> int:
    """Give a model's version an alias, if a decision about this very version lets it through.

    Refused for a gate that did not pass, a decision about other runs, an old one, or a waiver that lapsed.
    With --policy and no --decision the gate runs now, on the run files kept in MLflow; with neither, the
    decision counts that `wattmark mlflow tag` kept. Every promotion is logged.
    """
    from wattmark.core.governance.promotion import Refusal
    from wattmark.wiring.authentic import nearest, other_evidence, required_proof, told_the_time, waivers_gone
    from wattmark.wiring.governing import moment, policy_here
    from wattmark.wiring.mlflow import gate_version, kept_decision, may_promote, named, shelved, version_of
    from wattmark.wiring.mlflow import promote as give

    server, at = server_at(mlflow), moment(now)
    rules = nearest(Path.cwd()) if policy is None else policy_here(policy, Path.cwd())
    if (other := told_the_time(rules, at)) is not None:
        return _refused(version, other, as_json, "mlflow-promotion")
    meant = version_of(server, named(version))
    if decision_file is not None:
        decision, document = decision_and_bytes(decision_file)
    elif policy is not None and rules is not None:
        decision, document = gate_version(server, meant, rules, _surroundings(at, now, audit, actor))
    else:
        kept = kept_decision(server, meant)
        if isinstance(kept, Refusal):
            return _refused(str(meant), kept, as_json, "mlflow-promotion")
        decision, document = kept
    refused = may_promote(server, meant, decision, _terms(max_age, now, rules))
    refused = refused or required_proof(decision, rules, audit)
    refused = refused or waivers_gone(decision, rules, at.date())
    log = None if refused else _log(rules, audit)
    refused = refused or other_evidence(decision, shelved(server, meant), log)
    if refused is not None:
        return _refused(str(meant), refused, as_json, "mlflow-promotion")
    entry = None if log is None else _logged(log, decision, document, str(meant), alias, actor, now)
    try:
        found = give(server, meant, alias, decision, document, entry)
    except WattmarkError as error:
        if log is not None:
            _logged(log, decision, document, str(meant), alias, actor, now, problem=str(error))
        raise
    _tell(found, as_json, "mlflow-promotion")
    return 0


@click.command(epilog="Exit code: 0 it holds, 1 it failed or a waiver lapsed, 2 usage or MLflow, 3 no proof.")
@click.argument("version", metavar="MODEL@ALIAS")
@server_option
@policy_option
@age_option
@now_option
@json_option
def check(
    version: str, mlflow: str | None, policy: Path | None, max_age: float, now: str | None, as_json: bool
) -> int:
    """Say whether the version that is served has a gate that holds: for jobs that deploy.

    Its tags are looked at, then the decision they name, which is kept beside the run, by hash and by runs.
    """
    from wattmark.reports.as_json import document
    from wattmark.wiring.authentic import required_proof, waivers_gone
    from wattmark.wiring.governing import moment, policy_here
    from wattmark.wiring.mlflow import check as look
    from wattmark.wiring.mlflow import named, version_of

    rules = None if policy is None else policy_here(policy, Path.cwd())
    server = server_at(mlflow)
    found = look(server, version_of(server, named(version)), _terms(max_age, now, rules))
    refusal, decision = found.refusal, found.decision
    if refusal is None and decision is not None:
        refusal = required_proof(decision, rules) or waivers_gone(decision, rules, moment(now).date())
    if as_json:
        body = {
            "version": found.version,
            "gate": found.gate or None,
            "holds": refusal is None,
            "reason": refusal.reason if refusal else None,
            "decided_at": decision.decided_at if decision else None,
            "policy_digest": decision.policy.digest if decision else None,
            "exit_code": refusal.exit_code if refusal else 0,
        }
        click.echo(document("mlflow-check", 1, body))
    elif refusal is None and decision is not None:
        click.echo(f"holds            {found.version}: {found.gate}, decided at {decision.decided_at}")
        click.echo(f"policy           {decision.policy.id or decision.policy.file}")
    elif refusal is not None:
        click.echo(f"does not hold    {refusal.reason}")
    return refusal.exit_code if refusal else 0


def _surroundings(at: datetime, now: str | None, audit: str | None, actor: str | None) -> Surroundings:
    """Of a gate that runs here and now."""
    from wattmark.wiring import Stated
    from wattmark.wiring.governing import Surroundings

    return Surroundings(
        config=config_here(), stated=Stated(), here=Path.cwd(), now=at, stated_now=now is not None,
        log=audit, actor=actor,
    )  # fmt: skip


def _terms(max_age: float, now: str | None, rules: PolicyHere | None) -> Terms:
    from wattmark.wiring.governing import moment
    from wattmark.wiring.mlflow import Terms

    digest = "" if rules is None else rules.policy.digest
    return Terms(now=moment(now), max_age_days=max_age, policy_digest=digest)


def _log(rules: PolicyHere | None, asked: str | None) -> AuditLog | None:
    """The audit log: as asked, as the environment or the policy says. Raises UsageError for one required."""
    from wattmark.core.governance.rules import AuditRules
    from wattmark.wiring.auditing import log_to_write

    audit, folder = (AuditRules(), Path.cwd()) if rules is None else (rules.policy.audit, rules.folder)
    return log_to_write(audit, folder, asked)


def _logged(
    log: AuditLog,
    decision: Decision,
    document: bytes,
    version: str,
    alias: str,
    actor: str | None,
    now: str | None,
    problem: str = "",
) -> Entry:
    from wattmark.core.governance.audit import Action
    from wattmark.core.governance.promotion import gate_word
    from wattmark.wiring.actors import actor_here
    from wattmark.wiring.auditing import record
    from wattmark.wiring.governing import moment

    detail = {"alias": alias, "exit_code": str(decision.exit_code)}
    if decision.candidate.evidence_sha256:
        detail["candidate_evidence"] = decision.candidate.evidence_sha256
    if now is not None:
        detail["judged_as_of"] = f"{moment(now):%Y-%m-%dT%H:%M:%SZ}"
    if problem:
        detail["problem"] = problem
    return record(
        log,
        Action.MODEL_PROMOTED,
        actor=actor_here(actor, os.environ, Path.cwd()),
        subject=version,
        policy_digest=decision.policy.digest,
        objects={"decision": document},
        decision="not done" if problem else gate_word(decision),
        detail=detail,
    )


def _refused(version: str, found: Refusal, as_json: bool, schema: str) -> int:
    from wattmark.reports.as_json import document

    if as_json:
        body: dict[str, Any] = {"version": version, "done": False, "reason": found.reason}
        click.echo(document(schema, 1, {**body, "exit_code": found.exit_code}))
    else:
        click.echo(f"refused          {found.reason}")
    return found.exit_code


def _tell(found: Tagged, as_json: bool, schema: str) -> None:
    from wattmark.reports.as_json import document

    if as_json:
        body: dict[str, Any] = {
            "version": found.version,
            "done": True,
            "gate": found.gate,
            "tags": {key: value for key, value in found.tags.items() if value is not None},
            "alias": found.alias or None,
            "alias_dropped": found.dropped or None,
            "notes": list(found.notes),
        }
        click.echo(document(schema, 1, {**body, "exit_code": 0}))
        return
    click.echo(f"version          {found.version}")
    click.echo(f"gate             {found.gate}")
    for key in ("score", "stars", "waivers", "waived_until", "policy", "audit_seq"):
        if value := found.tags.get(PREFIX + key):
            click.echo(f"{key.replace('_', ' '):<16} {value}")
    if found.alias:
        click.echo(f"alias            {found.alias}")
    if found.dropped:
        click.echo(f"alias dropped    {found.dropped}")
    for note in found.notes:
        click.echo(f"note             {note}")
