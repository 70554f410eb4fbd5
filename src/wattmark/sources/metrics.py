"""What a metric of an exporter means: one table for Prometheus, exposition files and whoever else reads them.

The table is ``data/metrics/prometheus.csv``; its description explains the columns. A series is looked up by
its name and labels: the first row that fits counts. What fits no row and looks like energy is told of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from wattmark import tables
from wattmark.core.errors import ConfigError, UsageError

TABLE = "metrics/prometheus"
COUNTER, GAUGE = "counter", "gauge"
JOULES, WATTS = "J", "W"

Labels = Mapping[str, str]

_ENERGY_LIKE = re.compile(
    r"(joules?|watts?|[mk]?wh|kilowatthours?|(^|_)[mu]w|millijoules|microjoules|milliwatts|microwatts|"
    r"(^|_)(energy|power)(_(usage|draw|consumed|consumption))?)(_total|_sum)?$",
    re.IGNORECASE,
)
_NO_READING = re.compile(
    r"limit|_cap(acity)?(_|$)|_max(_|$)|_min(_|$)|default|enforced|violation|throttl|threshold|rated|requested|"
    r"_info$|_created$|_bucket$|_count$|tdp|price|cost",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What one label must be."""

    label: str
    kind: str
    """``=`` one of the values, ``!=`` none of them, ``~`` contains one of them, ``*`` is there."""
    values: tuple[str, ...]

    def holds(self, labels: Labels) -> bool:
        """True when it fits; an absent label is empty."""
        value = labels.get(self.label, "")
        if self.kind == "*":
            return value != ""
        if self.kind == "~":
            return any(v in value for v in self.values)
        return (value in self.values) is (self.kind == "=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the table."""

    order: int
    names: tuple[str, ...]
    exporter: str
    level: str
    """Of a share or of work; empty for whole devices."""
    where: tuple[Condition, ...]
    kind: str
    unit: str
    """``J``, ``W``, the unit of work; empty when it is left out."""
    factor: float
    or_factor: float | None
    component: str
    device: str
    part_of: str
    adds: tuple[str, ...]
    rule: str
    boundary: str
    method: str
    grade: str
    duty: float
    meter: str
    most_watts: float | None
    wraps_at_joules: tuple[float, ...]
    workload: str
    note: str
    source: str

    @property
    def taken(self) -> bool:
        """False for what is known and left out."""
        return self.unit != ""

    @property
    def energy(self) -> bool:
        """True for energy and power, False for work."""
        return self.unit in (JOULES, WATTS)

    @property
    def rank(self) -> tuple[bool, int]:
        """Of two series of one target and device the smaller counts: counters first."""
        return (self.kind != COUNTER, self.order)


class Metrics:
    """The table, to be looked up by name and labels."""

    def __init__(self, rows: Iterable[Metric]) -> None:
        self.rows = tuple(rows)
        self._by_name: dict[str, list[Metric]] = {}
        for row in self.rows:
            for name in row.names:
                self._by_name.setdefault(name, []).append(row)

    def knows(self, name: str) -> bool:
        """True when a row has this name."""
        return name in self._by_name

    def takes(self, name: str) -> bool:
        """True when some series of this name are taken."""
        return any(row.taken for row in self._by_name.get(name, ()))

    def find(self, name: str, labels: Labels) -> Metric | None:
        """The first row that fits; None when none does."""
        return next(
            (r for r in self._by_name.get(name, ()) if all(c.holds(labels) for c in r.where)),
            None,
        )

    def why_left_out(self, name: str) -> str:
        """Why no series of this name is taken."""
        return next(iter(r.note for r in self._by_name.get(name, ()) if not r.taken), "")


@cache
def bundled_metrics() -> Metrics:
    """The table that is shipped. Raises ConfigError when it was altered."""
    return Metrics(metric_of(order, row) for order, row in enumerate(tables.rows(TABLE)))


def metric_of(order: int, row: Mapping[str, str]) -> Metric:
    """A row of the table, typed. Raises ConfigError for a condition or number that is none."""
    try:
        return Metric(
            order=order,
            names=tuple(row["metric"].split()),
            exporter=row["exporter"],
            level=row["level"],
            where=tuple(_condition(c) for c in row["where"].split(",") if c),
            kind=row["kind"],
            unit=row["unit"],
            factor=float(row["factor"] or 1),
            or_factor=float(row["or_factor"]) if row["or_factor"] else None,
            component=row["component"],
            device=row["device"],
            part_of=row["part_of"],
            adds=tuple(filter(None, row["adds"].split("/"))),
            rule=row["rule"],
            boundary=row["boundary"],
            method=row["method"],
            grade=row["grade"],
            duty=float(row["duty"] or 1),
            meter=row["meter"],
            most_watts=float(row["most_watts"]) if row["most_watts"] else None,
            wraps_at_joules=tuple(float(w) for w in row["wraps_at_joules"].split()),
            workload=row["workload"],
            note=row["note"],
            source=row["source"],
        )
    except ValueError as error:
        raise ConfigError(f"data/{TABLE}.csv", row["metric"], str(error)) from None


def _condition(text: str) -> Condition:
    for sign in ("!=", "~", "="):
        label, found, said = text.partition(sign)
        if found and "=" not in label:
            kind = "*" if sign == "=" and said == "*" else sign
            return Condition(label=label, kind=kind, values=tuple(said.split("|")))
    raise ValueError(f"{text!r} is no condition: label=a|b, label!=a|b, label=* or label~a")


def looks_like_energy(name: str) -> bool:
    """True for the name of a metric that reads like energy or power in use, and not like a limit."""
    return _ENERGY_LIKE.search(name) is not None and _NO_READING.search(name) is None


def filled(template: str, labels: Labels, host_id: str) -> str | None:
    """The template with its labels put in; None when one of them is not there.

    ``{host}`` is the machine's id; ``{a/b}`` takes the first of the labels that is not empty.
    """
    lacking = False

    def value(match: re.Match[str]) -> str:
        nonlocal lacking
        if match[1] == "host":
            return host_id
        said = next((labels[name] for name in match[1].split("/") if labels.get(name)), "")
        lacking = lacking or not said
        return said

    text = PLACEHOLDER.sub(value, template)
    return None if lacking else text


def device_of(template: str, labels: Labels, host_id: str) -> str | None:
    """The id of a device; NVIDIA's GPUs go by their UUID alone, in whatever form it is written."""
    found = filled(template, labels, host_id)
    if found is None:
        return None
    last = found.rpartition("/")[2].removeprefix("GPU-GPU-").removeprefix("GPU-")
    nvidia = "/GPU-" in found or found.startswith("GPU-")
    return f"GPU-{last.lower()}" if nvidia else found


LEVELS: Mapping[str, Sequence[str]] = {
    "shares": ("pod", "container", "vm", "process"),
    "work": ("server", "client"),
}
"""Who is taken where several levels tell of the same energy or work: the first that is there."""


def levels_taken(metrics: Metrics, names: Iterable[str], asked: Callable[[str], str]) -> frozenset[str]:
    """Which levels of shares and work are taken, of those whose metrics are there.

    ``asked`` gives for ``shares`` and for ``work`` a level, ``none``, or ``auto``; anything else raises
    UsageError.
    """
    present = {row.level for name in names for row in metrics.rows if name in row.names and row.taken}
    taken: set[str] = set()
    for what, levels in LEVELS.items():
        wish = asked(what)
        if wish not in ("auto", "none", *levels):
            raise UsageError(f"-o {what}={wish}: give auto, {', '.join(levels)} or none")
        if wish == "auto":
            taken.update([level for level in levels if level in present][:1])
        else:
            taken.add(wish)
    return frozenset(taken)
