"""``wattmark bench TASK`` as users run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wattmark.bench.job import Stage
from wattmark.cli.bench import VERBS, group
from wattmark.cli.bench_progress import Line, Stopping, stage_text
from wattmark.cli.main import cli
from wattmark.core.bench.evidence import PhaseName
from wattmark.core.bench.reasons import CATALOG
from wattmark.core.bench.task import TASKS
from wattmark.reports.bench_advice import ADVICE

MODEL = """
def answer(texts):
    return ["positive" if "good" in text else "negative" for text in texts]

def broken(texts):
    raise ValueError("no such word")

def loud(texts):
    import os
    print("loading shards")
    os.write(1, b"from C\\n")
    return answer(texts)

def slow(texts):
    import time
    time.sleep(0.02)
    return answer(texts)
"""
SIMULATED = ("--simulated", "3", "--dataset", "synthetic")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a model of one's own."""
    (tmp_path / "mine.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return tmp_path


def bench(*arguments: str) -> Result:
    """The command, in this process; its code is what it returns."""
    return CliRunner().invoke(cli, ["bench", *arguments], standalone_mode=False)


def answered(*arguments: str) -> dict[str, Any]:
    """What it says as JSON, of a function that answers."""
    found = bench("text_classification", "--callable", "mine:answer", "--json", *arguments)
    assert found.exception is None, found.exception
    return dict(json.loads(found.stdout))


def test_a_task_needs_no_word_before_it(folder: Path) -> None:
    """``bench TASK`` is ``bench run TASK``, by id or by title."""
    for words in (["text_classification"], ["run", "text_classification"], ["Text Classification"]):
        found = bench(*words, "--callable", "mine:answer", "--profile", "quick", *SIMULATED, "--out", "o")
        assert found.return_value == 0
        assert "text_classification · mine:answer · quick" in found.stdout
    assert len(list((folder / "o").iterdir())) == 3


def test_a_quick_run_leaves_a_bundle_and_says_what_it_is_not(folder: Path) -> None:
    """Real time and whatever meters there are: it runs, and is never rated."""
    found = bench("text_classification", "--callable", "mine:answer", "--profile", "quick", "--idle", "0.2")
    assert found.exception is None, found.exception
    assert "quick: run it with --profile standard" in found.stdout
    (bundle,) = (folder / "wattmark-bench").iterdir()
    assert bundle.name.endswith("-text-classification-answer.wattmark")
    assert f"wattmark bench verify wattmark-bench/{bundle.name}" in found.stdout
    assert bench("verify", str(bundle)).exit_code == 0


def test_a_rated_profile_that_is_not_valid_ends_with_1(folder: Path) -> None:
    """Simulated is never valid; the JSON names every reason with what to do."""
    found = bench(
        "text_classification", "--callable", "mine:answer", "--profile", "standard", *SIMULATED, "--json"
    )
    assert found.return_value == 1
    told = json.loads(found.stdout)
    assert (told["schema"], told["schema_version"]) == ("wattmark.bench", 1)
    assert told["validity"] == "invalid"
    assert told["reasons"][0]["code"] == "simulated"
    assert told["reasons"][0]["advice"] == "leave --simulated out"
    assert told["wh_per_1000_queries"]["unit"] == "Wh/1000 queries"
    low, high = told["joules_per_query"]["interval_95"]
    assert low < told["joules_per_query"]["value"] < high
    assert told["quality"]["queries"] == 100


def test_the_keys_of_the_json_are_frozen(folder: Path) -> None:
    """Whoever reads it relies on them."""
    assert set(answered("--profile", "quick", *SIMULATED)) == {
        "schema",
        "schema_version",
        "task",
        "model",
        "profile",
        "validity",
        "reasons",
        "wh_per_1000_queries",
        "joules_per_query",
        "joules_per_output",
        "output_unit",
        "not_reached",
        "quality",
        "latency_seconds",
        "bundle",
        "manifest_sha256",
        "result",
    }


def test_a_model_that_fails_makes_even_a_try_fail(folder: Path) -> None:
    """Nothing was answered in the warm-up; nothing is left behind."""
    found = bench("text_classification", "--callable", "mine:broken", "--profile", "quick", *SIMULATED)
    assert found.exception is not None
    assert "answered no query of the warm-up: ValueError: no such word" in str(found.exception)


def test_a_machine_without_meters_ends_with_3(folder: Path) -> None:
    """It runs, and there is no evidence of energy at all."""
    (folder / "wattmark.toml").write_text("[measure]\nmeters = []\n")
    found = bench(
        "text_classification", "--callable", "mine:answer", "--profile", "quick", "--idle", "0.1", "--json"
    )
    assert found.exception is None, found.exception
    assert found.return_value == 3
    told = json.loads(found.stdout)
    assert told["joules_per_query"] is None
    assert "no_energy" in {r["code"] for r in told["reasons"]}


def test_it_lands_in_a_ledger(folder: Path) -> None:
    """The run file of the bundle, with the labels of a benchmark; one that is not there is told at once."""
    assert (
        bench("text_classification", "--ledger", "nowhere", "--callable", "mine:answer").exception is not None
    )
    assert not (folder / "wattmark-bench").exists()
    invoked = CliRunner().invoke(cli, ["ledger", "init", str(folder / "L")])
    assert invoked.exit_code == 0
    answered("--profile", "quick", "--idle", "0.1", "--ledger", str(folder / "L"))
    (landed,) = (folder / "L" / "inbox").iterdir()
    run = json.loads(landed.read_text())
    assert run["subject"]["labels"]["wattmark.bench.task"] == "text_classification"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "give one of --model, --endpoint and --callable"),
        (("--callable", "mine:answer", "--model", "tiny"), "give one of"),
        (("--callable", "mine:nothing"), "has no 'nothing'"),
        (("--callable", "mine:answer", "--label", "team"), "--label"),
        (("--callable", "mine:answer", "--ledger", "L"), "a ledger holds what was measured"),
        (("--callable", "mine:answer", "--resume", "nowhere"), "holds no benchmark to resume"),
        (("--callable", "mine:answer", "--resume", "x", "--out", "y"), "contradict each other"),
        (("--callable", "mine:answer", "--power", "p.csv"), "--power is for a model behind a server"),
        (("--callable", "mine:answer", "--target", "accuracy>=0.9"), "--target: text_classification has no"),
        (("--model", "./nowhere"), "--model ./nowhere: there is no such folder"),
    ],
)
def test_what_is_asked_wrongly_is_said(folder: Path, arguments: tuple[str, ...], why: str) -> None:
    """Before anything is measured."""
    found = bench("text_classification", "--profile", "quick", *SIMULATED, *arguments)
    assert found.exception is not None
    assert why in str(found.exception)
    assert not (folder / "wattmark-bench").exists() or not list((folder / "wattmark-bench").iterdir())


