"""A measured command behaves as it would without us: real processes, signals, descriptors."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from wattmark.ledger.runfile import read_run
from wattmark.measure.command import environment_found, inherited
from wattmark.measure.waiting import Abandoned, Events
from wattmark.testing.fakes import ManualClock

MEASURE = (sys.executable, "-m", "wattmark", "measure", "--quiet", "--out", "runs", "--")
HANDLES = """
import signal, sys, time
def told(number, frame):
    print(number, flush=True)
    sys.exit(9)
for name in ("SIGHUP", "SIGINT", "SIGTERM", "SIGUSR1"):
    signal.signal(getattr(signal, name), told)
print("ready", flush=True)
time.sleep(600)
"""


def measure(folder: Path, *command: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run a command under `wattmark measure`."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*MEASURE, *command], cwd=folder, timeout=250, check=False, **{"capture_output": True, **options}
    )


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 1", 1), ("exit 77", 77), ("kill -9 $$", 137), ("kill -15 $$", 143)],
)
def test_the_exit_code_is_the_commands_own(tmp_path: Path, script: str, code: int) -> None:
    """128 + n for signal n; the run file keeps it."""
    assert measure(tmp_path, "sh", "-c", script).returncode == code
    (file,) = (tmp_path / "runs").glob("*.run.json")
    run = read_run(file)
    assert (run.exit_code, run.failed) == (code, code != 0)


def test_a_command_that_cannot_start_leaves_no_run(tmp_path: Path) -> None:
    """127 not found, 126 not executable, and the reason names what is missing."""
    (tmp_path / "plain").write_text("text")
    (tmp_path / "stray").write_text("#!/no/such/interpreter\n")
    (tmp_path / "stray").chmod(0o755)
    missing, plain, stray = (measure(tmp_path, c) for c in ("no-such-command", "./plain", "./stray"))
    assert (missing.returncode, plain.returncode, stray.returncode) == (127, 126, 127)
    assert b"command not found" in missing.stderr
    assert b"not executable" in plain.stderr
    assert b"interpreter" in stray.stderr
    assert list((tmp_path / "runs").glob("*.run.json")) == []


def test_bytes_pass_through_untouched(tmp_path: Path) -> None:
    """Standard input, output and error carry a million random bytes each."""
    noise = os.urandom(1_000_000)
    done = measure(tmp_path, "sh", "-c", "tee /dev/stderr", input=noise)
    assert done.stdout == noise
    assert done.stderr == noise


def test_descriptors_that_were_handed_down_stay_open(tmp_path: Path) -> None:
    """A make job server, or a shell's `3>file`, reaches the command."""
    reader, writer = os.pipe()
    script = f"import os; os.write({writer}, b'through')"
    done = measure(tmp_path, sys.executable, "-c", script, pass_fds=(writer,))
    os.close(writer)
    with os.fdopen(reader) as file:
        assert file.read() == "through"
    assert done.returncode == 0


def test_only_what_is_inheritable_is_handed_down() -> None:
    """Python's own descriptors are ours alone."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    assert writer in inherited()
    assert reader not in inherited()
    os.close(reader)
    os.close(writer)


def test_an_ignored_sigchld_does_not_lose_the_exit_code(tmp_path: Path) -> None:
    """Some supervisors ignore it; the command still finds it ignored."""
    ignore = partial(signal.signal, signal.SIGCHLD, signal.SIG_IGN)
    assert measure(tmp_path, "sh", "-c", "exit 5", preexec_fn=ignore).returncode == 5
    asks = "import signal; print(signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN)"
    assert measure(tmp_path, sys.executable, "-c", asks, preexec_fn=ignore).stdout == b"True\n"


def test_a_hangup_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """What `nohup wattmark measure -- ...` promises."""
    asks = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    ignore = partial(signal.signal, signal.SIGHUP, signal.SIG_IGN)
    assert measure(tmp_path, sys.executable, "-c", asks, preexec_fn=ignore).stdout == b"True\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN])
def test_signals_reach_the_command(tmp_path: Path, number: int, before: signal.Handlers) -> None:
    """Sent to us alone, without a terminal, even where a shell's `&` made us ignore it: it decides."""
    with subprocess.Popen(
        [*MEASURE, sys.executable, "-c", HANDLES],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, number, before),  # noqa: PLW1509 - there are no threads here
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == f"{int(number)}\n"
        assert process.wait(250) == 9


