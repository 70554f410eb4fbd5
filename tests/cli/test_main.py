"""The command as a shell sees it: exit codes, pipes, encodings."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.builders import a_run
from tests.cli.running import kept
from wattmark.cli.main import SECTIONS, VERBS, cli


def wattmark(
    *arguments: str, here: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "wattmark", *arguments],
        cwd=here,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        check=False,
    )


def test_a_verb_with_a_slip_of_the_pen_is_guessed(tmp_path: Path) -> None:
    """As for options: the nearest one is named, and nothing runs."""
    done = wattmark("mesure", "--", "true", here=tmp_path)
    assert done.returncode == 2
    assert b"Did you mean 'measure'?" in done.stderr
    assert b"Did you mean" not in wattmark("xyz", here=tmp_path).stderr


def test_help_lists_every_verb_once_under_what_it_is_for() -> None:
    """A verb that no section has would be found by nobody; all texts begin in one column."""
    assert sorted(verb for verbs in SECTIONS.values() for verb in verbs) == sorted(VERBS)
    told = CliRunner().invoke(cli, ["--help"]).output.splitlines()
    assert "Govern:" in told
    begins = {told_of(line) for line in told if line.split() and line.split()[0] in VERBS}
    assert len(begins) == 1


def told_of(line: str) -> int:
    """Where the text beside a verb begins."""
    verb = line.split(maxsplit=1)[0]
    rest = line[line.index(verb) + len(verb) :]
    return len(line) - len(rest.lstrip())


@pytest.mark.parametrize(
    ("words", "word", "offered"),
    [
        ("wattmark ledger totals --by team,mo", 4, ["team,model", "team,model_version"]),
        ("wattmark ledger totals --kpi carbon_to", 4, ["carbon_to_solution"]),
        ("wattmark ledger export out --view st", 5, ["statements"]),
        ("wattmark import nv", 2, ["nvidia-smi"]),
    ],
)
def test_a_shell_completes_names(tmp_path: Path, words: str, word: int, offered: list[str]) -> None:
    """Also after a comma."""
    asked = {"_WATTMARK_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(word)}
    done = wattmark(here=tmp_path, environ=asked)
    assert done.stdout.decode().split() == [f"plain,{name}" for name in offered]


@pytest.mark.parametrize("words", ["policy digest", "policy simulate --rule", "waiver request"])
def test_a_shell_completes_rules_of_the_policy(tmp_path: Path, words: str) -> None:
    """Limits and budgets, by their ids; nothing, and no error, where there is no policy."""
    asked = {"_WATTMARK_COMPLETE": "bash_complete", "COMP_WORDS": f"wattmark {words} g"}
    asked["COMP_CWORD"] = str(len(words.split()) + 1)
    assert wattmark(here=tmp_path, environ=asked).stdout.split() == []
    policy = '[[limit]]\nid = "growth"\nkpi = "energy_to_solution"\nmax_increase = 0.05\n'
    (tmp_path / "wattmark-policy.toml").write_text(policy, encoding="utf-8")
    assert wattmark(here=tmp_path, environ=asked).stdout.split() == [b"plain,growth"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii", "utf-8"])
def test_every_encoding_takes_the_output(tmp_path: Path, encoding: str) -> None:
    """A Windows pipe or a Latin-1 locale has no narrow space and no blocks: they become plain signs."""
    run = kept(tmp_path, a_run(), "one")
    done = wattmark(
        "show", str(run), here=tmp_path, environ={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    )
    assert done.returncode == 0, done.stderr
    assert b"energy" in done.stdout
    assert b"?" not in done.stdout


def test_a_narrow_space_in_a_number_stays_a_space(tmp_path: Path) -> None:
    """`3?350` would be another figure."""
    done = wattmark("hardware", "compare", "h100-sxm", here=tmp_path, environ={"PYTHONIOENCODING": "latin-1"})
    assert b" 3 350" in done.stdout


def test_a_reader_that_goes_away_is_no_verdict(tmp_path: Path) -> None:
    """`| head` must give neither 0, a pass, nor 1, a violation."""
    run = kept(tmp_path, a_run(), "one")
    command = [sys.executable, "-m", "wattmark", "show", *[str(run)] * 200]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 141
    assert said == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_no_defect(tmp_path: Path) -> None:
    """Said in a sentence, without a traceback."""
    run = kept(tmp_path, a_run(), "one")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "wattmark", "show", str(run)],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.decode() == f"wattmark: the output could not be written: {os.strerror(errno.ENOSPC)}\n"


def test_a_wrong_option_of_measure_is_no_exit_code_of_the_command(tmp_path: Path) -> None:
    """125, as for everything that went wrong before the start; 2 could be the command's own."""
    done = wattmark("measure", "--stag", "training", "--", "true", here=tmp_path)
    assert done.returncode == 125
    assert b"--stage" in done.stderr


def test_a_stage_that_is_nearly_a_known_one_is_remarked(tmp_path: Path) -> None:
    """Its energy would be missing from the KPIs without a word."""
    program = [sys.executable, "-c", "pass"]
    assert (
        b"did you mean 'training'?"
        in wattmark("measure", "--stage", "traning", "--", *program, here=tmp_path).stderr
    )
    assert (
        b"did you mean" not in wattmark("measure", "--stage", "packing", "--", *program, here=tmp_path).stderr
    )


def test_a_run_file_that_cannot_be_kept_is_said_twice_and_changes_nothing(tmp_path: Path) -> None:
    """Reason and consequence on standard error; the exit code stays the command's."""
    (tmp_path / "taken").write_text("a file")
    program = [sys.executable, "-c", "raise SystemExit(7)"]
    done = wattmark("measure", "--out", "taken", "--quiet", "--", *program, here=tmp_path)
    assert done.returncode == 7
    assert b"no run file was written" in done.stderr


def test_a_quality_that_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    """The path, not the name of a Python class."""
    program = [sys.executable, "-c", "pass"]
    done = wattmark("measure", "--quality-from", "none.json:accuracy", "--", *program, here=tmp_path)
    assert b"none.json cannot be read: No such file" in done.stderr
    assert b"Errno" not in done.stderr
