"""From what was asked on the command line or in Python to a benchmark that runs, in the real world or not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from wattmark.bench.bundle.layout import SUFFIX, Bundle
from wattmark.bench.bundle.store import EvidenceStore
from wattmark.bench.bundle.write import write_bundle
from wattmark.bench.catalog import task_asked
from wattmark.bench.harness import run_benchmark
from wattmark.bench.job import Watch
from wattmark.bench.simulated import simulated_world
from wattmark.bench.world import World
from wattmark.config import Config
from wattmark.core.bench.evidence import Evidence
from wattmark.wiring.bench_asked import BenchAsked
from wattmark.wiring.bench_job import job_of
from wattmark.wiring.bench_world import versions, world_here


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a benchmark ended."""

    folder: Path
    bundle: Bundle | None
    """None where it was stopped: then it can be resumed."""


class Around(Protocol):
    """What a server changes about a benchmark (:class:`wattmark.wiring.bench_endpoint.Server`)."""

    def world(self, world: World) -> World:
        """The meters that see it."""
        ...

    def finish(self, evidence: Evidence) -> Evidence:
        """With what is told of its power afterwards, before the evidence is sealed."""
        ...


def run_asked(
    asked: BenchAsked,
    folder: Path,
    config: Config,
    watch: Watch | None = None,
    *,
    resume: bool = False,
    server: Around | None = None,
) -> Done:
    """Run a benchmark into a bundle in ``folder``, of this machine or of a server.

    Raises UsageError and MissingExtra for what is asked wrongly, EvidenceError for what cannot be kept or
    answered.
    """
    watch = watch or Watch()
    world = world_of(asked, config)
    if server is not None:
        world = server.world(world)
    try:
        job = job_of(asked, world, Path.cwd())
        with EvidenceStore.resume(folder) if resume else EvidenceStore.open(folder) as store:
            earlier = store.so_far() if resume else None
            evidence = run_benchmark(job, world, store, watch, earlier=earlier)
            if watch.stopped():
                return Done(folder=folder, bundle=None)
        if server is not None:
            evidence = server.finish(evidence)
        return Done(folder=folder, bundle=write_bundle(evidence, folder))
    except BaseException:
        _remove_if_empty(folder)
        raise
    finally:
        world.meters.close()


def _remove_if_empty(folder: Path) -> None:
    """Leave nothing of a benchmark that never began."""
    from wattmark.bench.bundle.journal import JOURNAL
    from wattmark.bench.bundle.layout import OPEN
    from wattmark.frames import LOCK

    journal = folder / OPEN / JOURNAL
    if journal.is_file() and journal.stat().st_size == 0:
        with suppress(OSError):  # what cannot be removed is in nobody's way
            journal.unlink()
            (folder / OPEN / LOCK).unlink(missing_ok=True)
            (folder / OPEN).rmdir()
            folder.rmdir()


def world_of(asked: BenchAsked, config: Config) -> World:
    """The real world, or a simulated one where it was asked for."""
    if asked.simulated is not None:
        return simulated_world(asked.simulated, versions)
    return world_here(
        config, local=asked.callable is None and asked.endpoint is None, served=asked.endpoint is not None
    )


def bundle_name(asked: BenchAsked, now: datetime) -> str:
    """Name of the folder of a bundle: when, which task, which model."""
    if isinstance(asked.callable, str):
        model = asked.callable.rpartition(":")[2]
    else:
        model = Path(asked.name or asked.model or "model").name
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in model)[:60].strip(".-")
    task = task_asked(asked.task).id.replace("_", "-")
    return f"{now:%Y%m%dT%H%M%SZ}-{task}-{plain or 'model'}{SUFFIX}"


def free_folder(folder: Path) -> Path:
    """The folder, or one with a number behind its name where something is there already."""
    found, number = folder, 1
    while found.exists():
        number += 1
        found = folder.with_name(f"{folder.name.removesuffix(SUFFIX)}-{number}{SUFFIX}")
    return found
