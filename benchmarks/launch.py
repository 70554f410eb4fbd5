"""Starts processes under measurement, and brings back what they cost and said."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import networks
from benchmarks.environments import HOME
from benchmarks.tools import Variant

PROBE = Path(__file__).with_name("probe.py")
TIME_LIMIT_S = 180.0

BARE = Variant("bare", prep="pass", make="t = None", start="pass", stop="pass")
"""The same life with no tool in it: what is subtracted."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a probe is asked to do, apart from the tool's own source."""

    windows: int = 1
    window_limit_s: float = 3.0
    interval_s: float = 1.0
    sleep_s: float = 0.0
    settle_s: float = 0.0
    witness: bool = False
    limit_s: float = TIME_LIMIT_S


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that has ended. `answer` is the probe's own account; empty when it gave none."""

    error: str
    wall_s: float
    cpu_s: float
    said: str
    answer: Mapping[str, Any] = field(default_factory=dict)


def command(program: Path, *arguments: str) -> Finished:
    """Run a program of an environment to its end. `error` is empty when it exited with 0."""
    with tempfile.TemporaryDirectory() as name:
        done = _finish([str(program), *arguments], Path(name), home=_home(program, Path(name)))
    said = clean(done.said, Path(name), program).strip()
    last = said.splitlines()[-1] if said else "nothing was printed"
    return replace(done, said=said, error=done.error and f"{done.error}: {last}")


def _home(program: Path, otherwise: Path) -> Path:
    """The home folder of an environment, kept between runs, so that filling a cache is charged for once."""
    home = program.parent.parent / HOME
    return home if home.is_dir() else otherwise


def probe(python: Path, variant: Variant, job: Job, network: str = networks.OWN) -> Finished:
    """Drive a tool in a fresh interpreter. `error` is empty only when the tool came through."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scratch, answer = folder / "scratch", folder / "answer.json"
        scratch.mkdir()
        told = asdict(variant) | asdict(job) | {"folder": str(scratch), "answer": str(answer)}
        words = [str(python), "-I", str(PROBE), json.dumps(told)]
        done = _finish(networks.inside(network, words, folder), scratch, _home(python, scratch), job.limit_s)
        ended = time.monotonic()
        if not answer.exists():
            return Finished(done.error or "the probe gave no answer", done.wall_s, done.cpu_s, done.said)
        found = json.loads(clean(answer.read_text(encoding="utf-8"), folder, python))
        wall = (
            ended - found["began"]
        )  # from the first line of the probe to its end: not the making of a namespace
        said = clean(done.said, folder, python)
        return Finished(found["error"] or done.error, wall, done.cpu_s, said, found)


def _finish(words: list[str], folder: Path, home: Path, limit_s: float = TIME_LIMIT_S) -> Finished:
    """Run in a session of its own, which ends with its leader. We must have no other child meanwhile.

    The process inherits a path, a language and a home; no proxy, no Python setting.
    """
    variables = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(home)}
    with tempfile.TemporaryFile() as said:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
            cwd=folder, env=variables, start_new_session=True,
        )  # fmt: skip
        # Not wait(timeout=...), which looks every 50 ms: the wall clock would go by that step.
        limit = threading.Timer(limit_s, _end_session, [process.pid])
        limit.start()
        code = process.wait()
        limit.cancel()
        wall = time.perf_counter() - began
        _end_session(process.pid)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        said.seek(0)
        text = said.read().decode(errors="replace")
    error = f"exit code {code}" if code else ""
    if wall >= limit_s:
        error = f"still running after {limit_s:g} s"
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Finished(error, wall, cpu, text)


def _end_session(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # the usual case: nothing was left behind
        os.killpg(leader, signal.SIGKILL)


def clean(text: str, folder: Path, python: Path) -> str:
    """A text with this machine's paths and name taken out."""
    for path, word in ((str(folder), "<scratch>"), (str(python.parent.parent), "<environment>")):
        text = text.replace(path, word)
    text = re.sub(r"(?<![\w<>])/(?:root|home|Users|tmp|work)/[^\s'\":,)\]\\]*", "<path>", text)
    host = socket.gethostname()
    return re.sub(rf"\b{re.escape(host)}\b", "<host>", text) if len(host) > 2 else text
