"""Processes for tests with many of them: ``python -m tests.ledger.workers WHAT URL NUMBERS...``.

``land URL PROCESSES EACH``
    forks so many writers and lets them go at once; each lands so many runs of its own and one that all share.
``fold URL``
    folds over and over until the file ``stop`` is in the ledger and nothing waits; prints how many files.
``killed URL MOMENTS MILLISECONDS SEED``
    lands, folds and compacts in a child process that is killed at a random moment, so many times.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

from tests.ledger.landing import document, some_samples
from wattmark.ledger.inbox import land_run, land_samples
from wattmark.ledger.store import open_store


def land(url: str, processes: int, each: int) -> int:
    """All of them begin when the pipe closes."""
    hold, let_go = os.pipe()
    children = []
    for number in range(processes):
        child = os.fork()
        if not child:
            os.close(let_go)
            os.read(hold, 1)
            store = open_store(url)
            for n in range(each):
                land_run(store, document(f"r-{number}-{n}"))
            land_run(store, document("r-shared"))
            os._exit(0)
        children.append(child)
    os.close(let_go)
    return max(os.waitpid(child, 0)[1] for child in children)


def fold_on(url: str) -> int:
    """Until there is nothing to do any more."""
    from wattmark.ledger.fold import fold

    store = open_store(url)
    files = 0
    while True:
        stop = store.size("stop") is not None
        done = fold(store, time.time_ns() // 1000)
        files += done.files
        assert not done.rejected, done.rejected
        if stop and not any(store.names("inbox/")):
            sys.stdout.write(f"{files}\n")
            return 0
        time.sleep(0.01)


def killed(url: str, moments: int, milliseconds: int, seed: int) -> int:
    """Tells how many children were killed in the middle of it."""
    from wattmark.ledger.compaction import compact
    from wattmark.ledger.fold import fold

    store = open_store(url)
    drawn = random.Random(seed)
    cut = 0
    for moment in range(moments):
        for n in range(10):
            land_run(store, document(f"r-{moment}-{n}"))
        land_samples(store, [some_samples(f"GPU-{moment}", rows=50)])
        child = os.fork()
        if not child:
            fold(store, time.time_ns() // 1000)
            if moment % 3 == 0:
                compact(store, time.time_ns() // 1000)
            os._exit(0)
        time.sleep(drawn.random() * milliseconds / 1000)
        os.kill(child, signal.SIGKILL)
        cut += os.waitpid(child, 0)[1] == signal.SIGKILL
    sys.stdout.write(f"{cut}\n")
    return 0


if __name__ == "__main__":
    what, at, *numbers = sys.argv[1:]
    sys.exit({"land": land, "fold": fold_on, "killed": killed}[what](at, *map(int, numbers)))  # type: ignore[operator]
