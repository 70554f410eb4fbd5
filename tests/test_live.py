"""``wattmark.track`` as programs use it: nested, joined, async, decorated, and never in the way."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import wattmark
from wattmark.config import Config, MeasureConfig, OutputConfig, PlaceConfig, Tags
from wattmark.core.errors import ConfigError, RefusedError, UsageError
from wattmark.core.figure import Figure
from wattmark.core.run import Dataset, Place, Run, Status
from wattmark.ledger.runfile import read_run, read_runs
from wattmark.live import Track, settings_from, write_line
from wattmark.measure.settings import Settings


@pytest.fixture
def start() -> Iterator[Callable[..., Track]]:
    """Makes tracks that are stopped at the end of the test, whatever happens."""
    made: list[Track] = []

    def make(name: str = "run", **options: Any) -> Track:
        made.append(wattmark.track(name, **options).start())
        return made[-1]

    yield make
    for track in reversed(made):
        track.stop()


# --- a run of its own -------------------------------------------------------------------------------


def test_a_block_is_a_run(tmp_path: Path) -> None:
    """Subject, work and energy in one file."""
    with wattmark.track(out=tmp_path, stage="inference", model="digits", labels={"fold": "1"}) as run:
        run.log(work={"inferences": 10}, quality={"accuracy": 0.9})
    assert run.path is not None
    found = read_run(run.path)
    assert found == run.run
    assert (found.subject.stage, found.subject.model, found.subject.labels) == (
        "inference",
        "digits",
        {"fold": "1"},
    )
    assert [w.count for w in found.work] == [10.0]
    assert (found.status, found.failed, run.problem) == (Status.CLOSED, False, None)
    assert isinstance(run.energy, Figure)
    assert run.facts().work["inferences"].count == 10.0


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    """The evidence is there all the same."""
    code = "import wattmark\nwith wattmark.track() as run: pass\nprint(run.path, run.run.status.value)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (said.stdout, said.stderr, list(tmp_path.iterdir())) == ("None closed\n", "", [])


def test_an_exception_passes_through_and_is_told(tmp_path: Path) -> None:
    """The run is landed as failed; its energy counts."""
    with pytest.raises(ZeroDivisionError), wattmark.track(out=tmp_path) as run:
        raise ZeroDivisionError
    assert run.path is not None
    assert read_run(run.path).failed


def test_values_of_other_types_leave_a_readable_file(tmp_path: Path) -> None:
    """Numbers as labels, as solution, as model version: text in the evidence."""
    options: dict[str, Any] = {"labels": {"fold": 3}, "solution": 17, "model_version": 2}
    with wattmark.track(out=tmp_path, **options) as run:
        pass
    assert run.path is not None
    found = read_run(run.path)
    assert (found.subject.labels, found.solution_id, found.subject.model_version) == (
        {"fold": "3"},
        "17",
        "2",
    )


def test_misuse_is_refused(start: Callable[..., Track]) -> None:
    """Each message says which call is wrong."""
    track = wattmark.track()
    for call in (track.stop, lambda: track.log(work={"x": 1}), lambda: track.run, lambda: track.energy):
        with pytest.raises(UsageError, match="was not started"):
            call()
    running = start()
    with pytest.raises(UsageError, match="started already"):
        running.start()


def test_what_cannot_be_ended_or_logged_leaves_the_program_alone(start: Callable[..., Track]) -> None:
    """A slip after hours of training costs a remark, not the training."""
    track = start()
    with pytest.warns(UserWarning, match="no window 'epoch' is open"):
        track.end("epoch")
    track.log(work=3)  # type: ignore[arg-type]
    run = track.stop()
    assert run is not None
    assert run.work == ()
    assert run.notes == ("an entry was ignored: work is 3, not of the form {'inferences': 1000}",)


def test_stopping_twice_is_stopping_once(start: Callable[..., Track]) -> None:
    """A run and a window alike."""
    outer = start()
    inner = start("inner")
    assert inner.stop() is inner.stop() is None
    assert outer.stop() is outer.stop()


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"pue": 0.9}, RefusedError, "a PUE of 0.9 is impossible"),
        ({"outcome": "accuracy"}, UsageError, "not of the form"),
        ({"budget": "5"}, UsageError, "not an energy"),
        ({"work": {"inferences": -1}}, UsageError, "not negative"),
        ({"period_seconds": 0.0}, UsageError, "must be more than 0"),
        ({"meters": ("no such meter",)}, UsageError, "there is no meter"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_before_anything_runs(
    options: dict[str, Any], error: type[Exception], says: str
) -> None:
    """Never in the middle of the work."""
    with pytest.raises(error, match=says):
        wattmark.track(**options).start()


def test_an_outcome_a_budget_and_declared_work_are_kept(start: Callable[..., Track]) -> None:
    """The goal is answered by the last quality; the budget can be asked at any time."""
    track = start(outcome="accuracy>=0.9", budget="1 kWh", work={"inferences": 5}, pue=1.2, country="FRA")
    assert track.budget is not None
    assert not track.budget.breached
    track.log(quality={"accuracy": 0.95})
    run = track.stop()
    assert run is not None
    assert run.outcome is not None
    assert run.outcome.reached
    assert [(w.count, w.declared) for w in run.work] == [(5.0, True)]
    assert (run.place.pue, run.place.pue_kind, run.place.country) == (1.2, "declared", "FRA")


# --- windows ----------------------------------------------------------------------------------------


def test_windows_nest_by_block_and_by_name(start: Callable[..., Track]) -> None:
    """Blocks inside blocks, begin and end by name, last first: work belongs to the innermost."""
    track = start()
    with track.window("training", stage="training"):
        for _ in range(2):
            track.begin("epoch")
        track.log(work={"samples": 3})
        track.end("epoch")
        track.end("epoch")
    run = track.stop()
    assert run is not None
    training, first, second = run.windows
    assert (training.stage, first.parent, second.parent) == ("training", training.id, first.id)
    assert run.work[0].window == second.id


def test_begin_and_end_nest_among_themselves(start: Callable[..., Track]) -> None:
    """What is begun after an end, also one out of order, is inside what is still open."""
    track = start()
    track.begin("training")
    for _ in range(2):
        track.begin("epoch")
        track.end("epoch")
    track.begin("evaluation")
    track.end("training")
    track.end("evaluation")
    track.begin("export")
    run = track.stop()
    assert run is not None
    assert [(w.name, w.parent) for w in run.windows] == [
        ("training", None),
        ("epoch", 1),
        ("epoch", 1),
        ("evaluation", 1),
        ("export", None),
    ]


def test_a_window_that_was_never_ended_is_not_part_of_the_next_run(start: Callable[..., Track]) -> None:
    """Ids begin anew with each run."""
    first = start()
    first.begin("left open")
    first.stop()
    second = start()
    with second.window("outer"):
        pass
    second.begin("own")
    run = second.stop()
    assert run is not None
    assert [w.parent for w in run.windows] == [None, None]


def test_a_track_inside_a_track_is_a_window(start: Callable[..., Track], tmp_path: Path) -> None:
    """One run, one file, nothing counted twice; work of the inner one is in the outer one's run."""
    outer = start(out=tmp_path)
    with wattmark.track("inner", out=tmp_path, stage="training") as inner:
        inner.log(work={"samples": 4}, dataset=Dataset(name="d"))
        with inner.window("deep"):
            wattmark.log(work={"samples": 1})
        with pytest.raises(UsageError, match="window of another run"):
            _ = inner.run
        assert (inner.budget, inner.problem, inner.path) == (None, None, None)
    run = outer.stop()
    assert run is not None
    assert [(w.name, w.parent) for w in run.windows] == [("inner", None), ("deep", run.windows[0].id)]
    assert {w.window: w.count for w in run.work} == {run.windows[0].id: 4.0, run.windows[1].id: 1.0}
    assert run.dataset == Dataset(name="d")
    assert len(list(tmp_path.glob("*.run.json"))) == 1


