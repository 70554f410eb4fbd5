"""All rules as the files that Prometheus loads."""

from __future__ import annotations

from wattmark.monitoring.alerts import alerts
from wattmark.monitoring.budgets import budgets
from wattmark.monitoring.recordings import figures
from wattmark.monitoring.regression import baselines, covariates
from wattmark.monitoring.rule import Alerting, Group, Recording, document
from wattmark.monitoring.settings import RuleSettings
from wattmark.monitoring.yaml import dump

HEADER = """\
Rules of wattmark for Prometheus 2.42 and later, written by `wattmark monitor rules`.
Change [monitor] in wattmark.toml and write them anew rather than this file."""
LEAST_VERSION = (2, 42)
"""Of Prometheus: the first with keep_firing_for."""


def all_groups(settings: RuleSettings) -> tuple[Group, ...]:
    """Recordings first, alerts after."""
    return (
        figures(settings),
        baselines(settings),
        covariates(settings),
        *alerts(settings),
        *budgets(settings),
    )


def rule_file(settings: RuleSettings) -> str:
    """The rule file."""
    return dump(document(all_groups(settings)), header=HEADER)


def recordings_of(settings: RuleSettings) -> tuple[Recording, ...]:
    """Every recording, in order."""
    return tuple(r for g in all_groups(settings) for r in g.rules if isinstance(r, Recording))


def alerts_of(settings: RuleSettings) -> tuple[Alerting, ...]:
    """Every alert, in order."""
    return tuple(r for g in all_groups(settings) for r in g.rules if isinstance(r, Alerting))
