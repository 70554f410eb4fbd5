"""Runs a command and measures it from start to end, without getting in its way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from wattmark.measure.budget import BudgetState
from wattmark.measure.environment import LOG, RUN

if TYPE_CHECKING:
    from wattmark.measure.recording import Recording

POLL_SECONDS = 0.05
"""How often the command's log is looked at: a window edge told by a line is read this much late at most."""
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
) -> Ended:
    """Start the command, pass signals on to it, follow its log, and wait.

    Raises CannotStart. The command sees our standard input and output, and $WATTMARK_LOG.
    """
    become_subreaper()
    child_environment = {**environ, LOG: str(log), RUN: recording.record_id}
    try:
        child = subprocess.Popen(list(command), env=child_environment)
    except FileNotFoundError:
        raise CannotStart(NOT_FOUND, f"{command[0]}: command not found") from None
    except PermissionError:
        raise CannotStart(NOT_EXECUTABLE, f"{command[0]}: not executable") from None
    except OSError as error:
        raise CannotStart(NOT_EXECUTABLE, f"{command[0]}: {error.strerror}") from None
    recording.follow(log)
    with _Forwarding(child):
        stopped = _wait(child, recording, on_budget)
    return Ended(child.returncode if child.returncode >= 0 else 128 - child.returncode, stopped)


def _wait(
    child: subprocess.Popen[bytes], recording: Recording, on_budget: Callable[[BudgetState], None]
) -> bool:
    """Wait for the command; says whether a breached budget made us end it."""
    told: set[str] = set()
    ended_at: float | None = None
    while True:
        try:
            child.wait(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        else:
            return ended_at is not None
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


class _Forwarding:
    """Passes termination signals to the command while it runs.

    An interrupt from the terminal reaches the command by itself, being in the same process group;
    we only must not die of it before the command has ended.
    """

    _PASSED = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        for name in self._PASSED:
            number = getattr(signal, name, None)
            if number is not None:
                self._before[number] = signal.signal(number, self._pass)
        self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._ignore)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _pass(self, number: int, _frame: FrameType | None) -> None:
        if self._child.poll() is None:
            self._child.send_signal(number)

    def _ignore(self, number: int, frame: FrameType | None) -> None:
        """The terminal has interrupted the command too; it decides what to do."""


def become_subreaper() -> None:
    """Adopt what the command leaves behind, where the system can (Linux)."""
    if os.name != "posix" or not Path("/proc").is_dir():
        return
    import ctypes

    try:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        return  # then a daemon that the command starts is not counted, as before