def test_after_a_track_the_next_one_is_its_own(tmp_path: Path) -> None:
    """Also inside a context that remembers the first."""
    with wattmark.track(out=tmp_path):
        context = contextvars.copy_context()

    def later() -> Run | None:
        with wattmark.track(out=tmp_path) as second:
            pass
        return second.run

    assert context.run(later) is not None
    assert len(read_runs([tmp_path])) == 2


def test_a_track_may_be_stopped_in_another_thread(tmp_path: Path) -> None:
    """The thread that started it begins a new run afterwards."""
    first = wattmark.track(out=tmp_path).start()
    stopper = threading.Thread(target=first.stop)
    stopper.start()
    stopper.join()
    with wattmark.track(out=tmp_path) as second:
        pass
    assert second.run.record_id != first.run.record_id


def test_a_data_set_is_read_after_the_window(tmp_path: Path) -> None:
    """A path is enough: bytes and hash are in the evidence."""
    data = tmp_path / "data.csv"
    data.write_text("a,b\n1,2\n")
    with wattmark.track() as run:
        run.log(dataset=data)
    assert run.run.dataset is not None
    assert run.run.dataset.total_bytes == 8
    with wattmark.track() as run, wattmark.track("inner") as inner:
        inner.log(dataset=tmp_path / "not there")
    assert "the dataset could not be described" in run.run.notes[0]


