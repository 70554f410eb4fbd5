"""Runs a command and measures it from start to end, without getting in its way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from wattmark.measure.environment import LOG, RUN
from wattmark.measure.waiting import Abandoned, Events

if TYPE_CHECKING:
    from wattmark.measure.budget import BudgetState
    from wattmark.measure.recording import Recording

NOT_STARTED, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127
"""Exit codes of our own failures before the command starts, as env(1) and timeout(1) use them."""
GRACE_SECONDS = 10.0
"""A command that a breached budget ends has so long between SIGTERM and SIGKILL."""
PR_SET_CHILD_SUBREAPER = 36
"""prctl(2): what the command leaves behind becomes our child, so that its CPU time is still ours."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    exit_code: int
    """The command's own; 128 + n when signal n ended it, as shells say it."""
    stopped_by_budget: bool = False


class CannotStart(Exception):
    """The command could not be started; ``exit_code`` says which way, as a shell would."""

    def __init__(self, exit_code: int, reason: str) -> None:
        self.exit_code = exit_code
        super().__init__(reason)


def run_command(
    command: Sequence[str],
    recording: Recording,
    environ: Mapping[str, str],
    log: Path,
    on_budget: Callable[[BudgetState], None],
    keep: Sequence[int] = (),
) -> Ended:
    """Start the command, pass signals on to it, follow its log, and wait.

    Raises CannotStart. The command sees our standard input and output, the file descriptors in ``keep``,
    and $WATTMARK_LOG.
    """
    become_subreaper()
    child_environment = {**environ, LOG: str(log), RUN: recording.record_id}
    with _Signals() as signals:
        child = _start(command, child_environment, keep, signals)
        signals.go_to(child)
        recording.follow(log)
        stopped = _wait(child, recording, log, on_budget)
    return Ended(child.returncode if child.returncode >= 0 else 128 - child.returncode, stopped)


def inherited() -> tuple[int, ...]:
    """File descriptors above standard error that we were started with and a command expects to find."""
    try:
        numbers = sorted(int(name) for name in os.listdir("/dev/fd"))
    except (OSError, ValueError):
        return ()
    found = []
    for fd in numbers:
        try:
            if fd > 2 and os.get_inheritable(fd):  # Python's own are never inheritable (PEP 446)
                found.append(fd)
        except OSError:
            continue  # the one that listed the folder
    return tuple(found)


def environment_found(
    environ: Mapping[str, str], initial: Path = Path("/proc/self/environ")
) -> dict[str, str]:
    """The environment we were started with: Python itself sets LC_CTYPE in a C locale (PEP 538)."""
    found = dict(environ)
    try:
        told = initial.read_bytes()
    except OSError:
        return found
    if told and not any(entry.startswith(b"LC_CTYPE=") for entry in told.split(b"\0")):
        found.pop("LC_CTYPE", None)
    return found


def _start(
    command: Sequence[str], environ: Mapping[str, str], keep: Sequence[int], signals: _Signals
) -> subprocess.Popen[bytes]:
    program = command[0]
    try:
        return subprocess.Popen(
            list(command),
            env=dict(environ),
            pass_fds=tuple(keep),
            preexec_fn=signals.for_the_command,  # noqa: PLW1509 - rarely one, and it only calls signal(2)
        )
    except FileNotFoundError:
        if os.sep in program and os.path.exists(program):
            reason = f"{program}: the interpreter named in its first line is not there"
        else:
            reason = f"{program}: command not found"
        raise CannotStart(NOT_FOUND, reason) from None
    except PermissionError:
        raise CannotStart(NOT_EXECUTABLE, f"{program}: not executable") from None
    except OSError as error:
        raise CannotStart(NOT_EXECUTABLE, f"{program}: {error.strerror}") from None
    except subprocess.SubprocessError as error:
        raise CannotStart(NOT_STARTED, f"{program}: {error}") from None


def _wait(
    child: subprocess.Popen[bytes], recording: Recording, log: Path, on_budget: Callable[[BudgetState], None]
) -> bool:
    """Wait for the command; says whether a breached budget made us end it."""
    told: set[str] = set()
    ended_at: float | None = None
    abandoned = Abandoned(child.pid)
    with Events(child.pid, log.parent) as events:
        while child.poll() is None:
            events.wait()
            abandoned.look()
            recording.poll_lines()
            state = recording.budget_state()
            if state is None:
                continue
            for event, true in (("will_breach", state.will_breach), ("breached", state.breached)):
                if true and event not in told:
                    told.add(event)
                    on_budget(state)
            if state.breached and state.budget.on_breach == "stop":
                if ended_at is None:
                    ended_at = time.monotonic()
                    child.terminate()
                elif time.monotonic() - ended_at > GRACE_SECONDS:
                    child.kill()
    return ended_at is not None


class _Signals:
    """Passes signals on to the command while it runs; what was ignored when we came is ignored there too.

    An interrupt from the terminal reaches the command by itself, being in the same process group;
    we only must not die of it before the command has ended.
    """

    _PASSED = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGINT")

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before: dict[int, Any] = {}
        self._ignored: list[int] = []

    def __enter__(self) -> _Signals:
        for name in self._PASSED:
            self._handle(name, self._pass)
        if hasattr(signal, "SIGCHLD") and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
            # wait(2): with this ignored nobody is told how a child ended, and its exit code would be lost.
            self._handle("SIGCHLD", signal.SIG_DFL)
        return self

    def _handle(self, name: str, handler: Any) -> None:
        number = getattr(signal, name, None)
        if number is not None:
            self._before[number] = signal.signal(number, handler)
            if self._before[number] is signal.SIG_IGN:
                self._ignored.append(number)

    @property
    def for_the_command(self) -> Callable[[], None] | None:
        """Runs in the command's process before it starts, where something has to be put back there."""
        return partial(_ignore, tuple(self._ignored)) if self._ignored else None

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def go_to(self, child: subprocess.Popen[bytes]) -> None:
        """From now on signals go to this process, those that came too early first."""
        self._child = child
        for number in self._early:
            self._pass(number, None)

    def _pass(self, number: int, _frame: FrameType | None) -> None:
        if self._child is None:
            self._early.append(number)
        elif self._child.poll() is None and not (number == signal.SIGINT and _in_front_of_a_terminal()):
            self._child.send_signal(number)


def _ignore(numbers: Sequence[int]) -> None:
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _in_front_of_a_terminal() -> bool:
    """Whether the keys of a terminal interrupt our process group, the command included."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, AttributeError):
        return os.name != "posix"  # Windows interrupts the whole console group
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def become_subreaper() -> None:
    """Adopt what the command leaves behind, where the system can (Linux)."""
    if os.name != "posix" or not Path("/proc").is_dir():
        return
    import ctypes

    try:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        return  # then a daemon that the command starts is not counted, as before