def test_an_unknown_word_is_no_task(folder: Path) -> None:
    """Neither a subcommand nor a task."""
    found = CliRunner().invoke(cli, ["bench", "poetry"])
    assert found.exit_code == 2
    assert "No such task or command 'poetry': `wattmark bench tasks` lists the tasks" in found.output


@pytest.mark.parametrize(
    ("word", "meant"), [("text-generatoin", "text_generation"), ("Sumarization", "summarization")]
)
def test_a_task_that_is_misspelt_is_named(word: str, meant: str) -> None:
    """With a hyphen or an underscore."""
    found = CliRunner().invoke(cli, ["bench", word])
    assert found.exit_code == 2
    assert f"did you mean {meant!r}?" in found.output


def test_the_tasks_are_listed() -> None:
    """Thirteen, with what is counted and how good answers are."""
    told = json.loads(bench("tasks", "--json").stdout)
    assert [row["id"] for row in told["tasks"]] == list(TASKS)
    assert told["schema"] == "wattmark.bench-tasks"
    text = bench("tasks").stdout
    assert all(task in text for task in TASKS)
    assert "word_error_rate (lower is better)" in text


def test_every_subcommand_loads() -> None:
    """Each row leads to a command with a help text, and the group lists them all."""
    import click

    context = click.Context(group)
    assert set(group.list_commands(context)) == set(VERBS)
    for verb in VERBS:
        command = group.get_command(context, verb)
        assert command is not None
        assert command.help


def test_every_reason_has_an_advice() -> None:
    """And there is none for a code that does not exist."""
    assert set(ADVICE) == set(CATALOG)


def test_a_stage_is_shown_in_one_line() -> None:
    """Phase, repeat, bar, time left."""
    stage = Stage(phase=PhaseName.MEASURE, repeat=1, repeats=3, share=0.5, left_seconds=90.0)
    assert stage_text(stage) == "measure 2 of 3       [############------------] 1 min 30 s left"
    assert stage_text(Stage(phase=PhaseName.LOAD_MODEL)) == "load model"
    written: list[str] = []
    line = Line(written.append)
    line.show(stage)
    line.end()
    assert all(text.startswith("\r") for text in written)


