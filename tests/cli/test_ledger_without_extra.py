"""``wattmark ledger`` where only wattmark itself is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.bare import wattmark_without, without
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
    return wattmark_without(ABSENT, arguments, here)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in NEED_NOTHING])
def test_each_command_names_the_extra_that_it_lacks(tmp_path: Path, command: str) -> None:
    """What to install, in one line; never a traceback."""
    (tmp_path / "ledger.toml").write_text("format = 1\n")
    done = without_extras("ledger", command, *ARGUMENTS.get(command, []), "--ledger", ".", here=tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "pip install 'wattmark[" in line


BUDGET = """
[[budget]]
id = "all"
limit = 5
unit = "kWh"
period = "month"
"""


@pytest.mark.parametrize(
    "words",
    [("digest",), ("budget",), ("governance",), ("notify", "budgets"), ("portfolio",), ("reconcile",)],
    ids=" ".join,
)
def test_what_governs_says_what_it_lacks(tmp_path: Path, words: tuple[str, ...]) -> None:
    """By a ledger that needs the extra: its name, whether that ends the verb or is one line among others."""
    (tmp_path / "ledger.toml").write_text("format = 1\n")
    (tmp_path / "wattmark-policy.toml").write_text(BUDGET)
    done = without_extras(*words, "--ledger", ".", here=tmp_path)
    assert done.returncode in (0, 1, 2, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert "pip install 'wattmark[ledger]'" in done.stdout + done.stderr


def test_a_shell_completes_without_it(tmp_path: Path) -> None:
    """Every option and word that names are looked up for: a key pressed in a shell shows no traceback."""
    code = (
        "import click\n"
        "from wattmark.cli.main import cli\n"
        "def walk(command, context):\n"
        "    for parameter in command.params:\n"
        "        parameter.shell_complete(context, '')\n"
        "        print(context.command_path, parameter.name)\n"
        "    for name in command.list_commands(context) if isinstance(command, click.Group) else ():\n"
        "        found = command.get_command(context, name)\n"
        "        walk(found, click.Context(found, parent=context, info_name=name, resilient_parsing=True))\n"
        "walk(cli, click.Context(cli, info_name='wattmark', resilient_parsing=True))\n"
    )
    done = without(ABSENT, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "wattmark ledger statements keys" in done.stdout


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
