"""The table of serving engines, ``data/engines.toml``: what their metrics are called and what they mean.

Its own remarks explain every field. The importers' table (``data/metrics/prometheus.csv``) holds the same
names for stored series; a test keeps the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from wattmark import tables
from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.serving.engine import Quantity

TABLE = "engines"
UNKNOWN, NONE, NONE_BEFORE_REQUESTS = "unknown", "none", "none_before_requests"
SUM, MEAN = "sum", "mean"


@dataclass(frozen=True, slots=True)
class Condition:
    """What a label must be; an absent one is empty."""

    label: str
    sign: str
    """``=`` one of the values, ``!=`` none of them, ``^`` begins with one of them."""
    values: tuple[str, ...]

    def holds(self, labels: Mapping[str, str]) -> bool:
        """True when it fits."""
        value = labels.get(self.label, "")
        if self.sign == "^":
            return value.startswith(self.values)
        return (value in self.values) is (self.sign == "=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One of the metrics that add up to a quantity."""

    names: tuple[str, ...]
    where: tuple[Condition, ...] = ()
    scale: float = 1.0
    over: str = SUM
    absent: str = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineKind:
    """One row: an engine, and where it shows what."""

    id: str
    title: str
    signs: tuple[str, ...]
    """What the names of its metrics begin with; none: it shows no metrics."""
    model: tuple[str, ...]
    """Labels that may name the model."""
    path: str
    port: int
    port_options: tuple[str, ...]
    processes: tuple[str, ...]
    on: str
    """How its metrics are switched on."""
    verified: str
    how: str
    """``server``: it ran and was asked; ``source``: its source was read."""
    tokens_at: str
    note: str
    source: str
    metrics: Mapping[Quantity, tuple[Term, ...]] = field(default_factory=dict)
    missing: Mapping[Quantity, str] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Every name of a sample that is wanted of it."""
        return frozenset(n for terms in self.metrics.values() for term in terms for n in term.names)

    def why_missing(self, quantity: Quantity) -> str:
        """Why it does not tell a quantity."""
        if said := self.missing.get(quantity):
            return said
        names = [n for term in self.metrics.get(quantity, ()) for n in term.names[:1]]
        return f"its page holds no {' and '.join(names)}"


@cache
def bundled_engines() -> tuple[EngineKind, ...]:
    """The table that is shipped, in the order in which engines are recognised. Raises ConfigError."""
    return engines_of(tables.toml(TABLE))


def engines_of(document: Mapping[str, Any]) -> tuple[EngineKind, ...]:
    """A table of this form. Raises ConfigError, which names the engine, for what cannot be read."""
    return tuple(_engine(row) for row in document["engine"])


def engine_named(name: str) -> EngineKind:
    """One engine. Raises UsageError for a name that is none."""
    for kind in bundled_engines():
        if kind.id == name:
            return kind
    known = ", ".join(kind.id for kind in bundled_engines())
    raise UsageError(f"{name!r} is no engine that is known: there are {known}")


def _engine(row: Mapping[str, Any]) -> EngineKind:
    lists = ("signs", "model", "port_options", "processes")
    try:
        told: dict[str, Any] = {key: tuple(v) if key in lists else v for key, v in row.items()}
        told["metrics"] = {
            Quantity(name): tuple(_term(term) for term in terms)
            for name, terms in row.get("metrics", {}).items()
        }
        told["missing"] = {Quantity(name): why for name, why in row.get("missing", {}).items()}
        return EngineKind(**told)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"data/{TABLE}.toml", str(row.get("id", "?")), str(error)) from None


def _term(said: Mapping[str, Any]) -> Term:
    rest = {key: value for key, value in said.items() if key not in ("metric", "where")}
    if rest.get("over", SUM) not in (SUM, MEAN):
        raise ValueError(f"over is sum or mean, not {rest['over']!r}")
    if rest.get("absent", UNKNOWN) not in (UNKNOWN, NONE, NONE_BEFORE_REQUESTS):
        raise ValueError(f"absent is unknown, none or none_before_requests, not {rest['absent']!r}")
    where = tuple(condition_of(c) for c in said.get("where", "").split(",") if c)
    return Term(names=tuple(said["metric"]), where=where, **rest)


def condition_of(text: str) -> Condition:
    """``label=a|b``, ``label!=a|b`` or ``label^a|b``. Raises ValueError."""
    for sign in ("!=", "=", "^"):
        label, found, values = text.partition(sign)
        if found and label and not set(label) & set("!=^"):
            return Condition(label, sign, tuple(values.split("|")))
    raise ValueError(f"{text!r} is no condition: label=a|b, label!=a|b or label^a|b")
