"""Drives one tool through its life and says what that cost. Runs inside the tool's own environment.

Called as `python -I probe.py JOB`, JOB being JSON. The answer is a JSON file, `job["answer"]`, so that a
tool may print whatever it likes. Standard library only, and nothing of this repository: what it loads
itself is loaded in the bare measurement too, and cancels.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from typing import Any

INTERNET = (2, 10)  # AF_INET and AF_INET6 on Linux; the socket module must not be imported just to name them
TICK = os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """All live children of a process, and theirs. Empty where /proc cannot tell."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += [int(child) for child in file.read().split()]
    except OSError:
        return []
    return found + [below for child in found for below in descendants(child)]


def cpu_of(pid: int) -> float:
    """CPU seconds of a live process: the scheduler's nanoseconds where it tells, else clock ticks."""
    try:
        total = 0
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e9
    except (OSError, IndexError):
        pass
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    except (OSError, IndexError):
        return 0.0  # it ended between the listing and the look: it is in the reaped children by now


def cpu_of_others() -> tuple[float, int]:
    """CPU seconds of ended and of live children, and how many are live."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    live = descendants(os.getpid())
    return ended.ru_utime + ended.ru_stime + sum(map(cpu_of, live)), len(live)


class Stopwatch:
    """Wall and CPU seconds of the whole process tree between `start` and `stop`.

    Our own process is read last at the start and first at the end: looking at the children is not
    counted.
    """

    def start(self) -> None:
        self._others, _ = cpu_of_others()
        self._wall = time.perf_counter()
        self._own = time.process_time_ns()

    def stop(self) -> dict[str, float]:
        own = time.process_time_ns() - self._own
        wall = time.perf_counter() - self._wall
        others, live = cpu_of_others()
        return {"wall_s": wall, "cpu_s": own / 1e9 + others - self._others, "children": live}


def peak_memory_kib() -> int:
    """Highest resident memory of this program. (getrusage also remembers the parent's, before exec.)"""
    with open("/proc/self/status") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("VmHWM:")), 0)


def packets_sent() -> int:
    """Packets sent through every interface of this network, loopback left out."""
    with open("/proc/net/dev") as file:
        rows = [line.split(":", 1) for line in file if ":" in line]
    return sum(int(counters.split()[9]) for name, counters in rows if name.strip() != "lo")


class Witness:
    """Notes what a program does to the world, by Python's audit events (native code is not seen)."""

    def __init__(self) -> None:
        self.sockets = 0
        self.names: list[str] = []
        self.connects: list[str] = []
        self.programs: list[str] = []
        self.files: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.__new__" and args[1] in INTERNET:
            self.sockets += 1
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self.names.append(str(args[0]))
        elif event == "socket.connect":
            self.connects.append(str(args[1]))
        elif event == "subprocess.Popen":
            self.programs.append(args[1] if isinstance(args[1], str) else " ".join(map(str, args[1])))
        elif event == "os.system":
            self.programs.append(str(args[0]))
        elif event == "open":
            self._opened(args[0], args[2])

    def _opened(self, path: object, flags: object) -> None:
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        if (
            writes
            and isinstance(path, str)
            and not path.startswith(("/dev/", "/proc/"))
            and ".pyc" not in path
        ):
            self.files.append(path)

    def told(self) -> dict[str, Any]:
        """What was seen, each thing once."""
        lists = {
            "names": self.names,
            "connects": self.connects,
            "programs": self.programs,
            "files": self.files,
        }
        return {"sockets": self.sockets, "lookups": len(self.names)} | {
            key: sorted(set(value))[:20] for key, value in lists.items()
        }


def windows(job: dict[str, Any], space: dict[str, Any], answer: dict[str, Any]) -> None:
    """Open and close `job["windows"]` windows, or as many as `job["window_limit_s"]` allows."""
    make, start, stop = (compile(job[key], key, "exec") for key in ("make", "start", "stop"))
    watch, quiet = Stopwatch(), Stopwatch()
    deadline = time.monotonic() + job["window_limit_s"]
    for number in range(job["windows"]):
        watch.start()
        exec(make, space)
        exec(start, space)
        if job["sleep_s"]:
            time.sleep(job["settle_s"])
            quiet.start()
            time.sleep(job["sleep_s"])
            answer["sleep"] = quiet.stop() | {"threads": threading.active_count()}
        exec(stop, space)
        answer["windows"].append(watch.stop())
        if not number:
            answer["peak_kib"] = peak_memory_kib()
        if time.monotonic() > deadline:
            break


def main() -> None:
    """Do the job, whatever the tool does, and answer."""
    began = time.monotonic()
    job = json.loads(sys.argv[1])
    witness = Witness()
    answer: dict[str, Any] = {"began": began, "error": "", "imported": False, "windows": [], "result": ""}
    space = {"interval": job["interval_s"], "tmp": job["folder"]}
    if job["witness"]:
        sys.addaudithook(witness)
    try:
        exec(compile(job["prep"], "prep", "exec"), space)
        answer["imported"] = True
        windows(job, space, answer)
        answer["result"] = repr(eval(job["result"], space))[:400]
    except BaseException as error:  # noqa: BLE001 a tool may raise anything, SystemExit too: a finding
        answer["error"] = f"{type(error).__name__}: {error}"[:600]
    answer["threads_left"] = sorted(t.name for t in threading.enumerate() if t is not threading.main_thread())
    answer["packets"] = packets_sent()
    answer["seen"] = witness.told()
    with open(job["answer"], "w") as file:
        json.dump(answer, file)


if __name__ == "__main__":
    main()