# --- decorators and async ---------------------------------------------------------------------------


def test_a_decorated_function_is_measured_at_every_call(tmp_path: Path) -> None:
    """Each call is a run; name, answer and exceptions stay the function's."""

    @wattmark.track(out=tmp_path, stage="inference")
    def twice(number: int) -> int:
        """Double it."""
        if number < 0:
            raise ValueError("negative")
        return 2 * number

    assert (twice(2), twice(3), twice.__name__, twice.__doc__) == (4, 6, "twice", "Double it.")
    with pytest.raises(ValueError, match="negative"):
        twice(-1)
    assert sorted(r.run.failed for r in read_runs([tmp_path])) == [False, False, True]


def test_a_decorated_function_that_calls_itself_is_one_run(tmp_path: Path) -> None:
    """The inner calls are windows."""

    @wattmark.track(out=tmp_path)
    def count(n: int) -> int:
        return 0 if n == 0 else 1 + count(n - 1)

    assert count(3) == 3
    (found,) = read_runs([tmp_path])
    assert [w.name.rpartition(".")[2] for w in found.run.windows] == ["count"] * 3


def test_a_decorated_coroutine_is_measured_to_its_end(tmp_path: Path) -> None:
    """Not only until its first await."""

    @wattmark.track("answer", out=tmp_path)
    async def answer() -> int:
        await asyncio.sleep(0.05)
        return 42

    assert asyncio.run(answer()) == 42
    (found,) = read_runs([tmp_path])
    assert found.run.duration_seconds >= 0.05


def test_generators_are_refused_with_the_way_out() -> None:
    """They run in turns with whoever consumes them: nobody could say whose energy it was."""

    def plain() -> Iterator[int]:
        yield 1

    async def asynchronous() -> AsyncIterator[int]:
        yield 1

    for function in (plain, asynchronous):
        with pytest.raises(UsageError, match=r"is a generator: .* around the loop"):
            wattmark.track()(function)


def test_concurrent_tasks_have_windows_of_their_own(tmp_path: Path) -> None:
    """Each task's work is in its own window, though all run at once in one run."""

    async def task(n: int) -> None:
        async with wattmark.track(f"task {n}"):
            await asyncio.sleep(0.01 * (3 - n))
            wattmark.log(work={"requests": n + 1})
            await asyncio.sleep(0.01)

    async def everything() -> Track:
        async with wattmark.track(out=tmp_path) as run:
            await asyncio.gather(*(task(n) for n in range(3)))
        return run

    run = asyncio.run(everything()).run
    names = {w.id: w.name for w in run.windows}
    assert {names[w.window or 0]: w.count for w in run.work} == {f"task {n}": n + 1.0 for n in range(3)}
    assert all(w.parent is None for w in run.windows)
    assert len(list(tmp_path.glob("*.run.json"))) == 1