def test_a_terminal_stays_the_commands(tmp_path: Path) -> None:
    """It sees a terminal on all three, in its foreground, and Ctrl-C reaches it once."""
    import pty

    told = (
        "import os, signal, sys, time\n"
        "count = 0\n"
        "def interrupted(number, frame):\n"
        "    global count\n"
        "    count += 1\n"
        "signal.signal(signal.SIGINT, interrupted)\n"
        "print([os.isatty(n) for n in (0, 1, 2)], os.tcgetpgrp(0) == os.getpgrp(), flush=True)\n"
        "while not count: time.sleep(0.05)\n"
        "time.sleep(0.5)\n"  # in which a second one would come
        "print('interrupted', count, flush=True)\n"
        "sys.exit(4)\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # who runs the tests in the background ignores it
        os.chdir(tmp_path)
        os.execv(MEASURE[0], [*MEASURE, sys.executable, "-c", told])
    shown = b""
    sent = False
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break  # EIO: the other side is closed
        if not chunk:
            break
        shown += chunk
        if b"True\r\n" in shown and not sent:
            sent = True
            os.write(terminal, b"\x03")
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert b"[True, True, True] True" in shown
    assert b"interrupted 1" in shown
    assert os.waitstatus_to_exitcode(status) == 4


def test_nobody_waits_for_ever_for_an_abandoned_process(tmp_path: Path) -> None:
    """A script that asks whether a process it has left behind still lives gets its no."""
    script = (
        "(sleep 0.2 & echo $! > pid); while kill -0 $(cat pid) 2>/dev/null; do sleep 0.05; done; echo gone"
    )
    assert measure(tmp_path, "sh", "-c", script).stdout == b"gone\n"


def test_a_daemon_outlives_the_measurement(tmp_path: Path) -> None:
    """Measuring ends with the command; what it leaves behind goes on."""
    script = "setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $!"
    done = measure(tmp_path, "sh", "-c", script)
    os.kill(int(done.stdout), signal.SIGTERM)  # raises when it is gone


def test_a_working_directory_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    """The command runs there as it would without us."""
    gone, out = tmp_path / "gone", tmp_path / "runs"
    gone.mkdir()
    line = f"rmdir '{gone}'; exec '{sys.executable}' -m wattmark measure -q --out '{out}' -- sh -c 'exit 5'"
    environ = {**os.environ, "PYTHONSAFEPATH": "1"}
    done = subprocess.run(["sh", "-c", line], cwd=gone, env=environ, capture_output=True, check=False)
    assert done.returncode == 5
    assert len(list(out.glob("*.run.json"))) == 1


def test_the_environment_gains_our_two_variables_and_nothing_else(tmp_path: Path) -> None:
    """Not the LC_CTYPE that Python sets for itself in a C locale either."""
    environ = {"A": "1", "PATH": os.environ["PATH"]}
    said = measure(tmp_path, "/usr/bin/env", env=environ).stdout.decode().splitlines()
    assert {line.partition("=")[0] for line in said} == {"A", "PATH", "WATTMARK_LOG", "WATTMARK_RUN"}


def test_a_locale_that_was_set_is_kept(tmp_path: Path) -> None:
    """Only what was not there at the start is taken out."""
    initial = tmp_path / "environ"
    initial.write_bytes(b"A=1\0LC_CTYPE=C.UTF-8\0")
    assert environment_found({"LC_CTYPE": "C.UTF-8"}, initial) == {"LC_CTYPE": "C.UTF-8"}
    initial.write_bytes(b"A=1\0")
    assert environment_found({"LC_CTYPE": "C.UTF-8"}, initial) == {}
    assert environment_found({"LC_CTYPE": "C.UTF-8"}, tmp_path / "none") == {"LC_CTYPE": "C.UTF-8"}


@pytest.mark.parametrize(
    "arguments",
    [("--work", "a=1", "--work", "a=2"), ("--label", "a=1", "--label", "a=2")],
)
def test_a_value_given_twice_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Neither is taken silently for the other, and nothing is started."""
    line = [*MEASURE[:-1], *arguments, "--", "touch", "started"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 125
    assert b"given twice" in done.stderr
    assert not (tmp_path / "started").exists()


def slow_to_end(seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", str(seconds)])


def elapsed(action: Callable[[], object]) -> float:
    before = time.monotonic()
    action()
    return time.monotonic() - before


AN_HOUR = 3600.0
"""So long is waited for where nothing comes: what ends at all was ended by what the test did."""


def test_news_of_the_log_wakes_at_once_and_silence_lets_us_sleep(tmp_path: Path) -> None:
    """A line ends the wait, which would last an hour; what follows at once is taken in portions of 50 ms."""
    process, clock = slow_to_end(300), ManualClock()
    with Events(process.pid, tmp_path, look_seconds=0.2) as events:
        assert elapsed(events.wait) > 0.19
    with Events(process.pid, tmp_path, look_seconds=AN_HOUR, clock=clock) as events:
        for number in range(3):
            (tmp_path / "log").write_text("line\n" * (number + 1))
            events.wait()
            assert elapsed(events.wait) > 0.04
            clock.advance(1.0)
    process.kill()
    process.wait()


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_the_end_of_the_process_wakes_at_once(tmp_path: Path, seconds: float) -> None:
    """Also when it has ended already."""
    process = slow_to_end(seconds)
    with Events(process.pid, tmp_path, look_seconds=AN_HOUR) as events:
        if not seconds:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        events.wait()
        assert process.poll() == 0


def test_without_the_kernels_help_the_log_is_looked_at_often(tmp_path: Path) -> None:
    """A process that cannot be watched: every 50 ms, however seldom the rest is looked at."""
    with Events(2**22 + 1, tmp_path, look_seconds=AN_HOUR) as events:
        assert elapsed(events.wait) > 0.04


def test_a_child_that_somebody_waits_for_is_left_to_them() -> None:
    """Only one that is dead at two looks in a row is taken."""
    process = slow_to_end(0)
    abandoned = Abandoned(command=0)
    time.sleep(0.3)
    abandoned.look()
    assert process.wait() == 0
    assert process.returncode == 0
    time.sleep(0.3)
    abandoned.look()


def test_nothing_private_is_kept(tmp_path: Path) -> None:
    """No argument, variable, path, user or host name, however they turn up in errors on the way."""
    home = tmp_path / "home-of-alice"
    home.mkdir()
    (home / "metrics.json").write_text("no json, token-in-file")
    (home / "train.py").write_text(
        "import os, sys, wattmark\n"
        "wattmark.log(dataset=sys.argv[0] + '.missing')\n"
        "with wattmark.track('part', out='/proc/alice'): pass\n"
        "open(os.environ['WATTMARK_LOG'], 'a').write(os.environ['API_TOKEN'] + '\\n')\n"
    )
    line = [*MEASURE[:-3], "--out", str(home / "runs"), "--quality-from", f"{home}/metrics.json:accuracy"]
    line += [
        "--dataset",
        f"{home}/none.csv",
        "--",
        sys.executable,
        f"{home}/train.py",
        "--key",
        "argument-key",
    ]
    environ = {**os.environ, "API_TOKEN": "variable-token", "USER": "alice", "HOME": str(home)}
    subprocess.run(line, cwd=tmp_path, env=environ, capture_output=True, check=True)
    (file,) = (home / "runs").glob("*.run.json")
    text = file.read_text()
    assert len(read_run(file).notes) >= 3, "the errors were told"
    for private in ("alice", "argument-key", "variable-token", "token-in-file", "train.py", str(tmp_path)):
        assert private not in text
    if len(platform.node()) > 3:
        assert platform.node() not in text


def test_a_flood_of_lines_is_taken_in_portions(tmp_path: Path) -> None:
    """Thousands of lines, one of many megabytes among them: all good ones count."""
    script = (
        "import os\n"
        "with open(os.environ['WATTMARK_LOG'], 'a') as log:\n"
        '    for _ in range(20000): log.write(\'{"work": {"a": 1}}\\n\')\n'
        "    log.write('x' * 20_000_000 + '\\n')\n"
        '    log.write(\'{"work": {"b": 1}}\')\n'
    )
    assert measure(tmp_path, sys.executable, "-c", script).returncode == 0
    (file,) = (tmp_path / "runs").glob("*.run.json")
    run = read_run(file)
    assert {w.unit: w.count for w in run.work} == {"a": 20000.0, "b": 1.0}
    assert run.notes == ("line 20001 of the log was ignored: longer than 1 MiB",)
