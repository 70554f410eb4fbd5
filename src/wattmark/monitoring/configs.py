"""What Prometheus and Alertmanager need besides the rules: a scrape job, routes, and what silences what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.monitoring.rule import duration
from wattmark.monitoring.settings import RuleSettings
from wattmark.monitoring.yaml import dump

RULES_FILE = "wattmark.rules.yml"
TESTS_FILE = "wattmark.rules.test.yml"
PROMETHEUS_FILE = "prometheus.yml"
ALERTMANAGER_FILE = "alertmanager.yml"
TITLE = (
    '{{ if eq .Status "resolved" }}Over: {{ end }}'
    "{{ .CommonLabels.alertname }} {{ .CommonAnnotations.summary }}"
)
TEXT = "{{ range .Alerts }}{{ .Annotations.description }}\n{{ end }}"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Where people are told. Secrets are named by the files that hold them, and are never in the text."""

    webhook: str = ""
    slack_file: str = ""
    """File that holds the address of an incoming webhook."""
    teams_file: str = ""
    """File that holds the address of a workflow; needs Alertmanager 0.28 or newer."""
    mail: tuple[str, ...] = ()
    smtp: str = ""
    """HOST:PORT of a mail server with STARTTLS."""
    smtp_from: str = ""
    smtp_user: str = ""
    smtp_password_file: str = ""

    def receiver(self, name: str) -> dict[str, object]:
        """One receiver that tells them all; what is over is told as well."""
        made: dict[str, object] = {"name": name}
        if self.webhook:
            made["webhook_configs"] = [{"url": self.webhook, "send_resolved": True}]
        if self.slack_file:
            made["slack_configs"] = [
                {"api_url_file": self.slack_file, "send_resolved": True, "title": TITLE, "text": TEXT}
            ]
        if self.teams_file:
            made["msteamsv2_configs"] = [
                {"webhook_url_file": self.teams_file, "send_resolved": True, "title": TITLE, "text": TEXT}
            ]
        if self.mail:
            made["email_configs"] = [{"to": ", ".join(self.mail), "send_resolved": True}]
        return made

    def settings(self) -> dict[str, object]:
        """What receivers of mail have in common."""
        if not self.mail:
            return {}
        told = {"smtp_smarthost": self.smtp, "smtp_from": self.smtp_from}
        if self.smtp_user:
            told |= {
                "smtp_auth_username": self.smtp_user,
                "smtp_auth_password_file": self.smtp_password_file,
            }
        return {"global": told}


def alertmanager_file(
    webhook: str, *, wait: float = 30.0, interval: float = 300.0, channels: Channels | None = None
) -> str:
    """A whole configuration of an Alertmanager: one receiver for pages, one for tickets.

    An agent that is gone or stale says why nothing else is known of its node: those alerts are held back.
    What the rules and the agent both find in a model is told once, and a budget that burns fast is not told
    as one that burns slowly as well.
    """
    told = channels or Channels(webhook=webhook)
    replaced = "" if channels else " Put your own receivers in place of the webhooks."
    return dump(
        {
            **told.settings(),
            "route": {
                "receiver": "tickets",
                "group_by": ["alertname", "model", "instance"],
                "group_wait": duration(wait),
                "group_interval": duration(interval),
                "repeat_interval": "12h",
                "routes": [
                    {"receiver": "pages", "matchers": ['severity=~"page|error"'], "repeat_interval": "4h"}
                ],
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
            "receivers": [told.receiver(name) for name in ("pages", "tickets")],
        },
        header=f"Routes for wattmark's alerts.{replaced}",
    )


def _any(alerts: Sequence[str]) -> str:
    return f'alertname=~"{"|".join(alerts)}"'


def _held_back(source: str, target: str, equal: Sequence[str]) -> dict[str, object]:
    return {"source_matchers": [source], "target_matchers": [target], "equal": list(equal)}