def test_a_failing_async_block_is_told(tmp_path: Path) -> None:
    """Exceptions pass through coroutines too."""

    async def fails() -> None:
        async with wattmark.track(out=tmp_path):
            raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(fails())
    assert [r.run.failed for r in read_runs([tmp_path])] == [True]


# --- log, from anywhere -----------------------------------------------------------------------------


def test_log_reaches_the_innermost_track(start: Callable[..., Track]) -> None:
    """From any function of the program, without passing the track around."""
    track = start()
    assert wattmark.measured()
    wattmark.log(work={"samples": 2})
    run = track.stop()
    assert run is not None
    assert [w.count for w in run.work] == [2.0]


@pytest.mark.skipif("WATTMARK_LOG" in os.environ, reason="these tests are being measured")
def test_log_where_nothing_measures_says_so() -> None:
    """A warning, and nothing else."""
    assert not wattmark.measured()
    with pytest.warns(UserWarning, match="nothing is being measured here"):
        wattmark.log(work={"samples": 2})


# --- joined to a measured command -------------------------------------------------------------------

JOINED = """
import wattmark
class Odd(float): pass
with wattmark.track("outer", stage="training") as outer:
    with outer.window("epoch 1"):
        with wattmark.track("deep"):
            wattmark.log(work={"samples": Odd(5)})
    outer.log(quality={"accuracy": Odd(0.5)}, dataset=wattmark.Dataset(name="d", rows=3))
assert outer.stop() is None and outer.path is None
assert wattmark.measured()
wattmark.log(work={"requests": 1})
print(outer.problem)
"""


def told_lines(tmp_path: Path, code: str, log: Path) -> tuple[list[dict[str, Any]], str]:
    environ = {**os.environ, "WATTMARK_LOG": str(log), "WATTMARK_RUN": "some-run"}
    command = [sys.executable, "-W", "error", "-c", code]
    said = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stderr == ""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else [], said.stdout


def test_a_track_in_a_measured_command_joins_its_run(tmp_path: Path) -> None:
    """Windows with ids and parents, work with its window, and no run file of its own."""
    lines, said = told_lines(tmp_path, JOINED, tmp_path / "log")
    outer, epoch, deep = (line["id"] for line in lines if line.get("event") == "begin")
    assert [(line["window"], line.get("parent")) for line in lines if line.get("event") == "begin"] == [
        ("outer", None),
        ("epoch 1", outer),
        ("deep", epoch),
    ]
    assert {"work": {"samples": 5.0}, "id": deep} in lines
    assert {"quality": {"accuracy": 0.5}, "dataset": {"name": "d", "rows": 3}, "id": outer} in lines
    assert [line["id"] for line in lines if line.get("event") == "end"] == [deep, epoch, outer]
    assert lines[-1] == {"work": {"requests": 1}}
    assert said == "None\n"
    assert [p.name for p in tmp_path.iterdir()] == ["log"]


def test_a_run_measures_the_processes_that_join_it(tmp_path: Path) -> None:
    """End to end: the child's windows and work are in the parent's one run file."""
    with wattmark.track(out=tmp_path) as run:
        log, record_id = run.joining()
        environ = {**os.environ, "WATTMARK_LOG": str(log), "WATTMARK_RUN": record_id}
        subprocess.run([sys.executable, "-c", JOINED], env=environ, check=True, capture_output=True)
    assert [w.name for w in run.run.windows] == ["outer", "epoch 1", "deep"]
    assert {w.unit: w.count for w in run.run.work} == {"samples": 5.0, "requests": 1.0}
    assert run.run.dataset == Dataset(name="d", rows=3)
    assert run.run.notes == ()
    assert len(read_runs([tmp_path])) == 1


