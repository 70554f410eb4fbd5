"""What Prometheus and Alertmanager need besides the rules: a scrape job, routes, and what silences what."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.monitoring.rule import duration
from wattmark.monitoring.settings import RuleSettings
from wattmark.monitoring.yaml import dump

RULES_FILE = "wattmark.rules.yml"
TESTS_FILE = "wattmark.rules.test.yml"
PROMETHEUS_FILE = "prometheus.yml"
ALERTMANAGER_FILE = "alertmanager.yml"
SCRAPE = 15.0
"""Seconds between scrapes: the agent's figures move once a minute, its own state more often."""
NODE_GONE = ("WattmarkAgentGone", "WattmarkAgentStale")
OF_NODE = ("WattmarkDeviceUnobserved", "WattmarkEngineDown", "WattmarkLedgerLag", "WattmarkSpoolGrowing")


def prometheus_file(
    settings: RuleSettings, targets: Sequence[str], alertmanager: str, *, scrape: float = SCRAPE
) -> str:
    """A whole configuration of a Prometheus that watches these agents."""
    return dump(
        {
            "global": {
                "scrape_interval": duration(scrape),
                "evaluation_interval": duration(settings.interval),
            },
            "rule_files": [RULES_FILE],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
            "scrape_configs": [{"job_name": "wattmark", "static_configs": [{"targets": list(targets)}]}],
        },
        header="A Prometheus that watches wattmark's agents; or put the job into yours.",
    )


def alertmanager_file(webhook: str, *, wait: float = 30.0, interval: float = 300.0) -> str:
    """A whole configuration of an Alertmanager: one receiver for pages, one for tickets.

    An agent that is gone or stale says why nothing else is known of its node: those alerts are held back.
    What the rules and the agent both find in a model is told once, and a budget that burns fast is not told
    as one that burns slowly as well.
    """
    return dump(
        {
            "route": {
                "receiver": "tickets",
                "group_by": ["alertname", "model", "instance"],
                "group_wait": duration(wait),
                "group_interval": duration(interval),
                "repeat_interval": "12h",
                "routes": [{"receiver": "pages", "matchers": ['severity="page"'], "repeat_interval": "4h"}],
            },
            "inhibit_rules": [
                _held_back(_any(NODE_GONE), _any(OF_NODE), ["instance"]),
                _held_back('alertname="WattmarkAgentGone"', 'alertname="WattmarkAgentStale"', ["instance"]),
                _held_back(
                    'alertname=~"WattmarkEnergyPer.*Regressed"',
                    'alertname="WattmarkRegressionFound"',
                    ["model"],
                ),
                {
                    "source_matchers": ['alertname="WattmarkCarbonBudgetBurning"', 'severity="page"'],
                    "target_matchers": ['alertname="WattmarkCarbonBudgetBurning"', 'severity="ticket"'],
                    "equal": ["model"],
                },
            ],
            "receivers": [
                {"name": name, "webhook_configs": [{"url": webhook, "send_resolved": True}]}
                for name in ("pages", "tickets")
            ],
        },
        header="Routes for wattmark's alerts. Put your own receivers in place of the webhooks.",
    )


def _any(alerts: Sequence[str]) -> str:
    return f'alertname=~"{"|".join(alerts)}"'


def _held_back(source: str, target: str, equal: Sequence[str]) -> dict[str, object]:
    return {"source_matchers": [source], "target_matchers": [target], "equal": list(equal)}
