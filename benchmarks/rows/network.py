"""How long a tool makes its host wait with no network, and with one that swallows every packet."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import networks
from benchmarks.context import Context, Driven, in_turns
from benchmarks.launch import Finished, Job, probe
from benchmarks.results import Measurement, rounded
from benchmarks.rows.behaviour import imported

ROWS = ("stall", "packets", "no-network-wall")


def measure(context: Context) -> Iterator[Measurement]:
    """Import, one empty window, exit. Stall: wall clock with packets dropped, minus with no network."""
    if why := networks.why_not():
        context.skip(ROWS, why)
        return
    job = Job(windows=1, witness=True)

    def sample(driven: Driven) -> tuple[Finished, Finished]:
        python, variant = driven.installed.python, driven.variant
        return probe(python, variant, job, networks.NONE), probe(python, variant, job, networks.DROPPED)

    for driven, pairs in in_turns(context.driven(), context.settings.network_repeats, sample):
        yield from _rows(driven, pairs)
        for network, done in zip((networks.NONE, networks.DROPPED), pairs[-1], strict=True):
            if done.error:
                context.observe(driven, f"import and an empty window, {network}", error=done.error)


def _rows(driven: Driven, pairs: list[tuple[Finished, Finished]]) -> Iterator[Measurement]:
    """A tool that raises has made its host wait all the same, unless it could not even be imported."""
    tool, variant = driven.installed.tool.name, driven.variant
    error = next((done.error for pair in pairs for done in pair if done.error), "")
    both = [(none, dropped) for none, dropped in pairs if imported(none) and imported(dropped)]
    stall = rounded([dropped.wall_s - none.wall_s for none, dropped in both])
    sent = tuple(float(dropped.answer["packets"]) for _, dropped in both)
    alone = rounded([none.wall_s for none, _ in both])
    yield Measurement("stall", tool, "s", stall, variant.name, error=error)
    yield Measurement("packets", tool, "", sent, variant.name, error=error)
    yield Measurement("no-network-wall", tool, "s", alone, variant.name, error=error)
