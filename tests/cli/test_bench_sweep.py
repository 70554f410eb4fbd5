"""The verb ``bench sweep``: in a simulated world, and of a server that answers as documented."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.agent.live_server import a_document
from tests.agent.live_server import answering as agent
from tests.cli.running import verb
from tests.fakes.openai_server import SECRET, Behaviour, answering
from wattmark.cli.bench_run import command as bench
from wattmark.cli.bench_sweep import command as sweep
from wattmark.core.errors import RefusedError, UsageError

AT_ONCE = ("--profile", "quick", "--idle", 0, "--cool-down", 0, "--warm-up", 1, "--repeats", 1)


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    """Short texts to go on with."""
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": f"{SECRET} {i} goes on"}) + "\n" for i in range(24)))
    return path


def test_a_simulated_sweep_tells_every_point_and_goes_on_from_its_bundles(tmp_path: Path) -> None:
    """Two batch sizes; the second time nothing runs, and the page is written."""
    pytest.importorskip("transformers", reason="the tiny model needs transformers")
    page = tmp_path / "sweep.html"
    asked = ("text_classification", "--model", "tiny", "--simulated", 3, "--batch-size", "1,4",
             "--profile", "quick", "--out", tmp_path / "out")  # fmt: skip
    first = verb(sweep, *asked)
    assert first.return_value == 0
    assert "batch size 4" in first.stdout
    bundles = sorted(p.name for p in (tmp_path / "out").glob("*.wattmark"))
    assert bundles == ["batch-size-1.wattmark", "batch-size-4.wattmark"]
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")}
    again = verb(sweep, *asked, "--json", "--html", page)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")} == before
    told = json.loads(again.stdout)
    assert (told["schema"], told["schema_version"]) == ("wattmark.sweep", 1)
    assert [p["settings"] for p in told["points"]] == [{"batch_size": "1"}, {"batch_size": "4"}]
    assert "<svg" in page.read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="holds a sweep of another"):
        verb(sweep, *asked, "--queries", 5)


@pytest.mark.slow
def test_a_server_is_swept_over_concurrency(tmp_path: Path, queries: Path) -> None:
    """Both points have results; as many requests were in flight as were asked for; no prompt is kept."""
    behaviour = Behaviour(delay=0.08)
    with answering(behaviour) as url:
        found = verb(sweep, "text_generation", "--endpoint", url, "--concurrency", "1,4", "--dataset",
                     queries, "--queries", 24, *AT_ONCE, "--out", tmp_path / "out", "--json")  # fmt: skip
    told = json.loads(found.stdout)
    assert [p["failed"] for p in told["points"]] == [None, None]
    assert behaviour.most == 4
    assert all(SECRET.encode() not in p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
    evidence = json.loads((tmp_path / "out" / "concurrency-4.wattmark" / "evidence.json").read_bytes())
    assert evidence["pinned"]["concurrency"] == 4
    assert evidence["pinned"]["options"]["api"] == "completions"
    assert evidence["model"]["served_by"] == "vLLM 0.32.0"
    measured = [p for p in evidence["phases"] if p["name"] == "measure"]
    assert measured
    assert any("full_start_us" in p and p["full_start_us"] < p["full_end_us"] for p in measured)


def test_a_point_that_fails_is_told_and_the_sweep_goes_on(tmp_path: Path, queries: Path) -> None:
    """A server that answers nothing in the first warm-up spoils one point; the exit code says so."""
    with answering(Behaviour(fail="500", failing=1)) as url:
        found = verb(sweep, "text_generation", "--endpoint", url, "--concurrency", "1,2", "--dataset",
                     queries, "--queries", 6, *AT_ONCE, "--out", tmp_path / "out")  # fmt: skip
    assert found.return_value in (1, 3)
    assert "failed: answered no query of the warm-up: status 500, internal_error" in found.output
    assert len(list((tmp_path / "out").glob("*/manifest.json"))) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--batch-size", "0"), "--batch-size '0' is no whole number"),
        (("--dtype", "float32,float32"), "--dtype: float32 is listed twice"),
        (("--concurrency", "1,2"), "--concurrency is for a model behind a server"),
        (("--hardware", "1 x A"), "--hardware is for a model behind a server"),
        (("--rate", "1", "--concurrency", "2"), "not both"),
    ],
)
def test_what_is_listed_wrongly_is_refused(tmp_path: Path, arguments: tuple[str, ...], problem: str) -> None:
    """Before anything runs; the folder stays empty."""
    with pytest.raises(UsageError, match=problem):
        verb(sweep, "text_generation", "--model", "tiny", *arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_server_elsewhere_needs_power(tmp_path: Path) -> None:
    """192.0.2.7 is nobody's address: the refusal says what to give, and nothing was asked there."""
    for command in (bench, sweep):
        with pytest.raises(RefusedError, match="Name with --power an agent there"):
            verb(command, "text_generation", "--endpoint", "http://192.0.2.7:8000", "--out", tmp_path)


