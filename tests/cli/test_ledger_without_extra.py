"""``wattmark ledger`` where only wattmark itself is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattmark.cli.ledger import COMMANDS

ABSENT = ("pyarrow", "deltalake", "duckdb", "obstore", "uvicorn", "pyspark")
ARGUMENTS = {
    "show": ["abc"],
    "query": ["SELECT 1"],
    "export": ["out"],
    "purge": ["abc", "--reason", "it must go"],
    "totals": ["--by", "team"],
}
NEED_NOTHING = ("init", "add")


def without_extras(*arguments: str, here: Path) -> subprocess.CompletedProcess[str]:
    """Run wattmark in a process in which no optional package can be imported."""
    code = (
        f"import sys\nfor name in {ABSENT!r}: sys.modules[name] = None\n"
        f"sys.argv = ['wattmark', *{list(arguments)!r}]\n"
        "from wattmark.cli.main import main\nmain()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=here,
        env={**os.environ, "WATTMARK_LEDGER": "", "WATTMARK_HOME": str(here / "home")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in NEED_NOTHING])
def test_each_command_names_the_extra_that_it_lacks(tmp_path: Path, command: str) -> None:
    """What to install, in one line; never a traceback."""
    (tmp_path / "ledger.toml").write_text("format = 1\n")
    done = without_extras("ledger", command, *ARGUMENTS.get(command, []), "--ledger", ".", here=tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "pip install 'wattmark[" in line


def test_a_ledger_is_begun_and_measured_into_without_it(tmp_path: Path) -> None:
    """Machines that only measure into a folder need nothing but wattmark."""
    assert without_extras("ledger", "init", "ours", here=tmp_path).returncode == 0
    measured = without_extras("measure", "--ledger", "ours", "--", sys.executable, "-c", "", here=tmp_path)
    assert measured.returncode == 0, measured.stderr
    assert "--ledger ours` says more)" in measured.stderr
    assert "ledger.toml" not in measured.stderr
    assert len(list((tmp_path / "ours" / "inbox").glob("*.run.json"))) == 1


def test_a_ledger_that_nobody_began_is_asked_about(tmp_path: Path) -> None:
    """The run is kept there all the same: a slip of the pen must be seen, and lose nothing."""
    measured = without_extras("measure", "--ledger", "uors", "--", sys.executable, "-c", "", here=tmp_path)
    assert "without a ledger.toml: is it the one that is meant?" in measured.stderr
    assert len(list((tmp_path / "uors" / "inbox").glob("*.run.json"))) == 1
