"""Which audit log is meant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.ledger.auditlog import AuditLog

log_option = click.option(
    "--log", metavar="PLACE", help="Folder or address of the log [that of the nearest policy]."
)
NO_LOG = (
    "no audit log is named: give --log, set WATTMARK_AUDIT_LOG, or write `log` under [audit] in the policy"
)


def log_meant(asked: str | None) -> AuditLog:
    """The log asked for, else that of WATTMARK_AUDIT_LOG, else of the nearest policy. Raises UsageError."""
    from wattmark.core.governance.rules import AuditRules
    from wattmark.ledger.policyfile import find_policy, read_policy
    from wattmark.wiring.auditing import LOG_VARIABLE, log_of

    here = Path.cwd()
    if asked or os.environ.get(LOG_VARIABLE):
        log = log_of(AuditRules(), here, asked)
    else:
        policy = find_policy(here)
        log = None if policy is None else log_of(read_policy(policy).audit, policy.parent)
    if log is None:
        raise UsageError(NO_LOG)
    return log


def repository_of(log: AuditLog) -> Path:
    """The folder whose repository holds the tags: that of the log, or this one where it is elsewhere."""
    folder = Path(log.url)
    return folder if "://" not in log.url and folder.is_dir() else Path.cwd()
