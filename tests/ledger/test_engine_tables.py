"""Small tables on their way into an engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import wattmark
from wattmark.ledger.columns import REAL, TEXT, TRUTH, WHOLE
from wattmark.ledger.engines.tables import arrow_table

KINDS = {"text": TEXT, "whole": WHOLE, "real": REAL, "truth": TRUTH}


def test_values_arrive_as_they_are() -> None:
    """Every script, the largest whole numbers, what is not there, and no rows at all."""
    rows = [("müller 電力", 2**63 - 1, 0.1, True), ("", -(2**63), -1e300, False)]
    assert [tuple(row.values()) for row in arrow_table(KINDS, rows).to_pylist()] == rows
    nothing = [(None, None, None, None), ("a", 1, 1.0, None)]
    assert [tuple(row.values()) for row in arrow_table(KINDS, nothing).to_pylist()] == nothing
    assert arrow_table(KINDS, ()).num_rows == 0
    assert arrow_table(KINDS, ()).schema.names == list(KINDS)


def test_pandas_is_not_imported_for_it() -> None:
    """It would cost more than the rollup of a small ledger."""
    code = (
        "import sys\n"
        "from wattmark.ledger.engines.duckdb import DuckDbEngine\n"
        "with DuckDbEngine() as engine:\n"
        "    engine.put('t', {'a': 'text', 'b': 'whole', 'c': 'real'}, [('x', 1, 2.0)])\n"
        "    engine.put('none', {'a': 'truth'}, ())\n"
        "    print(list(engine.rows('SELECT * FROM t')))\n"
        "print('pandas' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[('x', 1, 2.0)]", "False"]


@pytest.mark.parametrize(
    ("package", "call", "extra"),
    [
        ("duckdb", "wattmark.ledger.engines.duckdb:DuckDbEngine", "ledger"),
        ("pyspark.sql", "wattmark.ledger.engines.spark:SparkEngine", "spark"),
    ],
)
def test_an_engine_that_is_not_installed_is_named_with_its_extra(package: str, call: str, extra: str) -> None:
    """What to install is said, and nothing else goes wrong."""
    module, name = call.split(":")
    code = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        "from wattmark.core.errors import MissingExtra\n"
        f"from {module} import {name}\n"
        "try:\n"
        f"    {name}()\n"
        "except MissingExtra as error:\n"
        "    print(error.extra)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == extra


@pytest.mark.parametrize(("package", "home"), [("duckdb", "duckdb.py"), ("pyspark", "spark.py")])
def test_each_engine_is_imported_by_one_module_alone(package: str, home: str) -> None:
    """What changes with an engine's versions is in one place."""
    found = re.compile(rf"^\s*(?:import|from) {package}\b", re.MULTILINE)
    source = Path(wattmark.__file__).parent
    importing = [p for p in sorted(source.rglob("*.py")) if found.search(p.read_text(encoding="utf-8"))]
    assert importing == [source / "ledger" / "engines" / home]


def test_a_table_may_be_empty_in_one_version_and_not_in_another(tmp_path: Path) -> None:
    """One engine reads both, in either order: the later name holds."""
    pytest.importorskip("duckdb", reason="the engine needs the extra `ledger`")
    import pyarrow as pa
    import pyarrow.parquet as pq

    from wattmark.ledger.columns import DERIVED
    from wattmark.ledger.engines.duckdb import DuckDbEngine

    path = tmp_path / "statements.parquet"
    pq.write_table(pa.table({"record_id": ["one"], "quantity": ["emissions"]}), path)

    class Version:
        """A snapshot whose statements are these files."""

        version = 0

        def __init__(self, *files: Path) -> None:
            self._files = [str(file) for file in files]

        def files(self, table: str) -> list[str]:
            return self._files

        def arrow(self, table: str) -> None:
            return None

    with DuckDbEngine() as engine:
        seen = []
        for version in (Version(path), Version(), Version(path)):
            engine.attach("statements", version)
            seen.append([*engine.rows("SELECT * FROM statements")])
    assert [len(rows) for rows in seen] == [1, 0, 1]
    assert len(seen[0][0]) == len(DERIVED["statements"])
