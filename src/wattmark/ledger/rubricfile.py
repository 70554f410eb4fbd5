"""Rubric files: which KPIs make a score, with their weights; bundled ones by name, others by path."""

from __future__ import annotations

from pathlib import Path

from wattmark import tables
from wattmark.core.errors import UsageError
from wattmark.core.kpis import CATALOG
from wattmark.core.rubric import Aggregation, Factors, Rubric, Weighted, check_rubric
from wattmark.fields import Fields, read_toml

BUNDLED = ("default", "training", "inference")
"""Names of the rubrics inside the package (``data/rubrics``)."""


def rubric_named(name: str) -> Rubric:
    """A bundled rubric by its name, or a file by its path.

    Raises UsageError for a name that is neither, ConfigError with file and place for a wrong file.
    """
    if name in BUNDLED:
        return _rubric(Fields(f"data/rubrics/{name}.toml", "", tables.toml(f"rubrics/{name}")))
    path = Path(name)
    if not path.suffix and not path.exists():
        raise UsageError(f"no rubric {name!r}: give one of {', '.join(BUNDLED)}, or the path of a file")
    return read_rubric(path)


def read_rubric(path: Path) -> Rubric:
    """Read a rubric file. Raises ConfigError that names the file and the place in it."""
    return _rubric(Fields(str(path), "", read_toml(path)))


def _rubric(fields: Fields) -> Rubric:
    fields.only("id", "version", "title", "aggregation", "factors", "kpi")
    aggregation = fields.choice("aggregation", [a.value for a in Aggregation], Aggregation.ARITHMETIC.value)
    factors = fields.choice("factors", [f.value for f in Factors], Factors.BASELINE.value)
    rubric = Rubric(
        id=fields.text("id"),
        version=fields.text("version"),
        title=fields.text("title", ""),
        aggregation=Aggregation(aggregation),
        factors=Factors(factors),
        kpis=tuple(_weighted(item) for item in fields.tables("kpi")),
    )
    try:
        check_rubric(rubric, CATALOG)
    except UsageError as error:
        raise fields.refused(error) from None
    return rubric


def _weighted(fields: Fields) -> Weighted:
    fields.only("id", "weight")
    weight = fields.number("weight")
    if weight is None:
        raise fields.wrong("weight", "is missing")
    return Weighted(kpi=fields.text("id"), weight=weight)
