"""Writes a new KPI: its file, its test, its page and its row in the catalog.

    python scripts/new_kpi.py energy_per_epoch [--title "Energy per Epoch"]

What it writes works and passes its test: energy over work. Change the formula, then the test, then the page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scaffold import checked, regenerate_docs, rewrite, with_line, write_new

ROOT = Path(__file__).resolve().parent.parent
CATALOG = "src/wattmark/core/kpis/__init__.py"

CODE = '''"""{title}: say in one line what it tells."""

from __future__ import annotations

from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Missing
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.per_unit import per_unit
from wattmark.core.kpis.stages import energy_of_work


def {name}(facts: Facts) -> Answer:
    """Energy over work, in joules per functional unit. Source: name the standard or paper."""
    energy = energy_of_work(facts)
    if isinstance(energy, Missing):
        return energy
    work = facts.unit_work
    if isinstance(work, Missing):
        return work
    return per_unit(energy, work)


KPI = Kpi(
    id="{name}",
    title="{title}",
    unit="J/unit",
    better=Better.LOWER,
    formula="energy / successful functional units",
    of={name},
)
'''

TEST = '''"""{title}: what it says, and when it refuses to."""

from __future__ import annotations

from tests.core.kpis.builders import done, joules, of, some_facts
from wattmark.core.figure import Missing, Undefined

KPI = "{name}"


def test_200_joules_for_100_inferences_are_two_each() -> None:
    """A number that can be checked in the head."""
    answer = of(KPI, some_facts(energy=joules(200)))
    assert (answer.value, answer.unit) == (2.0, "J/inference")


def test_without_energy_or_work_it_is_missing() -> None:
    """Each names what to give."""
    assert of(KPI, some_facts(energy=Missing("energy"))) == Missing("energy")
    assert of(KPI, some_facts(work={{}})).field == "work (inferences)"


def test_no_work_makes_it_undefined() -> None:
    """Nothing to divide by is a reason, not a zero."""
    assert isinstance(of(KPI, some_facts(work=done("inferences", 0))), Undefined)
'''

PAGE = """# {title}

What it tells, in one sentence.

<!-- generated:kpi -->
<!-- end -->

## What it needs

- Energy of everything measured.
- Work: `--work inferences=1000` or `run.log(work={{'inferences': 1000}})`.

## When there is no figure

- No energy or no work: missing.
- No successful unit: undefined.

## Interval

From the meters.

## Limitation

What it does not see, and how it may mislead.

## Source

Name the standard or paper, or say that the definition is wattmark's own.
"""


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write the four parts and regenerate the tables."""
    parser = argparse.ArgumentParser(description="Write a new KPI with its test, its page and its row.")
    parser.add_argument("name", help="id of the KPI, e.g. energy_per_epoch")
    parser.add_argument("--title", help="how a person writes it; default: from the name")
    parser.add_argument("--root", type=Path, default=root, help="root of the source tree")
    given = parser.parse_args(argv)
    name = checked(given.name)
    title = given.title or name.replace("_", " ").capitalize()
    files = {
        f"src/wattmark/core/kpis/{name}.py": CODE,
        f"tests/core/kpis/test_{name}.py": TEST,
        f"docs/kpis/{name}.md": PAGE,
    }
    catalog = (given.root / CATALOG).read_text(encoding="utf-8")
    imports, rows = "from wattmark.core.kpis import (", "_ALL: tuple[Kpi, ...] = ("
    catalog = with_line(catalog, CATALOG, f"    {name},\n", ")\n", imports, sort=True)
    catalog = with_line(catalog, CATALOG, f"    {name}.KPI,\n", ")\n", rows)
    write_new(given.root, {path: text.format(name=name, title=title) for path, text in files.items()})
    rewrite(given.root, CATALOG, catalog)
    regenerate_docs(given.root)
    sys.stdout.write(
        "next: the formula, the test, the page, and its entry in src/wattmark/data/guide/kpis.toml\n"
        "then: ruff check, mypy, pytest tests/core/kpis tests/docs\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