def test_a_log_that_cannot_be_written_does_not_stop_the_program(tmp_path: Path) -> None:
    """Not even where warnings are errors; the track knows."""
    code = (
        "import wattmark\nwith wattmark.track() as t: t.log(work={'x': 1}, dataset='nowhere')\n"
        "print(t.problem)"
    )
    lines, said = told_lines(tmp_path, code, tmp_path / "no" / "folder")
    assert lines == []
    assert "dataset could not be described" in said or "could not write to" in said


def test_what_is_no_number_is_not_written(tmp_path: Path) -> None:
    """The answer says why; nothing is raised, and no half line is there."""
    log = tmp_path / "log"
    assert "could not write" in (write_line(log, {"work": {"x": object()}}) or "")
    assert write_line(log, {"work": None}) is None
    assert not log.exists()


def test_a_log_line_outside_any_track_warns_when_it_cannot_be_written(tmp_path: Path) -> None:
    """There is no track that could keep the problem."""
    code = (
        "import warnings, wattmark\nwith warnings.catch_warnings(record=True) as w:\n"
        "    warnings.simplefilter('always'); wattmark.log(work={'x': 1})\nprint(w[0].message)"
    )
    _, said = told_lines(tmp_path, code, tmp_path / "no" / "folder")
    assert "could not write to" in said


# --- ranks ------------------------------------------------------------------------------------------


def test_ranks_of_a_job_are_known_as_such(tmp_path: Path) -> None:
    """Two ranks write two files that name one parent."""
    code = "import sys, wattmark\nwith wattmark.track(out=sys.argv[1]): pass"
    for rank in "01":
        environ = {**os.environ, "RANK": rank, "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "job"}
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environ, check=True)
    runs = [found.run for found in read_runs([tmp_path])]
    assert sorted((r.rank, r.world_size, r.parent) for r in runs) == [
        (0, 2, "job-job-0"),
        (1, 2, "job-job-0"),
    ]


# --- never in the way -------------------------------------------------------------------------------

PROGRAM = """
import os, random, signal, sys
random.seed(1)
handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)}
mask, umask, folder = signal.pthread_sigmask(signal.SIG_BLOCK, []), os.umask(0o22), os.getcwd()
state, variables, path = random.getstate(), dict(os.environ), list(sys.path)
if sys.argv[1] == "measured":
    import wattmark
    with wattmark.track(out=sys.argv[2]) as run:
        run.log(work={"samples": 1})
        with run.window("part"):
            print("hello")
else:
    print("hello")
print(random.random(), random.getstate() == state or "moved on")
print(handlers == {s: signal.getsignal(s) for s in handlers})
print(mask == signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(os.umask(0o22) == 0o22, os.getcwd() == folder, dict(os.environ) == variables, sys.path == path)
sys.exit(23)
"""


def test_a_measured_program_behaves_as_if_it_were_not(tmp_path: Path) -> None:
    """Output, random numbers, signals, folder, variables and exit code: all the same, byte for byte."""

    def outcome(how: str) -> tuple[int, str, str]:
        command = [sys.executable, "-c", PROGRAM, how, str(tmp_path / "runs")]
        ended = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
        return ended.returncode, ended.stdout, ended.stderr

    plain = outcome("plain")
    assert outcome("measured") == plain
    assert plain[0] == 23
    assert "False" not in plain[1]
    assert len(read_runs([tmp_path / "runs"])) == 1


def test_a_program_that_forgets_to_stop_leaves_an_interrupted_run(tmp_path: Path) -> None:
    """Its exit code stays, and the evidence is not lost."""
    code = "import sys, wattmark\nwattmark.track(out=sys.argv[1]).start()\nsys.exit(5)"
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (5, b"", b"")
    assert [r.run.status for r in read_runs([tmp_path])] == [Status.INTERRUPTED]