def test_a_file_of_power_must_say_how_far_its_clock_is_off(tmp_path: Path) -> None:
    samples = tmp_path / "power.csv"
    samples.write_text("time,device,watts\n2026-11-01T00:00:00Z,node:far,100\n")
    elsewhere = ("text_generation", "--endpoint", "http://192.0.2.7:8000", "--power", samples)
    with pytest.raises(UsageError, match="state --clock-error SECONDS"):
        verb(bench, *elsewhere, "--out", tmp_path)
    with pytest.raises(UsageError, match="there is no such file"):
        verb(bench, *elsewhere[:-1], tmp_path / "gone.csv", "--out", tmp_path)
    with pytest.raises(UsageError, match="--hardware '0 x A': write"):
        verb(bench, *elsewhere, "--clock-error", 0.01, "--hardware", "0 x A", "--out", tmp_path)


def test_a_task_that_no_server_can_do_is_refused_at_once(tmp_path: Path) -> None:
    with answering(Behaviour()) as url, pytest.raises(RefusedError, match="cannot run object_detection"):
        verb(bench, "object_detection", "--endpoint", url, "--out", tmp_path)


def test_power_from_samples_is_the_energy_of_the_result(tmp_path: Path, queries: Path) -> None:
    """A node of 100 W that somebody wrote down: energy per query is 100 W times the time, over queries."""
    pytest.importorskip("numpy", reason="power over time needs numpy")
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC) - timedelta(seconds=30)
    samples = tmp_path / "power.csv"
    rows = [f"{now + timedelta(seconds=i * 0.5):%Y-%m-%dT%H:%M:%S.%fZ},node:far,100" for i in range(400)]
    samples.write_text("\n".join(["time,device,watts", *rows]))
    with answering(Behaviour(delay=0.05)) as url:
        verb(bench, "text_generation", "--endpoint", url, "--dataset", queries, "--queries", 6, *AT_ONCE,
             "--out", tmp_path / "out", "--power", samples, "--clock-error", 0.01, "--hardware", "2 x Chip",
             "--power-option", "component=node", "--power-option", "boundary=node",
             "--power-option", "method=wall_meter")  # fmt: skip
    (bundle,) = (tmp_path / "out").glob("*.wattmark")
    result = json.loads((bundle / "result.json").read_bytes())
    (repeat,) = result["repeats"]
    assert result["energy"]["value"] == pytest.approx(100.0 * repeat["seconds"] / 6, rel=1e-3)
    assert result["key"]["device_class"] == "2 x Chip"
    assert result["key"]["boundary"] == "node"


@pytest.mark.slow
def test_power_from_an_agent_is_read_while_the_benchmark_runs(tmp_path: Path, queries: Path) -> None:
    """An agent that shows 100 W all the time: energy per query is 100 W times the time, over queries.

    Repeats need not last equally long: the result is the mean of theirs.
    """
    document = json.loads(a_document())
    document["devices"] = [
        {**device, "power_watts": 100.0, "grade": "B", "method": "hardware_counter"}
        for device in document["devices"][:1]
    ]
    with answering(Behaviour(delay=0.15)) as url, agent((200, json.dumps(document))) as far:
        verb(bench, "text_generation", "--endpoint", url, "--dataset", queries, "--queries", 24, "--repeats",
             1, "--profile", "quick", "--idle", 1.5, "--cool-down", 0, "--warm-up", 1, "--out",
             tmp_path / "out", "--power", far)  # fmt: skip
    (bundle,) = (tmp_path / "out").glob("*.wattmark")
    result = json.loads((bundle / "result.json").read_bytes())
    each = [100.0 * repeat["seconds"] / 24 for repeat in result["repeats"]]
    assert result["energy"]["value"] == pytest.approx(sum(each) / len(each))
    assert result["key"]["device_class"] == "unknown"
    evidence = json.loads((bundle / "evidence.json").read_bytes())
    assert evidence["clock_error_us"] == 100_000


@pytest.mark.slow
def test_a_sweep_that_is_stopped_goes_on(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a point: what was measured is kept, and the same command ends the sweep."""
    pytest.importorskip("transformers", reason="the tiny model needs transformers")
    asked = [sys.executable, "-m", "wattmark", "bench", "sweep", "text_classification", "--model", "tiny",
             "--profile", "quick", "--idle", "3", "--batch-size", "1,2",
             "--out", str(tmp_path / "out")]  # fmt: skip
    first = subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not list((tmp_path / "out").glob("*/open/*")) and first.poll() is None:
        time.sleep(0.1)
    time.sleep(1.0)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=120)
    assert first.returncode == 130
    (begun,) = (tmp_path / "out").glob("*.wattmark")
    assert (begun / "open").is_dir()
    again = subprocess.run(asked, capture_output=True, text=True, timeout=240, check=False)
    assert again.returncode in (0, 3), again.stderr
    assert len(list((tmp_path / "out").glob("*/manifest.json"))) == 2


def test_a_word_that_is_no_task_is_no_failed_point(tmp_path: Path) -> None:
    """Asked wrongly, as of `run`; the folder stays empty."""
    with pytest.raises(UsageError, match="there is no task 'poetry'"):
        verb(sweep, "poetry", "--model", "tiny", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
