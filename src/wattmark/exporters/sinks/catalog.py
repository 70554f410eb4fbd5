"""The catalogue of sinks: a name, a module, what its target is. A module loads when it is asked for.

Packages add theirs by an entry point ``wattmark.sinks`` of the form ``name = "package.module"``; the module
has ``KEYS``, ``table_of(target)`` and ``open_sink(table, world)`` like the ones here.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from types import ModuleType
from typing import NamedTuple

from wattmark.core.errors import ConfigError, UsageError
from wattmark.exporters.sinks.sink import Sink, World
from wattmark.fields import Fields

GROUP = "wattmark.sinks"


class SinkRow(NamedTuple):
    """One line of the catalogue."""

    module: str
    target: str
    """What follows the colon of ``--to``."""
    what: str


SINKS: Mapping[str, SinkRow] = {
    "webhook": SinkRow(
        "wattmark.exporters.sinks.webhook", "https://HOST/PATH", "any address that takes JSON"
    ),
    "slack": SinkRow(
        "wattmark.exporters.sinks.slack", "NAME_OF_VARIABLE", "a channel, by an incoming webhook"
    ),
    "teams": SinkRow(
        "wattmark.exporters.sinks.teams", "NAME_OF_VARIABLE", "a channel of Microsoft Teams, by a workflow"
    ),
    "email": SinkRow("wattmark.exporters.sinks.email", "ADDRESS,ADDRESS", "mail through an SMTP server"),
    "alertmanager": SinkRow(
        "wattmark.exporters.sinks.alertmanager", "http://HOST:9093", "an Alertmanager, which routes further"
    ),
    "github-issue": SinkRow(
        "wattmark.exporters.sinks.github_issue", "OWNER/REPOSITORY", "an issue, kept up to date"
    ),
    "gitlab-issue": SinkRow(
        "wattmark.exporters.sinks.gitlab_issue", "GROUP/PROJECT", "an issue, kept up to date"
    ),
    "jira": SinkRow(
        "wattmark.exporters.sinks.jira", "https://SITE/PROJECT", "an issue of Jira, kept up to date"
    ),
}


def names() -> tuple[str, ...]:
    """All sinks, ours first."""
    return (*SINKS, *sorted(e.name for e in entry_points(group=GROUP) if e.name not in SINKS))


def asked_for(spec: str) -> tuple[str, Fields]:
    """Sink and settings of ``NAME:TARGET``. Raises UsageError for what is none."""
    name, sign, target = spec.partition(":")
    if not sign or not target.strip():
        raise UsageError(f"{name!r:.60} is no place to tell: write SINK:TARGET, with {', '.join(names())}")
    values: Mapping[str, object] = module_of(name).table_of(target.strip())
    return name, Fields("--to", name, values)


def open_sink(name: str, table: Fields, world: World) -> Sink:
    """The sink of a table. Raises ConfigError that names the place, also for a secret that is not there."""
    module = module_of(name)
    try:
        sink: Sink = module.open_sink(table, world)
    except ConfigError:
        raise
    except UsageError as error:  # an address that cannot be meant
        raise table.refused(error) from None
    return sink


def forgets(name: str) -> bool:
    """Whether a sink must be told again and again of what goes on (``FORGETS`` of its module)."""
    return bool(getattr(module_of(name), "FORGETS", False))


def module_of(name: str) -> ModuleType:
    """The module of a sink. Raises UsageError for a name that is none."""
    if name in SINKS:
        return importlib.import_module(SINKS[name].module)
    others = {e.name: e.value for e in entry_points(group=GROUP)}
    if name in others:
        return importlib.import_module(others[name])
    known = names()
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise UsageError(f"there is no sink {name!r:.60}; {meant}known: {', '.join(known)}")
