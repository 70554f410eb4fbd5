"""All tasks of the benchmark on tiny local models, and what becomes of their bundles."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wattmark.bench.bundle.layout import Bundle
from wattmark.bench.bundle.verify import verify
from wattmark.bench.job import Watch
from wattmark.config import Config
from wattmark.core.bench.findings import Checked
from wattmark.core.bench.task import TASKS
from wattmark.wiring.bench import run_asked
from wattmark.wiring.bench_asked import BenchAsked

MODEL = "tiny"
PROFILE = "quick"
BUNDLES = "bundles"
EDITED = "edited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One task, benchmarked."""

    bundle: Bundle
    folder: Path


def benchmark_all(
    folder: Path, config: Config, queries: int, watch: Watch, say: Callable[[str], None]
) -> Iterator[Made]:
    """Each of the eleven tasks with a tiny model of random weights, by the profile for tries.

    Ends early where the watch says so. Raises MissingExtra without the extra ``bench``.
    """
    tasks = [task for task in TASKS.values() if task.inference]
    for number, task in enumerate(tasks, 1):
        say(f"[{number}/{len(tasks)}] {task.title} ...")
        where = folder / BUNDLES / f"{task.id.replace('_', '-')}.wattmark"
        asked = BenchAsked(task=task.id, model=MODEL, profile=PROFILE, queries=queries)
        done = run_asked(asked, where, config, watch)
        if done.bundle is None:
            return
        yield Made(bundle=done.bundle, folder=where)


def check_edited(made: Made, folder: Path) -> Checked:
    """Copy a bundle, add one digit to what a meter said, and look for the edit as anybody would."""
    copy = folder / EDITED / made.folder.name
    shutil.copytree(made.folder, copy)
    looks = copy / "looks.jsonl"
    text = looks.read_text(encoding="utf-8")
    place = max(at for at, sign in enumerate(text) if sign.isdigit())
    looks.write_text(text[:place] + "0" + text[place:], encoding="utf-8", newline="\n")
    return verify(copy).checked