def test_the_first_signal_ends_in_order_and_the_second_at_once() -> None:
    """As people press Ctrl-C."""
    stopping = Stopping()
    assert not stopping()
    stopping.handle(signal.SIGINT, None)
    assert stopping()
    with pytest.raises(KeyboardInterrupt):
        stopping.handle(signal.SIGINT, None)


def wattmark(folder: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "wattmark", "bench", "text_classification", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of the only bundle in there."""
    (bundle,) = folder.iterdir()
    return {path.name: path.read_bytes() for path in bundle.iterdir()}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_leave_the_same_bytes(folder: Path) -> None:
    """Simulated, `standard` and `certified`: equal bundles, file by file; another seed, another one."""
    for profile in ("standard", "certified"):
        asked = ("--callable", "mine:answer", "--profile", profile, "--dataset", "synthetic")
        runs = [
            wattmark(folder, *asked, "--simulated", seed, "--out", f"{profile}-{n}")
            for n, seed in enumerate(("7", "7", "8"))
        ]
        assert [run.wait() for run in runs] == [1, 1, 1]
        first, again, other = (files_of(folder / f"{profile}-{n}") for n in range(3))
        assert first == again
        assert first["looks.jsonl"] != other["looks.jsonl"]


SLOW = ("--callable", "mine:slow", "--profile", "standard", "--dataset", "synthetic", "--queries", "10")


@pytest.mark.slow
def test_what_a_model_prints_does_not_spoil_the_result(folder: Path) -> None:
    """Standard output is one JSON document; the rest is on standard error."""
    command = ("bench", "text_classification", "--callable", "mine:loud", "--profile", "quick", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "wattmark", *command, *SIMULATED], cwd=folder, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["schema"] == "wattmark.bench"
    assert b"loading shards" in done.stderr
    assert b"from C" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_what_was_measured_survives_the_end_of_the_process(folder: Path, number: int, code: int) -> None:
    """Ended in order or killed in the middle of a repeat: the bundle can be gone on with, and verifies."""
    short = (*SLOW, "--idle", "0.2", "--cool-down", "0.1", "--repeats", "2", "--out", "o")
    process = wattmark(folder, *short)
    try:
        _wait_for_repeat(folder / "o", process)
        process.send_signal(number)
        assert process.wait() == code
    finally:
        process.kill()
        process.communicate()
    (bundle,) = (folder / "o").iterdir()
    assert not (bundle / "manifest.json").exists()
    resumed = ("--profile", "quick", "--callable", "mine:slow", "--resume", str(bundle))
    refused = wattmark(folder, *resumed)
    assert "profile.id was standard and is quick" in refused.communicate()[1]
    assert refused.returncode == 2


def _wait_for_repeat(out: Path, process: subprocess.Popen[str]) -> None:
    """Until the first repeat has begun."""
    import time

    while process.poll() is None:
        journals = list(out.glob("*/open/journal.jsonl"))
        if journals and '"measure"' in journals[0].read_text():
            return
        time.sleep(0.1)
    pytest.fail(f"no repeat began: {process.communicate()[1]}")


@pytest.mark.slow
def test_a_killed_benchmark_goes_on_to_its_end(folder: Path) -> None:
    """Killed in the first repeat, resumed by the same command: a failed repeat and three good ones."""
    (folder / "mine.py").write_text(
        MODEL.replace("0.02", "0.5 if __import__('pathlib').Path('hang').exists() else 0")
    )
    (folder / "hang").touch()
    asked = ("--callable", "mine:slow", "--profile", "quick", "--idle", "0.2", "--queries", "20")
    process = wattmark(folder, *asked, "--out", "o")
    try:
        _wait_for_repeat(folder / "o", process)
        process.kill()
    finally:
        process.communicate()
    (folder / "hang").unlink()
    (bundle,) = (folder / "o").iterdir()
    again = wattmark(folder, *asked, "--resume", str(bundle), "--json")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 1, err  # a repeat failed
    told = json.loads(out)
    assert "repeat_failed" in {r["code"] for r in told["reasons"]}
    assert [r["repeat"] for r in told["result"]["repeats"] if r.get("queries")] == [1, 2, 3]