def test_a_forked_worker_of_a_tracked_program_exits_in_peace(tmp_path: Path) -> None:
    """os.fork and multiprocessing's fork, each using the track: one run file, with everybody's work."""
    code = """
import multiprocessing, os, sys, wattmark
def work(n):
    wattmark.log(work={"samples": 1000})
    with wattmark.track("child", out=sys.argv[1]) as t:
        t.log(work={"samples": 1000})
    run.log(work={"samples": 500})
    return n
with wattmark.track(out=sys.argv[1]) as run:
    run.log(work={"samples": 1})
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(work, [1, 2, 3]))
    pid = os.fork()
    if pid == 0:
        work(0)
        sys.exit(0)
    print(os.waitpid(pid, 0)[1])
"""
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert (said.stdout.splitlines(), said.stderr) == (["[1, 2, 3]", "0"], "")
    (found,) = read_runs([tmp_path])
    assert sum(w.count for w in found.run.work) == 1 + 4 * (1000 + 1000 + 500)
    assert [w.name for w in found.run.windows] == ["child"] * 4


def test_a_folder_that_was_removed_is_no_obstacle(tmp_path: Path) -> None:
    """A program whose working directory is gone is measured all the same."""
    folder = tmp_path / "gone"
    folder.mkdir()
    code = "import os\nos.rmdir(os.getcwd())\nimport wattmark\nwith wattmark.track(): pass\nprint('fine')"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
    )
    assert said.stdout == "fine\n"


# --- settings ---------------------------------------------------------------------------------------


def merged(config: Config, environ: dict[str, str], **call: Any) -> Settings:
    options: dict[str, Any] = {
        "name": "run",
        "out": None,
        "tags": {},
        "labels": {},
        "solution": None,
        "outcome": None,
        "work": {},
        "budget": None,
        "on_breach": "warn",
        "place": Place(),
    }
    return settings_from(config, environ, **{**options, **call})


def test_a_call_beats_the_environment_and_the_environment_the_configuration(tmp_path: Path) -> None:
    """Folder, tags, labels, place: the nearer to the work, the stronger."""
    config = Config(
        tags=Tags(stage="training", team="a"),
        labels={"x": "1", "y": "1"},
        place=PlaceConfig(country="FRA", pue=1.5, site="office"),
        output=OutputConfig(folder="runs"),
        path=str(tmp_path / "wattmark.toml"),
    )
    plain = merged(config, {})
    assert (plain.out, plain.subject.team, plain.place.pue) == (tmp_path / "runs", "a", 1.5)
    assert (plain.place.pue_kind, plain.place.country, plain.place.site) == ("declared", "FRA", "office")
    told = merged(
        config,
        {"WATTMARK_OUT": "env", "WATTMARK_SOLUTION": "s"},
        tags={"stage": "inference", "team": None},
        labels={"y": "2"},
        place=Place(pue=1.1, pue_kind="measured"),
    )
    assert (told.out, told.solution_id) == (Path("env"), "s")
    assert (told.subject.stage, told.subject.team, told.subject.labels) == (
        "inference",
        "a",
        {"x": "1", "y": "2"},
    )
    assert (told.place.pue, told.place.pue_kind) == (1.1, "measured")
    assert merged(config, {"WATTMARK_OUT": "env"}, out=Path("call"), solution="mine").out == Path("call")
    assert merged(Config(), {}).out is None
    assert merged(Config(output=OutputConfig(folder="runs")), {}).out == Path.cwd() / "runs"


def test_a_broken_configuration_is_said_before_anything_runs(tmp_path: Path) -> None:
    """With file and place."""
    (tmp_path / "wattmark.toml").write_text("[measure]\nperiod_seconds = 'often'\n")
    code = (
        "import wattmark\ntry:\n    wattmark.track()\nexcept wattmark.core.errors.ConfigError as e: print(e)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "[measure] period_seconds: must be a number" in said.stdout
    with pytest.raises(UsageError, match="must be more than 0"):
        merged(Config(measure=MeasureConfig(period_seconds=-1.0)), {})
    assert issubclass(ConfigError, UsageError)


def test_no_warning_is_shown_while_measuring() -> None:
    """Not even a deprecation of Python's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with wattmark.track() as run, run.window("part"):
            run.log(work={"samples": 1})
